/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What an image says about itself: the zlib stream with a JSON data dictionary that Klipper builds
 * carry (protocol.md of Klipper; "app" is missing in builds of 2021), and the USB device descriptor
 * inside the image. Pure. Inflates at most DICTIONARY_MAX_INFLATED at a time; memory and time are
 * bounded whatever the bytes are.
 */

#define DICTIONARY_MAX_INFLATED (256 * 1024)

struct dictionary {
	char app[32];	  /* "Klipper"; printable ASCII, cut; "" where unknown */
	char version[64]; /* "v0.13.0-730-g1234567" */
	char mcu[32];	  /* "stm32f446xx" */
	size_t end;	  /* offset just behind the zlib stream in the image */
	bool truncated;	  /* none was read, but the image ends inside one: the file is cut off */
};

/* True where a dictionary was found and read; ret is zeroed otherwise, but for truncated. */
bool dictionary_find(struct dictionary *ret, const uint8_t *bytes, size_t size);

enum dictionary_usb {
	DICTIONARY_USB_NONE,
	DICTIONARY_USB_ONE,	/* the identity to expect after leaving */
	DICTIONARY_USB_SEVERAL, /* which of them the program shows cannot be told */
};

/*
 * The USB identities in the image, from device descriptors (USB 2.0 table 9-8) with plausible
 * fields; copies of one count once. Only ONE sets *ret_vendor and *ret_product.
 */
enum dictionary_usb dictionary_usb_identity(
	const uint8_t *bytes, size_t size, uint16_t *ret_vendor, uint16_t *ret_product);
