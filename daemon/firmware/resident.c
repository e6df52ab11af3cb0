/* SPDX-License-Identifier: MIT */

/*
 * Flash from its start, as a row of programs. Each is identified within its own bytes, so that a
 * boot loader is not taken for the program behind it. Its bytes end where the next program's vector
 * table is, or where a block is erased that is as long as the shortest block that a boot loader of
 * ST takes: behind that lies what a flash left half done, or an older program.
 *
 * A vector table in the middle of flash must not be an accident: constants of a program look like
 * the stack pointer and reset vector of another. It has all sixteen exceptions as vector-table
 * reads them; the three that every program has (reset, NMI, hard fault: ARMv7-M B1.5.3) are there,
 * and every handler lies behind the table itself. A table of functions in a program's constants
 * points to the code before it.
 *
 * At the start of flash less is asked for, since the chip asks for no more.
 */

#include "firmware/resident.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "firmware/vector-table.h"
#include "firmware/vector.h"

#define RESIDENT_LEAST_TABLE 64
#define RESIDENT_GAP	     1024

static bool resident_is_erased(uint8_t byte)
{
	return byte == 0xff || byte == 0x00; /* STM32L0 and L1 erase to zeros */
}

/* The bytes before the first erased block. */
static size_t resident_size_of(const uint8_t *bytes, size_t size)
{
	size_t n = 0;

	for (size_t at = 0; at < size; at++) {
		n = n > 0 && bytes[at] == bytes[at - 1] ? n + 1 : 1;
		if (n == RESIDENT_GAP && resident_is_erased(bytes[at])) {
			return at + 1 - n;
		}
	}
	return size;
}

static bool resident_is_blank(const uint8_t *bytes, size_t size)
{
	return size > 0 && resident_is_erased(bytes[0]) && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static bool resident_has_faults(const uint8_t *bytes)
{
	return memcmp(bytes + 8, "\0\0\0\0", 4) != 0 && memcmp(bytes + 12, "\0\0\0\0", 4) != 0;
}

static bool resident_is_table(const uint8_t *bytes, size_t size, uint32_t address)
{
	struct vector_table table;

	return size >= RESIDENT_LEAST_TABLE && vector_table_read(&table, bytes, size) &&
	       resident_has_faults(bytes) &&
	       vector_offset(table.lowest) >= vector_offset(address) + RESIDENT_LEAST_TABLE;
}

/* The first program behind offset `from`. */
static bool resident_find_next(
	size_t *ret, const uint8_t *bytes, size_t size, uint32_t address, size_t from)
{
	size_t n;
	const uint32_t *places = vector_places(&n);

	for (size_t i = 0; i < n; i++) {
		size_t at = places[i] - vector_offset(address);

		if (places[i] > vector_offset(address) && at > from && at < size &&
			resident_is_table(bytes + at, size - at, address + at)) {
			*ret = at;
			return true;
		}
	}
	return false;
}

static void resident_identify(
	struct program *ret, const uint8_t *bytes, size_t size, uint32_t address)
{
	program_identify_at(ret, bytes, resident_size_of(bytes, size), address);
}

static void resident_judge_next(
	struct resident *ret, const uint8_t *bytes, size_t size, uint32_t address)
{
	size_t end = size;

	(void)resident_find_next(&end, bytes, size, address, ret->next);
	resident_identify(&ret->next_program, bytes + ret->next, end - ret->next,
		address + (uint32_t)ret->next);
}

static enum resident_kind resident_judge_kind(const struct resident *resident, bool starts)
{
	if (!starts) {
		return RESIDENT_NONE;
	}
	switch (resident->program.kind) {
	case PROGRAM_APPLICATION:
		return RESIDENT_PROGRAM;
	case PROGRAM_LOADER:
		return RESIDENT_LOADER;
	case PROGRAM_UNKNOWN:
	case _PROGRAM_KIND_MAX:
	case _PROGRAM_KIND_INVALID:
		break;
	}
	return resident->has_next ? RESIDENT_LOADER : RESIDENT_FOREIGN;
}

void resident_judge(struct resident *ret, const uint8_t *bytes, size_t size, uint32_t address)
{
	bool starts;

	assert(ret);
	assert(bytes || size == 0);

	memset(ret, 0, sizeof(*ret));
	ret->blank = resident_is_blank(bytes, size);
	ret->size = size;
	ret->has_next = resident_find_next(&ret->next, bytes, size, address, 0);
	if (ret->has_next) {
		ret->size = ret->next;
		resident_judge_next(ret, bytes, size, address);
	}
	ret->own = resident_size_of(bytes, ret->size);
	starts = size >= 8 && vector_bootable(bytes);
	if (starts) {
		resident_identify(&ret->program, bytes, ret->size, address);
	}
	ret->kind = resident_judge_kind(ret, starts);
}

static void resident_describe_program(
	const struct program *program, const char *unknown, char *ret, size_t size)
{
	if (program->kind == PROGRAM_UNKNOWN) {
		snprintf(ret, size, "%s", unknown);
		return;
	}
	program_describe(program, ret, size);
}

static void resident_describe_loader(const struct resident *resident, char *ret, size_t size)
{
	char loader[PROGRAM_TEXT_MAX], next[PROGRAM_TEXT_MAX];

	resident_describe_program(&resident->program, "a boot loader", loader, sizeof(loader));
	resident_describe_program(&resident->next_program, "a program that does not say what it is",
		next, sizeof(next));
	if (resident->has_next) {
		snprintf(ret, size, "%s with %s behind it", loader, next);
	} else {
		snprintf(ret, size, "%s", loader);
	}
}

void resident_describe(const struct resident *resident, char *ret, size_t size)
{
	assert(resident && ret && size > 0);

	switch (resident->kind) {
	case RESIDENT_NONE:
		snprintf(ret, size, "%s", resident->blank ? "blank" : "nothing that starts");
		return;
	case RESIDENT_LOADER:
		resident_describe_loader(resident, ret, size);
		return;
	case RESIDENT_PROGRAM:
	case RESIDENT_FOREIGN:
	case _RESIDENT_KIND_MAX:
	case _RESIDENT_KIND_INVALID:
		break;
	}
	resident_describe_program(
		&resident->program, "a program that does not say what it is", ret, size);
}

const char *resident_kind_to_string(enum resident_kind kind)
{
	switch (kind) {
	case RESIDENT_NONE:
		return "none";
	case RESIDENT_PROGRAM:
		return "program";
	case RESIDENT_LOADER:
		return "loader";
	case RESIDENT_FOREIGN:
		return "foreign";
	case _RESIDENT_KIND_MAX:
	case _RESIDENT_KIND_INVALID:
		break;
	}
	return NULL;
}
