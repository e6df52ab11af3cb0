/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What vendors put around an image so that only their boot loader starts it. */

enum image_wrap {
	IMAGE_WRAP_NONE,
	IMAGE_WRAP_XOR,	    /* MKS Robin: scrambled from byte 320 to 31040 */
	IMAGE_WRAP_HEADER,  /* 512 bytes in front, as Prusa's BBF */
	IMAGE_WRAP_MCUBOOT, /* a header of 512 bytes, a hash behind */
	IMAGE_WRAP_CHITU,   /* update.cbd: 12 bytes in front, the rest encrypted */
	IMAGE_WRAP_RANDOM,  /* encrypted as a whole */
	_IMAGE_WRAP_MAX,
	_IMAGE_WRAP_INVALID = -1,
};

/* A wrapped copy on the heap; NULL without memory. */
uint8_t *image_wrap(
	enum image_wrap wrap, const uint8_t *bytes, size_t size, uint64_t seed, size_t *ret_size);

const char *image_wrap_to_string(enum image_wrap wrap);
enum image_wrap image_wrap_from_string(const char *text);
