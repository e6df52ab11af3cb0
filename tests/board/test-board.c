/* SPDX-License-Identifier: MIT */

/*
 * The model in DFU mode against the facts: every request in every state (DFU 1.1 appendix A with
 * the deviations of ST's ROMs), and when the flash works. Times are 16 us a byte and 400 ms for 16
 * KiB.
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

static void assert_status(struct rig_status got, uint8_t status, uint8_t state, uint32_t poll_ms)
{
	assert_int_equal(got.status, status);
	assert_int_equal(got.state, state);
	assert_int_equal(got.poll_ms, poll_ms);
}

static const struct board_counts *counts(const struct rig *rig)
{
	return board_counts(rig->board);
}

/* A block of the transfer size with a pattern that differs from byte to byte. */
static const uint8_t *pattern(void)
{
	static uint8_t bytes[2048];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	}
	return bytes;
}

/* --- states --- */

/* Brings a fresh board into a state; false for those that a host cannot stay in. */
static void enter(struct rig *rig, uint8_t state)
{
	const uint8_t address[5] = {DFUSE_SET_ADDRESS, 0, 0, 0, 8};
	const struct board_fault busy = {
		.kind = BOARD_FAULT_BUSY, .request = DFU_DNLOAD, .command = -1};
	const struct board_options cold = {.cold_error = true}, warm = {0};

	use(rig, state == DFU_ERROR ? &cold : &warm);
	if (state == DFU_DNBUSY) {
		board_set_fault(rig->board, 0, &busy);
	}
	if (state == DFU_DNLOAD_SYNC || state == DFU_DNBUSY || state == DFU_DNLOAD_IDLE) {
		assert_int_equal(rig_dnload(rig, 0, address, 5), BOARD_ACK);
	}
	if (state == DFU_DNBUSY || state == DFU_DNLOAD_IDLE) {
		assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	}
	if (state == DFU_DNLOAD_IDLE) {
		assert_int_equal(rig_status(rig).state, DFU_DNLOAD_IDLE);
	}
	if (state == DFU_MANIFEST_SYNC) {
		assert_int_equal(rig_dnload(rig, 2, NULL, 0), BOARD_ACK);
	}
	if (state == DFU_UPLOAD_IDLE) {
		assert_int_equal(rig_upload(rig, 2, 64), BOARD_ACK);
	}
	assert_int_equal(rig_state(rig), state);
	board_forget(rig->board);
}

static void test_every_request_in_every_state(void **state)
{
	enum { ANSWER, STALL };
	static const struct {
		uint8_t state, request;
		int answer;
		uint8_t next, status;
		uint8_t violations;
	} cases[] = {
		{DFU_IDLE, DFU_DNLOAD, ANSWER, DFU_DNLOAD_SYNC, 0, 0},
		{DFU_IDLE, DFU_UPLOAD, ANSWER, DFU_UPLOAD_IDLE, 0, 0},
		{DFU_IDLE, DFU_CLRSTATUS, ANSWER, DFU_ERROR, DFU_STATUS_UNKNOWN, 1},
		{DFU_IDLE, DFU_ABORT, ANSWER, DFU_IDLE, 0, 0},
		{DFU_IDLE, DFU_GETSTATE, ANSWER, DFU_IDLE, 0, 0},
		{DFU_DNLOAD_SYNC, DFU_DNLOAD, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
		{DFU_DNLOAD_SYNC, DFU_UPLOAD, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
		{DFU_DNLOAD_SYNC, DFU_CLRSTATUS, ANSWER, DFU_ERROR, DFU_STATUS_UNKNOWN, 1},
		{DFU_DNLOAD_SYNC, DFU_ABORT, ANSWER, DFU_IDLE, 0, 0},
		{DFU_DNBUSY, DFU_DNLOAD, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
		{DFU_DNBUSY, DFU_UPLOAD, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
		{DFU_DNBUSY, DFU_CLRSTATUS, ANSWER, DFU_ERROR, DFU_STATUS_UNKNOWN, 1},
		{DFU_DNBUSY, DFU_ABORT, ANSWER, DFU_DNBUSY, 0, 1},
		{DFU_DNLOAD_IDLE, DFU_DNLOAD, ANSWER, DFU_DNLOAD_SYNC, 0, 0},
		{DFU_DNLOAD_IDLE, DFU_UPLOAD, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
		{DFU_DNLOAD_IDLE, DFU_CLRSTATUS, ANSWER, DFU_ERROR, DFU_STATUS_UNKNOWN, 1},
		{DFU_DNLOAD_IDLE, DFU_ABORT, ANSWER, DFU_IDLE, 0, 0},
		{DFU_MANIFEST_SYNC, DFU_DNLOAD, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
		{DFU_MANIFEST_SYNC, DFU_UPLOAD, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
		{DFU_MANIFEST_SYNC, DFU_ABORT, ANSWER, DFU_IDLE, 0, 0},
		{DFU_UPLOAD_IDLE, DFU_DNLOAD, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
		{DFU_UPLOAD_IDLE, DFU_UPLOAD, ANSWER, DFU_UPLOAD_IDLE, 0, 0},
		{DFU_UPLOAD_IDLE, DFU_CLRSTATUS, ANSWER, DFU_ERROR, DFU_STATUS_UNKNOWN, 1},
		{DFU_UPLOAD_IDLE, DFU_ABORT, ANSWER, DFU_IDLE, 0, 0},
		{DFU_ERROR, DFU_DNLOAD, STALL, DFU_ERROR, DFU_STATUS_FIRMWARE, 1},
		{DFU_ERROR, DFU_UPLOAD, STALL, DFU_ERROR, DFU_STATUS_FIRMWARE, 1},
		{DFU_ERROR, DFU_CLRSTATUS, ANSWER, DFU_IDLE, 0, 0},
		{DFU_ERROR, DFU_ABORT, ANSWER, DFU_ERROR, DFU_STATUS_FIRMWARE, 1},
		{DFU_ERROR, 7, STALL, DFU_ERROR, DFU_STATUS_FIRMWARE, 1},
		{DFU_IDLE, 7, STALL, DFU_ERROR, DFU_STATUS_STALLEDPKT, 1},
	};
	const uint8_t address[5] = {DFUSE_SET_ADDRESS, 0, 0, 0, 8};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(cases); i++) {
		enum board_answer answer;

		enter(rig, cases[i].state);
		if (cases[i].request == DFU_DNLOAD) {
			answer = rig_dnload(rig, 0, address, 5);
		} else if (cases[i].request == DFU_UPLOAD) {
			answer = rig_upload(rig, 2, 64);
		} else if (cases[i].request == DFU_GETSTATE) {
			answer = rig_call(rig, DFU_TYPE_IN, DFU_GETSTATE, 0, 0, 1);
		} else {
			answer = rig_call(rig, DFU_TYPE_OUT, cases[i].request, 0, 0, 0);
		}
		print_message("state %u request %u\n", cases[i].state, cases[i].request);
		assert_int_equal(answer, cases[i].answer == STALL ? BOARD_STALL : BOARD_ACK);
		assert_int_equal(rig_state(rig), cases[i].next);
		assert_int_equal(counts(rig)->violations, cases[i].violations);
		if (cases[i].next == DFU_ERROR) {
			assert_status(rig_status(rig), cases[i].status, DFU_ERROR, 0);
		}
	}
}

static void test_get_status_changes_nothing_else(void **state)
{
	static const uint8_t states[] = {DFU_IDLE, DFU_DNLOAD_IDLE, DFU_UPLOAD_IDLE, DFU_ERROR};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(states); i++) {
		uint8_t status = states[i] == DFU_ERROR ? DFU_STATUS_FIRMWARE : DFU_STATUS_OK;

		enter(rig, states[i]);
		assert_status(rig_status(rig), status, states[i], 0);
		assert_status(rig_status(rig), status, states[i], 0);
		assert_int_equal(counts(rig)->violations, 0);
	}
}

static void test_malformed_requests_stall(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 1, 6), BOARD_STALL);
	assert_int_equal(rig_status(rig).state, DFU_ERROR);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_int_equal(rig_call(rig, DFU_TYPE_OUT, DFU_UPLOAD, 2, 0, 0), BOARD_STALL);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 5), BOARD_STALL);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_int_equal(rig_state(rig), DFU_IDLE);
}

/* --- the two GETSTATUS, and time --- */

static void test_set_address_is_advertised_and_instant(void **state)
{
	const uint8_t address[5] = {DFUSE_SET_ADDRESS, 0x00, 0x80, 0x00, 0x08};
	struct rig *rig = *state;

	assert_int_equal(rig_dnload(rig, 0, address, 5), BOARD_ACK);
	assert_int_equal(rig_state(rig), DFU_DNLOAD_SYNC);
	assert_status(rig_status(rig), DFU_STATUS_OK, DFU_DNBUSY, 104);
	assert_status(rig_status(rig), DFU_STATUS_OK, DFU_DNLOAD_IDLE, 0);
	assert_in_range(rig->took, 1, 1000);
	assert_int_equal(counts(rig)->early_status, 0);
	assert_int_equal(counts(rig)->set_address, 1);
}

static void test_write_is_held_until_done(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_dnload(rig, 2, pattern(), 2048), BOARD_ACK);
	assert_in_range(rig->took, 4900, 5100);
	assert_status(rig_status(rig), DFU_STATUS_OK, DFU_DNBUSY, 104);
	assert_int_equal(*rig_at(rig, BASE + 1), 0xff);
	assert_status(rig_status(rig), DFU_STATUS_OK, DFU_DNLOAD_IDLE, 0);
	assert_in_range(rig->took, 2048 * 16, 2048 * 16 + 1000);
	assert_memory_equal(rig_at(rig, BASE), pattern(), 2048);
	assert_int_equal(counts(rig)->early_status, 1);
	assert_int_equal(counts(rig)->blocks, 1);
	assert_int_equal(counts(rig)->bytes_written, 2048);
	assert_int_equal(counts(rig)->busy_us, 2048 * 16);
}

static void test_late_status_is_not_held(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_dnload(rig, 2, pattern(), 2048), BOARD_ACK);
	(void)rig_status(rig);
	rig->now += 104000;
	assert_status(rig_status(rig), DFU_STATUS_OK, DFU_DNLOAD_IDLE, 0);
	assert_in_range(rig->took, 1, 1000);
	assert_int_equal(counts(rig)->early_status, 0);
}

static void test_nothing_starts_before_get_status(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_dnload(rig, 2, pattern(), 2048), BOARD_ACK);
	rig->now += 10000000;
	assert_int_equal(*rig_at(rig, BASE + 1), 0xff);
	assert_int_equal(rig_state(rig), DFU_DNLOAD_SYNC);
	assert_int_equal(rig_abort(rig), BOARD_ACK);
	assert_int_equal(rig_status(rig).state, DFU_IDLE);
	assert_int_equal(counts(rig)->bytes_written, 0);
}

static void test_requests_while_the_flash_works_are_held(void **state)
{
	struct rig *rig = *state;
	const uint8_t erase[5] = {DFUSE_ERASE, 0, 0, 0, 8};

	assert_int_equal(rig_dnload(rig, 0, erase, 5), BOARD_ACK);
	(void)rig_status(rig);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0100, 0, 18), BOARD_ACK);
	assert_in_range(rig->took, 400000, 401000);
	assert_int_equal(counts(rig)->violations, 0);
	assert_int_equal(rig_status(rig).state, DFU_DNLOAD_IDLE);

	assert_int_equal(rig_dnload(rig, 0, erase, 5), BOARD_ACK);
	(void)rig_status(rig);
	assert_int_equal(rig_abort(rig), BOARD_ACK);
	assert_in_range(rig->took, 400000, 401000);
	assert_int_equal(counts(rig)->violations, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_request_in_every_state),
		TEST(test_get_status_changes_nothing_else),
		TEST(test_malformed_requests_stall),
		TEST(test_set_address_is_advertised_and_instant),
		TEST(test_write_is_held_until_done),
		TEST(test_late_status_is_not_held),
		TEST(test_nothing_starts_before_get_status),
		TEST(test_requests_while_the_flash_works_are_held),
	};

	return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
