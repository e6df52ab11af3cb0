/* SPDX-License-Identifier: MIT */
/*
 * Flash base before and after.
 *
 * A program that says what it is (Klipper, Marlin) is none to be afraid for: it is what people
 * replace. One that says that it is a boot loader, or that starts and says nothing, may be the only
 * copy of a maker's boot loader. One with the USB identity of the file is an older build of it.
 *
 * How far it reaches is told by its vectors, which point into its own code, also where only its
 * first bytes are known: a file that goes behind it by its address may still fall onto its tail.
 */
#include "dfud-flash/base.h"

#include <assert.h>
#include <string.h>

#include "firmware/dictionary.h"
#include "firmware/vector.h"
#include "message/message.h"

/* The address behind which nothing of the program is known to lie. */
static uint32_t base_last(const struct base *base, const uint8_t *bytes, size_t size)
{
	struct vector_facts facts;

	vector_judge(bytes, size, &facts);
	return facts.certainty != VECTOR_NO_TABLE && facts.highest >= base->address ? facts.highest
										    : base->address;
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

/* An older build of the file itself. */
static bool base_is_same_program(
	const struct base *base, const uint8_t *bytes, const struct check_file *file)
{
	uint16_t vendor, product;

	return file->has_usb &&
	       dictionary_usb_identity(bytes, base->resident.size, &vendor, &product) &&
	       vendor == file->usb_vendor && product == file->usb_product;
}

static bool base_judge_loader(
	const struct base *base, const uint8_t *bytes, const struct check_file *file)
{
	switch (base->resident.kind) {
	case RESIDENT_LOADER:
		return true;
	case RESIDENT_FOREIGN:
		return !base_is_same_program(base, bytes, file);
	case RESIDENT_PROGRAM:
	case RESIDENT_NONE:
	case _RESIDENT_KIND_MAX:
	case _RESIDENT_KIND_INVALID:
		break;
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

void base_look(struct base *ret, const struct plan *plan, const struct layout *layout,
	const struct check_file *file)
{
	const uint32_t image = file->image.segments[0].address;
	uint32_t size, last;
	const uint8_t *bytes;

	*ret = (struct base){.address = layout->groups[0].start};
	bytes = plan_found(plan, ret->address, &size);
	ret->is_read = bytes != NULL;
	if (ret->is_read) {
		resident_judge(&ret->resident, bytes, size, ret->address);
		resident_describe(&ret->resident, ret->about, sizeof(ret->about));
		ret->is_loader = base_judge_loader(ret, bytes, file);
		last = base_last(ret, bytes, size);
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
