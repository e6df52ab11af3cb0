/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What program some bytes are, by what they say of themselves: only what is certain and cheap to
 * find. The bytes begin with the program's vector table, where it has one; they may be less than
 * the whole program, and nothing is then said of what lies beyond. Bytes that hold several programs
 * are told apart by resident_judge. Pure; never fails.
 */

enum program_kind {
	PROGRAM_UNKNOWN, /* says nothing that is understood here */
	PROGRAM_APPLICATION,
	PROGRAM_LOADER, /* a boot loader */
	_PROGRAM_KIND_MAX,
	_PROGRAM_KIND_INVALID = -1,
};

struct program {
	enum program_kind kind;
	char name[32];	  /* "Klipper"; "" for PROGRAM_UNKNOWN, as all that is not said */
	char version[64]; /* "v0.13.0-730-g1234567" */
	char mcu[32];	  /* "stm32f446xx" */
};

#define PROGRAM_TEXT_MAX 160

/* A file: its address is what its vector table says, where it says so. */
void program_identify(struct program *ret, const uint8_t *bytes, size_t size);

/* A read of flash: bytes[0] is at that address. */
void program_identify_at(struct program *ret, const uint8_t *bytes, size_t size, uint32_t address);

/* "Klipper v0.13.0-730 for stm32f446xx"; "" for PROGRAM_UNKNOWN. PROGRAM_TEXT_MAX is enough. */
void program_describe(const struct program *program, char *ret, size_t size);

const char *program_kind_to_string(enum program_kind kind);
