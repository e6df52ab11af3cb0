/* SPDX-License-Identifier: MIT */

/*
 * Any text: a layout that is accepted keeps every promise of layout.h, and a chip that is found by
 * one those of chip.h.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dfu/chip.h"
#include "dfu/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void check_sector(const struct layout *layout, const struct layout_group *group,
	uint64_t address, uint32_t index)
{
	struct layout_sector sector;

	MUST(layout_sector_at(layout, (uint32_t)address, &sector));
	MUST(sector.start <= address && address - sector.start < sector.size);
	MUST(sector.size == group->size && sector.access == group->access);
	MUST(sector.index == index && index < layout_n_sectors(layout));
}

static void check_group(const struct layout *layout, size_t i, uint32_t before)
{
	const struct layout_group *group = &layout->groups[i];
	uint64_t end;

	MUST(group->size > 0 && group->count > 0 && group->access <= 7);
	end = group->start + (uint64_t)group->size * group->count;
	MUST(end <= UINT64_C(1) << 32);
	check_sector(layout, group, group->start, before);
	check_sector(layout, group, group->start + group->size - 1, before);
	check_sector(layout, group, end - group->size, before + group->count - 1);
	check_sector(layout, group, end - 1, before + group->count - 1);
	for (size_t j = 0; j < i; j++) {
		const struct layout_group *other = &layout->groups[j];

		MUST(other->start >= end ||
			other->start + (uint64_t)other->size * other->count <= group->start);
	}
}

static void check(const struct layout *layout)
{
	uint32_t n_sectors = 0;
	uint64_t size = 0;

	MUST(strnlen(layout->name, LAYOUT_NAME_MAX) < LAYOUT_NAME_MAX);
	MUST(layout->n_groups > 0 && layout->n_groups <= LAYOUT_MAX_GROUPS);
	for (size_t i = 0; i < layout->n_groups; i++) {
		check_group(layout, i, n_sectors);
		n_sectors += layout->groups[i].count;
		size += (uint64_t)layout->groups[i].size * layout->groups[i].count;
	}
	MUST(layout_n_sectors(layout) == n_sectors);
	MUST(layout_size(layout) == size && size <= UINT64_C(1) << 32);
}

static void check_chip(const struct chip *chip)
{
	MUST(chip->description && chip->families[0] && chip->stacks[0].end > 0);
	for (size_t i = 0; i < CHIP_MAX_FAMILIES && chip->families[i]; i++) {
		MUST(strncmp(chip->families[i], "stm32", 5) == 0);
		MUST(chip_is_mcu(chip, chip->families[i]));
	}
	for (size_t i = 0; i < CHIP_MAX_STACKS && chip->stacks[i].end > 0; i++) {
		MUST(chip_has_stack(chip, chip->stacks[i].end));
		MUST(chip_has_stack(chip, chip->stacks[i].start + 1));
		MUST(!chip_has_stack(chip, chip->stacks[i].start));
	}
	MUST(!chip_has_stack(chip, 0) && !chip_has_stack(chip, UINT32_MAX));
	MUST(chip_is_mcu(chip, ""));
	MUST(!chip_is_mcu(chip, "stm32f4") || !chip_is_mcu(chip, "stm32g0"));
}

/* Only a whole flash that is open in every part, and only beside a second alternate. */
static void check_chips(const struct layout *layout)
{
	const struct chip *chip = NULL, *other = NULL;

	MUST(!chip_find(&other, 0x0483, 0xdf11, layout, 1) && !other);
	MUST(!chip_find(&other, 0x28e9, 0x0189, layout, 4) && !other);
	if (!chip_find(&chip, 0x0483, 0xdf11, layout, 2)) {
		MUST(!chip);
		return;
	}
	MUST(strcmp(layout->name, "Internal Flash") == 0);
	MUST(layout->groups[0].start == 0x08000000 && layout_size(layout) <= 0x00400000);
	for (size_t i = 0; i < layout->n_groups; i++) {
		MUST(layout->groups[i].access == 7);
	}
	check_chip(chip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layout before, layout;
	char *text = malloc(size + 1);

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	memset(&before, 0x5a, sizeof(before));
	layout = before;
	if (layout_parse(&layout, text) == 0) {
		check(&layout);
		check_chips(&layout);
	} else {
		MUST(memcmp(&layout, &before, sizeof(layout)) == 0);
	}
	free(text);
	return 0;
}
