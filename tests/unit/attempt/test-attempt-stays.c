/* SPDX-License-Identifier: MIT */
/* The lines of the plan on their way through, and a board that is not told to leave (Leave=no). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/record.h"
#include "story.h"

static const struct attempt_options stays = {
	.within_ms = STORY_WITHIN_MS, .stays = true, .expects_identity = true};

static void story_finding(struct story *s, const char *topic, const char *text)
{
	struct message m = {.kind = MESSAGE_FINDING, .result = "good"};

	strcpy(m.topic, topic);
	strcpy(m.text, text);
	story_step(s, (struct attempt_event){.kind = ATTEMPT_EVENT_FINDING, .message = &m});
	assert_int_equal(s->effects, 0);
}

static void test_findings(void **state)
{
	struct story s;

	story_begin_plain(&s);
	story_event(&s, ATTEMPT_EVENT_IMAGE);
	story_finding(&s, "board", "first");
	story_finding(&s, "nonsense", "none");
	story_finding(&s, "address", "second");
	assert_int_equal(s.a.findings.n, 2);
	assert_string_equal(s.a.findings.items[0].text, "first");
	assert_string_equal(s.a.findings.items[1].text, "second");
	assert_int_equal(s.a.findings.items[1].topic, FINDING_ADDRESS);
	story_event(&s, ATTEMPT_EVENT_PLAN);
	assert_int_equal(s.effects, ATTEMPT_TELL_CHECKED | ATTEMPT_JUDGE);
	assert_int_equal(s.a.findings.n, 2);
}

/* What was judged is the plan: a worker adds nothing to it afterwards. */
static void test_findings_too_late(void **state)
{
	struct story s;

	story_begin_plain(&s);
	story_finding(&s, "board", "in time");
	story_go(&s);
	story_finding(&s, "leave", "while it flashes");
	story_mark(&s, "verified");
	story_mark(&s, "left");
	story_outcome(&s, "completed", "", "unchanged");
	story_finding(&s, "leave", "while it is watched");
	assert_int_equal(s.a.findings.n, 1);
	assert_string_equal(s.a.findings.items[0].text, "in time");
}

/* The check that failed is the last of them, and stays for the report. */
static void test_findings_of_a_refusal(void **state)
{
	struct story s;

	story_begin_plain(&s);
	story_finding(&s, "board", "good");
	story_finding(&s, "chip", "another");
	story_outcome(&s, "refused", "wrong-chip", "untouched");
	story_ended(&s, VERDICT_REFUSED, RETURN_NONE);
	assert_int_equal(s.a.findings.n, 2);
}

/* All that a worker does with a board that stays; unverified: it cannot be read. */
static void flash_and_stay(struct story *s, bool unverified)
{
	story_go(s);
	story_mark(s, "erasing");
	story_mark(s, "written");
	if (!unverified) {
		story_mark(s, "verified");
		assert_int_equal(s->effects, ATTEMPT_TELL_FLASHED);
	}
	story_wait(s, 10);
}

static void test_completed(void **state)
{
	struct story s;

	for (int unverified = 0; unverified < 2; unverified++) {
		story_begin(&s, &stays);
		flash_and_stay(&s, unverified);
		story_outcome(&s, "completed", "", "written");
		story_ended(&s, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED);
		/* that it is flashed is said once, and never that it leaves */
		assert_int_equal(s.effects, ATTEMPT_END | (unverified ? ATTEMPT_TELL_FLASHED : 0));
		assert_int_equal(s.a.left_us, 0);
		assert_false(s.armed);
	}
}

static void test_unchanged(void **state)
{
	struct story s;

	story_begin(&s, &stays);
	story_go(&s);
	story_mark(&s, "verified");
	story_outcome(&s, "completed", "", "unchanged");
	assert_int_equal(s.a.flash, FLASH_UNCHANGED);
	story_ended(&s, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED);
}

/* It is off the bus all the same: nobody waits for what nobody asked for. */
static void test_pulled_at_the_end(void **state)
{
	struct story s;

	story_begin(&s, &stays);
	flash_and_stay(&s, false);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_outcome(&s, "completed", "", "written");
	story_ended(&s, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED);
}

static void test_failed(void **state)
{
	struct story s;

	story_begin(&s, &stays);
	story_go(&s);
	story_mark(&s, "erasing");
	story_outcome(&s, "failed", "write", "partly");
	story_ended(&s, VERDICT_FAILED, RETURN_NONE);
	assert_int_equal(s.effects, ATTEMPT_END);
}

static void test_died_verified(void **state)
{
	struct story s;

	story_begin(&s, &stays);
	flash_and_stay(&s, false);
	story_die(&s, REASON_WORKER_CRASHED);
	story_ended(&s, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED);
	assert_int_equal(s.a.flash, FLASH_WRITTEN);
	assert_int_equal(s.a.checked_by, VERIFIED_READ_BACK);
	assert_int_equal(s.a.reason, REASON_NONE);
}

/* Nobody knows whether the last block was written. */
static void test_died_unverified(void **state)
{
	struct story s;

	story_begin(&s, &stays);
	story_go(&s);
	story_mark(&s, "erasing");
	story_die(&s, REASON_WORKER_CRASHED);
	story_ended(&s, VERDICT_INTERRUPTED, RETURN_NONE);
	story_begin(&s, &stays);
	flash_and_stay(&s, true);
	story_die(&s, REASON_WORKER_CRASHED);
	story_ended(&s, VERDICT_INTERRUPTED, RETURN_NONE);
}

/* By the next daemon, from the record: at once, whatever the port shows. */
static void test_resumed(void **state)
{
	static const struct {
		struct record record;
		enum verdict verdict;
		enum return_kind back;
	} table[] = {
		{{.stay = true, .erasing = true, .written = true, .verified = true},
			VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED},
		{{.stay = true,
			 .erasing = true,
			 .written = true,
			 .verified = true,
			 .end = "completed",
			 .flash = "written",
			 .checked_by = "read-back"},
			VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED},
		{{.stay = true,
			 .erasing = true,
			 .written = true,
			 .end = "completed",
			 .flash = "written",
			 .checked_by = "no"},
			VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED},
		{{.stay = true, .erasing = true}, VERDICT_INTERRUPTED, RETURN_NONE},
		{{.stay = true, .erasing = true, .written = true}, VERDICT_INTERRUPTED,
			RETURN_NONE},
		{{.stay = true}, VERDICT_INTERRUPTED, RETURN_NONE},
	};
	struct story s;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		story_resume(&s, &stays, &table[i].record);
		story_ended(&s, table[i].verdict, table[i].back);
		assert_int_equal(s.a.checked_by,
			table[i].record.verified ? VERIFIED_READ_BACK : VERIFIED_NO);
		assert_false(s.armed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_findings_too_late),
		cmocka_unit_test(test_findings_of_a_refusal),
		cmocka_unit_test(test_completed),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_pulled_at_the_end),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_died_verified),
		cmocka_unit_test(test_died_unverified),
		cmocka_unit_test(test_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
