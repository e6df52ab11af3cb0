/* SPDX-License-Identifier: MIT */
/*
 * The flash is verified; what then happens on the port is the verdict (design, section 6), and the
 * file is done whatever it is (section 4). The board is never flashed a second time on that visit.
 */

#include "scene.h"

struct ending {
	enum board_boot boot;
	const char *verdict, *back, *priority;
};

static void expect_ending(struct bed *bed, struct host_port *port, const struct firmware *image,
	const struct ending *ending)
{
	const struct entry *verdict;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=");
	scene_field(verdict, "DFUD_VERDICT", ending->verdict);
	scene_field(verdict, "DFUD_RETURN", ending->back);
	scene_field(verdict, "PRIORITY", ending->priority);
	scene_field(verdict, "DFUD_FLASH", "written");
	scene_field(verdict, "DFUD_VERIFIED", "read-back");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image->bytes, image->size));
	scene_settled(bed, "done", "klipper.bin");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
	assert_int_equal(bed_counts(bed, port).leaves, 1);
}

static void check_ending(struct bed *bed, const struct ending *ending)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options options = {.cold_error = true, .boot = ending->boot};

	expect_ending(bed, scene_board(bed, "1-1", &options), &image, ending);
}

static void test_back_in_dfu(void **state)
{
	static const struct ending ending = {BOARD_BOOTS_DFU, "back-in-dfu", "dfu", "4"};

	check_ending(*state, &ending);
}

static void test_gone(void **state)
{
	static const struct ending ending = {BOARD_BOOTS_GONE, "gone", "none", "4"};

	check_ending(*state, &ending);
}

static void test_stayed(void **state)
{
	static const struct ending ending = {BOARD_STAYS, "stayed", "stayed", "4"};

	check_ending(*state, &ending);
}

static void test_not_expected(void **state)
{
	static const struct ending ending = {BOARD_BOOTS_GONE, "not-expected", "not-expected", "5"};

	scene_profile(
		*state, SCENE_MATCH "[Image]\nAddress=0x08000000\n[Return]\nId=none\nWithin=1s\n");
	check_ending(*state, &ending);
}

static void test_returned_other(void **state)
{
	static const struct ending ending = {BOARD_BOOTS_FLASH, "returned-other", "other", "4"};
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options options = {.run_vendor = 0x0483, .run_product = 0x5740};
	struct bed *bed = *state;

	expect_ending(bed, scene_board(bed, "1-1", &options), &image, &ending);
	scene_verdict(bed, "DFUD_RETURN_ID=0483:5740");
}

static void test_leave_may_be_answered(void **state)
{
	static const struct ending ending = {BOARD_BOOTS_FLASH, "returned", "as-expected", "5"};
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options options = {.answers_leave = true};
	struct bed *bed = *state;

	expect_ending(bed, scene_board(bed, "1-1", &options), &image, &ending);
}

/* The same visit goes on in DFU mode: a new file for that board waits for a visit of its own. */
static void test_board_back_in_dfu_takes_no_second_file(void **state)
{
	FIRMWARE_CLEANUP struct firmware first = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_FLASH, 2);
	struct board_options options = {.boot = BOARD_BOOTS_DFU};
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", &options);

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &first);
	scene_verdict(bed, "DFUD_VERDICT=back-in-dfu");
	scene_entry(bed, "DFUD_EVENT=settled");
	bed_forget(bed);
	scene_drop(bed, "second.bin", &second);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=second.bin");
	host_unplug(bed->host, port);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, first.bytes, first.size));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 0);
	assert_true(bed_has_file(bed, "queue", "second.bin", NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_back_in_dfu),
		SCENE(test_gone),
		SCENE(test_stayed),
		SCENE(test_not_expected),
		SCENE(test_returned_other),
		SCENE(test_leave_may_be_answered),
		SCENE(test_board_back_in_dfu_takes_no_second_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
