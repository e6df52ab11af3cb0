/* SPDX-License-Identifier: MIT */

/*
 * What an image's vector table says about its address, and how that fits the address it is to be
 * written to. The table is read by vector-table, its link address found by vector-base.
 *
 * An image linked for an alias of flash (0, or 0x00200000 on F7) starts where the chip shows flash
 * there, and so does one for a chip whose flash is at 0 and which has nothing to do with this
 * board: the same place by an alias speaks for an address but proves nothing, another place is a
 * mismatch.
 *
 * Some wrappers leave the table as it is and scramble the code that it names: whatever such a table
 * says, the file does not start where it is written, so it counts as none.
 */

#include "firmware/vector.h"

#include <assert.h>

#include "firmware/vector-base.h"
#include "firmware/vector-calls.h"
#include "firmware/vector-table.h"
#include "firmware/wrapper.h"

/* The choices that Klipper offers (src/stm32/Kconfig), which are those of the boards. */
const uint32_t *vector_places(size_t *ret_n)
{
	static const uint32_t places[] = {0, 0x800, 0x1000, 0x2000, 0x4000, 0x5000, 0x7000, 0x8000,
		0x8800, 0x9000, 0xc000, 0x10000, 0x20000, 0x20200};

	*ret_n = sizeof(places) / sizeof(*places);
	return places;
}

uint32_t vector_offset(uint32_t address)
{
	if (address - VECTOR_FLASH_BASE < VECTOR_FLASH_SIZE) {
		return address - VECTOR_FLASH_BASE;
	}
	if (address - VECTOR_FLASH_ALIAS < VECTOR_FLASH_ALIAS) {
		return address - VECTOR_FLASH_ALIAS;
	}
	return address;
}

void vector_judge(const uint8_t *bytes, size_t size, struct vector_facts *ret)
{
	struct vector_table table;

	assert(ret);
	assert(bytes || size == 0);

	*ret = (struct vector_facts)VECTOR_FACTS_INIT;
	if (!vector_table_read(&table, bytes, size) || wrapper_find(bytes, size) != WRAPPER_NONE) {
		return;
	}
	ret->stack = table.stack;
	ret->reset = table.reset;
	ret->lowest = table.lowest;
	ret->highest = table.highest;
	ret->cut = vector_calls_lead_out(bytes, size, table.size);
	vector_base_find(&table, bytes, size, ret);
}

static enum vector_fit vector_fit_certain(const struct vector_facts *facts, uint32_t address)
{
	if (facts->base == address) {
		return VECTOR_FITS;
	}
	return vector_offset(facts->base) == vector_offset(address) ? VECTOR_UNDECIDED
								    : VECTOR_MISMATCH;
}

/* A reset vector below the address cannot be cut off; one behind the image can. */
static enum vector_fit vector_fit_reset(
	const struct vector_facts *facts, size_t size, uint32_t address)
{
	uint32_t reset = vector_offset(facts->reset & ~1u);
	uint32_t start = vector_offset(address);

	if (reset >= start && reset - start < size) {
		return VECTOR_UNDECIDED;
	}
	if (reset < start || facts->certainty == VECTOR_LIKELY) {
		return VECTOR_MISMATCH;
	}
	return VECTOR_TRUNCATED;
}

enum vector_fit vector_fit(const struct vector_facts *facts, size_t size, uint32_t address)
{
	assert(facts);

	switch (facts->certainty) {
	case VECTOR_CERTAIN:
		return vector_fit_certain(facts, address);
	case VECTOR_LIKELY:
	case VECTOR_UNKNOWN:
		return vector_fit_reset(facts, size, address);
	case VECTOR_NO_TABLE:
	case _VECTOR_CERTAINTY_MAX:
	case _VECTOR_CERTAINTY_INVALID:
		break;
	}
	return VECTOR_UNDECIDED;
}

static uint32_t vector_word(const uint8_t bytes[static 4])
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

bool vector_bootable(const uint8_t bytes[static 8])
{
	return vector_table_starts(vector_word(bytes), vector_word(bytes + 4));
}

uint32_t vector_reset(const uint8_t bytes[static 8])
{
	return vector_word(bytes + 4) & ~1u;
}

const char *vector_certainty_to_string(enum vector_certainty certainty)
{
	switch (certainty) {
	case VECTOR_NO_TABLE:
		return "no-table";
	case VECTOR_UNKNOWN:
		return "unknown";
	case VECTOR_LIKELY:
		return "likely";
	case VECTOR_CERTAIN:
		return "certain";
	case _VECTOR_CERTAINTY_MAX:
	case _VECTOR_CERTAINTY_INVALID:
		break;
	}
	return NULL;
}

const char *vector_fit_to_string(enum vector_fit fit)
{
	switch (fit) {
	case VECTOR_FITS:
		return "fits";
	case VECTOR_UNDECIDED:
		return "undecided";
	case VECTOR_MISMATCH:
		return "mismatch";
	case VECTOR_TRUNCATED:
		return "truncated";
	case _VECTOR_FIT_MAX:
	case _VECTOR_FIT_INVALID:
		break;
	}
	return NULL;
}
