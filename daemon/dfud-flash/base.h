/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/policy.h"
#include "dfu/layout.h"
#include "dfu/plan.h"
#include "firmware/resident.h"

/*
 * What lies at flash base, where the chip starts when its power comes: a boot loader that must not
 * be lost, and whether anything starts there once the image is written. No I/O.
 */

/*
 * At most so much is read of flash base where the image begins behind it: as far as the largest
 * boot loader reaches (dfu.md 7.8). A program is known by what it says of itself, which may stand
 * anywhere in it.
 */
#define BASE_LOOK_MAX 0x20200u

enum base_after {
	BASE_NOT_KNOWN, /* cannot be read, or the image goes to another memory */
	BASE_IMAGE,	/* the image itself starts there */
	BASE_LOADER,	/* a boot loader does, or what may be one */
	BASE_OTHER,	/* another program does, which is no boot loader */
	BASE_NO_TABLE,	/* the image lies there, and the chip cannot start it */
	BASE_NOTHING,	/* nothing does: the board will not start after its power was cut */
};

struct base {
	uint32_t address;
	enum base_after after;
	struct resident resident; /* now, valid unless BASE_NOT_KNOWN or nothing could be read */
	bool is_read;
	bool is_loader;	 /* a boot loader, or what may be one */
	bool is_erased;	 /* a sector with some of it will be erased */
	bool is_damaged; /* and not all of it is written back */
	char about[160]; /* what lies there, in words */
};

/*
 * The plan is decided; the file goes to the address image. starts: the chip could start it there.
 * 0 or -ENOMEM.
 */
int base_look(struct base *ret, const struct plan *plan, const struct layout *layout,
	uint32_t image, bool starts);

/* How much to read of flash base for an image at that address; 0 where that is of no use. */
uint32_t base_look_size(const struct layout *layout, uint32_t image);

/* A boot loader that would be erased. */
bool base_loses_loader(const struct base *base);

/* Where the board is told to start. */
uint32_t base_leave(const struct base *base, enum leave_policy policy, uint32_t image);

const char *base_after_to_string(enum base_after after); /* a word of MESSAGE_BASE, "" */
