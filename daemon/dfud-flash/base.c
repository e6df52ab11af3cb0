/* SPDX-License-Identifier: MIT */
/*
 * Flash base before and after.
 *
 * A program that says what it is (Klipper, Marlin) is none to be afraid for: it is what people
 * replace. One that says that it is a boot loader, or that starts and says nothing, may be the only
 * copy of a maker's boot loader.
 *
 * It reaches as far as its own bytes do, up to an erased KiB or the next program, and at least as
 * far as its vectors point. A file that is to go behind it by its address may still fall onto its
 * tail: where the bytes run on into the file's place without a gap, and no program begins there.
 */
#include "dfud-flash/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/vector.h"
#include "message/message.h"

/* So many erased bytes in a row are no code. */
#define BASE_END 32

/* What its vectors point to is its own, too. */
static uint32_t base_highest(const struct base *base, const uint8_t *bytes, size_t size)
{
	struct vector_facts facts;

	vector_judge(bytes, size, &facts);
	if (facts.certainty == VECTOR_NO_TABLE ||
		vector_offset(facts.highest) < vector_offset(base->address)) {
		return base->address;
	}
	/* It may have been linked for another alias of the same flash. */
	return base->address + (vector_offset(facts.highest) - vector_offset(base->address));
}

/* What was found where the file goes; NULL where a program begins there, or nothing lies there. */
static const uint8_t *base_tail(const struct plan *plan, uint32_t image, uint32_t *ret_size)
{
	struct resident there;
	const uint8_t *bytes = plan_found(plan, image, ret_size);

	if (bytes == NULL || *ret_size < 8 || vector_bootable(bytes)) {
		return NULL;
	}
	resident_judge(&there, bytes, *ret_size, image);
	*ret_size = (uint32_t)there.own;
	return there.own > 0 ? bytes : NULL;
}

/* The program with the tail that the file falls onto. */
static int base_judge_whole(struct base *base, const uint8_t *bytes, uint32_t size,
	const uint8_t *tail, uint32_t tail_size)
{
	uint8_t *whole = malloc((size_t)size + tail_size);

	if (whole == NULL) {
		return -ENOMEM;
	}
	memcpy(whole, bytes, size);
	memcpy(whole + size, tail, tail_size);
	resident_judge(&base->resident, whole, (size_t)size + tail_size, base->address);
	free(whole);
	return 0;
}

/* Erased bytes up to the file's place: the program ended before, and its sector was filled up. */
static bool base_ends_before(const uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 1; i <= BASE_END && i <= size; i++) {
		if (bytes[size - i] != 0xff) {
			return false;
		}
	}
	return true;
}

/*
 * Judges what lies there, of which `size` bytes are known before the file's place. *ret_last: the
 * address of its last byte, as far as can be told.
 */
static int base_judge(struct base *base, const struct plan *plan, const uint8_t *bytes,
	uint32_t size, uint32_t image, uint32_t *ret_last)
{
	const uint32_t highest = base_highest(base, bytes, size);
	const uint8_t *tail = NULL;
	uint32_t tail_size;
	int r = 0;

	resident_judge(&base->resident, bytes, size, base->address);
	*ret_last = base->address + (base->resident.own > 0 ? base->resident.own - 1 : 0);
	if (base->resident.own == size && image > base->address && size == image - base->address &&
		!base_ends_before(bytes, size)) {
		tail = base_tail(plan, image, &tail_size);
	}
	if (tail != NULL) {
		*ret_last = image + tail_size - 1;
		r = base_judge_whole(base, bytes, size, tail, tail_size);
	}
	if (highest > *ret_last) {
		*ret_last = highest;
	}
	return r;
}

static bool base_is_touched(const struct plan *plan, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < plan->n_sectors; i++) {
		const struct plan_sector *s = &plan->sectors[i];

		if (s->erase && s->start <= last && s->start + (s->size - 1) >= first) {
			return true;
		}
	}
	return false;
}

static enum base_after base_judge_after(const struct base *base, uint32_t image, bool starts)
{
	if (image == base->address) {
		return starts ? BASE_IMAGE : BASE_NO_TABLE;
	}
	if (!base->is_read) {
		return BASE_NOT_KNOWN;
	}
	if (base->resident.kind == RESIDENT_NONE || base->is_damaged) {
		return BASE_NOTHING;
	}
	return base->is_loader ? BASE_LOADER : BASE_OTHER;
}

uint32_t base_look_size(const struct layout *layout, uint32_t image)
{
	const uint32_t start = layout->groups[0].start;
	struct layout_sector sector;
	uint32_t size = 0;

	while (image > start && size < image - start && size < BASE_LOOK_MAX &&
		layout_sector_at(layout, start + size, &sector) &&
		(sector.access & LAYOUT_READABLE)) {
		size = sector.start - start + sector.size;
	}
	if (size > 0 && size > image - start) {
		size = image - start;
	}
	return size < BASE_LOOK_MAX ? size : BASE_LOOK_MAX;
}

int base_look(struct base *ret, const struct plan *plan, const struct layout *layout,
	uint32_t image, bool starts)
{
	uint32_t size, last;
	const uint8_t *bytes;
	int r = 0;

	*ret = (struct base){.address = layout->groups[0].start};
	bytes = plan_found(plan, ret->address, &size);
	ret->is_read = bytes != NULL;
	if (ret->is_read) {
		if (image > ret->address && size > image - ret->address) {
			size = image - ret->address; /* what lies there may be another's */
		}
		r = base_judge(ret, plan, bytes, size, image, &last);
		resident_describe(&ret->resident, ret->about, sizeof(ret->about));
		ret->is_loader = ret->resident.kind == RESIDENT_LOADER ||
				 ret->resident.kind == RESIDENT_FOREIGN;
		ret->is_erased = base_is_touched(plan, ret->address, last);
		ret->is_damaged = ret->is_erased && last >= image;
	}
	ret->after = base_judge_after(ret, image, starts);
	return r;
}

bool base_loses_loader(const struct base *base)
{
	return base->is_loader && base->is_erased;
}

uint32_t base_leave(const struct base *base, enum leave_policy policy, uint32_t image)
{
	switch (policy) {
	case LEAVE_BASE:
		return base->address;
	case LEAVE_AUTO:
		return base->after == BASE_LOADER ? base->address : image;
	case LEAVE_IMAGE:
	case LEAVE_NO:
	case _LEAVE_POLICY_MAX:
	case _LEAVE_POLICY_INVALID:
		break;
	}
	return image;
}

const char *base_after_to_string(enum base_after after)
{
	switch (after) {
	case BASE_IMAGE:
		return MESSAGE_BASE_IMAGE;
	case BASE_LOADER:
		return MESSAGE_BASE_LOADER;
	case BASE_OTHER:
		return MESSAGE_BASE_OTHER;
	case BASE_NO_TABLE:
		return MESSAGE_BASE_NO_TABLE;
	case BASE_NOTHING:
		return MESSAGE_BASE_NOTHING;
	case BASE_NOT_KNOWN:
		break;
	}
	return "";
}
