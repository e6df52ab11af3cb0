/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/program.h"

/*
 * What lies on a board, as read from the start of its flash: a program that says what it is, a boot
 * loader, something that may be one, nothing. Two KiB tell a boot loader that says so; the more is
 * read, the more is known. Pure; never fails.
 */

enum resident_kind {
	RESIDENT_NONE,	  /* nothing that starts: no stack pointer and reset vector */
	RESIDENT_PROGRAM, /* says what it is, and is no boot loader */
	RESIDENT_LOADER,  /* a boot loader: says so, or has another program behind it */
	RESIDENT_FOREIGN, /* starts, and says nothing of itself: may be a boot loader */
	_RESIDENT_KIND_MAX,
	_RESIDENT_KIND_INVALID = -1,
};

struct resident {
	enum resident_kind kind;
	bool blank;  /* erased, as far as it was read */
	size_t size; /* bytes up to the next program, else all that were read */
	size_t own;  /* of these, those before the first erased KiB: its own */
	bool has_next;
	size_t next; /* offset of the next program */
	struct program program, next_program;
};

#define RESIDENT_TEXT_MAX 384

/*
 * bytes[0] was read at that address. A next program has its vector table at a place where boot
 * loaders end (vector_places), with handlers that lie behind that place. There may be one whatever
 * the kind: beside RESIDENT_PROGRAM it is what an older program left behind.
 */
void resident_judge(struct resident *ret, const uint8_t *bytes, size_t size, uint32_t address);

/* "a boot loader with Klipper v0.12.0 for stm32f446xx behind it". RESIDENT_TEXT_MAX is enough. */
void resident_describe(const struct resident *resident, char *ret, size_t size);

const char *resident_kind_to_string(enum resident_kind kind);
