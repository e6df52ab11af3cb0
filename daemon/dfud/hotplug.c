/* SPDX-License-Identifier: MIT */
/*
 * Ports by libudev.
 *
 * Model: the monitor of "udev" (never the kernel's own, whose events have no properties) limited to
 * usb_device and tty. `add` may come before the kernel made the interfaces, so a device is told
 * again at `bind`. Events of hubs and of run-time devices pass like any other; who is meant is not
 * decided here. The properties are gone on `remove`: only the port is told.
 *
 * ENOBUFS means that events were lost: everything tagged is enumerated again.
 */
#include "dfud/hotplug.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libudev.h>

#define HOTPLUG_TAG    "dfud"
#define HOTPLUG_BUFFER (16 * 1024 * 1024)

struct hotplug {
	struct udev *udev;
	struct udev_monitor *monitor;
	sd_event_source *io, *enumerate;
	struct hotplug_events events;
	void *user;
};

static const char *hotplug_property(struct udev_device *device, const char *name)
{
	const char *value = udev_device_get_property_value(device, name);

	return value != NULL ? value : "";
}

/* udev writes ids as hexadecimal without prefix; the uevent's PRODUCT is "483/df11/2200". */
static void hotplug_read_ids(struct udev_device *device, struct hotplug_device *ret)
{
	unsigned vendor = 0;
	unsigned product = 0;

	if (sscanf(hotplug_property(device, "PRODUCT"), "%x/%x/", &vendor, &product) == 2) {
		ret->vendor = (uint16_t)vendor;
		ret->product = (uint16_t)product;
	}
}

/* ID_MODEL_ENC and its kind write what is not plain as \xNN. */
static void hotplug_decode(const char *text, char *ret, size_t size)
{
	size_t n = 0;

	while (*text != '\0' && n + 1 < size) {
		unsigned c = 0;

		if (sscanf(text, "\\x%2x", &c) == 1 && c != 0) {
			ret[n++] = (char)c;
			text += 4;
		} else {
			ret[n++] = *text++;
		}
	}
	ret[n] = '\0';
}

/* Manufacturer and product, as the device calls itself. */
static void hotplug_read_name(struct udev_device *device, char *ret, size_t size)
{
	char maker[64];
	char product[64];

	hotplug_decode(hotplug_property(device, "ID_VENDOR_ENC"), maker, sizeof(maker));
	hotplug_decode(hotplug_property(device, "ID_MODEL_ENC"), product, sizeof(product));
	snprintf(ret, size, "%s%s%s", maker, maker[0] && product[0] ? " " : "", product);
}

static void hotplug_read_line(const char *path, char *ret, size_t size)
{
	FILE *file = fopen(path, "re");

	if (file != NULL) {
		if (fgets(ret, (int)size, file) != NULL) {
			ret[strcspn(ret, "\n")] = '\0';
		}
		fclose(file);
	}
}

/* The `interface` attribute of the device's first DFU interface: alternate 0's string. */
static void hotplug_read_layout(struct udev_device *device, char *ret, size_t size)
{
	const char *syspath = udev_device_get_syspath(device);
	const char *name = udev_device_get_sysname(device);
	const size_t length = strlen(name);
	DIR *dir = opendir(syspath);
	const struct dirent *entry;

	while (dir != NULL && ret[0] == '\0' && (entry = readdir(dir)) != NULL) {
		char path[1024];
		char class[8] = "";

		if (strncmp(entry->d_name, name, length) != 0 || entry->d_name[length] != ':') {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s/bInterfaceClass", syspath, entry->d_name);
		hotplug_read_line(path, class, sizeof(class));
		if (strcmp(class, "fe") == 0) {
			snprintf(path, sizeof(path), "%s/%s/interface", syspath, entry->d_name);
			hotplug_read_line(path, ret, size);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
}

static void hotplug_read(struct udev_device *device, struct hotplug_device *ret)
{
	*ret = (struct hotplug_device){0};
	snprintf(ret->port, sizeof(ret->port), "%s", udev_device_get_sysname(device));
	snprintf(ret->path, sizeof(ret->path), "%s", hotplug_property(device, "ID_PATH"));
	snprintf(ret->serial, sizeof(ret->serial), "%s",
		hotplug_property(device, "ID_SERIAL_SHORT"));
	hotplug_read_name(device, ret->name, sizeof(ret->name));
	hotplug_read_ids(device, ret);
	ret->dfu = strstr(hotplug_property(device, "ID_USB_INTERFACES"), ":fe0102:") != NULL;
	ret->number = (uint32_t)(strtoul(hotplug_property(device, "BUSNUM"), NULL, 10) << 16 |
				 strtoul(hotplug_property(device, "DEVNUM"), NULL, 10));
	if (ret->dfu) {
		hotplug_read_layout(device, ret->layout, sizeof(ret->layout));
	}
}

static bool hotplug_is_tty(struct udev_device *device)
{
	const char *subsystem = udev_device_get_subsystem(device);

	return subsystem != NULL && strcmp(subsystem, "tty") == 0;
}

static void hotplug_take_tty(struct hotplug *h, struct udev_device *device)
{
	struct udev_device *parent =
		udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device");
	const char *link = udev_device_get_devnode(device);
	struct udev_list_entry *entry;

	if (parent == NULL || link == NULL) {
		return;
	}
	udev_list_entry_foreach(entry, udev_device_get_devlinks_list_entry(device))
	{
		const char *name = udev_list_entry_get_name(entry);

		if (strncmp(name, "/dev/serial/by-id/", 18) == 0) {
			link = name;
		}
	}
	h->events.tty(h->user, udev_device_get_sysname(parent), link);
}

static void hotplug_take(struct hotplug *h, struct udev_device *device)
{
	const char *action = udev_device_get_action(device);
	struct hotplug_device found;

	if (action == NULL) {
		return;
	}
	if (strcmp(action, "remove") == 0) {
		if (!hotplug_is_tty(device)) {
			h->events.absent(h->user, udev_device_get_sysname(device));
		}
		return;
	}
	if (strcmp(action, "add") != 0 && strcmp(action, "bind") != 0 &&
		strcmp(action, "change") != 0) {
		return;
	}
	if (hotplug_is_tty(device)) {
		hotplug_take_tty(h, device);
		return;
	}
	hotplug_read(device, &found);
	if (found.dfu && found.layout[0] == '\0' && strcmp(action, "add") == 0) {
		return; /* the interfaces are not there yet: bind follows */
	}
	h->events.present(h->user, &found);
}

static int hotplug_enumerate(struct hotplug *h)
{
	struct udev_enumerate *all = udev_enumerate_new(h->udev);
	struct udev_list_entry *entry;
	int r = -ENOMEM;

	if (all == NULL) {
		return r;
	}
	r = udev_enumerate_add_match_tag(all, HOTPLUG_TAG);
	if (r >= 0) {
		r = udev_enumerate_add_match_subsystem(all, "usb");
	}
	if (r >= 0) {
		r = udev_enumerate_scan_devices(all);
	}
	udev_list_entry_foreach(entry, r >= 0 ? udev_enumerate_get_list_entry(all) : NULL)
	{
		struct udev_device *device =
			udev_device_new_from_syspath(h->udev, udev_list_entry_get_name(entry));
		struct hotplug_device found;

		if (device != NULL && udev_device_get_is_initialized(device)) {
			hotplug_read(device, &found);
			h->events.present(h->user, &found);
		}
		udev_device_unref(device);
	}
	udev_enumerate_unref(all);
	return r;
}

static int hotplug_on_enumerate(sd_event_source *source, void *user)
{
	struct hotplug *h = user;

	(void)source;
	(void)hotplug_enumerate(h);
	return 0;
}

static int hotplug_on_monitor(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct hotplug *h = user;
	struct udev_device *device;

	(void)source;
	(void)fd;
	(void)revents;
	for (;;) {
		errno = 0;
		device = udev_monitor_receive_device(h->monitor);
		if (device == NULL) {
			break;
		}
		hotplug_take(h, device);
		udev_device_unref(device);
	}
	if (errno == ENOBUFS) {
		h->events.lost(h->user);
		(void)hotplug_enumerate(h);
	}
	return 0;
}

static int hotplug_listen(struct hotplug *h)
{
	int r = udev_monitor_filter_add_match_subsystem_devtype(h->monitor, "usb", "usb_device");

	if (r >= 0) {
		r = udev_monitor_filter_add_match_subsystem_devtype(h->monitor, "tty", NULL);
	}
	/* without CAP_NET_ADMIN the kernel's limit stays: ENOBUFS is handled all the same */
	(void)udev_monitor_set_receive_buffer_size(h->monitor, HOTPLUG_BUFFER);
	return r < 0 ? r : udev_monitor_enable_receiving(h->monitor);
}

int hotplug_new(
	struct hotplug **ret, sd_event *event, const struct hotplug_events *events, void *user)
{
	struct hotplug *h = calloc(1, sizeof(*h));
	int r = -ENOMEM;

	if (h == NULL) {
		return r;
	}
	h->events = *events;
	h->user = user;
	h->udev = udev_new();
	h->monitor = h->udev != NULL ? udev_monitor_new_from_netlink(h->udev, "udev") : NULL;
	if (h->monitor != NULL) {
		r = hotplug_listen(h);
	}
	if (r >= 0) {
		r = sd_event_add_io(event, &h->io, udev_monitor_get_fd(h->monitor), EPOLLIN,
			hotplug_on_monitor, h);
	}
	if (r >= 0) {
		r = sd_event_add_defer(event, &h->enumerate, hotplug_on_enumerate, h);
	}
	if (r < 0) {
		hotplug_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

struct hotplug *hotplug_free(struct hotplug *h)
{
	if (h == NULL) {
		return NULL;
	}
	sd_event_source_unref(h->io);
	sd_event_source_unref(h->enumerate);
	udev_monitor_unref(h->monitor);
	udev_unref(h->udev);
	free(h);
	return NULL;
}

int hotplug_look(struct hotplug *h, const char *port, struct hotplug_device *ret)
{
	struct udev_device *device = udev_device_new_from_subsystem_sysname(h->udev, "usb", port);

	if (device == NULL) {
		return errno == ENOMEM ? -ENOMEM : 0;
	}
	if (!udev_device_get_is_initialized(device)) { /* its event follows */
		udev_device_unref(device);
		return 0;
	}
	hotplug_read(device, ret);
	udev_device_unref(device);
	return 1;
}
