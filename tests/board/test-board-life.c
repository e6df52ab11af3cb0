/* SPDX-License-Identifier: MIT */

/*
 * The board beyond the states of DFU: leaving and what comes after, unplugging in the middle of
 * work, faults, descriptors, run-time mode.
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

static void set_fault(struct rig *rig, struct board_fault fault)
{
	board_set_fault(rig->board, 0, &fault);
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

	memset(rig_at(rig, BASE), 0, 0x8000);
	assert_int_equal(rig_dnload(rig, 0, erase, 5), BOARD_ACK);
	assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	rig->now += 100000;
	board_unplug(rig->board, rig->now);
	assert_int_equal(*rig_at(rig, BASE + 0x1fff), 0xff);
	assert_int_equal(*rig_at(rig, BASE + 0x2000), 0);
	assert_int_equal(counts(rig)->busy_us, 100000);
	assert_int_equal(counts(rig)->bytes_erased, 0x2000);
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

/* --- faults --- */

static void test_fault_stall_and_silence_lose_the_request(void **state)
{
	static const struct {
		enum board_fault_kind kind;
		enum board_answer answer;
	} cases[] = {
		{BOARD_FAULT_STALL, BOARD_STALL},
		{BOARD_FAULT_SILENCE, BOARD_SILENT},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(cases); i++) {
		set_fault(rig, (struct board_fault){
				       cases[i].kind, .request = DFU_DNLOAD, .nth = 1, .times = 1});
		assert_int_equal(rig_write(rig, 2, "abcd", 4).state, DFU_DNLOAD_IDLE);
		assert_int_equal(rig_dnload(rig, 2, "\0\0\0\0", 4), cases[i].answer);
		assert_int_equal(rig_state(rig), DFU_DNLOAD_IDLE);
		assert_int_equal(rig_write(rig, 2, "abcd", 4).state, DFU_DNLOAD_IDLE);
		assert_memory_equal(rig_at(rig, BASE), "abcd", 4);
	}
}

static void test_fault_filters(void **state)
{
	struct rig *rig = *state;

	set_fault(rig, (struct board_fault){BOARD_FAULT_STALL, .request = DFU_DNLOAD,
			       .command = DFUSE_ERASE, .times = 1});
	assert_int_equal(rig_command(rig, DFUSE_SET_ADDRESS, BASE).state, DFU_DNLOAD_IDLE);
	assert_int_equal(rig_write(rig, 2, "abcd", 4).state, DFU_DNLOAD_IDLE);
	assert_int_equal(rig_dnload(rig, 0, "\x41\0\0\0\x08", 5), BOARD_STALL);
	assert_int_equal(rig_command(rig, DFUSE_ERASE, BASE).state, DFU_DNLOAD_IDLE);

	set_fault(rig, (struct board_fault){BOARD_FAULT_STALL, .request = DFU_DNLOAD,
			       .command = BOARD_COMMAND_LEAVE});
	assert_int_equal(rig_write(rig, 2, "abcd", 4).state, DFU_DNLOAD_IDLE);
	assert_int_equal(rig_dnload(rig, 2, NULL, 0), BOARD_STALL);
	assert_int_equal(rig_dnload(rig, 2, NULL, 0), BOARD_STALL);

	set_fault(rig, (struct board_fault){BOARD_FAULT_SILENCE, .request = DFU_GETSTATUS,
			       .command = DFUSE_ERASE});
	assert_int_equal(rig_write(rig, 2, "abcd", 4).state, DFU_DNLOAD_IDLE);
	assert_int_equal(rig_dnload(rig, 0, "\x41\0\0\0\x08", 5), BOARD_ACK);
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 6), BOARD_SILENT);

	set_fault(rig, (struct board_fault){BOARD_FAULT_STALL, .request = -1, .command = -1});
	assert_int_equal(rig_abort(rig), BOARD_STALL);
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATE, 0, 0, 1), BOARD_STALL);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0100, 0, 18), BOARD_ACK);
	set_fault(rig, (struct board_fault){0});
	assert_int_equal(rig_abort(rig), BOARD_ACK);
}

static void test_faults_from_the_options(void **state)
{
	struct rig *rig = *state;

	use(rig, &(struct board_options){
			 .faults[3] = {BOARD_FAULT_STALL, .request = DFU_ABORT, .times = 1}});
	assert_int_equal(rig_abort(rig), BOARD_STALL);
	assert_int_equal(rig_abort(rig), BOARD_ACK);
}

static void test_fault_short(void **state)
{
	struct rig *rig = *state;

	set_fault(rig, (struct board_fault){BOARD_FAULT_SHORT, .request = -1, .command = -1});
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 6), BOARD_ACK);
	assert_int_equal(rig->length, 5);
	assert_int_equal(rig_upload(rig, 2, 64), BOARD_ACK);
	assert_int_equal(rig->length, 63);
	assert_int_equal(rig_abort(rig), BOARD_ACK);
	assert_int_equal(rig_dnload(rig, 2, "abcd", 4), BOARD_ACK);
	assert_int_equal(rig->length, 3);
}

static void test_fault_vanish(void **state)
{
	uint8_t zeros[2048] = {0};
	struct rig *rig = *state;

	set_fault(
		rig, (struct board_fault){BOARD_FAULT_VANISH, .request = DFU_GETSTATUS, .nth = 1});
	assert_int_equal(rig_dnload(rig, 2, zeros, sizeof(zeros)), BOARD_ACK);
	assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	rig->now += 1600;
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 6), BOARD_GONE);
	assert_int_equal(rig_presence(rig), BOARD_ABSENT);
	assert_int_equal(*rig_at(rig, BASE + 99), 0);
	assert_int_equal(*rig_at(rig, BASE + 100), 0xff);
	assert_true(board_next_change(rig->board, rig->now) == UINT64_MAX);
}

static void test_fault_state_and_timeout(void **state)
{
	struct rig *rig = *state;

	set_fault(rig, (struct board_fault){BOARD_FAULT_STATE, .request = -1, .value = 15});
	assert_int_equal(rig_status(rig).state, 15);
	assert_int_equal(rig_state(rig), DFU_IDLE);
	set_fault(rig, (struct board_fault){
			       BOARD_FAULT_TIMEOUT, .request = DFU_GETSTATUS, .value = 0xabcdef});
	assert_int_equal(rig_status(rig).poll_ms, 0xabcdef);
	set_fault(rig, (struct board_fault){BOARD_FAULT_TIMEOUT, .request = DFU_DNLOAD,
			       .command = -1, .value = 0});
	assert_int_equal(rig_dnload(rig, 2, "abcd", 4), BOARD_ACK);
	assert_int_equal(rig_status(rig).poll_ms, 0);
	assert_int_equal(rig_status(rig).state, DFU_DNLOAD_IDLE);
}

static void test_fault_status(void **state)
{
	struct rig *rig = *state;
	struct rig_status status;

	set_fault(rig, (struct board_fault){BOARD_FAULT_STATUS, .request = DFU_DNLOAD,
			       .value = DFU_STATUS_PROG, .times = 1});
	status = rig_write(rig, 2, "abcd", 4);
	assert_int_equal(status.state, DFU_ERROR);
	assert_int_equal(status.status, DFU_STATUS_PROG);
	assert_int_equal(*rig_at(rig, BASE), 0xff);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	set_fault(rig, (struct board_fault){BOARD_FAULT_STATUS, .request = DFU_UPLOAD,
			       .value = DFU_STATUS_VENDOR});
	assert_int_equal(rig_upload(rig, 2, 64), BOARD_STALL);
	assert_int_equal(rig_status(rig).status, DFU_STATUS_VENDOR);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	set_fault(rig, (struct board_fault){BOARD_FAULT_STATUS, .request = DFU_GETSTATUS,
			       .value = 3, .times = 1});
	assert_int_equal(rig_status(rig).state, DFU_ERROR);
	assert_int_equal(rig_status(rig).status, 3);
}

static void test_fault_busy_for_ever(void **state)
{
	struct rig *rig = *state;

	set_fault(rig, (struct board_fault){
			       BOARD_FAULT_BUSY, .request = DFU_DNLOAD, .command = DFUSE_ERASE});
	*rig_at(rig, BASE) = 0;
	assert_int_equal(rig_dnload(rig, 0, "\x41\0\0\0\x08", 5), BOARD_ACK);
	for (size_t i = 0; i < 50; i++) {
		struct rig_status status = rig_status(rig);

		assert_int_equal(status.state, DFU_DNBUSY);
		assert_int_equal(status.poll_ms, 100);
		rig->now += 100000;
	}
	assert_int_equal(*rig_at(rig, BASE), 0xff);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_int_equal(rig_status(rig).status, DFU_STATUS_UNKNOWN);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_int_equal(rig_status(rig).state, DFU_IDLE);
}

static void test_fault_busy_once_more(void **state)
{
	struct rig *rig = *state;

	set_fault(rig, (struct board_fault){
			       BOARD_FAULT_BUSY, .request = DFU_GETSTATUS, .nth = 1, .times = 2});
	assert_int_equal(rig_dnload(rig, 2, "abcd", 4), BOARD_ACK);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	}
	assert_int_equal(rig_status(rig).state, DFU_DNLOAD_IDLE);
}

static void test_fault_corrupt(void **state)
{
	struct rig *rig = *state;

	set_fault(
		rig, (struct board_fault){BOARD_FAULT_CORRUPT, .request = DFU_DNLOAD, .times = 1});
	assert_int_equal(rig_write(rig, 2, "abcd", 4).status, DFU_STATUS_OK);
	assert_memory_equal(rig_at(rig, BASE), "abbd", 4);
	assert_int_equal(rig_command(rig, DFUSE_ERASE, BASE).status, DFU_STATUS_OK);
	assert_int_equal(rig_write(rig, 2, "abcd", 4).status, DFU_STATUS_OK);
	assert_memory_equal(rig_at(rig, BASE), "abcd", 4);
}

static void test_fault_ignore(void **state)
{
	struct rig *rig = *state;
	size_t n;

	*rig_at(rig, BASE) = 0;
	set_fault(rig,
		(struct board_fault){BOARD_FAULT_IGNORE, .request = DFU_DNLOAD, .command = -1});
	assert_int_equal(rig_command(rig, DFUSE_ERASE, BASE).state, DFU_DNLOAD_IDLE);
	assert_int_equal(rig_write(rig, 2, "abcd", 4).state, DFU_DNLOAD_IDLE);
	assert_memory_equal(rig_at(rig, BASE), "\x00\xff\xff\xff", 4);
	(void)board_steps(rig->board, &n);
	assert_int_equal(n, 0);
	assert_int_equal(counts(rig)->bytes_erased, 0);
}

/* --- what a host reads --- */

static void test_dfu_descriptors(void **state)
{
	static const uint8_t device[18] = {
		18, 1, 0x00, 0x01, 0, 0, 0, 64, 0x83, 0x04, 0x11, 0xdf, 0x00, 0x22, 1, 2, 3, 1};
	static const uint8_t functional[9] = {9, 0x21, 0x0b, 255, 0, 0x00, 0x08, 0x1a, 0x01};
	struct rig *rig = *state;
	uint8_t bytes[256], part[20];

	assert_int_equal(board_descriptors(rig->board, BOARD_DFU, bytes, sizeof(bytes)), 18 + 54);
	assert_memory_equal(bytes, device, sizeof(device));
	assert_memory_equal(bytes + 18, "\x09\x02\x36\x00\x01\x01", 6);
	for (uint8_t i = 0; i < 4; i++) {
		const uint8_t interface[9] = {9, 4, 0, i, 0, 0xfe, 1, 2, (uint8_t)(4 + i)};

		assert_memory_equal(bytes + 27 + 9 * i, interface, 9);
	}
	assert_memory_equal(bytes + 63, functional, 9);
	assert_int_equal(board_descriptors(rig->board, BOARD_DFU, part, sizeof(part)), 20);
	assert_memory_equal(part, bytes, sizeof(part));
	assert_int_equal(rig_call(rig, 0x80, 6, 0x2100, 0, 64), BOARD_ACK);
	assert_int_equal(rig->length, 9);
	assert_memory_equal(rig->data, functional, 9);
	assert_int_equal(board_descriptors(rig->board, BOARD_ABSENT, bytes, sizeof(bytes)), 0);
}

static void test_strings(void **state)
{
	struct rig *rig = *state;

	assert_string_equal(board_string(rig->board, BOARD_DFU, 1), "STMicroelectronics");
	assert_string_equal(board_string(rig->board, BOARD_DFU, 2), "STM32  BOOTLOADER");
	assert_string_equal(board_string(rig->board, BOARD_DFU, 3), "STM32FxSTM32");
	assert_string_equal(board_string(rig->board, BOARD_DFU, 4),
		"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg");
	assert_string_equal(
		board_string(rig->board, BOARD_DFU, 7), "@Device Feature/0xFFFF0000/01*004 e");
	assert_null(board_string(rig->board, BOARD_DFU, 8));
	assert_string_equal(board_string(rig->board, BOARD_RUNTIME, 1), "Klipper");
	assert_string_equal(board_string(rig->board, BOARD_RUNTIME, 2), "stm32f446xx");
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0300, 0, 255), BOARD_ACK);
	assert_memory_equal(rig->data, "\x04\x03\x09\x04", 4);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0303, 0x0409, 255), BOARD_ACK);
	assert_int_equal(rig->length, 2 + 2 * 12);
	assert_memory_equal(rig->data, "\x1a\x03S\0T\0M\0", 8);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0309, 0x0409, 255), BOARD_STALL);
}

static void test_standard_requests(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_call(rig, 0x80, 6, 0x0100, 0, 8), BOARD_ACK);
	assert_int_equal(rig->length, 8);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0200, 0, 4096), BOARD_ACK);
	assert_int_equal(rig->length, 54);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0600, 0, 10), BOARD_STALL);
	assert_int_equal(rig_call(rig, 0x00, 9, 1, 0, 0), BOARD_ACK);
	assert_int_equal(rig_call(rig, 0x80, 8, 0, 0, 1), BOARD_ACK);
	assert_int_equal(rig->data[0], 1);
	assert_int_equal(rig_call(rig, 0x01, 11, 3, 0, 0), BOARD_ACK);
	assert_int_equal(rig_call(rig, 0x81, 10, 0, 0, 1), BOARD_ACK);
	assert_int_equal(rig->data[0], 3);
	assert_int_equal(rig_call(rig, 0x01, 11, 4, 0, 0), BOARD_STALL);
	assert_int_equal(rig_call(rig, 0x01, 11, 0, 1, 0), BOARD_STALL);
	assert_int_equal(rig_state(rig), DFU_IDLE);
}

static void test_run_time_mode(void **state)
{
	static const uint8_t coding[7] = {0x80, 0x25, 0, 0, 0, 0, 8};
	struct rig *rig = *state;
	uint8_t bytes[256];
	size_t size, at = 18;

	rig_put_program(rig, BASE);
	board_plug(rig->board, rig->now, false);
	size = board_descriptors(rig->board, BOARD_RUNTIME, bytes, sizeof(bytes));
	assert_memory_equal(bytes, "\x12\x01\x00\x02\x02\x00\x00\x10\x50\x1d\x4e\x61", 12);
	assert_int_equal(bytes[at + 2] | bytes[at + 3] << 8, size - 18);
	while (at < size) {
		assert_in_range(bytes[at], 2, size - at);
		at += bytes[at];
	}
	memcpy(rig->data, coding, 7);
	assert_int_equal(rig_call(rig, 0x21, 0x20, 0, 0, 7), BOARD_ACK);
	memset(rig->data, 0, 7);
	assert_int_equal(rig_call(rig, 0xa1, 0x21, 0, 0, 7), BOARD_ACK);
	assert_memory_equal(rig->data, coding, 7);
	assert_int_equal(rig_call(rig, 0x21, 0x22, 3, 0, 0), BOARD_ACK);
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 6), BOARD_STALL);
	assert_int_equal(counts(rig)->transfers, 0);
}

static void test_plain_device(void **state)
{
	struct rig *rig = *state;
	uint8_t bytes[256];
	size_t size;

	use(rig, &(struct board_options){.plain = true, .vendor = 0x2e8a, .product = 0x0003});
	assert_int_equal(rig_presence(rig), BOARD_RUNTIME);
	size = board_descriptors(rig->board, BOARD_RUNTIME, bytes, sizeof(bytes));
	assert_memory_equal(bytes + 8, "\x8a\x2e\x03\x00", 4);
	for (size_t at = 18; at < size; at += bytes[at]) {
		assert_false(bytes[at + 1] == 4 && bytes[at + 5] == 0xfe);
	}
	assert_int_equal(rig_call(rig, DFU_TYPE_OUT, DFU_DETACH, 0, 0, 0), BOARD_STALL);
	board_unplug(rig->board, rig->now);
	assert_int_equal(rig_presence(rig), BOARD_ABSENT);
	board_plug(rig->board, rig->now, true);
	assert_int_equal(rig_presence(rig), BOARD_RUNTIME);
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
		TEST(test_fault_stall_and_silence_lose_the_request),
		TEST(test_fault_filters),
		TEST(test_faults_from_the_options),
		TEST(test_fault_short),
		TEST(test_fault_vanish),
		TEST(test_fault_state_and_timeout),
		TEST(test_fault_status),
		TEST(test_fault_busy_for_ever),
		TEST(test_fault_busy_once_more),
		TEST(test_fault_corrupt),
		TEST(test_fault_ignore),
		TEST(test_dfu_descriptors),
		TEST(test_strings),
		TEST(test_standard_requests),
		TEST(test_run_time_mode),
		TEST(test_plain_device),
	};

	return cmocka_run_group_tests_name("board-life", tests, NULL, NULL);
}
