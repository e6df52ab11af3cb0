/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * One USB device, opened by its node: the seam between the worker and the bus. usb-libusb.c is the
 * real one; the tests link one with the simulated board behind it. Every call blocks, at most as
 * long as its time-out says, and set_alternate and reset as long as the kernel needs (5 s and
 * more).
 *
 * Errors: -EPIPE the device stalled, -ETIMEDOUT it did not answer in time, -ENODEV it is gone,
 * -EIO the transfer broke on the wire, -EOVERFLOW it sent more than asked for, -EACCES and -EBUSY
 * at open and claim; any other is a failure of our own.
 */

struct usb;

/* node: /dev/bus/usb/BBB/DDD. Opens no other device, starts no thread, reads nothing of the device.
 */
int usb_open(struct usb **ret, const char *node);
/* The first look at the device; once, before anything below. No file is opened from here on. */
int usb_begin(struct usb *usb);
struct usb *usb_free(struct usb *usb);

/* The device descriptor and all configurations, as the kernel holds them: no transfer. Bytes. */
int usb_descriptors(struct usb *usb, uint8_t *ret, size_t size);

/* Detaches a kernel driver if there is one, then claims. */
int usb_claim(struct usb *usb, uint8_t interface);
int usb_set_alternate(struct usb *usb, uint8_t interface, uint8_t alternate);

/*
 * A control transfer. type is bmRequestType: its top bit says the direction. For IN, data receives
 * at most length bytes; for OUT, data is not changed. At most 4096 bytes. Bytes transferred.
 */
int usb_control(struct usb *usb, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
	uint8_t *data, uint16_t length, uint32_t timeout_ms);

int usb_reset(struct usb *usb);
