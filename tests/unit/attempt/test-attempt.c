/* SPDX-License-Identifier: MIT */
/* The stories of a board's journey. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/record.h"
#include "story.h"

static const struct attempt_options no_usb = {.within_ms = STORY_WITHIN_MS, .expects_none = true};
static const struct attempt_options any = {.within_ms = STORY_WITHIN_MS};

static void test_returned(void **state)
{
	struct story s;
	uint64_t left_us;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	left_us = s.a.left_us;
	assert_int_equal(s.a.timer_us, left_us + STORY_WITHIN_MS * 1000);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 600);
	story_present(&s, false, true);
	assert_int_equal(s.a.state, ATTEMPT_SETTLING);
	assert_int_equal(s.a.back_us, s.now_us);
	assert_int_equal(s.a.timer_us, s.now_us + ATTEMPT_SETTLE_US);
	story_step(&s, (struct attempt_event){
			       .kind = ATTEMPT_EVENT_TTY, .tty = "/dev/serial/by-id/usb-Klipper"});
	story_timer(&s);
	story_ended(&s, VERDICT_RETURNED, RETURN_AS_EXPECTED);
	assert_int_equal(s.a.end, END_COMPLETED);
	assert_int_equal(s.a.flash, FLASH_WRITTEN);
	assert_int_equal(s.a.checked_by, VERIFIED_READ_BACK);
	assert_int_equal(s.a.reason, REASON_NONE);
	assert_string_equal(s.a.tty, "/dev/serial/by-id/usb-Klipper");
	assert_string_equal(s.a.device.id, "1d50:614e");
}

static void test_unchanged(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_go(&s);
	story_mark(&s, "verified");
	story_mark(&s, "left");
	story_outcome(&s, "completed", "", "unchanged");
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 600);
	story_present(&s, false, true);
	story_timer(&s);
	story_ended(&s, VERDICT_UNCHANGED, RETURN_AS_EXPECTED);
}

/* The board goes, and is back, while the worker still waits for its answer. */
static void test_before_outcome(void **state)
{
	struct story s;

	(void)state;
	for (int back = 0; back < 2; back++) {
		story_begin_plain(&s);
		story_go(&s);
		story_mark(&s, "erasing");
		story_mark(&s, "written");
		story_mark(&s, "verified");
		story_event(&s, ATTEMPT_EVENT_ABSENT);
		assert_int_equal(s.a.state, ATTEMPT_FLASHING);
		story_mark(&s, "left");
		if (back) {
			story_wait(&s, 600);
			story_present(&s, false, true);
			story_step(&s, (struct attempt_event){
					       .kind = ATTEMPT_EVENT_TTY, .tty = "/dev/early"});
			assert_int_equal(s.a.state, ATTEMPT_FLASHING);
		}
		story_outcome(&s, "completed", "", "written");
		assert_int_equal(s.a.state, back ? ATTEMPT_SETTLING : ATTEMPT_WATCHING);
		if (!back) {
			story_wait(&s, 600);
			story_present(&s, false, true);
		}
		story_timer(&s);
		story_ended(&s, VERDICT_RETURNED, RETURN_AS_EXPECTED);
		assert_string_equal(s.a.tty, back ? "/dev/early" : "");
	}
}

static void test_back_in_dfu(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 600);
	story_present(&s, true, false);
	assert_int_equal(s.a.timer_us, s.now_us + ATTEMPT_SETTLE_US);
	story_timer(&s);
	story_ended(&s, VERDICT_BACK_IN_DFU, RETURN_DFU);
}

static void test_gone(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	story_wait(&s, 20);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_timer(&s);
	story_ended(&s, VERDICT_GONE, RETURN_NONE);
	assert_int_equal(s.now_us, s.a.left_us + STORY_WITHIN_MS * 1000);
}

static void test_stayed(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	story_timer(&s);
	story_ended(&s, VERDICT_STAYED, RETURN_STAYED);
	story_begin(&s, &no_usb);
	story_flash(&s);
	story_timer(&s);
	story_ended(&s, VERDICT_STAYED, RETURN_STAYED);
}

/* An absence before GO has nothing to do with the leave. */
static void test_stayed_after_early_absence(void **state)
{
	struct story s;

	(void)state;
	for (int asked = 0; asked < 2; asked++) {
		story_begin_plain(&s);
		if (asked) {
			story_event(&s, ATTEMPT_EVENT_PLAN);
		}
		story_event(&s, ATTEMPT_EVENT_ABSENT);
		story_present(&s, true, false);
		if (!asked) {
			story_event(&s, ATTEMPT_EVENT_PLAN);
		}
		story_event(&s, ATTEMPT_EVENT_GO);
		story_mark(&s, "verified");
		story_mark(&s, "left");
		story_outcome(&s, "completed", "", "unchanged");
		assert_int_equal(s.a.state, ATTEMPT_WATCHING);
		story_timer(&s);
		story_ended(&s, VERDICT_STAYED, RETURN_STAYED);
	}
}

/* A boot loader of another identity, then the program. */
static void test_other_then_expected(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 300);
	story_present(&s, false, false);
	assert_int_equal(s.a.timer_us, s.a.deadline_us);
	story_wait(&s, 5000);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 300);
	story_present(&s, false, true);
	story_timer(&s);
	story_ended(&s, VERDICT_RETURNED, RETURN_AS_EXPECTED);
}

static void test_other(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 300);
	story_present(&s, false, false);
	story_timer(&s);
	story_ended(&s, VERDICT_RETURNED_OTHER, RETURN_OTHER);
	assert_int_equal(s.now_us, s.a.deadline_us);
	/* shortly before the deadline it must still stay a while */
	story_begin_plain(&s);
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, STORY_WITHIN_MS - 500);
	story_present(&s, false, false);
	assert_int_equal(s.a.timer_us, s.now_us + ATTEMPT_SETTLE_US);
	story_timer(&s);
	story_ended(&s, VERDICT_RETURNED_OTHER, RETURN_OTHER);
}

static void test_expects_any(void **state)
{
	struct story s;

	(void)state;
	story_begin(&s, &any);
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 300);
	story_present(&s, false, true);
	story_timer(&s);
	story_ended(&s, VERDICT_RETURNED, RETURN_AS_EXPECTED);
}

static void test_expects_none(void **state)
{
	struct story s;

	(void)state;
	for (int early = 0; early < 2; early++) {
		story_begin(&s, &no_usb);
		if (early) {
			story_go(&s);
			story_mark(&s, "erasing");
			story_mark(&s, "written");
			story_mark(&s, "verified");
			story_mark(&s, "left");
			story_event(&s, ATTEMPT_EVENT_ABSENT);
			story_outcome(&s, "completed", "", "written");
		} else {
			story_flash(&s);
			story_event(&s, ATTEMPT_EVENT_ABSENT);
		}
		assert_int_equal(s.a.timer_us, s.now_us + ATTEMPT_SETTLE_US);
		story_timer(&s);
		story_ended(&s, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED);
	}
	story_begin(&s, &no_usb); /* something comes all the same */
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 300);
	story_present(&s, false, false);
	story_timer(&s);
	story_ended(&s, VERDICT_RETURNED_OTHER, RETURN_OTHER);
	story_begin(&s, &no_usb); /* and it is the boot loader */
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 300);
	story_present(&s, true, false);
	story_timer(&s);
	story_ended(&s, VERDICT_BACK_IN_DFU, RETURN_DFU);
}

/* A boot loop is no return. */
static void test_flapping(void **state)
{
	struct story s;
	unsigned n = 0;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	while (s.a.state != ATTEMPT_ENDED && n++ < 100) {
		if (s.now_us + 400000 >= s.a.timer_us) {
			story_timer(&s);
			continue;
		}
		story_wait(&s, 400);
		story_present(&s, false, true);
		story_wait(&s, 900);
		story_event(&s, ATTEMPT_EVENT_ABSENT);
	}
	story_ended(&s, VERDICT_GONE, RETURN_NONE);
	assert_true(s.a.flaps >= 5);
	assert_true(s.now_us <= s.a.deadline_us + ATTEMPT_SETTLE_US);
}

static void test_flapped_once(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, 400);
	story_present(&s, false, true);
	story_step(
		&s, (struct attempt_event){.kind = ATTEMPT_EVENT_TTY, .tty = "/dev/of-the-first"});
	story_wait(&s, 1900);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	assert_int_equal(s.a.state, ATTEMPT_WATCHING);
	story_wait(&s, 400);
	story_present(&s, false, true);
	story_timer(&s);
	story_ended(&s, VERDICT_RETURNED, RETURN_AS_EXPECTED);
	assert_string_equal(s.a.tty, ""); /* the link is gone with its device */
	assert_int_equal(s.a.flaps, 1);
}

static void test_late_in_window(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, STORY_WITHIN_MS - 100);
	story_present(&s, false, true);
	story_timer(&s);
	story_ended(&s, VERDICT_RETURNED, RETURN_AS_EXPECTED);
	story_begin_plain(&s); /* and goes again, behind the deadline */
	story_flash(&s);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_wait(&s, STORY_WITHIN_MS - 100);
	story_present(&s, false, true);
	story_wait(&s, 1000);
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_ended(&s, VERDICT_GONE, RETURN_NONE);
}

static void test_refused(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_outcome(&s, "refused", "html", "untouched");
	story_ended(&s, VERDICT_REFUSED, RETURN_NONE);
	assert_int_equal(s.a.reason, REASON_HTML);
	assert_string_equal(s.a.text, "what it is about");
	story_begin_plain(&s);
	story_event(&s, ATTEMPT_EVENT_PLAN);
	story_step(&s, (struct attempt_event){.kind = ATTEMPT_EVENT_STOP,
			       .end = END_REFUSED,
			       .reason = REASON_TWO_BOARDS,
			       .text = "which one?"});
	assert_int_equal(s.effects, ATTEMPT_SEND_STOP | ATTEMPT_END);
	story_ended(&s, VERDICT_REFUSED, RETURN_NONE);
	assert_int_equal(s.a.reason, REASON_TWO_BOARDS);
	assert_string_equal(s.a.text, "which one?");
	story_begin_plain(&s);
	story_event(&s, ATTEMPT_EVENT_PLAN);
	story_step(&s, (struct attempt_event){.kind = ATTEMPT_EVENT_STOP, .end = END_CANCELLED});
	story_ended(&s, VERDICT_CANCELLED, RETURN_NONE);
	assert_int_equal(s.stops, 1);
}

static void test_failed(void **state)
{
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_go(&s);
	story_mark(&s, "erasing");
	story_outcome(&s, "failed", "write", "partly");
	story_ended(&s, VERDICT_FAILED, RETURN_NONE);
	assert_int_equal(s.a.flash, FLASH_PARTLY);
	assert_int_equal(s.a.reason, REASON_WRITE);
	story_begin_plain(&s); /* unplugged */
	story_go(&s);
	story_mark(&s, "erasing");
	story_event(&s, ATTEMPT_EVENT_ABSENT);
	story_outcome(&s, "interrupted", "vanished", "erased");
	story_ended(&s, VERDICT_INTERRUPTED, RETURN_NONE);
	assert_int_equal(s.a.flash, FLASH_ERASED);
	assert_int_equal(s.a.reason, REASON_VANISHED);
}

/* A worker that says what its own marks contradict, or completes what nobody began. */
static void test_lying_worker(void **state)
{
	static const char *const ends[] = {"refused", "cancelled"};
	struct story s;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		story_begin_plain(&s);
		story_go(&s);
		story_mark(&s, "erasing");
		story_outcome(&s, ends[i], "html", "untouched");
		story_ended(&s, VERDICT_FAILED, RETURN_NONE);
		assert_int_equal(s.a.flash, FLASH_PARTLY);
		assert_int_equal(s.a.reason, REASON_WORKER_CRASHED);
	}
	story_begin_plain(&s);
	story_go(&s);
	story_mark(&s, "erasing");
	story_outcome(&s, "completed", "", "untouched");
	while (s.a.state != ATTEMPT_ENDED) {
		story_timer(&s);
	}
	assert_false(verdict_is_flashed(s.a.verdict));
	story_begin_plain(&s);
	story_outcome(&s, "completed", "", "written");
	story_ended(&s, VERDICT_FAILED, RETURN_NONE);
	story_begin_plain(&s);
	story_event(&s, ATTEMPT_EVENT_PLAN);
	story_outcome(&s, "completed", "", "written");
	story_ended(&s, VERDICT_FAILED, RETURN_NONE);
	assert_int_equal(s.gos, 0);
}

/* Judged by the marks. */
static void test_died(void **state)
{
	static const struct {
		const char *marks[4];
		enum flash_state flash;
		enum verified_by checked_by;
	} table[] = {
		{{NULL}, FLASH_UNTOUCHED, VERIFIED_NO},
		{{"erasing"}, FLASH_PARTLY, VERIFIED_NO},
		{{"erasing", "written"}, FLASH_WRITTEN, VERIFIED_NO},
	};
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_die(&s, REASON_WORKER_CRASHED);
	story_ended(&s, VERDICT_INTERRUPTED, RETURN_NONE);
	assert_int_equal(s.a.flash, FLASH_UNTOUCHED);
	story_begin_plain(&s);
	story_event(&s, ATTEMPT_EVENT_PLAN);
	story_die(&s, REASON_WORKER_DEADLINE);
	story_ended(&s, VERDICT_INTERRUPTED, RETURN_NONE);
	assert_int_equal(s.a.reason, REASON_WORKER_DEADLINE);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		story_begin_plain(&s);
		story_go(&s);
		for (size_t k = 0; k < 4 && table[i].marks[k] != NULL; k++) {
			story_mark(&s, table[i].marks[k]);
		}
		story_die(&s, REASON_WORKER_CRASHED);
		story_ended(&s, VERDICT_INTERRUPTED, RETURN_NONE);
		assert_int_equal(s.a.flash, table[i].flash);
		assert_int_equal(s.a.checked_by, table[i].checked_by);
		assert_int_equal(s.a.reason, REASON_WORKER_CRASHED);
	}
}

/* The file is on the board, only the leave is missing: the port tells that the board stays. */
static void test_died_before_leave(void **state)
{
	struct story s;

	(void)state;
	for (int unchanged = 0; unchanged < 2; unchanged++) {
		story_begin_plain(&s);
		story_go(&s);
		if (!unchanged) {
			story_mark(&s, "erasing");
			story_mark(&s, "written");
		}
		story_mark(&s, "verified");
		story_die(&s, REASON_WORKER_CRASHED);
		assert_int_equal(s.a.state, ATTEMPT_WATCHING);
		story_timer(&s);
		story_ended(&s, VERDICT_STAYED, RETURN_STAYED);
		assert_int_equal(s.a.checked_by, VERIFIED_READ_BACK);
	}
}

/* It could not even begin: this computer is in the way, not the board. */
static void test_died_unable(void **state)
{
	const struct attempt_event died = {
		.kind = ATTEMPT_EVENT_DIED, .reason = REASON_WORKER_CRASHED, .end = END_REFUSED};
	struct story s;

	(void)state;
	story_begin_plain(&s);
	story_step(&s, died);
	story_ended(&s, VERDICT_REFUSED, RETURN_NONE);
	story_begin_plain(&s);
	story_go(&s);
	story_mark(&s, "erasing");
	story_step(&s, died);
	story_ended(&s, VERDICT_INTERRUPTED, RETURN_NONE);
	assert_int_equal(s.a.flash, FLASH_PARTLY);
}

static void test_died_after_leave(void **state)
{
	struct story s;

	(void)state;
	for (int unverified = 0; unverified < 2; unverified++) {
		story_begin_plain(&s);
		story_go(&s);
		story_mark(&s, "erasing");
		story_mark(&s, "written");
		if (!unverified) {
			story_mark(&s, "verified");
		}
		story_mark(&s, "left");
		assert_int_equal(s.effects, unverified ? ATTEMPT_TELL_FLASHED | ATTEMPT_TELL_LEAVING
						       : ATTEMPT_TELL_LEAVING);
		story_die(&s, REASON_WORKER_CRASHED);
		assert_int_equal(s.a.state, ATTEMPT_WATCHING);
		story_event(&s, ATTEMPT_EVENT_ABSENT);
		story_wait(&s, 300);
		story_present(&s, false, true);
		story_timer(&s);
		story_ended(&s, VERDICT_RETURNED, RETURN_AS_EXPECTED);
		assert_int_equal(s.a.checked_by, unverified ? VERIFIED_NO : VERIFIED_READ_BACK);
	}
}

static void test_resume_ended(void **state)
{
	static const struct {
		struct record record;
		enum verdict verdict;
		enum flash_state flash;
		enum reason reason;
	} table[] = {
		{{0}, VERDICT_INTERRUPTED, FLASH_UNTOUCHED, REASON_NONE},
		{{.erasing = true}, VERDICT_INTERRUPTED, FLASH_PARTLY, REASON_NONE},
		{{.erasing = true, .written = true}, VERDICT_INTERRUPTED, FLASH_WRITTEN,
			REASON_NONE},
		/* a record that cannot be: nothing good is said of it */
		{{.left = true}, VERDICT_INTERRUPTED, FLASH_UNTOUCHED, REASON_NONE},
		{{.erasing = true, .end = "completed", .flash = "partly"}, VERDICT_INTERRUPTED,
			FLASH_PARTLY, REASON_NONE},
		{{.end = "refused", .flash = "untouched"}, VERDICT_INTERRUPTED, FLASH_UNTOUCHED,
			REASON_NONE},
		{{.end = "refused", .reason = "html", .flash = "untouched"}, VERDICT_REFUSED,
			FLASH_UNTOUCHED, REASON_HTML},
		{{.erasing = true, .end = "failed", .reason = "write", .flash = "partly"},
			VERDICT_FAILED, FLASH_PARTLY, REASON_WRITE},
		{{.erasing = true, .end = "failed", .reason = "erase", .flash = "erased"},
			VERDICT_FAILED, FLASH_ERASED, REASON_ERASE},
		{{.erasing = true, .end = "interrupted", .reason = "vanished", .flash = "partly"},
			VERDICT_INTERRUPTED, FLASH_PARTLY, REASON_VANISHED},
	};
	struct story s;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		story_resume(&s, &any, &table[i].record);
		story_ended(&s, table[i].verdict, RETURN_NONE);
		assert_int_equal(s.a.flash, table[i].flash);
		assert_int_equal(s.a.reason, table[i].reason);
		assert_int_equal(s.a.erasing, table[i].record.erasing);
	}
}

static void test_resume_watching(void **state)
{
	static const struct {
		struct record record;
		enum verdict verdict;
	} table[] = {
		{{.erasing = true, .written = true, .verified = true, .left = true},
			VERDICT_RETURNED},
		{{.erasing = true, .written = true, .left = true}, VERDICT_RETURNED},
		{{.verified = true, .left = true}, VERDICT_UNCHANGED},
		{{.verified = true}, VERDICT_UNCHANGED},
		{{.erasing = true,
			 .written = true,
			 .verified = true,
			 .left = true,
			 .end = "completed",
			 .flash = "written",
			 .checked_by = "read-back",
			 .bytes_written = 44388},
			VERDICT_RETURNED},
	};
	struct story s;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		story_resume(&s, &any, &table[i].record);
		assert_int_equal(s.a.state, ATTEMPT_WATCHING);
		assert_int_equal(s.a.outcome.bytes_written, table[i].record.bytes_written);
		story_present(&s, false, true);
		story_timer(&s);
		story_ended(&s, table[i].verdict, RETURN_AS_EXPECTED);
		assert_int_equal(s.a.checked_by,
			table[i].record.verified ? VERIFIED_READ_BACK : VERIFIED_NO);

		story_resume(&s, &any, &table[i].record);
		story_timer(&s);
		story_ended(&s, VERDICT_STAYED, RETURN_STAYED);
		story_resume(&s, &any, &table[i].record);
		story_event(&s, ATTEMPT_EVENT_ABSENT);
		story_timer(&s);
		story_ended(&s, VERDICT_GONE, RETURN_NONE);
		story_resume(&s, &no_usb, &table[i].record);
		story_event(&s, ATTEMPT_EVENT_ABSENT);
		story_timer(&s);
		story_ended(&s, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED);
		story_resume(&s, &any, &table[i].record);
		story_present(&s, true, false);
		story_timer(&s);
		story_ended(&s, VERDICT_BACK_IN_DFU, RETURN_DFU);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_returned),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_before_outcome),
		cmocka_unit_test(test_back_in_dfu),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_stayed),
		cmocka_unit_test(test_stayed_after_early_absence),
		cmocka_unit_test(test_other_then_expected),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_expects_any),
		cmocka_unit_test(test_expects_none),
		cmocka_unit_test(test_flapping),
		cmocka_unit_test(test_flapped_once),
		cmocka_unit_test(test_late_in_window),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_lying_worker),
		cmocka_unit_test(test_died),
		cmocka_unit_test(test_died_before_leave),
		cmocka_unit_test(test_died_unable),
		cmocka_unit_test(test_died_after_leave),
		cmocka_unit_test(test_resume_ended),
		cmocka_unit_test(test_resume_watching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
