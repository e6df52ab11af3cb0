/* SPDX-License-Identifier: MIT */
/* The quota of backups: the oldest go, never one in use, never what is not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dfud/vault.h"

#define N(array)  (sizeof(array) / sizeof(*(array)))
#define NO_LIMIT  UINT64_MAX
#define LONG_AGO  1000
#define DIGITS_63 "23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"

struct bed {
	char root[64];
	int vault;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	strcpy(bed->root, "/tmp/dfud-limit-XXXXXX");
	assert_non_null(mkdtemp(bed->root));
	bed->vault = open(bed->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(bed->vault >= 0);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	pid_t pid;

	(void)close(bed->vault);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", bed->root, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	free(bed);
	return 0;
}

/* The digest that stands for a letter: "a" to aaa...a. */
static const char *digest_of(char letter, char ret[static 65])
{
	memset(ret, letter, 64);
	ret[64] = '\0';
	return ret;
}

static void make_old(const struct bed *bed, const char *name, time_t seconds, long ns)
{
	const struct timespec times[] = {
		{.tv_sec = seconds, .tv_nsec = ns}, {.tv_sec = seconds, .tv_nsec = ns}};

	assert_int_equal(utimensat(bed->vault, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void put(const struct bed *bed, const char *name, off_t size, time_t seconds)
{
	int fd = openat(bed->vault, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	(void)close(fd);
	make_old(bed, name, seconds, 0);
}

/* Bytes of an age with their note, which may be younger. */
static void put_backup(const struct bed *bed, char letter, off_t size, time_t seconds)
{
	char digest[65], name[80];

	(void)snprintf(name, sizeof(name), "%s.bin", digest_of(letter, digest));
	put(bed, name, size, seconds);
	(void)snprintf(name, sizeof(name), "%s.ini", digest);
	put(bed, name, 100, LONG_AGO);
}

/* The letters of the backups that are there; each with its note, or without both. */
static void assert_left(const struct bed *bed, const char *letters)
{
	char digest[65], name[80], left[17] = "";

	for (const char *letter = "abcdef0123456789"; *letter; letter++) {
		bool bytes, note;

		(void)snprintf(name, sizeof(name), "%s.bin", digest_of(*letter, digest));
		bytes = faccessat(bed->vault, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
		(void)snprintf(name, sizeof(name), "%s.ini", digest);
		note = faccessat(bed->vault, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
		assert_int_equal(bytes, note);
		if (bytes) {
			left[strlen(left)] = *letter;
		}
	}
	assert_string_equal(left, letters);
}

static void test_count(void **state)
{
	struct bed *bed = *state;

	put_backup(bed, 'a', 1, 5000);
	put_backup(bed, 'b', 1, 3000);
	put_backup(bed, 'c', 1, 4000);
	put_backup(bed, 'd', 1, 2000);
	vault_limit(bed->vault, NO_LIMIT, 4, NULL, 0);
	assert_left(bed, "abcd");
	vault_limit(bed->vault, NO_LIMIT, 3, NULL, 0);
	assert_left(bed, "abc");
	vault_limit(bed->vault, NO_LIMIT, 1, NULL, 0);
	assert_left(bed, "a");
	vault_limit(bed->vault, NO_LIMIT, 0, NULL, 0);
	assert_left(bed, "");
}

static void test_size(void **state)
{
	struct bed *bed = *state;

	put_backup(bed, 'a', 300, 5000);
	put_backup(bed, 'b', 200, 4000);
	put_backup(bed, 'c', 100, 3000);
	put_backup(bed, 'd', 1, 2000);
	vault_limit(bed->vault, 601, 100, NULL, 0);
	assert_left(bed, "abcd");
	vault_limit(bed->vault, 600, 100, NULL, 0);
	assert_left(bed, "abc");
	vault_limit(bed->vault, 599, 100, NULL, 0);
	assert_left(bed, "ab");
	put_backup(bed, 'e', 1, 1500); /* fits, but is older than one that does not */
	vault_limit(bed->vault, 499, 100, NULL, 0);
	assert_left(bed, "a");
	vault_limit(bed->vault, 299, 100, NULL, 0);
	assert_left(bed, "");
}

/* One that fits alone, but not beside a newer one. */
static void test_huge(void **state)
{
	struct bed *bed = *state;
	const off_t huge = (off_t)1 << 40;

	put_backup(bed, 'a', 100, 5000);
	put_backup(bed, 'b', huge, 4000);
	put_backup(bed, 'c', 100, 3000);
	vault_limit(bed->vault, (uint64_t)huge, 100, NULL, 0);
	assert_left(bed, "a");
}

static void test_in_use(void **state)
{
	struct bed *bed = *state;
	char one[65], two[65];
	const char *const keep[] = {digest_of('d', one), digest_of('b', two)};

	put_backup(bed, 'a', 100, 5000);
	put_backup(bed, 'b', 100, 4000);
	put_backup(bed, 'c', 100, 3000);
	put_backup(bed, 'd', 100, 2000);
	vault_limit(bed->vault, NO_LIMIT, 3, keep, 2);
	assert_left(bed, "abd");
	vault_limit(bed->vault, 299, 100, keep, 2);
	assert_left(bed, "bd");
	put_backup(bed, 'a', 1, 5000);
	vault_limit(bed->vault, 150, 100, keep, 2); /* what is in use does not fit alone */
	assert_left(bed, "bd");
	vault_limit(bed->vault, 0, 0, keep, 2);
	assert_left(bed, "bd");
	vault_limit(bed->vault, 0, 0, keep, 1);
	assert_left(bed, "d");
}

/* Within one second, and within one moment: always the same ones. */
static void test_order(void **state)
{
	struct bed *bed = *state;
	char digest[65], name[80];

	for (const char *letter = "abcd"; *letter; letter++) {
		put_backup(bed, *letter, 1, 5000);
		(void)snprintf(name, sizeof(name), "%s.bin", digest_of(*letter, digest));
		make_old(bed, name, 5000, *letter == 'c' ? 200 : 100);
	}
	vault_limit(bed->vault, NO_LIMIT, 2, NULL, 0);
	assert_left(bed, "ac");
	vault_limit(bed->vault, NO_LIMIT, 1, NULL, 0);
	assert_left(bed, "c");
}

static unsigned count_names(const struct bed *bed)
{
	DIR *dir = opendir(bed->root);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir)) {
		n++;
	}
	(void)closedir(dir);
	return n - 2;
}

/* Whatever people put there, however old: it is neither counted nor removed. */
static void test_what_is_not_ours(void **state)
{
	static const char *const names[] = {"README", "0" DIGITS_63, "0" DIGITS_63 ".bin.bak",
		DIGITS_63 ".bin", "00" DIGITS_63 ".bin", "G" DIGITS_63 ".bin", "A" DIGITS_63 ".bin",
		".0" DIGITS_63 ".bin", "0" DIGITS_63 ".BIN", "0" DIGITS_63 ".txt", DIGITS_63 ".ini",
		".0" DIGITS_63 ".ini", ".0" DIGITS_63 ".bin.new", "0" DIGITS_63 ".ini.new",
		"..ini.new", ".ini", ".bin", "a\nb\xff", "0" DIGITS_63 "\n.ini"};
	struct bed *bed = *state;

	for (size_t i = 0; i < N(names); i++) {
		put(bed, names[i], 1000, LONG_AGO);
	}
	put_backup(bed, 'a', 1, 5000);
	vault_limit(bed->vault, 1, 1, NULL, 0);
	assert_left(bed, "a");
	assert_int_equal(count_names(bed), N(names) + 2);
	vault_limit(bed->vault, 0, 0, NULL, 0);
	assert_int_equal(count_names(bed), N(names));
}

/* Named like ours, but no files: no quota touches them, and no note beside them is a stray. */
static void test_what_is_no_file(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(symlinkat("/etc/passwd", bed->vault, "1" DIGITS_63 ".bin"), 0);
	assert_int_equal(mkfifoat(bed->vault, "2" DIGITS_63 ".bin", 0666), 0);
	assert_int_equal(mkdirat(bed->vault, "3" DIGITS_63 ".bin", 0755), 0);
	put(bed, "1" DIGITS_63 ".ini", 1, LONG_AGO);
	assert_int_equal(mkdirat(bed->vault, "4" DIGITS_63 ".ini", 0755), 0);
	assert_int_equal(symlinkat("/etc/passwd", bed->vault, "5" DIGITS_63 ".ini"), 0);
	make_old(bed, "4" DIGITS_63 ".ini", LONG_AGO, 0);
	make_old(bed, "5" DIGITS_63 ".ini", LONG_AGO, 0);
	put_backup(bed, 'a', 1, 5000);
	vault_limit(bed->vault, NO_LIMIT, 1, NULL, 0);
	assert_left(bed, "a");
	assert_int_equal(count_names(bed), 8);
}

static void test_strays(void **state)
{
	struct bed *bed = *state;
	const time_t now = time(NULL);

	put(bed, "1" DIGITS_63 ".ini", 1, now - 3700);
	put(bed, "2" DIGITS_63 ".ini", 1, now - 3500);
	put(bed, ".3" DIGITS_63 ".ini.new", 1, now - 3700);
	put(bed, ".4" DIGITS_63 ".ini.new", 1, now - 3500);
	put(bed, "5" DIGITS_63 ".ini", 1, now + 3700);
	put_backup(bed, 'a', 1, 5000);
	vault_limit(bed->vault, NO_LIMIT, 1, NULL, 0);
	assert_left(bed, "a");
	assert_int_equal(faccessat(bed->vault, "1" DIGITS_63 ".ini", F_OK, 0), -1);
	assert_int_equal(faccessat(bed->vault, "2" DIGITS_63 ".ini", F_OK, 0), 0);
	assert_int_equal(faccessat(bed->vault, ".3" DIGITS_63 ".ini.new", F_OK, 0), -1);
	assert_int_equal(faccessat(bed->vault, ".4" DIGITS_63 ".ini.new", F_OK, 0), 0);
	assert_int_equal(faccessat(bed->vault, "5" DIGITS_63 ".ini", F_OK, 0), 0);
}

/* Bytes without a note count too, and go. */
static void test_without_note(void **state)
{
	struct bed *bed = *state;

	put(bed, "1" DIGITS_63 ".bin", 100, 4000);
	put_backup(bed, 'a', 100, 5000);
	vault_limit(bed->vault, 199, 10, NULL, 0);
	assert_left(bed, "a");
	assert_int_equal(count_names(bed), 2);
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_count),
		BED_TEST(test_size),
		BED_TEST(test_huge),
		BED_TEST(test_in_use),
		BED_TEST(test_order),
		BED_TEST(test_what_is_not_ours),
		BED_TEST(test_what_is_no_file),
		BED_TEST(test_strays),
		BED_TEST(test_without_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
