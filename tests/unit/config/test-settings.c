/* SPDX-License-Identifier: MIT */
/* dfud.conf: defaults, limits, one file over the other, and what is told about a slip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "config/settings.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static const struct settings test_defaults = {16 << 20, 86400000, 1000, 128};

static void test_lay(struct settings *settings, const char *text, struct config_problems *problems)
{
	assert_int_equal(settings_read(settings, "dfud.conf", text, strlen(text), problems), 0);
}

static void test_assert_equal(const struct settings *a, const struct settings *b)
{
	assert_int_equal(a->max_file_size, b->max_file_size);
	assert_int_equal(a->expire_after_ms, b->expire_after_ms);
	assert_int_equal(a->quiet_ms, b->quiet_ms);
	assert_int_equal(a->max_workers, b->max_workers);
}

static void test_good(void **state)
{
	static const struct {
		const char *text;
		struct settings settings;
	} rows[] = {
		{"", {16 << 20, 86400000, 1000, 128}},
		{"[Queue]\n[Workers]\n", {16 << 20, 86400000, 1000, 128}},
		{"[Queue]\nMaxFileSize=1K\nExpireAfter=1s\nQuiet=100ms\n[Workers]\nMax=1\n",
			{1024, 1000, 100, 1}},
		{"[Queue]\nMaxFileSize=1G\nExpireAfter=366d\nQuiet=1h\n[Workers]\nMax=1024\n",
			{1 << 30, 31622400000, 3600000, 1024}},
		{"[Queue]\nExpireAfter=infinity\n", {16 << 20, 0, 1000, 128}},
		{"[Queue]\nQuiet=5s\nQuiet=\nMaxFileSize=1M\nMaxFileSize=\nMaxFileSize=2M\n",
			{2 << 20, 86400000, 1000, 128}},
		{"[Workers]\nMax=0x10\n[Queue]\nQuiet=2\n[Workers]\n",
			{16 << 20, 86400000, 2000, 16}},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct config_problems problems = CONFIG_PROBLEMS_INIT;
		struct settings settings;

		settings_init(&settings);
		test_lay(&settings, rows[i].text, &problems);
		assert_int_equal(problems.n, 0);
		test_assert_equal(&settings, &rows[i].settings);
	}
}

static void test_layers(void **state)
{
	static const struct settings expected = {1 << 20, 0, 3000, 128};
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct settings settings;

	settings_init(&settings);
	test_assert_equal(&settings, &test_defaults);
	test_lay(&settings, "[Queue]\nQuiet=2s\nMaxFileSize=1M\n[Workers]\nMax=7\n", &problems);
	test_lay(
		&settings, "[Queue]\nQuiet=3s\nExpireAfter=infinity\n[Workers]\nMax=\n", &problems);
	test_assert_equal(&settings, &expected);
	assert_int_equal(problems.n, 0);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *key, *part;
	} rows[] = {
		{"[Queue]\nMaxFileSize=1023\n", 2, "MaxFileSize", "\"1023\" is no size from 1K"},
		{"[Queue]\nMaxFileSize=1073741825\n", 2, "MaxFileSize", "to 1G"},
		{"[Queue]\nMaxFileSize=big\n", 2, "MaxFileSize", "such as 16M"},
		{"[Queue]\nExpireAfter=0\n", 2, "ExpireAfter", "infinity (never)"},
		{"[Queue]\nExpireAfter=999ms\n", 2, "ExpireAfter", "from 1s"},
		{"[Queue]\nExpireAfter=367d\n", 2, "ExpireAfter", "to 366d"},
		{"[Queue]\n\nQuiet=99ms\n", 3, "Quiet", "from 100ms"},
		{"[Queue]\nQuiet=3601s\n", 2, "Quiet", "to 1h"},
		{"[Queue]\nQuiet=infinity\n", 2, "Quiet", "\"infinity\""},
		{"[Workers]\nMax=0\n", 2, "Max", "from 1 to 1024"},
		{"[Workers]\nMax=1025\n", 2, "Max", "from 1 to 1024"},
		{"[Workers]\nMax=4294967297\n", 2, "Max", "from 1 to 1024"},
		{"[Workers]\nMax=1\nMax=2\n", 3, "Max", "in line 2 already"},
		{"[Queue]\nQiuet=1s\n", 2, "Qiuet", "did you mean Quiet= in [Queue]?"},
		{"[Queue]\nquiet=1s\n", 2, "quiet", "did you mean Quiet= in [Queue]?"},
		{"[Queue]\nMax=1\n", 2, "Max", "did you mean Max= in [Workers]?"},
		{"[Queue]\nAllow=1-1\n", 2, "Allow", "unknown key in [Queue]"},
		{"[Worker]\nMax=1\n", 1, "", "unknown section [Worker]; did you mean [Workers]?"},
		{"[Backup]\nMaxSize=1G\n", 1, "", "unknown section [Backup]"},
		{"[Backup]\n", 1, "", "unknown section [Backup]"},
		{"[Queue]\nQuiet=1s # long\n", 2, "Quiet", "lines of their own"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct config_problems problems = CONFIG_PROBLEMS_INIT;
		struct settings settings;

		print_message("%zu\n", i);
		settings_init(&settings);
		test_lay(&settings, rows[i].text, &problems);
		assert_int_equal(problems.n, 1);
		assert_string_equal(problems.items[0].file, "dfud.conf");
		assert_int_equal(problems.items[0].line, rows[i].line);
		assert_string_equal(problems.items[0].key, rows[i].key);
		assert_non_null(strstr(problems.items[0].text, rows[i].part));
		config_problems_done(&problems);
	}
}

static void test_all_told(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct settings settings;

	settings_init(&settings);
	test_lay(&settings, "[Queue]\nQuiet=x\nA=1\n[B]\nC=2\nD=3\n[Workers]\nMax=x\n", &problems);
	assert_int_equal(problems.n, 4);
	assert_int_equal(problems.items[0].line, 2);
	assert_int_equal(problems.items[1].line, 3);
	assert_int_equal(problems.items[2].line, 4);
	assert_int_equal(problems.items[3].line, 8);
	test_assert_equal(&settings, &test_defaults);
	config_problems_done(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_all_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
