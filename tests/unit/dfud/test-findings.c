/* SPDX-License-Identifier: MIT */
/* The lines of a plan as a worker tells them and as a person reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dfud/findings.h"

#define REPORT_ROOM 8192 /* that a report and a terminal have for all of it */

static void take(struct findings *findings, const char *topic, const char *result, const char *text)
{
	struct message m = {.kind = MESSAGE_FINDING};

	strcpy(m.topic, topic);
	strcpy(m.result, result);
	strcpy(m.text, text);
	findings_take(findings, &m);
}

static void check_text(const struct findings *findings, const char *expected)
{
	char text[REPORT_ROOM];

	memset(text, 'x', sizeof(text));
	findings_write(findings, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_nothing(void **state)
{
	const struct findings findings = {.n = 0};

	check_text(&findings, "");
}

static void test_lines(void **state)
{
	struct findings findings = {.n = 0};

	take(&findings, "board", "good", "0483:df11");
	take(&findings, "bootloader", "warning", "0x08000000 holds Katapult");
	take(&findings, "address", "unknown", "0x08008000");
	take(&findings, "chip", "refused", "another one");
	take(&findings, "leave", "plan", "to 0x08008000");
	assert_int_equal(findings.n, 5);
	check_text(&findings, "board       good     0483:df11\n"
			      "bootloader  warning  0x08000000 holds Katapult\n"
			      "address     unknown  0x08008000\n"
			      "chip        refused  another one\n"
			      "leave       plan     to 0x08008000\n");
}

/* Every word of both kinds is a line, and comes back as itself. */
static void test_every_word(void **state)
{
	for (int topic = 0; topic < _FINDING_TOPIC_MAX; topic++) {
		for (int result = 0; result < _FINDING_RESULT_MAX; result++) {
			struct findings findings = {.n = 0};

			take(&findings, finding_topic_to_string((enum finding_topic)topic),
				finding_result_to_string((enum finding_result)result), "x");
			assert_int_equal(findings.n, 1);
			assert_int_equal(findings.items[0].topic, topic);
			assert_int_equal(findings.items[0].result, result);
			assert_string_equal(findings.items[0].text, "x");
		}
	}
}

/* What is no line of a plan is none, and the next one takes its place. */
static void test_other_words(void **state)
{
	static const char *const words[][2] = {{"", "good"}, {"board", ""}, {"Board", "good"},
		{"board", "better"}, {"boards", "good"}, {"good", "board"}};
	struct findings findings = {.n = 0};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		take(&findings, words[i][0], words[i][1], "no line");
		assert_int_equal(findings.n, 0);
	}
	take(&findings, "board", "good", "a line");
	check_text(&findings, "board       good     a line\n");
}

/* A worker reads hostile files and devices: nothing of them makes a line of its own. */
static void test_unclean(void **state)
{
	struct findings findings = {.n = 0};
	char text[REPORT_ROOM];

	take(&findings, "file", "good", "a\nleave       plan     to \x1b[2J\xff");
	findings_write(&findings, text, sizeof(text));
	assert_int_equal(findings.n, 1);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	for (const char *c = text; *c != '\n'; c++) {
		assert_in_range(*c, ' ', '~');
	}
}

/* As many as there is room for; all of them fit where they are shown. */
static void test_limits(void **state)
{
	struct findings findings = {.n = 0};
	char long_text[320], text[REPORT_ROOM];
	size_t n = 0;

	memset(long_text, 'm', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (size_t i = 0; i < FINDINGS_MAX + 3; i++) {
		take(&findings, "bootloader", "warning", i < FINDINGS_MAX ? long_text : "beyond");
	}
	assert_int_equal(findings.n, FINDINGS_MAX);
	findings_write(&findings, text, sizeof(text));
	for (const char *c = text; (c = strchr(c, '\n')); c++) {
		n++;
	}
	assert_int_equal(n, FINDINGS_MAX);
	assert_null(strstr(text, "beyond"));
	assert_true(strlen(text) + 1 < sizeof(text));
}

/* Where there is less room, the beginning is there, and nothing behind it is touched. */
static void test_less_room(void **state)
{
	struct findings findings = {.n = 0};
	char whole[REPORT_ROOM], text[REPORT_ROOM];

	take(&findings, "board", "good", "0483:df11");
	take(&findings, "leave", "plan", "to 0x08008000");
	findings_write(&findings, whole, sizeof(whole));
	for (size_t size = 1; size < strlen(whole) + 2; size++) {
		const size_t n = size - 1 < strlen(whole) ? size - 1 : strlen(whole);

		memset(text, 'x', sizeof(text));
		findings_write(&findings, text, size);
		assert_int_equal(strlen(text), n);
		assert_memory_equal(text, whole, n);
		assert_int_equal(text[size], 'x');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_every_word),
		cmocka_unit_test(test_other_words),
		cmocka_unit_test(test_unclean),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_less_room),
	};

	return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
