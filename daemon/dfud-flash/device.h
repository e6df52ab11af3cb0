/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dfu/descriptor.h"
#include "dfu/layout.h"
#include "record/reason.h"

/*
 * A board in DFU mode as the worker sees it: what its descriptors and strings say. Blocks for the
 * few transfers that the strings need.
 */

struct usb;

struct device {
	struct dfu_function function;
	struct layout layout;	/* of the alternate asked for */
	char map[256];		/* the same as the board's own text */
	uint16_t transfer_size; /* sane: 8..4096 */
};

/* "/dev/bus/usb/001/004" for a port that has a device; -ENODEV, -ENAMETOOLONG. */
int device_node(const char *port, char *ret, size_t size);

/*
 * Reads the device. 0 with *ret_reason REASON_NONE; 0 with a reason and a sentence in text where
 * this device is none that can be flashed; negative errno of usb.h.
 */
int device_read(struct device *ret, struct usb *usb, uint8_t alternate, enum reason *ret_reason,
	char *text, size_t text_size);
