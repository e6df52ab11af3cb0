/* SPDX-License-Identifier: MIT */
/*
 * A device is folders and small files below ROOT/sys/devices, links to it from bus/usb, class/tty
 * and dev/char, a node below ROOT/dev, and entries of udev's database: a properties file and, for
 * tagged devices, an empty file for each tag. Nothing here knows of boards or of time.
 *
 * The order is the kernel's: a device comes before its interface, that before its tty, and `bind`
 * ends it; it goes the other way round, and its files are gone before `remove` is heard. udevd
 * knows nothing of a device's properties any more at `unbind` and `remove` (seen with systemd 252).
 */

#include "sysfs.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "udev.h"

#define SYSFS_PATH 512

int sysfs_make_folder(const char *path)
{
	char copy[SYSFS_PATH];

	if (snprintf(copy, sizeof(copy), "%s/", path) >= (int)sizeof(copy)) {
		return -ENAMETOOLONG;
	}
	for (char *end = strchr(copy + 1, '/'); end; end = strchr(end + 1, '/')) {
		*end = 0;
		if (mkdir(copy, 0755) < 0 && errno != EEXIST) {
			return -errno;
		}
		*end = '/';
	}
	return 0;
}

static int sysfs_remove_one(
	const char *path, const struct stat *info, int kind, struct FTW *position)
{
	remove(path);
	return 0;
}

void sysfs_remove(const char *path)
{
	nftw(path, sysfs_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The whole content of a file, its folders made as needed. */
static int sysfs_write(const char *path, const void *bytes, size_t size)
{
	char folder[SYSFS_PATH];
	FILE *file;
	int r;

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	r = sysfs_make_folder(folder);
	if (r < 0) {
		return r;
	}
	file = fopen(path, "we");
	if (!file) {
		return -errno;
	}
	fwrite(bytes, 1, size, file);
	return fclose(file) < 0 ? -errno : 0;
}

__attribute__((format(printf, 3, 4))) static void sysfs_attribute(
	const char *folder, const char *name, const char *format, ...)
{
	char path[SYSFS_PATH + 64], text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	sysfs_write(path, text, strlen(text));
}

static void sysfs_attribute_if(const char *folder, const char *name, const char *text)
{
	if (text[0]) {
		sysfs_attribute(folder, name, "%s\n", text);
	}
}

/* ROOT/sys/FROM becomes a link to ROOT/sys/TO, relative as the kernel's are. */
static void sysfs_link(const char *root, const char *from, const char *to)
{
	char path[SYSFS_PATH], target[2 * SYSFS_PATH] = "";

	for (const char *p = strchr(from + 1, '/'); p; p = strchr(p + 1, '/')) {
		strcat(target, "../");
	}
	strncat(target, to + 1, SYSFS_PATH);
	snprintf(path, sizeof(path), "%s/sys%.*s", root, (int)(strrchr(from, '/') - from), from);
	sysfs_make_folder(path);
	snprintf(path, sizeof(path), "%s/sys%s", root, from);
	unlink(path);
	if (symlink(target, path) < 0) {
		perror(path);
	}
}

__attribute__((format(printf, 3, 4))) static void sysfs_link_at(
	const char *root, const char *to, const char *format, ...)
{
	char from[SYSFS_PATH];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(from, sizeof(from), format, arguments);
	va_end(arguments);
	sysfs_link(root, from, to);
}

static void sysfs_write_uevent(const char *folder, const struct uevent *uevent)
{
	char path[SYSFS_PATH + 16], text[UEVENT_MAX];

	for (size_t i = 0; i < uevent->size; i++) {
		text[i] = uevent->text[i] ? uevent->text[i] : '\n';
	}
	snprintf(path, sizeof(path), "%s/uevent", folder);
	sysfs_write(path, text, uevent->size);
}

static void sysfs_lay_device(const char *root, const struct sysfs_device *device)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[SYSFS_PATH / 2], folder[SYSFS_PATH], path[2 * SYSFS_PATH];

	udev_devpath(device, devpath, sizeof(devpath));
	snprintf(folder, sizeof(folder), "%s/sys%s", root, devpath);
	udev_kernel_properties(&uevent, device);
	sysfs_write_uevent(folder, &uevent);
	sysfs_attribute(folder, "idVendor", "%04x\n", device->vendor);
	sysfs_attribute(folder, "idProduct", "%04x\n", device->product);
	sysfs_attribute(folder, "bcdDevice", "%04x\n", device->bcd_device);
	sysfs_attribute(folder, "busnum", "1\n");
	sysfs_attribute(folder, "devnum", "%u\n", device->devnum);
	sysfs_attribute(folder, "dev", "%d:%u\n", UDEV_MAJOR_USB, device->devnum - 1);
	sysfs_attribute(folder, "speed", "12\n");
	sysfs_attribute(folder, "bConfigurationValue", "1\n");
	sysfs_attribute_if(folder, "manufacturer", device->maker);
	sysfs_attribute_if(folder, "product", device->model);
	sysfs_attribute_if(folder, "serial", device->serial);
	snprintf(path, sizeof(path), "%s/descriptors", folder);
	sysfs_write(path, device->descriptors, device->n_descriptors);
	sysfs_link_at(root, "/bus/usb", "%s/subsystem", devpath);
	sysfs_link_at(root, devpath, "/bus/usb/devices/%s", device->port);
	sysfs_link_at(root, devpath, "/dev/char/%d:%u", UDEV_MAJOR_USB, device->devnum - 1);
	snprintf(path, sizeof(path), "%s/dev/bus/usb/001/%03u", root, device->devnum);
	sysfs_write(path, device->descriptors, device->n_descriptors);
}

static void sysfs_lay_interface(const char *root, const struct sysfs_device *device)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[SYSFS_PATH / 2], folder[SYSFS_PATH];

	udev_interface_devpath(device, devpath, sizeof(devpath));
	snprintf(folder, sizeof(folder), "%s/sys%s", root, devpath);
	uevent_add(&uevent, "DEVTYPE=usb_interface");
	sysfs_write_uevent(folder, &uevent);
	sysfs_attribute(folder, "bInterfaceNumber", "00\n");
	sysfs_attribute(folder, "bAlternateSetting", " 0\n");
	sysfs_attribute(folder, "bInterfaceClass",
		device->dfu	? "fe\n"
		: device->plain ? "ff\n"
				: "02\n");
	sysfs_attribute(folder, "bInterfaceSubClass",
		device->dfu	? "01\n"
		: device->plain ? "00\n"
				: "02\n");
	sysfs_attribute(folder, "bInterfaceProtocol",
		device->dfu	? "02\n"
		: device->plain ? "00\n"
				: "01\n");
	sysfs_attribute_if(folder, "interface", device->layout);
	sysfs_link_at(root, "/bus/usb", "%s/subsystem", devpath);
	sysfs_link_at(root, devpath, "/bus/usb/devices/%s:1.0", device->port);
}

static void sysfs_lay_tty(const char *root, const struct sysfs_device *device)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[SYSFS_PATH / 2], folder[SYSFS_PATH];

	udev_tty_devpath(device, devpath, sizeof(devpath));
	snprintf(folder, sizeof(folder), "%s/sys%s", root, devpath);
	uevent_add(&uevent, "MAJOR=%d", UDEV_MAJOR_TTY);
	uevent_add(&uevent, "MINOR=%u", device->tty);
	uevent_add(&uevent, "DEVNAME=ttyACM%u", device->tty);
	sysfs_write_uevent(folder, &uevent);
	sysfs_attribute(folder, "dev", "%d:%u\n", UDEV_MAJOR_TTY, device->tty);
	sysfs_link_at(root, "/class/tty", "%s/subsystem", devpath);
	sysfs_link_at(root, devpath, "/class/tty/ttyACM%u", device->tty);
	sysfs_link_at(root, devpath, "/dev/char/%d:%u", UDEV_MAJOR_TTY, device->tty);
}

static void sysfs_write_database(
	const char *root, const struct sysfs_device *device, bool tty, unsigned minor)
{
	char path[SYSFS_PATH], text[UEVENT_MAX];

	snprintf(path, sizeof(path), "%s/run/udev/data/c%d:%u", root,
		tty ? UDEV_MAJOR_TTY : UDEV_MAJOR_USB, minor);
	sysfs_write(path, text, udev_database(device, tty, text, sizeof(text)));
	if (device->dfu) {
		snprintf(path, sizeof(path), "%s/run/udev/tags/" UDEV_TAG "/c%d:%u", root,
			UDEV_MAJOR_USB, minor);
		sysfs_write(path, "", 0);
	}
}

static bool sysfs_has_tty(const struct sysfs_device *device)
{
	return !device->dfu && !device->plain;
}

int sysfs_plug(const char *root, const struct sysfs_device *device)
{
	int r;

	sysfs_lay_device(root, device);
	sysfs_lay_interface(root, device);
	sysfs_write_database(root, device, false, device->devnum - 1);
	if (sysfs_has_tty(device)) {
		sysfs_lay_tty(root, device);
		sysfs_write_database(root, device, true, device->tty);
	}
	r = udev_tell_device(root, device, "add", true);
	if (r == 0) {
		r = udev_tell_interface(root, device, "add");
	}
	if (r == 0 && sysfs_has_tty(device)) {
		r = udev_tell_tty(root, device, "add", true);
	}
	return r < 0 ? r : udev_tell_device(root, device, "bind", true);
}

/* Removes ROOT/what. */
__attribute__((format(printf, 2, 3))) static void sysfs_drop(
	const char *root, const char *format, ...)
{
	char path[SYSFS_PATH];
	va_list arguments;
	int n = snprintf(path, sizeof(path), "%s/", root);

	va_start(arguments, format);
	vsnprintf(path + n, sizeof(path) - (size_t)n, format, arguments);
	va_end(arguments);
	sysfs_remove(path);
}

static int sysfs_drop_tty(const char *root, const struct sysfs_device *device)
{
	sysfs_drop(root, "sys/class/tty/ttyACM%u", device->tty);
	sysfs_drop(root, "sys/dev/char/%d:%u", UDEV_MAJOR_TTY, device->tty);
	sysfs_drop(root, "run/udev/data/c%d:%u", UDEV_MAJOR_TTY, device->tty);
	return udev_tell_tty(root, device, "remove", false);
}

int sysfs_unplug(const char *root, const struct sysfs_device *device)
{
	char devpath[SYSFS_PATH / 2];
	unsigned minor = device->devnum - 1;
	int r = 0;

	udev_devpath(device, devpath, sizeof(devpath));
	sysfs_drop(root, "sys/bus/usb/devices/%s:1.0", device->port);
	sysfs_drop(root, "sys/bus/usb/devices/%s", device->port);
	sysfs_drop(root, "sys/dev/char/%d:%u", UDEV_MAJOR_USB, minor);
	sysfs_drop(root, "dev/bus/usb/001/%03u", device->devnum);
	sysfs_drop(root, "run/udev/tags/" UDEV_TAG "/c%d:%u", UDEV_MAJOR_USB, minor);
	sysfs_drop(root, "run/udev/data/c%d:%u", UDEV_MAJOR_USB, minor);
	sysfs_drop(root, "sys%s", devpath);
	if (sysfs_has_tty(device)) {
		r = sysfs_drop_tty(root, device);
	}
	if (r == 0) {
		r = udev_tell_interface(root, device, "remove");
	}
	if (r == 0) {
		r = udev_tell_device(root, device, "unbind", false);
	}
	return r < 0 ? r : udev_tell_device(root, device, "remove", false);
}

int sysfs_init(const char *root)
{
	struct sysfs_device hub = {.port = "usb1", .devnum = 1, .vendor = 0x1d6b, .product = 2};
	struct uevent uevent = UEVENT_INIT;
	char folder[SYSFS_PATH];
	int r;

	snprintf(folder, sizeof(folder), "%s/dev/bus/usb/001", root);
	r = sysfs_make_folder(folder);
	if (r < 0) {
		return r;
	}
	snprintf(folder, sizeof(folder), "%s/run/udev/tags", root);
	sysfs_make_folder(folder);
	snprintf(folder, sizeof(folder), "%s/run/udev/control", root);
	sysfs_write(folder, "", 0);
	snprintf(folder, sizeof(folder), "%s/sys/class/tty", root);
	sysfs_make_folder(folder);
	snprintf(folder, sizeof(folder), "%s/sys" UDEV_BUS, root);
	udev_kernel_properties(&uevent, &hub);
	sysfs_write_uevent(folder, &uevent);
	sysfs_link(root, UDEV_BUS "/subsystem", "/bus/usb");
	sysfs_link(root, "/bus/usb/devices/usb1", UDEV_BUS);
	return 0;
}
