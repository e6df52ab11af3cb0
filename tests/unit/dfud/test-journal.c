/* SPDX-License-Identifier: MIT */
/* Lines of the journal: ids, priorities, what is left out, and the terminal. Design 6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "dfud/journal.h"
#include "said.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static const char *const events[] = {"started", "reloaded", "stopping", "config-error", "queued",
	"ignored", "cancelled", "expired", "appeared", "unmatched", "waiting", "held", "flashing",
	"checked", "saved", "erased", "flashed", "leaving", "verdict", "late-return", "settled"};

static int listen_to_journal(void **state)
{
	said_listens = true;
	said_clear();
	journal_open();
	return 0;
}

/* Says something with a verdict and a reason, in either order, and returns the line's id. */
static const char *id_of(
	enum journal_event event, enum verdict verdict, enum reason reason, bool reason_first)
{
	struct journal_line line;

	said_clear();
	journal_begin(&line, event, LOG_INFO);
	if (reason_first) {
		journal_add_reason(&line, reason);
	}
	if (verdict >= 0) {
		journal_add_verdict(&line, verdict);
	}
	if (!reason_first) {
		journal_add_reason(&line, reason);
	}
	journal_say(&line, "something");
	assert_int_equal(said_n(), 1);
	return said_field(0, "MESSAGE_ID");
}

static void test_line(void **state)
{
	struct journal_line line;

	journal_begin(&line, EVENT_QUEUED, LOG_INFO);
	journal_add(&line, "FILE", "%s.bin", "klipper");
	journal_add(&line, "SHA256", "%s", "");
	journal_say(&line, "%s is %d", "it", 5);
	assert_int_equal(said_n(), 1);
	assert_string_equal(said_message(0), "it is 5");
	assert_string_equal(said_field(0, "DFUD_EVENT"), "queued");
	assert_string_equal(said_field(0, "DFUD_FILE"), "klipper.bin");
	assert_string_equal(said_field(0, "PRIORITY"), "6");
	assert_string_equal(said_field(0, "SYSLOG_IDENTIFIER"), "dfud");
	assert_null(said_field(0, "DFUD_SHA256"));
	assert_null(said_field(0, "DFUD_REASON"));
	assert_null(said_field(0, "DFUD_VERDICT"));
}

static void test_events(void **state)
{
	assert_int_equal(_EVENT_MAX, N(events));
	for (size_t i = 0; i < N(events); i++) {
		(void)id_of((enum journal_event)i, _VERDICT_INVALID, REASON_NONE, false);
		assert_string_equal(said_field(0, "DFUD_EVENT"), events[i]);
		assert_string_equal(journal_event_to_string((enum journal_event)i), events[i]);
	}
}

static void check_new_id(const char *id, char (*ids)[40], size_t *n)
{
	assert_non_null(id);
	assert_int_equal(strlen(id), 32);
	assert_int_equal(strspn(id, "0123456789abcdef"), 32);
	for (size_t i = 0; i < *n; i++) {
		assert_string_not_equal(ids[i], id);
	}
	strcpy(ids[(*n)++], id);
}

/* One for each event, each verdict and each reason, and no two alike. */
static void test_ids(void **state)
{
	static char ids[_EVENT_MAX + _VERDICT_MAX + _REASON_MAX][40];
	size_t n = 0;

	for (int i = 0; i < _EVENT_MAX; i++) {
		check_new_id(id_of((enum journal_event)i, _VERDICT_INVALID, REASON_NONE, false),
			ids, &n);
	}
	for (int i = 0; i < _VERDICT_MAX; i++) {
		check_new_id(id_of(EVENT_VERDICT, (enum verdict)i, REASON_NONE, false), ids, &n);
		assert_string_equal(
			said_field(0, "DFUD_VERDICT"), verdict_to_string((enum verdict)i));
	}
	for (int i = REASON_NONE + 1; i < _REASON_MAX; i++) {
		check_new_id(id_of(EVENT_HELD, _VERDICT_INVALID, (enum reason)i, false), ids, &n);
		assert_string_equal(said_field(0, "DFUD_REASON"), reason_to_string((enum reason)i));
	}
}

/* The reason's wins over the verdict's, and that over the event's, whichever came first. */
static void test_most_particular_id(void **state)
{
	char reason[40];

	strcpy(reason, id_of(EVENT_HELD, _VERDICT_INVALID, REASON_BUSY, false));
	assert_string_equal(id_of(EVENT_VERDICT, VERDICT_REFUSED, REASON_BUSY, true), reason);
	assert_string_equal(id_of(EVENT_VERDICT, VERDICT_REFUSED, REASON_BUSY, false), reason);
}

/* Design 6, the table of verdicts. */
static void test_priorities(void **state)
{
	for (int i = 0; i < _VERDICT_MAX; i++) {
		const char *wanted = "4";

		switch ((enum verdict)i) {
		case VERDICT_RETURNED:
		case VERDICT_UNCHANGED:
		case VERDICT_NOT_EXPECTED:
		case VERDICT_CANCELLED:
			wanted = "5";
			break;
		case VERDICT_REFUSED:
		case VERDICT_FAILED:
		case VERDICT_INTERRUPTED:
			wanted = "3";
			break;
		case VERDICT_RETURNED_OTHER:
		case VERDICT_BACK_IN_DFU:
		case VERDICT_NOT_ENUMERATING:
		case VERDICT_GONE:
		case VERDICT_STAYED:
		case _VERDICT_MAX:
		case _VERDICT_INVALID:
			break;
		}
		(void)id_of(EVENT_VERDICT, (enum verdict)i, REASON_NONE, false);
		assert_string_equal(said_field(0, "PRIORITY"), wanted);
	}
}

/* Raw in its own field: a newline does not end it. */
static void test_raw(void **state)
{
	struct journal_line line;

	journal_begin(&line, EVENT_QUEUED, LOG_INFO);
	journal_add(&line, "FILE", "%s", "a\nMESSAGE=b\xff.bin");
	journal_say(&line, "x");
	assert_string_equal(said_field(0, "DFUD_FILE"), "a\nMESSAGE=b\xff.bin");
	assert_string_equal(said_message(0), "x");
}

/* Fields that do not fit are left out; the sentence, its priority and its id are the last to go. */
static void test_too_much(void **state)
{
	struct journal_line line;
	char value[5000];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	journal_begin(&line, EVENT_QUEUED, LOG_WARNING);
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "F%d", i);
		journal_add(&line, name, "%s", value);
	}
	journal_add_reason(&line, REASON_BUSY);
	journal_say(&line, "%s", value);
	assert_string_equal(said_field(0, "DFUD_EVENT"), "queued");
	assert_true(strlen(said_message(0)) > 1000);
	assert_true(strspn(said_message(0), "v") == strlen(said_message(0)));
	assert_string_equal(said_field(0, "PRIORITY"), "4");
	assert_string_equal(said_field(0, "SYSLOG_IDENTIFIER"), "dfud");
	assert_int_equal(strlen(said_field(0, "MESSAGE_ID")), 32);
}

static void test_too_many(void **state)
{
	struct journal_line line;

	journal_begin(&line, EVENT_QUEUED, LOG_INFO);
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "F%d", i);
		journal_add(&line, name, "x");
	}
	journal_say(&line, "still here");
	assert_string_equal(said_message(0), "still here");
	assert_int_equal(strlen(said_field(0, "MESSAGE_ID")), 32);
	assert_true(said_n_fields(0) <= JOURNAL_MAX_FIELDS);
}

/* Says a line of that priority where no journal listens, and returns what stderr got. */
static void say_to_terminal(int priority, char *ret, size_t size)
{
	FILE *file = tmpfile();
	const int kept = dup(STDERR_FILENO);
	struct journal_line line;
	size_t n;

	assert_non_null(file);
	assert_true(kept >= 0);
	fflush(stderr);
	assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	journal_begin(&line, EVENT_QUEUED, priority);
	journal_add(&line, "FILE", "klipper.bin");
	journal_say(&line, "%s is queued", "klipper.bin");
	fflush(stderr);
	(void)dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	n = fread(ret, 1, size - 1, file);
	ret[n] = '\0';
	fclose(file);
}

static void test_terminal(void **state)
{
	char text[256];

	said_listens = false;
	journal_open();
	say_to_terminal(LOG_INFO, text, sizeof(text));
	assert_string_equal(text, "klipper.bin is queued\n");
	say_to_terminal(LOG_ERR, text, sizeof(text));
	assert_string_equal(text, "klipper.bin is queued\n");
	say_to_terminal(LOG_DEBUG, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(said_n(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_line, listen_to_journal),
		cmocka_unit_test_setup(test_events, listen_to_journal),
		cmocka_unit_test_setup(test_ids, listen_to_journal),
		cmocka_unit_test_setup(test_most_particular_id, listen_to_journal),
		cmocka_unit_test_setup(test_priorities, listen_to_journal),
		cmocka_unit_test_setup(test_raw, listen_to_journal),
		cmocka_unit_test_setup(test_too_much, listen_to_journal),
		cmocka_unit_test_setup(test_too_many, listen_to_journal),
		cmocka_unit_test_setup(test_terminal, listen_to_journal),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
