/* SPDX-License-Identifier: MIT */
/*
 * What a daemon finds in active/ when it starts. A record is held to what it says: what it does not
 * say is not concluded, and what it says counts, also for MaxAttempts=.
 */

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dfu/dfu.h"
#include "record/record.h"
#include "scene.h"

#define ID "0123456789abcdef0123456789abcdef"

/* This boot's id, as the daemon writes it. */
static void read_boot_id(char *ret)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char line[64];
	size_t n = 0;

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	for (const char *c = line; *c && *c != '\n'; c++) {
		if (*c != '-') {
			ret[n++] = *c;
		}
	}
	ret[n] = '\0';
}

/* An attempt with klipper.bin on the octopus at port 1-1 in this boot of the host. */
static struct record record_of(const struct firmware *image)
{
	struct record record = RECORD_INIT;

	strcpy(record.id, ID);
	strcpy(record.profile, "octopus");
	strcpy(record.port, "1-1");
	read_boot_id(record.boot);
	strcpy(record.path, "pci-0000:00:14.0-usb-0:1");
	strcpy(record.usb_id, "0483:df11");
	strcpy(record.serial, "STM32FxSTM32");
	strcpy(record.file, "klipper.bin");
	record.size = image->size;
	record.address = SCENE_FLASH;
	record.within_ms = 2000;
	record.number = 1;
	record.max_attempts = 3;
	record.begun_us = 1;
	record.device = 1 << 16 | 99;
	return record;
}

/* Lays down the record, with the file in active/ or, not claimed, in the queue. */
static void leave_behind(
	struct bed *bed, struct record *record, const struct firmware *image, bool claimed)
{
	char folder[64], path[512], text[RECORD_MAX];
	struct stat info;
	int n;

	snprintf(folder, sizeof(folder), "state/active/%s", record->id);
	snprintf(path, sizeof(path), "%s/%s", bed->root, folder);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(bed_write(bed, claimed ? folder : "state/queue", record->file,
				 image->bytes, image->size),
		0);
	snprintf(path, sizeof(path), "%s/%s/%s", bed->root, claimed ? folder : "state/queue",
		record->file);
	assert_int_equal(stat(path, &info), 0);
	record->inode = info.st_ino;
	record->mtime_ns = (uint64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
	n = record_write(record, text, sizeof(text));
	assert_true(n > 0);
	assert_int_equal(bed_write(bed, folder, "record", text, (size_t)n), 0);
}

/* Before the host was restarted this port was another place: what is there now did not come back.
 */
static void test_port_of_another_boot(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options vendor = {.plain = true, .vendor = 0x2e8a, .product = 0x0003};
	struct host_port *port = scene_board(bed, "1-1", &vendor);
	struct record record = record_of(&image);
	const struct entry *verdict;

	strcpy(record.boot, "ffffffffffffffffffffffffffffffff");
	record.erasing = record.written = record.verified = record.left = true;
	leave_behind(bed, &record, &image, true);
	scene_start(bed);
	verdict = scene_verdict(bed, "DFUD_ATTEMPT=" ID);
	scene_field(verdict, "DFUD_VERDICT", "gone");
	scene_field(verdict, "DFUD_RETURN", "none");
	scene_field(verdict, "DFUD_FLASH", "written");
	assert_null(entry_get(verdict, "DFUD_RETURN_ID"));
	assert_non_null(strstr(entry_get(verdict, "MESSAGE"), "restarted"));
	scene_settled(bed, "done", "klipper.bin");
	assert_int_equal(host_opens(bed->host, port), 0);
}

static void test_refused_without_a_reason(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct record record = record_of(&image);
	struct host_port *port;

	strcpy(record.end, "refused");
	leave_behind(bed, &record, &image, true);
	scene_start(bed);
	scene_verdict(bed, "DFUD_VERDICT=interrupted", "DFUD_ATTEMPT=" ID);
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));

	/* and it lives: the file is flashed */
	port = scene_board(bed, "1-1", NULL);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

/* An attempt that died between the first erase and its end, with the file back in the queue. */
static void test_erasing_with_the_file_in_the_queue(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true,
		.faults = {{BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 5, 0, DFU_STATUS_PROG}}};
	struct record record = record_of(&image);
	const struct entry *verdict;

	scene_profile(bed,
		SCENE_MATCH "[Image]\nAddress=0x08000000\n[Flash]\nMaxAttempts=2\n" SCENE_RETURN);
	record.max_attempts = 2;
	record.erasing = true;
	leave_behind(bed, &record, &image, false);
	scene_start(bed);
	verdict = scene_verdict(bed, "DFUD_ATTEMPT=" ID);
	scene_field(verdict, "DFUD_VERDICT", "interrupted");
	scene_field(verdict, "DFUD_FLASH", "partly");
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");

	/* it was the first of two */
	scene_board(bed, "1-1", &options);
	scene_verdict(bed, "DFUD_VERDICT=failed", "DFUD_FILE=klipper.bin");
	scene_entry(bed, "DFUD_EVENT=settled", "DFUD_FILE=klipper.bin", "DFUD_REASON=attempts");
	assert_true(bed_wait_file(bed, "failed", "klipper.bin"));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 2);
}

/* Daemon killed, its worker fails: the next daemon knows the visit and leaves the board alone. */
static void test_failed_while_no_daemon_was_there(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true,
		.speedup = 8,
		.faults = {{BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 12, 1, DFU_STATUS_PROG}}};
	struct host_port *port;
	unsigned opens;

	scene_start(bed);
	port = scene_board(bed, "1-1", &options);
	scene_drop(bed, "klipper.bin", &image);
	scene_wait_blocks(bed, port, 2);
	bed_stop(bed, SIGKILL);
	opens = host_opens(bed->host, port);
	bed_forget(bed);
	scene_start(bed);
	scene_verdict(bed, "DFUD_VERDICT=failed", "DFUD_FLASH=partly", "DFUD_FILE=klipper.bin");
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");

	/* a whole inspection later it still has not begun, and nothing runs when it ends */
	assert_int_equal(bed_drop(bed, "page.bin", "<html></html>\n", 14), 0);
	scene_verdict(bed, "DFUD_FILE=page.bin");
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict", "DFUD_FILE=klipper.bin"), 1);
	assert_int_equal(host_opens(bed->host, port), opens);
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));

	/* on the next visit it is finished */
	scene_start(bed);
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_port_of_another_boot),
		SCENE(test_refused_without_a_reason),
		SCENE(test_erasing_with_the_file_in_the_queue),
		SCENE(test_failed_while_no_daemon_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
