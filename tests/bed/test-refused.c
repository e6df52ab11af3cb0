/* SPDX-License-Identifier: MIT */
/*
 * What is refused before the first erase: one line with its reason, the board untouched, the file
 * where the table of design 4 and amendment 9 say (a wrong file in failed/, one that only does not
 * fit this board in the queue), and the daemon goes on to serve the next file.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scene.h"

/* The daemon still does its work: a good file goes through. */
static void expect_good_file_to_pass(struct bed *bed, struct host_port *port)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 7);

	scene_untouched(bed, port);
	bed_forget(bed);
	host_unplug(bed->host, port);
	scene_drop(bed, "good.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=good.bin");
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=good.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

/* One line gives the reason, once; the file is in the folder, whole. */
static void expect_refused(
	struct bed *bed, const char *name, const char *reason, const char *folder)
{
	char field[64], file[64];

	snprintf(field, sizeof(field), "DFUD_REASON=%s", reason);
	snprintf(file, sizeof(file), "DFUD_FILE=%s", name);
	scene_entry(bed, field, file);
	assert_true(bed_wait_file(bed, folder, name));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict", file), 1);
	scene_field(scene_verdict(bed, file), "DFUD_VERDICT", "refused");
	scene_field(scene_verdict(bed, file), "DFUD_REASON", reason);
	scene_field(scene_verdict(bed, file), "PRIORITY", "3");
}

static void check_file(struct bed *bed, const void *bytes, size_t size, const char *reason)
{
	struct host_port *port;

	scene_start(bed);
	port = scene_board(bed, "1-1", NULL);
	assert_int_equal(bed_drop(bed, "bad.bin", bytes, size), 0);
	expect_refused(bed, "bad.bin", reason, "failed");
	assert_false(bed_has_file(bed, "queue", "bad.bin", NULL, 0));
	expect_good_file_to_pass(bed, port);
}

static void test_empty(void **state)
{
	check_file(*state, "", 0, "empty");
}

static void test_text(void **state)
{
	static const char text[] = "The firmware can be found on our web page.\n"
				   "Please read the manual before you install it.\n";

	check_file(*state, text, strlen(text), "text");
}

static void test_html(void **state)
{
	static const char page[] = "<!DOCTYPE html>\n<html><head><title>404</title></head>\n"
				   "<body><h1>Not found</h1></body></html>\n";

	check_file(*state, page, strlen(page), "html");
}

/* A writer that was killed half-way. */
static void test_truncated(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	check_file(*state, image.bytes, image.size / 8, "truncated");
}

/* What its maker says of it beside it (sha256sum): wrong, and then right. */
static void test_checksum_beside_it(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;
	char sum[128];

	scene_start(bed);
	port = scene_board(bed, "1-1", NULL);
	memset(sum, '0', 64);
	assert_int_equal(bed_drop(bed, "bad.bin.sha256", sum, 64), 0);
	assert_int_equal(bed_drop(bed, "bad.bin", image.bytes, image.size), 0);
	expect_refused(bed, "bad.bin", "damaged", "failed");
	scene_untouched(bed, port);
	snprintf(sum, sizeof(sum), "%s  good.bin\n",
		entry_get(scene_verdict(bed, "DFUD_FILE=bad.bin"), "DFUD_SHA256"));
	assert_int_equal(bed_drop(bed, "good.bin.sha256", sum, strlen(sum)), 0);
	assert_int_equal(bed_drop(bed, "good.bin", image.bytes, image.size), 0);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=good.bin");
	assert_true(bed_wait_file(bed, "done", "good.bin.sha256"));
}

static void test_too_large(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	size_t size = (64 << 10) + 1;
	uint8_t *large = calloc(1, size);

	assert_non_null(large);
	memcpy(large, image.bytes, image.size);
	assert_int_equal(
		bed_configure(*state, "etc", "dfud.conf", BED_SETTINGS "MaxFileSize=64K\n"), 0);
	check_file(*state, large, size, "too-large");
	free(large);
}

/* A wrong file is told at once, not when the board is there. */
static void test_wrong_file_needs_no_board(void **state)
{
	struct bed *bed = *state;

	scene_start(bed);
	assert_int_equal(bed_drop(bed, "page.bin", "<html></html>\n", 14), 0);
	expect_refused(bed, "page.bin", "html", "failed");
}

/* The file is good and the board is good, but not for each other: the file waits in the queue. */
static void check_pair(struct bed *bed, const void *bytes, size_t size, const char *reason)
{
	struct host_port *port;
	char path[512];

	scene_start(bed);
	port = scene_board(bed, "1-1", NULL);
	assert_int_equal(bed_drop(bed, "bad.bin", bytes, size), 0);
	expect_refused(bed, "bad.bin", reason, "queue");
	assert_int_equal(host_presence(bed->host, port), BOARD_DFU);
	snprintf(path, sizeof(path), "%s/state/queue/bad.bin", bed->root);
	assert_int_equal(unlink(path), 0);
	expect_good_file_to_pass(bed, port);
}

static void test_link_address(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);

	check_pair(*state, image.bytes, image.size, "link-address");
}

static void test_link_address_under_the_shipped_profile(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);

	check_pair(*state, image.bytes, image.size, "link-address");
}

/* Bytes that look like no program: nobody wrote that they belong there. */
static void test_unknown_image_under_the_shipped_profile(void **state)
{
	uint8_t bytes[8192];
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(x >> 24);
	}
	check_pair(*state, bytes, sizeof(bytes), "unknown-image");
}

static void test_outside_map(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes;

	recipe.size = 520 << 10;
	bytes = image_make(&recipe);
	assert_non_null(bytes);
	check_pair(*state, bytes, recipe.size, "outside-map");
	free(bytes);
}

static void test_protected(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_profile(bed, SCENE_MATCH "[Image]\nAddress=0x08000000\n"
				       "[Flash]\nProtect=0x08008000-0x0800bfff\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	expect_refused(bed, "klipper.bin", "protected", "queue");
	scene_untouched(bed, port);
}

static void test_read_protected_board(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options options = {.read_protected = true};
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", &options);

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	expect_refused(bed, "klipper.bin", "read-protected", "queue");
	scene_untouched(bed, port);
}

/* What is no file at all is said once and stays. */
static void expect_ignored(struct bed *bed, const char *name, const char *reason)
{
	char field[64], file[64], path[512];
	struct stat info;

	snprintf(field, sizeof(field), "DFUD_REASON=%s", reason);
	snprintf(file, sizeof(file), "DFUD_FILE=%s", name);
	scene_entry(bed, "DFUD_EVENT=ignored", field, file);
	assert_int_equal(bed_count(bed, file), 1);
	snprintf(path, sizeof(path), "%s/state/queue/%s", bed->root, name);
	assert_int_equal(lstat(path, &info), 0);
}

static void test_what_is_no_file(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", NULL);
	char path[512];

	snprintf(path, sizeof(path), "%s/state/queue/folder.bin", bed->root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/state/queue/link.bin", bed->root);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	scene_start(bed);
	snprintf(path, sizeof(path), "%s/state/queue/fifo.bin", bed->root);
	assert_int_equal(mkfifo(path, 0644), 0);
	expect_ignored(bed, "folder.bin", "not-regular");
	expect_ignored(bed, "link.bin", "linked");
	expect_ignored(bed, "fifo.bin", "not-regular");
	expect_good_file_to_pass(bed, port);
}

/* Names that are no jobs say nothing and stay. */
static void test_names_that_are_no_jobs(void **state)
{
	static const char *const names[] = {".hidden.bin", "half.part", "half.tmp", "old.bin~"};
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_start(bed);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		scene_drop(bed, names[i], &image);
	}
	expect_good_file_to_pass(bed, port);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_true(bed_has_file(bed, "queue", names[i], NULL, 0));
	}
}

/* A name with bytes that a terminal would obey is shown, not obeyed; raw only in its own field. */
static void test_name_with_control_bytes(void **state)
{
	static const char name[] = "a\033[31mb.bin";
	struct bed *bed = *state;
	const struct entry *entry;

	scene_start(bed);
	assert_int_equal(bed_drop(bed, name, "", 0), 0);
	entry = scene_entry(bed, "DFUD_REASON=empty");
	scene_field(entry, "DFUD_FILE", name);
	assert_null(strchr(entry_get(entry, "MESSAGE"), '\033'));
	assert_non_null(strstr(entry_get(entry, "MESSAGE"), "a\\x1b[31mb.bin"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_empty),
		SCENE(test_text),
		SCENE(test_html),
		SCENE(test_truncated),
		SCENE(test_checksum_beside_it),
		SCENE(test_too_large),
		SCENE(test_wrong_file_needs_no_board),
		SCENE(test_link_address),
		SCENE_BARE(test_link_address_under_the_shipped_profile),
		SCENE_BARE(test_unknown_image_under_the_shipped_profile),
		SCENE(test_outside_map),
		SCENE(test_protected),
		SCENE(test_read_protected_board),
		SCENE(test_what_is_no_file),
		SCENE(test_names_that_are_no_jobs),
		SCENE(test_name_with_control_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
