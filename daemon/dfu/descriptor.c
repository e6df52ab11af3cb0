/* SPDX-License-Identifier: MIT */
#include "descriptor.h"

#include <errno.h>
#include <string.h>

/*
 * Finds the DFU interface in a device's descriptors (USB 2.0 sections 9.6.1 to 9.6.7, DFU 1.1
 * sections 4.1 and 4.2).
 *
 * Each configuration is walked once, descriptor by descriptor. The first interface of class FE/01
 * is the function; the interfaces of the same number and class are its alternates. A descriptor of
 * type 0x21 is the functional descriptor only by its place: after an alternate of the function
 * (behind the last one as the standard says, or behind any), or before the first interface of the
 * configuration. After any other interface it belongs to that one: HID uses the same number. The
 * first behind an alternate wins; the one before the interfaces serves if there is none.
 *
 * No descriptor is looked into before its length is known to lie inside its configuration, and no
 * configuration before its total length is known to lie inside the bytes.
 */

enum descriptor_type {
	DESCRIPTOR_DEVICE = 0x01,
	DESCRIPTOR_CONFIGURATION = 0x02,
	DESCRIPTOR_STRING = 0x03,
	DESCRIPTOR_INTERFACE = 0x04,
	DESCRIPTOR_FUNCTIONAL = 0x21,
};

#define DESCRIPTOR_DEVICE_LENGTH	18
#define DESCRIPTOR_CONFIGURATION_LENGTH 9
#define DESCRIPTOR_INTERFACE_LENGTH	9
#define DESCRIPTOR_FUNCTIONAL_1_0	7 /* DFU 1.0: without bcdDFUVersion */
#define DESCRIPTOR_FUNCTIONAL_1_1	9

/* Whose the descriptors are that come next. */
enum descriptor_place {
	DESCRIPTOR_IN_CONFIGURATION,
	DESCRIPTOR_IN_FUNCTION,
	DESCRIPTOR_ELSEWHERE,
};

struct descriptor_walk {
	struct dfu_function function;
	bool found;
	enum descriptor_place place;
	const uint8_t *fallback; /* a functional descriptor before the first interface */
};

static uint16_t descriptor_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static bool descriptor_is_dfu(const uint8_t *interface)
{
	return interface[5] == 0xfe && interface[6] == 0x01;
}

static void descriptor_read_functional(struct dfu_function *function, const uint8_t *bytes)
{
	function->has_functional = true;
	function->can_download = bytes[2] & 0x01;
	function->can_upload = bytes[2] & 0x02;
	function->manifestation_tolerant = bytes[2] & 0x04;
	function->will_detach = bytes[2] & 0x08;
	function->detach_timeout = descriptor_u16(bytes + 3);
	function->transfer_size = descriptor_u16(bytes + 5);
	function->bcd_dfu =
		bytes[0] >= DESCRIPTOR_FUNCTIONAL_1_1 ? descriptor_u16(bytes + 7) : 0x0100;
}

static void descriptor_add_alternate(struct dfu_function *function, const uint8_t *interface)
{
	for (size_t i = 0; i < function->n_alternates; i++) {
		if (function->alternates[i].number == interface[3]) {
			return;
		}
	}
	if (function->n_alternates < DESCRIPTOR_MAX_ALTERNATES) {
		function->alternates[function->n_alternates++] = (struct dfu_alternate){
			.number = interface[3],
			.name_index = interface[8],
		};
	}
}

static int descriptor_on_interface(struct descriptor_walk *walk, const uint8_t *interface)
{
	struct dfu_function *function = &walk->function;

	if (interface[0] < DESCRIPTOR_INTERFACE_LENGTH) {
		return -EBADMSG;
	}
	walk->place = DESCRIPTOR_ELSEWHERE;
	if (!descriptor_is_dfu(interface)) {
		return 0;
	}
	if (!walk->found) {
		walk->found = true;
		function->interface = interface[2];
		function->protocol = interface[7];
	}
	if (function->interface == interface[2]) {
		walk->place = DESCRIPTOR_IN_FUNCTION;
		descriptor_add_alternate(function, interface);
	}
	return 0;
}

static void descriptor_on_functional(struct descriptor_walk *walk, const uint8_t *bytes)
{
	if (bytes[0] < DESCRIPTOR_FUNCTIONAL_1_0) {
		return;
	}
	switch (walk->place) {
	case DESCRIPTOR_IN_CONFIGURATION:
		if (!walk->fallback) {
			walk->fallback = bytes;
		}
		break;
	case DESCRIPTOR_IN_FUNCTION:
		if (!walk->function.has_functional) {
			descriptor_read_functional(&walk->function, bytes);
		}
		break;
	case DESCRIPTOR_ELSEWHERE:
		break;
	}
}

/* bytes: what follows the configuration's own descriptor. */
static int descriptor_walk(struct descriptor_walk *walk, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		int r = 0;

		if (size < 2 || bytes[0] < 2 || bytes[0] > size) {
			return -EBADMSG;
		}
		if (bytes[1] == DESCRIPTOR_INTERFACE) {
			r = descriptor_on_interface(walk, bytes);
		} else if (bytes[1] == DESCRIPTOR_FUNCTIONAL) {
			descriptor_on_functional(walk, bytes);
		}
		if (r < 0) {
			return r;
		}
		size -= bytes[0];
		bytes += bytes[0];
	}
	if (walk->found && !walk->function.has_functional && walk->fallback) {
		descriptor_read_functional(&walk->function, walk->fallback);
	}
	return 0;
}

/* The configuration's whole length, or -EBADMSG. */
static int descriptor_configuration_length(const uint8_t *bytes, size_t size)
{
	uint16_t total;

	if (size < DESCRIPTOR_CONFIGURATION_LENGTH || bytes[0] < DESCRIPTOR_CONFIGURATION_LENGTH ||
		bytes[1] != DESCRIPTOR_CONFIGURATION) {
		return -EBADMSG;
	}
	total = descriptor_u16(bytes + 2);
	if (total < bytes[0] || total > size) {
		return -EBADMSG;
	}
	return total;
}

static int descriptor_parse_configuration(
	struct dfu_function *function, const uint8_t *bytes, size_t size)
{
	struct descriptor_walk walk = {.function = *function};
	int r;

	walk.function.configuration = bytes[5];
	r = descriptor_walk(&walk, bytes + bytes[0], size - bytes[0]);
	if (r < 0) {
		return r;
	}
	if (!walk.found) {
		return -ENOENT;
	}
	*function = walk.function;
	return 0;
}

int descriptor_parse(struct dfu_function *ret, const uint8_t *bytes, size_t size)
{
	struct dfu_function function = {0};

	if (size < DESCRIPTOR_DEVICE_LENGTH || bytes[0] != DESCRIPTOR_DEVICE_LENGTH ||
		bytes[1] != DESCRIPTOR_DEVICE) {
		return -EBADMSG;
	}
	function.vendor = descriptor_u16(bytes + 8);
	function.product = descriptor_u16(bytes + 10);
	function.bcd_device = descriptor_u16(bytes + 12);

	for (size_t at = DESCRIPTOR_DEVICE_LENGTH; at < size;) {
		int length = descriptor_configuration_length(bytes + at, size - at);
		int r;

		if (length < 0) {
			return length;
		}
		r = descriptor_parse_configuration(&function, bytes + at, (size_t)length);
		if (r == 0) {
			*ret = function;
		}
		if (r != -ENOENT) {
			return r;
		}
		at += (size_t)length;
	}
	return -ENOENT;
}

size_t descriptor_string(const uint8_t *raw, size_t received, char *ret, size_t ret_size)
{
	size_t size, n = 0;

	if (ret_size == 0) {
		return 0;
	}
	size = received >= 2 && raw[1] == DESCRIPTOR_STRING ? raw[0] : 0;
	if (size > received) {
		size = received;
	}
	for (size_t at = 2; at + 1 < size && n + 1 < ret_size; at += 2) {
		uint16_t unit = descriptor_u16(raw + at);

		if (unit < 0x20 || unit > 0x7e) {
			break;
		}
		ret[n++] = (char)unit;
	}
	ret[n] = '\0';
	return n;
}
