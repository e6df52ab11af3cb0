/* SPDX-License-Identifier: MIT */

/*
 * Patterns of Thumb code (ARMv7-M A5, A7), as compilers and start-up files write it. Each is a
 * guess: one halfword in some thousand is a loop by accident, one in eight looks like an entry.
 */

#include "firmware/vector-code.h"

#include <string.h>

static uint16_t vector_code_halfword(const struct vector_code *code, size_t offset)
{
	return code->bytes[offset] | code->bytes[offset + 1] << 8;
}

/*
 * The forms of an endless loop that start-up code has: `b .`, its wide form, with wfi, wfe or bkpt
 * inside, and what compilers make of it without optimisation.
 */
bool vector_code_is_loop(const struct vector_code *code, size_t offset)
{
	uint16_t first, second, third;

	if (offset < code->start || offset + 2 > code->size) {
		return false;
	}
	first = vector_code_halfword(code, offset);
	if (first == 0xe7fe) {
		return true;
	}
	if (offset + 6 > code->size) {
		return false;
	}
	second = vector_code_halfword(code, offset + 2);
	third = vector_code_halfword(code, offset + 4);
	return (first == 0xf7ff && second == 0xbffe) || (first == 0xe7ff && second == 0xe7fe) ||
	       (first == 0xbf30 && second == 0xe7fd) || (first == 0xbf20 && second == 0xe7fd) ||
	       (first == 0xbe00 && (second == 0xe7fd || second == 0xe7fe)) ||
	       (first == 0xb480 && second == 0xaf00 && third == 0xe7fe);
}

/* push with lr, push.w with lr, cpsid i, ldr.w sp. */
static bool vector_code_is_prologue(const struct vector_code *code, size_t offset)
{
	uint16_t first = vector_code_halfword(code, offset);

	if ((first & 0xff00) == 0xb500 || first == 0xb672) {
		return true;
	}
	if (offset + 4 > code->size) {
		return false;
	}
	return (first == 0xe92d && vector_code_halfword(code, offset + 2) & 0x4000) ||
	       (first == 0xf8df && vector_code_halfword(code, offset + 2) >> 12 == 0xd);
}

/* The last instruction of a function: a return, a branch without condition, a call that stays away.
 */
static bool vector_code_is_end(uint16_t first, uint16_t second)
{
	bool wide_branch = (first & 0xf800) == 0xf000 && (second & 0x9000) == 0x9000;
	bool wide_pop =
		(first == 0xe8bd && second & 0x8000) || (first == 0xf85d && second == 0xfb04);

	return (second & 0xff87) == 0x4700 || (second & 0xff00) == 0xbd00 ||
	       (second & 0xf800) == 0xe000 || (second & 0xff00) == 0xde00 || wide_branch ||
	       wide_pop;
}

/*
 * A word of a literal pool behind a function: an address of flash, RAM or a peripheral, or a
 * negative number, as the clock rate that Klipper has before its timer's handler.
 */
static bool vector_code_is_literal(uint16_t high)
{
	return (high >= 0x0800 && high < 0x0840) || (high >= 0x2000 && high < 0x2010) ||
	       high == 0x2400 || high == 0x1000 || (high >= 0x4000 && high < 0x4004) ||
	       (high >= 0x5000 && high < 0x5008) || high == 0xe000 || high >= 0xfff0;
}

/*
 * What lies between functions: a nop, the nop of ARMv6-M, or a zero, which may also be the upper
 * half of a small literal. Two zeros in a row are a table of constants.
 */
static bool vector_code_is_padding(uint16_t earlier, uint16_t before)
{
	return before == 0xbf00 || before == 0x46c0 || (before == 0x0000 && earlier != 0x0000);
}

/* A table of addresses in flash: no function has 0x0800 as its second halfword. */
static bool vector_code_is_pointer(const struct vector_code *code, size_t offset)
{
	uint16_t high;

	if (offset % 4 != 0 || offset + 4 > code->size) {
		return false;
	}
	high = vector_code_halfword(code, offset + 2);
	return high >= 0x0800 && high < 0x0840;
}

/* Katapult's reset handler has its signature in front (armcm_canboot.c). */
static bool vector_code_is_signed(const struct vector_code *code, size_t offset)
{
	return offset >= 8 && memcmp(code->bytes + offset - 8, "CanBoot!", 8) == 0;
}

/* Long runs of 0x0000 and 0xffff are tables; a function begins with neither. */
bool vector_code_is_entry(const struct vector_code *code, size_t offset)
{
	uint16_t first, before, earlier;

	if (offset < code->start || offset < 4 || offset + 2 > code->size) {
		return false;
	}
	first = vector_code_halfword(code, offset);
	if (first == 0x0000 || first == 0xffff || vector_code_is_pointer(code, offset)) {
		return false;
	}
	if (offset == code->start || vector_code_is_prologue(code, offset) ||
		vector_code_is_signed(code, offset)) {
		return true;
	}
	before = vector_code_halfword(code, offset - 2);
	earlier = vector_code_halfword(code, offset - 4);
	return vector_code_is_padding(earlier, before) || vector_code_is_end(earlier, before) ||
	       (offset % 4 == 0 && vector_code_is_literal(before));
}
