/* SPDX-License-Identifier: MIT */
/*
 * What a board in DFU mode says about itself.
 *
 * Nothing is believed that can be checked: descriptors go through dfu/descriptor, the layout string
 * through dfu/layout, and a transfer size that the conversation cannot use is refused instead of
 * clamped, because a DfuSe device computes addresses with its own number.
 */
#include "dfud-flash/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dfu/dfu.h"
#include "dfu/run.h"
#include "dfud-flash/usb.h"

#define DEVICE_DESCRIPTORS_MAX 8192
#define DEVICE_STRING_MAX      255
#define DEVICE_TIMEOUT_MS      2000
#define DEVICE_TRANSFER_MIN    8

#define USB_TYPE_STANDARD_IN  0x80
#define USB_GET_DESCRIPTOR    6
#define USB_DESCRIPTOR_STRING 3
#define USB_LANGUAGE_ENGLISH  0x0409

static int device_attribute(const char *port, const char *name, unsigned *ret)
{
	char path[256];
	char text[16] = "";
	int fd;
	ssize_t n;

	if ((size_t)snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s/%s", port, name) >=
		sizeof(path)) {
		return -ENAMETOOLONG;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -ENODEV;
	}
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0) {
		return -ENODEV;
	}
	*ret = (unsigned)strtoul(text, NULL, 10);
	return 0;
}

int device_node(const char *port, char *ret, size_t size)
{
	unsigned bus = 0;
	unsigned number = 0;
	int r = device_attribute(port, "busnum", &bus);

	if (r == 0) {
		r = device_attribute(port, "devnum", &number);
	}
	if (r < 0) {
		return r;
	}
	if ((size_t)snprintf(ret, size, "/dev/bus/usb/%03u/%03u", bus, number) >= size) {
		return -ENAMETOOLONG;
	}
	return 0;
}

static int device_read_function(struct dfu_function *ret, struct usb *usb)
{
	uint8_t *bytes = calloc(1, DEVICE_DESCRIPTORS_MAX);
	int r;

	if (bytes == NULL) {
		return -ENOMEM;
	}
	r = usb_descriptors(usb, bytes, DEVICE_DESCRIPTORS_MAX);
	if (r >= 0) {
		r = descriptor_parse(ret, bytes, (size_t)r);
	}
	free(bytes);
	return r;
}

static const struct dfu_alternate *device_alternate(
	const struct dfu_function *function, uint8_t number)
{
	for (size_t i = 0; i < function->n_alternates; i++) {
		if (function->alternates[i].number == number) {
			return &function->alternates[i];
		}
	}
	return NULL;
}

static int device_read_layout(struct layout *ret, struct usb *usb, uint8_t index, char *text)
{
	uint8_t raw[DEVICE_STRING_MAX] = {0};
	const int n = usb_control(usb, USB_TYPE_STANDARD_IN, USB_GET_DESCRIPTOR,
		USB_DESCRIPTOR_STRING << 8 | index, USB_LANGUAGE_ENGLISH, raw, sizeof(raw),
		DEVICE_TIMEOUT_MS);

	if (n < 0) {
		return n;
	}
	(void)descriptor_string(raw, (size_t)n, text, DEVICE_STRING_MAX);
	return layout_parse(ret, text);
}

/* The functional descriptor must describe a conversation that this program can hold. */
static enum reason device_judge(
	const struct device *device, uint8_t alternate, char *text, size_t size)
{
	const struct dfu_function *f = &device->function;

	if (!f->has_functional) {
		snprintf(text, size,
			"the board does not say which DFU it speaks; this version flashes DfuSe "
			"boards (DFU 1.1a) only");
		return REASON_WRONG_DEVICE;
	}
	if (f->bcd_dfu != DFU_BCD_DFUSE) {
		snprintf(text, size,
			"the board speaks DFU %x.%02x; this version flashes DfuSe boards (DFU "
			"1.1a) only",
			f->bcd_dfu >> 8, f->bcd_dfu & 0xff);
		return REASON_WRONG_DEVICE;
	}
	if (!f->can_download) {
		snprintf(text, size, "the board says that it takes no downloads");
		return REASON_WRONG_DEVICE;
	}
	if (device_alternate(f, alternate) == NULL) {
		snprintf(text, size,
			"the board has no alternate setting %u (it has %zu); see Alternate= in the "
			"profile",
			alternate, f->n_alternates);
		return REASON_ALTERNATE;
	}
	if (f->transfer_size < DEVICE_TRANSFER_MIN || f->transfer_size > RUN_BLOCK_MAX) {
		snprintf(text, size,
			"the board says a transfer size of %u bytes; %u to %u can be used",
			f->transfer_size, DEVICE_TRANSFER_MIN, RUN_BLOCK_MAX);
		return REASON_WRONG_DEVICE;
	}
	return REASON_NONE;
}

int device_read(struct device *ret, struct usb *usb, uint8_t alternate, enum reason *ret_reason,
	char *text, size_t text_size)
{
	int r = device_read_function(&ret->function, usb);

	if (r == -ENOENT || r == -EBADMSG) {
		*ret_reason = REASON_WRONG_DEVICE;
		snprintf(text, text_size,
			r == -ENOENT ? "the device has no DFU interface (any more)"
				     : "the device's descriptors contradict themselves");
		return 0;
	}
	if (r < 0) {
		return r;
	}
	*ret_reason = device_judge(ret, alternate, text, text_size);
	if (*ret_reason != REASON_NONE) {
		return 0;
	}
	ret->transfer_size = ret->function.transfer_size;
	r = device_read_layout(&ret->layout, usb,
		device_alternate(&ret->function, alternate)->name_index, ret->map);
	if (r == -EINVAL || r == -E2BIG) {
		*ret_reason = REASON_WRONG_DEVICE;
		snprintf(text, text_size,
			"the board's memory layout \"%.120s\" cannot be understood", ret->map);
		return 0;
	}
	return r;
}
