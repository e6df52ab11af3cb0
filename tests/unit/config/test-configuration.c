/* SPDX-License-Identifier: MIT */
/* The configuration as a whole: what is laid over what, void profiles, what makes it unusable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/profile.h"
#include "configuration.h"
#include "folders.h"

static enum configuration_state bed_load(
	const struct bed *bed, struct configuration *ret, struct config_problems *problems)
{
	enum configuration_state result = _CONFIGURATION_STATE_MAX;

	assert_int_equal(configuration_load(ret, bed->folders, problems, &result), 0);
	for (size_t i = 0; i < problems->n; i++) {
		print_message("%s:%u: %s\n", problems->items[i].file, problems->items[i].line,
			problems->items[i].text);
	}
	return result;
}

static void bed_assert_problem(const struct bed *bed, const struct config_problems *problems,
	size_t i, const char *file, unsigned line, const char *part)
{
	assert_true(i < problems->n);
	assert_string_equal(problems->items[i].file, bed_path(bed, file));
	assert_int_equal(problems->items[i].line, line);
	assert_non_null(strstr(problems->items[i].text, part));
}

static void test_nothing_at_all(void **state)
{
	const struct bed *bed = *state;
	struct configuration configuration = CONFIGURATION_INIT;
	struct config_problems problems = CONFIG_PROBLEMS_INIT;

	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_GOOD);
	assert_int_equal(configuration.n_profiles, 0);
	assert_int_equal(configuration.settings.max_workers, 128);
	configuration_done(&configuration);
}

static void test_good(void **state)
{
	const struct bed *bed = *state;
	struct configuration configuration = CONFIGURATION_INIT;
	struct config_problems problems = CONFIG_PROBLEMS_INIT;

	bed_folder(bed, "etc/dfud.conf.d");
	bed_folder(bed, "lib/dfud.conf.d");
	bed_write(bed, "lib/dfud.conf", "[Workers]\nMax=1\n");
	bed_write(bed, "etc/dfud.conf", "[Queue]\nQuiet=2s\nMaxFileSize=1M\n");
	bed_write(bed, "etc/dfud.conf.d/50-a.conf", "[Queue]\nQuiet=3s\nExpireAfter=1h\n");
	bed_write(bed, "lib/dfud.conf.d/60-b.conf", "[Queue]\nExpireAfter=2h\n");
	bed_write(bed, "lib/boards.d/20-rom.conf", "[Match]\nId=0483:df11\n");
	bed_write(bed, "etc/boards.d/10-mine.conf", "[Match]\nPort=1-1\n");
	bed_write(bed, "etc/boards.d/30-idle.conf", "# nothing\n");
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_GOOD);
	assert_int_equal(configuration.settings.max_workers, 128);
	assert_int_equal(configuration.settings.quiet_ms, 3000);
	assert_int_equal(configuration.settings.max_file_size, 1 << 20);
	assert_int_equal(configuration.settings.expire_after_ms, 7200000);
	assert_int_equal(configuration.n_profiles, 2);
	assert_string_equal(configuration.profiles[0]->name, "mine");
	assert_int_equal(configuration.profiles[0]->origin, PROFILE_WRITTEN);
	assert_string_equal(configuration.profiles[1]->name, "rom");
	assert_int_equal(configuration.profiles[1]->origin, PROFILE_SHIPPED);
	configuration_done(&configuration);
	assert_null(configuration.profiles);
}

static void test_void_profiles(void **state)
{
	const struct bed *bed = *state;
	struct configuration configuration = CONFIGURATION_INIT;
	struct config_problems problems = CONFIG_PROBLEMS_INIT;

	bed_write(bed, "etc/boards.d/10-a.conf", "[Match]\nId=0483:df11\nErase=mass\n");
	bed_link(bed, "etc/boards.d/20-b.conf", "nowhere");
	bed_folder(bed, "etc/boards.d/30-c.conf");
	bed_write(bed, "etc/boards.d/40-d.conf", "[Match]\nId=0483:df11\n");
	bed_write(bed, "lib/boards.d/50-d.conf", "[Match]\nId=0483:df11\n");
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_VOID_PROFILES);
	assert_int_equal(configuration.n_profiles, 5);
	assert_int_equal(problems.n, 4);
	bed_assert_problem(bed, &problems, 0, "etc/boards.d/10-a.conf", 3, "unknown key");
	bed_assert_problem(bed, &problems, 1, "etc/boards.d/20-b.conf", 0, "link to nothing");
	bed_assert_problem(bed, &problems, 2, "etc/boards.d/30-c.conf", 0, "no regular file");
	bed_assert_problem(bed, &problems, 3, "lib/boards.d/50-d.conf", 0, "profile named d too");
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(configuration.profiles[i]->is_void, i != 3);
	}
	assert_int_equal(configuration.profiles[1]->n_ids, 0);
	config_problems_done(&problems);
	configuration_done(&configuration);
}

static void test_unusable(void **state)
{
	static const char *const files[] = {"etc/dfud.conf", "run/dfud.conf.d/a.conf"};
	const struct bed *bed = *state;

	bed_folder(bed, "run/dfud.conf.d");
	bed_write(bed, "etc/boards.d/10-a.conf", "[Match]\nId=x\n");
	for (size_t i = 0; i < 2; i++) {
		struct configuration configuration = {.n_profiles = 77};
		struct config_problems problems = CONFIG_PROBLEMS_INIT;

		bed_write(bed, files[i], "[Queue]\nQuiet=x\n");
		assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_UNUSABLE);
		assert_int_equal(configuration.n_profiles, 77);
		assert_int_equal(problems.n, 2);
		bed_assert_problem(bed, &problems, 0, files[i], 2, "no time");
		bed_assert_problem(bed, &problems, 1, "etc/boards.d/10-a.conf", 2, "no id");
		config_problems_done(&problems);
		assert_int_equal(unlink(bed_path(bed, files[i])), 0);
	}
}

/* Told once all files are laid over one another, against the file that asks for signatures. */
static void test_signatures_without_keys(void **state)
{
	const struct bed *bed = *state;
	struct configuration configuration = CONFIGURATION_INIT;
	struct config_problems problems = CONFIG_PROBLEMS_INIT;

	bed_folder(bed, "etc/dfud.conf.d");
	bed_write(bed, "etc/dfud.conf", "[Trust]\nRequireSignature=yes\n");
	bed_write(bed, "etc/dfud.conf.d/50-a.conf", "[Queue]\nQuiet=2s\n");
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_UNUSABLE);
	assert_int_equal(problems.n, 1);
	bed_assert_problem(bed, &problems, 0, "etc/dfud.conf", 0, "no Keys= in [Trust]");
	config_problems_done(&problems);

	bed_write(bed, "etc/dfud.conf", "[Trust]\nRequireSignature=no\n");
	bed_write(bed, "etc/dfud.conf.d/50-a.conf", "[Trust]\nRequireSignature=yes\n");
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_UNUSABLE);
	bed_assert_problem(bed, &problems, 0, "etc/dfud.conf.d/50-a.conf", 0, "no file could ever");
	config_problems_done(&problems);

	bed_write(bed, "etc/dfud.conf.d/60-b.conf",
		"[Trust]\nKeys=RWQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh+ZelNhPksy5gtEMu\n");
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_GOOD);
	assert_true(configuration.settings.require_signature);
	assert_int_equal(configuration.settings.n_keys, 1);
	configuration_done(&configuration);
}

/* A key that is none is one mistake, not two. */
static void test_signatures_with_a_bad_key(void **state)
{
	const struct bed *bed = *state;
	struct configuration configuration = CONFIGURATION_INIT;
	struct config_problems problems = CONFIG_PROBLEMS_INIT;

	bed_write(bed, "etc/dfud.conf", "[Trust]\nRequireSignature=yes\nKeys=mine\n");
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_UNUSABLE);
	assert_int_equal(problems.n, 1);
	bed_assert_problem(bed, &problems, 0, "etc/dfud.conf", 3, "no public key of minisign");
	config_problems_done(&problems);
}

static void test_unusable_unread(void **state)
{
	const struct bed *bed = *state;
	struct configuration configuration = {.n_profiles = 77};
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	static char large[FILES_SIZE_MAX + 2];

	memset(large, '#', FILES_SIZE_MAX + 1);
	bed_write(bed, "run/dfud.conf", large);
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_UNUSABLE);
	bed_assert_problem(bed, &problems, 0, "run/dfud.conf", 0, "larger than 1048576 bytes");
	config_problems_done(&problems);

	assert_int_equal(unlink(bed_path(bed, "run/dfud.conf")), 0);
	assert_int_equal(rmdir(bed_path(bed, "etc/boards.d")), 0);
	bed_write(bed, "etc/boards.d", "no folder");
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_UNUSABLE);
	assert_int_equal(problems.n, 1);
	bed_assert_problem(bed, &problems, 0, "etc/boards.d", 0, "Not a directory");
	assert_int_equal(configuration.n_profiles, 77);
	config_problems_done(&problems);
}

static void test_no_permission(void **state)
{
	const struct bed *bed = *state;
	struct configuration configuration = CONFIGURATION_INIT;
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	uid_t uid = geteuid();

	bed_write(bed, "etc/boards.d/10-a.conf", "[Match]\nId=0483:df11\n");
	assert_int_equal(chmod(bed_path(bed, "etc/boards.d/10-a.conf"), 0), 0);
	assert_int_equal(chmod(bed->root, 0755), 0);
	if (uid == 0) {
		assert_int_equal(seteuid(65534), 0);
	}
	assert_int_equal(bed_load(bed, &configuration, &problems), CONFIGURATION_VOID_PROFILES);
	assert_int_equal(seteuid(uid), 0);
	bed_assert_problem(bed, &problems, 0, "etc/boards.d/10-a.conf", 0, "Permission denied");
	assert_true(configuration.profiles[0]->is_void);
	assert_int_equal(configuration.profiles[0]->n_ids, 0);
	config_problems_done(&problems);
	configuration_done(&configuration);
}

/* What the package brings: dfud.conf with every key, and the profile for the ROM of the STM32. */
static void test_shipped(void **state)
{
	static const struct profile_device rom = {.vendor = 0x0483,
		.product = 0xdf11,
		.layout = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"};
	const struct files_folder folders[] = {{SHIPPED, false}, {NULL, false}};
	struct configuration configuration = CONFIGURATION_INIT;
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	enum configuration_state result;

	assert_int_equal(configuration_load(&configuration, folders, &problems, &result), 0);
	assert_int_equal(result, CONFIGURATION_GOOD);
	assert_int_equal(configuration.n_profiles, 1);
	assert_string_equal(configuration.profiles[0]->name, "stm32-rom");
	assert_int_equal(profile_misses_device(configuration.profiles[0], &rom), PROFILE_KEY_NONE);
	assert_true(configuration.profiles[0]->has_address);
	assert_int_equal(configuration.profiles[0]->address, 0x08000000);
	configuration_done(&configuration);
}

/* The keys that the shipped dfud.conf shows behind a '#' are the defaults, and all there are. */
static void test_shipped_defaults(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct settings shown = {0}, defaults;
	unsigned n_keys = 0;
	size_t size;
	char *text;

	assert_int_equal(files_read(SHIPPED "/dfud.conf", &text, &size), 0);
	for (char *at = text; (at = strstr(at, "\n#")) != NULL;) {
		at++;
		if (at[1] >= 'A' && at[1] <= 'Z') {
			memmove(at, at + 1, strlen(at));
			n_keys++;
		}
	}
	settings_init(&defaults);
	assert_int_equal(settings_read(&shown, "dfud.conf", text, strlen(text), &problems), 0);
	assert_int_equal(problems.n, 0);
	assert_int_equal(n_keys, 9);
	assert_memory_equal(&shown, &defaults, offsetof(struct settings, max_workers));
	assert_int_equal(shown.max_workers, defaults.max_workers);
	assert_int_equal(shown.backup_max_size, defaults.backup_max_size);
	assert_int_equal(shown.backup_max_count, defaults.backup_max_count);
	assert_int_equal(shown.allowed_ports.n, 0);
	assert_false(shown.require_signature);
	assert_int_equal(shown.n_keys, 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_nothing_at_all),
		BED_TEST(test_good),
		BED_TEST(test_void_profiles),
		BED_TEST(test_unusable),
		BED_TEST(test_signatures_without_keys),
		BED_TEST(test_signatures_with_a_bad_key),
		BED_TEST(test_unusable_unread),
		BED_TEST(test_no_permission),
		BED_TEST(test_shipped),
		BED_TEST(test_shipped_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
