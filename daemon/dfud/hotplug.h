/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * What comes and goes on the ports, as udev tells it (libudev(3)): devices in DFU mode, every other
 * USB device, and the ttys of those. At start the devices that the rule tagged are enumerated;
 * nothing else is looked at, because reading a hub's attributes can block for minutes beside a deaf
 * board.
 */

struct hotplug;

struct hotplug_device {
	char port[64];	/* sysfs name, "1-1.2" */
	char path[128]; /* ID_PATH, "" where the rule did not import it */
	uint16_t vendor, product;
	char serial[128]; /* as udev cleans it, "" for none */
	char name[128];	  /* manufacturer and product, any bytes but NUL, "" for none */
	char layout[256]; /* string of alternate 0 of the DFU interface, "" where unknown */
	bool dfu;	  /* in DFU mode: ID_USB_INTERFACES has :fe0102: */
	uint32_t number;  /* bus << 16 | device number: another one is another appearance */
};

struct hotplug_events {
	/* A device is there; told again where udev learnt more about it (same number). */
	void (*present)(void *user, const struct hotplug_device *device);
	void (*absent)(void *user, const char *port);
	/* A tty of the device on that port has its name: the /dev/serial/by-id link or, without
	 * one, the node. */
	void (*tty)(void *user, const char *port, const char *link);
	/* Events were lost: everything was told again (present) after this call. */
	void (*lost)(void *user);
};

/*
 * Listens, then enumerates at the first turn of the loop; callbacks come from the loop only. 0 or
 * -errno.
 */
int hotplug_new(
	struct hotplug **ret, sd_event *event, const struct hotplug_events *events, void *user);
struct hotplug *hotplug_free(struct hotplug *hotplug);

/*
 * What is on one port now, read from sysfs and udev's database without touching its neighbours: 1
 * and *ret, 0 for nothing, -errno.
 */
int hotplug_look(struct hotplug *hotplug, const char *port, struct hotplug_device *ret);
