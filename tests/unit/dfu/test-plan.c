/* SPDX-License-Identifier: MIT */
/*
 * The plan against the order of writing that the manual promises: first some plans by hand, then
 * random ones, each carried out on an array and compared with an independent picture of what the
 * flash must hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/plan.h"

enum {
	REW = LAYOUT_READABLE | LAYOUT_ERASABLE | LAYOUT_WRITEABLE,
	RE = LAYOUT_READABLE | LAYOUT_ERASABLE,
	RW = LAYOUT_READABLE | LAYOUT_WRITEABLE,
	R = LAYOUT_READABLE,
};

#define BASE	  0x08000000u
#define WORLD_MAX 65536u
#define KIB(n)	  ((uint32_t)(n) << 10)

/* The device's memory and what was done to each byte of it. */
struct world {
	struct layout layout;
	uint32_t base, size; /* what the arrays stand for */
	uint8_t old[WORLD_MAX], flash[WORLD_MAX], wanted[WORLD_MAX];
	uint8_t image[WORLD_MAX];
	bool covered[WORLD_MAX], kept[WORLD_MAX], erased[WORLD_MAX], written[WORLD_MAX];
	struct plan_segment segments[8];
	struct plan_request request;
	struct plan_range protects[4];
	struct plan plan;
	enum plan_fault fault;
	uint32_t address;
};

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % n;
}

static void random_fill(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + 4 <= n; i += 4) {
		const uint32_t word = random_below(UINT32_MAX);

		memcpy(bytes + i, &word, 4);
	}
}

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){.base = BASE, .plan = PLAN_INIT};
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	random_fill(w->old, sizeof(w->old));
	random_fill(w->image, sizeof(w->image));
	w->request = (struct plan_request){
		.layout = &w->layout,
		.segments = w->segments,
		.protects = w->protects,
		.transfer_size = 2048,
		.granule = 1,
		.can_read = true,
	};
}

static void world_add_group(
	struct world *w, uint32_t start, uint32_t size, uint32_t count, uint8_t access)
{
	w->layout.groups[w->layout.n_groups++] = (struct layout_group){
		.start = start, .size = size, .count = count, .access = access};
	if (start + size * count - w->base > w->size) {
		w->size = start + size * count - w->base;
	}
	assert_true(w->size <= WORLD_MAX);
}

/* 4x4K 1x8K 2x16K: an F446, four times smaller. */
static void world_init_sectors(struct world *w, uint64_t seed)
{
	world_init(w, seed);
	world_add_group(w, BASE, KIB(4), 4, REW);
	world_add_group(w, BASE + KIB(16), KIB(8), 1, REW);
	world_add_group(w, BASE + KIB(24), KIB(16), 2, REW);
}

static void world_add_segment(struct world *w, uint32_t address, uint32_t size)
{
	const size_t n = w->request.n_segments++;

	w->segments[n] = (struct plan_segment){
		.address = address, .size = size, .data = w->image + (address - w->base)};
}

static void world_protect(struct world *w, uint32_t first, uint32_t last)
{
	w->protects[w->request.n_protects++] = (struct plan_range){first, last};
}

static void world_make(struct world *w)
{
	for (size_t i = 0; i < w->request.n_segments; i++) {
		for (uint32_t k = 0; k < w->segments[i].size; k++) {
			const uint32_t at = w->segments[i].address - w->base + k;

			if (at < WORLD_MAX) {
				w->covered[at] = true;
			}
		}
	}
	assert_int_equal(plan_make(&w->plan, &w->request, &w->fault, &w->address), 0);
}

static void world_read(struct world *w)
{
	for (size_t i = 0; i < w->plan.n_reads; i++) {
		const struct plan_run *run = &w->plan.reads[i];

		assert_true(run->address >= w->base && run->size <= w->size &&
			    run->address - w->base <= w->size - run->size);
		memcpy(run->data, w->old + (run->address - w->base), run->size);
	}
	assert_int_equal(plan_decide(&w->plan), 0);
	assert_true(w->plan.decided);
}

static bool world_sector_at(
	const struct world *w, uint32_t address, uint32_t *start, uint32_t *size)
{
	for (size_t i = 0; i < w->layout.n_groups; i++) {
		const struct layout_group *g = &w->layout.groups[i];

		if (address >= g->start && address - g->start < g->size * g->count) {
			*start = g->start + (address - g->start) / g->size * g->size;
			*size = g->size;
			return true;
		}
	}
	return false;
}

/* What the flash must hold, given which sectors the plan chose to erase. */
static void world_imagine(struct world *w)
{
	bool follows = false; /* a byte of the image, behind this one and in its sector */

	for (uint32_t i = w->size; i-- > 0;) {
		uint32_t start = 0, size = 0;

		w->wanted[i] = w->old[i];
		if (!world_sector_at(w, w->base + i, &start, &size)) {
			continue;
		}
		if (w->base + i == start + (size - 1)) {
			follows = false;
		}
		if (w->covered[i]) {
			w->wanted[i] = w->image[i];
			follows = true;
		} else if (follows) {
			w->kept[i] = true;
		} else if (w->erased[i]) {
			w->wanted[i] = 0xff;
		}
	}
}

static void world_erase(struct world *w)
{
	uint64_t bytes = 0;

	memcpy(w->flash, w->old, sizeof(w->flash));
	for (size_t i = 0; i < w->plan.n_erases; i++) {
		uint32_t start = 0, size = 0;

		assert_true(world_sector_at(w, w->plan.erases[i], &start, &size));
		assert_int_equal(start, w->plan.erases[i]);
		assert_false(w->erased[start - w->base]); /* once */
		memset(w->flash + (start - w->base), 0xff, size);
		memset(w->erased + (start - w->base), true, size);
		bytes += size;
	}
	assert_int_equal(w->plan.bytes_erased, bytes);
}

static void world_write(struct world *w, const struct plan_run *run)
{
	assert_true(run->size > 0);
	for (uint32_t k = 0; k < run->size; k++) {
		const uint32_t at = run->address - w->base + k;

		assert_true(at < w->size);
		assert_true(w->erased[at]);
		assert_false(w->written[at]);
		w->written[at] = true;
		w->flash[at] &= run->data[k];
		if (!w->covered[at] && !w->kept[at]) { /* padding */
			assert_int_equal(run->data[k], 0xff);
			assert_true(run->size - k < w->request.granule);
		}
	}
}

static bool world_is_blank(const struct world *w, uint32_t address, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		if (w->flash[address - w->base + i] != 0xff) {
			return false;
		}
	}
	return true;
}

static uint32_t head_size(const struct world *w, const struct plan_segment *s)
{
	return s->size < w->request.transfer_size ? s->size : w->request.transfer_size;
}

/* Each head is a segment's first block, at most padded; false where it is nobody's. */
static bool world_is_head(const struct world *w, const struct plan_run *run)
{
	for (size_t i = 0; i < w->request.n_segments; i++) {
		const struct plan_segment *s = &w->segments[i];

		if (run->address == s->address) {
			return run->size >= head_size(w, s) &&
			       run->size < head_size(w, s) + w->request.granule;
		}
	}
	return false;
}

static void world_check_order(const struct world *w)
{
	const struct plan *p = &w->plan;
	uint32_t start = 0, size = 0;

	assert_true(world_sector_at(w, w->segments[0].address, &start, &size));
	assert_int_equal(p->erases[0], start);
	for (size_t i = 1; i < p->n_bodies; i++) {
		assert_true(
			p->bodies[i].address >= p->bodies[i - 1].address + p->bodies[i - 1].size);
	}
	assert_true(p->n_heads > 0);
	for (size_t i = 0; i < p->n_heads; i++) {
		assert_true(world_is_head(w, &p->heads[i]));
		assert_true(i == 0 || p->heads[i].address < p->heads[i - 1].address);
	}
	assert_int_equal(p->heads[p->n_heads - 1].address, w->segments[0].address);
}

/* A sector that holds the image already is erased only for the sake of a first block. */
static void world_check_spared(const struct world *w)
{
	for (size_t i = 0; i < w->plan.n_erases; i++) {
		uint32_t start = 0, size = 0;
		bool differs = !w->request.can_read;
		bool for_head = false;

		assert_true(world_sector_at(w, w->plan.erases[i], &start, &size));
		for (uint32_t k = start - w->base; k < start - w->base + size; k++) {
			differs = differs || (w->covered[k] && w->old[k] != w->image[k]);
		}
		for (size_t k = 0; k < w->request.n_segments; k++) {
			const struct plan_segment *s = &w->segments[k];

			for_head = for_head || (s->address < start + size &&
						       s->address + head_size(w, s) > start);
		}
		assert_true(differs || for_head);
	}
}

/* Whether image and sectors keep to the granule; the image's last byte need not. */
static bool world_is_even(const struct world *w)
{
	const uint32_t g = w->request.granule;

	for (size_t i = 0; i < w->request.n_segments; i++) {
		if (w->segments[i].address % g != 0 ||
			(i + 1 < w->request.n_segments && w->segments[i].size % g != 0)) {
			return false;
		}
	}
	for (size_t i = 0; i < w->layout.n_groups; i++) {
		if (w->layout.groups[i].start % g != 0 || w->layout.groups[i].size % g != 0) {
			return false;
		}
	}
	return true;
}

/* The device writes in multiples of its granule. */
static void world_check_granules(const struct world *w)
{
	const uint32_t g = w->request.granule;

	for (size_t i = 0; i < w->plan.n_bodies + w->plan.n_heads && world_is_even(w); i++) {
		const struct plan_run *run = i < w->plan.n_bodies
						     ? &w->plan.bodies[i]
						     : &w->plan.heads[i - w->plan.n_bodies];

		assert_int_equal(run->address % g, 0);
		assert_int_equal(run->size % g, 0);
	}
}

static void world_write_all(struct world *w)
{
	const struct plan *p = &w->plan;
	uint64_t bytes = 0;

	for (size_t i = 0; i < p->n_bodies; i++) {
		world_write(w, &p->bodies[i]);
	}
	for (size_t i = 0; i < p->n_heads; i++) {
		/* from the first erase on nothing looks like a program */
		assert_true(
			world_is_blank(w, w->segments[0].address, head_size(w, &w->segments[0])));
		world_write(w, &p->heads[i]);
	}
	for (uint32_t i = 0; i < w->size; i++) {
		bytes += w->written[i] && (w->covered[i] || w->kept[i]);
	}
	assert_int_equal(p->bytes_written, bytes);
}

static void world_check_protected(const struct world *w)
{
	for (size_t i = 0; i < w->request.n_protects; i++) {
		for (uint64_t at = w->protects[i].first; at <= w->protects[i].last; at++) {
			const uint64_t k = at - w->base;

			if (at >= w->base && k < w->size) {
				assert_false(w->erased[k] || w->written[k]);
			}
		}
	}
}

/* Reads, decides and carries the plan out; the flash must be as imagined. */
static void world_carry_out(struct world *w)
{
	assert_int_equal(w->fault, PLAN_GOOD);
	world_read(w);
	world_erase(w);
	world_imagine(w);
	if (w->plan.unchanged) {
		assert_int_equal(w->plan.n_erases + w->plan.n_bodies + w->plan.n_heads, 0);
		assert_int_equal(w->plan.bytes_erased + w->plan.bytes_written, 0);
	} else {
		world_check_order(w);
		world_check_spared(w);
		world_check_granules(w);
		world_write_all(w);
	}
	world_check_protected(w);
	assert_memory_equal(w->flash, w->wanted, w->size);
}

/* The flash holds the image already. */
static void world_hold_image(struct world *w)
{
	for (uint32_t i = 0; i < w->size; i++) {
		if (w->covered[i]) {
			w->old[i] = w->image[i];
		}
	}
}

static void check_run(const struct plan_run *run, uint32_t address, uint32_t size)
{
	assert_int_equal(run->address, address);
	assert_int_equal(run->size, size);
}

/* --- by hand --- */

static void test_whole(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 1);
	world_add_segment(w, BASE, 10000);
	world_make(w);
	assert_int_equal(w->plan.n_reads, 1);
	check_run(&w->plan.reads[0], BASE, 10000);
	world_carry_out(w);
	assert_int_equal(w->plan.n_sectors, 3);
	assert_int_equal(w->plan.n_erases, 3);
	assert_int_equal(w->plan.n_bodies, 1);
	check_run(&w->plan.bodies[0], BASE + 2048, 10000 - 2048);
	assert_int_equal(w->plan.n_heads, 1);
	check_run(&w->plan.heads[0], BASE, 2048);
	assert_int_equal(w->plan.bytes_written, 10000);
	plan_done(&w->plan);
}

static void test_unchanged(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 2);
	world_add_segment(w, BASE + KIB(4), 10000);
	world_make(w);
	world_hold_image(w);
	world_carry_out(w);
	assert_true(w->plan.unchanged);
	plan_done(&w->plan);
}

static void test_only_first_block_differs(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 3);
	world_add_segment(w, BASE, 10000);
	world_make(w);
	world_hold_image(w);
	w->old[0] ^= 1;
	world_carry_out(w);
	assert_int_equal(w->plan.n_erases, 1);
	check_run(&w->plan.bodies[0], BASE + 2048, 2048);
	plan_done(&w->plan);
}

/* The first block's own sector holds the image, another one does not: both are erased. */
static void test_first_sector_goes_too(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 4);
	world_add_segment(w, BASE, 14000);
	world_make(w);
	world_hold_image(w);
	w->old[9000] ^= 0x40;
	world_carry_out(w);
	assert_false(w->plan.unchanged);
	assert_int_equal(w->plan.n_erases, 2);
	assert_int_equal(w->plan.erases[0], BASE);
	assert_int_equal(w->plan.erases[1], BASE + KIB(8));
	assert_false(w->written[KIB(4)]); /* the sector between is left alone */
	plan_done(&w->plan);
}

static void test_mid_sector(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 5);
	world_add_segment(w, BASE + KIB(4) + 100, 9000);
	world_make(w);
	check_run(&w->plan.reads[0], BASE + KIB(4), 9100);
	world_carry_out(w);
	check_run(&w->plan.bodies[0], BASE + KIB(4), 100);
	check_run(&w->plan.heads[0], BASE + KIB(4) + 100, 2048);
	assert_memory_equal(w->flash + KIB(4), w->old + KIB(4), 100);
	assert_int_equal(w->plan.bytes_written, 9100);
	plan_done(&w->plan);

	world_init_sectors(w, 5);
	w->request.can_read = false;
	world_add_segment(w, BASE + KIB(4) + 100, 9000);
	world_make(w);
	assert_int_equal(w->fault, PLAN_MID_SECTOR);
	assert_int_equal(w->address, BASE + KIB(4) + 100);
}

static void test_gaps(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 6);
	world_add_segment(w, BASE, 1000);
	world_add_segment(w, BASE + 3000, 3000);       /* shares the sector */
	world_add_segment(w, BASE + KIB(24) + 5, 700); /* far away, mid-sector */
	world_make(w);
	world_carry_out(w);
	assert_memory_equal(w->flash + 1000, w->old + 1000, 2000);
	assert_int_equal(w->plan.n_heads, 3);
	assert_int_equal(w->plan.heads[0].address, BASE + KIB(24) + 5);
	plan_done(&w->plan);

	/* without reading the gap cannot be kept; without a gap all is well */
	world_init_sectors(w, 6);
	w->request.can_read = false;
	world_add_segment(w, BASE, 1000);
	world_add_segment(w, BASE + 3000, 3000);
	world_make(w);
	assert_int_equal(w->fault, PLAN_MID_SECTOR);
	world_init_sectors(w, 6);
	w->request.can_read = false;
	world_add_segment(w, BASE, 3000);
	world_add_segment(w, BASE + 3000, 3000);
	world_make(w);
	world_carry_out(w);
	plan_done(&w->plan);
}

/* Padding up to the end of a sector must not run into what is kept at the begin of the next. */
static void test_padding_meets_kept(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 7);
	w->request.granule = 32;
	world_add_segment(w, BASE, KIB(4) - 3);
	world_add_segment(w, BASE + KIB(4) + 64, 900);
	world_make(w);
	world_carry_out(w);
	plan_done(&w->plan);
}

static void test_granule(void **state)
{
	static const uint16_t granules[] = {0, 1, 2, 8, 16, 32};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(granules) / sizeof(*granules); i++) {
		for (uint32_t size = 2040; size < 2060; size++) {
			world_init_sectors(w, size);
			w->request.granule = granules[i];
			world_add_segment(w, BASE, size);
			if (granules[i] == 0) { /* 0 stands for 1 */
				world_make(w);
				w->request.granule = 1;
			} else {
				world_make(w);
			}
			world_carry_out(w);
			assert_int_equal(w->plan.bytes_written, size);
			plan_done(&w->plan);
		}
	}
}

/* No padding leaves the device: the last sector ends before the next multiple. */
static void test_padding_at_end(void **state)
{
	struct world *w = *state;

	world_init(w, 8);
	world_add_group(w, BASE, 100, 10, REW);
	w->request.granule = 32;
	world_add_segment(w, BASE, 999);
	world_make(w);
	world_carry_out(w);
	plan_done(&w->plan);
}

/* 1 KiB pages and a transfer of 2 KiB: a first block lies in two sectors. */
static void test_head_over_two_sectors(void **state)
{
	struct world *w = *state;

	for (uint32_t broken = 0; broken < 6000; broken += 500) {
		world_init(w, 9 + broken);
		world_add_group(w, BASE, KIB(1), 16, REW);
		world_add_segment(w, BASE, 6000);
		world_make(w);
		world_hold_image(w);
		w->old[broken] ^= 0x80;
		world_carry_out(w);
		assert_int_equal(w->plan.erases[0], BASE);
		assert_true(w->erased[KIB(1)]);
		check_run(&w->plan.heads[w->plan.n_heads - 1], BASE, 2048);
		assert_int_equal(w->plan.n_erases, broken < 2048 ? 2 : 3);
		plan_done(&w->plan);
	}
}

static void check_fault(
	struct world *w, uint32_t address, uint32_t size, enum plan_fault fault, uint32_t at)
{
	struct plan_segment segment = {.address = address, .size = size, .data = w->image};
	struct plan plan = PLAN_INIT;

	w->request.segments = &segment;
	w->request.n_segments = 1;
	assert_int_equal(plan_make(&plan, &w->request, &w->fault, &w->address), 0);
	assert_int_equal(w->fault, fault);
	if (fault != PLAN_GOOD) {
		assert_int_equal(w->address, at);
		assert_int_equal(plan.n_sectors + plan.n_spans + plan.n_segments, 0);
	}
	plan_done(&plan);
	w->request.segments = w->segments;
	w->request.n_segments = 0;
}

static void test_outside(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 10);
	check_fault(w, BASE, KIB(56), PLAN_GOOD, 0);
	check_fault(w, BASE, KIB(56) + 1, PLAN_OUTSIDE_MAP, BASE + KIB(56));
	check_fault(w, BASE + KIB(56), 1, PLAN_OUTSIDE_MAP, BASE + KIB(56));
	check_fault(w, BASE - 1, 2, PLAN_OUTSIDE_MAP, BASE - 1);
	check_fault(w, BASE - 8, 4, PLAN_OUTSIDE_MAP, BASE - 8);
	check_fault(w, 0, 16, PLAN_OUTSIDE_MAP, 0);
	check_fault(w, UINT32_MAX, 1, PLAN_OUTSIDE_MAP, UINT32_MAX);
}

/* A hole between two groups. */
static void test_hole(void **state)
{
	struct world *w = *state;

	world_init(w, 11);
	world_add_group(w, BASE, KIB(1), 2, REW);
	world_add_group(w, BASE + KIB(8), KIB(1), 2, REW);
	check_fault(w, BASE, KIB(2), PLAN_GOOD, 0);
	check_fault(w, BASE, KIB(9), PLAN_OUTSIDE_MAP, BASE + KIB(2));
	world_add_segment(w, BASE + 100, 1800);
	world_add_segment(w, BASE + KIB(8) + 100, 1800);
	world_make(w);
	world_carry_out(w);
	plan_done(&w->plan);
}

static void test_end_of_addresses(void **state)
{
	struct world *w = *state;

	world_init(w, 12);
	w->base = 0xffff0000;
	w->layout.groups[0] = (struct layout_group){0xffff0000, KIB(4), 16, REW};
	w->layout.n_groups = 1;
	w->size = KIB(64);
	world_add_segment(w, 0xffff8000, KIB(32));
	world_make(w);
	world_carry_out(w);
	plan_done(&w->plan);
	check_fault(w, 0xfffffff0, 16, PLAN_GOOD, 0);
	check_fault(w, 0xfffffff0, 17, PLAN_OUTSIDE_MAP, 0);
}

static void test_not_writable(void **state)
{
	static const uint8_t access[] = {0, R, RE, RW};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(access); i++) {
		world_init(w, 13);
		world_add_group(w, BASE, KIB(2), 2, access[i]);
		world_add_group(w, BASE + KIB(4), KIB(2), 6, REW);
		check_fault(w, BASE, 100, PLAN_NOT_WRITABLE, BASE);
		check_fault(w, BASE + KIB(4), 9000, PLAN_GOOD, 0);
		check_fault(w, BASE + KIB(2), 9000, PLAN_NOT_WRITABLE, BASE + KIB(2));
	}
}

/* What cannot be read cannot be kept, whatever the rest of the device allows. */
static void test_unreadable_sector(void **state)
{
	struct world *w = *state;

	world_init(w, 14);
	world_add_group(w, BASE, KIB(2), 8, LAYOUT_ERASABLE | LAYOUT_WRITEABLE);
	check_fault(w, BASE + 100, 100, PLAN_MID_SECTOR, BASE + 100);
	world_add_segment(w, BASE, 3000);
	world_make(w);
	w->request.can_read = false; /* nobody could read it back */
	assert_false(w->plan.can_read);
	world_carry_out(w);
	assert_int_equal(w->plan.n_reads, 0);
	plan_done(&w->plan);
}

static void test_protects(void **state)
{
	struct world *w = *state;

	world_init_sectors(w, 15);
	world_protect(w, BASE, BASE + KIB(8) - 1);
	check_fault(w, BASE + KIB(8), 9000, PLAN_GOOD, 0);
	check_fault(w, BASE + KIB(8) - 1, 1, PLAN_PROTECTED, BASE + KIB(4));
	check_fault(w, BASE, 1, PLAN_PROTECTED, BASE);
	world_init_sectors(w, 15);
	world_protect(w, BASE + KIB(12) - 1, BASE + KIB(12) - 1); /* behind the image */
	check_fault(w, BASE + KIB(8), 1, PLAN_PROTECTED, BASE + KIB(12) - 1);
	check_fault(w, BASE + KIB(12), 1, PLAN_GOOD, 0);
	world_init_sectors(w, 15);
	world_protect(w, 0, UINT32_MAX);
	check_fault(w, BASE, 1, PLAN_PROTECTED, BASE);
	world_init_sectors(w, 15);
	world_protect(w, BASE + KIB(56), UINT32_MAX);
	world_protect(w, 0, BASE - 1);
	check_fault(w, BASE, KIB(56), PLAN_GOOD, 0);
}

static void test_cannot_read(void **state)
{
	struct world *w = *state;
	uint32_t size;

	world_init_sectors(w, 16);
	w->request.can_read = false;
	world_add_segment(w, BASE, 10000);
	world_make(w);
	world_hold_image(w);
	world_carry_out(w);
	assert_int_equal(w->plan.n_reads, 0);
	assert_false(w->plan.unchanged);
	assert_int_equal(w->plan.n_erases, 3);
	assert_null(plan_found(&w->plan, BASE, &size));
	assert_int_equal(size, 0);
	plan_done(&w->plan);
}

static void test_found(void **state)
{
	struct world *w = *state;
	uint32_t size;
	const uint8_t *found;

	world_init_sectors(w, 17);
	world_add_segment(w, BASE + KIB(4) + 10, 990);
	world_make(w);
	world_carry_out(w);
	found = plan_found(&w->plan, BASE + KIB(4) + 20, &size);
	assert_non_null(found);
	assert_int_equal(size, 980);
	assert_memory_equal(found, w->old + KIB(4) + 20, size);
	assert_null(plan_found(&w->plan, BASE + KIB(4) + 1000, &size));
	assert_null(plan_found(&w->plan, BASE, &size));
	assert_int_equal(size, 0);
	plan_done(&w->plan);
	plan_done(&w->plan); /* twice does no harm */
}

/* Never shorter than the datasheet's slowest chip: 16 KiB in 800 ms, 100 us for a byte. */
static void test_worst(void **state)
{
	struct world *w = *state;
	uint64_t before, after;

	world_init(w, 18);
	world_add_group(w, BASE, KIB(16), 4, REW);
	world_add_segment(w, BASE, KIB(48));
	world_make(w);
	before = plan_worst_ms(&w->plan);
	assert_true(before >= 3 * 800 + KIB(48) / 10);
	world_hold_image(w);
	w->old[0] ^= 1;
	world_carry_out(w);
	after = plan_worst_ms(&w->plan);
	assert_true(after >= 800 + KIB(16) / 10 && after <= before);
	plan_done(&w->plan);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(plan_fault_to_string(PLAN_OUTSIDE_MAP), "outside-map");
	assert_string_equal(plan_fault_to_string(PLAN_NOT_WRITABLE), "not-writable");
	assert_string_equal(plan_fault_to_string(PLAN_MID_SECTOR), "mid-sector");
	assert_string_equal(plan_fault_to_string(PLAN_PROTECTED), "protected");
}

/* --- at random --- */

static void world_random_layout(struct world *w)
{
	static const uint8_t access[] = {REW, REW, REW, REW, REW, REW, RW, RE};
	const uint32_t n = 1 + random_below(5);
	const uint32_t unit = random_below(2) ? 32 : 8;
	uint32_t at = w->base;

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t size = unit * (1 + random_below(random_below(2) ? 128 : 16));
		uint32_t count = 1 + random_below(8);

		at += random_below(6) == 0 ? unit * random_below(64) : 0;
		while (count > 0 && at - w->base + size * count > WORLD_MAX) {
			count--;
		}
		if (count > 0) {
			world_add_group(w, at, size, count, access[random_below(sizeof(access))]);
			at += size * count;
		}
	}
}

static void world_random_segments(struct world *w)
{
	const uint32_t n = 1 + random_below(5);
	const uint32_t align = random_below(2) ? 1 : 32;
	uint32_t at = random_below(3) ? 0 : random_below(w->size);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t size = 1 + random_below(random_below(3) ? 3000 : 40);

		at = (at + align - 1) / align * align;
		if (at >= w->size) {
			break;
		}
		if (random_below(8) != 0 && size > w->size - at) {
			size = w->size - at;
		}
		if (at + size > WORLD_MAX) {
			break;
		}
		world_add_segment(w, w->base + at, size);
		at += size + (random_below(3) ? random_below(1500) : 0);
	}
	if (w->request.n_segments == 0) {
		world_add_segment(w, w->base, 1 + random_below(w->size));
	}
}

static void world_random_contents(struct world *w)
{
	const uint32_t kind = random_below(4);

	if (kind == 0) {
		return; /* different everywhere */
	}
	if (kind == 1) {
		memset(w->old, 0xff, sizeof(w->old));
		return;
	}
	world_hold_image(w);
	for (uint32_t n = random_below(4); n > 0; n--) {
		w->old[random_below(w->size)] ^= (uint8_t)(1 + random_below(255));
	}
}

static void world_random(struct world *w, uint64_t seed)
{
	static const uint16_t granules[] = {1, 2, 4, 8, 16, 32};

	world_init(w, seed);
	world_random_layout(w);
	w->request.granule = granules[random_below(6)];
	w->request.transfer_size = (uint16_t)(32 * (1 + random_below(random_below(2) ? 8 : 64)));
	w->request.can_read = random_below(5) != 0;
	world_random_segments(w);
	if (random_below(4) == 0) {
		const uint32_t first = w->base + random_below(w->size);

		world_protect(w, first, first + random_below(600));
	}
}

/* What is wrong with the request, told from the bytes alone: a bit for each fault. */
static unsigned world_faults(const struct world *w)
{
	unsigned faults = 0;

	for (uint32_t i = 0; i < WORLD_MAX; i++) {
		struct layout_sector s;

		if (!w->covered[i]) {
			continue;
		}
		if (!layout_sector_at(&w->layout, w->base + i, &s)) {
			faults |= 1 << PLAN_OUTSIDE_MAP;
			continue;
		}
		faults |= (s.access & RW & ~R) && (s.access & RE & ~R) ? 0 : 1 << PLAN_NOT_WRITABLE;
		for (size_t k = 0; k < w->request.n_protects; k++) {
			if (w->protects[k].first <= s.start + (s.size - 1) &&
				w->protects[k].last >= s.start) {
				faults |= 1 << PLAN_PROTECTED;
			}
		}
		if (!w->request.can_read && s.start != w->base + i && !w->covered[i - 1]) {
			faults |= 1 << PLAN_MID_SECTOR;
		}
	}
	return faults;
}

static void test_random(void **state)
{
	struct world *w = *state;
	unsigned good = 0, unchanged = 0, faulty = 0;

	for (uint64_t seed = 1; seed <= 4000; seed++) {
		unsigned faults;

		world_random(w, seed);
		world_make(w);
		faults = world_faults(w);
		if (w->fault != PLAN_GOOD) {
			assert_true(faults & (1u << w->fault));
			faulty++;
			continue;
		}
		assert_int_equal(faults, 0);
		world_random_contents(w);
		world_carry_out(w);
		good++;
		unchanged += w->plan.unchanged;
		plan_done(&w->plan);
	}
	/* the dice reach every corner */
	assert_true(good > 1000 && faulty > 300 && unchanged > 50);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct world));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_only_first_block_differs),
		cmocka_unit_test(test_first_sector_goes_too),
		cmocka_unit_test(test_mid_sector),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_padding_meets_kept),
		cmocka_unit_test(test_granule),
		cmocka_unit_test(test_padding_at_end),
		cmocka_unit_test(test_head_over_two_sectors),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_end_of_addresses),
		cmocka_unit_test(test_not_writable),
		cmocka_unit_test(test_unreadable_sector),
		cmocka_unit_test(test_protects),
		cmocka_unit_test(test_cannot_read),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
