/* SPDX-License-Identifier: MIT */
/*
 * From a board's descriptors (USB 2.0, tables 9-8 and 9-12) to what sysfs shows: identity and
 * strings from the device descriptor, class and name of interface 0 from its alternate setting 0.
 */

#include "device.h"

#include <stdio.h>
#include <string.h>

#define DESCRIPTOR_INTERFACE 4
#define INTERFACE_LENGTH     9
#define INTERFACE_CDC	     2 /* bInterfaceClass of a CDC-ACM function */

static void device_string(char *ret, size_t size, const struct board *board,
	enum board_presence presence, uint8_t index)
{
	const char *text = index ? board_string(board, presence, index) : NULL;

	snprintf(ret, size, "%s", text ? text : "");
}

/* The interface descriptor of interface 0, alternate setting 0; NULL: none. */
static const uint8_t *device_interface(const struct sysfs_device *device)
{
	const uint8_t *p = device->descriptors, *end = p + device->n_descriptors;

	for (; p + 2 <= end && p[0] >= 2 && p + p[0] <= end; p += p[0]) {
		if (p[1] == DESCRIPTOR_INTERFACE && p[0] >= INTERFACE_LENGTH && p[2] == 0 &&
			p[3] == 0) {
			return p;
		}
	}
	return NULL;
}

void device_describe(
	struct sysfs_device *device, const struct board *board, enum board_presence presence)
{
	const uint8_t *bytes = device->descriptors, *interface;

	device->n_descriptors = board_descriptors(
		board, presence, device->descriptors, sizeof(device->descriptors));
	device->vendor = (uint16_t)(bytes[8] | bytes[9] << 8);
	device->product = (uint16_t)(bytes[10] | bytes[11] << 8);
	device->bcd_device = (uint16_t)(bytes[12] | bytes[13] << 8);
	device_string(device->maker, sizeof(device->maker), board, presence, bytes[14]);
	device_string(device->model, sizeof(device->model), board, presence, bytes[15]);
	device_string(device->serial, sizeof(device->serial), board, presence, bytes[16]);
	interface = device_interface(device);
	device->dfu = interface && interface[5] == 0xfe && interface[6] == 1 && interface[7] == 2;
	device->plain = !device->dfu && (!interface || interface[5] != INTERFACE_CDC);
	device_string(device->layout, sizeof(device->layout), board, presence,
		interface ? interface[8] : 0);
}
