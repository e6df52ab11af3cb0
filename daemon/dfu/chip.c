/* SPDX-License-Identifier: MIT */
/*
 * Chips by the sizes of their sectors.
 *
 * Only the ROM of an STM32 is judged. It has ST's id, as many other devices, but no other describes
 * all of internal flash as readable, erasable and writeable beside a second alternate: boot loaders
 * that are built with ST's library, or copy it, live in that flash, have one alternate and claim
 * what they like. Clones have ids of their own.
 *
 * Sectors are all of one size, or form a ladder: four small ones, one of four times and further
 * ones of eight times that size; a chip with two banks has two ladders. A row of the table is all
 * families whose reference manuals have that pattern, some also in another bank mode. Windows are
 * the memories of their data sheets that a stack can be in, those of the largest chip of each
 * family, rounded up.
 *
 * A string that ends early shows the first bank only; that of a 2 MiB F42x is known to
 * (dfu.md 2.5), and it is then taken for 1 MiB. F76x in two banks would look alike, so it is
 * granted there.
 *
 * Source: the reference manuals, chapter "embedded flash memory"; dfu.md 2.5 and 7.7.
 */
#include "dfu/chip.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define CHIP_VENDOR	0x0483
#define CHIP_PRODUCT	0xdf11
#define CHIP_FLASH	0x08000000u
#define CHIP_FLASH_SIZE 0x00400000u
#define CHIP_KIB	1024u
#define CHIP_MAX_RUNS	8

enum chip_shape {
	CHIP_UNIFORM,
	CHIP_LADDER,
	CHIP_TWO_LADDERS,
};

struct chip_pattern {
	enum chip_shape shape;
	uint32_t sector;      /* bytes; of a ladder the smallest */
	uint32_t least, most; /* large sectors of each ladder */
	struct chip chip;
};

/* Sectors of one size that follow one another, in however many groups. */
struct chip_run {
	uint32_t size, count;
};

struct chip_map {
	struct chip_run runs[CHIP_MAX_RUNS];
	size_t n_runs;
};

/* The narrower rows come first. */
static const struct chip_pattern chip_patterns[] = {
	{CHIP_LADDER, 16 * CHIP_KIB, 7, 7,
		{"STM32F2, F4, F72/F73 or F76/F77",
			{"stm32f2", "stm32f4", "stm32f72", "stm32f73", "stm32f76", "stm32f77"},
			{{0x20000000, 0x20080000}, {0x10000000, 0x10010000}}}},
	{CHIP_LADDER, 16 * CHIP_KIB, 0, 11,
		{"STM32F2, F4 or F72/F73", {"stm32f2", "stm32f4", "stm32f72", "stm32f73"},
			{{0x20000000, 0x20050000}, {0x10000000, 0x10010000}}}},
	{CHIP_TWO_LADDERS, 16 * CHIP_KIB, 1, 7,
		{"STM32F4 or F76/F77", {"stm32f4", "stm32f76", "stm32f77"},
			{{0x20000000, 0x20080000}, {0x10000000, 0x10010000}}}},
	{CHIP_LADDER, 32 * CHIP_KIB, 0, 7,
		{"STM32F74/F75 or F76/F77", {"stm32f74", "stm32f75", "stm32f76", "stm32f77"},
			{{0x20000000, 0x20080000}}}},
	{CHIP_UNIFORM, 128 * CHIP_KIB, 0, 0,
		{"STM32H72/H73 or H74/H75", {"stm32h72", "stm32h73", "stm32h74", "stm32h75"},
			{{0x20000000, 0x20020000}, {0x24000000, 0x24080000},
				{0x30000000, 0x30048000}, {0x38000000, 0x38010000}}}},
	{CHIP_UNIFORM, 8 * CHIP_KIB, 0, 0,
		{"STM32H5, H7A/H7B, H7R/H7S, L4, L5, U3, U5 or WBA",
			{"stm32h5", "stm32h7a", "stm32h7b", "stm32h7r", "stm32h7s", "stm32l4",
				"stm32l5", "stm32u3", "stm32u5", "stm32wba"},
			{{0x20000000, 0x20300000}, {0x10000000, 0x10010000},
				{0x24000000, 0x24100000}, {0x28000000, 0x28004000},
				{0x30000000, 0x30300000}, {0x38000000, 0x38010000}}}},
	{CHIP_UNIFORM, 4 * CHIP_KIB, 0, 0,
		{"STM32G4, L0, L1, L4, L5, U3 or WB",
			{"stm32g4", "stm32l0", "stm32l1", "stm32l4", "stm32l5", "stm32u3",
				"stm32wb"},
			{{0x20000000, 0x200a0000}, {0x10000000, 0x10010000},
				{0x30000000, 0x300a0000}}}},
	{CHIP_UNIFORM, 2 * CHIP_KIB, 0, 0,
		{"STM32C0, F0, F1, F3, G0, G4, L0, L1, L4, L5, U0 or WB",
			{"stm32c0", "stm32f0", "stm32f1", "stm32f3", "stm32g0", "stm32g4",
				"stm32l0", "stm32l1", "stm32l4", "stm32l5", "stm32u0", "stm32wb"},
			{{0x20000000, 0x20050000}, {0x10000000, 0x10010000},
				{0x30000000, 0x30050000}}}},
	{CHIP_UNIFORM, CHIP_KIB, 0, 0,
		{"STM32F0, F1, L0 or L1", {"stm32f0", "stm32f1", "stm32l0", "stm32l1"},
			{{0x20000000, 0x20018000}}}},
	{CHIP_UNIFORM, 256, 0, 0,
		{"STM32L0 or L1", {"stm32l0", "stm32l1"}, {{0x20000000, 0x20018000}}}},
	{CHIP_UNIFORM, 128, 0, 0,
		{"STM32L0 or L1", {"stm32l0", "stm32l1"}, {{0x20000000, 0x20018000}}}},
};

#define CHIP_N_PATTERNS (sizeof(chip_patterns) / sizeof(*chip_patterns))

static bool chip_add(struct chip_map *map, const struct layout_group *group)
{
	struct chip_run *last = map->n_runs > 0 ? &map->runs[map->n_runs - 1] : NULL;

	if (last && last->size == group->size) {
		last->count += group->count;
		return true;
	}
	if (map->n_runs == CHIP_MAX_RUNS) {
		return false;
	}
	map->runs[map->n_runs++] = (struct chip_run){group->size, group->count};
	return true;
}

/* Some of the flash of a chip, all of it as only a ROM may say. */
static bool chip_is_open(const struct layout_group *group)
{
	return group->access == (LAYOUT_READABLE | LAYOUT_ERASABLE | LAYOUT_WRITEABLE) &&
	       group->start - CHIP_FLASH < CHIP_FLASH_SIZE &&
	       (uint64_t)group->size * group->count <= CHIP_FLASH + CHIP_FLASH_SIZE - group->start;
}

static bool chip_read_map(struct chip_map *ret, const struct layout *layout)
{
	*ret = (struct chip_map){0};
	if (strcmp(layout->name, "Internal Flash") != 0 || layout->n_groups == 0 ||
		layout->groups[0].start != CHIP_FLASH) {
		return false;
	}
	for (size_t i = 0; i < layout->n_groups; i++) {
		if (!chip_is_open(&layout->groups[i]) || !chip_add(ret, &layout->groups[i])) {
			return false;
		}
	}
	return true;
}

/* A ladder in the first n of some runs; the smallest chips have only the beginning of one. */
static bool chip_is_ladder(
	const struct chip_pattern *pattern, const struct chip_run *runs, size_t n)
{
	uint32_t large = n == 3 ? runs[2].count : 0;

	if (n < 1 || n > 3 || runs[0].size != pattern->sector || runs[0].count > 4) {
		return false;
	}
	if (n > 1 &&
		(runs[0].count != 4 || runs[1].size != 4 * pattern->sector || runs[1].count != 1)) {
		return false;
	}
	return (n < 3 || runs[2].size == 8 * pattern->sector) && large >= pattern->least &&
	       large <= pattern->most;
}

static bool chip_matches(const struct chip_pattern *pattern, const struct chip_map *map)
{
	switch (pattern->shape) {
	case CHIP_UNIFORM:
		return map->n_runs == 1 && map->runs[0].size == pattern->sector;
	case CHIP_LADDER:
		return chip_is_ladder(pattern, map->runs, map->n_runs);
	case CHIP_TWO_LADDERS:
		return map->n_runs == 6 && chip_is_ladder(pattern, map->runs, 3) &&
		       chip_is_ladder(pattern, map->runs + 3, 3);
	}
	return false;
}

bool chip_find(const struct chip **ret, uint16_t vendor, uint16_t product,
	const struct layout *layout, size_t n_alternates)
{
	struct chip_map map;

	assert(ret && layout);

	if (vendor != CHIP_VENDOR || product != CHIP_PRODUCT || n_alternates < 2 ||
		!chip_read_map(&map, layout)) {
		return false;
	}
	for (size_t i = 0; i < CHIP_N_PATTERNS; i++) {
		if (chip_matches(&chip_patterns[i], &map)) {
			*ret = &chip_patterns[i].chip;
			return true;
		}
	}
	return false;
}

bool chip_has_stack(const struct chip *chip, uint32_t stack_pointer)
{
	assert(chip);

	for (size_t i = 0; i < CHIP_MAX_STACKS && chip->stacks[i].end > 0; i++) {
		if (stack_pointer > chip->stacks[i].start && stack_pointer <= chip->stacks[i].end) {
			return true;
		}
	}
	return false;
}

static bool chip_has_family(const struct chip *chip, const char *mcu)
{
	for (size_t i = 0; i < CHIP_MAX_FAMILIES && chip->families[i]; i++) {
		if (strncasecmp(mcu, chip->families[i], strlen(chip->families[i])) == 0) {
			return true;
		}
	}
	return false;
}

static bool chip_is_known(const char *mcu)
{
	for (size_t i = 0; i < CHIP_N_PATTERNS; i++) {
		if (chip_has_family(&chip_patterns[i].chip, mcu)) {
			return true;
		}
	}
	return false;
}

/* As Klipper names the chips of makers whose ROM is not ST's. Those that copy ST's chips are none.
 */
static bool chip_is_other_maker(const char *mcu)
{
	static const char *const makers[] = {
		"rp2", "lpc", "sam", "atmega", "at90", "hc32", "esp", "pru", "ar100"};

	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		if (strncmp(mcu, makers[i], strlen(makers[i])) == 0) {
			return true;
		}
	}
	return false;
}

bool chip_is_mcu(const struct chip *chip, const char *mcu)
{
	assert(chip && mcu);

	return chip_has_family(chip, mcu) || (!chip_is_known(mcu) && !chip_is_other_maker(mcu));
}
