/* SPDX-License-Identifier: MIT */
/*
 * dfud-flash by hand: what it understood is what its worker does, however it was typed, and the
 * exit status tells how it went.
 */

#include <stdio.h>

#include "dfu/dfu.h"
#include "scene.h"

/* The exit status of dfud-flash with these arguments and, last of them, the image as a file. */
static int by_hand_with(struct bed *bed, const struct firmware *image, const char *const *options)
{
	const char *args[16];
	char path[128], backups[128];
	size_t n = 0;

	assert_int_equal(bed_write(bed, "drop", "klipper.bin", image->bytes, image->size), 0);
	snprintf(path, sizeof(path), "%s/drop/klipper.bin", bed->root);
	snprintf(backups, sizeof(backups), "--backup-dir=%s/state/backup", bed->root);
	args[n++] = backups;
	for (; *options; options++) {
		args[n++] = *options;
	}
	args[n++] = path;
	args[n] = NULL;
	return scene_run(bed, BED_WORKER, args, NULL, 0);
}
#define by_hand(bed, image, ...) by_hand_with(bed, image, (const char *const[]){__VA_ARGS__, NULL})

static void test_protected_under_an_abbreviated_option(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	assert_int_equal(by_hand(bed, &image, "--po=1-1", "--addr=0x08000000",
				 "--prot=0x08008000-0x0800bfff"),
		2);
	assert_int_not_equal(host_opens(bed->host, port), 0);
	scene_untouched(bed, port);
}

/* The value as a word of its own; what is protected stays as it was. */
static void test_protected_under_a_separate_value(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	FIRMWARE_CLEANUP struct firmware loader = scene_image(SCENE_FLASH, 2);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	loader.size = SCENE_OFFSET - SCENE_FLASH;
	scene_preload(bed, port, SCENE_FLASH, &loader);
	assert_int_equal(by_hand(bed, &image, "--port", "1-1", "--addr", "0x08008000", "--prot",
				 "0x08000000-0x08007fff", "--with", "2s"),
		0);
	assert_true(bed_flash_equals(bed, port, SCENE_OFFSET, image.bytes, image.size));
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, loader.bytes, loader.size));
}

static void test_status_of_a_return(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	assert_int_equal(by_hand(bed, &image, "--port=1-1", "--address=0x08000000"), 0);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

static void test_status_of_a_board_that_is_not_back(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true, .boot = BOARD_BOOTS_GONE};
	struct host_port *port = scene_board(bed, "1-1", &options);

	assert_int_equal(by_hand(bed, &image, "--port=1-1", "--within=1s"), 1);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

static void test_status_of_a_failure(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true,
		.faults = {{BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 5, 0, DFU_STATUS_PROG}}};

	scene_board(bed, "1-1", &options);
	assert_int_equal(by_hand(bed, &image, "--port=1-1"), 3);
}

/* It was asked to stay, so nothing is waited for. */
static void test_status_of_a_board_that_stays(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	assert_int_equal(by_hand(bed, &image, "--port=1-1", "--leave=no"), 0);
	assert_int_equal(host_presence(bed->host, port), BOARD_DFU);
	assert_int_equal(bed_counts(bed, port).leaves, 0);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

/* A boot loader at the start of the flash, an image behind it; what the options say of both. */
static int over_a_loader(struct bed *bed, struct host_port *port, uint32_t link, const char *option)
{
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_KATAPULT, SCENE_FLASH, 6000, 7);
	FIRMWARE_CLEANUP struct firmware image = scene_image(link, 1);

	scene_preload(bed, port, SCENE_FLASH, &loader);
	return by_hand(bed, &image, "--port=1-1", "--within=2s", option);
}

static void test_a_loader_is_started(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", NULL);

	assert_int_equal(over_a_loader(bed, port, SCENE_OFFSET, "--leave=auto"), 0);
	assert_int_equal(scene_left_to(bed, port), SCENE_FLASH);
}

static void test_a_loader_is_passed_by(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", NULL);

	assert_int_equal(over_a_loader(bed, port, SCENE_OFFSET, "--leave=image"), 0);
	assert_int_equal(scene_left_to(bed, port), SCENE_OFFSET);
}

static void test_a_loader_is_kept(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", NULL);

	assert_int_equal(over_a_loader(bed, port, SCENE_FLASH, "--keep-bootloader"), 2);
	scene_untouched(bed, port);
}

static void test_a_loader_is_saved_whatever_is_asked(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", NULL);

	assert_int_equal(over_a_loader(bed, port, SCENE_FLASH, "--backup=no"), 0);
	assert_int_equal(scene_count_backups(bed), 1);
}

/* Nowhere to save to: the last folder that is named counts. */
static void test_no_folder_for_backups(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	assert_int_equal(by_hand(bed, &image, "--port=1-1", "--backup-dir=/nowhere/at/all"), 2);
	assert_int_equal(host_opens(bed->host, port), 0);
	assert_int_equal(
		by_hand(bed, &image, "--port=1-1", "--backup-dir=/nowhere/at/all", "--backup=no"),
		0);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

static void test_a_loader_and_no_folder_for_backups(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_KATAPULT, SCENE_FLASH, 6000, 7);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_preload(bed, port, SCENE_FLASH, &loader);
	assert_int_equal(
		by_hand(bed, &image, "--port=1-1", "--backup-dir=/nowhere/at/all", "--backup=no"),
		2);
	scene_untouched(bed, port);
}

static void test_status_of_no_board(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	assert_int_equal(by_hand(*state, &image, "--port=1-1"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_BARE(test_protected_under_an_abbreviated_option),
		SCENE_BARE(test_protected_under_a_separate_value),
		SCENE_BARE(test_status_of_a_return),
		SCENE_BARE(test_status_of_a_board_that_is_not_back),
		SCENE_BARE(test_status_of_a_failure),
		SCENE_BARE(test_status_of_a_board_that_stays),
		SCENE_BARE(test_a_loader_is_started),
		SCENE_BARE(test_a_loader_is_passed_by),
		SCENE_BARE(test_a_loader_is_kept),
		SCENE_BARE(test_a_loader_is_saved_whatever_is_asked),
		SCENE_BARE(test_no_folder_for_backups),
		SCENE_BARE(test_a_loader_and_no_folder_for_backups),
		SCENE_BARE(test_status_of_no_board),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
