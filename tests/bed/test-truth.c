/* SPDX-License-Identifier: MIT */
/*
 * What is said of the start of the flash holds, also where the first bytes of a program do not show
 * how far it reaches, and where the file is what a board held before. What is planned for a file is
 * what would become of it in the queue.
 */

#include <stdio.h>
#include <stdlib.h>

#include "image-random.h"
#include "scene.h"

#define INSIDE	 0x08004000
#define NOISE	 30000
#define NOT_COLD "it will not start after a power cycle"

static struct host_port *board_with(struct bed *bed, const struct firmware *program)
{
	struct host_port *port = bed_board(bed, "1-1", NULL, false);

	assert_non_null(port);
	scene_fill(bed, port);
	scene_preload(bed, port, SCENE_FLASH, program);
	host_plug(bed->host, port, true);
	return port;
}

/* The image falls onto the tail of the program at the start, whose handlers all lie before it. */
static void check_cut_off(struct bed *bed, const struct firmware *program, uint32_t address)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(address, 1);
	struct host_port *port = board_with(bed, program);
	const struct entry *verdict;
	char profile[512];

	snprintf(profile, sizeof(profile),
		SCENE_MATCH "[Image]\nFile=*.bin\nAddress=0x%08x\n" SCENE_RETURN, address);
	scene_profile(bed, profile);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_says(verdict, NOT_COLD);
	assert_int_equal(scene_left_to(bed, port), address);
}

static void test_the_tail_of_a_klipper(void **state)
{
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 9);

	check_cut_off(*state, &old, SCENE_OFFSET);
}

static void test_the_tail_of_a_stock_loader(void **state)
{
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_STOCK, SCENE_FLASH, 32464, 1);

	check_cut_off(*state, &loader, INSIDE);
}

/* Nothing of it may be erased, and its tail is a part of it. */
static void test_the_tail_of_a_stock_loader_is_kept(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_STOCK, SCENE_FLASH, 32464, 1);
	FIRMWARE_CLEANUP struct firmware image = scene_image(INSIDE, 1);
	struct host_port *port = board_with(bed, &loader);

	scene_profile(bed, SCENE_MATCH "[Image]\nFile=*.bin\nAddress=0x08004000\n"
				       "[Flash]\nKeepBootloader=yes\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=refused", "DFUD_REASON=would-overwrite-bootloader");
	scene_untouched(bed, port);
}

/* A flash on a visit of its own; what was saved goes into the queue under its own name. */
static void flash_and_drop_saved(struct bed *bed, struct host_port *port, uint32_t address)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(address, 1);
	FIRMWARE_CLEANUP struct firmware before = scene_flash(bed, port);
	const struct entry *saved;
	char name[96];

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=verdict");
	saved = scene_entry(bed, "DFUD_EVENT=saved");
	scene_says(saved, "saved 524288 bytes");
	scene_settled(bed, "done", "klipper.bin");
	host_unplug(bed->host, port);
	bed_forget(bed);
	snprintf(name, sizeof(name), "%s.bin", entry_get(saved, "DFUD_BACKUP"));
	scene_drop(bed, name, &before);
	scene_entry(bed, "DFUD_EVENT=queued");
	host_plug(bed->host, port, true);
}

/* Katapult as it is for USB: with an identity of its own. */
static struct firmware make_katapult(void)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	struct firmware loader = {.size = 6000};

	recipe.style = IMAGE_STYLE_KATAPULT;
	recipe.size = loader.size;
	recipe.product = 0x6177;
	loader.bytes = image_make(&recipe);
	assert_non_null(loader.bytes);
	return loader;
}

/* Two programs in one file have two USB identities: neither is certain, but USB there is. */
static void test_loader_and_program_come_back(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = make_katapult();
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_OFFSET, 9);
	struct host_port *port = board_with(bed, &loader);

	scene_preload(bed, port, SCENE_OFFSET, &old);
	scene_profile(bed, SCENE_MATCH "[Image]\nFile=klipper*.bin\nAddress=0x08008000\n"
				       "[Flash]\nBackup=whole\n[Return]\nWithin=2s\n");
	flash_and_drop_saved(bed, port, SCENE_OFFSET);
	scene_field(scene_entry(bed, "DFUD_EVENT=verdict"), "DFUD_VERDICT", "returned");
}

/* What was saved begins with nothing that starts. */
static void test_a_blank_start_comes_back(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_OFFSET, 9);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *verdict;

	scene_preload(bed, port, SCENE_OFFSET, &old);
	scene_profile(bed, SCENE_MATCH "[Image]\nFile=klipper*.bin\nAddress=0x08000000\n"
				       "[Flash]\nBackup=whole\n" SCENE_RETURN);
	flash_and_drop_saved(bed, port, SCENE_FLASH);
	verdict = scene_entry(bed, "DFUD_EVENT=verdict");
	scene_field(verdict, "DFUD_FLASH", "written");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
}

/* Encrypted, so to say: nothing in it is a vector table. */
static struct firmware make_noise(void)
{
	struct firmware noise = {.bytes = malloc(NOISE), .size = NOISE};
	uint64_t state = 1;

	assert_non_null(noise.bytes);
	for (size_t i = 0; i < NOISE; i++) {
		noise.bytes[i] = (uint8_t)image_random(&state);
	}
	return noise;
}

#define NO_TABLE "the file does not begin with a vector table"

static const struct entry *flash_noise(struct bed *bed, const char *flash)
{
	FIRMWARE_CLEANUP struct firmware noise = make_noise();
	char profile[512];

	snprintf(profile, sizeof(profile), SCENE_OCTOPUS "[Flash]\n%s\n", flash);
	scene_profile(bed, profile);
	scene_start(bed);
	scene_drop(bed, "noise.bin", &noise);
	return scene_verdict(bed, "DFUD_FILE=noise.bin");
}

/* A person's profile is believed; that the board will not start is said before and after. */
static void test_a_file_without_a_vector_table(void **state)
{
	struct bed *bed = *state;
	const struct entry *verdict;

	scene_board(bed, "1-1", NULL);
	verdict = flash_noise(bed, "");
	scene_field(verdict, "DFUD_FLASH", "written");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	assert_true(scene_warning(bed, NO_TABLE)->number <
		    scene_entry(bed, "DFUD_EVENT=flashing")->number);
}

static void test_a_file_without_a_vector_table_on_a_board_that_stays(void **state)
{
	struct bed *bed = *state;
	const struct entry *verdict;

	scene_board(bed, "1-1", NULL);
	verdict = flash_noise(bed, "Leave=no");
	scene_field(verdict, "DFUD_VERDICT", "not-expected");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_warning(bed, NO_TABLE);
}

/* It is not on the board: nothing is said of a start that was not to be. */
static void test_a_refused_file_without_a_vector_table(void **state)
{
	struct bed *bed = *state;
	const struct board_options blind = {.cold_error = true, .no_upload = true};
	const struct entry *verdict;

	scene_board(bed, "1-1", &blind);
	verdict = flash_noise(bed, "Backup=required");
	scene_field(verdict, "DFUD_VERDICT", "refused");
	assert_null(entry_get(verdict, "DFUD_COLD_BOOT"));
}

/* Of a chip that is no STM32 nobody knows what a program begins with. */
static void test_a_file_for_another_chip(void **state)
{
	struct bed *bed = *state;
	const struct board_options other = {
		.vendor = 0x28e9, .product = 0x0189, .cold_error = true};
	FIRMWARE_CLEANUP struct firmware noise = make_noise();
	const struct entry *verdict;

	scene_board(bed, "1-1", &other);
	scene_profile(bed, "[Match]\nId=28e9:0189\n[Image]\nFile=*.bin\nAddress=0x08000000\n"
			   "[Return]\nWithin=2s\n");
	scene_start(bed);
	scene_drop(bed, "noise.bin", &noise);
	verdict = scene_verdict(bed, "DFUD_FLASH=written");
	assert_null(entry_get(verdict, "DFUD_COLD_BOOT"));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=checked", "PRIORITY=4"), 0);
}

/* A program that begins with one is not doubted. */
static void test_a_file_with_a_vector_table(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	scene_board(bed, "1-1", NULL);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_COLD_BOOT=yes");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=checked", "PRIORITY=4"), 0);
}

/* dfud --plan for ROOT/drop/klipper.bin, which the queue would not take. */
static void check_not_planned(struct bed *bed, const char *words)
{
	char state[160], written[128], plan[128], output[16384];
	const char *const args[] = {
		"--worker=" BED_WORKER, state, written, "--config-dir=" BED_CONF, plan, NULL};
	struct host_port *port = scene_board(bed, "1-1", NULL);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	int status;

	assert_int_equal(bed_write(bed, "drop", "klipper.bin", image.bytes, image.size), 0);
	snprintf(state, sizeof(state), "--state-dir=%s/state", bed->root);
	snprintf(written, sizeof(written), "--config-dir=%s/etc", bed->root);
	snprintf(plan, sizeof(plan), "--plan=%s/drop/klipper.bin", bed->root);
	status = scene_run(bed, BED_DAEMON, args, output, sizeof(output));
	assert_int_equal(status, 2);
	assert_non_null(strstr(output, words));
	scene_untouched(bed, port);
}

static void test_plan_of_a_large_file(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(
		bed_configure(bed, "etc", "dfud.conf", BED_SETTINGS "MaxFileSize=32K\n"), 0);
	check_not_planned(bed, "MaxFileSize=");
}

static void test_plan_of_another_sum(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(
		bed_configure(bed, "drop", "klipper.bin.sha256",
			"0000000000000000000000000000000000000000000000000000000000000000"),
		0);
	check_not_planned(bed, ".sha256");
}

static void test_plan_without_a_signature(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_configure(bed, "etc", "dfud.conf",
				 BED_SETTINGS "[Trust]\nRequireSignature=yes\n"
					      "Keys=RWQm2tWp2csm7kpZk4omnWDD8ChTtgeJrRsu5cAh+"
					      "ZelNhPksy5gtEMu\n"),
		0);
	check_not_planned(bed, "klipper.bin.minisig");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_the_tail_of_a_klipper),
		SCENE(test_the_tail_of_a_stock_loader),
		SCENE(test_the_tail_of_a_stock_loader_is_kept),
		SCENE(test_loader_and_program_come_back),
		SCENE(test_a_blank_start_comes_back),
		SCENE(test_a_file_without_a_vector_table),
		SCENE(test_a_file_without_a_vector_table_on_a_board_that_stays),
		SCENE(test_a_refused_file_without_a_vector_table),
		SCENE(test_a_file_for_another_chip),
		SCENE(test_a_file_with_a_vector_table),
		SCENE(test_plan_of_a_large_file),
		SCENE(test_plan_of_another_sum),
		SCENE(test_plan_without_a_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
