/* SPDX-License-Identifier: MIT */

/*
 * The USB identity inside an image: a device descriptor (USB 2.0, table 9-8) lies in flash as it
 * goes over the wire. Eighteen bytes of which eight are almost fixed are no accident (once in 2^50
 * places); an image may still hold several, of a boot loader and a program or of two speeds. Equal
 * ones are one identity, different ones are none: which of them the program shows cannot be told.
 */

#include "firmware/dictionary.h"

#include <assert.h>
#include <string.h>

#define IDENTITY_SIZE 18

static uint16_t identity_u16(const uint8_t *bytes)
{
	return bytes[0] | bytes[1] << 8;
}

static bool identity_is_usb_version(uint16_t version)
{
	return version == 0x0100 || version == 0x0110 || version == 0x0200 || version == 0x0201 ||
	       version == 0x0210;
}

/* Classes that a device descriptor may carry; 0 leaves them to the interfaces. */
static bool identity_is_class(const uint8_t *class)
{
	static const uint8_t classes[] = {0x02, 0x03, 0x08, 0x09, 0xdc, 0xe0, 0xef, 0xfe, 0xff};

	if (class[0] == 0) {
		return class[1] == 0 && class[2] == 0;
	}
	return memchr(classes, class[0], sizeof(classes)) != NULL;
}

static bool identity_is_packet_size(uint8_t size)
{
	return size == 8 || size == 16 || size == 32 || size == 64;
}

static bool identity_is_descriptor(const uint8_t *bytes)
{
	uint16_t vendor = identity_u16(bytes + 8);

	return bytes[0] == IDENTITY_SIZE && bytes[1] == 0x01 &&
	       identity_is_usb_version(identity_u16(bytes + 2)) && identity_is_class(bytes + 4) &&
	       identity_is_packet_size(bytes[7]) && vendor != 0 && vendor != 0xffff &&
	       bytes[17] >= 1 && bytes[17] <= 8;
}

enum dictionary_usb dictionary_usb_identity(
	const uint8_t *bytes, size_t size, uint16_t *ret_vendor, uint16_t *ret_product)
{
	const uint8_t *found = NULL;

	assert(ret_vendor && ret_product);
	assert(bytes || size == 0);

	for (size_t at = 0; at + IDENTITY_SIZE <= size; at++) {
		if (!identity_is_descriptor(bytes + at)) {
			continue;
		}
		if (found && memcmp(found + 8, bytes + at + 8, 4) != 0) {
			return DICTIONARY_USB_SEVERAL;
		}
		found = bytes + at;
	}
	if (!found) {
		return DICTIONARY_USB_NONE;
	}
	*ret_vendor = identity_u16(found + 8);
	*ret_product = identity_u16(found + 10);
	return DICTIONARY_USB_ONE;
}
