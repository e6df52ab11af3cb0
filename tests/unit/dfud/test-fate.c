/* SPDX-License-Identifier: MIT */
/*
 * What becomes of file and visit: every verdict with every reason, every state of the flash and
 * every count of attempts, against the table of design 4 (with amendments 2, 3 and 9).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dfud/fate.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

/* The reasons of a refusal, as the design and its amendments list them. */
static const char *const file_reasons[] = {"empty", "text", "html", "compressed", "damaged",
	"truncated", "too-large", "unreadable", "not-regular", "linked", "format", "signature"};
static const char *const target_reasons[] = {"unknown-image", "link-address", "wrong-chip",
	"wrong-device", "outside-map", "not-writable", "mid-sector", "protected", "read-protected",
	"would-overwrite-bootloader", "alternate", "no-backup"};
static const char *const choice_reasons[] = {"two-boards", "two-files", "port-not-allowed"};
static const char *const host_reasons[] = {"no-access", "busy", "no-space"};

static bool is_one_of(enum reason reason, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(reason_to_string(reason), words[i]) == 0) {
			return true;
		}
	}
	return false;
}

static struct fate_input input_of(enum verdict verdict)
{
	return (struct fate_input){
		.verdict = verdict,
		.reason = REASON_NONE,
		.flash = FLASH_UNTOUCHED,
		.attempts = 1,
		.max_attempts = 3,
		.file_is_there = true,
	};
}

/* Verified is done, whatever came back, whatever else is said, and never again in this visit. */
static void test_flashed(void **state)
{
	static const enum verdict verdicts[] = {VERDICT_RETURNED, VERDICT_UNCHANGED,
		VERDICT_NOT_EXPECTED, VERDICT_RETURNED_OTHER, VERDICT_BACK_IN_DFU,
		VERDICT_NOT_ENUMERATING, VERDICT_GONE, VERDICT_STAYED};

	for (size_t i = 0; i < N(verdicts); i++) {
		for (unsigned attempts = 0; attempts < 8; attempts++) {
			struct fate_input input = input_of(verdicts[i]);
			struct fate_output fate;

			input.attempts = attempts;
			input.flash = attempts % 2 ? FLASH_WRITTEN : FLASH_UNCHANGED;
			fate = fate_of(&input);
			assert_int_equal(fate.fate, FATE_DONE);
			assert_true(fate.remembers);
			assert_int_equal(fate.again, PORT_NEVER);
			assert_false(fate.counts);
		}
	}
}

static void check_refusal(enum reason reason, struct fate_output fate)
{
	const char *word = reason_to_string(reason);

	if (fate.counts) {
		fail_msg("%s counts as an attempt", word);
	}
	if (is_one_of(reason, file_reasons, N(file_reasons))) {
		assert_int_equal(fate.fate, FATE_FAILED);
		assert_false(fate.remembers);
		return;
	}
	if (fate.fate != FATE_STAYS) {
		fail_msg("%s does not leave the file", word);
	}
	if (is_one_of(reason, target_reasons, N(target_reasons)) &&
		(!fate.remembers || fate.again != PORT_AFTER_RELOAD)) {
		fail_msg("%s is tried again in the same visit", word);
	}
	if (is_one_of(reason, host_reasons, N(host_reasons)) &&
		(!fate.remembers || fate.again != PORT_AFTER_PAUSE)) {
		fail_msg("%s is not tried again in a minute", word);
	}
	if (is_one_of(reason, choice_reasons, N(choice_reasons)) && fate.remembers) {
		fail_msg("%s holds the board when the choice is clear", word);
	}
}

static void test_refused(void **state)
{
	for (int reason = REASON_NONE + 1; reason < _REASON_MAX; reason++) {
		for (unsigned attempts = 0; attempts < 8; attempts++) {
			struct fate_input input = input_of(VERDICT_REFUSED);

			input.reason = (enum reason)reason;
			input.attempts = attempts;
			check_refusal(input.reason, fate_of(&input));
		}
	}
}

/* Killed by a person or a crash: retried at once. Not the worker that we killed for its time. */
static bool is_killed(const struct fate_input *in)
{
	return in->verdict == VERDICT_INTERRUPTED &&
	       (in->reason == REASON_NONE || in->reason == REASON_WORKER_CRASHED);
}

static void check_failure(const struct fate_input *in, struct fate_output fate)
{
	assert_true(fate.counts);
	if (in->attempts >= in->max_attempts) {
		assert_int_equal(fate.fate, FATE_FAILED);
		return;
	}
	assert_int_equal(fate.fate, FATE_STAYS);
	if (is_killed(in)) {
		assert_false(fate.remembers);
	} else {
		assert_true(fate.remembers);
		assert_int_equal(
			fate.again, in->flash == FLASH_UNTOUCHED ? PORT_ONCE_MORE : PORT_NEVER);
	}
}

static void test_failed_and_interrupted(void **state)
{
	static const enum verdict verdicts[] = {VERDICT_FAILED, VERDICT_INTERRUPTED};
	static const enum flash_state flashes[] = {
		FLASH_UNTOUCHED, FLASH_ERASED, FLASH_PARTLY, FLASH_WRITTEN};

	for (size_t v = 0; v < N(verdicts); v++) {
		for (int reason = REASON_NONE; reason < _REASON_MAX; reason++) {
			for (size_t f = 0; f < N(flashes) * 8; f++) {
				struct fate_input input = input_of(verdicts[v]);

				input.reason = (enum reason)reason;
				input.flash = flashes[f % N(flashes)];
				input.attempts = 1 + (unsigned)(f / N(flashes));
				input.max_attempts = 1 + (unsigned)reason % 4;
				check_failure(&input, fate_of(&input));
			}
		}
	}
}

/* dfud is being stopped: the file is not lost. */
static void test_cancelled(void **state)
{
	const struct fate_input input = input_of(VERDICT_CANCELLED);
	const struct fate_output fate = fate_of(&input);

	assert_int_equal(fate.fate, FATE_STAYS);
	assert_false(fate.counts);
	assert_false(fate.remembers);
}

/* Nothing of a file that a person took away is moved, whatever the end was. */
static void test_file_is_gone(void **state)
{
	for (int verdict = VERDICT_REFUSED; verdict < _VERDICT_MAX; verdict++) {
		for (int reason = REASON_NONE + 1; reason < _REASON_MAX; reason++) {
			struct fate_input input = input_of((enum verdict)verdict);

			input.reason = (enum reason)reason;
			input.file_is_there = false;
			assert_int_equal(fate_of(&input).fate, FATE_GONE);
		}
	}
}

/* The lists above and the program's classes are the same lists. */
static void test_lists_are_whole(void **state)
{
	size_t n[_REASON_CLASS_MAX] = {0};

	for (int reason = REASON_NONE + 1; reason < _REASON_MAX; reason++) {
		n[reason_class((enum reason)reason)]++;
	}
	assert_int_equal(n[REASON_CLASS_FILE], N(file_reasons));
	assert_int_equal(n[REASON_CLASS_TARGET], N(target_reasons));
	for (size_t i = 0; i < N(target_reasons); i++) {
		assert_true(reason_from_string(target_reasons[i]) > REASON_NONE);
	}
	for (size_t i = 0; i < N(file_reasons); i++) {
		assert_true(reason_from_string(file_reasons[i]) > REASON_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flashed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_failed_and_interrupted),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_file_is_gone),
		cmocka_unit_test(test_lists_are_whole),
	};

	return cmocka_run_group_tests_name("fate", tests, NULL, NULL);
}
