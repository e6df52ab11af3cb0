/* SPDX-License-Identifier: MIT */
/*
 * What lies at the start of the flash (design 4.5 and 4.6): it is not erased where the profile
 * keeps it, never without a copy, and a board that will not start after a power cycle is told to be
 * one. Where a boot loader stays, the board is told to start there.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "scene.h"

#define LOADER_SIZE 32464 /* of a vendor's, which has the first 32 KiB for itself */
#define SMALL	    30000 /* a program that ends before SCENE_OFFSET */
#define INSIDE	    0x08004000
#define REACHING    11 /* seed of a program that has a handler behind SCENE_OFFSET */

#define AT_BASE	   SCENE_MATCH "[Image]\nFile=*.bin\nAddress=0x08000000\n" SCENE_RETURN
#define AT_OFFSET  SCENE_MATCH "[Image]\nFile=*.bin\nAddress=0x08008000\n" SCENE_RETURN
#define NOT_COLD   "it will not start after a power cycle"
#define OTHER_COLD "after a power cycle another program starts"

static struct firmware make_stock(void)
{
	return scene_program(IMAGE_STYLE_STOCK, SCENE_FLASH, LOADER_SIZE, 7);
}

static struct firmware make_katapult(void)
{
	return scene_program(IMAGE_STYLE_KATAPULT, SCENE_FLASH, 6000, 7);
}

/* A board with this program at the start of an otherwise full flash. */
static struct host_port *board_with(struct bed *bed, const struct firmware *program)
{
	struct host_port *port = bed_board(bed, "1-1", NULL, false);

	assert_non_null(port);
	scene_fill(bed, port);
	scene_preload(bed, port, SCENE_FLASH, program);
	host_plug(bed->host, port, true);
	return port;
}

/* The bytes of the backup are those that the flash held there. */
static void check_backup(struct bed *bed, const char *digest, const struct firmware *flash,
	uint32_t address, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/state/backup/%s.bin", bed->root, digest);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, size + 1, file), size);
	assert_memory_equal(bytes, flash->bytes + (address - SCENE_FLASH), size);
	fclose(file);
	free(bytes);
}

static void check_kept(struct bed *bed, const struct firmware *loader, const char *what)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = board_with(bed, loader);
	const struct entry *verdict;

	scene_profile(bed, AT_BASE "[Flash]\nKeepBootloader=yes\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=refused");
	scene_field(verdict, "DFUD_REASON", "would-overwrite-bootloader");
	scene_field(verdict, "DFUD_FLASH", "untouched");
	scene_says(verdict, "KeepBootloader=yes");
	scene_says(verdict, what);
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=saved"), 0);
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
	scene_untouched(bed, port);
}

static void test_a_stock_loader_is_kept(void **state)
{
	FIRMWARE_CLEANUP struct firmware loader = make_stock();

	check_kept(*state, &loader, "a program that does not say what it is at 0x08000000");
}

static void test_katapult_is_kept(void **state)
{
	FIRMWARE_CLEANUP struct firmware loader = make_katapult();

	check_kept(*state, &loader, "Katapult at 0x08000000");
}

/* A board that cannot be read may hold one, wherever the file goes. */
static void check_unread(struct bed *bed, const char *profile, uint32_t address)
{
	const struct board_options blind = {.cold_error = true, .no_upload = true};
	FIRMWARE_CLEANUP struct firmware image = scene_image(address, 1);
	struct host_port *port = scene_board(bed, "1-1", &blind);
	const struct entry *verdict;

	scene_profile(bed, profile);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=refused");
	scene_field(verdict, "DFUD_REASON", "would-overwrite-bootloader");
	scene_field(verdict, "DFUD_FLASH", "untouched");
	scene_says(verdict, "0x08000000 cannot be read");
	scene_says(verdict, "KeepBootloader=yes");
	scene_says(verdict, "Protect=");
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	scene_untouched(bed, port);
}

static void test_what_cannot_be_read_cannot_be_kept(void **state)
{
	check_unread(*state, AT_BASE "[Flash]\nKeepBootloader=yes\n", SCENE_FLASH);
}

static void test_what_cannot_be_read_cannot_be_kept_before_the_image(void **state)
{
	check_unread(*state, AT_OFFSET "[Flash]\nKeepBootloader=yes\n", SCENE_OFFSET);
}

/* Nothing has to be saved, and still it may not be lost. */
static void test_what_cannot_be_read_is_not_lost_under_backup_no(void **state)
{
	check_unread(*state, AT_BASE "[Flash]\nBackup=no\nKeepBootloader=yes\n", SCENE_FLASH);
}

/* What the message advises. */
static void test_what_cannot_be_read_is_protected(void **state)
{
	struct bed *bed = *state;
	const struct board_options blind = {.cold_error = true, .no_upload = true};
	FIRMWARE_CLEANUP struct firmware loader = make_stock();
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = bed_board(bed, "1-1", &blind, false);
	const struct entry *verdict;

	assert_non_null(port);
	scene_preload(bed, port, SCENE_FLASH, &loader);
	host_plug(bed->host, port, true);
	scene_profile(bed, AT_OFFSET "[Flash]\nProtect=0x08000000-0x08007fff\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_VERIFIED=no");
	assert_null(entry_get(verdict, "DFUD_COLD_BOOT"));
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, loader.bytes, loader.size));
	assert_true(bed_flash_equals(bed, port, SCENE_OFFSET, image.bytes, image.size));
}

/* Backup=yes where nothing can be read: it is flashed, and that nothing was saved is said. */
static void test_what_cannot_be_saved_is_said(void **state)
{
	struct bed *bed = *state;
	const struct board_options blind = {.cold_error = true, .no_upload = true};
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	scene_board(bed, "1-1", &blind);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_warning(bed, "what will be erased is not saved: it cannot be read");
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_VERIFIED=no");
	assert_int_equal(scene_count_backups(bed), 0);
}

/* What people replace every week is no boot loader. */
static void test_an_old_klipper_is_not_kept(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 9);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = board_with(bed, &old);

	scene_profile(bed, AT_BASE "[Flash]\nKeepBootloader=yes\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=checked", "PRIORITY=4"), 0);
}

static void test_an_image_behind_the_loader_keeps_it(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_stock();
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = board_with(bed, &loader);

	scene_profile(bed, AT_OFFSET "[Flash]\nKeepBootloader=yes\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_COLD_BOOT=yes");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, loader.bytes, loader.size));
	assert_int_equal(scene_left_to(bed, port), SCENE_FLASH);
}

/* Said, saved, and only then erased. */
static void check_overwritten(struct bed *bed, const struct firmware *loader, const char *warning)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = board_with(bed, loader);
	FIRMWARE_CLEANUP struct firmware before = scene_flash(bed, port);
	const struct entry *warned, *saved, *flashing, *verdict;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_COLD_BOOT=yes");
	warned = scene_warning(bed, warning);
	saved = scene_entry(bed, "DFUD_EVENT=saved");
	flashing = scene_entry(bed, "DFUD_EVENT=flashing");
	assert_true(warned->number < saved->number);
	assert_true(saved->number < flashing->number);
	scene_field(verdict, "DFUD_BACKUP", entry_get(saved, "DFUD_BACKUP"));
	check_backup(bed, entry_get(saved, "DFUD_BACKUP"), &before, SCENE_FLASH, 3 * 16384);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

static void test_a_stock_loader_is_overwritten(void **state)
{
	FIRMWARE_CLEANUP struct firmware loader = make_stock();

	check_overwritten(*state, &loader,
		"0x08000000 holds a program that does not say what it is, perhaps a boot loader, "
		"and it will be erased: it is saved first");
}

static void test_katapult_is_overwritten(void **state)
{
	FIRMWARE_CLEANUP struct firmware loader = make_katapult();

	check_overwritten(*state, &loader,
		"0x08000000 holds Katapult, and it will be erased: it is saved first");
}

static void flash_without_backup(struct bed *bed, const struct firmware *before)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	board_with(bed, before);
	scene_profile(bed, AT_BASE "[Flash]\nBackup=no\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned");
}

static void test_a_loader_is_saved_whatever_the_profile_says(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_katapult();

	flash_without_backup(bed, &loader);
	scene_entry(bed, "DFUD_EVENT=saved");
}

static void test_a_program_is_not_saved_under_backup_no(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 9);

	flash_without_backup(bed, &old);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=saved"), 0);
	assert_int_equal(scene_count_backups(bed), 0);
	assert_null(entry_get(scene_verdict(bed, "DFUD_VERDICT=returned"), "DFUD_BACKUP"));
}

/* Katapult starts the image, as after a power cycle. */
static void test_katapult_stays_and_is_started(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_katapult();
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = board_with(bed, &loader);
	FIRMWARE_CLEANUP struct firmware before = scene_flash(bed, port);
	const struct entry *verdict;

	scene_profile(bed, AT_OFFSET);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_ADDRESS=0x08008000");
	scene_field(verdict, "DFUD_COLD_BOOT", "yes");
	scene_says(verdict, "All is well.");
	assert_int_equal(scene_left_to(bed, port), SCENE_FLASH);
	assert_string_equal(entry_get(scene_entry(bed, "DFUD_EVENT=leaving"), "MESSAGE"),
		"octopus: left DFU mode to 0x08000000, where a reset starts it, without an answer, "
		"as this ROM does");
	assert_true(
		bed_flash_equals(bed, port, SCENE_FLASH, before.bytes, SCENE_OFFSET - SCENE_FLASH));
	assert_true(bed_flash_equals(bed, port, SCENE_OFFSET, image.bytes, image.size));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=checked", "PRIORITY=4"), 0);
}

/* It starts because it is told to, and never again. */
static void test_nothing_at_base(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *verdict;

	scene_profile(bed, AT_OFFSET);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_says(verdict, NOT_COLD);
	assert_null(strstr(entry_get(verdict, "MESSAGE"), "All is well"));
	assert_true(scene_warning(bed, "nothing at 0x08000000 starts (blank)")->number <
		    scene_entry(bed, "DFUD_EVENT=flashing")->number);
	assert_int_equal(scene_left_to(bed, port), SCENE_OFFSET);
}

/* The same where nothing had to be written. */
static void test_nothing_at_base_and_the_image_is_there(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *verdict;

	scene_preload(bed, port, SCENE_OFFSET, &image);
	scene_profile(bed, AT_OFFSET);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=unchanged");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_says(verdict, NOT_COLD);
	scene_untouched(bed, port);
}

/* An old program over whose tail the image falls, handlers and all: nothing starts there then. */
static void test_an_old_klipper_is_cut_off(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, REACHING);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = board_with(bed, &old);
	FIRMWARE_CLEANUP struct firmware before = scene_flash(bed, port);
	const struct entry *verdict, *saved;

	scene_profile(bed, AT_OFFSET);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_says(verdict, NOT_COLD);
	scene_warning(bed, "nothing at 0x08000000 starts");
	saved = scene_entry(bed, "DFUD_EVENT=saved");
	check_backup(bed, entry_get(saved, "DFUD_BACKUP"), &before, SCENE_OFFSET, 98304);
	assert_int_equal(scene_left_to(bed, port), SCENE_OFFSET);
}

/* A small one stays whole, and starts after a power cycle in place of the image. */
static void test_a_small_klipper_is_in_the_way(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old =
		scene_program(IMAGE_STYLE_KLIPPER, SCENE_FLASH, SMALL, 9);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = board_with(bed, &old);
	const struct entry *verdict;

	scene_profile(bed, AT_OFFSET);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_says(verdict, OTHER_COLD);
	scene_warning(bed,
		"0x08000000 holds Klipper v0.13.0-730 for stm32f446xx, which is no boot loader");
	assert_int_equal(scene_left_to(bed, port), SCENE_OFFSET);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, old.bytes, old.size));
}

/* A vendor's boot loader has 32 KiB; the file was built for a smaller one. */
static void test_an_image_in_the_middle_of_the_loader(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_stock();
	FIRMWARE_CLEANUP struct firmware image = scene_image(INSIDE, 1);
	struct host_port *port = board_with(bed, &loader);
	FIRMWARE_CLEANUP struct firmware before = scene_flash(bed, port);
	const struct entry *verdict, *saved;

	scene_profile(bed, SCENE_MATCH "[Image]\nFile=*.bin\nAddress=0x08004000\n" SCENE_RETURN);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_says(verdict, NOT_COLD);
	scene_warning(bed, "perhaps a boot loader, and it will be erased: it is saved first");
	saved = scene_entry(bed, "DFUD_EVENT=saved");
	check_backup(bed, entry_get(saved, "DFUD_BACKUP"), &before, INSIDE, 3 * 16384);
	assert_int_equal(scene_left_to(bed, port), INSIDE);
}

static void test_the_middle_of_the_loader_is_kept(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_stock();
	FIRMWARE_CLEANUP struct firmware image = scene_image(INSIDE, 1);
	struct host_port *port = board_with(bed, &loader);

	scene_profile(bed, SCENE_MATCH "[Image]\nFile=*.bin\nAddress=0x08004000\n"
				       "[Flash]\nKeepBootloader=yes\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=refused", "DFUD_REASON=would-overwrite-bootloader");
	scene_untouched(bed, port);
}

/* Where the board starts, under a boot loader that stays. */
static const struct entry *leave_as(struct bed *bed, struct host_port *port, const char *leave)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	char profile[512];

	snprintf(profile, sizeof(profile), AT_OFFSET "[Flash]\nLeave=%s\n", leave);
	scene_profile(bed, profile);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=verdict");
	assert_true(bed_flash_equals(bed, port, SCENE_OFFSET, image.bytes, image.size));
	scene_settled(bed, "done", "klipper.bin");
	return scene_verdict(bed, "DFUD_FLASH=written", "DFUD_END=completed");
}

/* It was not tried whether the boot loader starts it. */
static void test_leave_to_the_image(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_katapult();
	struct host_port *port = board_with(bed, &loader);
	const struct entry *verdict = leave_as(bed, port, "image");

	scene_field(verdict, "DFUD_VERDICT", "returned");
	assert_null(entry_get(verdict, "DFUD_COLD_BOOT"));
	assert_int_equal(scene_left_to(bed, port), SCENE_OFFSET);
	assert_string_equal(entry_get(scene_entry(bed, "DFUD_EVENT=leaving"), "MESSAGE"),
		"octopus: left DFU mode without an answer, as this ROM does");
}

/* Nothing lies there: the ROM is back, and the verdict names the address that was tried. */
static void test_leave_to_a_blank_base(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *verdict = leave_as(bed, port, "base");

	scene_field(verdict, "DFUD_VERDICT", "back-in-dfu");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_says(verdict, "0x08000000");
	assert_int_equal(scene_left_to(bed, port), SCENE_FLASH);
}

static void test_leave_to_base(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_stock();
	struct host_port *port = board_with(bed, &loader);
	const struct entry *verdict = leave_as(bed, port, "base");

	scene_field(verdict, "DFUD_VERDICT", "returned");
	scene_field(verdict, "DFUD_COLD_BOOT", "yes");
	assert_int_equal(scene_left_to(bed, port), SCENE_FLASH);
}

/* The board stays in DFU mode, and a second file is none for this visit. */
static void test_leave_no(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_katapult();
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_OFFSET, 2);
	struct host_port *port = board_with(bed, &loader);
	const struct entry *verdict = leave_as(bed, port, "no");
	const uint64_t blocks = bed_counts(bed, port).blocks;

	scene_field(verdict, "DFUD_VERDICT", "not-expected");
	scene_field(verdict, "DFUD_RETURN", "not-expected");
	assert_null(entry_get(verdict, "DFUD_COLD_BOOT"));
	scene_says(verdict, "the board stays in DFU mode, as Leave=no asks for");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=leaving"), 0);
	assert_int_equal(bed_counts(bed, port).leaves, 0);
	assert_int_equal(host_presence(bed->host, port), BOARD_DFU);

	bed_forget(bed);
	scene_drop(bed, "second.bin", &second);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=second.bin");
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 0);
	assert_int_equal(bed_counts(bed, port).blocks, blocks);
	assert_true(bed_has_file(bed, "queue", "second.bin", NULL, 0));
}

/* The next visit takes it. */
static void test_leave_no_and_the_next_visit(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_katapult();
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_OFFSET, 2);
	struct host_port *port = board_with(bed, &loader);

	leave_as(bed, port, "no");
	bed_forget(bed);
	scene_drop(bed, "second.bin", &second);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=second.bin");
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=not-expected", "DFUD_FILE=second.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_OFFSET, second.bytes, second.size));
}

/* Probably linked elsewhere: a person's profile is believed, and the doubt is said. */
static void test_a_likely_link_address_is_a_warning(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image =
		scene_program(IMAGE_STYLE_ZEPHYR, SCENE_OFFSET, SCENE_SIZE, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *warned;

	scene_profile(bed, AT_BASE);
	scene_start(bed);
	scene_drop(bed, "zephyr.bin", &image);
	scene_verdict(bed, "DFUD_FLASH=written", "DFUD_ADDRESS=0x08000000");
	warned = scene_warning(bed, "probably linked for 0x08008000");
	assert_string_equal(entry_get(warned, "MESSAGE"),
		"octopus: zephyr.bin goes to 0x08000000, but it was probably linked for 0x08008000 "
		"and would not start there; is Address= right?");
	assert_true(warned->number < scene_entry(bed, "DFUD_EVENT=flashing")->number);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_a_stock_loader_is_kept),
		SCENE(test_katapult_is_kept),
		SCENE(test_what_cannot_be_read_cannot_be_kept),
		SCENE(test_what_cannot_be_read_cannot_be_kept_before_the_image),
		SCENE(test_what_cannot_be_read_is_not_lost_under_backup_no),
		SCENE(test_what_cannot_be_read_is_protected),
		SCENE(test_what_cannot_be_saved_is_said),
		SCENE(test_an_old_klipper_is_not_kept),
		SCENE(test_an_image_behind_the_loader_keeps_it),
		SCENE(test_a_stock_loader_is_overwritten),
		SCENE(test_katapult_is_overwritten),
		SCENE(test_a_loader_is_saved_whatever_the_profile_says),
		SCENE(test_a_program_is_not_saved_under_backup_no),
		SCENE(test_katapult_stays_and_is_started),
		SCENE(test_nothing_at_base),
		SCENE(test_nothing_at_base_and_the_image_is_there),
		SCENE(test_an_old_klipper_is_cut_off),
		SCENE(test_a_small_klipper_is_in_the_way),
		SCENE(test_an_image_in_the_middle_of_the_loader),
		SCENE(test_the_middle_of_the_loader_is_kept),
		SCENE(test_leave_to_the_image),
		SCENE(test_leave_to_a_blank_base),
		SCENE(test_leave_to_base),
		SCENE(test_leave_no),
		SCENE(test_leave_no_and_the_next_visit),
		SCENE(test_a_likely_link_address_is_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
