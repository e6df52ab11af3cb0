/* SPDX-License-Identifier: MIT */

/*
 * Each wrapper leaves room before and behind a copy of the image, then fills it and changes the
 * copy. Encryption is noise of a seed: to who has no key, the vendors' looks the same.
 *
 * Sources: update_mks_robin.py of Klipper, chitu_crypt.py of Marlin, design.md of MCUboot, dfu.md
 * 7.7 for Prusa's 512 bytes.
 */

#include "image-wrap.h"

#include <stdlib.h>
#include <string.h>

#include "image-random.h"

#define WRAP_HEADER	 512
#define WRAP_CHITU	 12
#define WRAP_CHITU_BLOCK 2048
#define WRAP_TRAILER	 40 /* MCUboot: two bytes of magic, length, one hash with its own header */

static const char *const wrap_names[_IMAGE_WRAP_MAX] = {
	[IMAGE_WRAP_NONE] = "none",
	[IMAGE_WRAP_XOR] = "xor",
	[IMAGE_WRAP_HEADER] = "header",
	[IMAGE_WRAP_MCUBOOT] = "mcuboot",
	[IMAGE_WRAP_CHITU] = "chitu",
	[IMAGE_WRAP_RANDOM] = "random",
};

static void wrap_put(uint8_t *bytes, uint32_t value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bytes[i] = value >> 8 * i;
	}
}

static void wrap_noise(uint8_t *bytes, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= image_random(&seed);
	}
}

static void wrap_xor(uint8_t *bytes, size_t size)
{
	static const uint8_t key[32] = {0xa3, 0xbd, 0xad, 0x0d, 0x41, 0x11, 0xbb, 0x8d, 0xdc, 0x80,
		0x2d, 0xd0, 0xd2, 0xc4, 0x9b, 0x1e, 0x26, 0xeb, 0xe3, 0x33, 0x4a, 0x15, 0xe4, 0x0a,
		0xb3, 0xb1, 0x3c, 0x93, 0xbb, 0xaf, 0xf7, 0x3e};

	for (size_t i = 320; i < size && i < 31040; i++) {
		bytes[i] ^= key[i % sizeof(key)];
	}
}

/* A signature and a hash, the size, nothing more. */
static void wrap_header(uint8_t *bytes, size_t size, uint64_t seed)
{
	wrap_noise(bytes, 96, seed);
	wrap_put(bytes + 96, size - WRAP_HEADER, 4);
}

static void wrap_mcuboot(uint8_t *bytes, size_t size, uint64_t seed)
{
	uint8_t *trailer = bytes + size - WRAP_TRAILER;

	wrap_put(bytes, 0x96f3b83d, 4);
	wrap_put(bytes + 8, WRAP_HEADER, 2);
	wrap_put(bytes + 12, size - WRAP_HEADER - WRAP_TRAILER, 4);
	wrap_put(bytes + 20, 1, 1);
	wrap_put(trailer, 0x6907, 2);
	wrap_put(trailer + 2, WRAP_TRAILER, 2);
	wrap_put(trailer + 4, 0x10, 2);
	wrap_put(trailer + 6, 32, 2);
	wrap_noise(trailer + 8, 32, seed);
}

static void wrap_chitu(uint8_t *bytes, size_t size, uint64_t seed)
{
	uint32_t sum = 0xef3d4323;

	wrap_noise(bytes + WRAP_CHITU, size - WRAP_CHITU, seed);
	for (size_t at = WRAP_CHITU; at < size; at++) {
		sum ^= (uint32_t)bytes[at] << at % 4 * 8;
	}
	wrap_put(bytes, 0x3f2d3d44, 4);
	wrap_put(bytes + 4, seed, 4);
	wrap_put(bytes + 8, sum, 4);
}

static size_t wrap_size_before(enum image_wrap wrap)
{
	switch (wrap) {
	case IMAGE_WRAP_HEADER:
	case IMAGE_WRAP_MCUBOOT:
		return WRAP_HEADER;
	case IMAGE_WRAP_CHITU:
		return WRAP_CHITU;
	case IMAGE_WRAP_NONE:
	case IMAGE_WRAP_XOR:
	case IMAGE_WRAP_RANDOM:
	case _IMAGE_WRAP_MAX:
	case _IMAGE_WRAP_INVALID:
		break;
	}
	return 0;
}

static size_t wrap_size_behind(enum image_wrap wrap, size_t size)
{
	if (wrap == IMAGE_WRAP_MCUBOOT) {
		return WRAP_TRAILER;
	}
	return wrap == IMAGE_WRAP_CHITU ? -size % WRAP_CHITU_BLOCK : 0;
}

static void wrap_change(enum image_wrap wrap, uint8_t *bytes, size_t size, uint64_t seed)
{
	switch (wrap) {
	case IMAGE_WRAP_XOR:
		wrap_xor(bytes, size);
		break;
	case IMAGE_WRAP_HEADER:
		wrap_header(bytes, size, seed);
		break;
	case IMAGE_WRAP_MCUBOOT:
		wrap_mcuboot(bytes, size, seed);
		break;
	case IMAGE_WRAP_CHITU:
		wrap_chitu(bytes, size, seed);
		break;
	case IMAGE_WRAP_RANDOM:
		wrap_noise(bytes, size, seed);
		break;
	case IMAGE_WRAP_NONE:
	case _IMAGE_WRAP_MAX:
	case _IMAGE_WRAP_INVALID:
		break;
	}
}

uint8_t *image_wrap(
	enum image_wrap wrap, const uint8_t *bytes, size_t size, uint64_t seed, size_t *ret_size)
{
	size_t before = wrap_size_before(wrap);
	size_t total = before + size + wrap_size_behind(wrap, size);
	uint8_t *wrapped = calloc(1, total);

	if (!wrapped) {
		return NULL;
	}
	memcpy(wrapped + before, bytes, size);
	wrap_change(wrap, wrapped, total, seed);
	*ret_size = total;
	return wrapped;
}

const char *image_wrap_to_string(enum image_wrap wrap)
{
	return wrap >= 0 && wrap < _IMAGE_WRAP_MAX ? wrap_names[wrap] : NULL;
}

enum image_wrap image_wrap_from_string(const char *text)
{
	for (size_t i = 0; i < _IMAGE_WRAP_MAX; i++) {
		if (strcmp(wrap_names[i], text) == 0) {
			return i;
		}
	}
	return _IMAGE_WRAP_INVALID;
}
