/* SPDX-License-Identifier: MIT */
/* Ini text: what is told, what is refused, and that the line numbers are exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

/* What was told, as text: "1[Match] 2Match.Id=x 3Match! " */
struct test_trace {
	char text[4096];
	size_t n;
	unsigned last;
	int result;
};

static int test_on_line(void *user, const struct ini_line *line)
{
	struct test_trace *trace = user;
	char *at = trace->text + trace->n;
	size_t left = sizeof(trace->text) - trace->n;

	assert_true(line->number > trace->last);
	trace->last = line->number;
	switch (line->kind) {
	case INI_SECTION:
		assert_null(line->key);
		assert_null(line->value);
		snprintf(at, left, "%u[%s] ", line->number, line->section);
		break;
	case INI_KEY:
		snprintf(at, left, "%u%s.%s=%s ", line->number, line->section, line->key,
			line->value);
		break;
	case INI_REFUSED:
		assert_null(line->key);
		assert_null(line->value);
		snprintf(at, left, "%u%s! ", line->number, line->section);
		break;
	}
	trace->n = strlen(trace->text);
	return trace->result;
}

static void test_read(
	const char *text, size_t size, const char *expected, struct config_problems *problems)
{
	struct test_trace trace = {0};
	char *copy = malloc(size); /* of exactly this size, for the address sanitizer */

	if (size > 0) {
		assert_non_null(copy);
		memcpy(copy, text, size);
	}
	assert_int_equal(ini_read("x.conf", copy, size, test_on_line, &trace, problems), 0);
	assert_string_equal(trace.text, expected);
	free(copy);
}

static void test_good(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"", ""},
		{"\n\n", ""},
		{"[A]", "1[A] "},
		{"[A]\nk=v", "1[A] 2A.k=v "},
		{"[A]\nk=v\n", "1[A] 2A.k=v "},
		{"# c\n;c\n\n \t \n[A]\n\nk=v\n", "5[A] 7A.k=v "},
		{"[A]\r\nk=v\r\n\r\n#c\r\nl=w\r", "1[A] 2A.k=v 5A.l=w "},
		{"\xef\xbb\xbf[A]\nk=v\n", "1[A] 2A.k=v "},
		{"[A]\nk = v w \t\n", "1[A] 2A.k=v w "},
		{"[A]\nk=\nl = \n", "1[A] 2A.k= 3A.l= "},
		{"[A]\nk=a=b:c\n", "1[A] 2A.k=a=b:c "},
		{"[A]\nk=a;b#c\nl=#d\n", "1[A] 2A.k=a;b#c 3A.l=#d "},
		{"[A]\nk=\"v\"\n", "1[A] 2A.k=\"v\" "},
		{"[A]\nk=1\n[B]\nk=2\n[A]\nk=3\n", "1[A] 2A.k=1 3[B] 4B.k=2 5[A] 6A.k=3 "},
		{"[123456789 123456789 123456789 123456789 123456789]\nk=v",
			"1[123456789 123456789 123456789 123456789 123456789] "
			"2123456789 123456789 123456789 123456789 123456789.k=v "},
		{"[A B]\nk=\xc3\xa4\n", "1[A B] 2A B.k=\xc3\xa4 "},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct config_problems problems = CONFIG_PROBLEMS_INIT;

		print_message("%zu\n", i);
		test_read(rows[i].text, strlen(rows[i].text), rows[i].expected, &problems);
		assert_int_equal(problems.n, 0);
		assert_false(problems.overflow);
		config_problems_done(&problems);
	}
}

#define TEXT(text) text, sizeof(text) - 1

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *expected;
		unsigned line;
		const char *key, *part;
	} rows[] = {
		{TEXT("[A]\n k=v\nl=w\n"), "1[A] 2A! 3A.l=w ", 2, "", "indented"},
		{TEXT("[A]\nk=v\n\tw\n"), "1[A] 2A.k=v 3A! ", 3, "", "indented"},
		{TEXT("[A]\n # c\n"), "1[A] 2A! ", 2, "", "indented"},
		{TEXT(" [A]\n"), "1! ", 1, "", "indented"},
		{TEXT("[A]\n\nk\n"), "1[A] 3A! ", 3, "", "no '='"},
		{TEXT("[A]\nk: v\n"), "1[A] 2A! ", 2, "", "not ':'"},
		{TEXT("[A]\nId:0483=x\n"), "1[A] 2A! ", 2, "Id", "not ':'"},
		{TEXT("[A]\n=v\n"), "1[A] 2A! ", 2, "", "no key"},
		{TEXT("\n\nk=v\nl=w\n[A]\nm=x\n"), "3! 5[A] 6A.m=x ", 3, "k", "before the first"},
		{TEXT("[A\nk=v\n[B]\nl=w\n"), "1! 3[B] 4B.l=w ", 1, "", "no ']'"},
		{TEXT("[A]\nk=v\n[B\nl=w\n"), "1[A] 2A.k=v 3! ", 3, "", "no ']'"},
		{TEXT("[A] x=1\n"), "1! ", 1, "", "behind the ']'"},
		{TEXT("[A] # c\n"), "1! ", 1, "", "behind the ']'"},
		{TEXT("[A]]\n"), "1! ", 1, "", "behind the ']'"},
		{TEXT("[]\n"), "1! ", 1, "", "no name"},
		{TEXT("[A #b]\n"), "1! ", 1, "", "of their own"},
		{TEXT("[123456789 123456789 123456789 123456789 1234567890]\n"), "1! ", 1, "",
			"no name"},
		{TEXT("[A]\nk=v ; c\n"), "1[A] 2A! ", 2, "k", "of their own"},
		{TEXT("[A]\nk=v\t# c\n"), "1[A] 2A! ", 2, "k", "of their own"},
		{TEXT("[A]\nk= # c\n"), "1[A] 2A! ", 2, "k", "of their own"},
		{TEXT("[A]\nk=v\0w\n"), "1[A] 2A! ", 2, "k", "control"},
		{TEXT("[A]\nk=v\rl=w\n"), "1[A] 2A! ", 2, "k", "control"},
		{TEXT("[A]\nk=v\r\r\n"), "1[A] 2A! ", 2, "k", "control"},
		{TEXT("[A]\nk=\x1b[0m\n"), "1[A] 2A! ", 2, "k", "control"},
		{TEXT("[A]\n#\x7f\n"), "1[A] 2A! ", 2, "", "control"},
		{TEXT("\0"), "1! ", 1, "", "control"},
		{TEXT("k=1\n\xef\xbb\xbf[A]\n"), "1! 2! ", 1, "k", "before the first"},
		{TEXT("\xff\xfe[\0A\0]\0"), "1! ", 1, "", "control"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct config_problems problems = CONFIG_PROBLEMS_INIT;

		print_message("%zu\n", i);
		test_read(rows[i].text, rows[i].size, rows[i].expected, &problems);
		assert_true(problems.n >= 1);
		assert_string_equal(problems.items[0].file, "x.conf");
		assert_int_equal(problems.items[0].line, rows[i].line);
		assert_string_equal(problems.items[0].key, rows[i].key);
		assert_non_null(strstr(problems.items[0].text, rows[i].part));
		config_problems_done(&problems);
	}
}

/* A line of n characters between two others: none of it may become a key of its own. */
static void test_long_line(size_t n, bool is_good)
{
	static char text[100000], expected[4096];
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	char *line = text + sprintf(text, "[A]\n");

	memset(line, '=', n);
	line[0] = 'k';
	strcpy(line + n, "\nl=w\n");
	snprintf(expected, sizeof(expected), "1[A] %s%.*s 3A.l=w ", is_good ? "2A." : "2A!",
		is_good ? (int)n : 0, line);
	test_read(text, strlen(text), expected, &problems);
	assert_int_equal(problems.n, !is_good);
	if (!is_good) {
		assert_int_equal(problems.items[0].line, 2);
		assert_string_equal(problems.items[0].key, "k");
		assert_non_null(strstr(problems.items[0].text, "too long"));
	}
	config_problems_done(&problems);
}

static void test_long_lines(void **state)
{
	test_long_line(INI_LINE_MAX - 1, true);
	test_long_line(INI_LINE_MAX, true);
	for (size_t n = INI_LINE_MAX + 1; n < 420; n++) {
		test_long_line(n, false);
	}
	test_long_line(90000, false);
}

static void test_out_of_memory(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct test_trace trace = {.result = -ENOMEM};
	static const char text[] = "[A]\nk=v\nl\nm=x\n";

	assert_int_equal(
		ini_read("x", text, sizeof(text) - 1, test_on_line, &trace, &problems), -ENOMEM);
	assert_string_equal(trace.text, "1[A] ");
	assert_int_equal(problems.n, 0);
}

static void test_problems_overflow(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	char longest[400];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (unsigned i = 0; i < CONFIG_PROBLEMS_MAX; i++) {
		config_problems_add(&problems, longest, i, longest, "%s", longest);
		assert_false(problems.overflow);
	}
	config_problems_add(&problems, "x", 99, "", "one too many");
	assert_true(problems.overflow);
	assert_int_equal(problems.n, CONFIG_PROBLEMS_MAX);
	assert_int_equal(problems.items[CONFIG_PROBLEMS_MAX - 1].line, CONFIG_PROBLEMS_MAX - 1);
	assert_int_equal(strlen(problems.items[0].file), sizeof(problems.items[0].file) - 1);
	assert_int_equal(strlen(problems.items[0].key), sizeof(problems.items[0].key) - 1);
	assert_int_equal(strlen(problems.items[0].text), sizeof(problems.items[0].text) - 1);
	config_problems_done(&problems);
	assert_null(problems.items);
	assert_false(problems.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_problems_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
