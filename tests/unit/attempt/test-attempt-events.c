/* SPDX-License-Identifier: MIT */
/* Every state with every event, and events at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

static void lead_to(struct story *s, enum attempt_state state)
{
	story_begin_plain(s);
	switch (state) {
	case ATTEMPT_CHECKING:
		return;
	case ATTEMPT_ASKED:
		story_event(s, ATTEMPT_EVENT_PLAN);
		return;
	case ATTEMPT_FLASHING:
		story_go(s);
		return;
	case ATTEMPT_WATCHING:
		story_flash(s);
		story_event(s, ATTEMPT_EVENT_ABSENT);
		return;
	case ATTEMPT_SETTLING:
		story_flash(s);
		story_event(s, ATTEMPT_EVENT_ABSENT);
		story_present(s, false, true);
		return;
	case ATTEMPT_ENDED:
		story_die(s, REASON_WORKER_CRASHED);
		return;
	case _ATTEMPT_STATE_MAX:
	case _ATTEMPT_STATE_INVALID:
		fail();
	}
}

static void feed(struct story *s, enum attempt_event_kind kind)
{
	switch (kind) {
	case ATTEMPT_EVENT_IMAGE:
	case ATTEMPT_EVENT_FINDING:
	case ATTEMPT_EVENT_PLAN:
	case ATTEMPT_EVENT_GO:
	case ATTEMPT_EVENT_ABSENT:
	case ATTEMPT_EVENT_TTY:
	case ATTEMPT_EVENT_TIMER:
		story_event(s, kind);
		return;
	case ATTEMPT_EVENT_STOP:
		story_step(
			s, (struct attempt_event){
				   .kind = kind, .end = END_REFUSED, .reason = REASON_TWO_FILES});
		return;
	case ATTEMPT_EVENT_MARK:
		story_mark(s, "erasing");
		return;
	case ATTEMPT_EVENT_OUTCOME:
		story_outcome(s, "failed", "stall", "untouched");
		return;
	case ATTEMPT_EVENT_DIED:
		story_die(s, REASON_WORKER_CRASHED);
		return;
	case ATTEMPT_EVENT_PRESENT:
		story_present(s, true, false);
		return;
	case _ATTEMPT_EVENT_MAX:
	case _ATTEMPT_EVENT_INVALID:
		fail();
	}
}

#define C ATTEMPT_CHECKING
#define A ATTEMPT_ASKED
#define F ATTEMPT_FLASHING
#define W ATTEMPT_WATCHING
#define S ATTEMPT_SETTLING
#define E ATTEMPT_ENDED

/* Where each event leads from each state. */
static const enum attempt_state next[_ATTEMPT_STATE_MAX][_ATTEMPT_EVENT_MAX] = {
	/*    IMAGE FINDING PLAN GO STOP MARK OUTC DIED ABSENT PRESENT TTY TIMER */
	[C] = {C, C, A, C, C, C, E, E, C, C, C, C},
	[A] = {A, A, A, F, E, A, E, E, A, A, A, A},
	[F] = {F, F, F, F, F, F, E, E, F, F, F, F},
	[W] = {W, W, W, W, W, W, W, W, W, S, W, E},
	[S] = {S, S, S, S, S, S, S, S, W, S, S, E},
	[E] = {E, E, E, E, E, E, E, E, E, E, E, E},
};

static void test_pairs(void **state)
{
	(void)state;
	for (int from = 0; from < _ATTEMPT_STATE_MAX; from++) {
		for (int kind = 0; kind < _ATTEMPT_EVENT_MAX; kind++) {
			struct story s;

			lead_to(&s, (enum attempt_state)from);
			assert_int_equal(s.a.state, from);
			feed(&s, (enum attempt_event_kind)kind);
			assert_int_equal(s.a.state, next[from][kind]);
			if (s.a.state == from && from != S && from != W &&
				!(from == A && kind == ATTEMPT_EVENT_TIMER)) {
				assert_int_equal(s.effects, 0);
			}
		}
	}
}

/* The owner's pause is over: it is asked once more, and only then. */
static void test_judge(void **state)
{
	struct story s;

	(void)state;
	lead_to(&s, ATTEMPT_ASKED);
	assert_true(s.effects & ATTEMPT_JUDGE);
	story_event(&s, ATTEMPT_EVENT_TIMER);
	assert_int_equal(s.effects, ATTEMPT_JUDGE);
	story_event(&s, ATTEMPT_EVENT_GO);
	story_event(&s, ATTEMPT_EVENT_TIMER);
	assert_int_equal(s.effects, 0);
}

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % n;
}

/* Outcomes as the messages let them through. */
static void random_outcome(struct story *s)
{
	static const struct {
		const char *end, *reason, *flash;
	} outcomes[] = {
		{"completed", "", "written"},
		{"completed", "", "written"},
		{"completed", "", "unchanged"},
		{"completed", "", "untouched"},
		{"refused", "link-address", "untouched"},
		{"failed", "verify", "written"},
		{"failed", "erase", "erased"},
		{"interrupted", "vanished", "partly"},
		{"cancelled", "", "untouched"},
	};
	const uint32_t i = random_below(sizeof(outcomes) / sizeof(*outcomes));

	story_outcome(s, outcomes[i].end, outcomes[i].reason, outcomes[i].flash);
}

static void random_event(struct story *s)
{
	static const char *const marks[] = {"erasing", "written", "verified", "left"};
	const enum attempt_event_kind kind =
		(enum attempt_event_kind)random_below(_ATTEMPT_EVENT_MAX);

	s->now_us += random_below(3) ? random_below(400000) : 0;
	if (s->armed && s->now_us >= s->a.timer_us) {
		story_timer(s);
	} else if (kind == ATTEMPT_EVENT_MARK) {
		story_mark(s, marks[random_below(4)]);
	} else if (kind == ATTEMPT_EVENT_OUTCOME) {
		random_outcome(s);
	} else if (kind == ATTEMPT_EVENT_PRESENT) {
		story_present(s, random_below(4) == 0, random_below(2));
	} else if (kind == ATTEMPT_EVENT_TIMER && s->armed) {
		story_timer(s);
	} else if (kind != ATTEMPT_EVENT_TIMER && kind != ATTEMPT_EVENT_STOP &&
		   kind != ATTEMPT_EVENT_DIED) {
		feed(s, kind);
	} else if (kind == ATTEMPT_EVENT_STOP && random_below(8) == 0) {
		story_step(s, (struct attempt_event){.kind = kind, .end = END_CANCELLED});
	} else if (random_below(8) == 0) {
		feed(s, kind == ATTEMPT_EVENT_TIMER ? ATTEMPT_EVENT_GO : kind);
	}
}

/* Whatever comes in whatever order: one end, and it comes. */
static void test_random(void **state)
{
	unsigned verdicts[_VERDICT_MAX] = {0};

	(void)state;
	for (uint32_t seed = 1; seed <= 60000; seed++) {
		struct story s;

		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		story_begin(&s, &(struct attempt_options){
					.within_ms = random_below(2) ? 10000 : random_below(4000),
					.expects_none = random_below(4) == 0,
					.expects_identity = random_below(2),
				});
		if (seed % 2) {
			story_go(&s);
		}
		for (uint32_t n = 5 + random_below(60); n > 0; n--) {
			random_event(&s);
		}
		story_die(&s, REASON_WORKER_CRASHED); /* every worker ends */
		for (int n = 0; s.a.state != ATTEMPT_ENDED; n++) {
			assert_true(n < 3);
			story_timer(&s);
		}
		assert_int_equal(s.ends, 1);
		verdicts[s.a.verdict]++;
		random_event(&s); /* and nothing behind it */
		assert_int_equal(s.ends, 1);
	}
	for (int i = 0; i < _VERDICT_MAX; i++) { /* the dice reach every word but one */
		assert_true(verdicts[i] > 0 || i == VERDICT_NOT_ENUMERATING);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < _ATTEMPT_STATE_MAX; i++) {
		assert_true(strlen(attempt_state_to_string((enum attempt_state)i)) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
