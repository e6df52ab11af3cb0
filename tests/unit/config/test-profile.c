/* SPDX-License-Identifier: MIT */
/* Profiles: their keys, defaults and names, and what they mean for devices and files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
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

static struct profile *test_read_good(const char *text)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct profile *profile = test_read(text, &problems);

	if (problems.n > 0) {
		print_message("%u %s: %s\n", problems.items[0].line, problems.items[0].key,
			problems.items[0].text);
	}
	assert_int_equal(problems.n, 0);
	assert_non_null(profile);
	assert_false(profile->is_void);
	return profile;
}

static void test_defaults(void **state)
{
	struct profile *profile = test_read_good("[Match]\nId=0483:df11\n");

	assert_string_equal(profile->name, "octopus");
	assert_string_equal(profile->file, FILE_);
	assert_int_equal(profile->origin, PROFILE_WRITTEN);
	assert_int_equal(profile->n_ids, 1);
	assert_int_equal(profile->ids[0].vendor, 0x0483);
	assert_int_equal(profile->ids[0].product, 0xdf11);
	assert_int_equal(profile->paths.n, 0);
	assert_int_equal(profile->files.n, 0);
	assert_false(profile->has_address);
	assert_int_equal(profile->alternate, 0);
	assert_int_equal(profile->n_protects, 0);
	assert_false(profile->keep_bootloader);
	assert_int_equal(profile->backup, BACKUP_YES);
	assert_int_equal(profile->leave, LEAVE_AUTO);
	assert_int_equal(profile->max_attempts, 3);
	assert_false(profile->oldest_first);
	assert_false(profile->return_none);
	assert_int_equal(profile->n_return_ids, 0);
	assert_int_equal(profile->within_ms, 10000);
	profile_free(profile);
}

static void test_every_key(void **state)
{
	struct profile *profile = test_read_good("[Match]\n"
						 "Id=0483:DF11\nId=1d50:*\n"
						 "Path=platform-*-usb-0:1.2\nPort=1-1.[23]\n"
						 "Serial=*\nLayout=*Internal Flash*\n"
						 "[Image]\nFile=octopus*.bin\nFile=k[!a-c].bin\n"
						 "Address=0x08008000\n"
						 "[Flash]\nAlternate=1\n"
						 "Protect=0x08000000-0x08007fff\n"
						 "Protect=0x0807c000-0x0807c000\n"
						 "KeepBootloader=yes\nBackup=whole\n"
						 "Leave=image\n"
						 "MaxAttempts=5\nOrder=oldest\n"
						 "[Return]\nId=1d50:614e\nId=0483:5740\n"
						 "Within=1min 30s\n");

	assert_int_equal(profile->n_ids, 2);
	assert_int_equal(profile->ids[0].product, 0xdf11);
	assert_false(profile->ids[0].any_product);
	assert_true(profile->ids[1].any_product);
	assert_string_equal(profile->paths.items[0], "platform-*-usb-0:1.2");
	assert_string_equal(profile->ports.items[0], "1-1.[23]");
	assert_string_equal(profile->serials.items[0], "*");
	assert_string_equal(profile->layouts.items[0], "*Internal Flash*");
	assert_int_equal(profile->files.n, 2);
	assert_string_equal(profile->files.items[1], "k[!a-c].bin");
	assert_true(profile->has_address);
	assert_int_equal(profile->address, 0x08008000);
	assert_int_equal(profile->alternate, 1);
	assert_int_equal(profile->n_protects, 2);
	assert_int_equal(profile->protects[0].first, 0x08000000);
	assert_int_equal(profile->protects[0].last, 0x08007fff);
	assert_int_equal(profile->protects[1].last, 0x0807c000);
	assert_true(profile->keep_bootloader);
	assert_int_equal(profile->backup, BACKUP_WHOLE);
	assert_int_equal(profile->leave, LEAVE_IMAGE);
	assert_int_equal(profile->max_attempts, 5);
	assert_true(profile->oldest_first);
	assert_int_equal(profile->n_return_ids, 2);
	assert_int_equal(profile->return_ids[1].product, 0x5740);
	assert_int_equal(profile->within_ms, 90000);
	profile_free(profile);
}

static void test_empty_clears(void **state)
{
	struct profile *profile = test_read_good(
		"[Match]\nId=1111:2222\nId=\nId=0483:df11\nPath=a\nPath=\nPort=1-1\nPort=\n"
		"Serial=a\nSerial=\nLayout=a\nLayout=\n[Image]\nFile=a\nFile=\n"
		"Address=0x1000\nAddress=\n[Flash]\nAlternate=2\nAlternate=\n"
		"KeepBootloader=yes\nKeepBootloader=\nBackup=no\nBackup=\nLeave=no\nLeave=\n"
		"Protect=0x0-0x1\nProtect=\nMaxAttempts=9\nMaxAttempts=\nMaxAttempts=8\n"
		"Order=oldest\nOrder=\n[Return]\nId=none\nId=\nId=1d50:614e\nWithin=5s\nWithin=\n");

	assert_int_equal(profile->n_ids, 1);
	assert_int_equal(profile->ids[0].vendor, 0x0483);
	assert_int_equal(profile->paths.n + profile->ports.n + profile->serials.n +
				 profile->layouts.n + profile->files.n,
		0);
	assert_false(profile->has_address);
	assert_int_equal(profile->alternate, 0);
	assert_int_equal(profile->n_protects, 0);
	assert_false(profile->keep_bootloader);
	assert_int_equal(profile->backup, BACKUP_YES);
	assert_int_equal(profile->leave, LEAVE_AUTO);
	assert_int_equal(profile->max_attempts, 8);
	assert_false(profile->oldest_first);
	assert_false(profile->return_none);
	assert_int_equal(profile->n_return_ids, 1);
	assert_int_equal(profile->within_ms, 10000);
	profile_free(profile);
}

/* Each word of [Flash] is one of its enum, and no two are the same. */
static void test_policies(void **state)
{
	static const char *const backups[] = {"yes", "required", "no", "whole"};
	static const char *const leaves[] = {"auto", "image", "base", "no"};

	assert_int_equal(N(backups), _BACKUP_POLICY_MAX);
	assert_int_equal(N(leaves), _LEAVE_POLICY_MAX);
	for (int i = 0; i < 4; i++) {
		char text[96];
		struct profile *profile;

		snprintf(text, sizeof(text), "[Match]\nId=*:*\n[Flash]\nBackup=%s\nLeave=%s\n",
			backups[i], leaves[i]);
		profile = test_read_good(text);
		assert_int_equal(profile->backup, i);
		assert_int_equal(profile->leave, i);
		assert_string_equal(backup_policy_to_string(profile->backup), backups[i]);
		assert_string_equal(leave_policy_to_string(profile->leave), leaves[i]);
		profile_free(profile);
	}
}

/* What is required of a shipped profile, unless it says otherwise; empty is as if not said. */
static void test_backup_of_origins(void **state)
{
	static const struct {
		const char *lines;
		enum backup_policy shipped, written;
	} rows[] = {
		{"", BACKUP_REQUIRED, BACKUP_YES},
		{"Backup=\n", BACKUP_REQUIRED, BACKUP_YES},
		{"Backup=no\nBackup=\n", BACKUP_REQUIRED, BACKUP_YES},
		{"Backup=yes\nBackup=\n", BACKUP_REQUIRED, BACKUP_YES},
		{"Backup=\nBackup=whole\n", BACKUP_WHOLE, BACKUP_WHOLE},
		{"Backup=yes\n", BACKUP_YES, BACKUP_YES},
		{"Backup=required\n", BACKUP_REQUIRED, BACKUP_REQUIRED},
		{"Backup=no\n", BACKUP_NO, BACKUP_NO},
	};

	for (size_t i = 0; i < N(rows); i++) {
		for (int origin = PROFILE_SHIPPED; origin <= PROFILE_WRITTEN; origin++) {
			const bool shipped = origin == PROFILE_SHIPPED;
			struct config_problems problems = CONFIG_PROBLEMS_INIT;
			struct profile *profile;
			char text[96];

			snprintf(text, sizeof(text), "[Match]\nId=*:*\n[Flash]\n%s", rows[i].lines);
			assert_int_equal(profile_read(&profile, FILE_, (enum profile_origin)origin,
						 text, strlen(text), &problems),
				0);
			assert_int_equal(problems.n, 0);
			assert_int_equal(
				profile->backup, shipped ? rows[i].shipped : rows[i].written);
			profile_free(profile);
		}
	}
}

/* A void one flashes nothing, and still is what its place makes it. */
static void test_backup_of_unreadable(void **state)
{
	struct profile *profile;

	assert_int_equal(profile_unreadable(&profile, FILE_, PROFILE_SHIPPED), 0);
	assert_int_equal(profile->backup, BACKUP_REQUIRED);
	profile_free(profile);
	assert_int_equal(profile_unreadable(&profile, FILE_, PROFILE_WRITTEN), 0);
	assert_int_equal(profile->backup, BACKUP_YES);
	profile_free(profile);
}

/* The command line reads them without a profile: nothing near a word is one. */
static void test_policy_words(void **state)
{
	static const char *const no_backup[] = {"", "Yes", "yes ", " yes", "ye", "yess", "true",
		"1", "auto", "image", "base", "none", "require", "all"};
	static const char *const no_leave[] = {
		"", "No", "no ", "n", "yes", "required", "whole", "none", "0x08000000"};

	for (int i = 0; i < _BACKUP_POLICY_MAX; i++) {
		const char *word = backup_policy_to_string((enum backup_policy)i);

		assert_int_equal(backup_policy_from_string(word), i);
	}
	for (int i = 0; i < _LEAVE_POLICY_MAX; i++) {
		const char *word = leave_policy_to_string((enum leave_policy)i);

		assert_int_equal(leave_policy_from_string(word), i);
	}
	for (size_t i = 0; i < N(no_backup); i++) {
		assert_int_equal(backup_policy_from_string(no_backup[i]), _BACKUP_POLICY_INVALID);
	}
	for (size_t i = 0; i < N(no_leave); i++) {
		assert_int_equal(leave_policy_from_string(no_leave[i]), _LEAVE_POLICY_INVALID);
	}
}

static void test_names(void **state)
{
	static const char *const rows[][2] = {
		{"/etc/dfud/boards.d/50-octopus.conf", "octopus"},
		{"20-stm32-rom.conf", "stm32-rom"},
		{"octopus.conf", "octopus"},
		{"3d-printer.conf", "3d-printer"},
		{"-a.conf", "-a"},
		{"20-.conf", "20-"},
		{"20.conf", "20"},
		{"1-2-3.conf", "2-3"},
		{".conf", ".conf"},
		{"octopus", "octopus"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct profile *profile;

		assert_int_equal(profile_unreadable(&profile, rows[i][0], PROFILE_SHIPPED), 0);
		assert_string_equal(profile->name, rows[i][1]);
		assert_string_equal(profile->file, rows[i][0]);
		profile_free(profile);
	}
}

static void test_says_nothing(void **state)
{
	static const char *const rows[] = {
		"", "\n", "# Id=0483:df11\n", "[Match]\n#Id=0483:df11\n[Image]\n"};

	for (size_t i = 0; i < N(rows); i++) {
		struct config_problems problems = CONFIG_PROBLEMS_INIT;

		assert_null(test_read(rows[i], &problems));
		assert_int_equal(problems.n, 0);
	}
}

static void test_misses(void **state)
{
	static const struct {
		const char *text;
		enum profile_key missed;
	} rows[] = {
		{"Id=0483:df11", PROFILE_KEY_NONE},
		{"Id=0483:*", PROFILE_KEY_NONE},
		{"Id=*:*", PROFILE_KEY_NONE},
		{"Id=0483:df12", PROFILE_KEY_ID},
		{"Id=1483:df11", PROFILE_KEY_ID},
		{"Id=1483:*", PROFILE_KEY_ID},
		{"Id=2e8a:0003\nId=0483:df11", PROFILE_KEY_NONE},
		{"Path=platform-*-usb-0:1.2", PROFILE_KEY_NONE},
		{"Path=platform-*-usb-0:1", PROFILE_KEY_PATH},
		{"Path=a\nPath=*:1.?", PROFILE_KEY_NONE},
		{"Port=1-1.2", PROFILE_KEY_NONE},
		{"Port=1-1", PROFILE_KEY_PORT},
		{"Port=1-1*", PROFILE_KEY_NONE},
		{"Serial=STM32FxSTM32", PROFILE_KEY_NONE},
		{"Serial=stm32fxstm32", PROFILE_KEY_SERIAL},
		{"Layout=*Internal Flash*", PROFILE_KEY_NONE},
		{"Layout=*Option Bytes*", PROFILE_KEY_LAYOUT},
		{"Id=0483:df11\nPort=1-2", PROFILE_KEY_PORT},
		{"Port=1-2\nId=0483:df12", PROFILE_KEY_ID},
		{"Layout=x\nSerial=x\nPath=x", PROFILE_KEY_PATH},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct profile *profile;
		char text[200];

		print_message("%s\n", rows[i].text);
		snprintf(text, sizeof(text), "[Match]\n%s\n", rows[i].text);
		profile = test_read_good(text);
		assert_int_equal(profile_misses_device(profile, &test_octopus), rows[i].missed);
		profile_free(profile);
	}
}

static void test_unknown_is_empty(void **state)
{
	static const struct profile_device bare = {.vendor = 0x0483, .product = 0xdf11};
	static const struct {
		const char *text;
		enum profile_key missed;
	} rows[] = {
		{"Serial=*\nPath=*\nPort=*\nLayout=*", PROFILE_KEY_NONE},
		{"Serial=?*", PROFILE_KEY_SERIAL},
		{"Path=a", PROFILE_KEY_PATH},
		{"Port=1", PROFILE_KEY_PORT},
		{"Layout=*Internal Flash*", PROFILE_KEY_LAYOUT},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct profile *profile;
		char text[200];

		snprintf(text, sizeof(text), "[Match]\n%s\n", rows[i].text);
		profile = test_read_good(text);
		assert_int_equal(profile_misses_device(profile, &bare), rows[i].missed);
		profile_free(profile);
	}
}

static void test_files(void **state)
{
	struct profile *none = test_read_good("[Match]\nId=*:*\n");
	struct profile *two =
		test_read_good("[Match]\nId=*:*\n[Image]\nFile=a*.bin\nFile=b?.hex\n");

	assert_false(profile_names_files(none));
	assert_true(profile_matches_file(none, "anything"));
	assert_true(profile_names_files(two));
	assert_true(profile_matches_file(two, "a.bin"));
	assert_true(profile_matches_file(two, "b1.hex"));
	assert_false(profile_matches_file(two, "b.hex"));
	assert_false(profile_matches_file(two, "A.bin"));
	assert_false(profile_matches_file(two, ""));
	profile_free(none);
	profile_free(two);
}

static void test_names_id(void **state)
{
	static const char text[] = "[Match]\nId=0483:df11\nPort=1-1\n";
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct profile *written = test_read_good(text);
	struct profile *by_port = test_read_good("[Match]\nPort=1-1\n");
	struct profile *shipped;

	assert_int_equal(profile_read(&shipped, "/usr/lib/dfud/boards.d/a.conf", PROFILE_SHIPPED,
				 text, strlen(text), &problems),
		0);
	assert_true(profile_names_id(written, 0x0483, 0xdf11));
	assert_false(profile_names_id(written, 0x0483, 0xdf12));
	assert_false(profile_names_id(by_port, 0x0483, 0xdf11));
	assert_false(profile_names_id(shipped, 0x0483, 0xdf11));
	profile_free(written);
	profile_free(by_port);
	profile_free(shipped);
}

static void test_expects(void **state)
{
	struct profile *any = test_read_good("[Match]\nId=*:*\n");
	struct profile *klipper =
		test_read_good("[Match]\nId=*:*\n[Return]\nId=1d50:614e\nId=0483:*\n");
	struct profile *none = test_read_good("[Match]\nId=*:*\n[Return]\nId=none\n");

	assert_true(profile_expects(any, 1, 2));
	assert_true(profile_expects(klipper, 0x1d50, 0x614e));
	assert_true(profile_expects(klipper, 0x0483, 1));
	assert_false(profile_expects(klipper, 0x1d50, 0x614f));
	assert_true(none->return_none);
	assert_true(profile_expects(none, 1, 2));
	profile_free(any);
	profile_free(klipper);
	profile_free(none);
}

static void test_address_beside_protect(void **state)
{
	static const char *const addresses[] = {"0xfff", "0x2000"};

	for (size_t i = 0; i < N(addresses); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			"[Match]\nId=*:*\n[Image]\nAddress=%s\n[Flash]\nProtect=0x1000-0x1fff\n",
			addresses[i]);
		profile_free(test_read_good(text));
	}
}

static void test_key_strings(void **state)
{
	static const char *const names[_PROFILE_KEY_MAX] = {
		"none", "Id=", "Path=", "Port=", "Serial=", "Layout=", "File="};

	for (int i = 0; i < _PROFILE_KEY_MAX; i++) {
		assert_string_equal(profile_key_to_string((enum profile_key)i), names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_empty_clears),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_backup_of_origins),
		cmocka_unit_test(test_backup_of_unreadable),
		cmocka_unit_test(test_policy_words),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_says_nothing),
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_unknown_is_empty),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_names_id),
		cmocka_unit_test(test_expects),
		cmocka_unit_test(test_address_beside_protect),
		cmocka_unit_test(test_key_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
