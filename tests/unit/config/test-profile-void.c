/* SPDX-License-Identifier: MIT */
/* Faulty profiles: each slip and its line, and whom a void profile holds back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/profile.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define FILE_	 "/etc/dfud/boards.d/50-octopus.conf"
#define LAYOUT	 "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"

static const struct profile_device test_octopus = {
	.vendor = 0x0483,
	.product = 0xdf11,
	.path = "platform-3f980000.usb-usb-0:1.2",
	.port = "1-1.2",
	.serial = "STM32FxSTM32",
	.layout = LAYOUT,
};

static struct profile *test_read(const char *text, struct config_problems *problems)
{
	struct profile *profile = NULL;

	assert_int_equal(
		profile_read(&profile, FILE_, PROFILE_WRITTEN, text, strlen(text), problems), 0);
	return profile;
}

static void test_bad(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *key, *part;
	} rows[] = {
		{"[Match]\nId=483:df11\n", 2, "Id", "\"483:df11\" is no id"},
		{"[Match]\nId=0x0483:0xdf11\n", 2, "Id", "0483:df11"},
		{"[Match]\nId=0483\n", 2, "Id", "is no id"},
		{"[Match]\nId=0483:\n", 2, "Id", "is no id"},
		{"[Match]\nId=0483:df1\n", 2, "Id", "is no id"},
		{"[Match]\nId=0483:df111\n", 2, "Id", "is no id"},
		{"[Match]\nId=0483:df1g\n", 2, "Id", "is no id"},
		{"[Match]\nId=0483:df11 1d50:614e\n", 2, "Id", "is no id"},
		{"[Match]\nId=*:df11\n", 2, "Id", "is no id"},
		{"[Match]\nId=*\n", 2, "Id", "is no id"},
		{"[Match]\nId=04*:df11\n", 2, "Id", "is no id"},
		{"[Match]\nId=none\n", 2, "Id", "is no id"},
		{"[Match]\nPath=/dev/bus/usb/001/002\n", 2, "Path", "ID_PATH"},
		{"[Match]\nPort=/dev/ttyACM0\n", 2, "Port", "no port, such as 1-1.2"},
		{"[Match]\nPort=usb1-1\n", 2, "Port", "no port"},
		{"[Match]\nPort=[1-\n", 2, "Port", "without ']'"},
		{"[Match]\nSerial=[\n", 2, "Serial", "without ']'"},
		{"[Match]\nSerial=[!\n", 2, "Serial", "without ']'"},
		{"[Match]\nSerial=[]\n", 2, "Serial", "without ']'"},
		{"[Match]\nSerial=a\\\n", 2, "Serial", "ends in '\\'"},
		{"[Match]\nLayout=a[b\n", 2, "Layout", "without ']'"},
		{"[Match]\nId=*:*\n[Image]\nFile=/var/lib/dfud/queue/a.bin\n", 4, "File", "'/'"},
		{"[Match]\nId=*:*\n[Image]\nFile=.a\n", 4, "File", "never flashed"},
		{"[Match]\nId=*:*\n[Image]\nFile=*.part\n", 4, "File", "never flashed"},
		{"[Match]\nId=*:*\n[Image]\nFile=a.tmp\n", 4, "File", "never flashed"},
		{"[Match]\nId=*:*\n[Image]\nFile=a~\n", 4, "File", "never flashed"},
		{"[Match]\nId=*:*\n[Image]\nAddress=08000000\n", 4, "Address", "with 0x"},
		{"[Match]\nId=*:*\n[Image]\nAddress=0x1\nAddress=0x1\n", 5, "Address",
			"in line 4 already"},
		{"[Match]\nId=*:*\n[Flash]\nAlternate=256\n", 4, "Alternate", "0 to 255"},
		{"[Match]\nId=*:*\n[Flash]\nProtect=0x08007fff-0x08000000\n", 4, "Protect",
			"ends before it begins"},
		{"[Match]\nId=*:*\n[Flash]\nProtect=0x08000000\n", 4, "Protect", "no range"},
		{"[Match]\nId=*:*\n[Flash]\nProtect=0x08000000-08007fff\n", 4, "Protect",
			"no range"},
		{"[Match]\nId=*:*\n[Flash]\nProtect=0x08000000 - 0x08007fff\n", 4, "Protect",
			"no range"},
		{"[Match]\nId=*:*\n[Flash]\nProtect=0x0-0x100000000\n", 4, "Protect", "no range"},
		{"[Match]\nId=*:*\n[Flash]\nProtect=0x00000000000000000-0x1\n", 4, "Protect",
			"no range"},
		{"[Match]\nId=*:*\n[Flash]\nProtect=-0x1\n", 4, "Protect", "no range"},
		{"[Match]\nId=*:*\n[Flash]\nProtect=yes\n", 4, "Protect", "no range"},
		{"[Match]\nId=*:*\n[Flash]\nKeepBootloader=maybe\n", 4, "KeepBootloader",
			"neither yes nor no"},
		{"[Match]\nId=*:*\n[Flash]\nKeepBootLoader=yes\n", 4, "KeepBootLoader",
			"did you mean KeepBootloader= in [Flash]?"},
		{"[Match]\nId=*:*\n[Flash]\nBackup=all\n", 4, "Backup",
			"\"all\" is none of yes, required, no, whole"},
		{"[Match]\nId=*:*\n[Flash]\nBackup=Yes\n", 4, "Backup", "none of yes"},
		{"[Match]\nId=*:*\n[Flash]\nBackup=true\n", 4, "Backup", "none of yes"},
		{"[Match]\nId=*:*\n[Flash]\nLeave=yes\n", 4, "Leave",
			"\"yes\" is none of auto, image, base, no"},
		{"[Match]\nId=*:*\n[Flash]\nLeave=0x08000000\n", 4, "Leave", "none of auto"},
		{"[Match]\nId=*:*\n[Flash]\nLeave=no\nLeave=base\n", 5, "Leave",
			"in line 4 already"},
		{"[Match]\nId=*:*\n[Flash]\nMaxAttempts=0\n", 4, "MaxAttempts", "1 to 100"},
		{"[Match]\nId=*:*\n[Flash]\nMaxAttempts=101\n", 4, "MaxAttempts", "1 to 100"},
		{"[Match]\nId=*:*\n[Flash]\nOrder=newest\n", 4, "Order", "oldest"},
		{"[Match]\nId=*:*\n[Return]\nId=none\nId=1d50:614e\n", 5, "Id", "contradict"},
		{"[Match]\nId=*:*\n[Return]\nId=1d50:614e\nId=none\n", 5, "Id", "contradict"},
		{"[Match]\nId=*:*\n[Return]\nId=None\n", 4, "Id", "is no id"},
		{"[Match]\nId=*:*\n[Return]\nWithin=999ms\n", 4, "Within", "1s to 1h"},
		{"[Match]\nId=*:*\n[Return]\nWithin=61min\n", 4, "Within", "1s to 1h"},
		{"[Match]\nId=*:*\n[Return]\nWithin=infinity\n", 4, "Within", "1s to 1h"},
		{"[Image]\nFile=a.bin\n", 0, "", "Id=*:* means all"},
		{"[Match]\nId=0483:df11\nId=\n", 0, "", "Id=*:* means all"},
		{"[Flash]\nProtect=0x1000-0x1fff\n[Match]\nId=*:*\n[Image]\n\nAddress=0x1fff\n", 7,
			"Address", "lies in Protect=0x00001000-0x00001fff"},
		{"[Match]\nId=*:*\nErase=mass\n", 3, "Erase", "unknown key in [Match]"},
		{"[Match]\nId=*:*\nAddress=0x1\n", 3, "Address",
			"did you mean Address= in [Image]?"},
		{"[Match]\nId=*:*\n[Image]\nAdress=0x1\n", 4, "Adress",
			"did you mean Address= in [Image]?"},
		{"[Match]\nId=*:*\n[Return]\nID=none\n", 4, "ID", "did you mean Id= in [Return]?"},
		{"[Match]\nId=*:*\n[Flash]\nErase=mass\n", 4, "Erase", "unknown key in [Flash]"},
		{"[match]\nId=*:*\n", 1, "", "unknown section [match]; did you mean [Match]?"},
		{"[Match]\nId=*:*\n[Queue]\nQuiet=1s\n", 3, "", "unknown section [Queue]"},
		{"[Match]\nId=0483:df11 # octopus\n", 2, "Id", "lines of their own"},
		{"Id=0483:df11\n", 1, "Id", "before the first section"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct config_problems problems = CONFIG_PROBLEMS_INIT;
		struct profile *profile = test_read(rows[i].text, &problems);

		print_message("%s", rows[i].text);
		assert_non_null(profile);
		assert_true(profile->is_void);
		assert_int_equal(problems.n, 1);
		assert_string_equal(problems.items[0].file, FILE_);
		assert_int_equal(problems.items[0].line, rows[i].line);
		assert_string_equal(problems.items[0].key, rows[i].key);
		assert_non_null(strstr(problems.items[0].text, rows[i].part));
		config_problems_done(&problems);
		profile_free(profile);
	}
}

/* What a void profile still asks: whom it holds back. */
static void test_void_holds(void **state)
{
	static const struct {
		const char *text;
		bool holds_octopus, holds_other; /* other: 2e8a:0003 on port 2-1 */
	} rows[] = {
		/* the slip has nothing to do with whom it means */
		{"[Match]\nId=0483:df11\n[Flash]\nErase=mass\n", true, false},
		{"[Match]\nId=0483:df11\n[Flash]\nOrder\n", true, false},
		{"[Match]\nId=1d50:614e\n[Flash]\nAlternate=x\n", false, false},
		/* one of the alternatives was not understood: it may have been any */
		{"[Match]\nId=0483:df1l\n", true, true},
		{"[Match]\nId=1d50:614e\nId=0483:df1l\n", true, true},
		{"[Match]\nId=1d50:614e\nId=0483:df1l\nPort=1-1.2\n", true, false},
		{"[Match]\nId=0483:df11\nPort=usb1\n", true, false},
		/* a line or a key of [Match] that says nobody knows what */
		{"[Match]\nId=1d50:614e\nID=0483:df11\n", true, true},
		{"[Match]\nId=1d50:614e\n Id=0483:df11\n", true, true},
		{"[Match]\nId=1d50:614e\nId:0483:df11\n", true, true},
		/* a key of [Match] that was written elsewhere */
		{"[Match]\nId=1d50:614e\nPort=2-1\n[Flash]\nPort=1-1.2\n", false, false},
		{"[Match]\nPort=2-2\n[Flash]\nPort=1-1.2\n", true, true},
		/* a section that nobody knows, or that was not closed */
		{"[Match]\nId=1d50:614e\n[match]\nId=0483:df11\n", true, true},
		{"[Match]\nId=1d50:614e\n[Match\nId=0483:df11\n", true, true},
		{"Id=0483:df11\n[Match]\nId=1d50:614e\n", true, true},
	};
	static const struct profile_device other = {.vendor = 0x2e8a, .product = 3, .port = "2-1"};

	for (size_t i = 0; i < N(rows); i++) {
		struct config_problems problems = CONFIG_PROBLEMS_INIT;
		struct profile *profile = test_read(rows[i].text, &problems);

		print_message("%s", rows[i].text);
		assert_true(profile->is_void);
		assert_int_equal(profile_misses_device(profile, &test_octopus) == PROFILE_KEY_NONE,
			rows[i].holds_octopus);
		assert_int_equal(profile_misses_device(profile, &other) == PROFILE_KEY_NONE,
			rows[i].holds_other);
		config_problems_done(&problems);
		profile_free(profile);
	}
}

static void test_void_holds_files(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct profile *kept =
		test_read("[Match]\nId=*:*\n[Image]\nFile=a.bin\n[Flash]\nX=1\n", &problems);
	struct profile *doubtful =
		test_read("[Match]\nId=*:*\n[Image]\nFile=a.bin\nFile=b[.bin\n", &problems);

	assert_false(profile_matches_file(kept, "b.bin"));
	assert_true(profile_matches_file(kept, "a.bin"));
	assert_true(profile_matches_file(doubtful, "b.bin"));
	profile_free(kept);
	profile_free(doubtful);
	config_problems_done(&problems);
}

/* Void even where the list of problems is full already. */
static void test_void_without_room(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct profile *profile;

	for (unsigned i = 0; i < CONFIG_PROBLEMS_MAX; i++) {
		config_problems_add(&problems, "x", i, "", "x");
	}
	profile = test_read("[Match]\nId=0483:df11\n k=v\n", &problems);
	assert_true(profile->is_void);
	assert_true(problems.overflow);
	profile_free(profile);
	profile = test_read("[Match]\nId=x\n", &problems);
	assert_true(profile->is_void);
	profile_free(profile);
	config_problems_done(&problems);
}

static void test_unreadable(void **state)
{
	static const struct profile_device bare = {.vendor = 1, .product = 2};
	struct profile *profile;

	assert_int_equal(profile_unreadable(&profile, FILE_, PROFILE_WRITTEN), 0);
	assert_true(profile->is_void);
	assert_string_equal(profile->name, "octopus");
	assert_int_equal(profile_misses_device(profile, &bare), PROFILE_KEY_NONE);
	assert_true(profile_matches_file(profile, "any"));
	profile_free(profile);
	assert_null(profile_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_void_holds),
		cmocka_unit_test(test_void_holds_files),
		cmocka_unit_test(test_void_without_room),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
