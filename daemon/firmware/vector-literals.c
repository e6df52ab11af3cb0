/* SPDX-License-Identifier: MIT */

/*
 * Counts the addresses in an image's literal pools and tables. A program names functions and
 * constants of its own all over its image, so more words point into [B, B + size) for the right B
 * than for one that is off by some KiB, but only by those that name the first or last few KiB.
 *
 * On 70 real images the most words were those of the right B, or of several: where functions and
 * constants stay away from both ends of a large image, bases differ by one word or by none. So the
 * lead has to be more than one in VECTOR_LITERALS_LEAD. Below 16 KiB there are too few words.
 */

#include "firmware/vector-literals.h"

#define VECTOR_LITERALS_LEAST_SIZE 16384
#define VECTOR_LITERALS_LEAD	   256

static uint32_t vector_literals_word(const uint8_t *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static size_t vector_literals_count(const uint8_t *bytes, size_t size, uint32_t base)
{
	size_t n = 0;

	for (size_t at = 0; at + 4 <= size; at += 4) {
		n += vector_literals_word(bytes + at) - base < size;
	}
	return n;
}

bool vector_literals_favour(
	uint32_t *ret, const uint8_t *bytes, size_t size, const uint32_t *bases, size_t n_bases)
{
	size_t most = 0, second = 0, best = 0;

	if (size < VECTOR_LITERALS_LEAST_SIZE) {
		return false;
	}
	for (size_t i = 0; i < n_bases; i++) {
		size_t n = vector_literals_count(bytes, size, bases[i]);

		if (n > most) {
			second = most;
			most = n;
			best = i;
		} else if (n > second) {
			second = n;
		}
	}
	if ((most - second) * VECTOR_LITERALS_LEAD <= most) {
		return false;
	}
	*ret = bases[best];
	return true;
}
