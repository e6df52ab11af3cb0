/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A vector table as read from the first bytes of an image: handlers without their Thumb bit, each
 * value once. Pure.
 */

#define VECTOR_TABLE_MAX   256 /* words: 16 exceptions and 240 interrupts (ARMv7-M B1.5.2) */
#define VECTOR_FLASH_BASE  0x08000000u
#define VECTOR_FLASH_SIZE  0x00400000u
#define VECTOR_FLASH_ALIAS 0x00200000u /* of F7; all others that have one have it at 0 */

struct vector_table {
	uint32_t stack, reset; /* words 0 and 1, as they are */
	uint32_t window;       /* where flash begins for these handlers: its own base, or 0 */
	size_t size;	       /* bytes up to the last word that is a handler */
	size_t n;	       /* different handlers in flash, at least one: reset */
	size_t mode;	       /* index of the most frequent one */
	uint32_t lowest, highest;
	uint32_t handlers[VECTOR_TABLE_MAX];
	uint16_t counts[VECTOR_TABLE_MAX];
};

/* False where the first words are no vector table. A file may end inside its table. */
bool vector_table_read(struct vector_table *ret, const uint8_t *bytes, size_t size);

/* Words 0 and 1 of anything that starts. */
bool vector_table_starts(uint32_t stack, uint32_t reset);
