/* SPDX-License-Identifier: MIT */

/*
 * Reads a vector table (ARMv7-M B1.5.2, B1.5.3). Word 0 is the stack pointer, word 1 the reset
 * vector, words 2 to 15 the other exceptions, from 16 on the interrupts, as many as the chip has:
 * the table ends before the first word that can be no handler. A handler is odd (Thumb) and lies in
 * flash, or in RAM for code that is copied there; 0 means unused.
 *
 * Words 7 to 10 and 13 are reserved: no chip reads them, and some build tools keep a checksum or a
 * version there, so they are handlers if they look like some and nothing otherwise.
 *
 * The windows are the union of all families, since the file does not say its chip: random words
 * pass for a stack pointer and a reset vector once in 2^18, for eleven more words never.
 *
 * Flash is at 0x08000000 and, on most families, also at 0 (and on F7 at 0x00200000). The reset
 * vector decides which of both the image uses: beside handlers at 0x08000000, a low address is code
 * memory (the instruction RAM of F7 and H7).
 */

#include "firmware/vector-table.h"

#include <string.h>

struct vector_window {
	uint32_t start, end;
};

static const struct vector_window vector_ram[] = {
	{0x20000000, 0x20300000}, /* SRAM and data TCM; the most is that of U5F and U5G */
	{0x10000000, 0x10010000}, /* core-coupled memory of F3, F4, G4; SRAM2 of L4 */
	{0x24000000, 0x24100000}, /* AXI SRAM of H7 */
	{0x30000000, 0x30048000}, /* SRAM1 to 3 of H7 */
	{0x38000000, 0x38010000}, /* SRAM4 of H7 */
};

#define VECTOR_N_RAM	    (sizeof(vector_ram) / sizeof(*vector_ram))
#define VECTOR_ITCM_SIZE    0x10000u
#define VECTOR_N_EXCEPTIONS 16

static uint32_t vector_table_word(const uint8_t *bytes, size_t index)
{
	bytes += 4 * index;
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* A full descending stack starts at the end of its memory, which is therefore inclusive. */
static bool vector_table_is_stack(uint32_t word)
{
	for (size_t i = 0; i < VECTOR_N_RAM; i++) {
		if (word > vector_ram[i].start && word <= vector_ram[i].end) {
			return word % 4 == 0;
		}
	}
	return false;
}

static bool vector_table_is_in_flash(uint32_t word, uint32_t window)
{
	return word % 2 == 1 && word - window < VECTOR_FLASH_SIZE;
}

static bool vector_table_is_in_ram(uint32_t word, uint32_t window)
{
	if (word % 2 == 0) {
		return false;
	}
	for (size_t i = 0; i < VECTOR_N_RAM; i++) {
		if (word - vector_ram[i].start < vector_ram[i].end - vector_ram[i].start) {
			return true;
		}
	}
	return window == VECTOR_FLASH_BASE && word < VECTOR_ITCM_SIZE;
}

static bool vector_table_is_reserved(size_t index)
{
	return (index >= 7 && index <= 10) || index == 13;
}

static void vector_table_add(struct vector_table *table, uint32_t handler)
{
	size_t i;

	for (i = 0; i < table->n; i++) {
		if (table->handlers[i] == handler) {
			break;
		}
	}
	if (i == table->n) {
		table->handlers[table->n++] = handler;
	}
	table->counts[i]++;
	if (table->counts[i] > table->counts[table->mode]) {
		table->mode = i;
	}
	if (handler < table->lowest) {
		table->lowest = handler;
	}
	if (handler > table->highest) {
		table->highest = handler;
	}
}

/* False where the word can be no part of a table at that index. */
static bool vector_table_take(struct vector_table *table, uint32_t word, size_t index)
{
	if (vector_table_is_in_flash(word, table->window)) {
		vector_table_add(table, word - 1);
	} else if (!vector_table_is_in_ram(word, table->window)) {
		return word == 0 || vector_table_is_reserved(index);
	}
	table->size = 4 * (index + 1);
	return true;
}

bool vector_table_starts(uint32_t stack, uint32_t reset)
{
	return vector_table_is_stack(stack) &&
	       (vector_table_is_in_flash(reset, VECTOR_FLASH_BASE) ||
		       vector_table_is_in_flash(reset, 0));
}

bool vector_table_read(struct vector_table *ret, const uint8_t *bytes, size_t size)
{
	size_t n_words = size / 4 < VECTOR_TABLE_MAX ? size / 4 : VECTOR_TABLE_MAX;

	memset(ret, 0, sizeof(*ret));
	ret->lowest = UINT32_MAX;
	if (n_words < 2) {
		return false;
	}
	ret->stack = vector_table_word(bytes, 0);
	ret->reset = vector_table_word(bytes, 1);
	if (!vector_table_starts(ret->stack, ret->reset)) {
		return false;
	}
	ret->window =
		vector_table_is_in_flash(ret->reset, VECTOR_FLASH_BASE) ? VECTOR_FLASH_BASE : 0;
	for (size_t i = 1; i < n_words; i++) {
		if (!vector_table_take(ret, vector_table_word(bytes, i), i)) {
			return i >= VECTOR_N_EXCEPTIONS;
		}
	}
	return true;
}
