/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The memory layout that a DfuSe device tells in the string of an alternate setting (UM0424,
 * chapter 10): "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg". Pure.
 * It is a claim of abilities, not an identity of the chip.
 */

#define LAYOUT_MAX_GROUPS 64
#define LAYOUT_NAME_MAX	  64

enum layout_access {
	LAYOUT_READABLE = 1,
	LAYOUT_ERASABLE = 2,
	LAYOUT_WRITEABLE = 4,
};

struct layout_group {
	uint32_t start; /* address of the first sector */
	uint32_t size;	/* bytes of one sector, any number but 0 */
	uint32_t count; /* sectors, never 0; start + size * count never passes 2^32 */
	uint8_t access; /* enum layout_access, or-ed */
};

struct layout {
	char name[LAYOUT_NAME_MAX]; /* without '@' and padding: "Internal Flash" */
	struct layout_group groups[LAYOUT_MAX_GROUPS]; /* in the string's order */
	size_t n_groups;
};

struct layout_sector {
	uint32_t start, size;
	uint32_t index; /* counted over the whole layout, from 0 */
	uint8_t access;
};

/*
 * 0; -EINVAL where the text is no layout (not "@...", overflow, overlapping groups, zero sizes, a
 * letter outside a..g in another place than dfu.md's known oddities); -E2BIG for too many groups.
 * On failure *ret is untouched. A missing or blank unit means bytes; trailing blanks are padding.
 * A missing letter means a group that allows nothing; "Device Feature" is readable and writeable
 * whatever its letter says. A name that does not fit is cut. The sectors fit in 32 bits.
 */
int layout_parse(struct layout *ret, const char *text);

/* The sector that holds the address; false where none does. */
bool layout_sector_at(const struct layout *layout, uint32_t address, struct layout_sector *ret);

/* All sectors, and the bytes in them. */
uint32_t layout_n_sectors(const struct layout *layout);
uint64_t layout_size(const struct layout *layout);

/*
 * The same sectors in the same places, however they are grouped. What the memory is called and
 * allows does not matter.
 */
bool layout_is_same(const struct layout *a, const struct layout *b);
