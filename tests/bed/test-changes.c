/* SPDX-License-Identifier: MIT */
/*
 * What people do while an attempt is checked: files are written over, the configuration is read
 * again. What is flashed is what lies in the queue under that name, by the rules that hold then.
 */

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "dfu/dfu.h"
#include "scene.h"

/* The board wants 1.5 s after its first SET_ADDRESS: the check is held up for that long, once. */
#define SLOW_CHECK                                                                                 \
	{                                                                                          \
		.cold_error = true, .faults = {                                                    \
			{BOARD_FAULT_TIMEOUT, DFU_DNLOAD, DFUSE_SET_ADDRESS, 0, 1, 1500}           \
		}                                                                                  \
	}

/* A choice is made before the queue tells that the file was written over. */
#define SLOW_QUEUE "[Queue]\nQuiet=2500ms\n"

/* As `cp` does over a file that is there: the same inode with other bytes. */
static void write_over(struct bed *bed, const char *name, const struct firmware *image)
{
	assert_int_equal(bed_write(bed, "state/queue", name, image->bytes, image->size), 0);
}

/* Until the worker has the file and talks to the board. */
static void wait_for_check(struct bed *bed, struct host_port *port)
{
	for (unsigned waited = 0; bed_counts(bed, port).set_address == 0; waited += 2) {
		if (waited > bed_patience()) {
			bed_print_journal(bed);
			fail_msg("the board was never asked anything");
		}
		usleep(2000);
	}
}

/* One flash only, that of the image. */
static void expect_only(struct bed *bed, struct host_port *port, const struct firmware *image)
{
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image->bytes, image->size));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=flashing"), 1);
	assert_int_equal(bed_counts(bed, port).erases, 3);
	assert_int_equal(bed_counts(bed, port).leaves, 1);
	scene_settled(bed, "done", "klipper.bin");
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

static void test_written_over_while_it_is_checked(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware fresh = scene_image(SCENE_FLASH, 2);
	const struct board_options options = SLOW_CHECK;
	struct host_port *port;

	assert_int_equal(bed_configure(bed, "etc", "dfud.conf", SLOW_QUEUE), 0);
	scene_start(bed);
	port = scene_board(bed, "1-1", &options);
	scene_drop(bed, "klipper.bin", &old);
	wait_for_check(bed, port);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=flashing"), 0);
	write_over(bed, "klipper.bin", &fresh);
	expect_only(bed, port, &fresh);
}

/* The profile names no port: after the check the daemon waits whether a second board appears. */
static void write_over_while_the_choice_is_open(struct bed *bed)
{
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware fresh = scene_image(SCENE_FLASH, 2);
	struct host_port *port;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &old);
	scene_entry(bed, "DFUD_EVENT=queued");
	port = scene_board(bed, "1-1", NULL);
	scene_entry(bed, "DFUD_EVENT=checked");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=flashing"), 0);
	write_over(bed, "klipper.bin", &fresh);
	expect_only(bed, port, &fresh);
}

/* The queue tells of it before the choice is made. */
static void test_written_over_while_the_choice_is_open(void **state)
{
	write_over_while_the_choice_is_open(*state);
}

static void test_written_over_and_not_told_yet(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_configure(bed, "etc", "dfud.conf", SLOW_QUEUE), 0);
	write_over_while_the_choice_is_open(bed);
}

static void test_protected_while_it_is_checked(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = SLOW_CHECK;
	struct host_port *port;

	scene_start(bed);
	port = scene_board(bed, "1-1", &options);
	scene_drop(bed, "klipper.bin", &image);
	wait_for_check(bed, port);
	scene_profile(bed, SCENE_MATCH "[Image]\nAddress=0x08000000\n[Flash]\n"
				       "Protect=0x08008000-0x0800bfff\n" SCENE_RETURN);
	assert_int_equal(kill(bed->daemon, SIGHUP), 0);
	scene_entry(bed, "DFUD_EVENT=reloaded");
	scene_verdict(bed, "DFUD_VERDICT=refused", "DFUD_REASON=protected");
	scene_untouched(bed, port);
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_written_over_while_it_is_checked),
		SCENE(test_written_over_while_the_choice_is_open),
		SCENE(test_written_over_and_not_told_yet),
		SCENE(test_protected_while_it_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
