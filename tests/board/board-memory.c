/* SPDX-License-Identifier: MIT */

/*
 * The memories of a simulated board, one for each alternate setting, laid out as the alternate's
 * own string says (UM0424, chapter 10). Read strictly and by itself: nothing is shared with the
 * daemon's parser, so that one mistake is not made twice.
 */

#include "board-internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *memory_number(const char *p, int base, uint32_t *ret)
{
	char *end;
	unsigned long long value;

	if (!(base == 16 ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p))) {
		return NULL;
	}
	value = strtoull(p, &end, base);
	if (value > UINT32_MAX) {
		return NULL;
	}
	*ret = (uint32_t)value;
	return end;
}

static uint32_t memory_unit(const char **p)
{
	switch (**p) {
	case 'M':
		++*p;
		return 1u << 20;
	case 'K':
		++*p;
		return 1u << 10;
	case 'B':
	case ' ':
		++*p;
		return 1;
	default:
		return 1;
	}
}

static const char *memory_group(const char *p, struct board_group *ret)
{
	uint64_t size;
	uint32_t unit;

	p = memory_number(p, 10, &ret->count);
	if (!p || *p++ != '*') {
		return NULL;
	}
	p = memory_number(p, 10, &ret->size);
	if (!p) {
		return NULL;
	}
	unit = memory_unit(&p);
	size = (uint64_t)ret->size * unit;
	if (*p < 'a' || *p > 'g' || size == 0 || size > BOARD_MAX_MEMORY || ret->count == 0 ||
		ret->count > BOARD_MAX_MEMORY) {
		return NULL;
	}
	ret->size = (uint32_t)size;
	ret->access = (uint8_t)(*p++ & 7);
	return p;
}

static bool memory_append(struct board_memory *memory, struct board_group *group)
{
	uint64_t size = (uint64_t)group->size * group->count;

	if (memory->n_groups == BOARD_MAX_GROUPS || memory->size + size > BOARD_MAX_MEMORY ||
		group->start + size > UINT64_C(1) << 32) {
		return false;
	}
	group->offset = memory->size;
	memory->groups[memory->n_groups++] = *group;
	memory->size += size;
	return true;
}

static const char *memory_region(struct board_memory *memory, const char *p)
{
	struct board_group group = {0};
	uint32_t start;

	if (strncmp(p, "/0x", 3) != 0) {
		return NULL;
	}
	p = memory_number(p + 3, 16, &start);
	if (!p || *p != '/') {
		return NULL;
	}
	do {
		group.start = start;
		p = memory_group(p + 1, &group);
		if (!p || !memory_append(memory, &group)) {
			return NULL;
		}
		start += group.size * group.count;
	} while (*p == ',');
	return p;
}

static bool memory_parse(struct board_memory *memory, const char *layout)
{
	const char *p = strchr(layout, '/');

	if (layout[0] != '@' || !p) {
		return false;
	}
	do {
		p = memory_region(memory, p);
	} while (p && *p == '/');
	while (p && *p == ' ') {
		p++;
	}
	return p && *p == '\0';
}

bool board_memory_init(struct board_memory *memory, const char *layout)
{
	*memory = (struct board_memory){0};
	if (!memory_parse(memory, layout)) {
		return false;
	}
	memory->layout = strdup(layout);
	memory->bytes = malloc(memory->size);
	if (!memory->layout || !memory->bytes) {
		return false;
	}
	memset(memory->bytes, 0xff, memory->size);
	return true;
}

void board_memory_done(struct board_memory *memory)
{
	free(memory->layout);
	free(memory->bytes);
	*memory = (struct board_memory){0};
}

bool board_memory_sector(
	const struct board_memory *memory, uint32_t address, struct board_sector *ret)
{
	for (size_t i = 0; i < memory->n_groups; i++) {
		const struct board_group *group = &memory->groups[i];
		uint32_t index;

		if (address < group->start ||
			address - group->start >= (uint64_t)group->size * group->count) {
			continue;
		}
		index = (address - group->start) / group->size;
		*ret = (struct board_sector){
			.start = group->start + index * group->size,
			.size = group->size,
			.access = group->access,
			.offset = group->offset + (size_t)index * group->size,
		};
		return true;
	}
	return false;
}

uint32_t board_memory_reach(
	const struct board_memory *memory, uint32_t address, uint32_t size, uint8_t access)
{
	uint32_t reached = 0;
	struct board_sector sector;

	while (reached < size && board_memory_sector(memory, address + reached, &sector) &&
		(sector.access & access) == access) {
		uint32_t left = sector.start + sector.size - (address + reached);

		reached += left < size - reached ? left : size - reached;
	}
	return reached;
}

void board_memory_read(
	const struct board_memory *memory, uint32_t address, uint8_t *ret, uint32_t size)
{
	struct board_sector sector;

	for (uint32_t i = 0; i < size; i++) {
		ret[i] = 0xff;
		if (board_memory_sector(memory, address + i, &sector)) {
			ret[i] = memory->bytes[sector.offset + (address + i - sector.start)];
		}
	}
}

struct board_memory *board_memory_find(struct board *board, uint32_t address)
{
	struct board_sector sector;

	for (size_t i = 0; i < BOARD_ALTERNATES; i++) {
		if (board_memory_sector(&board->memories[i], address, &sector)) {
			return &board->memories[i];
		}
	}
	return NULL;
}

static uint32_t memory_word(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* RAM as the STM32 families have it: CCM, SRAM, AXI SRAM. The end itself is where a stack begins.
 */
static bool memory_is_stack(uint32_t word)
{
	return word % 4 == 0 && ((word > 0x10000000 && word <= 0x10010000) ||
					(word > 0x20000000 && word <= 0x20080000) ||
					(word > 0x24000000 && word <= 0x24080000));
}

bool board_memory_bootable(const struct board_memory *memory, uint32_t address)
{
	struct board_sector sector;
	uint8_t table[8];
	uint32_t reset;

	if (board_memory_reach(memory, address, sizeof(table), 0) < sizeof(table)) {
		return false;
	}
	board_memory_read(memory, address, table, sizeof(table));
	reset = memory_word(table + 4);
	return memory_is_stack(memory_word(table)) && reset % 2 == 1 &&
	       board_memory_sector(memory, reset - 1, &sector);
}
