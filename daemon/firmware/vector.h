/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The Cortex-M vector table at the start of a raw image (ARMv7-M B1.5.3), and what it says about
 * the address that the image was linked for. Pure.
 */

enum vector_certainty {
	VECTOR_NO_TABLE, /* the first words are no vector table, or a wrapper hides what it names */
	VECTOR_UNKNOWN,	 /* a table, but it does not say where it was linked */
	VECTOR_LIKELY,	 /* something speaks for a base and nothing proves it; base is that one */
	VECTOR_CERTAIN,	 /* exactly one base passes the default-handler test, and others bear it out
			  */
	_VECTOR_CERTAINTY_MAX,
	_VECTOR_CERTAINTY_INVALID = -1,
};

enum vector_fit {
	VECTOR_FITS,	  /* certainly linked for this address */
	VECTOR_UNDECIDED, /* nothing speaks against it, nothing proves it */
	VECTOR_MISMATCH,  /* certainly linked for another address */
	VECTOR_TRUNCATED, /* the reset vector lies outside the image and no other base explains it
			   */
	_VECTOR_FIT_MAX,
	_VECTOR_FIT_INVALID = -1,
};

struct vector_facts {
	enum vector_certainty certainty;
	uint32_t stack;		  /* word 0 */
	uint32_t reset;		  /* word 1, with its Thumb bit */
	uint32_t base;		  /* the link address; valid for LIKELY and CERTAIN */
	uint32_t lowest, highest; /* handlers inside the flash window, without Thumb bit */
	bool truncated; /* no base lets every handler lie inside the image, whatever the address */
	bool cut;	/* its calls lead behind its end: the file was cut off, whatever the base */
};

#define VECTOR_FACTS_INIT                                                                          \
	{                                                                                          \
		.certainty = VECTOR_NO_TABLE                                                       \
	}

/* Judges the first bytes of an image; any size, any bytes. Never fails. */
void vector_judge(const uint8_t *bytes, size_t size, struct vector_facts *ret);

/* How an image of that size with those facts fits an address. */
enum vector_fit vector_fit(const struct vector_facts *facts, size_t size, uint32_t address);

/*
 * Whether eight bytes at a place in flash look like something that a Cortex-M can start: a stack
 * pointer in a RAM window, an odd reset vector in the flash window. Blank flash is not.
 */
bool vector_bootable(const uint8_t bytes[static 8]);

/* Where such a thing starts: word 1 without its Thumb bit. */
uint32_t vector_reset(const uint8_t bytes[static 8]);

/* Where boot loaders end and programs begin, as offsets in flash, ascending; the first is 0. */
const uint32_t *vector_places(size_t *ret_n);

/* An address of flash, by whichever of its aliases, as its offset in flash; others as they are. */
uint32_t vector_offset(uint32_t address);

const char *vector_certainty_to_string(enum vector_certainty certainty);
const char *vector_fit_to_string(enum vector_fit fit);
