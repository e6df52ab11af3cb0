/* SPDX-License-Identifier: MIT */
/* One command: every state and event, and random devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/command.h"

static uint8_t block[64];

static void begin_kind(struct command *c, enum command_kind kind)
{
	switch (kind) {
	case COMMAND_TO_IDLE:
		command_to_idle(c);
		return;
	case COMMAND_SET_ADDRESS:
		command_set_address(c, 0x08012345);
		return;
	case COMMAND_ERASE:
		command_erase(c, 0x08004000);
		return;
	case COMMAND_WRITE:
		command_write(c, 7, block, sizeof(block));
		return;
	case COMMAND_READ:
		command_read(c, 9, block, sizeof(block));
		return;
	case COMMAND_LEAVE:
		command_leave(c);
		return;
	case _COMMAND_KIND_MAX:
		fail();
	}
}

/* A conversation: the machine, its last action, the time. */
struct talk {
	struct command c;
	struct dfu_action a;
	enum dfu_progress progress;
	uint64_t now_us;
};

static void talk_step(struct talk *t, enum dfu_event_kind kind, uint32_t length)
{
	const struct dfu_event event = {.kind = kind, .now_us = t->now_us, .length = length};

	t->progress = command_step(&t->c, &event, &t->a);
}

static void talk_begin(struct talk *t, enum command_kind kind)
{
	*t = (struct talk){.now_us = 5000000};
	begin_kind(&t->c, kind);
	talk_step(t, DFU_EVENT_BEGIN, 0);
	assert_int_equal(t->progress, DFU_MORE);
}

/* Answers the request that is out as a good device does; a status as told. */
static void talk_answer(struct talk *t)
{
	assert_int_equal(t->progress, DFU_MORE);
	assert_int_not_equal(t->a.kind, DFU_ACTION_SLEEP);
	talk_step(t, DFU_EVENT_ANSWERED, t->a.length);
}

static void talk_status(struct talk *t, uint8_t status, uint8_t state, uint32_t poll_ms)
{
	assert_int_equal(t->progress, DFU_MORE);
	assert_int_equal(t->a.kind, DFU_ACTION_IN);
	assert_int_equal(t->a.request, DFU_GETSTATUS);
	assert_int_equal(t->a.length, 6);
	assert_int_equal(t->a.value, 0);
	memcpy(t->a.data,
		(uint8_t[]){status, (uint8_t)poll_ms, (uint8_t)(poll_ms >> 8),
			(uint8_t)(poll_ms >> 16), state, 0},
		6);
	talk_answer(t);
}

static void talk_slept(struct talk *t, uint32_t ms)
{
	assert_int_equal(t->progress, DFU_MORE);
	assert_int_equal(t->a.kind, DFU_ACTION_SLEEP);
	assert_int_equal(t->a.ms, ms);
	t->now_us += t->a.ms * UINT64_C(1000);
	talk_step(t, DFU_EVENT_SLEPT, 0);
}

static void check_request(const struct talk *t, enum dfu_action_kind kind, uint8_t request,
	uint16_t value, uint16_t length)
{
	assert_int_equal(t->progress, DFU_MORE);
	assert_int_equal(t->a.kind, kind);
	assert_int_equal(t->a.request, request);
	assert_int_equal(t->a.value, value);
	assert_int_equal(t->a.length, length);
	assert_true(t->a.ms > 0);
}

static void check_end(const struct talk *t, enum dfu_failure failure)
{
	assert_int_equal(t->progress, failure == DFU_FAILURE_NONE ? DFU_FINISHED : DFU_FAILED);
	assert_int_equal(t->c.failure, failure);
	assert_int_equal(t->c.state, COMMAND_ENDED);
	assert_int_equal(t->a.kind, DFU_ACTION_NONE);
}

/* --- what is sent --- */

static void test_requests(void **state)
{
	static const uint8_t address[] = {0x21, 0x45, 0x23, 0x01, 0x08};
	static const uint8_t erase[] = {0x41, 0x00, 0x40, 0x00, 0x08};
	struct talk t;

	(void)state;
	talk_begin(&t, COMMAND_SET_ADDRESS);
	check_request(&t, DFU_ACTION_OUT, DFU_DNLOAD, 0, 5);
	assert_memory_equal(t.a.data, address, 5);
	talk_begin(&t, COMMAND_ERASE);
	check_request(&t, DFU_ACTION_OUT, DFU_DNLOAD, 0, 5);
	assert_memory_equal(t.a.data, erase, 5);
	talk_begin(&t, COMMAND_WRITE);
	check_request(&t, DFU_ACTION_OUT, DFU_DNLOAD, 7, sizeof(block));
	assert_ptr_equal(t.a.data, block);
	talk_begin(&t, COMMAND_READ);
	check_request(&t, DFU_ACTION_IN, DFU_UPLOAD, 9, sizeof(block));
	assert_ptr_equal(t.a.data, block);
	talk_begin(&t, COMMAND_LEAVE);
	check_request(&t, DFU_ACTION_OUT, DFU_DNLOAD, 2, 0);
	assert_true(t.a.ms <= COMMAND_LEAVE_TIMEOUT_MS);
	talk_begin(&t, COMMAND_TO_IDLE);
	check_request(&t, DFU_ACTION_IN, DFU_GETSTATUS, 0, 6);
}

/* The first status starts the work, a later one tells its end (dfu.md 2.2). */
static void test_two_statuses(void **state)
{
	static const enum command_kind kinds[] = {
		COMMAND_SET_ADDRESS, COMMAND_ERASE, COMMAND_WRITE};
	struct talk t;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		talk_begin(&t, kinds[i]);
		talk_answer(&t);
		assert_true(t.a.ms >= 35000); /* may be held until the work is done */
		talk_status(&t, 0, DFU_DNBUSY, 104);
		talk_slept(&t, 104);
		assert_true(t.a.ms >= 35000);
		talk_status(&t, 0, DFU_DNLOAD_SYNC, 3);
		talk_slept(&t, 3);
		talk_status(&t, 0, DFU_DNLOAD_IDLE, 104); /* means nothing here */
		check_end(&t, DFU_FAILURE_NONE);

		talk_begin(&t, kinds[i]); /* U5: done at once */
		talk_answer(&t);
		talk_status(&t, 0, DFU_DNLOAD_IDLE, 0);
		check_end(&t, DFU_FAILURE_NONE);
	}
}

static void test_poll_limits(void **state)
{
	struct talk t;
	unsigned polls = 0;

	(void)state;
	talk_begin(&t, COMMAND_ERASE);
	talk_answer(&t);
	talk_status(&t, 0, DFU_DNBUSY, 0xffffff); /* 4.6 hours */
	assert_int_equal(t.a.kind, DFU_ACTION_SLEEP);
	assert_true(t.a.ms <= 10000);
	talk_begin(&t, COMMAND_ERASE);
	talk_answer(&t);
	talk_status(&t, 0, DFU_DNBUSY, 0);
	while (t.progress == DFU_MORE) {
		assert_true(t.a.ms >= 1 && t.a.ms <= 5); /* a floor, no busy loop */
		talk_slept(&t, t.a.ms);
		talk_status(&t, 0, DFU_DNBUSY, 0);
		polls++;
	}
	check_end(&t, DFU_FAILURE_TIMEOUT);
	assert_true(t.now_us - 5000000 >= COMMAND_BUSY_LIMIT_MS * UINT64_C(1000));
	assert_true(t.now_us - 5000000 < (COMMAND_BUSY_LIMIT_MS + 10) * UINT64_C(1000));
	assert_true(polls > 0);
}

static void test_error_status(void **state)
{
	static const struct {
		uint8_t status;
		enum dfu_failure failure;
	} table[] = {
		{DFU_STATUS_TARGET, DFU_FAILURE_ADDRESS},
		{DFU_STATUS_VENDOR, DFU_FAILURE_READ_PROTECTED},
		{DFU_STATUS_WRITE, DFU_FAILURE_STATUS},
		{DFU_STATUS_ERASE, DFU_FAILURE_STATUS},
		{DFU_STATUS_PROG, DFU_FAILURE_STATUS},
		{DFU_STATUS_UNKNOWN, DFU_FAILURE_STATUS},
		{DFU_STATUS_STALLEDPKT, DFU_FAILURE_STATUS},
		{200, DFU_FAILURE_STATUS},
	};
	struct talk t;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		talk_begin(&t, COMMAND_WRITE);
		talk_answer(&t);
		talk_status(&t, 0, DFU_DNBUSY, 10);
		talk_slept(&t, 10);
		talk_status(&t, table[i].status, DFU_ERROR, 0);
		check_end(&t, table[i].failure);
		assert_int_equal(t.c.status.status, table[i].status);

		talk_begin(&t, COMMAND_READ);
		talk_step(&t, DFU_EVENT_STALLED, 0);
		talk_status(&t, table[i].status, DFU_ERROR, 0);
		check_end(&t, table[i].status == DFU_STATUS_STALLEDPKT ? DFU_FAILURE_STALL
								       : table[i].failure);
	}
	talk_begin(&t, COMMAND_ERASE); /* says it is done, and says it is not well */
	talk_answer(&t);
	talk_status(&t, DFU_STATUS_ERASE, DFU_DNLOAD_IDLE, 0);
	check_end(&t, DFU_FAILURE_STATUS);
}

static void test_wrong_states_after_work(void **state)
{
	static const uint8_t states[] = {0, 1, 2, 6, 7, 8, 9, 11, 15, 255};
	struct talk t;

	(void)state;
	for (size_t i = 0; i < sizeof(states); i++) {
		talk_begin(&t, COMMAND_WRITE);
		talk_answer(&t);
		talk_status(&t, 0, states[i], 0);
		check_end(&t, DFU_FAILURE_PROTOCOL);
	}
}

/* The rule set for recovery of dfu.md 1.2. */
static void test_to_idle(void **state)
{
	static const uint8_t aborts[] = {
		DFU_DNLOAD_SYNC, DFU_DNLOAD_IDLE, DFU_MANIFEST_SYNC, DFU_UPLOAD_IDLE};
	static const uint8_t lost[] = {0, 1, 7, 8, 11, 15, 255};
	struct talk t;

	(void)state;
	talk_begin(&t, COMMAND_TO_IDLE);
	talk_status(&t, 0, DFU_IDLE, 0);
	check_end(&t, DFU_FAILURE_NONE);
	for (size_t i = 0; i < sizeof(aborts); i++) {
		talk_begin(&t, COMMAND_TO_IDLE);
		talk_status(&t, 0, aborts[i], 0);
		check_request(&t, DFU_ACTION_OUT, DFU_ABORT, 0, 0);
		talk_answer(&t);
		talk_status(&t, 0, DFU_IDLE, 0);
		check_end(&t, DFU_FAILURE_NONE);
		assert_int_equal(t.c.first.state, aborts[i]);
	}
	talk_begin(&t, COMMAND_TO_IDLE);
	talk_status(&t, DFU_STATUS_FIRMWARE, DFU_ERROR, 0);
	check_request(&t, DFU_ACTION_OUT, DFU_CLRSTATUS, 0, 0);
	talk_answer(&t);
	talk_status(&t, 0, DFU_IDLE, 0);
	check_end(&t, DFU_FAILURE_NONE);
	assert_int_equal(t.c.first.status, DFU_STATUS_FIRMWARE);
	talk_begin(&t, COMMAND_TO_IDLE);
	talk_status(&t, 0, DFU_DNBUSY, 50);
	talk_slept(&t, 50);
	talk_status(&t, 0, DFU_IDLE, 0);
	check_end(&t, DFU_FAILURE_NONE);
	for (size_t i = 0; i < sizeof(lost); i++) {
		talk_begin(&t, COMMAND_TO_IDLE);
		talk_status(&t, 0, lost[i], 0);
		check_end(&t, DFU_FAILURE_PROTOCOL);
	}
}

/* A device that goes round in circles. */
static void test_to_idle_bounded(void **state)
{
	struct talk t;
	unsigned n = 0;

	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		talk_begin(&t, COMMAND_TO_IDLE);
		for (n = 0; t.progress == DFU_MORE && n < 1000; n++) {
			if (t.a.kind == DFU_ACTION_SLEEP) {
				talk_slept(&t, t.a.ms);
			} else if (t.a.kind == DFU_ACTION_OUT) {
				talk_step(
					&t, kind == 1 ? DFU_EVENT_STALLED : DFU_EVENT_ANSWERED, 0);
			} else {
				talk_status(
					&t, 0, kind == 2 && n % 3 ? DFU_DNLOAD_IDLE : DFU_ERROR, 0);
			}
		}
		check_end(&t, DFU_FAILURE_PROTOCOL);
		assert_true(n < 64);
	}
}

static void test_stalled_status(void **state)
{
	struct talk t;

	(void)state;
	talk_begin(&t, COMMAND_ERASE);
	talk_answer(&t);
	for (int i = 0; i < 3; i++) {
		talk_step(&t, DFU_EVENT_STALLED, 0);
		talk_slept(&t, t.a.ms);
	}
	talk_status(&t, 0, DFU_DNLOAD_IDLE, 0);
	check_end(&t, DFU_FAILURE_NONE);
	talk_begin(&t, COMMAND_ERASE);
	talk_answer(&t);
	for (int i = 0; i < 3; i++) {
		talk_step(&t, DFU_EVENT_STALLED, 0);
		talk_slept(&t, t.a.ms);
	}
	talk_step(&t, DFU_EVENT_STALLED, 0);
	check_end(&t, DFU_FAILURE_STALL);
}

static void test_short_answers(void **state)
{
	struct talk t;

	(void)state;
	for (uint32_t length = 0; length < 9; length++) {
		if (length == 6) {
			continue;
		}
		talk_begin(&t, COMMAND_TO_IDLE);
		memset(t.a.data, DFU_IDLE, 6);
		talk_step(&t, DFU_EVENT_ANSWERED, length);
		check_end(&t, DFU_FAILURE_PROTOCOL);
		assert_false(t.c.answered);
	}
	talk_begin(&t, COMMAND_WRITE);
	talk_step(&t, DFU_EVENT_ANSWERED, sizeof(block) - 1);
	check_end(&t, DFU_FAILURE_PROTOCOL);
	talk_begin(&t, COMMAND_READ);
	talk_step(&t, DFU_EVENT_ANSWERED, sizeof(block) - 1);
	check_end(&t, DFU_FAILURE_PROTOCOL);
}

/* --- every state, every event that can answer its action --- */

static enum dfu_failure failure_of(enum dfu_event_kind event)
{
	switch (event) {
	case DFU_EVENT_STALLED:
		return DFU_FAILURE_STALL;
	case DFU_EVENT_TIMED_OUT:
		return DFU_FAILURE_TIMEOUT;
	case DFU_EVENT_GONE:
		return DFU_FAILURE_VANISHED;
	case DFU_EVENT_BROKEN:
		return DFU_FAILURE_PROTOCOL;
	case DFU_EVENT_BEGIN:
	case DFU_EVENT_ANSWERED:
	case DFU_EVENT_SLEPT:
	case _DFU_EVENT_MAX:
	case _DFU_EVENT_INVALID:
		break;
	}
	return DFU_FAILURE_NONE;
}

static void test_sent(void **state)
{
	struct talk t;

	(void)state;
	for (int kind = COMMAND_SET_ADDRESS; kind <= COMMAND_READ; kind++) {
		for (int event = DFU_EVENT_TIMED_OUT; event <= DFU_EVENT_BROKEN; event++) {
			talk_begin(&t, (enum command_kind)kind);
			assert_int_equal(t.c.state, COMMAND_SENT);
			talk_step(&t, (enum dfu_event_kind)event, 0);
			check_end(&t, failure_of((enum dfu_event_kind)event));
		}
		talk_begin(&t, (enum command_kind)kind);
		talk_step(&t, DFU_EVENT_STALLED, 0);
		check_request(&t, DFU_ACTION_IN, DFU_GETSTATUS, 0, 6);
		assert_int_equal(t.c.state, COMMAND_WHY);
	}
	talk_begin(&t, COMMAND_READ);
	talk_answer(&t);
	check_end(&t, DFU_FAILURE_NONE);
}

static void test_status_events(void **state)
{
	struct talk t;

	(void)state;
	for (int kind = COMMAND_TO_IDLE; kind <= COMMAND_WRITE; kind++) {
		for (int event = DFU_EVENT_TIMED_OUT; event <= DFU_EVENT_BROKEN; event++) {
			talk_begin(&t, (enum command_kind)kind);
			if (kind != COMMAND_TO_IDLE) {
				talk_answer(&t);
			}
			assert_int_equal(t.c.state, COMMAND_STATUS);
			talk_step(&t, (enum dfu_event_kind)event, 0);
			check_end(&t, failure_of((enum dfu_event_kind)event));
			assert_false(t.c.answered);
		}
	}
}

static void test_why_events(void **state)
{
	struct talk t;

	(void)state;
	for (int event = DFU_EVENT_STALLED; event <= DFU_EVENT_BROKEN; event++) {
		talk_begin(&t, COMMAND_READ);
		talk_step(&t, DFU_EVENT_STALLED, 0);
		talk_step(&t, (enum dfu_event_kind)event, 0);
		check_end(&t, event == DFU_EVENT_GONE ? DFU_FAILURE_VANISHED : DFU_FAILURE_STALL);
	}
	talk_begin(&t, COMMAND_READ); /* stalled, and knows of nothing */
	talk_step(&t, DFU_EVENT_STALLED, 0);
	talk_status(&t, 0, DFU_IDLE, 0);
	check_end(&t, DFU_FAILURE_STALL);
}

static void test_clear_events(void **state)
{
	struct talk t;

	(void)state;
	for (int event = DFU_EVENT_ANSWERED; event <= DFU_EVENT_BROKEN; event++) {
		talk_begin(&t, COMMAND_TO_IDLE);
		talk_status(&t, 10, DFU_ERROR, 0);
		assert_int_equal(t.c.state, COMMAND_CLEAR);
		talk_step(&t, (enum dfu_event_kind)event, 0);
		if (event <= DFU_EVENT_STALLED) {
			check_request(&t, DFU_ACTION_IN, DFU_GETSTATUS, 0, 6);
		} else {
			check_end(&t, failure_of((enum dfu_event_kind)event));
		}
	}
}

/* Nothing makes a leave fail. */
static void test_leave_events(void **state)
{
	struct talk t;

	(void)state;
	for (int first = DFU_EVENT_ANSWERED; first <= DFU_EVENT_BROKEN; first++) {
		for (int second = DFU_EVENT_ANSWERED; second <= DFU_EVENT_BROKEN; second++) {
			talk_begin(&t, COMMAND_LEAVE);
			talk_step(&t, (enum dfu_event_kind)first, 0);
			if (first == DFU_EVENT_GONE) {
				check_end(&t, DFU_FAILURE_NONE);
				assert_false(t.c.answered);
				break;
			}
			check_request(&t, DFU_ACTION_IN, DFU_GETSTATUS, 0, 6);
			assert_true(t.a.ms <= COMMAND_LEAVE_TIMEOUT_MS);
			if (second == DFU_EVENT_ANSWERED) {
				talk_status(&t, 0, DFU_MANIFEST, 0);
			} else {
				talk_step(&t, (enum dfu_event_kind)second, 0);
			}
			check_end(&t, DFU_FAILURE_NONE);
			assert_int_equal(t.c.answered, second == DFU_EVENT_ANSWERED);
		}
	}
}

static void test_ended_events(void **state)
{
	struct talk t;

	(void)state;
	for (int event = 0; event < _DFU_EVENT_MAX; event++) {
		talk_begin(&t, COMMAND_ERASE);
		talk_step(&t, DFU_EVENT_GONE, 0);
		talk_step(&t, (enum dfu_event_kind)event, 6);
		check_end(&t, DFU_FAILURE_VANISHED);
		talk_begin(&t, COMMAND_READ);
		talk_answer(&t);
		talk_step(&t, (enum dfu_event_kind)event, 6);
		check_end(&t, DFU_FAILURE_NONE);
	}
}

/* --- devices at random --- */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % n;
}

static void random_reply(struct talk *t)
{
	static const uint8_t states[] = {2, 3, 4, 4, 4, 5, 6, 9, 10, 10, 7, 77};
	const uint8_t reply[6] = {(uint8_t)random_below(17), (uint8_t)random_below(256),
		(uint8_t)(random_below(20) == 0), 0, states[random_below(sizeof(states))], 0};

	if (t->a.kind == DFU_ACTION_IN && t->a.request == DFU_GETSTATUS) {
		memcpy(t->a.data, reply, sizeof(reply));
	}
	talk_step(t, DFU_EVENT_ANSWERED,
		random_below(30) ? t->a.length : random_below(t->a.length + 2u));
}

static void test_random(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 20000; seed++) {
		struct talk t;
		unsigned n;

		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		talk_begin(&t, (enum command_kind)(seed % _COMMAND_KIND_MAX));
		for (n = 0; t.progress == DFU_MORE; n++) {
			const struct command before = t.c;
			const uint8_t request = t.a.request;

			assert_true(n < 70000);
			if (t.a.kind == DFU_ACTION_SLEEP) {
				talk_slept(&t, t.a.ms);
			} else if (random_below(12) == 0) {
				t.now_us += 300;
				talk_step(&t,
					(enum dfu_event_kind)(DFU_EVENT_STALLED + random_below(4)),
					0);
			} else {
				t.now_us += 300;
				random_reply(&t);
			}
			if (t.a.request == DFU_CLRSTATUS) {
				assert_int_equal(before.state, COMMAND_STATUS);
				assert_int_equal(request, DFU_GETSTATUS);
				assert_int_equal(t.c.status.state, DFU_ERROR);
			}
			if (t.a.request == DFU_ABORT) {
				assert_true(t.c.status.state != DFU_ERROR &&
					    t.c.status.state != DFU_DNBUSY);
			}
		}
		assert_true(t.now_us < UINT64_C(600) * 1000000);
		if (t.c.kind == COMMAND_LEAVE) {
			check_end(&t, DFU_FAILURE_NONE);
		}
	}
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < _COMMAND_KIND_MAX; i++) {
		assert_true(strlen(command_kind_to_string((enum command_kind)i)) > 0);
	}
	for (int i = 0; i < _COMMAND_STATE_MAX; i++) {
		assert_true(strlen(command_state_to_string((enum command_state)i)) > 0);
	}
	for (int i = 0; i < _DFU_FAILURE_MAX; i++) {
		assert_true(strlen(dfu_failure_to_string((enum dfu_failure)i)) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_two_statuses),
		cmocka_unit_test(test_poll_limits),
		cmocka_unit_test(test_error_status),
		cmocka_unit_test(test_wrong_states_after_work),
		cmocka_unit_test(test_to_idle),
		cmocka_unit_test(test_to_idle_bounded),
		cmocka_unit_test(test_stalled_status),
		cmocka_unit_test(test_short_answers),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_status_events),
		cmocka_unit_test(test_why_events),
		cmocka_unit_test(test_clear_events),
		cmocka_unit_test(test_leave_events),
		cmocka_unit_test(test_ended_events),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
