/* SPDX-License-Identifier: MIT */
/*
 * What was on a board before: saved before the first erase, said, and brought back byte for byte,
 * by hand and through the queue. And what becomes of a boot loader.
 */

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "scene.h"

#define SECTORS (3 * 16384) /* that an image of scene_image() touches */

/* The whole flash, as it is now. */
static uint8_t *copy_flash(struct bed *bed, struct host_port *port, size_t *ret_size)
{
	struct board *board = host_lock(bed->host, port);
	const uint8_t *flash = board_flash(board, ret_size);
	uint8_t *copy = malloc(*ret_size);

	assert_non_null(copy);
	memcpy(copy, flash, *ret_size);
	host_unlock(bed->host);
	return copy;
}

static void check_flash_is(struct bed *bed, struct host_port *port, const uint8_t *bytes)
{
	size_t size;
	uint8_t *now = copy_flash(bed, port, &size);

	assert_memory_equal(now, bytes, size);
	free(now);
}

/* Something in every sector, also behind what an image covers. */
static void fill_flash(struct bed *bed, struct host_port *port, const struct firmware *program)
{
	struct board *board = host_lock(bed->host, port);
	size_t size;
	uint8_t *flash = board_flash(board, &size);

	for (size_t i = 0; i < size; i++) {
		flash[i] = (uint8_t)(i * 7 + (i >> 8));
	}
	memcpy(flash, program->bytes, program->size);
	host_unlock(bed->host);
}

static unsigned count_backups(struct bed *bed)
{
	char path[128];
	unsigned n = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/state/backup", bed->root);
	folder = opendir(path);
	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder));) {
		n += strstr(entry->d_name, ".bin") != NULL;
	}
	closedir(folder);
	return n;
}

static int by_hand_with(
	struct bed *bed, const char *const *options, char *output, size_t output_size)
{
	const char *args[16];
	char backups[128];
	size_t n = 0;

	snprintf(backups, sizeof(backups), "--backup-dir=%s/state/backup", bed->root);
	args[n++] = backups;
	for (; *options; options++) {
		args[n++] = *options;
	}
	args[n] = NULL;
	return scene_run(bed, BED_WORKER, args, output, output_size);
}
#define by_hand(bed, output, ...)                                                                  \
	by_hand_with(bed, (const char *const[]){__VA_ARGS__, NULL}, output, sizeof(output))

/* The daemon flashes; what it said of the backup comes back. */
static void flash_over(struct bed *bed, const struct firmware *image, char *ret_digest, size_t size)
{
	const struct entry *saved;

	scene_drop(bed, "klipper.bin", image);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	saved = scene_entry(bed, "DFUD_EVENT=saved");
	snprintf(ret_digest, size, "%s", entry_get(saved, "DFUD_BACKUP"));
	assert_int_equal(strlen(ret_digest), 64);
	scene_settled(bed, "done", "klipper.bin");
}

static void test_saved_before_it_is_erased(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware before = scene_image(SCENE_FLASH, 9);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	char digest[80], expected[160];
	const struct entry *saved;

	fill_flash(bed, port, &before);
	scene_start(bed);
	flash_over(bed, &image, digest, sizeof(digest));
	saved = scene_entry(bed, "DFUD_EVENT=saved");
	snprintf(expected, sizeof(expected),
		"octopus: saved 49152 bytes as backup %.8s; restore with: dfud-flash --restore "
		"%.8s",
		digest, digest);
	assert_string_equal(entry_get(saved, "MESSAGE"), expected);
	scene_field(scene_entry(bed, "DFUD_EVENT=flashing"), "DFUD_BACKUP", digest);
	scene_field(scene_entry(bed, "DFUD_EVENT=verdict"), "DFUD_BACKUP", digest);
	assert_int_equal(count_backups(bed), 1);
}

static void test_restored_by_hand(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware before = scene_image(SCENE_FLASH, 9);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	char digest[80], option[80], output[4096];
	uint8_t *flash;
	size_t size;

	fill_flash(bed, port, &before);
	flash = copy_flash(bed, port, &size);
	scene_start(bed);
	flash_over(bed, &image, digest, sizeof(digest));
	assert_int_equal(bed_stop(bed, SIGTERM), 0);

	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
	snprintf(option, sizeof(option), "--restore=%.8s", digest);
	assert_int_equal(by_hand(bed, output, "--port=1-1", option), 0);
	check_flash_is(bed, port, flash);
	assert_int_equal(count_backups(bed), 2);
	free(flash);
}

static void test_restored_through_the_queue(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware before = scene_image(SCENE_FLASH, 9);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	char digest[80], name[96];
	struct firmware saved;
	uint8_t *flash;
	size_t size;

	fill_flash(bed, port, &before);
	flash = copy_flash(bed, port, &size);
	scene_profile(bed, SCENE_MATCH "[Image]\nFile=klipper*.bin\n" SCENE_RETURN);
	scene_start(bed);
	flash_over(bed, &image, digest, sizeof(digest));

	host_unplug(bed->host, port);
	bed_forget(bed);
	saved = (struct firmware){flash, SECTORS};
	snprintf(name, sizeof(name), "%s.bin", digest);
	scene_drop(bed, name, &saved);
	scene_field(scene_entry(bed, "DFUD_EVENT=queued"), "DFUD_BACKUP", digest);
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_ADDRESS=0x08000000");
	scene_settled(bed, "done", name);
	check_flash_is(bed, port, flash);
	free(flash);
}

/* Under its own name, but nobody knows where it came from: it is not flashed anywhere. */
static void test_a_backup_without_its_note(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	char digest[80], name[96], path[256];
	struct firmware saved;
	uint8_t *flash;
	size_t size;

	scene_fill(bed, port);
	flash = copy_flash(bed, port, &size);
	scene_start(bed);
	flash_over(bed, &image, digest, sizeof(digest));
	host_unplug(bed->host, port);
	snprintf(path, sizeof(path), "%s/state/backup/%s.ini", bed->root, digest);
	assert_int_equal(unlink(path), 0);
	bed_forget(bed);
	saved = (struct firmware){flash, SECTORS};
	snprintf(name, sizeof(name), "%s.bin", digest);
	scene_drop(bed, name, &saved);
	scene_verdict(bed, "DFUD_VERDICT=refused", "DFUD_REASON=unknown-image");
	free(flash);
}

static void test_a_blank_board_has_nothing_to_save(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	scene_board(bed, "1-1", NULL);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=saved"), 0);
	assert_int_equal(count_backups(bed), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_saved_before_it_is_erased),
		SCENE(test_restored_by_hand),
		SCENE(test_restored_through_the_queue),
		SCENE(test_a_backup_without_its_note),
		SCENE(test_a_blank_board_has_nothing_to_save),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
