/* SPDX-License-Identifier: MIT */
/*
 * The USB seam over libusb: usb_open prepares everything that needs files, usb_begin wraps the
 * node, so that the worker's walls can go up between the two. Without device discovery libusb
 * starts no thread.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <libusb.h>

#include "dfud-flash/usb.h"

struct usb {
	libusb_context *context;
	libusb_device_handle *handle;
	int fd;
	int claimed; /* interface number, -1 for none */
};

static int usb_error(int error)
{
	switch (error) {
	case LIBUSB_ERROR_PIPE:
		return -EPIPE;
	case LIBUSB_ERROR_TIMEOUT:
		return -ETIMEDOUT;
	case LIBUSB_ERROR_NO_DEVICE:
	case LIBUSB_ERROR_NOT_FOUND: /* of reset and of claim: it re-enumerated or lost the
					interface */
		return -ENODEV;
	case LIBUSB_ERROR_OVERFLOW:
		return -EOVERFLOW;
	case LIBUSB_ERROR_ACCESS:
		return -EACCES;
	case LIBUSB_ERROR_BUSY:
		return -EBUSY;
	case LIBUSB_ERROR_NO_MEM:
		return -ENOMEM;
	case LIBUSB_ERROR_INVALID_PARAM:
		return -EINVAL;
	default:
		return error >= 0 ? error : -EIO;
	}
}

int usb_open(struct usb **ret, const char *node)
{
	struct usb *usb = calloc(1, sizeof(*usb));
	int r = 0;

	if (usb == NULL) {
		return -ENOMEM;
	}
	usb->claimed = -1;
	usb->fd = open(node, O_RDWR | O_CLOEXEC);
	if (usb->fd < 0) {
		r = -errno;
	}
	if (r == 0) {
		r = usb_error(libusb_set_option(NULL, LIBUSB_OPTION_NO_DEVICE_DISCOVERY));
	}
	if (r == 0) {
		r = usb_error(libusb_init(&usb->context));
	}
	if (r < 0) {
		usb_free(usb);
		return r;
	}
	*ret = usb;
	return 0;
}

int usb_begin(struct usb *usb)
{
	assert(usb->handle == NULL);
	return usb_error(libusb_wrap_sys_device(usb->context, usb->fd, &usb->handle));
}

struct usb *usb_free(struct usb *usb)
{
	if (usb == NULL) {
		return NULL;
	}
	if (usb->handle != NULL) {
		if (usb->claimed >= 0) {
			libusb_release_interface(usb->handle, usb->claimed);
		}
		libusb_close(usb->handle);
	}
	if (usb->context != NULL) {
		libusb_exit(usb->context);
	}
	if (usb->fd >= 0) {
		close(usb->fd);
	}
	free(usb);
	return NULL;
}

int usb_descriptors(struct usb *usb, uint8_t *ret, size_t size)
{
	const ssize_t n = pread(usb->fd, ret, size, 0);

	return n < 0 ? -errno : (int)n;
}

int usb_claim(struct usb *usb, uint8_t interface)
{
	int r;

	(void)libusb_set_auto_detach_kernel_driver(usb->handle, 1);
	r = libusb_claim_interface(usb->handle, interface);
	if (r == 0) {
		usb->claimed = interface;
	}
	return usb_error(r);
}

int usb_set_alternate(struct usb *usb, uint8_t interface, uint8_t alternate)
{
	return usb_error(libusb_set_interface_alt_setting(usb->handle, interface, alternate));
}

int usb_control(struct usb *usb, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
	uint8_t *data, uint16_t length, uint32_t timeout_ms)
{
	return usb_error(libusb_control_transfer(
		usb->handle, type, request, value, index, data, length, timeout_ms));
}

int usb_reset(struct usb *usb)
{
	return usb_error(libusb_reset_device(usb->handle));
}
