/* SPDX-License-Identifier: MIT */
/*
 * Nothing is guessed (design 4.4): where a file has two boards or a board two files, nothing is
 * flashed, the journal names both, and one hand of a person settles it.
 */

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "scene.h"

static void test_two_boards(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *first = scene_board(bed, "1-1", NULL);
	struct host_port *second = scene_board(bed, "1-2", NULL);
	const struct entry *held;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	held = scene_entry(bed, "DFUD_REASON=two-boards", "DFUD_FILE=klipper.bin");
	assert_non_null(strstr(entry_get(held, "MESSAGE"), "1-1"));
	assert_non_null(strstr(entry_get(held, "MESSAGE"), "1-2"));
	assert_non_null(strstr(entry_get(held, "MESSAGE"), "both show STM32FxSTM32"));
	scene_untouched(bed, first);
	scene_untouched(bed, second);
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));

	host_unplug(bed->host, second);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_PORT=1-1");
	assert_true(bed_flash_equals(bed, first, SCENE_FLASH, image.bytes, image.size));
	scene_untouched(bed, second);
}

/* Serial numbers that differ are offered, and one of them in the profile settles it. */
static void test_two_boards_of_two_serials(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options options = {.cold_error = true, .serial = "357236543131"};
	struct host_port *first = scene_board(bed, "1-1", &options);
	struct host_port *second;
	const struct entry *held;

	options.serial = "357236543132";
	second = scene_board(bed, "1-2", &options);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	held = scene_entry(bed, "DFUD_REASON=two-boards", "DFUD_FILE=klipper.bin");
	assert_non_null(strstr(entry_get(held, "MESSAGE"), "Port=, Path= or Serial= in [Match]"));
	scene_profile(bed, SCENE_MATCH "Serial=357236543132\n[Image]\nAddress=0x08000000\n");
	assert_int_equal(kill(bed->daemon, SIGHUP), 0);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_PORT=1-2");
	assert_true(bed_flash_equals(bed, second, SCENE_FLASH, image.bytes, image.size));
	scene_untouched(bed, first);
}

/* Boards powered by one switch appear some 20 ms apart: the first must not be taken. */
static void test_second_board_appears_a_moment_later(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *first, *second;

	/* both are known to this host, so that a second board could match */
	first = scene_board(bed, "1-1", NULL);
	second = scene_board(bed, "1-2", NULL);
	scene_start(bed);
	scene_entry(bed, "DFUD_EVENT=appeared", "DFUD_PORT=1-2");
	host_unplug(bed->host, first);
	host_unplug(bed->host, second);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued");
	host_plug(bed->host, first, true);
	usleep(20000);
	host_plug(bed->host, second, true);
	scene_entry(bed, "DFUD_REASON=two-boards");
	scene_untouched(bed, first);
	scene_untouched(bed, second);
}

static void test_two_files(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware first = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_FLASH, 2);
	struct host_port *port;
	const struct entry *held;
	char path[512];

	scene_start(bed);
	scene_drop(bed, "one.bin", &first);
	scene_drop(bed, "two.bin", &second);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=one.bin");
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=two.bin");
	port = scene_board(bed, "1-1", NULL);
	held = scene_entry(bed, "DFUD_REASON=two-files");
	assert_non_null(strstr(entry_get(held, "MESSAGE"), "one.bin"));
	assert_non_null(strstr(entry_get(held, "MESSAGE"), "two.bin"));
	scene_untouched(bed, port);

	snprintf(path, sizeof(path), "%s/state/queue/one.bin", bed->root);
	assert_int_equal(unlink(path), 0);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=two.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, second.bytes, second.size));
}

/* Order=oldest makes a line: the first file on this visit, the second on the next. */
static void test_order_makes_a_line(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware first = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_FLASH, 2);
	struct host_port *port;

	scene_profile(bed,
		SCENE_MATCH "[Image]\nAddress=0x08000000\n[Flash]\nOrder=oldest\n" SCENE_RETURN);
	scene_start(bed);
	scene_drop(bed, "zzz.bin", &first);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=zzz.bin");
	scene_drop(bed, "aaa.bin", &second);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=aaa.bin");
	port = scene_board(bed, "1-1", NULL);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=zzz.bin");
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=aaa.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, second.bytes, second.size));
}

/* Two boards, each with a profile and a file of its own, at the same time. */
static void test_two_pairs_at_once(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware left = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware right = scene_image(SCENE_FLASH, 2);
	struct host_port *first, *second;

	scene_profile(bed, SCENE_MATCH "Port=1-1\n[Image]\nFile=left.bin\nAddress=0x08000000\n");
	assert_int_equal(bed_configure(bed, "etc/boards.d", "60-right.conf",
				 SCENE_MATCH "Path=*-usb-0:2\n"
					     "[Image]\nFile=right.bin\nAddress=0x08000000\n"),
		0);
	scene_start(bed);
	first = scene_board(bed, "1-1", NULL);
	second = scene_board(bed, "1-2", NULL);
	scene_drop(bed, "right.bin", &right);
	scene_drop(bed, "left.bin", &left);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=left.bin", "DFUD_PORT=1-1",
		"DFUD_PROFILE=octopus");
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=right.bin", "DFUD_PORT=1-2",
		"DFUD_PROFILE=right");
	assert_true(bed_flash_equals(bed, first, SCENE_FLASH, left.bytes, left.size));
	assert_true(bed_flash_equals(bed, second, SCENE_FLASH, right.bytes, right.size));
}

/* Two written profiles for one pair: both are named, nothing is flashed. */
static void test_two_profiles(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *held;

	assert_int_equal(bed_configure(bed, "etc/boards.d", "60-spider.conf", SCENE_OCTOPUS), 0);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	held = scene_entry(bed, "DFUD_EVENT=held", "DFUD_FILE=klipper.bin");
	assert_non_null(strstr(entry_get(held, "MESSAGE"), "octopus"));
	assert_non_null(strstr(entry_get(held, "MESSAGE"), "spider"));
	scene_untouched(bed, port);
}

/* A device that a written profile names is never served by a shipped one. */
static void test_written_profile_keeps_its_devices(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *missed;

	scene_profile(bed, SCENE_MATCH "Port=1-4\n[Image]\nFile=octopus*.bin\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	missed = scene_entry(bed, "DFUD_EVENT=unmatched", "DFUD_PORT=1-1");
	assert_non_null(strstr(entry_get(missed, "MESSAGE"), "octopus"));
	assert_non_null(strstr(entry_get(missed, "MESSAGE"), "Port="));
	scene_untouched(bed, port);
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_two_boards),
		SCENE(test_two_boards_of_two_serials),
		SCENE(test_second_board_appears_a_moment_later),
		SCENE(test_two_files),
		SCENE(test_order_makes_a_line),
		SCENE(test_two_pairs_at_once),
		SCENE(test_two_profiles),
		SCENE(test_written_profile_keeps_its_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
