/* SPDX-License-Identifier: MIT */
/* Files and configuration on a real file system: order, masking, switching off, what cannot be
 * read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/profile.h"
#include "configuration.h"
#include "files.h"

/* Three folders like those of the system: bed->folders[0] is etc, 1 is run, 2 is lib. */
struct bed {
	char root[64];
	char paths[3][96];
	struct files_folder folders[4];
};

static int bed_set_up(void **state)
{
	static const char *const names[] = {"etc", "run", "lib"};
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	strcpy(bed->root, "/tmp/dfud-files-XXXXXX");
	assert_non_null(mkdtemp(bed->root));
	for (size_t i = 0; i < 3; i++) {
		char path[160];

		snprintf(bed->paths[i], sizeof(bed->paths[i]), "%s/%s", bed->root, names[i]);
		assert_int_equal(mkdir(bed->paths[i], 0755), 0);
		snprintf(path, sizeof(path), "%s/boards.d", bed->paths[i]);
		assert_int_equal(mkdir(path, 0755), 0);
		bed->folders[i] = (struct files_folder){bed->paths[i], i < 2};
	}
	*state = bed;
	return 0;
}

static int bed_on_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int bed_tear_down(void **state)
{
	struct bed *bed = *state;
	int r = nftw(bed->root, bed_on_remove, 16, FTW_DEPTH | FTW_PHYS);

	free(bed);
	return r;
}

static const char *bed_path(const struct bed *bed, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", bed->root, name);
	return path;
}

static void bed_write(const struct bed *bed, const char *name, const char *text)
{
	FILE *file = fopen(bed_path(bed, name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void bed_link(const struct bed *bed, const char *name, const char *target)
{
	assert_int_equal(symlink(target, bed_path(bed, name)), 0);
}

static void bed_folder(const struct bed *bed, const char *name)
{
	assert_int_equal(mkdir(bed_path(bed, name), 0755), 0);
}

/* "+etc/boards.d/a.conf -lib/boards.d/b.conf ": + is written, - is shipped. */
static void bed_assert_list(const struct bed *bed, const struct files *files, const char *expected)
{
	char list[1024] = "";

	for (size_t i = 0; i < files->n; i++) {
		const struct files_entry *entry = &files->items[i];

		assert_memory_equal(entry->path, bed->root, strlen(bed->root));
		strcat(list, entry->is_written ? "+" : "-");
		strcat(list, entry->path + strlen(bed->root) + 1);
		strcat(list, " ");
	}
	assert_string_equal(list, expected);
}

static void bed_assert_all(const struct bed *bed, const char *subfolder, const char *expected)
{
	struct files files = FILES_INIT;
	char *problem = NULL;

	assert_int_equal(files_find_all(&files, bed->folders, subfolder, &problem), 0);
	assert_null(problem);
	bed_assert_list(bed, &files, expected);
	files_done(&files);
}

static void bed_assert_first(const struct bed *bed, const char *expected)
{
	struct files files = FILES_INIT;

	assert_int_equal(files_find_first(&files, bed->folders, "dfud.conf"), 0);
	bed_assert_list(bed, &files, expected);
	files_done(&files);
}

static void test_order_and_masking(void **state)
{
	const struct bed *bed = *state;

	bed_assert_all(bed, "boards.d", "");
	bed_assert_all(bed, "nothing.d", "");
	bed_write(bed, "lib/boards.d/20-a.conf", "x");
	bed_write(bed, "lib/boards.d/90-z.conf", "x");
	bed_write(bed, "etc/boards.d/50-b.conf", "x");
	bed_write(bed, "run/boards.d/10-c.conf", "x");
	bed_assert_all(bed, "boards.d",
		"+run/boards.d/10-c.conf -lib/boards.d/20-a.conf +etc/boards.d/50-b.conf "
		"-lib/boards.d/90-z.conf ");
	bed_write(bed, "run/boards.d/20-a.conf", "x");
	bed_write(bed, "run/boards.d/50-b.conf", "x");
	bed_write(bed, "etc/boards.d/90-z.conf", "x");
	bed_assert_all(bed, "boards.d",
		"+run/boards.d/10-c.conf +run/boards.d/20-a.conf +etc/boards.d/50-b.conf "
		"+etc/boards.d/90-z.conf ");
}

static void test_names(void **state)
{
	const struct bed *bed = *state;

	bed_write(bed, "etc/boards.d/a.conf", "x");
	bed_write(bed, "etc/boards.d/.b.conf", "x");
	bed_write(bed, "etc/boards.d/.conf", "x");
	bed_write(bed, "etc/boards.d/c.conf~", "x");
	bed_write(bed, "etc/boards.d/d.conf.dpkg-new", "x");
	bed_write(bed, "etc/boards.d/e", "x");
	bed_write(bed, "etc/boards.d/\xff f.conf", "x");
	bed_assert_all(bed, "boards.d", "+etc/boards.d/a.conf +etc/boards.d/\xff f.conf ");
}

static void test_switched_off(void **state)
{
	const struct bed *bed = *state;

	bed_write(bed, "lib/boards.d/a.conf", "x");
	bed_write(bed, "lib/boards.d/b.conf", "x");
	bed_write(bed, "lib/boards.d/c.conf", "x");
	bed_write(bed, "lib/boards.d/d.conf", "");
	bed_link(bed, "etc/boards.d/a.conf", "/dev/null");
	bed_write(bed, "run/boards.d/b.conf", "");
	bed_link(bed, "run/boards.d/c.conf", "../../lib/boards.d/b.conf");
	bed_assert_all(bed, "boards.d", "+run/boards.d/c.conf ");
}

static void test_unreadable_masks(void **state)
{
	const struct bed *bed = *state;

	bed_write(bed, "lib/boards.d/a.conf", "x");
	bed_write(bed, "lib/boards.d/b.conf", "x");
	bed_link(bed, "etc/boards.d/a.conf", "nowhere");
	bed_folder(bed, "run/boards.d/b.conf");
	bed_link(bed, "run/boards.d/c.conf", "/dev/zero");
	bed_assert_all(
		bed, "boards.d", "+etc/boards.d/a.conf +run/boards.d/b.conf +run/boards.d/c.conf ");
}

static void test_folder_problem(void **state)
{
	const struct bed *bed = *state;
	struct files files = FILES_INIT;
	char *problem = NULL;

	bed_write(bed, "etc/dfud.conf.d", "no folder");
	assert_int_equal(files_find_all(&files, bed->folders, "dfud.conf.d", &problem), -ENOTDIR);
	assert_string_equal(problem, bed_path(bed, "etc/dfud.conf.d"));
	assert_int_equal(files.n, 0);
	free(problem);
}

static void test_first(void **state)
{
	const struct bed *bed = *state;

	bed_assert_first(bed, "");
	bed_write(bed, "lib/dfud.conf", "x");
	bed_assert_first(bed, "-lib/dfud.conf ");
	bed_write(bed, "run/dfud.conf", "x");
	bed_assert_first(bed, "+run/dfud.conf ");
	bed_link(bed, "etc/dfud.conf", "/dev/null");
	bed_assert_first(bed, "");
	assert_int_equal(unlink(bed_path(bed, "etc/dfud.conf")), 0);
	bed_link(bed, "etc/dfud.conf", "nowhere");
	bed_assert_first(bed, "+etc/dfud.conf ");
}

static void test_read(void **state)
{
	const struct bed *bed = *state;
	static char large[FILES_SIZE_MAX + 2];
	size_t size = 99;
	char *text;

	bed_write(bed, "a", "hello");
	assert_int_equal(files_read(bed_path(bed, "a"), &text, &size), 0);
	assert_int_equal(size, 5);
	assert_string_equal(text, "hello");
	free(text);

	bed_write(bed, "b", "");
	assert_int_equal(files_read(bed_path(bed, "b"), &text, &size), 0);
	assert_int_equal(size, 0);
	assert_non_null(text);
	free(text);

	memset(large, 'x', FILES_SIZE_MAX);
	bed_write(bed, "c", large);
	assert_int_equal(files_read(bed_path(bed, "c"), &text, &size), 0);
	assert_int_equal(size, FILES_SIZE_MAX);
	free(text);

	large[FILES_SIZE_MAX] = 'x';
	bed_write(bed, "d", large);
	size = 99;
	assert_int_equal(files_read(bed_path(bed, "d"), &text, &size), -EFBIG);
	assert_int_equal(size, 99);
}

static void test_read_irregular(void **state)
{
	const struct bed *bed = *state;
	size_t size;
	char *text;

	assert_int_equal(files_read(bed_path(bed, "none"), &text, &size), -ENOENT);
	assert_int_equal(files_read(bed_path(bed, "etc"), &text, &size), -EISDIR);
	assert_int_equal(files_read("/dev/zero", &text, &size), -ENXIO);
	assert_int_equal(mkfifo(bed_path(bed, "fifo"), 0644), 0);
	assert_int_equal(files_read(bed_path(bed, "fifo"), &text, &size), -ENXIO);
}

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

	bed_write(bed, "etc/boards.d/10-a.conf", "[Match]\nId=0483:df11\nBackup=no\n");
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
	assert_int_equal(n_keys, 4);
	assert_memory_equal(&shown, &defaults, offsetof(struct settings, max_workers));
	assert_int_equal(shown.max_workers, defaults.max_workers);
	free(text);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, bed_set_up, bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_and_masking),
		TEST(test_names),
		TEST(test_switched_off),
		TEST(test_unreadable_masks),
		TEST(test_folder_problem),
		TEST(test_first),
		TEST(test_read),
		TEST(test_read_irregular),
		TEST(test_nothing_at_all),
		TEST(test_good),
		TEST(test_void_profiles),
		TEST(test_unusable),
		TEST(test_unusable_unread),
		TEST(test_no_permission),
		TEST(test_shipped),
		TEST(test_shipped_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
