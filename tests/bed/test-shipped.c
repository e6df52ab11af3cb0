/* SPDX-License-Identifier: MIT */
/*
 * Where the shipped profile ends: it serves nothing that somebody wrote of, however badly, and no
 * board that cannot be read.
 */

#include <signal.h>
#include <stdio.h>

#include "scene.h"

/* Nothing is begun: board and file wait for a person who mends the profile. */
static void check_void(struct bed *bed, const char *profile)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;

	scene_profile(bed, profile);
	scene_start(bed);
	scene_entry(bed, "DFUD_EVENT=config-error");
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	port = scene_board(bed, "1-1", NULL);
	scene_entry(bed, "DFUD_PORT=1-1", "DFUD_REASON=config");

	/* what was begun when it appeared has ended, and is told, when the daemon has */
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	assert_int_equal(bed_count(bed, "DFUD_ATTEMPT="), 0);
	assert_int_equal(host_opens(bed->host, port), 0);
	scene_untouched(bed, port);
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

/* Whatever id was meant, it may have been this board's. */
static void test_an_id_that_nobody_can_read(void **state)
{
	check_void(*state, "[Match]\nId=0483:dfll\nPath=pci-*-usb-0:2\n"
			   "[Image]\nAddress=0x08008000\n");
}

/* Whatever file was meant, it may have been this one. */
static void test_a_file_name_that_nobody_can_read(void **state)
{
	check_void(*state, "[Match]\nId=1209:0001\n"
			   "[Image]\nFile=queue/klipper.bin\nAddress=0x08008000\n");
}

static void test_a_board_that_cannot_be_read(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true, .no_upload = true};
	struct host_port *port = scene_board(bed, "1-1", &options);
	const struct entry *verdict;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=refused");
	scene_field(verdict, "DFUD_REASON", "no-backup");
	scene_field(verdict, "DFUD_FLASH", "untouched");
	scene_untouched(bed, port);
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
}

static void test_it_is_flashed_under_a_written_profile(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true, .no_upload = true};
	struct host_port *port = scene_board(bed, "1-1", &options);
	const struct entry *verdict;

	scene_profile(bed, SCENE_OCTOPUS);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned");
	scene_field(verdict, "DFUD_VERIFIED", "no");
	assert_non_null(strstr(entry_get(verdict, "MESSAGE"), "could not be verified"));
	scene_field(scene_entry(bed, "DFUD_EVENT=flashed"), "DFUD_VERIFIED", "no");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	assert_int_equal(bed_counts(bed, port).violations, 0);
	scene_settled(bed, "done", "klipper.bin");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_BARE(test_an_id_that_nobody_can_read),
		SCENE_BARE(test_a_file_name_that_nobody_can_read),
		SCENE_BARE(test_a_board_that_cannot_be_read),
		SCENE_BARE(test_it_is_flashed_under_a_written_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
