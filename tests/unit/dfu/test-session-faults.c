/* SPDX-License-Identifier: MIT */
/*
 * The conversation on boards that fail: every kind of fault at every transfer, and a worker that
 * dies at every transfer. Whatever happens, the session ends, and what it claims is true of the
 * board's flash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench.h"
#include "record/reason.h"

#define BASE 0x08000000u

/* A small board, so that all transfers can be tried. */
static const struct board_options small = {
	.layout = "@Internal Flash  /0x08000000/04*001Kg,02*002Kg",
	.transfer_size = 256,
	.cold_error = true,
	.answers_leave = true,
};

/* Begins within a sector; ends within the third. */
static void init_small(struct bench *b)
{
	bench_init(b, &small, BASE + 1024 + 512, 1500, 3);
	b->save = true;
	b->flash[1024 + 512] ^= 0xff; /* differs in its first byte for sure */
	memcpy(b->before, b->flash, b->flash_size);
}

/* What a session must never claim. */
static void check_truth(struct bench *b, const char *what)
{
	const struct session *s = &b->session;
	const struct board_counts *c = board_counts(b->board);
	bool refused = false;

	bench_let_rest(b);
	if (s->verified && !bench_is_flashed(b)) {
		fail_msg("%s: claims to have verified what is not there", what);
	}
	if ((s->flash == SESSION_UNTOUCHED || s->flash == SESSION_UNCHANGED) &&
		!bench_is_untouched(b)) {
		fail_msg("%s: claims not to have touched what has changed", what);
	}
	if (s->flash == SESSION_ERASED && c->bytes_written != 0) {
		fail_msg("%s: claims not to have written", what);
	}
	if (s->end == SESSION_COMPLETED && (!s->verified || !s->left)) {
		fail_msg("%s: completed without proof", what);
	}
	if (s->end == SESSION_FAILED) {
		assert_true(reason_from_string(session_reason(s, &refused)) > REASON_NONE);
	}
	if (refused && c->erases + c->blocks != 0) {
		fail_msg("%s: refused after the first erase", what);
	}
	if (s->left && !bench_has_mark(b, SESSION_MARK_VERIFIED)) {
		fail_msg("%s: left what was not verified", what);
	}
	assert_true(bench_is_tidy(b));
}

static void check_manners(const struct bench *b, const char *what)
{
	const struct board_counts *c = board_counts(b->board);

	if (b->early != 0 || (c->erases + c->blocks != 0 && !b->answered)) {
		fail_msg("%s: touched the flash before the answer", what);
	}
	if (b->clears != 0 || b->aborts != 0) {
		fail_msg("%s: CLRSTATUS or ABORT in a wrong state", what);
	}
	if (b->alternates > 1 || b->alternate != 0 || c->foreign_writes != 0) {
		fail_msg("%s: another alternate", what);
	}
	assert_int_equal(c->unprotects + c->mass_erases, 0);
	assert_true(c->erases == 0 || bench_has_mark(b, SESSION_MARK_ERASING));
	for (size_t i = 1; i < b->n_marks; i++) {
		assert_true(b->marks[i] > b->marks[i - 1]);
	}
	if (bench_has_mark(b, SESSION_MARK_VERIFIED) && b->session.end != SESSION_COMPLETED) {
		fail_msg("%s: failed after it was verified", what);
	}
}

static unsigned try_fault(const struct board_fault *fault)
{
	char what[96];
	struct bench b;
	unsigned completed;

	snprintf(what, sizeof(what), "fault %d of request %d command %d nth %u times %u value %u",
		fault->kind, fault->request, fault->command, fault->nth, fault->times,
		fault->value);
	init_small(&b);
	board_set_fault(b.board, 0, fault);
	if (bench_run(&b, true) != BENCH_ENDED) {
		fail_msg("%s: hung in %s", what, session_state_to_string(b.session.state));
	}
	check_truth(&b, what);
	check_manners(&b, what);
	completed = b.session.end == SESSION_COMPLETED;
	bench_done(&b);
	return completed;
}

/* How many transfers a session without faults has. */
static uint32_t count_transfers(void)
{
	struct bench b;
	uint32_t n;

	init_small(&b);
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	assert_int_equal(b.session.end, SESSION_COMPLETED);
	assert_int_equal(board_counts(b.board)->violations, 0);
	n = (uint32_t)board_counts(b.board)->transfers;
	assert_true(n > 60);
	bench_done(&b);
	return n;
}

static void try_everywhere(enum board_fault_kind kind, int request, int command, uint32_t value)
{
	const uint32_t n = count_transfers();
	unsigned completed = 0;

	for (uint32_t nth = 0; nth < n; nth++) {
		for (uint32_t times = 0; times < 5; times += times ? 3 : 1) {
			completed += try_fault(&(struct board_fault){.kind = kind,
				.request = request,
				.command = command,
				.nth = nth,
				.times = times,
				.value = value});
		}
	}
	assert_true(completed < n * 3); /* some position hurts */
}

static void try_everywhere_any(enum board_fault_kind kind, uint32_t value)
{
	try_everywhere(kind, -1, -1, value);
}

static void test_stall(void **state)
{
	(void)state;
	try_everywhere_any(BOARD_FAULT_STALL, 0);
}

static void test_silence(void **state)
{
	(void)state;
	try_everywhere_any(BOARD_FAULT_SILENCE, 0);
}

static void test_short(void **state)
{
	(void)state;
	try_everywhere_any(BOARD_FAULT_SHORT, 0);
}

static void test_vanish(void **state)
{
	(void)state;
	try_everywhere_any(BOARD_FAULT_VANISH, 0);
}

static void test_busy(void **state)
{
	(void)state;
	try_everywhere_any(BOARD_FAULT_BUSY, 0);
}

static void test_state(void **state)
{
	static const uint8_t states[] = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 255};

	(void)state;
	for (size_t i = 0; i < sizeof(states); i++) {
		try_everywhere(BOARD_FAULT_STATE, DFU_GETSTATUS, -1, states[i]);
	}
}

static void test_status(void **state)
{
	(void)state;
	for (uint32_t status = 1; status < 17; status += status == 1 ? 2 : 1) {
		try_everywhere_any(BOARD_FAULT_STATUS, status);
	}
}

static void test_corrupt(void **state)
{
	(void)state;
	try_everywhere(BOARD_FAULT_CORRUPT, DFU_DNLOAD, 0, 0);
}

/* A SET_ADDRESS that is not carried out is left out: no host could tell. */
static void test_ignore(void **state)
{
	(void)state;
	try_everywhere(BOARD_FAULT_IGNORE, DFU_DNLOAD, 0, 0);
	try_everywhere(BOARD_FAULT_IGNORE, DFU_DNLOAD, DFUSE_ERASE, 0);
}

/* A poll timeout alone never fails a session: none at all, or 4.6 hours. */
static void test_timeout(void **state)
{
	static const uint32_t ms[] = {0, 1, 70000, 0xffffff};
	const uint32_t n = count_transfers();

	(void)state;
	for (size_t i = 0; i < sizeof(ms) / sizeof(*ms); i++) {
		for (uint32_t nth = 0; nth < n; nth++) {
			const struct board_fault fault = {.kind = BOARD_FAULT_TIMEOUT,
				.request = -1,
				.command = -1,
				.nth = nth,
				.times = nth % 2,
				.value = ms[i]};

			assert_int_equal(try_fault(&fault), 1);
		}
	}
}

/* What each place of failure is called. */
static void test_reasons(void **state)
{
	static const struct {
		struct board_fault fault;
		const char *reason;
		enum session_state in;
	} table[] = {
		{{BOARD_FAULT_STATUS, DFU_DNLOAD, DFUSE_ERASE, 1, 1, 4}, "erase", SESSION_ERASE},
		{{BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 1, 1, 3}, "write", SESSION_WRITE},
		{{BOARD_FAULT_CORRUPT, DFU_DNLOAD, 0, 1, 1, 0}, "verify", SESSION_VERIFY},
		{{BOARD_FAULT_STALL, DFU_UPLOAD, -1, 2, 1, 0}, "stall", SESSION_READ},
		{{BOARD_FAULT_SILENCE, DFU_UPLOAD, -1, 2, 1, 0}, "timeout", SESSION_READ},
		{{BOARD_FAULT_BUSY, DFU_DNLOAD, DFUSE_ERASE, 0, 1, 0}, "timeout", SESSION_ERASE},
		{{BOARD_FAULT_SHORT, DFU_GETSTATUS, -1, 0, 1, 0}, "protocol", SESSION_RECOVER},
		{{BOARD_FAULT_VANISH, DFU_DNLOAD, 0, 3, 1, 0}, "vanished", SESSION_WRITE},
		{{BOARD_FAULT_STATUS, DFU_DNLOAD, DFUSE_SET_ADDRESS, 0, 1, 1}, "outside-map",
			SESSION_READ},
		{{BOARD_FAULT_STATUS, DFU_UPLOAD, -1, 0, 1, 11}, "read-protected", SESSION_READ},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct bench b;
		bool refused;

		init_small(&b);
		board_set_fault(b.board, 0, &table[i].fault);
		assert_int_equal(bench_run(&b, true), BENCH_ENDED);
		assert_int_equal(b.session.end, SESSION_FAILED);
		assert_string_equal(session_reason(&b.session, &refused), table[i].reason);
		assert_int_equal(b.session.failed_in, table[i].in);
		bench_done(&b);
	}
}

/* The address of a mismatch is that of the first byte that differs. */
static void test_failed_at(void **state)
{
	struct bench b;

	(void)state;
	init_small(&b);
	/* half a KiB of prefix, then the second block of the body behind the first block */
	board_set_fault(
		b.board, 0, &(struct board_fault){BOARD_FAULT_CORRUPT, DFU_DNLOAD, 0, 3, 1, 0});
	assert_int_equal(bench_run(&b, true), BENCH_ENDED);
	assert_int_equal(b.session.failure, DFU_FAILURE_MISMATCH);
	assert_true(bench_is_tidy(&b));
	assert_true(b.session.failed_at >= BASE + 1024);
	assert_true(
		b.flash[b.session.failed_at - BASE] != b.image[b.session.failed_at - b.address]);
	bench_done(&b);
}

/* A stalled status is asked again: one, two, three times, not for ever. */
static void test_stalled_status(void **state)
{
	(void)state;
	for (uint32_t times = 1; times <= 3; times++) {
		assert_int_equal(try_fault(&(struct board_fault){
					 BOARD_FAULT_STALL, DFU_GETSTATUS, -1, 7, times, 0}),
			1);
	}
	assert_int_equal(
		try_fault(&(struct board_fault){BOARD_FAULT_STALL, DFU_GETSTATUS, -1, 7, 0, 0}), 0);
}

/* Whatever happens to the leave decides nothing. */
static void test_leave_faults(void **state)
{
	(void)state;
	for (int kind = BOARD_FAULT_STALL; kind < _BOARD_FAULT_MAX; kind++) {
		const struct board_fault leave = {.kind = (enum board_fault_kind)kind,
			.request = DFU_DNLOAD,
			.command = BOARD_COMMAND_LEAVE,
			.value = 10};
		const struct board_fault status = {.kind = (enum board_fault_kind)kind,
			.request = DFU_GETSTATUS,
			.command = BOARD_COMMAND_LEAVE,
			.value = 10};
		struct bench b;
		uint64_t before;

		for (int i = 0; i < 2; i++) {
			init_small(&b);
			bench_preload(&b); /* so that no data block has gone before */
			/* the filter of GETSTATUS looks at the command before */
			board_set_fault(b.board, 0, i ? &status : &leave);
			before = b.front.now_us;
			assert_int_equal(bench_run(&b, true), BENCH_ENDED);
			assert_int_equal(b.session.end, SESSION_COMPLETED);
			assert_true(b.session.verified && b.session.left);
			assert_true(b.front.now_us - before < 5000000);
			bench_done(&b);
		}
	}
}

/* The worker is killed before each of its transfers: what its marks say is true. */
static void test_killed(void **state)
{
	const uint32_t n = count_transfers();

	(void)state;
	for (uint32_t at = 1; at <= n + 1; at++) {
		struct bench b;
		const uint8_t *head;

		init_small(&b);
		b.kill_at = at;
		assert_int_equal(bench_run(&b, true), BENCH_KILLED);
		bench_let_rest(&b);
		head = b.flash + (b.address - b.base);
		if (!bench_has_mark(&b, SESSION_MARK_ERASING)) {
			assert_true(bench_is_untouched(&b));
		}
		if (bench_has_mark(&b, SESSION_MARK_WRITTEN)) {
			assert_true(bench_is_flashed(&b));
		}
		/* the old program, nothing, or the whole new one */
		if (!bench_is_untouched(&b) && !bench_is_flashed(&b)) {
			assert_int_equal(head[0] & head[1] & head[2] & head[3], 0xff);
		}
		assert_true(bench_is_tidy(&b));
		bench_done(&b);
	}
}

/* The plug is pulled at many moments: nothing outside the sectors concerned has changed. */
static void test_unplugged(void **state)
{
	(void)state;
	for (uint64_t after_ms = 0; after_ms < 600; after_ms += 3) {
		struct bench b;
		struct dfu_event event;
		struct dfu_action action;
		enum session_turn turn;

		init_small(&b);
		event = (struct dfu_event){.kind = DFU_EVENT_SLEPT, .now_us = b.front.now_us};
		while ((turn = session_step(&b.session, &event, &action)) != SESSION_END) {
			event.kind = DFU_EVENT_SLEPT;
			if (turn == SESSION_LOOK) {
				assert_int_equal(plan_save(&b.plan, &b.layout, false), 0);
			} else if (turn == SESSION_ASK) {
				session_answer(&b.session, true);
				b.answered = true;
			} else if (turn == SESSION_MARK) {
				b.marks[b.n_marks++] = b.session.mark;
			} else {
				event = in_process_do(&b.front, &action);
			}
			if (b.front.now_us > 1000000 + after_ms * 1000) {
				board_unplug(b.board, b.front.now_us);
			}
			assert_true(b.front.now_us < BENCH_LIMIT_US);
		}
		check_truth(&b, "unplugged");
		bench_done(&b);
	}
}

static void test_alternate_events(void **state)
{
	static const enum dfu_failure failures[_DFU_EVENT_MAX] = {
		[DFU_EVENT_TIMED_OUT] = DFU_FAILURE_TIMEOUT,
		[DFU_EVENT_GONE] = DFU_FAILURE_VANISHED,
		[DFU_EVENT_BROKEN] = DFU_FAILURE_PROTOCOL,
	};

	(void)state;
	for (int kind = DFU_EVENT_ANSWERED; kind <= DFU_EVENT_BROKEN; kind++) {
		struct dfu_event event = {.kind = DFU_EVENT_SLEPT, .now_us = 1};
		struct dfu_action action;
		struct bench b;

		init_small(&b);
		assert_int_equal(session_step(&b.session, &event, &action), SESSION_DO);
		assert_int_equal(action.kind, DFU_ACTION_SET_ALTERNATE);
		event.kind = (enum dfu_event_kind)kind;
		if (failures[kind] == DFU_FAILURE_NONE) { /* one setting only: a stall is usual */
			assert_int_equal(session_step(&b.session, &event, &action), SESSION_DO);
			assert_int_equal(action.request, DFU_GETSTATUS);
		} else {
			assert_int_equal(session_step(&b.session, &event, &action), SESSION_END);
			assert_int_equal(b.session.failure, failures[kind]);
			assert_int_equal(b.session.failed_in, SESSION_ALTERNATE);
		}
		bench_done(&b);
	}
}

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % n;
}

/* An answer of a device that says what it likes; mostly what the host hopes for. */
static struct dfu_event random_answer(struct session *s, const struct dfu_action *a)
{
	static const uint8_t states[] = {DFU_IDLE, DFU_DNLOAD_IDLE, DFU_DNLOAD_IDLE, DFU_DNBUSY,
		DFU_ERROR, DFU_UPLOAD_IDLE, DFU_MANIFEST, 200};
	const bool to_idle = (s->state == SESSION_RECOVER || s->run.state == RUN_TO_IDLE ||
			      s->run.state == RUN_CLOSING);
	const uint8_t hoped = to_idle && s->state != SESSION_ERASE ? DFU_IDLE : DFU_DNLOAD_IDLE;
	struct dfu_event event = {.kind = DFU_EVENT_ANSWERED, .length = a->length};

	if (a->kind == DFU_ACTION_SLEEP) {
		event.kind = DFU_EVENT_SLEPT;
	} else if (random_below(150) == 0) {
		event.kind = (enum dfu_event_kind)(DFU_EVENT_STALLED + random_below(4));
	} else if (a->kind == DFU_ACTION_IN && a->request == DFU_GETSTATUS) {
		memset(a->data, 0, a->length);
		a->data[4] = random_below(20) ? hoped : states[random_below(sizeof(states))];
		a->data[0] = random_below(100) ? 0 : (uint8_t)random_below(20);
	} else if (a->kind == DFU_ACTION_IN) {
		memset(a->data, 0, a->length);
		if (s->run.kind == RUN_VERIFY && random_below(100) != 0) {
			memcpy(a->data, s->run.bytes.data + s->run.done, a->length);
		}
	}
	return event;
}

/* A device that lies at random: the session ends, and has asked before it sent an erase. */
static void test_random_device(void **state)
{
	unsigned ends[_SESSION_END_MAX] = {0};
	unsigned reached[_SESSION_STATE_MAX] = {0};

	(void)state;
	for (uint32_t seed = 1; seed <= 3000; seed++) {
		struct dfu_event event = {.kind = DFU_EVENT_SLEPT, .now_us = 1000};
		struct dfu_action a;
		enum session_turn turn;
		struct bench b;
		bool asked = false, refused;
		unsigned n = 0;

		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		init_small(&b);
		memset(b.image, 1, b.size);
		while ((turn = session_step(&b.session, &event, &a)) != SESSION_END) {
			uint64_t now_us = event.now_us + 1000;

			assert_true(n++ < 100000);
			reached[b.session.state]++;
			event = (struct dfu_event){.kind = DFU_EVENT_SLEPT};
			if (turn == SESSION_LOOK && seed % 2 == 0) {
				assert_int_equal(plan_save(&b.plan, &b.layout, seed % 4 == 0), 0);
			} else if (turn == SESSION_ASK) {
				asked = true;
				session_answer(&b.session, seed % 16 != 0);
			} else if (turn == SESSION_DO) {
				assert_true(asked || a.request != DFU_DNLOAD ||
					    (a.length == 5 && a.data[0] == DFUSE_SET_ADDRESS));
				event = random_answer(&b.session, &a);
				now_us += a.kind == DFU_ACTION_SLEEP ? a.ms * UINT64_C(1000) : 0;
			}
			event.now_us = now_us;
		}
		ends[b.session.end]++;
		if (b.session.end == SESSION_FAILED) {
			assert_true(reason_from_string(session_reason(&b.session, &refused)) >
				    REASON_NONE);
			assert_false(b.session.left);
		}
		if (b.session.end == SESSION_COMPLETED) {
			assert_true(b.session.verified && b.session.left);
		}
		/* over is over */
		assert_int_equal(session_step(&b.session, &event, &a), SESSION_END);
		assert_int_equal(a.kind, DFU_ACTION_NONE);
		bench_done(&b);
	}
	for (int i = 0; i < _SESSION_END_MAX; i++) {
		assert_true(ends[i] > 0);
	}
	for (int i = SESSION_ALTERNATE; i < SESSION_ENDED; i++) {
		assert_true(reached[i] > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_vanish),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_ignore),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_failed_at),
		cmocka_unit_test(test_stalled_status),
		cmocka_unit_test(test_leave_faults),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_unplugged),
		cmocka_unit_test(test_alternate_events),
		cmocka_unit_test(test_random_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
