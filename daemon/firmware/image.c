/* SPDX-License-Identifier: MIT */

/*
 * A file as segments. The bytes stay the caller's; an image owns only its list of segments. Where
 * the fault is not IMAGE_GOOD the list is empty and the format invalid, so that nothing can be
 * flashed from it by mistake.
 */

#include "firmware/image.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "firmware/sniff.h"

static int image_set_raw(struct image *image)
{
	if (image->size > UINT32_MAX) {
		return -EFBIG;
	}
	image->segments = calloc(1, sizeof(*image->segments));
	if (!image->segments) {
		return -ENOMEM;
	}
	image->segments[0].size = image->size;
	image->segments[0].data = image->bytes;
	image->n_segments = 1;
	image->format = IMAGE_RAW;
	return 0;
}

int image_parse(struct image *ret, const uint8_t *bytes, size_t size, enum image_fault *ret_fault)
{
	struct sniff found;
	struct image image = IMAGE_INIT;
	int r;

	assert(ret && ret_fault);
	assert(bytes || size == 0);

	found = sniff_bytes(bytes, size);
	image.kind = found.kind;
	image.bytes = bytes;
	image.size = size;
	if (found.fault == IMAGE_GOOD) {
		r = image_set_raw(&image);
		if (r < 0) {
			return r;
		}
	}
	*ret = image;
	*ret_fault = found.fault;
	return 0;
}

int image_take_raw(struct image *ret, const uint8_t *bytes, size_t size)
{
	struct image image = IMAGE_INIT;
	int r;

	assert(ret && bytes && size > 0);

	image.kind = "raw binary";
	image.bytes = bytes;
	image.size = size;
	r = image_set_raw(&image);
	if (r == 0) {
		*ret = image;
	}
	return r;
}

void image_done(struct image *image)
{
	if (!image) {
		return;
	}
	free(image->segments);
	*image = (struct image)IMAGE_INIT;
}

bool image_place(struct image *image, uint32_t address)
{
	assert(image);
	assert(image->format == IMAGE_RAW && image->n_segments == 1);

	if (address > UINT32_MAX - image->segments[0].size) {
		return false;
	}
	image->segments[0].address = address;
	return true;
}

const char *image_format_to_string(enum image_format format)
{
	switch (format) {
	case IMAGE_RAW:
		return "raw";
	case _IMAGE_FORMAT_MAX:
	case _IMAGE_FORMAT_INVALID:
		break;
	}
	return NULL;
}

const char *image_fault_to_string(enum image_fault fault)
{
	switch (fault) {
	case IMAGE_GOOD:
		return "good";
	case IMAGE_EMPTY:
		return "empty";
	case IMAGE_TEXT:
		return "text";
	case IMAGE_HTML:
		return "html";
	case IMAGE_COMPRESSED:
		return "compressed";
	case IMAGE_DAMAGED:
		return "damaged";
	case IMAGE_FORMAT:
		return "format";
	case _IMAGE_FAULT_MAX:
	case _IMAGE_FAULT_INVALID:
		break;
	}
	return NULL;
}
