/* SPDX-License-Identifier: MIT */

/* Each fault does what board.h says of it, to what it is armed for, and to nothing else. */

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

static void set_fault(struct rig *rig, struct board_fault fault)
{
	board_set_fault(rig->board, 0, &fault);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("board-faults", tests, NULL, NULL);
}
