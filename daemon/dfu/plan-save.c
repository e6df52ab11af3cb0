/* SPDX-License-Identifier: MIT */
/*
 * What is kept elsewhere before it is erased, and what is known of the flash by then.
 *
 * Model: one contiguous stretch, so that one address and one length bring it back. What the plan
 * read for its decision is not read again; the rest are runs of their own.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dfu/plan-span.h"

static const uint8_t *plan_found_in(
	const uint8_t *data, uint32_t start, uint64_t size, uint32_t address, uint32_t *ret_size)
{
	if (data == NULL || address < start || address >= plan_end(start, size)) {
		return NULL;
	}
	*ret_size = (uint32_t)(plan_end(start, size) - address);
	return data + (address - start);
}

const uint8_t *plan_found(const struct plan *plan, uint32_t address, uint32_t *ret_size)
{
	const struct plan_span *span = plan_span_of(plan, address);
	const uint8_t *found = NULL;

	*ret_size = 0;
	if (span != NULL) {
		found = plan_found_in(span->found, span->address, span->size, address, ret_size);
	}
	return found != NULL ? found
			     : plan_found_in(plan->look.data, plan->look.address, plan->look.size,
				       address, ret_size);
}

/* Where the next known byte behind an unknown one lies. */
static uint64_t plan_next_known(const struct plan *plan, uint64_t at, uint64_t end)
{
	for (size_t i = 0; i < plan->n_spans; i++) {
		const struct plan_span *span = &plan->spans[i];

		if (span->found != NULL && span->address > at && span->address < end) {
			end = span->address;
		}
	}
	return plan->look.size > 0 && plan->look.address > at && plan->look.address < end
		       ? plan->look.address
		       : end;
}

/* From the first to behind the last sector that will be erased. */
static void plan_hull(const struct plan *plan, uint64_t *ret_start, uint64_t *ret_end)
{
	*ret_start = UINT64_MAX;
	*ret_end = 0;
	for (size_t i = 0; i < plan->n_sectors; i++) {
		const struct plan_sector *s = &plan->sectors[i];

		if (s->erase && s->start < *ret_start) {
			*ret_start = s->start;
		}
		if (s->erase && plan_end(s->start, s->size) > *ret_end) {
			*ret_end = plan_end(s->start, s->size);
		}
	}
}

static bool plan_is_readable(
	const struct layout *layout, uint64_t address, struct layout_sector *ret)
{
	return address <= UINT32_MAX && layout_sector_at(layout, (uint32_t)address, ret) &&
	       (ret->access & LAYOUT_READABLE);
}

/* All that can be read around the hull without a gap. */
static void plan_widen(const struct layout *layout, uint64_t *start, uint64_t *end)
{
	struct layout_sector sector;

	while (*start > 0 && plan_is_readable(layout, *start - 1, &sector)) {
		*start = sector.start;
	}
	while (plan_is_readable(layout, *end, &sector)) {
		*end = plan_end(sector.start, sector.size);
	}
}

static bool plan_is_all_readable(const struct layout *layout, uint64_t start, uint64_t end)
{
	struct layout_sector sector;

	while (start < end) {
		if (!plan_is_readable(layout, start, &sector)) {
			return false;
		}
		start = plan_end(sector.start, sector.size);
	}
	return true;
}

/* Copies what is known, and makes runs of what is not. */
static int plan_lay_out_saved(struct plan *plan, uint64_t start, uint64_t end)
{
	struct plan_runs saves = {0};
	int r = 0;

	for (uint64_t at = start; r >= 0 && at < end;) {
		uint32_t n;
		const uint8_t *found = plan_found(plan, (uint32_t)at, &n);
		const uint64_t until = found == NULL  ? plan_next_known(plan, at, end)
				       : at + n < end ? at + n
						      : end;
		uint8_t *into = plan->saved.data + (at - start);

		if (found != NULL) {
			memcpy(into, found, until - at);
		} else {
			r = plan_add_run(&saves, (uint32_t)at, until - at, into);
		}
		at = until;
	}
	plan->saves = saves.items;
	plan->n_saves = saves.n;
	return r;
}

int plan_save(struct plan *plan, const struct layout *layout, bool whole)
{
	uint64_t start, end;

	assert(plan->decided && plan->saved.data == NULL);
	plan_hull(plan, &start, &end);
	if (start >= end) {
		return 0;
	}
	if (!plan->can_read || !plan_is_all_readable(layout, start, end)) {
		return -ENXIO;
	}
	if (whole) {
		plan_widen(layout, &start, &end);
	}
	if (end - start > PLAN_SAVE_MAX) {
		return -EFBIG;
	}
	plan->saved.data = malloc(end - start);
	if (plan->saved.data == NULL) {
		return -ENOMEM;
	}
	memset(plan->saved.data, 0xff, end - start);
	plan->saved.address = (uint32_t)start;
	plan->saved.size = (uint32_t)(end - start);
	return plan_lay_out_saved(plan, start, end);
}
