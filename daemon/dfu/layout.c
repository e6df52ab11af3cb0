/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <errno.h>
#include <string.h>

/*
 * The memory layout string of a DfuSe alternate setting, UM0424 chapter 10 and what chips send:
 *
 *	layout = "@" name region *( region )		the name is padded with blanks
 *	region = "/" "0x" HEX "/" group *( "," group )
 *	group  = DEC "*" DEC [unit] [type]		unit: B, blank, K, M; type: a to g
 *
 * A group starts where the one before it ended, the first of a region at the region's address.
 * Sector sizes need not be powers of two, so a sector is found by division.
 *
 * A cursor walks the text and adds group after group to a layout of its own; the caller's is
 * written only when the whole text has been understood. Invariants of a finished layout: every
 * group has sectors and none ends beyond 2^32, no two share a byte, and the sectors can be counted
 * in 32 bits.
 */

#define LAYOUT_END (UINT64_C(1) << 32)

struct layout_cursor {
	const char *at;
	uint64_t address; /* where the next group starts */
	struct layout layout;
};

static bool layout_take(struct layout_cursor *cursor, char c)
{
	if (*cursor->at != c) {
		return false;
	}
	cursor->at++;
	return true;
}

static int layout_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return 16;
}

static int layout_take_number(struct layout_cursor *cursor, int base, uint32_t *ret)
{
	uint64_t value = 0;
	const char *first = cursor->at;

	while (layout_digit(*cursor->at) < base) {
		value = value * (unsigned)base + (unsigned)layout_digit(*cursor->at);
		if (value > UINT32_MAX) {
			return -EINVAL;
		}
		cursor->at++;
	}
	if (cursor->at == first) {
		return -EINVAL;
	}
	*ret = (uint32_t)value;
	return 0;
}

static void layout_take_name(struct layout_cursor *cursor)
{
	size_t length;

	cursor->at += strspn(cursor->at, " ");
	length = strcspn(cursor->at, "/");
	const char *end = cursor->at + length;
	while (length > 0 && cursor->at[length - 1] == ' ') {
		length--;
	}
	if (length >= LAYOUT_NAME_MAX) {
		length = LAYOUT_NAME_MAX - 1;
	}
	memcpy(cursor->layout.name, cursor->at, length);
	cursor->layout.name[length] = '\0';
	cursor->at = end;
}

static uint32_t layout_take_unit(struct layout_cursor *cursor)
{
	if (layout_take(cursor, 'K')) {
		return 1024;
	}
	if (layout_take(cursor, 'M')) {
		return 1024 * 1024;
	}
	if (!layout_take(cursor, 'B')) {
		(void)layout_take(cursor, ' ');
	}
	return 1;
}

/*
 * Some STM32F4 send any byte as the type of "Device Feature": it is readable and writeable there. A
 * group without a type allows nothing.
 */
static int layout_take_access(struct layout_cursor *cursor, uint8_t *ret)
{
	char c = *cursor->at;

	if (c == '\0' || c == ' ' || c == ',' || c == '/') {
		*ret = 0;
		return 0;
	}
	cursor->at++;
	if (strcmp(cursor->layout.name, "Device Feature") == 0) {
		*ret = LAYOUT_READABLE | LAYOUT_WRITEABLE;
		return 0;
	}
	if (c < 'a' || c > 'g') {
		return -EINVAL;
	}
	*ret = (uint8_t)(c - 'a' + 1);
	return 0;
}

static uint64_t layout_group_end(const struct layout_group *group)
{
	return group->start + (uint64_t)group->size * group->count;
}

static bool layout_has_overlap(const struct layout *layout, const struct layout_group *group)
{
	for (size_t i = 0; i < layout->n_groups; i++) {
		const struct layout_group *other = &layout->groups[i];

		if (group->start < layout_group_end(other) &&
			other->start < layout_group_end(group)) {
			return true;
		}
	}
	return false;
}

static int layout_add(struct layout_cursor *cursor, uint32_t count, uint64_t size, uint8_t access)
{
	struct layout *layout = &cursor->layout;
	struct layout_group group = {.count = count, .access = access};

	if (count == 0 || size == 0 || size > UINT32_MAX || cursor->address >= LAYOUT_END ||
		size * count > LAYOUT_END - cursor->address) {
		return -EINVAL;
	}
	group.start = (uint32_t)cursor->address;
	group.size = (uint32_t)size;
	if (layout_has_overlap(layout, &group) || count > UINT32_MAX - layout_n_sectors(layout)) {
		return -EINVAL;
	}
	if (layout->n_groups == LAYOUT_MAX_GROUPS) {
		return -E2BIG;
	}
	layout->groups[layout->n_groups++] = group;
	cursor->address = layout_group_end(&group);
	return 0;
}

static int layout_take_group(struct layout_cursor *cursor)
{
	uint32_t count, size, unit;
	uint8_t access;
	int r;

	r = layout_take_number(cursor, 10, &count);
	if (r < 0) {
		return r;
	}
	if (!layout_take(cursor, '*')) {
		return -EINVAL;
	}
	r = layout_take_number(cursor, 10, &size);
	if (r < 0) {
		return r;
	}
	unit = layout_take_unit(cursor);
	r = layout_take_access(cursor, &access);
	if (r < 0) {
		return r;
	}
	return layout_add(cursor, count, (uint64_t)size * unit, access);
}

static int layout_take_region(struct layout_cursor *cursor)
{
	uint32_t start;
	int r;

	if (!layout_take(cursor, '/') || !layout_take(cursor, '0') || !layout_take(cursor, 'x')) {
		return -EINVAL;
	}
	r = layout_take_number(cursor, 16, &start);
	if (r < 0) {
		return r;
	}
	if (!layout_take(cursor, '/')) {
		return -EINVAL;
	}
	cursor->address = start;
	do {
		r = layout_take_group(cursor);
		if (r < 0) {
			return r;
		}
	} while (layout_take(cursor, ','));
	return 0;
}

int layout_parse(struct layout *ret, const char *text)
{
	struct layout_cursor cursor = {.at = text};
	int r;

	if (!layout_take(&cursor, '@')) {
		return -EINVAL;
	}
	layout_take_name(&cursor);
	do {
		r = layout_take_region(&cursor);
		if (r < 0) {
			return r;
		}
	} while (*cursor.at == '/');
	if (cursor.at[strspn(cursor.at, " ")] != '\0') {
		return -EINVAL;
	}
	*ret = cursor.layout;
	return 0;
}

bool layout_sector_at(const struct layout *layout, uint32_t address, struct layout_sector *ret)
{
	uint32_t before = 0;

	for (size_t i = 0; i < layout->n_groups; i++) {
		const struct layout_group *group = &layout->groups[i];

		if (address >= group->start && address < layout_group_end(group)) {
			uint32_t n = (address - group->start) / group->size;

			*ret = (struct layout_sector){
				.start = group->start + n * group->size,
				.size = group->size,
				.index = before + n,
				.access = group->access,
			};
			return true;
		}
		before += group->count;
	}
	return false;
}

uint32_t layout_n_sectors(const struct layout *layout)
{
	uint32_t n = 0;

	for (size_t i = 0; i < layout->n_groups; i++) {
		n += layout->groups[i].count;
	}
	return n;
}

uint64_t layout_size(const struct layout *layout)
{
	uint64_t size = 0;

	for (size_t i = 0; i < layout->n_groups; i++) {
		size += (uint64_t)layout->groups[i].size * layout->groups[i].count;
	}
	return size;
}

/* The sectors of a layout, one after the other. */
struct layout_walk {
	const struct layout *layout;
	size_t group;
	uint32_t n; /* in the group */
};

/* The start and size of the next sector; false at the end. */
static bool layout_walk_next(struct layout_walk *walk, uint64_t *ret_start, uint32_t *ret_size)
{
	const struct layout_group *g;

	while (walk->group < walk->layout->n_groups &&
		walk->n == walk->layout->groups[walk->group].count) {
		walk->group++;
		walk->n = 0;
	}
	if (walk->group == walk->layout->n_groups) {
		return false;
	}
	g = &walk->layout->groups[walk->group];
	*ret_start = g->start + (uint64_t)g->size * walk->n++;
	*ret_size = g->size;
	return true;
}

bool layout_is_same(const struct layout *a, const struct layout *b)
{
	struct layout_walk walk_a = {.layout = a}, walk_b = {.layout = b};
	uint64_t start_a = 0, start_b = 0;
	uint32_t size_a = 0, size_b = 0;
	bool more_a, more_b;

	do {
		more_a = layout_walk_next(&walk_a, &start_a, &size_a);
		more_b = layout_walk_next(&walk_b, &start_b, &size_b);
	} while (more_a && more_b && start_a == start_b && size_a == size_b);
	return !more_a && !more_b;
}
