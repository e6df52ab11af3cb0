/* SPDX-License-Identifier: MIT */
/*
 * The words of the journal: reasons, verdicts and what they follow from. The lists here are written
 * down once more, from the design, so that a word that is lost or changed in one place shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <syslog.h>

#include <cmocka.h>

#include "dfud/journal-ids.h"
#include "record/reason.h"
#include "record/verdict.h"

static const char *const file_reasons[] = {"empty", "text", "html", "compressed", "damaged",
	"truncated", "too-large", "unreadable", "not-regular", "linked", "format", "signature"};
static const char *const target_reasons[] = {"unknown-image", "link-address", "wrong-chip",
	"wrong-device", "outside-map", "not-writable", "mid-sector", "protected", "read-protected",
	"would-overwrite-bootloader", "alternate", "no-backup"};
static const char *const choice_reasons[] = {
	"two-boards", "two-files", "port-not-allowed", "expired", "superseded", "attempts"};
static const char *const device_reasons[] = {
	"erase", "write", "verify", "stall", "timeout", "protocol", "vanished", "write-protected"};
static const char *const host_reasons[] = {
	"no-access", "busy", "no-space", "worker-crashed", "worker-deadline", "config"};

static const struct {
	const char *const *words;
	size_t n;
} reason_lists[_REASON_CLASS_MAX] = {
#define LIST(words)                                                                                \
	{                                                                                          \
		words, sizeof(words) / sizeof(*words)                                              \
	}
	[REASON_CLASS_FILE] = LIST(file_reasons),
	[REASON_CLASS_TARGET] = LIST(target_reasons),
	[REASON_CLASS_CHOICE] = LIST(choice_reasons),
	[REASON_CLASS_DEVICE] = LIST(device_reasons),
	[REASON_CLASS_HOST] = LIST(host_reasons),
};

#define WORD(name, word, id) word,
#define ID(name, word, id)   id,
static const char *const journal_reasons[] = {JOURNAL_REASONS(WORD)};
static const char *const journal_verdicts[] = {JOURNAL_VERDICTS(WORD)};
static const char *const journal_events[] = {JOURNAL_EVENTS(WORD)};
static const char *const journal_ids[] = {
	JOURNAL_EVENTS(ID) JOURNAL_VERDICTS(ID) JOURNAL_REASONS(ID)};

#define N(array) (sizeof(array) / sizeof(*(array)))

static unsigned count(const char *const *words, size_t n, const char *word)
{
	unsigned found = 0;

	for (size_t i = 0; i < n; i++) {
		found += strcmp(words[i], word) == 0;
	}
	return found;
}

static void test_reasons(void **state)
{
	size_t n = 0;

	(void)state;
	for (int kind = 0; kind < _REASON_CLASS_MAX; kind++) {
		for (size_t i = 0; i < reason_lists[kind].n; i++) {
			const char *word = reason_lists[kind].words[i];
			const enum reason reason = reason_from_string(word);

			if (reason <= REASON_NONE) {
				fail_msg("no reason: %s", word);
			}
			assert_string_equal(reason_to_string(reason), word);
			assert_int_equal(reason_class(reason), kind);
			assert_int_equal(count(journal_reasons, N(journal_reasons), word), 1);
			n++;
		}
	}
	assert_int_equal(n, _REASON_MAX - 1); /* and no others */
	assert_int_equal(n, N(journal_reasons));
	assert_int_equal(reason_from_string(""), REASON_NONE);
	assert_string_equal(reason_to_string(REASON_NONE), "");
	assert_int_equal(reason_from_string("Empty"), _REASON_INVALID);
	assert_int_equal(reason_from_string("empty "), _REASON_INVALID);
	assert_int_equal(reason_from_string("none"), _REASON_INVALID);
}

static void test_events(void **state)
{
	static const char *const events[] = {"started", "reloaded", "stopping", "config-error",
		"queued", "ignored", "cancelled", "expired", "appeared", "unmatched", "waiting",
		"held", "flashing", "checked", "saved", "erased", "flashed", "leaving", "verdict",
		"late-return", "settled"};

	(void)state;
	assert_int_equal(N(events), N(journal_events));
	for (size_t i = 0; i < N(events); i++) {
		assert_int_equal(count(journal_events, N(journal_events), events[i]), 1);
	}
}

/* 128 bits in hexadecimal, none twice. */
static void test_ids(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(journal_ids); i++) {
		assert_int_equal(strlen(journal_ids[i]), 32);
		assert_int_equal(strspn(journal_ids[i], "0123456789abcdef"), 32);
		assert_int_equal(count(journal_ids, N(journal_ids), journal_ids[i]), 1);
	}
}

static const struct {
	const char *word;
	int priority;
	bool flashed;
} verdicts[] = {
	{"returned", LOG_NOTICE, true},
	{"unchanged", LOG_NOTICE, true},
	{"not-expected", LOG_NOTICE, true},
	{"returned-other", LOG_WARNING, true},
	{"back-in-dfu", LOG_WARNING, true},
	{"not-enumerating", LOG_WARNING, true},
	{"gone", LOG_WARNING, true},
	{"stayed", LOG_WARNING, true},
	{"refused", LOG_ERR, false},
	{"failed", LOG_ERR, false},
	{"interrupted", LOG_ERR, false},
	{"cancelled", LOG_NOTICE, false},
};

static void test_verdicts(void **state)
{
	(void)state;
	assert_int_equal(N(verdicts), _VERDICT_MAX);
	assert_int_equal(N(verdicts), N(journal_verdicts));
	for (int i = 0; i < _VERDICT_MAX; i++) {
		const char *word = verdict_to_string((enum verdict)i);
		size_t k = 0;

		assert_int_equal(count(journal_verdicts, N(journal_verdicts), word), 1);
		while (k < N(verdicts) && strcmp(verdicts[k].word, word) != 0) {
			k++;
		}
		assert_true(k < N(verdicts));
		assert_int_equal(verdict_priority((enum verdict)i), verdicts[k].priority);
		assert_int_equal(verdict_is_flashed((enum verdict)i) != 0, verdicts[k].flashed);
	}
}

/* The table, all of it. Where a completed attempt has no flash to show, nothing good is said. */
static const char *expected(enum attempt_end end, enum flash_state flash, enum return_kind back)
{
	static const char *const of_return[_RETURN_MAX] = {
		[RETURN_NONE] = "gone",
		[RETURN_AS_EXPECTED] = "returned",
		[RETURN_OTHER] = "returned-other",
		[RETURN_DFU] = "back-in-dfu",
		[RETURN_NOT_ENUMERATING] = "not-enumerating",
		[RETURN_NOT_EXPECTED] = "not-expected",
		[RETURN_STAYED] = "stayed",
		[RETURN_LATE] = "gone",
	};

	if (end != END_COMPLETED) {
		return attempt_end_to_string(end);
	}
	if (flash != FLASH_WRITTEN && flash != FLASH_UNCHANGED) {
		return "failed";
	}
	if (flash == FLASH_UNCHANGED && back == RETURN_AS_EXPECTED) {
		return "unchanged";
	}
	return of_return[back];
}

static void test_table(void **state)
{
	(void)state;
	for (int end = 0; end < _END_MAX; end++) {
		for (int flash = 0; flash < _FLASH_MAX; flash++) {
			for (int back = 0; back < _RETURN_MAX; back++) {
				const enum verdict verdict = verdict_of((enum attempt_end)end,
					(enum flash_state)flash, (enum return_kind)back);

				assert_string_equal(verdict_to_string(verdict),
					expected((enum attempt_end)end, (enum flash_state)flash,
						(enum return_kind)back));
			}
		}
	}
}

static void test_words(void **state)
{
	static const char *const ends[] = {
		"completed", "refused", "failed", "interrupted", "cancelled"};
	static const char *const flashes[] = {
		"untouched", "unchanged", "erased", "partly", "written"};
	static const char *const checks[] = {"no", "device", "read-back"};
	static const char *const returns[] = {"none", "as-expected", "other", "dfu",
		"not-enumerating", "not-expected", "stayed", "late"};

	(void)state;
	assert_int_equal(N(ends), _END_MAX);
	for (size_t i = 0; i < N(ends); i++) {
		assert_int_equal(attempt_end_from_string(ends[i]), i);
		assert_string_equal(attempt_end_to_string((enum attempt_end)i), ends[i]);
	}
	assert_int_equal(N(flashes), _FLASH_MAX);
	for (size_t i = 0; i < N(flashes); i++) {
		assert_int_equal(flash_state_from_string(flashes[i]), i);
		assert_string_equal(flash_state_to_string((enum flash_state)i), flashes[i]);
	}
	assert_int_equal(N(checks), _VERIFIED_MAX);
	for (size_t i = 0; i < N(checks); i++) {
		assert_int_equal(verified_by_from_string(checks[i]), i);
		assert_string_equal(verified_by_to_string((enum verified_by)i), checks[i]);
	}
	assert_int_equal(N(returns), _RETURN_MAX);
	for (size_t i = 0; i < N(returns); i++) {
		assert_string_equal(return_kind_to_string((enum return_kind)i), returns[i]);
	}
	assert_int_equal(attempt_end_from_string(""), _END_INVALID);
	assert_int_equal(attempt_end_from_string("Completed"), _END_INVALID);
	assert_int_equal(flash_state_from_string("writte"), _FLASH_INVALID);
	assert_int_equal(verified_by_from_string("yes"), _VERIFIED_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
