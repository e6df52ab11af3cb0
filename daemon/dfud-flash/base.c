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

#include <assert.h>
#include <string.h>

#include "firmware/vector.h"
#include "message/message.h"

/* What its vectors point to is its own, too. */
static uint32_t base_highest(const struct base *base, const uint8_t *bytes, size_t size)
{
	struct vector_facts facts;

	vector_judge(bytes, size, &facts);
	return facts.certainty != VECTOR_NO_TABLE && facts.highest >= base->address ? facts.highest
										    : base->address;
}

/* Whether bytes that run up to the file's place run on there. */
static bool base_runs_on(const struct plan *plan, uint32_t image)
{
	struct resident there;
	uint32_t size;
	const uint8_t *bytes = plan_found(plan, image, &size);

	if (bytes == NULL || size < 8 || vector_bootable(bytes)) {
		return false;
	}
	resident_judge(&there, bytes, size, image);
	return there.own > 0;
}

/* The address of the last byte that is the program's, as far as can be told. */
static uint32_t base_last(const struct base *base, const struct plan *plan, const uint8_t *bytes,
	uint32_t size, uint32_t image)
{
	const uint32_t highest = base_highest(base, bytes, size);
	const uint32_t own = (uint32_t)base->resident.own;
	uint32_t last = base->address + (own > 0 ? own - 1 : 0);

	if (own == size && image > base->address && size == image - base->address &&
		base_runs_on(plan, image)) {
		last = image;
	}
	return highest > last ? highest : last;
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

static enum base_after base_judge_after(const struct base *base, uint32_t image)
{
	if (image == base->address) {
		return BASE_IMAGE;
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

void base_look(
	struct base *ret, const struct plan *plan, const struct layout *layout, uint32_t image)
{
	uint32_t size, last;
	const uint8_t *bytes;

	*ret = (struct base){.address = layout->groups[0].start};
	bytes = plan_found(plan, ret->address, &size);
	ret->is_read = bytes != NULL;
	if (ret->is_read) {
		if (image > ret->address && size > image - ret->address) {
			size = image - ret->address; /* what lies there is another's */
		}
		resident_judge(&ret->resident, bytes, size, ret->address);
		resident_describe(&ret->resident, ret->about, sizeof(ret->about));
		ret->is_loader = ret->resident.kind == RESIDENT_LOADER ||
				 ret->resident.kind == RESIDENT_FOREIGN;
		last = base_last(ret, plan, bytes, size, image);
		ret->is_erased = base_is_touched(plan, ret->address, last);
		ret->is_damaged = ret->is_erased && last >= image;
	}
	ret->after = base_judge_after(ret, image);
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
	case BASE_NOTHING:
		return MESSAGE_BASE_NOTHING;
	case BASE_NOT_KNOWN:
		break;
	}
	return "";
}
