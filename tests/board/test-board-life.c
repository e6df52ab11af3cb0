/* SPDX-License-Identifier: MIT */

/*
 * Leaving and what comes after, starting, and what is left of the flash when the plug is pulled.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/dfu.h"
#include "test-rig.h"

#define BASE	 0x08000000u
#define N(array) (sizeof(array) / sizeof((array)[0]))

static int setup(void **state)
{
	static struct rig rig;
	const struct board_options options = {0};

	rig_init(&rig, &options);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	rig_done(*state);
	return 0;
}

static void use(struct rig *rig, const struct board_options *options)
{
	rig_done(rig);
	rig_init(rig, options);
}

static const struct board_counts *counts(const struct rig *rig)
{
	return board_counts(rig->board);
}

static uint32_t visits(struct rig *rig)
{
	uint32_t n;

	(void)board_presence(rig->board, rig->now, &n);
	return n;
}

/* --- leaving --- */

static void test_leave_is_not_answered(void **state)
{
	struct rig *rig = *state;
	uint32_t before = visits(rig);

	rig_put_program(rig, BASE);
	assert_int_equal(rig_leave(rig), BOARD_GONE);
	assert_int_equal(rig_presence(rig), BOARD_ABSENT);
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 6), BOARD_GONE);
	assert_int_equal(rig_wait(rig), BOARD_RUNTIME);
	assert_int_equal(rig->took, 600000);
	assert_int_equal(visits(rig), before + 1);
	assert_true(board_next_change(rig->board, rig->now) == UINT64_MAX);
	assert_int_equal(counts(rig)->leaves, 1);
}

static void test_leave_is_answered(void **state)
{
	struct rig *rig = *state;

	use(rig, &(struct board_options){.answers_leave = true, .boot_ms = 900});
	rig_put_program(rig, BASE);
	assert_int_equal(rig_leave(rig), BOARD_ACK);
	assert_int_equal(rig->data[4], DFU_MANIFEST);
	assert_int_equal(rig_presence(rig), BOARD_DFU);
	assert_int_equal(rig_wait(rig), BOARD_ABSENT);
	assert_int_equal(rig->took, 1000);
	assert_int_equal(rig_wait(rig), BOARD_RUNTIME);
	assert_int_equal(rig->took, 900000);
}

static void test_leave_waits_for_get_status(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_dnload(rig, 2, NULL, 0), BOARD_ACK);
	rig->now += 60000000;
	assert_int_equal(rig_presence(rig), BOARD_DFU);
	assert_int_equal(rig_state(rig), DFU_MANIFEST_SYNC);
}

static void test_leave_to_what_does_not_start(void **state)
{
	static const uint8_t tables[][8] = {
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		{0x00, 0x00, 0x02, 0x20, 0x00, 0x02, 0x00, 0x08}, /* even reset vector */
		{0x00, 0x00, 0x02, 0x20, 0x01, 0x00, 0x08, 0x08}, /* behind the flash */
		{0x00, 0x00, 0x02, 0x30, 0x01, 0x02, 0x00, 0x08}, /* stack nowhere */
		{0x02, 0x00, 0x02, 0x20, 0x01, 0x02, 0x00, 0x08}, /* stack not aligned */
		{0x00, 0x00, 0x00, 0x20, 0x01, 0x02, 0x00, 0x08}, /* no room for a stack */
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(tables); i++) {
		memcpy(rig_at(rig, BASE), tables[i], 8);
		assert_int_equal(rig_leave(rig), BOARD_GONE);
		assert_int_equal(rig_wait(rig), BOARD_DFU);
		assert_int_equal(rig_state(rig), DFU_IDLE);
	}
}

static void test_leave_goes_to_the_pointer(void **state)
{
	struct rig *rig = *state;

	rig_put_program(rig, BASE + 0x8000);
	assert_int_equal(rig_leave(rig), BOARD_GONE);
	assert_int_equal(rig_wait(rig), BOARD_DFU);
	assert_int_equal(rig_command(rig, DFUSE_SET_ADDRESS, BASE + 0x8000).status, 0);
	assert_int_equal(rig_leave(rig), BOARD_GONE);
	assert_int_equal(rig_wait(rig), BOARD_RUNTIME);
	board_unplug(rig->board, rig->now);
	board_plug(rig->board, rig->now, false);
	assert_int_equal(rig_presence(rig), BOARD_ABSENT);
}

static void test_boots(void **state)
{
	static const struct {
		enum board_boot boot;
		enum board_presence presence;
	} cases[] = {
		{BOARD_BOOTS_FLASH, BOARD_RUNTIME},
		{BOARD_BOOTS_DFU, BOARD_DFU},
		{BOARD_FLAPS, BOARD_RUNTIME},
		{BOARD_BOOTS_DEAF, BOARD_RUNTIME},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(cases); i++) {
		use(rig, &(struct board_options){.cold_error = true, .boot = cases[i].boot});
		rig_put_program(rig, BASE);
		assert_int_equal(rig_clear(rig), BOARD_ACK);
		assert_int_equal(rig_leave(rig), BOARD_GONE);
		assert_int_equal(rig_wait(rig), cases[i].presence);
		assert_int_equal(board_is_deaf(rig->board), cases[i].boot == BOARD_BOOTS_DEAF);
		if (cases[i].presence == BOARD_DFU) {
			assert_int_equal(rig_status(rig).status, DFU_STATUS_FIRMWARE);
		}
	}
}

static void test_gone(void **state)
{
	struct rig *rig = *state;

	board_set_boot(rig->board, BOARD_BOOTS_GONE);
	rig_put_program(rig, BASE);
	assert_int_equal(rig_leave(rig), BOARD_GONE);
	assert_int_equal(rig_wait(rig), BOARD_ABSENT);
	assert_true(board_next_change(rig->board, rig->now) == UINT64_MAX);
	board_plug(rig->board, rig->now, true);
	assert_int_equal(rig_presence(rig), BOARD_DFU);
}

static void test_stays(void **state)
{
	struct rig *rig = *state;

	board_set_boot(rig->board, BOARD_STAYS);
	rig_put_program(rig, BASE);
	assert_int_equal(rig_leave(rig), BOARD_ACK);
	assert_int_equal(rig->data[4], DFU_IDLE);
	rig->now += 60000000;
	assert_int_equal(rig_presence(rig), BOARD_DFU);
	assert_int_equal(visits(rig), 1);
	assert_int_equal(counts(rig)->leaves, 1);
}

static void test_flaps(void **state)
{
	struct rig *rig = *state;

	board_set_boot(rig->board, BOARD_FLAPS);
	assert_int_equal(rig_leave(rig), BOARD_GONE);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(rig_wait(rig), BOARD_RUNTIME);
		assert_int_equal(visits(rig), 2 + i);
		assert_int_equal(rig_wait(rig), BOARD_ABSENT);
	}
	rig->now += 60000000;
	assert_in_range(visits(rig), 20, 60);
}

static void test_deaf_never_answers(void **state)
{
	struct rig *rig = *state;

	board_set_boot(rig->board, BOARD_BOOTS_DEAF);
	assert_int_equal(rig_leave(rig), BOARD_GONE);
	assert_int_equal(rig_wait(rig), BOARD_RUNTIME);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0100, 0, 18), BOARD_SILENT);
	board_unplug(rig->board, rig->now);
	assert_false(board_is_deaf(rig->board));
}

static void test_starts(void **state)
{
	struct rig *rig = *state;

	use(rig, &(struct board_options){.runs_at_start = true});
	assert_int_equal(rig_presence(rig), BOARD_DFU);
	use(rig, &(struct board_options){.runs_at_start = true});
	memcpy(board_flash(rig->board, NULL), "\x00\x00\x02\x20\x01\x02\x00\x08", 8);
	assert_int_equal(rig_presence(rig), BOARD_RUNTIME);
	board_plug(rig->board, rig->now, true);
	assert_int_equal(rig_presence(rig), BOARD_DFU);
	board_plug(rig->board, rig->now, false);
	assert_int_equal(rig_presence(rig), BOARD_RUNTIME);
	assert_int_equal(visits(rig), 3);
}

static void test_detach_comes_back_as_the_same(void **state)
{
	struct rig *rig = *state;

	rig_put_program(rig, BASE);
	assert_int_equal(rig_call(rig, DFU_TYPE_OUT, DFU_DETACH, 1000, 0, 0), BOARD_ACK);
	assert_int_equal(rig_wait(rig), BOARD_ABSENT);
	assert_int_equal(rig_wait(rig), BOARD_DFU);
	assert_int_equal(counts(rig)->violations, 1);
}

/* --- unplugging --- */

static void test_unplug_while_writing(void **state)
{
	uint8_t zeros[2048] = {0};
	struct rig *rig = *state;
	const struct board_step *steps;
	size_t n;

	assert_int_equal(rig_dnload(rig, 2, zeros, sizeof(zeros)), BOARD_ACK);
	assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	rig->now += 16 * 1000 + 7;
	board_unplug(rig->board, rig->now);
	assert_int_equal(rig_presence(rig), BOARD_ABSENT);
	assert_int_equal(*rig_at(rig, BASE), 0);
	assert_int_equal(*rig_at(rig, BASE + 999), 0);
	assert_int_equal(*rig_at(rig, BASE + 1000), 0xff);
	assert_int_equal(counts(rig)->bytes_written, 1000);
	steps = board_steps(rig->board, &n);
	assert_int_equal(n, 1);
	assert_int_equal(steps[0].size, 1000);
	rig->now += 1000000;
	assert_int_equal(*rig_at(rig, BASE + 1000), 0xff);
	board_plug(rig->board, rig->now, true);
	assert_int_equal(rig_status(rig).state, DFU_IDLE);
	assert_int_equal(*rig_at(rig, BASE + 1000), 0xff);
}

static void test_unplug_while_erasing(void **state)
{
	const uint8_t erase[5] = {DFUSE_ERASE, 0, 0, 0, 8};
	struct rig *rig = *state;
	size_t n;

	memset(rig_at(rig, BASE), 0, 0x8000);
	assert_int_equal(rig_dnload(rig, 0, erase, 5), BOARD_ACK);
	assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	rig->now += 100000;
	board_unplug(rig->board, rig->now);
	assert_int_equal(*rig_at(rig, BASE + 0x1fff), 0xff);
	assert_int_equal(*rig_at(rig, BASE + 0x2000), 0);
	assert_int_equal(counts(rig)->busy_us, 100000);
	assert_int_equal(counts(rig)->bytes_erased, 0x2000);
	assert_int_equal(board_steps(rig->board, &n)[0].size, 0x2000);
}

static void test_unplug_while_mass_erasing(void **state)
{
	const uint8_t erase = DFUSE_ERASE;
	struct rig *rig = *state;

	memset(rig_at(rig, BASE), 0, 512 * 1024);
	assert_int_equal(rig_dnload(rig, 0, &erase, 1), BOARD_ACK);
	assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	rig->now += 4 * 400000 + 600000;
	board_unplug(rig->board, rig->now);
	assert_int_equal(*rig_at(rig, BASE + 0xffff), 0xff);
	assert_int_equal(*rig_at(rig, BASE + 0x17fff), 0xff);
	assert_int_equal(*rig_at(rig, BASE + 0x18000), 0);
	assert_int_equal(counts(rig)->bytes_erased, 0x10000 + 0x8000);
}

static void test_reset_forgets_the_operation(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_dnload(rig, 2, "abcd", 4), BOARD_ACK);
	board_reset(rig->board, rig->now);
	assert_int_equal(rig_status(rig).state, DFU_IDLE);
	assert_int_equal(rig_status(rig).state, DFU_IDLE);
	assert_int_equal(*rig_at(rig, BASE), 0xff);
	assert_int_equal(visits(rig), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_leave_is_not_answered),
		TEST(test_leave_is_answered),
		TEST(test_leave_waits_for_get_status),
		TEST(test_leave_to_what_does_not_start),
		TEST(test_leave_goes_to_the_pointer),
		TEST(test_boots),
		TEST(test_gone),
		TEST(test_stays),
		TEST(test_flaps),
		TEST(test_deaf_never_answers),
		TEST(test_starts),
		TEST(test_detach_comes_back_as_the_same),
		TEST(test_unplug_while_writing),
		TEST(test_unplug_while_erasing),
		TEST(test_unplug_while_mass_erasing),
		TEST(test_reset_forgets_the_operation),
	};

	return cmocka_run_group_tests_name("board-life", tests, NULL, NULL);
}
