/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The DFU interface in a device's descriptors: DFU 1.1 section 4.1 and 4.2, and where real devices
 * put them. Reads what the kernel gives for a usbfs node: the device descriptor, then each
 * configuration with all that follows it. Pure; every length is checked.
 */

#define DESCRIPTOR_MAX_ALTERNATES 16

struct dfu_alternate {
	uint8_t number;	    /* bAlternateSetting */
	uint8_t name_index; /* iInterface, 0 for none */
};

struct dfu_function {
	uint16_t vendor, product, bcd_device;
	uint8_t configuration; /* bConfigurationValue */
	uint8_t interface;     /* bInterfaceNumber */
	uint8_t protocol; /* 1 run-time mode, 2 DFU mode, 0 as some DFU 1.0 and DfuSe devices say */
	struct dfu_alternate alternates[DESCRIPTOR_MAX_ALTERNATES];
	size_t n_alternates;

	/*
	 * The DFU functional descriptor. It stands once, after the last alternate setting; taken
	 * also after any other alternate, or before the first interface. One of less than 7 bytes
	 * is none.
	 */
	bool has_functional;
	bool can_download, can_upload, manifestation_tolerant, will_detach;
	uint16_t detach_timeout; /* ms */
	uint16_t transfer_size;	 /* bytes, as the device says: 0 and 65535 are possible */
	uint16_t bcd_dfu;	 /* 0x011a is DfuSe; 0x0100 for the 7-byte form */
};

/*
 * The first DFU interface, of the first configuration that has one. 0; -ENOENT where there is none;
 * -EBADMSG where a length contradicts the bytes, up to the end of that configuration. Alternates
 * beyond DESCRIPTOR_MAX_ALTERNATES are left out; one number told twice counts once. On failure *ret
 * is untouched.
 */
int descriptor_parse(struct dfu_function *ret, const uint8_t *bytes, size_t size);

/*
 * A string descriptor (USB 2.0 section 9.6.7) as received, UTF-16LE, to printable ASCII: bLength is
 * not trusted beyond what was received, and the text is cut at the first unit outside 0x20..0x7E.
 * Always terminates ret. Returns the text's length.
 */
size_t descriptor_string(const uint8_t *raw, size_t received, char *ret, size_t ret_size);
