/* SPDX-License-Identifier: MIT */

/*
 * Whether an image was cut off, told by its calls. BL (ARMv7-M A7.7.18, encoding T1) is relative:
 * its target is a place in the file wherever the image was linked. Code calls into its own image,
 * so a whole image has no calls behind its end, and one that was cut off has many.
 *
 * Data looks like a call once in some hundred halfwords, with a target anywhere in 32 MiB. The same
 * number of such accidents leads to the stretch before the image as to the stretch of the same
 * length behind it, and calls before an image's start are no sign of a cut: so the stretch before
 * it is the control group. Literal pools and constants in the code are a smaller source of
 * accidents that lean forward, well below one in a hundred calls. Calls behind the end are believed
 * if they are many, more than one in VECTOR_CALLS_SHARE, and far more than the control group; an
 * image that lacks only its last few hundred bytes is not told from a whole one.
 */

#include "firmware/vector-calls.h"

#define VECTOR_CALLS_LEAST  16
#define VECTOR_CALLS_FACTOR 4
#define VECTOR_CALLS_SHARE  64

static uint32_t vector_calls_halfword(const uint8_t *bytes)
{
	return bytes[0] | bytes[1] << 8;
}

static bool vector_calls_is_call(uint32_t first, uint32_t second)
{
	return (first & 0xf800) == 0xf000 && (second & 0xd000) == 0xd000;
}

/* From the instruction to its target: S, I1, I2, imm10, imm11 and a zero, behind the pipeline. */
static int64_t vector_calls_distance(uint32_t first, uint32_t second)
{
	uint32_t sign = first >> 10 & 1;
	uint32_t i1 = ~(second >> 13 ^ sign) & 1;
	uint32_t i2 = ~(second >> 11 ^ sign) & 1;
	uint32_t magnitude = i1 << 23 | i2 << 22 | (first & 0x3ff) << 12 | (second & 0x7ff) << 1;

	return (int64_t)magnitude - ((int64_t)sign << 24) + 4;
}

/* 32-bit instructions begin with 0b11101, 0b11110 or 0b11111 (A5.1). */
static size_t vector_calls_length(uint32_t first)
{
	return first >= 0xe800 ? 4 : 2;
}

bool vector_calls_lead_out(const uint8_t *bytes, size_t size, size_t start)
{
	size_t n = 0, n_before = 0, n_behind = 0;
	uint32_t first;

	for (size_t at = start; at + 4 <= size; at += vector_calls_length(first)) {
		uint32_t second = vector_calls_halfword(bytes + at + 2);
		int64_t target;

		first = vector_calls_halfword(bytes + at);
		if (!vector_calls_is_call(first, second)) {
			continue;
		}
		target = (int64_t)at + vector_calls_distance(first, second);
		n++;
		n_before += target < 0 && target >= -(int64_t)size;
		n_behind += target >= (int64_t)size && target < 2 * (int64_t)size;
	}
	return n_behind >= VECTOR_CALLS_LEAST + VECTOR_CALLS_FACTOR * n_before &&
	       n_behind * VECTOR_CALLS_SHARE >= n;
}
