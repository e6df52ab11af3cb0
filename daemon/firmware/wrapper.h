/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What lies around or over an image so that only the boot loader it is meant for can start it. Told
 * only where it is certain: an image that is encrypted as a whole looks like noise and is none of
 * these. Such a file may be flashed where a person says so, but its first words say nothing about
 * an address. Pure; never fails.
 */

enum wrapper {
	WRAPPER_NONE,
	WRAPPER_MCUBOOT, /* a header before the table, a signature behind the program */
	WRAPPER_CHITU,	 /* update.cbd of Chitu boards: a header, then encrypted blocks */
	WRAPPER_ROBIN,	 /* Robin*.bin of MKS boards: the code behind the table is scrambled */
	_WRAPPER_MAX,
	_WRAPPER_INVALID = -1,
};

enum wrapper wrapper_find(const uint8_t *bytes, size_t size);

/* For a person: "MCUboot image"; NULL for WRAPPER_NONE. Static. */
const char *wrapper_to_string(enum wrapper wrapper);
