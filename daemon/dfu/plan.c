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

struct plan_span {
	uint32_t address;
	uint64_t size;	 /* up to the last byte of its last segment */
	uint64_t room;	 /* size rounded up to the granule, within the last sector */
	uint8_t *wanted; /* room bytes, 0xFF behind size */
	uint8_t *found;	 /* size bytes; NULL where nothing can be read */
};

/* A list of runs while it grows. */
struct plan_runs {
	struct plan_run *items;
	size_t n;
};

static int plan_grow(void *list, size_t n, size_t item)
{
	void **items = list;
	void *more;

	if ((n & (n - 1)) != 0) { /* room doubles at each power of two */
		return 0;
	}
	more = reallocarray(*items, n ? n * 2 : 1, item);
	if (more == NULL) {
		return -ENOMEM;
	}
	*items = more;
	return 0;
}

static int plan_add_run(struct plan_runs *runs, uint32_t address, uint64_t size, uint8_t *data)
{
	int r = plan_grow(&runs->items, runs->n, sizeof(*runs->items));

	if (r < 0) {
		return r;
	}
	runs->items[runs->n++] = (struct plan_run){address, (uint32_t)size, data};
	return 0;
}

static uint64_t plan_end(uint32_t address, uint64_t size)
{
	return (uint64_t)address + size;
}

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

static struct plan_sector *plan_sector_of(const struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->n_sectors; i++) {
		struct plan_sector *s = &plan->sectors[i];

		if (address >= s->start && address < plan_end(s->start, s->size)) {
			return s;
		}
	}
	return NULL;
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

static struct plan_span *plan_span_of(const struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->n_spans; i++) {
		struct plan_span *span = &plan->spans[i];

		if (address >= span->address && address < plan_end(span->address, span->size)) {
			return span;
		}
	}
	return NULL;
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
	free(plan->segments);
	free(plan->sectors);
	free(plan->reads);
	free(plan->erases);
	free(plan->bodies);
	free(plan->heads);
	*plan = (struct plan)PLAN_INIT;
}

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

const uint8_t *plan_found(const struct plan *plan, uint32_t address, uint32_t *ret_size)
{
	const struct plan_span *span = plan_span_of(plan, address);

	*ret_size = 0;
	if (span == NULL || span->found == NULL) {
		return NULL;
	}
	*ret_size = (uint32_t)(plan_end(span->address, span->size) - address);
	return span->found + (address - span->address);
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
