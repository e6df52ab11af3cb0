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
#define KEY_A	 "RWQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh+ZelNhPksy5gtEMu"
#define KEY_B	 "RWR6v18pl4M0qKh3M9/SA0xLaWIJyjGirTVtneLaemQ6GZCm/sGQZoMy"

static const struct settings test_defaults = {16 << 20, 86400000, 1000, 128, 1 << 30, 200};

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
	assert_int_equal(a->backup_max_size, b->backup_max_size);
	assert_int_equal(a->backup_max_count, b->backup_max_count);
	assert_int_equal(a->require_signature, b->require_signature);
}

static void test_good(void **state)
{
	static const struct {
		const char *text;
		struct settings settings;
	} rows[] = {
		{"", {16 << 20, 86400000, 1000, 128, 1 << 30, 200}},
		{"[Queue]\n[Workers]\n[Backup]\n[Ports]\n[Trust]\n",
			{16 << 20, 86400000, 1000, 128, 1 << 30, 200}},
		{"[Queue]\nMaxFileSize=1K\nExpireAfter=1s\nQuiet=100ms\n[Workers]\nMax=1\n",
			{1024, 1000, 100, 1, 1 << 30, 200}},
		{"[Queue]\nMaxFileSize=1G\nExpireAfter=366d\nQuiet=1h\n[Workers]\nMax=1024\n",
			{1 << 30, 31622400000, 3600000, 1024, 1 << 30, 200}},
		{"[Queue]\nExpireAfter=infinity\n", {16 << 20, 0, 1000, 128, 1 << 30, 200}},
		{"[Queue]\nQuiet=5s\nQuiet=\nMaxFileSize=1M\nMaxFileSize=\nMaxFileSize=2M\n",
			{2 << 20, 86400000, 1000, 128, 1 << 30, 200}},
		{"[Workers]\nMax=0x10\n[Queue]\nQuiet=2\n[Workers]\n",
			{16 << 20, 86400000, 2000, 16, 1 << 30, 200}},
		{"[Backup]\nMaxSize=1M\nMaxCount=1\n", {16 << 20, 86400000, 1000, 128, 1 << 20, 1}},
		{"[Backup]\nMaxSize=1T\nMaxCount=100000\n",
			{16 << 20, 86400000, 1000, 128, 1ULL << 40, 100000}},
		{"[Backup]\nMaxSize=2G\nMaxSize=\nMaxCount=7\nMaxCount=\n",
			{16 << 20, 86400000, 1000, 128, 1 << 30, 200}},
		{"[Trust]\nRequireSignature=yes\n",
			{16 << 20, 86400000, 1000, 128, 1 << 30, 200, .require_signature = true}},
		{"[Trust]\nRequireSignature=yes\nRequireSignature=\n",
			{16 << 20, 86400000, 1000, 128, 1 << 30, 200}},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct config_problems problems = CONFIG_PROBLEMS_INIT;
		struct settings settings;

		settings_init(&settings);
		test_lay(&settings, rows[i].text, &problems);
		assert_int_equal(problems.n, 0);
		test_assert_equal(&settings, &rows[i].settings);
		settings_done(&settings);
	}
}

static void test_layers(void **state)
{
	static const struct settings expected = {1 << 20, 0, 3000, 128, 1 << 30, 9};
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct settings settings;

	settings_init(&settings);
	test_assert_equal(&settings, &test_defaults);
	test_lay(&settings,
		"[Queue]\nQuiet=2s\nMaxFileSize=1M\n[Workers]\nMax=7\n"
		"[Backup]\nMaxCount=8\n[Trust]\nRequireSignature=yes\n",
		&problems);
	test_lay(&settings,
		"[Queue]\nQuiet=3s\nExpireAfter=infinity\n[Workers]\nMax=\n"
		"[Backup]\nMaxCount=9\n[Trust]\nRequireSignature=no\n",
		&problems);
	test_assert_equal(&settings, &expected);
	assert_int_equal(problems.n, 0);
	settings_done(&settings);
}

/* The lines of several files join; an empty one takes back those of the files before, too. */
static void test_lists(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct settings settings;

	settings_init(&settings);
	test_lay(&settings, "[Ports]\nAllow=1-1.*\n[Trust]\nKeys=" KEY_A "\n", &problems);
	test_lay(
		&settings, "[Ports]\nAllow=pci-*-usb-0:[34]\n[Trust]\nKeys=" KEY_B "\n", &problems);
	assert_int_equal(problems.n, 0);
	assert_int_equal(settings.allowed_ports.n, 2);
	assert_true(globs_match(&settings.allowed_ports, "1-1.2"));
	assert_true(globs_match(&settings.allowed_ports, "pci-0000:00:14.0-usb-0:3"));
	assert_false(globs_match(&settings.allowed_ports, "1-2"));
	assert_false(globs_match(&settings.allowed_ports, NULL));
	assert_int_equal(settings.n_keys, 2);
	test_lay(&settings, "[Ports]\nAllow=\nAllow=2-1\n[Trust]\nKeys=\nKeys=" KEY_B "\n",
		&problems);
	assert_int_equal(problems.n, 0);
	assert_int_equal(settings.allowed_ports.n, 1);
	assert_string_equal(settings.allowed_ports.items[0], "2-1");
	assert_int_equal(settings.n_keys, 1);
	assert_int_equal(settings.keys[0].id[0], 0x7a);
	settings_done(&settings);
	assert_null(settings.keys);
	assert_null(settings.allowed_ports.items);
}

static void test_public_key(void **state)
{
	static const uint8_t id[8] = {0x26, 0xda, 0xd5, 0xa9, 0xd9, 0xcb, 0x26, 0xee};
	static const char *const bad[] = {
		"",
		"RWQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh+ZelNhPksy5gtEM",
		KEY_A "A",
		KEY_A "=",
		KEY_A " ",
		"RWQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh+ZelNhPksy5gtE==",
		/* the alphabet of URLs, an algorithm that is none, a secret key's beginning */
		"RWQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh-ZelNhPksy5gtEMu",
		"RUQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh+ZelNhPksy5gtEMu",
		/* bytes that some versions of libsodium take for a character */
		"RWQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh+ZelNhPksy5gt\316Mu",
		"RWRTY0IyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\xc3\xa4",
	};
	struct public_key key;

	assert_true(public_key_parse(KEY_A, &key));
	assert_memory_equal(key.id, id, sizeof(id));
	assert_int_equal(key.key[0], 0x4a);
	assert_int_equal(key.key[31], 0x2e);
	for (size_t i = 0; i < N(bad); i++) {
		struct public_key untouched = {.id = {1}};

		print_message("%s\n", bad[i]);
		assert_false(public_key_parse(bad[i], &untouched));
		assert_int_equal(untouched.id[0], 1);
	}
}

static void test_signatures_need_keys(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct settings settings;

	settings_init(&settings);
	test_lay(&settings, "[Trust]\nRequireSignature=yes\n", &problems);
	settings_check(&settings, "50-trust.conf", &problems);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.items[0].file, "50-trust.conf");
	assert_string_equal(problems.items[0].key, "RequireSignature");
	assert_non_null(strstr(problems.items[0].text, "no Keys= in [Trust]"));
	config_problems_done(&problems);
	test_lay(&settings, "[Trust]\nKeys=" KEY_A "\n", &problems);
	settings_check(&settings, "60-keys.conf", &problems);
	assert_int_equal(problems.n, 0);
	settings_done(&settings);
}

static void test_trust_is_same(void **state)
{
	static const char *const texts[] = {"", "[Trust]\nRequireSignature=yes\n",
		"[Trust]\nKeys=" KEY_A "\n", "[Trust]\nKeys=" KEY_B "\n",
		"[Trust]\nKeys=" KEY_A "\nKeys=" KEY_B "\n",
		"[Trust]\nRequireSignature=yes\nKeys=" KEY_A "\n"};
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct settings all[N(texts)], again;

	for (size_t i = 0; i < N(texts); i++) {
		settings_init(&all[i]);
		test_lay(&all[i], texts[i], &problems);
	}
	for (size_t i = 0; i < N(texts); i++) {
		settings_init(&again);
		test_lay(&again, "[Queue]\nQuiet=7s\n", &problems);
		test_lay(&again, texts[i], &problems);
		for (size_t k = 0; k < N(texts); k++) {
			assert_int_equal(settings_trust_is_same(&again, &all[k]), i == k);
		}
		settings_done(&again);
	}
	for (size_t i = 0; i < N(texts); i++) {
		settings_done(&all[i]);
	}
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
		{"[Metrics]\nFile=x\n", 1, "", "unknown section [Metrics]"},
		{"[Metrics]\n", 1, "", "unknown section [Metrics]"},
		{"[Backup]\nMaxSize=1023K\n", 2, "MaxSize", "\"1023K\" is no size from 1M to 1T"},
		{"[Backup]\nMaxSize=1025G\n", 2, "MaxSize", "such as 1G"},
		{"[Backup]\nMaxCount=0\n", 2, "MaxCount", "from 1 to 100000"},
		{"[Backup]\nMaxCount=100001\n", 2, "MaxCount", "from 1 to 100000"},
		{"[Backup]\nMax=1\n", 2, "Max", "did you mean Max= in [Workers]?"},
		{"[Ports]\nAllow=1-1 1-2\n", 2, "Allow", "one a line"},
		{"[Ports]\nAllow=1-1,1-2\n", 2, "Allow", "such as 1-1.2, nor an ID_PATH"},
		{"[Ports]\nAllow=/dev/ttyACM0\n", 2, "Allow", "neither a port"},
		{"[Ports]\nAllow=1-[12\n", 2, "Allow", "without ']'"},
		{"[Ports]\nAllow=pci-\\\n", 2, "Allow", "ends in '\\'"},
		{"[Ports]\nAlow=1-1\n", 2, "Alow", "did you mean Allow= in [Ports]?"},
		{"[Trust]\nRequireSignature=maybe\n", 2, "RequireSignature", "neither yes nor no"},
		{"[Trust]\nKeys=/etc/dfud/a.pub\n", 2, "Keys", "no public key of minisign"},
		{"[Trust]\nKeys=" KEY_A " " KEY_B "\n", 2, "Keys", "that begin with RW"},
		{"[Trust]\nKey=" KEY_A "\n", 2, "Key", "did you mean Keys= in [Trust]?"},
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
		settings_done(&settings);
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
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_public_key),
		cmocka_unit_test(test_signatures_need_keys),
		cmocka_unit_test(test_trust_is_same),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_all_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
