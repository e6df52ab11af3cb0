/* SPDX-License-Identifier: MIT */
/* Attempts with their invariants: see story.h. */
#include "story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void story_check_end(struct story *s)
{
	const struct attempt *a = &s->a;

	assert_in_range(a->end, 0, _END_MAX - 1);
	assert_in_range(a->flash, 0, _FLASH_MAX - 1);
	assert_in_range(a->back, 0, _RETURN_MAX - 1);
	assert_in_range(a->checked_by, 0, _VERIFIED_MAX - 1);
	assert_in_range(a->reason, 0, _REASON_MAX - 1);
	assert_int_equal(a->verdict, verdict_of(a->end, a->flash, a->back));
	if (a->verdict == VERDICT_REFUSED || a->verdict == VERDICT_CANCELLED) {
		assert_false(a->erasing || a->written);
	}
	if (a->verdict == VERDICT_FAILED || a->verdict == VERDICT_REFUSED) {
		assert_true(a->reason != REASON_NONE);
	}
	if (verdict_is_flashed(a->verdict)) {
		assert_true(a->flash == FLASH_WRITTEN || a->flash == FLASH_UNCHANGED);
	}
	if (a->verdict == VERDICT_RETURNED || a->verdict == VERDICT_UNCHANGED) {
		assert_true(a->present && a->has_device && a->device.expected && !a->device.dfu);
	}
}

static void story_check(struct story *s, unsigned effects)
{
	const struct attempt *a = &s->a;

	s->effects = effects;
	s->armed = s->armed || (effects & ATTEMPT_ARM);
	s->gos += (effects & ATTEMPT_SEND_GO) != 0;
	s->stops += (effects & ATTEMPT_SEND_STOP) != 0;
	assert_true(s->gos + s->stops <= 1);
	if (effects & ATTEMPT_END) {
		s->ends++;
		story_check_end(s);
	}
	assert_int_equal(s->ends, a->state == ATTEMPT_ENDED);
	if (a->state == ATTEMPT_WATCHING || a->state == ATTEMPT_SETTLING) {
		assert_true(s->armed);
		/* a deadline may be over when the worker tells its outcome: it comes at once */
		assert_true(a->timer_us >= s->now_us || a->timer_us == a->deadline_us ||
			    (effects & ATTEMPT_ARM) == 0);
		/* no end is further away than the deadline and a settle window */
		assert_true(
			a->timer_us <= (a->deadline_us > s->now_us ? a->deadline_us : s->now_us) +
					       ATTEMPT_SETTLE_US);
	}
}

void story_begin(struct story *s, const struct attempt_options *options)
{
	*s = (struct story){.now_us = STORY_START_US};
	attempt_init(&s->a, options);
	assert_int_equal(s->a.state, ATTEMPT_CHECKING);
}

void story_begin_plain(struct story *s)
{
	story_begin(s,
		&(struct attempt_options){.within_ms = STORY_WITHIN_MS, .expects_identity = true});
}

void story_step(struct story *s, struct attempt_event event)
{
	const bool was_ended = s->a.state == ATTEMPT_ENDED;
	unsigned effects;

	event.now_us = s->now_us;
	if (event.kind == ATTEMPT_EVENT_TIMER) {
		s->armed = false;
	}
	effects = attempt_step(&s->a, &event);
	assert_true(!was_ended || effects == 0);
	story_check(s, effects);
}

void story_event(struct story *s, enum attempt_event_kind kind)
{
	struct message m = {0};

	m.kind = kind == ATTEMPT_EVENT_IMAGE ? MESSAGE_IMAGE : MESSAGE_PLAN;
	story_step(s, (struct attempt_event){.kind = kind, .message = &m, .tty = "/dev/x"});
}

void story_mark(struct story *s, const char *mark)
{
	struct message m = {.kind = MESSAGE_MARK};

	strcpy(m.mark, mark);
	story_step(s, (struct attempt_event){.kind = ATTEMPT_EVENT_MARK, .message = &m});
}

void story_outcome(struct story *s, const char *end, const char *reason, const char *flash)
{
	struct message m = {.kind = MESSAGE_OUTCOME, .text = "what it is about"};

	strcpy(m.end, end);
	strcpy(m.reason, reason);
	strcpy(m.flash, flash);
	strcpy(m.checked_by, strcmp(end, "completed") == 0 ? "read-back" : "no");
	story_step(s, (struct attempt_event){.kind = ATTEMPT_EVENT_OUTCOME, .message = &m});
}

void story_present(struct story *s, bool dfu, bool expected)
{
	struct attempt_device device = {
		.vendor = dfu ? 0x0483 : 0x1d50,
		.product = dfu ? 0xdf11 : 0x614e,
		.dfu = dfu,
		.expected = expected,
	};

	strcpy(device.id, dfu ? "0483:df11" : "1d50:614e");
	story_step(s, (struct attempt_event){.kind = ATTEMPT_EVENT_PRESENT, .device = &device});
}

void story_die(struct story *s, enum reason reason)
{
	story_step(s, (struct attempt_event){.kind = ATTEMPT_EVENT_DIED, .reason = reason});
}

void story_wait(struct story *s, uint64_t ms)
{
	s->now_us += ms * 1000;
	if (s->armed) { /* nobody sleeps through an armed timer */
		assert_true(s->now_us < s->a.timer_us);
	}
}

void story_timer(struct story *s)
{
	assert_true(s->armed);
	if (s->now_us < s->a.timer_us) {
		s->now_us = s->a.timer_us;
	}
	story_step(s, (struct attempt_event){.kind = ATTEMPT_EVENT_TIMER});
}

void story_go(struct story *s)
{
	story_event(s, ATTEMPT_EVENT_IMAGE);
	assert_int_equal(s->effects, 0);
	story_event(s, ATTEMPT_EVENT_PLAN);
	assert_int_equal(s->a.state, ATTEMPT_ASKED);
	assert_int_equal(s->effects, ATTEMPT_TELL_CHECKED | ATTEMPT_JUDGE);
	story_wait(s, 500);
	story_event(s, ATTEMPT_EVENT_GO);
	assert_int_equal(s->a.state, ATTEMPT_FLASHING);
	assert_int_equal(s->effects, ATTEMPT_TELL_FLASHING | ATTEMPT_SEND_GO);
}

void story_flash(struct story *s)
{
	story_go(s);
	story_mark(s, "erasing");
	assert_int_equal(s->effects, 0);
	story_wait(s, 2000);
	story_mark(s, "written");
	assert_int_equal(s->effects, ATTEMPT_TELL_ERASED);
	story_mark(s, "verified");
	assert_int_equal(s->effects, ATTEMPT_TELL_FLASHED);
	story_mark(s, "left");
	assert_int_equal(s->effects, ATTEMPT_TELL_LEAVING);
	story_wait(s, 10);
	story_outcome(s, "completed", "", "written");
	assert_int_equal(s->a.state, ATTEMPT_WATCHING);
}

void story_ended(const struct story *s, enum verdict verdict, enum return_kind back)
{
	assert_int_equal(s->a.state, ATTEMPT_ENDED);
	assert_int_equal(s->ends, 1);
	assert_string_equal(verdict_to_string(s->a.verdict), verdict_to_string(verdict));
	assert_string_equal(return_kind_to_string(s->a.back), return_kind_to_string(back));
}

void story_resume(
	struct story *s, const struct attempt_options *options, const struct record *record)
{
	story_begin(s, options);
	story_check(s, attempt_resume(&s->a, record, s->now_us));
}
