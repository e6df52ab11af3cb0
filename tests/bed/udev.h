/* SPDX-License-Identifier: MIT */
#pragma once

#include "sysfs.h"
#include "uevent.h"

/* What kernel and udevd say of a device: names, properties, events, entries of udev's database. */

#define UDEV_TAG       "dfud"
#define UDEV_MAJOR_USB 189
#define UDEV_MAJOR_TTY 166
#define UDEV_BUS       "/devices/pci0000:00/0000:00:14.0/usb1"

/* DEVPATH of the device, its interface 0, its tty: 1-1.2 is .../usb1/1-1/1-1.2. */
void udev_devpath(const struct sysfs_device *device, char *ret, size_t size);
void udev_interface_devpath(const struct sysfs_device *device, char *ret, size_t size);
void udev_tty_devpath(const struct sysfs_device *device, char *ret, size_t size);

/* What the kernel itself says of the device, in `uevent` and in each event. */
void udev_kernel_properties(struct uevent *uevent, const struct sysfs_device *device);

/* Events. here: udevd knows its properties; they are gone at unbind and remove. 0 or -errno. */
int udev_tell_device(
	const char *root, const struct sysfs_device *device, const char *action, bool here);
int udev_tell_interface(const char *root, const struct sysfs_device *device, const char *action);
int udev_tell_tty(
	const char *root, const struct sysfs_device *device, const char *action, bool here);

/* The text of /run/udev/data/cMAJOR:MINOR, for the device or its tty. Bytes. */
size_t udev_database(const struct sysfs_device *device, bool tty, char *ret, size_t size);
