/* SPDX-License-Identifier: MIT */
/* Files on a real file system: order, masking, switching off, what cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "folders.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_order_and_masking),
		BED_TEST(test_names),
		BED_TEST(test_switched_off),
		BED_TEST(test_unreadable_masks),
		BED_TEST(test_folder_problem),
		BED_TEST(test_first),
		BED_TEST(test_read),
		BED_TEST(test_read_irregular),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
