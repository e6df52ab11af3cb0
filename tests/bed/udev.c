/* SPDX-License-Identifier: MIT */
/*
 * Names and properties as Linux 6.1 and systemd 252 give them. udevd knows nothing of a device's
 * properties any more at `unbind` and `remove` (seen), but its tags stay with it.
 * In the database a property is a line E:, a tag G: (ever) and Q: (now), a link S:.
 */

#include "udev.h"

#include <stdio.h>
#include <string.h>

#define UDEV_PATH 512

void udev_devpath(const struct sysfs_device *device, char *ret, size_t size)
{
	const char *port = device->port;
	size_t length = (size_t)snprintf(ret, size, UDEV_BUS);

	for (const char *end = port; *end; end++) {
		end += strcspn(end, ".");
		length += (size_t)snprintf(
			ret + length, size - length, "/%.*s", (int)(end - port), port);
		if (!*end) {
			break;
		}
	}
}

void udev_interface_devpath(const struct sysfs_device *device, char *ret, size_t size)
{
	size_t n;

	udev_devpath(device, ret, size);
	n = strlen(ret);
	snprintf(ret + n, size - n, "/%s:1.0", device->port);
}

void udev_tty_devpath(const struct sysfs_device *device, char *ret, size_t size)
{
	size_t n;

	udev_interface_devpath(device, ret, size);
	n = strlen(ret);
	snprintf(ret + n, size - n, "/tty/ttyACM%u", device->tty);
}

/* As udev writes ID_ values: what is not plain becomes an underscore. */
static void udev_plain(const char *text, char *ret, size_t size)
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

/* ID_MODEL_ENC and its like: what is not plain as \xNN. */
static void udev_encode(const char *text, char *ret, size_t size)
{
	size_t n = 0;

	for (; *text && n + 5 < size; text++) {
		if (*text == ' ') {
			n += (size_t)sprintf(ret + n, "\\x%02x", *text);
		} else {
			ret[n++] = *text;
		}
	}
	ret[n] = 0;
}

/* ID_SERIAL: maker_model_serial */
static void udev_id_serial(const struct sysfs_device *device, char *ret, size_t size)
{
	char maker[64], model[64];

	udev_plain(device->maker, maker, sizeof(maker));
	udev_plain(device->model, model, sizeof(model));
	snprintf(
		ret, size, "%s_%s%s%s", maker, model, device->serial[0] ? "_" : "", device->serial);
}

void sysfs_by_id(const struct sysfs_device *device, char *ret, size_t size)
{
	char serial[256];

	udev_id_serial(device, serial, sizeof(serial));
	snprintf(ret, size, "/dev/serial/by-id/usb-%s-if00", serial);
}

void sysfs_id_path(const struct sysfs_device *device, char *ret, size_t size)
{
	snprintf(ret, size, "pci-0000:00:14.0-usb-0:%s",
		device->port + strcspn(device->port, "-") + 1);
}

static const char *udev_interfaces(const struct sysfs_device *device)
{
	return device->dfu ? ":fe0102:" : device->plain ? ":ff0000:" : ":020201:0a0000:";
}

void udev_kernel_properties(struct uevent *uevent, const struct sysfs_device *device)
{
	uevent_add(uevent, "MAJOR=%d", UDEV_MAJOR_USB);
	uevent_add(uevent, "MINOR=%u", device->devnum - 1);
	uevent_add(uevent, "DEVNAME=/dev/bus/usb/001/%03u", device->devnum);
	uevent_add(uevent, "DEVTYPE=usb_device");
	uevent_add(uevent, "PRODUCT=%x/%x/%x", device->vendor, device->product, device->bcd_device);
	uevent_add(uevent, "TYPE=0/0/0");
	uevent_add(uevent, "BUSNUM=001");
	uevent_add(uevent, "DEVNUM=%03u", device->devnum);
}

/* What udev's rules add to it. */
static void udev_properties(struct uevent *uevent, const struct sysfs_device *device)
{
	char text[256];

	uevent_add(uevent, "ID_BUS=usb");
	uevent_add(uevent, "ID_VENDOR_ID=%04x", device->vendor);
	uevent_add(uevent, "ID_MODEL_ID=%04x", device->product);
	uevent_add(uevent, "ID_REVISION=%04x", device->bcd_device);
	udev_plain(device->maker, text, sizeof(text));
	uevent_add(uevent, "ID_VENDOR=%s", text);
	udev_plain(device->model, text, sizeof(text));
	uevent_add(uevent, "ID_MODEL=%s", text);
	udev_encode(device->maker, text, sizeof(text));
	uevent_add(uevent, "ID_VENDOR_ENC=%s", text);
	udev_encode(device->model, text, sizeof(text));
	uevent_add(uevent, "ID_MODEL_ENC=%s", text);
	udev_id_serial(device, text, sizeof(text));
	uevent_add(uevent, "ID_SERIAL=%s", text);
	if (device->serial[0]) {
		uevent_add(uevent, "ID_SERIAL_SHORT=%s", device->serial);
	}
	uevent_add(uevent, "ID_USB_INTERFACES=%s", udev_interfaces(device));
	uevent_add(uevent, "USEC_INITIALIZED=%u", 1000000 + device->devnum);
	if (device->dfu) {
		sysfs_id_path(device, text, sizeof(text));
		uevent_add(uevent, "ID_PATH=%s", text);
		uevent_add(uevent, "SYSTEMD_WANTS=dfu.target");
	}
}

static void udev_tags(struct uevent *uevent, const struct sysfs_device *device, bool current)
{
	if (device->dfu) {
		uevent_add(uevent, "TAGS=:systemd:" UDEV_TAG ":");
		if (current) {
			uevent_add(uevent, "CURRENT_TAGS=:systemd:" UDEV_TAG ":");
		}
	}
}

static void udev_begin(
	struct uevent *uevent, const char *action, const char *devpath, const char *subsystem)
{
	uevent_add(uevent, "ACTION=%s", action);
	uevent_add(uevent, "DEVPATH=%s", devpath);
	uevent_add(uevent, "SUBSYSTEM=%s", subsystem);
}

int udev_tell_device(
	const char *root, const struct sysfs_device *device, const char *action, bool here)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[UDEV_PATH];

	udev_devpath(device, devpath, sizeof(devpath));
	udev_begin(&uevent, action, devpath, "usb");
	udev_kernel_properties(&uevent, device);
	if (here) {
		udev_properties(&uevent, device);
		uevent_add(&uevent, "DRIVER=usb");
	}
	udev_tags(&uevent, device, here);
	return uevent_send(&uevent, root);
}

int udev_tell_interface(const char *root, const struct sysfs_device *device, const char *action)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[UDEV_PATH];

	udev_interface_devpath(device, devpath, sizeof(devpath));
	udev_begin(&uevent, action, devpath, "usb");
	uevent_add(&uevent, "DEVTYPE=usb_interface");
	uevent_add(
		&uevent, "PRODUCT=%x/%x/%x", device->vendor, device->product, device->bcd_device);
	uevent_add(&uevent, "INTERFACE=%s", device->dfu ? "254/1/2" : "2/2/1");
	return uevent_send(&uevent, root);
}

int udev_tell_tty(
	const char *root, const struct sysfs_device *device, const char *action, bool here)
{
	struct uevent uevent = UEVENT_INIT;
	char devpath[UDEV_PATH], link[512];

	udev_tty_devpath(device, devpath, sizeof(devpath));
	udev_begin(&uevent, action, devpath, "tty");
	uevent_add(&uevent, "DEVNAME=/dev/ttyACM%u", device->tty);
	uevent_add(&uevent, "MAJOR=%d", UDEV_MAJOR_TTY);
	uevent_add(&uevent, "MINOR=%u", device->tty);
	sysfs_by_id(device, link, sizeof(link));
	if (here) {
		udev_properties(&uevent, device);
		uevent_add(&uevent, "DEVLINKS=/dev/serial/by-path/pci-0000:00:14.0-usb-0:%s:1.0 %s",
			strchr(device->port, '-') + 1, link);
	}
	uevent_add(&uevent, "TAGS=:systemd:");
	return uevent_send(&uevent, root);
}

size_t udev_database(const struct sysfs_device *device, bool tty, char *ret, size_t size)
{
	struct uevent uevent = UEVENT_INIT;
	size_t n = (size_t)snprintf(ret, size, "I:1000000\n");
	char link[512];

	if (tty) {
		sysfs_by_id(device, link, sizeof(link));
		n += (size_t)snprintf(ret + n, size - n, "S:%s\n", link + strlen("/dev/"));
	}
	udev_properties(&uevent, device);
	for (size_t i = 0; i < uevent.size; i += strlen(uevent.text + i) + 1) {
		n += (size_t)snprintf(ret + n, size - n, "E:%s\n", uevent.text + i);
	}
	if (device->dfu) {
		n += (size_t)snprintf(ret + n, size - n, "G:" UDEV_TAG "\nQ:" UDEV_TAG "\nV:1\n");
	}
	return n;
}
