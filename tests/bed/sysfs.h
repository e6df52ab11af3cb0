/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the kernel's sysfs and udev's database show of USB devices, laid out as files below a
 * folder: ROOT/sys, ROOT/dev (for the umockdev preload) and ROOT/run/udev (for shim.c), with the
 * events in the order in which kernel and udevd send them. Bus 1 with its root hub is always there.
 */

struct sysfs_device {
	char port[32]; /* "1-1.2" */
	unsigned devnum;
	uint16_t vendor, product, bcd_device;
	char maker[64], model[64], serial[64]; /* "" : the device has none */
	uint8_t descriptors[1024];
	size_t n_descriptors;
	char layout[256]; /* string of interface 0, alternate 0 */
	bool dfu;	  /* interface 0 is DFU mode; else a CDC-ACM function with a tty */
	bool plain;	  /* neither: some vendor's own class */
	unsigned tty;	  /* number of its ttyACM */
};

int sysfs_init(const char *root);

/* Lays the device out and tells of it. 0 or -errno. */
int sysfs_plug(const char *root, const struct sysfs_device *device);
int sysfs_unplug(const char *root, const struct sysfs_device *device);

/* "/dev/serial/by-id/usb-Klipper_stm32f446xx_3E00-if00" */
void sysfs_by_id(const struct sysfs_device *device, char *ret, size_t size);
/* "pci-0000:00:14.0-usb-0:1.2" */
void sysfs_id_path(const struct sysfs_device *device, char *ret, size_t size);

/* Makes all folders of a path; removes a whole tree. */
int sysfs_make_folder(const char *path);
void sysfs_remove(const char *path);
