/* SPDX-License-Identifier: MIT */
/*
 * The least daemon, to try the bed itself with: says READY=1, then puts each device that libudev
 * finds by its tag or hears of into the journal, all its properties as fields. ORIGIN tells which;
 * PARENT is the sysname of a tty's USB device and NODE what may be done with the device's node.
 */

#include <errno.h>
#include <libudev.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define MAX_FIELDS 64

static void fields_add(struct iovec *fields, int *n, const char *name, const char *value)
{
	char *text;

	if (value && *n < MAX_FIELDS && asprintf(&text, "%s=%s", name, value) >= 0) {
		fields[(*n)++] = (struct iovec){text, strlen(text)};
	}
}

static const char *device_access(struct udev_device *device)
{
	const char *node = udev_device_get_devnode(device);

	return !node ? NULL : access(node, R_OK | W_OK) == 0 ? "open" : strerror(errno);
}

static void device_tell(struct udev_device *device, const char *origin)
{
	struct iovec fields[MAX_FIELDS];
	struct udev_device *parent =
		udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device");
	struct udev_list_entry *property;
	int n = 0;

	fields_add(fields, &n, "ORIGIN", origin);
	fields_add(fields, &n, "SYSNAME", udev_device_get_sysname(device));
	fields_add(fields, &n, "PARENT", parent ? udev_device_get_sysname(parent) : NULL);
	fields_add(fields, &n, "NODE", device_access(device));
	fields_add(fields, &n, "VENDOR", udev_device_get_sysattr_value(device, "idVendor"));
	udev_list_entry_foreach(property, udev_device_get_properties_list_entry(device))
	{
		fields_add(fields, &n, udev_list_entry_get_name(property),
			udev_list_entry_get_value(property));
	}
	sd_journal_sendv(fields, n);
	while (n > 0) {
		free(fields[--n].iov_base);
	}
}

static void enumerate(struct udev *udev)
{
	struct udev_enumerate *enumerate = udev_enumerate_new(udev);
	struct udev_list_entry *entry;

	udev_enumerate_add_match_tag(enumerate, "dfud");
	udev_enumerate_scan_devices(enumerate);
	udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate))
	{
		struct udev_device *device =
			udev_device_new_from_syspath(udev, udev_list_entry_get_name(entry));

		if (device) {
			device_tell(device, "enumerated");
			udev_device_unref(device);
		}
	}
	udev_enumerate_unref(enumerate);
}

int main(void)
{
	struct udev *udev = udev_new();
	struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, "udev");
	struct pollfd fd = {.events = POLLIN};

	udev_monitor_filter_add_match_subsystem_devtype(monitor, "usb", "usb_device");
	udev_monitor_filter_add_match_subsystem_devtype(monitor, "tty", NULL);
	udev_monitor_enable_receiving(monitor);
	sd_notify(0, "READY=1");
	enumerate(udev);
	fd.fd = udev_monitor_get_fd(monitor);
	while (poll(&fd, 1, -1) > 0) {
		struct udev_device *device = udev_monitor_receive_device(monitor);

		if (device) {
			device_tell(device, "heard");
			udev_device_unref(device);
		}
	}
	return 1;
}
