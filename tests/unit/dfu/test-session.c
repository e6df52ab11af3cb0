/* SPDX-License-Identifier: MIT */
/* The conversation on a board without faults: what is sent, how often, in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench.h"

#define BASE  0x08000000u
#define IMAGE 44388u /* 3 sectors of 16 KiB, 22 blocks of 2 KiB */

static const struct board_options octopus = {0};

static void check_clean(const struct bench *b)
{
	const struct board_counts *c = board_counts(b->board);

	assert_int_equal(c->violations, 0);
	assert_int_equal(c->unprotects, 0);
	assert_int_equal(c->foreign_writes, 0);
	assert_int_equal(c->mass_erases, 0);
	assert_int_equal(b->early + b->clears + b->aborts + b->blind_leaves, 0);
	assert_int_equal(b->alternates, 1);
	assert_int_equal(b->alternate, b->session.options.alternate);
	assert_true(bench_is_tidy(b));
}

static void check_marks(const struct bench *b, size_t n, const enum session_mark *marks)
{
	assert_int_equal(b->n_marks, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(b->marks[i], marks[i]);
	}
}

static void check_completed(const struct bench *b, enum session_flash flash)
{
	assert_int_equal(b->session.end, SESSION_COMPLETED);
	assert_int_equal(b->session.flash, flash);
	assert_true(b->session.left);
	assert_int_equal(b->session.state, SESSION_ENDED);
	assert_int_equal(b->session.error, 0);
	assert_int_equal(b->asks, 1);
	assert_int_equal(board_counts(b->board)->leaves, 1);
}

/*
 * SET_ADDRESS, ERASE and each block written are 3 transfers (request, status: busy, status: done).
 * To dfuIDLE: 1 where it is so, else 3 (status, ABORT, status).
 *   recover 1, read 3+3+22+3, erase 3*3, write 3+21*3, read back 3+3+21+3, first block 3+3,
 *   read back 3+3+1+3, point 3, leave 2
 */
static void test_plain(void **state)
{
	static const enum session_mark marks[] = {SESSION_MARK_ERASING, SESSION_MARK_WRITTEN,
		SESSION_MARK_VERIFIED, SESSION_MARK_LEFT};
	const struct board_counts *c;
	struct bench b;

	(void)state;
	bench_init(&b, &octopus, BASE, IMAGE, 1);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN);
	check_clean(&b);
	check_marks(&b, 4, marks);
	assert_true(b.session.verified);
	assert_true(bench_is_flashed(&b));
	c = board_counts(b.board);
	assert_int_equal(c->set_address, 6);
	assert_int_equal(c->erases, 3);
	assert_int_equal(c->bytes_erased, 3 * 16384);
	assert_int_equal(c->blocks, 22);
	assert_int_equal(c->bytes_written, (IMAGE + 31) / 32 * 32);
	assert_int_equal(c->uploads, 22 + 21 + 1);
	assert_int_equal(c->bytes_read, IMAGE + (IMAGE + 31) / 32 * 32);
	assert_int_equal(c->clear_status, 0);
	assert_int_equal(c->aborts, 6);
	assert_int_equal(c->transfers, 1 + 31 + 9 + 66 + 30 + 6 + 10 + 3 + 2);
	assert_int_equal(b.session.sectors_erased, 3);
	assert_true(b.session.read_us > 0 && b.session.verify_us > 0);
	assert_true(b.session.erase_us >= 1200000 && b.session.write_us >= IMAGE * UINT64_C(16));
	assert_int_equal(b.session.first.state, DFU_IDLE);
	bench_done(&b);
}

/* The time that dfu.md 8.1 gives as the floor for this image, and not twice as much. */
static void test_time(void **state)
{
	struct bench b;
	uint64_t begun;

	(void)state;
	bench_init(&b, &octopus, BASE, IMAGE, 2);
	begun = b.front.now_us;
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	assert_true(b.front.now_us - begun < 6000000);
	bench_done(&b);
}

/* Sectors before their contents, first blocks at the end, the leave where it shall start. */
static void test_order(void **state)
{
	const struct board_step *steps;
	uint32_t last_write = 0;
	bool erasing_over = false, head = false, left = false;
	struct bench b;
	size_t n;

	(void)state;
	bench_init(&b, &octopus, BASE, IMAGE, 3);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	steps = board_steps(b.board, &n);
	for (size_t i = 0; i < n; i++) {
		const struct board_step *s = &steps[i];

		switch (s->kind) {
		case BOARD_STEP_ERASE:
			assert_false(erasing_over);
			break;
		case BOARD_STEP_WRITE:
			erasing_over = true;
			assert_false(head);
			assert_true(s->address == BASE || s->address > last_write);
			last_write = s->address;
			head = s->address == BASE;
			break;
		case BOARD_STEP_READ:
			break;
		case BOARD_STEP_LEAVE:
			assert_int_equal(s->address, BASE);
			assert_int_equal(i, n - 1);
			left = true;
			break;
		}
	}
	assert_true(head && left);
	bench_done(&b);
}

static void test_unchanged(void **state)
{
	static const enum session_mark marks[] = {SESSION_MARK_VERIFIED, SESSION_MARK_LEFT};
	struct bench b;

	(void)state;
	bench_init(&b, &octopus, BASE, IMAGE, 4);
	bench_preload(&b);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_UNCHANGED);
	check_clean(&b);
	check_marks(&b, 2, marks);
	assert_true(b.session.verified);
	assert_true(bench_is_untouched(&b));
	assert_int_equal(board_counts(b.board)->erases, 0);
	assert_int_equal(board_counts(b.board)->blocks, 0);
	assert_int_equal(board_counts(b.board)->transfers, 1 + 31 + 3 + 2);
	bench_done(&b);
}

/* One byte of the middle sector: that one goes, and the one of the first block. */
static void test_one_sector(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &octopus, BASE, IMAGE, 5);
	bench_preload(&b);
	b.flash[20000] ^= 4;
	memcpy(b.before, b.flash, b.flash_size);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN);
	check_clean(&b);
	assert_true(bench_is_flashed(&b));
	assert_int_equal(board_counts(b.board)->erases, 2);
	assert_int_equal(board_counts(b.board)->bytes_written, 2 * 16384);
	assert_int_equal(board_counts(b.board)->blocks, 16);
	bench_done(&b);
}

static void test_mid_sector(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &octopus, BASE + 0x5000, 30000, 6);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN);
	check_clean(&b);
	assert_true(bench_is_flashed(&b));
	assert_memory_equal(b.flash + 0x4000, b.before + 0x4000, 0x1000);
	bench_done(&b);
}

static void test_stop(void **state)
{
	struct bench b;

	(void)state;
	for (int same = 0; same < 2; same++) {
		bench_init(&b, &octopus, BASE, IMAGE, 7);
		if (same) {
			bench_preload(&b);
		}
		assert_int_equal(bench_run(&b, false), BENCH_ENDED);
		assert_int_equal(b.session.end, SESSION_STOPPED);
		assert_true(b.session.flash == (same ? SESSION_UNCHANGED : SESSION_UNTOUCHED));
		assert_false(b.session.left);
		assert_int_equal(b.n_marks, 0);
		assert_true(bench_is_untouched(&b));
		assert_int_equal(board_counts(b.board)->erases, 0);
		assert_int_equal(board_counts(b.board)->leaves, 0);
		check_clean(&b);
		bench_done(&b);
	}
}

static void test_cold_start(void **state)
{
	const struct board_options options = {.cold_error = true};
	struct bench b;

	(void)state;
	bench_init(&b, &options, BASE, IMAGE, 8);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN);
	check_clean(&b);
	assert_int_equal(board_counts(b.board)->clear_status, 1);
	assert_int_equal(b.session.first.state, DFU_ERROR);
	assert_int_equal(b.session.first.status, DFU_STATUS_FIRMWARE);
	assert_true(bench_is_flashed(&b));
	bench_done(&b);
}

static void test_no_upload(void **state)
{
	static const enum session_mark marks[] = {
		SESSION_MARK_ERASING, SESSION_MARK_WRITTEN, SESSION_MARK_LEFT};
	const struct board_options options = {.no_upload = true, .cold_error = true};
	struct bench b;

	(void)state;
	bench_init(&b, &options, BASE, IMAGE, 9);
	bench_preload(&b); /* nobody can know that */
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN);
	check_clean(&b);
	check_marks(&b, 3, marks);
	assert_false(b.session.verified);
	assert_true(bench_is_flashed(&b));
	assert_int_equal(board_counts(b.board)->uploads, 0);
	bench_done(&b);
}

static void test_read_protected(void **state)
{
	struct board_options options = {.read_protected = true};
	struct bench b;
	bool refused;

	(void)state;
	bench_init(&b, &options, BASE, IMAGE, 10);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	assert_int_equal(b.session.end, SESSION_FAILED);
	assert_string_equal(session_reason(&b.session, &refused), "read-protected");
	assert_true(refused);
	assert_int_equal(b.session.flash, SESSION_UNTOUCHED);
	assert_int_equal(b.asks + b.n_marks, 0);
	assert_true(bench_is_untouched(&b));
	check_clean(&b);
	bench_done(&b);

	options.no_upload = true;
	bench_init(&b, &options, BASE, IMAGE, 10);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	assert_int_equal(b.session.end, SESSION_FAILED);
	assert_string_equal(session_reason(&b.session, &refused), "read-protected");
	assert_false(refused); /* an erase was sent: nothing is claimed of the flash */
	assert_int_equal(b.session.failed_in, SESSION_ERASE);
	assert_int_equal(b.session.failed_at, BASE);
	assert_true(bench_is_untouched(&b));
	bench_done(&b);
}

static void test_write_protected(void **state)
{
	const struct board_fault fault = {
		.kind = BOARD_FAULT_IGNORE, .request = DFU_DNLOAD, .command = DFUSE_ERASE};
	const struct board_fault more = {.kind = BOARD_FAULT_IGNORE, .request = DFU_DNLOAD};
	struct bench b;
	bool refused;

	(void)state;
	bench_init(&b, &octopus, BASE, IMAGE, 11);
	board_set_fault(b.board, 0, &fault);
	board_set_fault(b.board, 1, &more);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	assert_int_equal(b.session.end, SESSION_FAILED);
	assert_false(b.session.verified);
	assert_string_equal(session_reason(&b.session, &refused), "write-protected");
	assert_false(refused);
	assert_false(b.session.left);
	assert_true(bench_is_untouched(&b));
	bench_done(&b);
}

static void test_answered_leave(void **state)
{
	struct board_options options = {.answers_leave = true};
	struct bench b;

	(void)state;
	bench_init(&b, &options, BASE, IMAGE, 12);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN);
	assert_true(b.session.leave_answered);
	bench_done(&b);
	bench_init(&b, &octopus, BASE, IMAGE, 12);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN);
	assert_false(b.session.leave_answered);
	bench_done(&b);
	options.boot = BOARD_STAYS;
	bench_init(&b, &options, BASE, IMAGE, 12);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN); /* the port will tell */
	bench_done(&b);
}

/* Leaves to another place than the image: what runs there decides what starts. */
static void test_leave_elsewhere(void **state)
{
	const struct board_step *steps;
	struct bench b;
	size_t n;

	(void)state;
	bench_init(&b, &octopus, BASE + 0x8000, 5000, 13);
	b.session.options.leave_address = BASE;
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	check_completed(&b, SESSION_WRITTEN);
	check_clean(&b);
	steps = board_steps(b.board, &n);
	assert_int_equal(steps[n - 1].kind, BOARD_STEP_LEAVE);
	assert_int_equal(steps[n - 1].address, BASE);
	bench_done(&b);
}

/* Requests that bring a fresh board into the state where another tool left it. */
static void lead(struct bench *b, const struct dfu_action *actions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(in_process_do(&b->front, &actions[i]).kind, DFU_EVENT_ANSWERED);
	}
}

static uint8_t told_state(struct bench *b)
{
	uint8_t got;
	const struct dfu_action a = {.kind = DFU_ACTION_IN,
		.request = DFU_GETSTATE,
		.length = 1,
		.data = &got,
		.ms = 5000};

	lead(b, &a, 1);
	return got;
}

static void test_start_states(void **state)
{
	static uint8_t point[] = {DFUSE_SET_ADDRESS, 0, 0, 0, 8}, reply[6], block[2048];
	static const struct dfu_action set = {DFU_ACTION_OUT, DFU_DNLOAD, 0, 5, point, 5000};
	static const struct dfu_action status = {DFU_ACTION_IN, DFU_GETSTATUS, 0, 6, reply, 5000};
	static const struct dfu_action upload = {
		DFU_ACTION_IN, DFU_UPLOAD, 2, sizeof(block), block, 5000};
	const struct {
		uint8_t state;
		struct dfu_action actions[3];
		size_t n;
	} table[] = {
		{DFU_IDLE, {{0}}, 0},
		{DFU_DNLOAD_SYNC, {set}, 1},
		{DFU_DNBUSY, {set, status}, 2},
		{DFU_DNLOAD_IDLE, {set, status, status}, 3},
		{DFU_UPLOAD_IDLE, {upload}, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct bench b;

		bench_init(&b, &octopus, BASE, IMAGE, 20 + i);
		lead(&b, table[i].actions, table[i].n);
		if (table[i].state != DFU_DNBUSY) { /* asking would end it */
			assert_int_equal(told_state(&b), table[i].state);
		}
		board_forget(b.board);
		assert_int_equal(bench_run(&b, true), BENCH_ENDED);
		check_completed(&b, SESSION_WRITTEN);
		check_clean(&b);
		assert_int_equal(board_counts(b.board)->clear_status, 0);
		assert_true(bench_is_flashed(&b));
		bench_done(&b);
	}
}

/* States of run-time mode, of manifestation and of no standard: not for this session. */
static void test_told_states(void **state)
{
	static const uint8_t states[] = {0, 1, 7, 8, 11, 15, 255};

	(void)state;
	for (size_t i = 0; i < sizeof(states); i++) {
		const struct board_fault fault = {.kind = BOARD_FAULT_STATE,
			.request = DFU_GETSTATUS,
			.command = -1,
			.value = states[i]};
		struct bench b;
		bool refused;

		bench_init(&b, &octopus, BASE, IMAGE, 30);
		board_set_fault(b.board, 0, &fault);
		assert_int_equal(bench_run(&b, true), BENCH_ENDED);
		assert_int_equal(b.session.end, SESSION_FAILED);
		assert_int_equal(b.session.failed_in, SESSION_RECOVER);
		assert_string_equal(session_reason(&b.session, &refused), "protocol");
		assert_int_equal(b.session.first.state, states[i]);
		assert_int_equal(b.session.flash, SESSION_UNTOUCHED);
		check_clean(&b);
		bench_done(&b);
	}
}

/* The front for other tests carries the same session to the same end. */
static void test_in_process(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &octopus, BASE, IMAGE, 40);
	assert_int_equal(in_process_carry(&b.front, &b.session), IN_PROCESS_ASK);
	session_answer(&b.session, true);
	for (int mark = SESSION_MARK_ERASING; mark <= SESSION_MARK_LEFT; mark++) {
		assert_int_equal(in_process_carry(&b.front, &b.session), IN_PROCESS_MARK);
		assert_int_equal(b.session.mark, mark);
	}
	assert_int_equal(in_process_carry(&b.front, &b.session), IN_PROCESS_END);
	assert_int_equal(in_process_carry(&b.front, &b.session), IN_PROCESS_END);
	assert_int_equal(b.session.end, SESSION_COMPLETED);
	assert_true(bench_is_flashed(&b));
	bench_done(&b);
}

static void test_words(void **state)
{
	(void)state;
	for (int i = 0; i < _SESSION_STATE_MAX; i++) {
		assert_true(strlen(session_state_to_string((enum session_state)i)) > 0);
	}
	for (int i = 0; i < _SESSION_MARK_MAX; i++) {
		assert_int_equal(
			session_mark_from_string(session_mark_to_string((enum session_mark)i)), i);
	}
	for (int i = 0; i < _SESSION_FLASH_MAX; i++) {
		assert_int_equal(
			session_flash_from_string(session_flash_to_string((enum session_flash)i)),
			i);
	}
	assert_int_equal(session_mark_from_string("gone"), _SESSION_MARK_INVALID);
	assert_int_equal(session_flash_from_string(""), _SESSION_FLASH_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_one_sector),
		cmocka_unit_test(test_mid_sector),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_cold_start),
		cmocka_unit_test(test_no_upload),
		cmocka_unit_test(test_read_protected),
		cmocka_unit_test(test_write_protected),
		cmocka_unit_test(test_answered_leave),
		cmocka_unit_test(test_leave_elsewhere),
		cmocka_unit_test(test_start_states),
		cmocka_unit_test(test_told_states),
		cmocka_unit_test(test_in_process),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
