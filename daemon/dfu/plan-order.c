/* SPDX-License-Identifier: MIT */
/*
 * The second half of the plan: comparing what was found with what is wanted decides sector by
 * sector, and the order is made so that nothing on the board looks like a program from the first
 * erase until the last block. See plan.c for the model.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dfu/plan-span.h"

/* What is not of the image but must stay: copied from what was found. */
static void plan_keep_gaps(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_spans; i++) {
		const struct plan_span *span = &plan->spans[i];
		uint32_t at = span->address;

		for (size_t k = 0; span->found != NULL && k < plan->n_segments; k++) {
			const struct plan_segment *s = &plan->segments[k];

			if (plan_span_of(plan, s->address) != span) {
				continue;
			}
			memcpy(span->wanted + (at - span->address),
				span->found + (at - span->address), s->address - at);
			at = (uint32_t)plan_end(s->address, s->size);
		}
	}
}

/* The part of a sector that a span covers: offset into the span and length. */
static uint64_t plan_overlap(
	const struct plan_span *span, const struct plan_sector *sector, uint64_t *ret_offset)
{
	const uint64_t end = plan_end(span->address, span->size);
	const uint64_t sector_end = plan_end(sector->start, sector->size);
	const uint64_t from = sector->start > span->address ? sector->start : span->address;
	const uint64_t to = sector_end < end ? sector_end : end;

	if (from >= to) {
		return 0;
	}
	*ret_offset = from - span->address;
	return to - from;
}

static bool plan_sector_differs(const struct plan *plan, const struct plan_sector *sector)
{
	for (size_t i = 0; i < plan->n_spans; i++) {
		const struct plan_span *span = &plan->spans[i];
		uint64_t offset = 0;
		const uint64_t size = plan_overlap(span, sector, &offset);

		if (size > 0 &&
			(span->found == NULL ||
				memcmp(span->found + offset, span->wanted + offset, size) != 0)) {
			return true;
		}
	}
	return false;
}

/* The end of the first block of a segment. */
static uint64_t plan_head_end(const struct plan *plan, const struct plan_segment *segment)
{
	const uint32_t size =
		segment->size < plan->transfer_size ? segment->size : plan->transfer_size;

	return plan_end(segment->address, size);
}

/*
 * A first block is written as a whole: where one of the sectors below it is erased, all of them
 * are. True where that added one.
 */
static bool plan_round_up_head(struct plan *plan, const struct plan_segment *segment, bool always)
{
	const uint64_t end = plan_head_end(plan, segment);
	bool any = always;
	bool added = false;

	for (size_t i = 0; i < plan->n_sectors; i++) {
		const struct plan_sector *s = &plan->sectors[i];

		any = any || (s->erase && s->start < end &&
				     plan_end(s->start, s->size) > segment->address);
	}
	for (size_t i = 0; any && i < plan->n_sectors; i++) {
		struct plan_sector *s = &plan->sectors[i];

		if (!s->erase && s->start < end && plan_end(s->start, s->size) > segment->address) {
			s->erase = true;
			added = true;
		}
	}
	return added;
}

static void plan_round_up_heads(struct plan *plan)
{
	bool added;

	do {
		added = false;
		for (size_t i = 0; i < plan->n_segments; i++) {
			added = plan_round_up_head(plan, &plan->segments[i], i == 0) || added;
		}
	} while (added);
}

static int plan_order_erases(struct plan *plan)
{
	const uint32_t first = plan_sector_of(plan, plan->segments[0].address)->start;

	plan_round_up_heads(plan);
	plan->erases = calloc(plan->n_sectors, sizeof(*plan->erases));
	if (plan->erases == NULL) {
		return -ENOMEM;
	}
	plan->erases[plan->n_erases++] = first;
	for (size_t i = 0; i < plan->n_sectors; i++) {
		const struct plan_sector *s = &plan->sectors[i];

		if (s->erase) {
			plan->bytes_erased += s->size;
		}
		if (s->erase && s->start != first) {
			plan->erases[plan->n_erases++] = s->start;
		}
	}
	return 0;
}

/* Where the stretch that begins at `at` ends: at the sector's end, a head's begin or the span's
 * end. */
static uint64_t plan_stretch_end(
	const struct plan *plan, const struct plan_span *span, uint64_t at, bool *ret_head)
{
	const struct plan_sector *sector = plan_sector_of(plan, (uint32_t)at);
	uint64_t end = plan_end(span->address, span->size);

	*ret_head = false;
	if (sector != NULL && plan_end(sector->start, sector->size) < end) {
		end = plan_end(sector->start, sector->size);
	}
	for (size_t i = 0; i < plan->n_segments; i++) {
		const struct plan_segment *s = &plan->segments[i];
		const uint64_t head_end = plan_head_end(plan, s);

		if (at >= s->address && at < head_end) {
			*ret_head = true;
			return head_end;
		}
		if (s->address > at && s->address < end) {
			end = s->address;
		}
	}
	return end;
}

/* Extends a run that ends with its span to the granule; the room holds 0xFF there. */
static void plan_pad(const struct plan_span *span, struct plan_run *run)
{
	if (plan_end(run->address, run->size) == plan_end(span->address, span->size)) {
		run->size += (uint32_t)(span->room - span->size);
	}
}

/* Adds [at, end) of the span to the runs, growing the last one where it touches. */
static int plan_add_stretch(
	struct plan_runs *runs, const struct plan_span *span, uint64_t at, uint64_t end, bool join)
{
	struct plan_run *last = runs->n ? &runs->items[runs->n - 1] : NULL;

	if (join && last != NULL && plan_end(last->address, last->size) == at) {
		last->size += (uint32_t)(end - at);
		return 0;
	}
	return plan_add_run(runs, (uint32_t)at, end - at, span->wanted + (at - span->address));
}

static int plan_split_span(struct plan *plan, const struct plan_span *span,
	struct plan_runs *bodies, struct plan_runs *heads)
{
	const size_t bodies_before = bodies->n;
	const size_t heads_before = heads->n;
	const uint64_t span_end = plan_end(span->address, span->size);
	int r = 0;

	for (uint64_t at = span->address; r >= 0 && at < span_end;) {
		bool is_head;
		const uint64_t end = plan_stretch_end(plan, span, at, &is_head);
		const struct plan_sector *sector = plan_sector_of(plan, (uint32_t)at);

		if (sector != NULL && sector->erase) {
			plan->bytes_written += end - at;
			r = plan_add_stretch(is_head ? heads : bodies, span, at, end,
				!is_head && bodies->n > bodies_before);
		}
		at = end;
	}
	if (r >= 0 && bodies->n > bodies_before) {
		plan_pad(span, &bodies->items[bodies->n - 1]);
	}
	if (r >= 0 && heads->n > heads_before) {
		plan_pad(span, &heads->items[heads->n - 1]);
	}
	return r;
}

static void plan_reverse(struct plan_run *runs, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		const struct plan_run run = runs[i];

		runs[i] = runs[n - 1 - i];
		runs[n - 1 - i] = run;
	}
}

static int plan_order_writes(struct plan *plan)
{
	struct plan_runs bodies = {0};
	struct plan_runs heads = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < plan->n_spans; i++) {
		r = plan_split_span(plan, &plan->spans[i], &bodies, &heads);
	}
	plan->bodies = bodies.items;
	plan->n_bodies = bodies.n;
	plan->heads = heads.items;
	plan->n_heads = heads.n;
	plan_reverse(plan->heads, plan->n_heads);
	return r;
}

int plan_decide(struct plan *plan)
{
	bool differs = false;
	int r;

	assert(!plan->decided);
	plan_keep_gaps(plan);
	for (size_t i = 0; i < plan->n_sectors; i++) {
		plan->sectors[i].erase = plan_sector_differs(plan, &plan->sectors[i]);
		differs = differs || plan->sectors[i].erase;
	}
	plan->decided = true;
	plan->unchanged = !differs;
	if (plan->unchanged) {
		return 0;
	}
	r = plan_order_erases(plan);
	return r < 0 ? r : plan_order_writes(plan);
}
