/* SPDX-License-Identifier: MIT */

/*
 * Wrappers that can be told from an image without one, and from noise.
 *
 * MCUboot (its design.md): a header of 32 bytes with a magic, its own size and the image's.
 *
 * Chitu (chitu_crypt.py of Marlin): a header of 12 bytes, magic, key and a sum over all words of
 * what follows, which is a multiple of 2 KiB.
 *
 * MKS Robin (update_mks_robin.py of Klipper, marlin.py of Marlin): the bytes from 320 to 31040 are
 * combined with a key of 32 bytes by exclusive or, so the vector table can be read but nothing that
 * it points to. Zeros are the commonest bytes of an image and become bytes of the key: in such
 * files one byte in thirteen is the key's own at its place (ten files of MKS), in others one in 200
 * at most (60 images). The line is drawn at one in 32.
 */

#include "firmware/wrapper.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define WRAPPER_MCUBOOT_SIZE  32
#define WRAPPER_CHITU_SIZE    12
#define WRAPPER_CHITU_BLOCK   2048
#define WRAPPER_CHITU_SUM     0xef3d4323u
#define WRAPPER_ROBIN_START   320
#define WRAPPER_ROBIN_END     31040
#define WRAPPER_ROBIN_LEAST   2048 /* bytes to count in */
#define WRAPPER_ROBIN_SHARE   32
#define WRAPPER_ROBIN_KEY_LEN 32

static const uint8_t wrapper_robin_key[WRAPPER_ROBIN_KEY_LEN] = {0xa3, 0xbd, 0xad, 0x0d, 0x41, 0x11,
	0xbb, 0x8d, 0xdc, 0x80, 0x2d, 0xd0, 0xd2, 0xc4, 0x9b, 0x1e, 0x26, 0xeb, 0xe3, 0x33, 0x4a,
	0x15, 0xe4, 0x0a, 0xb3, 0xb1, 0x3c, 0x93, 0xbb, 0xaf, 0xf7, 0x3e};

static uint32_t wrapper_u32(const uint8_t *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool wrapper_is_mcuboot(const uint8_t *bytes, size_t size)
{
	uint32_t header, image;

	if (size < WRAPPER_MCUBOOT_SIZE || memcmp(bytes, "\x3d\xb8\xf3\x96", 4) != 0) {
		return false;
	}
	header = bytes[8] | bytes[9] << 8;
	image = wrapper_u32(bytes + 12);
	return header >= WRAPPER_MCUBOOT_SIZE && image > 0;
}

static bool wrapper_is_chitu(const uint8_t *bytes, size_t size)
{
	uint32_t sum = WRAPPER_CHITU_SUM;

	if (size <= WRAPPER_CHITU_SIZE || memcmp(bytes, "\x44\x3d\x2d\x3f", 4) != 0 ||
		(size - WRAPPER_CHITU_SIZE) % WRAPPER_CHITU_BLOCK != 0) {
		return false;
	}
	for (size_t at = WRAPPER_CHITU_SIZE; at < size; at += 4) {
		sum ^= wrapper_u32(bytes + at);
	}
	return sum == wrapper_u32(bytes + 8);
}

static bool wrapper_is_robin(const uint8_t *bytes, size_t size)
{
	size_t end = size < WRAPPER_ROBIN_END ? size : WRAPPER_ROBIN_END;
	size_t n = 0;

	if (end < WRAPPER_ROBIN_START + WRAPPER_ROBIN_LEAST) {
		return false;
	}
	for (size_t at = WRAPPER_ROBIN_START; at < end; at++) {
		n += bytes[at] == wrapper_robin_key[at % WRAPPER_ROBIN_KEY_LEN];
	}
	return n * WRAPPER_ROBIN_SHARE >= end - WRAPPER_ROBIN_START;
}

enum wrapper wrapper_find(const uint8_t *bytes, size_t size)
{
	assert(bytes || size == 0);

	if (wrapper_is_mcuboot(bytes, size)) {
		return WRAPPER_MCUBOOT;
	}
	if (wrapper_is_chitu(bytes, size)) {
		return WRAPPER_CHITU;
	}
	return wrapper_is_robin(bytes, size) ? WRAPPER_ROBIN : WRAPPER_NONE;
}

const char *wrapper_to_string(enum wrapper wrapper)
{
	switch (wrapper) {
	case WRAPPER_MCUBOOT:
		return "MCUboot image";
	case WRAPPER_CHITU:
		return "Chitu update file";
	case WRAPPER_ROBIN:
		return "MKS Robin update file";
	case WRAPPER_NONE:
	case _WRAPPER_MAX:
	case _WRAPPER_INVALID:
		break;
	}
	return NULL;
}
