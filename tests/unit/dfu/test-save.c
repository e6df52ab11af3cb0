/* SPDX-License-Identifier: MIT */
/*
 * What is saved before it is erased, on the simulated board: every byte that an erase would take,
 * at one address and in one piece, read once; and where the board is told to start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "bench.h"
#include "board.h"

#define BASE UINT32_C(0x08000000)
/* what is written and read back is padded to the granule */
#define PADDED(size) (((size) + 31) / 32 * 32)

static const struct board_options octopus = {.cold_error = true, .speedup = 1};
static const struct board_options small = {
	.layout = "@Internal Flash  /0x08000000/16*001Kg", .transfer_size = 256, .speedup = 1};
static const struct board_options blind = {.no_upload = true, .speedup = 1};
/* the second KiB may be written, but not read */
static const struct board_options gap = {
	.layout = "@Internal Flash  /0x08000000/01*001Kg,01*001Kf,14*001Kg",
	.transfer_size = 256,
	.speedup = 1};

static void check_saved(const struct bench *b, uint32_t address, uint32_t size)
{
	assert_int_equal(b->plan.saved.address, address);
	assert_int_equal(b->plan.saved.size, size);
	assert_memory_equal(b->plan.saved.data, b->before + (address - b->base), size);
}

static void run(struct bench *b)
{
	assert_int_equal(bench_run(b, true), BENCH_ENDED);
	assert_int_equal(b->session.end, SESSION_COMPLETED);
	assert_int_equal(b->looks, 1);
	assert_int_equal(board_counts(b->board)->violations, 0);
	assert_int_equal(b->blind_leaves + b->early, 0);
}

/* Three sectors of 16 KiB: the image's own bytes are known, the last sector's rest is not. */
static void test_whole_sectors(void **state)
{
	struct bench b;

	bench_init(&b, &octopus, BASE, 44388, 1);
	b.save = true;
	run(&b);
	check_saved(&b, BASE, 3 * 16384);
	assert_int_equal(b.plan.n_saves, 1);
	assert_int_equal(b.plan.saves[0].address, BASE + 44388);
	assert_int_equal(b.plan.saves[0].size, 3 * 16384 - 44388);
	/* nothing twice: before the erase each byte once, then the image once more */
	assert_int_equal(board_counts(b.board)->bytes_read, 3 * 16384 + PADDED(44388));
	assert_true(bench_is_flashed(&b));
	bench_done(&b);
}

static void test_whole_memory(void **state)
{
	struct bench b;

	bench_init(&b, &octopus, BASE + 0x8000, 44388, 1);
	b.save = b.whole = true;
	run(&b);
	check_saved(&b, BASE, 524288);
	assert_int_equal(board_counts(b.board)->bytes_read, 524288 + PADDED(44388));
	bench_done(&b);
}

/* The first sector is erased whatever differs, so an unchanged one between is saved with them. */
static void test_from_the_first_to_the_last(void **state)
{
	struct bench b;

	bench_init(&b, &small, BASE + 2048, 6 * 1024, 1);
	bench_preload(&b);
	b.flash[2048 + 4 * 1024] ^= 1;
	memcpy(b.before, b.flash, b.flash_size);
	b.save = true;
	run(&b);
	assert_int_equal(b.plan.n_erases, 2);
	check_saved(&b, BASE + 2048, 5 * 1024);
	assert_int_equal(b.plan.n_saves, 0);
	bench_done(&b);
}

static void test_nothing_erased_nothing_saved(void **state)
{
	struct bench b;

	bench_init(&b, &octopus, BASE, 44388, 1);
	bench_preload(&b);
	b.save = b.whole = true;
	run(&b);
	assert_true(b.plan.unchanged);
	assert_int_equal(b.plan.saved.size, 0);
	assert_int_equal(board_counts(b.board)->bytes_read, 44388);
	bench_done(&b);
}

static void test_what_cannot_be_read(void **state)
{
	struct bench b;

	bench_init(&b, &blind, BASE, 4096, 1);
	assert_int_equal(plan_decide(&b.plan), 0);
	assert_int_equal(plan_save(&b.plan, &b.layout, false), -ENXIO);
	assert_int_equal(b.plan.saved.size, 0);
	bench_done(&b);
}

/* All that can be read around the image ends at the sector that cannot. */
static void test_whole_memory_ends_at_a_gap(void **state)
{
	struct bench b;

	bench_init(&b, &gap, BASE + 4096, 1024, 1);
	b.save = b.whole = true;
	run(&b);
	check_saved(&b, BASE + 2048, 14 * 1024);
	bench_done(&b);
}

/* What lies at flash base is known before the answer, and is not read again to be saved. */
static void test_look_at_base(void **state)
{
	struct bench b;
	const uint8_t *found;
	uint32_t n;

	bench_init(&b, &octopus, BASE + 0x8000, 1000, 1);
	bench_look_at_base(&b, &octopus, 2048);
	b.save = b.whole = true;
	run(&b);
	found = plan_found(&b.plan, BASE, &n);
	assert_non_null(found);
	assert_int_equal(n, 2048);
	assert_memory_equal(found, b.before, 2048);
	assert_null(plan_found(&b.plan, BASE + 2048, &n));
	assert_int_equal(n, 0);
	check_saved(&b, BASE, 524288);
	assert_int_equal(board_counts(b.board)->bytes_read, 524288 + PADDED(1000));
	bench_done(&b);
}

/* An image at flash base is looked at anyway. */
static void test_look_within_the_image(void **state)
{
	struct bench b;
	uint32_t n;

	bench_init(&b, &octopus, BASE, 4096, 1);
	bench_look_at_base(&b, &octopus, 2048);
	assert_int_equal(b.plan.n_reads, 1);
	run(&b);
	assert_memory_equal(plan_found(&b.plan, BASE, &n), b.before, 4096);
	assert_int_equal(n, 4096);
	bench_done(&b);
}

static void test_stopped_with_all_saved(void **state)
{
	struct bench b;

	bench_init(&b, &octopus, BASE, 44388, 1);
	b.save = true;
	assert_int_equal(bench_run(&b, false), BENCH_ENDED);
	assert_int_equal(b.session.end, SESSION_STOPPED);
	check_saved(&b, BASE, 3 * 16384);
	assert_true(bench_is_untouched(&b));
	bench_done(&b);
}

static void test_leave_to_base(void **state)
{
	const struct board_step *steps;
	struct bench b;
	size_t n;

	bench_init(&b, &octopus, BASE + 0x8000, 1000, 1);
	b.leave = BASE;
	run(&b);
	assert_true(b.session.left);
	steps = board_steps(b.board, &n);
	assert_int_equal(steps[n - 1].kind, BOARD_STEP_LEAVE);
	assert_int_equal(steps[n - 1].address, BASE);
	bench_done(&b);
}

static void check_stays(struct bench *b, enum session_flash flash)
{
	b->stay = true;
	run(b);
	assert_false(b->session.left);
	assert_int_equal(b->session.flash, flash);
	assert_int_equal(board_counts(b->board)->leaves, 0);
	assert_false(bench_has_mark(b, SESSION_MARK_LEFT));
	bench_done(b);
}

static void test_stay(void **state)
{
	struct bench b;

	bench_init(&b, &octopus, BASE, 1000, 1);
	check_stays(&b, SESSION_WRITTEN);
	bench_init(&b, &octopus, BASE, 1000, 1);
	bench_preload(&b);
	check_stays(&b, SESSION_UNCHANGED);
	bench_init(&b, &blind, BASE, 1000, 1);
	check_stays(&b, SESSION_WRITTEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_sectors),
		cmocka_unit_test(test_whole_memory),
		cmocka_unit_test(test_from_the_first_to_the_last),
		cmocka_unit_test(test_nothing_erased_nothing_saved),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test(test_whole_memory_ends_at_a_gap),
		cmocka_unit_test(test_look_at_base),
		cmocka_unit_test(test_look_within_the_image),
		cmocka_unit_test(test_stopped_with_all_saved),
		cmocka_unit_test(test_leave_to_base),
		cmocka_unit_test(test_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
