/* SPDX-License-Identifier: MIT */
/*
 * A file's life in the queue: it expires or waits for ever, gives way to a newer version, is taken
 * back. One job is left of each name, and it is the newest.
 */

#include <stdio.h>
#include <unistd.h>

#include "dfu/dfu.h"
#include "scene.h"

static void test_expires(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct entry *expired;

	assert_int_equal(
		bed_configure(bed, "etc", "dfud.conf", BED_SETTINGS "ExpireAfter=1s\n"), 0);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	expired = scene_entry(bed, "DFUD_EVENT=expired", "DFUD_FILE=klipper.bin");
	scene_field(expired, "DFUD_REASON", "expired");
	assert_non_null(strstr(entry_get(expired, "MESSAGE"), "failed/"));
	assert_true(bed_wait_file(bed, "failed", "klipper.bin"));
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

/* It waits until its board comes. */
static void test_never_expires(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;

	assert_int_equal(
		bed_configure(bed, "etc", "dfud.conf", BED_SETTINGS "ExpireAfter=infinity\n"), 0);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	port = scene_board(bed, "1-1", NULL);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=expired"), 0);
}

/* A board that is being written with the image as klipper.bin, slowly enough for a hand. */
static struct host_port *board_in_mid_write(struct bed *bed, const struct firmware *image)
{
	const struct board_options options = {.cold_error = true, .speedup = 8};
	struct host_port *port = scene_board(bed, "1-1", &options);

	scene_drop(bed, "klipper.bin", image);
	scene_wait_blocks(bed, port, 1);
	return port;
}

static void plug_again(struct bed *bed, struct host_port *port)
{
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
}

static void test_the_last_of_three_versions_is_left(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware first = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_FLASH, 2);
	FIRMWARE_CLEANUP struct firmware third = scene_image(SCENE_FLASH, 3);
	struct host_port *port;

	scene_start(bed);
	port = board_in_mid_write(bed, &first);
	bed_forget(bed);
	scene_drop(bed, "klipper.bin", &second);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	bed_forget(bed);
	scene_drop(bed, "klipper.bin", &third);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, first.bytes, first.size));

	bed_forget(bed);
	plug_again(bed, port);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, third.bytes, third.size));
	assert_int_equal(bed_count(bed, "DFUD_REASON=two-files"), 0);

	bed_forget(bed);
	plug_again(bed, port);
	scene_entry(bed, "DFUD_EVENT=waiting", "DFUD_PORT=1-1");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 0);
}

static void queue_remove(struct bed *bed, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/state/queue/%s", bed->root, name);
	assert_int_equal(unlink(path), 0);
}

static void test_taken_back_leaves_no_ghost(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware first = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_FLASH, 2);
	FIRMWARE_CLEANUP struct firmware other = scene_image(SCENE_FLASH, 3);
	struct host_port *port;

	scene_start(bed);
	port = board_in_mid_write(bed, &first);
	bed_forget(bed);
	scene_drop(bed, "klipper.bin", &second);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	queue_remove(bed, "klipper.bin");
	scene_entry(bed, "DFUD_EVENT=cancelled", "DFUD_FILE=klipper.bin");
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");

	bed_forget(bed);
	scene_drop(bed, "other.bin", &other);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=other.bin");
	plug_again(bed, port);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=other.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, other.bytes, other.size));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=held"), 0);
}

static void test_a_failed_file_gives_way(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware fresh = scene_image(SCENE_FLASH, 2);
	const struct board_options options = {.cold_error = true,
		.faults = {{BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 5, 1, DFU_STATUS_PROG}}};
	struct host_port *port;

	scene_start(bed);
	port = scene_board(bed, "1-1", &options);
	scene_drop(bed, "old.bin", &old);
	scene_verdict(bed, "DFUD_VERDICT=failed", "DFUD_FILE=old.bin");
	assert_true(bed_wait_file(bed, "queue", "old.bin"));
	host_unplug(bed->host, port);
	scene_drop(bed, "fresh.bin", &fresh);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=fresh.bin");
	host_plug(bed->host, port, true);
	scene_entry(bed, "DFUD_EVENT=settled", "DFUD_FILE=old.bin", "DFUD_REASON=superseded");
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=fresh.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, fresh.bytes, fresh.size));
	assert_true(bed_has_file(bed, "failed", "old.bin", NULL, 0));
	assert_false(bed_has_file(bed, "queue", "old.bin", NULL, 0));
}

/* The same, where the newer one has its very name and came while the old one was being written. */
static void test_a_failed_file_gives_way_to_its_name(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware fresh = scene_image(SCENE_FLASH, 2);
	const struct board_options options = {.cold_error = true,
		.speedup = 8,
		.faults = {{BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 20, 1, DFU_STATUS_PROG}}};
	struct host_port *port;

	scene_start(bed);
	port = scene_board(bed, "1-1", &options);
	scene_drop(bed, "klipper.bin", &old);
	scene_wait_blocks(bed, port, 1);
	scene_drop(bed, "klipper.bin", &fresh);
	scene_verdict(bed, "DFUD_VERDICT=failed", "DFUD_FILE=klipper.bin");
	scene_entry(bed, "DFUD_EVENT=settled", "DFUD_REASON=superseded");
	assert_true(bed_wait_file(bed, "failed", "klipper.bin"));
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, fresh.bytes, fresh.size));
	assert_true(bed_wait_file(bed, "done", "klipper.bin"));
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_expires),
		SCENE(test_never_expires),
		SCENE(test_the_last_of_three_versions_is_left),
		SCENE(test_taken_back_leaves_no_ghost),
		SCENE(test_a_failed_file_gives_way),
		SCENE(test_a_failed_file_gives_way_to_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
