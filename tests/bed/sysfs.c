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

#include "uevent.h"

#define CONTROLLER "/devices/pci0000:00/0000:00:14.0/usb1"
#define TAG	   "dfud"
#define MAJOR_USB  189
#define MAJOR_TTY  166

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

/* Where a device lies: 1-1.2 is .../usb1/1-1/1-1.2. */
static void sysfs_devpath(const char *port, char *ret, size_t size)
{
	size_t length = (size_t)snprintf(ret, size, CONTROLLER);

	for (const char *end = port; *end; end++) {
		end += strcspn(end, ".");
		length += (size_t)snprintf(
			ret + length, size - length, "/%.*s", (int)(end - port), port);
		if (!*end) {
			break;
		}
	}
}

/* As udev writes ID_ values: what is not plain becomes an underscore. */
static void sysfs_plain(const char *text, char *ret, size_t size)
{
	size_t n = 0;

	for (; *text && n + 1 < size; text++) {
		bool blank = *text == ' ';

		if (!blank || (n > 0 && ret[n - 1] != '_' && text[1])) {
			ret[n++] = blank ? '_' : *text;
		}
	}
	ret[n] = 0;
}

/* ID_SERIAL: maker_model_serial */
static void sysfs_id_serial(const struct sysfs_device *device, char *ret, size_t size)
{
	char maker[64], model[64];

	sysfs_plain(device->maker, maker, sizeof(maker));
	sysfs_plain(device->model, model, sizeof(model));
	snprintf(
		ret, size, "%s_%s%s%s", maker, model, device->serial[0] ? "_" : "", device->serial);
}

void sysfs_by_id(const struct sysfs_device *device, char *ret, size_t size)
{
	char serial[256];

	sysfs_id_serial(device, serial, sizeof(serial));
	snprintf(ret, size, "/dev/serial/by-id/usb-%s-if00", serial);
}

void sysfs_id_path(const struct sysfs_device *device, char *ret, size_t size)
{
	snprintf(ret, size, "pci-0000:00:14.0-usb-0:%s",
		device->port + strcspn(device->port, "-") + 1);
}

static const char *sysfs_interfaces(const struct sysfs_device *device)
{
	return device->dfu ? ":fe0102:" : device->plain ? ":ff0000:" : ":020201:0a0000:";
}

/* What the kernel itself says of the device, in `uevent` and in each event. */
static void sysfs_kernel_properties(struct uevent *uevent, const struct sysfs_device *device)
{
	uevent_add(uevent, "MAJOR=%d", MAJOR_USB);
	uevent_add(uevent, "MINOR=%u", device->devnum - 1);
	uevent_add(uevent, "DEVNAME=/dev/bus/usb/001/%03u", device->devnum);
	uevent_add(uevent, "DEVTYPE=usb_device");
	uevent_add(uevent, "PRODUCT=%x/%x/%x", device->vendor, device->product, device->bcd_device);
	uevent_add(uevent, "TYPE=0/0/0");
	uevent_add(uevent, "BUSNUM=001");
	uevent_add(uevent, "DEVNUM=%03u", device->devnum);
}

/* What udev's rules add to it. */
static void sysfs_udev_properties(struct uevent *uevent, const struct sysfs_device *device)
{
	char text[256];

	uevent_add(uevent, "ID_BUS=usb");
	uevent_add(uevent, "ID_VENDOR_ID=%04x", device->vendor);
	uevent_add(uevent, "ID_MODEL_ID=%04x", device->product);
	uevent_add(uevent, "ID_REVISION=%04x", device->bcd_device);
	sysfs_plain(device->maker, text, sizeof(text));
	uevent_add(uevent, "ID_VENDOR=%s", text);
	sysfs_plain(device->model, text, sizeof(text));
	uevent_add(uevent, "ID_MODEL=%s", text);
	sysfs_id_serial(device, text, sizeof(text));
	uevent_add(uevent, "ID_SERIAL=%s", text);
	if (device->serial[0]) {
		uevent_add(uevent, "ID_SERIAL_SHORT=%s", device->serial);
	}
	uevent_add(uevent, "ID_USB_INTERFACES=%s", sysfs_interfaces(device));
	uevent_add(uevent, "USEC_INITIALIZED=%u", 1000000 + device->devnum);
	if (device->dfu) {
		sysfs_id_path(device, text, sizeof(text));
		uevent_add(uevent, "ID_PATH=%s", text);
		uevent_add(uevent, "SYSTEMD_WANTS=dfu.target");
	}
}

static void sysfs_tags(struct uevent *uevent, const struct sysfs_device *device, bool current)
{
	if (device->dfu) {
		uevent_add(uevent, "TAGS=:systemd:" TAG ":");
		if (current) {
			uevent_add(uevent, "CURRENT_TAGS=:systemd:" TAG ":");
		}
	}
}

static void sysfs_begin(
	struct uevent *uevent, const char *action, const char *devpath, const char *subsystem)
{
	uevent_add(uevent, "ACTION=%s", action);
	uevent_add(uevent, "DEVPATH=%s", devpath);
	uevent_add(uevent, "SUBSYSTEM=%s", subsystem);
}

/* add, bind, unbind or remove of the device itself */
static int sysfs_tell_device(
	const char *root, const struct sysfs_device *device, const char *action, bool here)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[SYSFS_PATH];

	sysfs_devpath(device->port, devpath, sizeof(devpath));
	sysfs_begin(&uevent, action, devpath, "usb");
	sysfs_kernel_properties(&uevent, device);
	if (here) {
		sysfs_udev_properties(&uevent, device);
		uevent_add(&uevent, "DRIVER=usb");
	}
	sysfs_tags(&uevent, device, here);
	return uevent_send(&uevent, root);
}

static int sysfs_tell_interface(
	const char *root, const struct sysfs_device *device, const char *action)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[SYSFS_PATH];

	sysfs_devpath(device->port, devpath, sizeof(devpath) - 64);
	sprintf(devpath + strlen(devpath), "/%s:1.0", device->port);
	sysfs_begin(&uevent, action, devpath, "usb");
	uevent_add(&uevent, "DEVTYPE=usb_interface");
	uevent_add(
		&uevent, "PRODUCT=%x/%x/%x", device->vendor, device->product, device->bcd_device);
	uevent_add(&uevent, "INTERFACE=%s", device->dfu ? "254/1/2" : "2/2/1");
	return uevent_send(&uevent, root);
}

static void sysfs_tty_devpath(const struct sysfs_device *device, char *ret, size_t size)
{
	sysfs_devpath(device->port, ret, size - 128);
	sprintf(ret + strlen(ret), "/%s:1.0/tty/ttyACM%u", device->port, device->tty);
}

static int sysfs_tell_tty(
	const char *root, const struct sysfs_device *device, const char *action, bool here)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[SYSFS_PATH], link[512];

	sysfs_tty_devpath(device, devpath, sizeof(devpath));
	sysfs_begin(&uevent, action, devpath, "tty");
	uevent_add(&uevent, "DEVNAME=/dev/ttyACM%u", device->tty);
	uevent_add(&uevent, "MAJOR=%d", MAJOR_TTY);
	uevent_add(&uevent, "MINOR=%u", device->tty);
	sysfs_by_id(device, link, sizeof(link));
	if (here) {
		sysfs_udev_properties(&uevent, device);
		uevent_add(&uevent, "DEVLINKS=/dev/serial/by-path/pci-0000:00:14.0-usb-0:%s:1.0 %s",
			strchr(device->port, '-') + 1, link);
	}
	uevent_add(&uevent, "TAGS=:systemd:");
	return uevent_send(&uevent, root);
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

	sysfs_devpath(device->port, devpath, sizeof(devpath));
	snprintf(folder, sizeof(folder), "%s/sys%s", root, devpath);
	sysfs_kernel_properties(&uevent, device);
	sysfs_write_uevent(folder, &uevent);
	sysfs_attribute(folder, "idVendor", "%04x\n", device->vendor);
	sysfs_attribute(folder, "idProduct", "%04x\n", device->product);
	sysfs_attribute(folder, "bcdDevice", "%04x\n", device->bcd_device);
	sysfs_attribute(folder, "busnum", "1\n");
	sysfs_attribute(folder, "devnum", "%u\n", device->devnum);
	sysfs_attribute(folder, "dev", "%d:%u\n", MAJOR_USB, device->devnum - 1);
	sysfs_attribute(folder, "speed", "12\n");
	sysfs_attribute(folder, "bConfigurationValue", "1\n");
	sysfs_attribute_if(folder, "manufacturer", device->maker);
	sysfs_attribute_if(folder, "product", device->model);
	sysfs_attribute_if(folder, "serial", device->serial);
	snprintf(path, sizeof(path), "%s/descriptors", folder);
	sysfs_write(path, device->descriptors, device->n_descriptors);
	sysfs_link_at(root, "/bus/usb", "%s/subsystem", devpath);
	sysfs_link_at(root, devpath, "/bus/usb/devices/%s", device->port);
	sysfs_link_at(root, devpath, "/dev/char/%d:%u", MAJOR_USB, device->devnum - 1);
	snprintf(path, sizeof(path), "%s/dev/bus/usb/001/%03u", root, device->devnum);
	sysfs_write(path, device->descriptors, device->n_descriptors);
}

static void sysfs_lay_interface(const char *root, const struct sysfs_device *device)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[SYSFS_PATH / 2], folder[SYSFS_PATH];

	sysfs_devpath(device->port, devpath, sizeof(devpath) - 64);
	sprintf(devpath + strlen(devpath), "/%s:1.0", device->port);
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

	sysfs_tty_devpath(device, devpath, sizeof(devpath));
	snprintf(folder, sizeof(folder), "%s/sys%s", root, devpath);
	uevent_add(&uevent, "MAJOR=%d", MAJOR_TTY);
	uevent_add(&uevent, "MINOR=%u", device->tty);
	uevent_add(&uevent, "DEVNAME=ttyACM%u", device->tty);
	sysfs_write_uevent(folder, &uevent);
	sysfs_attribute(folder, "dev", "%d:%u\n", MAJOR_TTY, device->tty);
	sysfs_link_at(root, "/class/tty", "%s/subsystem", devpath);
	sysfs_link_at(root, devpath, "/class/tty/ttyACM%u", device->tty);
	sysfs_link_at(root, devpath, "/dev/char/%d:%u", MAJOR_TTY, device->tty);
}

/* E: a property, G: and Q: a tag, now and ever */
static void sysfs_write_database(const char *root, const struct sysfs_device *device)
{
	struct uevent uevent = UEVENT_INIT;
	char path[SYSFS_PATH], text[UEVENT_MAX] = "I:1000000\n";
	size_t n = strlen(text);

	sysfs_udev_properties(&uevent, device);
	for (size_t i = 0; i < uevent.size; i += strlen(uevent.text + i) + 1) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "E:%s\n", uevent.text + i);
	}
	if (device->dfu) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "G:" TAG "\nQ:" TAG "\nV:1\n");
		snprintf(path, sizeof(path), "%s/run/udev/tags/" TAG "/c%d:%u", root, MAJOR_USB,
			device->devnum - 1);
		sysfs_write(path, "", 0);
	}
	snprintf(
		path, sizeof(path), "%s/run/udev/data/c%d:%u", root, MAJOR_USB, device->devnum - 1);
	sysfs_write(path, text, n);
}

static void sysfs_write_tty_database(const char *root, const struct sysfs_device *device)
{
	struct uevent uevent = UEVENT_INIT;
	char path[SYSFS_PATH], link[512], text[UEVENT_MAX] = "I:1000000\n";
	size_t n = strlen(text);

	sysfs_by_id(device, link, sizeof(link));
	n += (size_t)snprintf(text + n, sizeof(text) - n, "S:%s\n", link + strlen("/dev/"));
	sysfs_udev_properties(&uevent, device);
	for (size_t i = 0; i < uevent.size; i += strlen(uevent.text + i) + 1) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "E:%s\n", uevent.text + i);
	}
	snprintf(path, sizeof(path), "%s/run/udev/data/c%d:%u", root, MAJOR_TTY, device->tty);
	sysfs_write(path, text, n);
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
	sysfs_write_database(root, device);
	if (sysfs_has_tty(device)) {
		sysfs_lay_tty(root, device);
		sysfs_write_tty_database(root, device);
	}
	r = sysfs_tell_device(root, device, "add", true);
	if (r == 0) {
		r = sysfs_tell_interface(root, device, "add");
	}
	if (r == 0 && sysfs_has_tty(device)) {
		r = sysfs_tell_tty(root, device, "add", true);
	}
	return r < 0 ? r : sysfs_tell_device(root, device, "bind", true);
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
	sysfs_drop(root, "sys/dev/char/%d:%u", MAJOR_TTY, device->tty);
	sysfs_drop(root, "run/udev/data/c%d:%u", MAJOR_TTY, device->tty);
	return sysfs_tell_tty(root, device, "remove", false);
}

int sysfs_unplug(const char *root, const struct sysfs_device *device)
{
	char devpath[SYSFS_PATH / 2];
	unsigned minor = device->devnum - 1;
	int r = 0;

	sysfs_devpath(device->port, devpath, sizeof(devpath));
	sysfs_drop(root, "sys/bus/usb/devices/%s:1.0", device->port);
	sysfs_drop(root, "sys/bus/usb/devices/%s", device->port);
	sysfs_drop(root, "sys/dev/char/%d:%u", MAJOR_USB, minor);
	sysfs_drop(root, "dev/bus/usb/001/%03u", device->devnum);
	sysfs_drop(root, "run/udev/tags/" TAG "/c%d:%u", MAJOR_USB, minor);
	sysfs_drop(root, "run/udev/data/c%d:%u", MAJOR_USB, minor);
	sysfs_drop(root, "sys%s", devpath);
	if (sysfs_has_tty(device)) {
		r = sysfs_drop_tty(root, device);
	}
	if (r == 0) {
		r = sysfs_tell_interface(root, device, "remove");
	}
	if (r == 0) {
		r = sysfs_tell_device(root, device, "unbind", false);
	}
	return r < 0 ? r : sysfs_tell_device(root, device, "remove", false);
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
	snprintf(folder, sizeof(folder), "%s/sys" CONTROLLER, root);
	sysfs_kernel_properties(&uevent, &hub);
	sysfs_write_uevent(folder, &uevent);
	sysfs_link(root, CONTROLLER "/subsystem", "/bus/usb");
	sysfs_link(root, "/bus/usb/devices/usb1", CONTROLLER);
	return 0;
}
