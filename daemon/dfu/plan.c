/* SPDX-License-Identifier: MIT */
/*
 * The plan of one flash.
 *
 * Model: segments (the image) lie in sectors (the device). Sectors concerned form spans, one for
 * each contiguous stretch of them that segments share; a span has a buffer with the bytes wanted
 * and one with the bytes found. Comparing the two decides sector by sector.
 *
 * Order, and why: the sector of the lowest first block is erased first, also when it alone would
 * not need it, and that first block is written last. Between the two nothing on the board looks
 * like a program, so an interrupted flash cannot be started by anyone.
 *
 * Invariants: every erase is a sector concerned, every written byte lies in an erased sector, no
 * protected byte lies in a sector concerned.
 */
#include "dfu/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dfu/plan-span.h"

static enum plan_fault plan_judge_sector(const struct layout_sector *sector,
	const struct plan_request *request, uint32_t *ret_address)
{
	const uint32_t last = (uint32_t)(plan_end(sector->start, sector->size) - 1);

	*ret_address = sector->start;
	if (!(sector->access & LAYOUT_WRITEABLE) || !(sector->access & LAYOUT_ERASABLE)) {
		return PLAN_NOT_WRITABLE;
	}
	for (size_t i = 0; i < request->n_protects; i++) {
		const struct plan_range *p = &request->protects[i];

		if (p->first <= last && p->last >= sector->start) {
			*ret_address = p->first > sector->start ? p->first : sector->start;
			return PLAN_PROTECTED;
		}
	}
	return PLAN_GOOD;
}

static int plan_add_sector(struct plan *plan, const struct layout_sector *sector)
{
	int r;

	if (plan->n_sectors > 0 && plan->sectors[plan->n_sectors - 1].start == sector->start) {
		return 0; /* shared with the segment before */
	}
	r = plan_grow(&plan->sectors, plan->n_sectors, sizeof(*plan->sectors));
	if (r < 0) {
		return r;
	}
	plan->sectors[plan->n_sectors++] =
		(struct plan_sector){.start = sector->start, .size = sector->size};
	return 0;
}

/* Adds the sectors of one segment. */
static int plan_add_segment(struct plan *plan, const struct plan_request *request,
	const struct plan_segment *segment, enum plan_fault *ret_fault, uint32_t *ret_address)
{
	const uint64_t end = plan_end(segment->address, segment->size);

	for (uint64_t at = segment->address; at < end;) {
		struct layout_sector sector;
		int r;

		if (at > UINT32_MAX || !layout_sector_at(request->layout, (uint32_t)at, &sector)) {
			*ret_fault = PLAN_OUTSIDE_MAP;
			*ret_address = (uint32_t)at;
			return 0;
		}
		*ret_fault = plan_judge_sector(&sector, request, ret_address);
		if (*ret_fault != PLAN_GOOD) {
			return 0;
		}
		r = plan_add_sector(plan, &sector);
		if (r < 0) {
			return r;
		}
		plan->can_read = plan->can_read && (sector.access & LAYOUT_READABLE);
		at = plan_end(sector.start, sector.size);
	}
	return 0;
}

/*
 * Bytes of a sector that no segment covers and that lie before a segment must be kept, so they must
 * be readable.
 */
static bool plan_must_keep(const struct plan *plan, uint32_t address, uint64_t kept_until)
{
	const struct plan_sector *sector = plan_sector_of(plan, address);

	assert(sector != NULL);
	return address > sector->start && address > kept_until;
}

static int plan_span_alloc(const struct plan *plan, struct plan_span *span)
{
	const uint64_t end = plan_end(span->address, span->size);
	const struct plan_sector *last = plan_sector_of(plan, (uint32_t)(end - 1));
	const uint64_t granule = plan->granule;

	span->room = (span->size + granule - 1) / granule * granule;
	if (plan_end(span->address, span->room) > plan_end(last->start, last->size)) {
		span->room = plan_end(last->start, last->size) - span->address;
	}
	span->wanted = malloc(span->room);
	span->found = plan->can_read ? malloc(span->size) : NULL;
	if (span->wanted == NULL || (plan->can_read && span->found == NULL)) {
		return -ENOMEM;
	}
	memset(span->wanted, 0xff, span->room);
	if (span->found != NULL) {
		memset(span->found, 0xff, span->size);
	}
	return 0;
}

/* Groups the segments into spans (addresses and sizes). */
static int plan_make_spans(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_segments; i++) {
		const struct plan_segment *s = &plan->segments[i];
		const struct plan_sector *first = plan_sector_of(plan, s->address);
		struct plan_span *before = plan->n_spans ? &plan->spans[plan->n_spans - 1] : NULL;
		int r;

		if (before != NULL && first->start <= plan_end(before->address, before->size)) {
			before->size = plan_end(s->address, s->size) - before->address;
			continue;
		}
		r = plan_grow(&plan->spans, plan->n_spans, sizeof(*plan->spans));
		if (r < 0) {
			return r;
		}
		plan->spans[plan->n_spans++] = (struct plan_span){
			.address = first->start,
			.size = plan_end(s->address, s->size) - first->start,
		};
	}
	return 0;
}

static int plan_fill_spans(struct plan *plan, const struct plan_request *request)
{
	struct plan_runs reads = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < plan->n_spans; i++) {
		struct plan_span *span = &plan->spans[i];

		r = plan_span_alloc(plan, span);
		if (r >= 0 && plan->can_read) {
			r = plan_add_run(&reads, span->address, span->size, span->found);
		}
	}
	plan->reads = reads.items;
	plan->n_reads = reads.n;
	for (size_t i = 0; r >= 0 && i < request->n_segments; i++) {
		const struct plan_segment *s = &request->segments[i];
		const struct plan_span *span = plan_span_of(plan, s->address);

		memcpy(span->wanted + (s->address - span->address), s->data, s->size);
	}
	return r;
}

static int plan_copy_segments(struct plan *plan, const struct plan_request *request)
{
	plan->segments = calloc(request->n_segments, sizeof(*plan->segments));
	if (plan->segments == NULL) {
		return -ENOMEM;
	}
	plan->n_segments = request->n_segments;
	for (size_t i = 0; i < request->n_segments; i++) {
		plan->segments[i].address = request->segments[i].address;
		plan->segments[i].size = request->segments[i].size;
	}
	return 0;
}

/* A span that holds all of it is read anyway. */
static int plan_add_look(struct plan *plan, uint32_t address, uint32_t size)
{
	const struct plan_span *span = plan_span_of(plan, address);
	struct plan_runs reads = {plan->reads, plan->n_reads};
	int r;

	if (!plan->can_read || size == 0 ||
		(span != NULL && plan_end(span->address, span->size) >= plan_end(address, size))) {
		return 0;
	}
	plan->look = (struct plan_run){address, size, malloc(size)};
	if (plan->look.data == NULL) {
		return -ENOMEM;
	}
	memset(plan->look.data, 0xff, size);
	r = plan_add_run(&reads, address, size, plan->look.data);
	plan->reads = reads.items;
	plan->n_reads = reads.n;
	return r;
}

/* Faults of what would have to be kept, where nothing can be read. */
static void plan_survey_kept(const struct plan *plan, const struct plan_request *request,
	enum plan_fault *ret_fault, uint32_t *ret_address)
{
	uint64_t covered = 0; /* end of the segment before */

	for (size_t i = 0; i < request->n_segments && *ret_fault == PLAN_GOOD; i++) {
		const struct plan_segment *s = &request->segments[i];

		if (plan_must_keep(plan, s->address, covered)) {
			*ret_fault = PLAN_MID_SECTOR;
			*ret_address = s->address;
		}
		covered = plan_end(s->address, s->size);
	}
}

/* Sectors and faults of all segments. */
static int plan_survey(struct plan *plan, const struct plan_request *request,
	enum plan_fault *ret_fault, uint32_t *ret_address)
{
	uint64_t covered = 0;

	for (size_t i = 0; i < request->n_segments; i++) {
		const struct plan_segment *s = &request->segments[i];
		int r;

		assert(s->size > 0 && s->address >= covered);
		r = plan_add_segment(plan, request, s, ret_fault, ret_address);
		if (r < 0 || *ret_fault != PLAN_GOOD) {
			return r;
		}
		covered = plan_end(s->address, s->size);
	}
	if (!plan->can_read) {
		plan_survey_kept(plan, request, ret_fault, ret_address);
	}
	return 0;
}

int plan_make(struct plan *ret, const struct plan_request *request, enum plan_fault *ret_fault,
	uint32_t *ret_address)
{
	struct plan plan = {
		.transfer_size = request->transfer_size,
		.granule = request->granule ? request->granule : 1,
		.can_read = request->can_read,
	};
	int r;

	assert(request->n_segments > 0 && request->transfer_size >= 8);
	*ret_fault = PLAN_GOOD;
	*ret_address = 0;
	r = plan_survey(&plan, request, ret_fault, ret_address);
	if (r >= 0 && *ret_fault == PLAN_GOOD) {
		r = plan_copy_segments(&plan, request);
		if (r >= 0) {
			r = plan_make_spans(&plan);
		}
		if (r >= 0) {
			r = plan_fill_spans(&plan, request);
		}
		if (r >= 0) {
			r = plan_add_look(&plan, request->look, request->look_size);
		}
	}
	if (r < 0 || *ret_fault != PLAN_GOOD) {
		plan_done(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_spans; i++) {
		free(plan->spans[i].wanted);
		free(plan->spans[i].found);
	}
	free(plan->spans);
	free(plan->look.data);
	free(plan->saved.data);
	free(plan->saves);
	free(plan->segments);
	free(plan->sectors);
	free(plan->reads);
	free(plan->erases);
	free(plan->bodies);
	free(plan->heads);
	*plan = (struct plan)PLAN_INIT;
}

/*
 * Datasheet maxima of the slowest chips known (STM32F2/F4, byte-wise): 4 s for 128 KiB, 800 ms for
 * 16 KiB and less, 100 us for each byte programmed; a second for what no table knows.
 */
uint64_t plan_worst_ms(const struct plan *plan)
{
	uint64_t ms = 1000;

	for (size_t i = 0; i < plan->n_sectors; i++) {
		const uint64_t size = plan->sectors[i].size;

		if (plan->sectors[i].erase || !plan->decided) {
			ms += 800 + size * 4000 / (128 * 1024);
		}
	}
	for (size_t i = 0; i < plan->n_spans; i++) {
		ms += plan->spans[i].size / 10;
	}
	return ms;
}

const char *plan_fault_to_string(enum plan_fault fault)
{
	static const char *const names[_PLAN_FAULT_MAX] = {
		[PLAN_GOOD] = "good",
		[PLAN_OUTSIDE_MAP] = "outside-map",
		[PLAN_NOT_WRITABLE] = "not-writable",
		[PLAN_MID_SECTOR] = "mid-sector",
		[PLAN_PROTECTED] = "protected",
	};

	assert(fault >= 0 && fault < _PLAN_FAULT_MAX);
	return names[fault];
}
