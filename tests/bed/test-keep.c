/* SPDX-License-Identifier: MIT */
/*
 * Backups that are kept, or must be: what cannot be saved is not erased, what was saved is there
 * after a crash and after a power cut, and the oldest give way, never those of a running attempt.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/backup.h"
#include "record/record.h"
#include "scene.h"

#define AT_OFFSET  SCENE_MATCH "[Image]\nFile=klipper*.bin\nAddress=0x08008000\n" SCENE_RETURN
#define FLASH_SIZE 524288
#define SECTORS	   (3 * 16384) /* that an image of scene_image() touches at SCENE_FLASH */
#define ID	   "0123456789abcdef0123456789abcdef"
#define ACTIVE	   "state/active/" ID
/* of 49152 bytes that are all 'k', as sha256sum says */
#define DIGEST "487b72b4619bf7ea44212dc626541f2b4161db6d5224c974aa1e9eb91b2798e9"

/* 22 blocks of 4 ms each: slow enough for a hand. */
#define SLOWLY 8

static const struct board_options slow = {.cold_error = true, .speedup = SLOWLY};

/* A board with Katapult and a program behind it in an otherwise full flash. */
static struct host_port *board_with_two(struct bed *bed)
{
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_KATAPULT, SCENE_FLASH, 6000, 7);
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_OFFSET, 9);
	struct host_port *port = bed_board(bed, "1-1", NULL, false);

	assert_non_null(port);
	scene_fill(bed, port);
	scene_preload(bed, port, SCENE_FLASH, &loader);
	scene_preload(bed, port, SCENE_OFFSET, &old);
	host_plug(bed->host, port, true);
	return port;
}

/* Not plugged in; with an old program at the start of an otherwise full flash. */
static struct host_port *board_with_old(
	struct bed *bed, const char *name, const struct board_options *options, uint64_t seed)
{
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, seed);
	struct host_port *port = bed_board(bed, name, options, false);

	assert_non_null(port);
	scene_fill(bed, port);
	scene_preload(bed, port, SCENE_FLASH, &old);
	return port;
}

static bool has_backup(struct bed *bed, const char *digest)
{
	char bytes[256], note[256];

	snprintf(bytes, sizeof(bytes), "%s/state/backup/%s.bin", bed->root, digest);
	snprintf(note, sizeof(note), "%s/state/backup/%s.ini", bed->root, digest);
	return access(bytes, R_OK) == 0 && access(note, R_OK) == 0;
}

static void check_unreadable(struct bed *bed, const char *backup)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true, .no_upload = true};
	struct host_port *port = scene_board(bed, "1-1", &options);
	const struct entry *verdict;
	char profile[512];

	snprintf(profile, sizeof(profile), SCENE_OCTOPUS "[Flash]\nBackup=%s\n", backup);
	scene_profile(bed, profile);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=refused");
	scene_field(verdict, "DFUD_REASON", "no-backup");
	scene_field(verdict, "DFUD_FLASH", "untouched");
	scene_says(verdict, "cannot be read");
	scene_untouched(bed, port);
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
}

static void test_required_of_a_board_that_cannot_be_read(void **state)
{
	check_unreadable(*state, "required");
}

static void test_whole_of_a_board_that_cannot_be_read(void **state)
{
	check_unreadable(*state, "whole");
}

/* A copy of the backup in the queue. */
static void drop_backup(struct bed *bed, const char *digest)
{
	char path[256], name[96];
	struct firmware saved = {.size = FLASH_SIZE};
	FILE *file;

	snprintf(path, sizeof(path), "%s/state/backup/%s.bin", bed->root, digest);
	snprintf(name, sizeof(name), "%s.bin", digest);
	file = fopen(path, "re");
	saved.bytes = malloc(FLASH_SIZE);
	assert_non_null(file);
	assert_non_null(saved.bytes);
	saved.size = fread(saved.bytes, 1, FLASH_SIZE, file);
	fclose(file);
	scene_drop(bed, name, &saved);
	firmware_done(&saved);
}

static void test_the_whole_flash_comes_back(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = board_with_two(bed);
	FIRMWARE_CLEANUP struct firmware before = scene_flash(bed, port);
	const struct entry *saved;

	scene_profile(bed, AT_OFFSET "[Flash]\nBackup=whole\n");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_COLD_BOOT=yes");
	saved = scene_entry(bed, "DFUD_EVENT=saved");
	scene_says(saved, "octopus: saved 524288 bytes as backup ");
	scene_settled(bed, "done", "klipper.bin");

	host_unplug(bed->host, port);
	bed_forget(bed);
	drop_backup(bed, entry_get(saved, "DFUD_BACKUP"));
	scene_entry(bed, "DFUD_EVENT=queued");
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_ADDRESS=0x08000000");
	scene_flash_is(bed, port, &before);
}

/* Another board that the same profile means, but not with the memory that was saved. */
static void test_a_backup_is_not_for_another_memory(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options other = {
		.cold_error = true, .layout = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg"};
	struct host_port *port = board_with_old(bed, "1-1", NULL, 9);
	const struct entry *verdict, *saved;

	scene_start(bed);
	host_plug(bed->host, port, true);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	saved = scene_entry(bed, "DFUD_EVENT=saved");
	scene_settled(bed, "done", "klipper.bin");
	host_unplug(bed->host, port);
	bed_forget(bed);
	drop_backup(bed, entry_get(saved, "DFUD_BACKUP"));
	scene_entry(bed, "DFUD_EVENT=queued");
	port = scene_board(bed, "1-2", &other);
	verdict = scene_verdict(bed, "DFUD_VERDICT=refused");
	scene_field(verdict, "DFUD_REASON", "wrong-chip");
	scene_says(verdict, "another memory");
	scene_untouched(bed, port);
}

/* --- no room --- */

/* ROOT/state as a file system of its own, that only this test and its children see. */
static void mount_state(struct bed *bed)
{
	static const char *const folders[] = {"queue", "active", "done", "failed", "backup"};
	char path[128];

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("SKIP: a file system of this test's own needs the rights of root\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/state", bed->root);
	assert_int_equal(mount("dfud-bed", path, "tmpfs", 0, "size=512k,mode=0755"), 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/state/%s", bed->root, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
}

static int teardown_state(void **state)
{
	struct bed *bed = *state;
	char path[128];

	if (bed->daemon > 0) {
		bed_stop(bed, SIGKILL);
	}
	snprintf(path, sizeof(path), "%s/state", bed->root);
	(void)umount2(path, MNT_DETACH); /* not there where the test was skipped */
	return scene_teardown(state);
}

/* So much is left: not enough for SECTORS and all that lies beside. */
static void fill_state(struct bed *bed, size_t left)
{
	static const char zeros[4096];
	struct statvfs st;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/state/ballast", bed->root);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	do {
		assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
		assert_int_equal(fstatvfs(fd, &st), 0);
	} while (st.f_bavail * st.f_bsize > left);
	close(fd);
}

static void test_no_room_for_the_backup(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = board_with_old(bed, "1-1", NULL, 9);
	const struct entry *verdict;
	char ballast[128];

	mount_state(bed);
	assert_int_equal(bed_write(bed, "state/queue", "klipper.bin", image.bytes, image.size), 0);
	fill_state(bed, 40000);
	scene_start(bed);
	host_plug(bed->host, port, true);
	verdict = scene_verdict(bed, "DFUD_VERDICT=refused");
	scene_field(verdict, "DFUD_REASON", "no-space");
	scene_field(verdict, "DFUD_FLASH", "untouched");
	scene_says(verdict, "could not be saved");
	assert_null(entry_get(verdict, "DFUD_BACKUP"));
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	scene_untouched(bed, port);
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
	assert_int_equal(scene_count_backups(bed), 0);

	/* and nothing of the attempt is left to take room: with room it goes through */
	snprintf(ballast, sizeof(ballast), "%s/state/ballast", bed->root);
	assert_int_equal(unlink(ballast), 0);
	bed_forget(bed);
	scene_start(bed);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	assert_int_equal(scene_count_backups(bed), 1);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

/* --- the daemon dies --- */

/* In the middle of the write, with what was there saved before. */
static struct host_port *die_in_mid_write(
	struct bed *bed, bool with_worker, char *ret_digest, size_t size)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = board_with_old(bed, "1-1", &slow, 9);
	pid_t worker;
	int status;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued");
	host_plug(bed->host, port, true);
	snprintf(ret_digest, size, "%s",
		entry_get(scene_entry(bed, "DFUD_EVENT=saved"), "DFUD_BACKUP"));
	scene_wait_blocks(bed, port, 3);
	worker = scene_worker(bed);
	status = bed_stop(bed, SIGKILL);
	assert_true(WIFSIGNALED(status));
	if (with_worker) {
		assert_int_equal(kill(worker, SIGKILL), 0);
	}
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 0);
	return port;
}

static void read_report(struct bed *bed, char *ret, size_t size)
{
	char path[512];
	FILE *file;

	assert_true(bed_wait_file(bed, "done", "report.txt"));
	assert_true(bed_has_file(bed, "done", "report.txt", path, sizeof(path)));
	file = fopen(path, "re");
	assert_non_null(file);
	ret[fread(ret, 1, size - 1, file)] = '\0';
	fclose(file);
}

static void test_daemon_killed_after_the_backup(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	char digest[80], report[16384];
	struct host_port *port = die_in_mid_write(bed, false, digest, sizeof(digest));
	const struct entry *verdict;

	scene_wait_presence(bed, port, BOARD_RUNTIME);
	scene_start(bed);
	verdict = scene_verdict(bed, "DFUD_END=completed", "DFUD_FLASH=written");
	scene_field(verdict, "DFUD_BACKUP", digest);
	assert_true(has_backup(bed, digest));
	scene_settled(bed, "done", "klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=saved"), 1);
	read_report(bed, report, sizeof(report));
	assert_non_null(strstr(report, digest));
	assert_false(bed_has_file(bed, "done", ".backup", NULL, 0));
}

/* Said at the next start, and done again: what is half written then is saved, too. */
static void test_both_killed_after_the_backup(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	char digest[80], line[256], report[16384];
	struct host_port *port = die_in_mid_write(bed, true, digest, sizeof(digest));
	const struct entry *verdict;

	scene_start(bed);
	verdict = scene_verdict(bed, "DFUD_VERDICT=interrupted");
	scene_field(verdict, "DFUD_BACKUP", digest);
	scene_field(verdict, "DFUD_FLASH", "partly");
	scene_verdict(bed, "DFUD_VERDICT=returned");
	assert_true(has_backup(bed, digest));
	assert_int_equal(scene_count_backups(bed), 2);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	snprintf(line, sizeof(line),
		"Backup:   %s of what the first attempt found, restore with: dfud-flash --restore "
		"%.8s; ",
		digest, digest);
	read_report(bed, report, sizeof(report));
	assert_non_null(strstr(report, line));
}

/* The daemon dies in the middle of the write; what it had found out is still true. */
static void test_not_cold_after_a_restart(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port;
	const struct entry *verdict;

	scene_profile(bed, AT_OFFSET);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued");
	port = scene_board(bed, "1-1", &slow);
	scene_wait_blocks(bed, port, 3);
	assert_true(WIFSIGNALED(bed_stop(bed, SIGKILL)));
	scene_wait_presence(bed, port, BOARD_RUNTIME);
	scene_start(bed);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned");
	assert_null(strstr(entry_get(verdict, "MESSAGE"), "All is well"));
	scene_says(verdict, "it will not start after a power cycle");
	scene_field(verdict, "DFUD_COLD_BOOT", "no");
	scene_field(verdict, "DFUD_ADDRESS", "0x08008000");
}

/* What was started was the boot loader, and it has started the program. */
static void test_cold_after_a_restart(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_KATAPULT, SCENE_FLASH, 6000, 7);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = bed_board(bed, "1-1", &slow, false);

	assert_non_null(port);
	scene_preload(bed, port, SCENE_FLASH, &loader);
	scene_profile(bed, AT_OFFSET);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued");
	host_plug(bed->host, port, true);
	scene_wait_blocks(bed, port, 3);
	assert_true(WIFSIGNALED(bed_stop(bed, SIGKILL)));
	scene_wait_presence(bed, port, BOARD_RUNTIME);
	scene_start(bed);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_COLD_BOOT=yes");
	assert_int_equal(scene_left_to(bed, port), SCENE_FLASH);
}

static struct record make_record(unsigned max_attempts)
{
	struct record record = RECORD_INIT;

	strcpy(record.id, ID);
	strcpy(record.profile, "octopus");
	strcpy(record.port, "1-1");
	strcpy(record.path, "platform-usb-0:1");
	strcpy(record.boot, "ffffffffffffffffffffffffffffffff");
	strcpy(record.usb_id, "0483:df11");
	strcpy(record.serial, "STM32FxSTM32");
	strcpy(record.file, "klipper.bin");
	strcpy(record.backup, DIGEST);
	strcpy(record.backup_map, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg");
	strcpy(record.backup_found, "Katapult");
	record.backup_address = SCENE_FLASH;
	record.backup_size = SECTORS;
	record.backup_alternate = 1;
	record.begun_us = 1790000000123456u;
	record.size = SCENE_SIZE;
	record.number = 1;
	record.max_attempts = max_attempts;
	record.erasing = true;
	return record;
}

static void write_saved(struct bed *bed, const char *folder, const char *name)
{
	uint8_t *bytes = malloc(SECTORS);

	assert_non_null(bytes);
	memset(bytes, 'k', SECTORS);
	assert_int_equal(bed_write(bed, folder, name, bytes, SECTORS), 0);
	free(bytes);
}

/* An attempt that was cut off, without what it had saved. */
static void leave_attempt(struct bed *bed, unsigned max_attempts)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct record record = make_record(max_attempts);
	char path[256], text[RECORD_MAX];
	const int n = record_write(&record, text, sizeof(text));

	assert_true(n > 0);
	snprintf(path, sizeof(path), "%s/state/active/%s", bed->root, record.id);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(bed_write(bed, ACTIVE, "record", text, (size_t)n), 0);
	assert_int_equal(bed_write(bed, ACTIVE, "klipper.bin", image.bytes, image.size), 0);
}

/* An attempt whose bytes are still in active/ though its record says that they were kept. */
static void leave_behind(struct bed *bed, unsigned max_attempts)
{
	leave_attempt(bed, max_attempts);
	write_saved(bed, ACTIVE, ".backup");
}

static void check_interrupted(struct bed *bed)
{
	const struct entry *verdict =
		scene_verdict(bed, "DFUD_VERDICT=interrupted", "DFUD_ATTEMPT=" ID);

	scene_field(verdict, "DFUD_BACKUP", DIGEST);
}

/* A power cut may take the move into backup/ back. */
static void test_power_cut_after_the_backup(void **state)
{
	struct bed *bed = *state;

	leave_behind(bed, 1);
	scene_start(bed);
	check_interrupted(bed);
	assert_true(has_backup(bed, DIGEST));
	scene_settled(bed, "failed", "klipper.bin");
	assert_false(bed_has_file(bed, "failed", ".backup", NULL, 0));
}

/* And the writing of the note alone: the record says the same. */
static void test_power_cut_before_the_note(void **state)
{
	struct bed *bed = *state;
	const struct record record = make_record(1);
	char path[256], text[BACKUP_MAX];
	struct backup note;
	FILE *file;

	leave_attempt(bed, 1);
	write_saved(bed, "state/backup", DIGEST ".bin");
	scene_start(bed);
	check_interrupted(bed);
	snprintf(path, sizeof(path), "%s/state/backup/" DIGEST ".ini", bed->root);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(backup_read(&note, text, fread(text, 1, sizeof(text), file)), 0);
	fclose(file);
	assert_string_equal(note.sha256, DIGEST);
	assert_int_equal(note.address, SCENE_FLASH);
	assert_int_equal(note.size, SECTORS);
	assert_int_equal(note.alternate, 1);
	assert_int_equal(note.when_us, record.begun_us);
	assert_string_equal(note.usb_id, record.usb_id);
	assert_string_equal(note.serial, record.serial);
	assert_string_equal(note.port, record.port);
	assert_string_equal(note.path, record.path);
	assert_string_equal(note.profile, record.profile);
	assert_string_equal(note.layout, record.backup_map);
	assert_string_equal(note.found, record.backup_found);
	assert_string_equal(note.attempt, ID);
	assert_string_equal(note.file, "klipper.bin");
}

static void check_saved(const char *path)
{
	uint8_t bytes[256];
	struct stat st;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	assert_int_equal(st.st_size, SECTORS);
	assert_int_equal(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	fclose(file);
	assert_int_equal(bytes[0], 'k');
	assert_int_equal(bytes[255], 'k');
}

/* The note of a newer dfud is not written over: the bytes cannot be taken. */
static void forbid_backup(struct bed *bed)
{
	assert_int_equal(
		bed_configure(bed, "state/backup", DIGEST ".ini", "Format=2\nRegion=otp\n"), 0);
}

/* It is the only copy, then: it stays with its attempt until it can be taken, and that is said. */
static void test_a_backup_that_cannot_be_taken(void **state)
{
	struct bed *bed = *state;
	char path[512];

	leave_behind(bed, 1);
	forbid_backup(bed);
	scene_start(bed);
	check_interrupted(bed);
	scene_says(scene_entry(bed, "DFUD_EVENT=held"), "cannot be put into the folder backup");
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	assert_true(bed_has_file(bed, "active", ".backup", path, sizeof(path)));
	check_saved(path);
	assert_true(bed_has_file(bed, "active", "klipper.bin", NULL, 0));
	assert_int_equal(scene_count_backups(bed), 0);

	snprintf(path, sizeof(path), "%s/state/backup/" DIGEST ".ini", bed->root);
	assert_int_equal(unlink(path), 0);
	bed_forget(bed);
	scene_start(bed);
	scene_settled(bed, "failed", "klipper.bin");
	assert_true(has_backup(bed, DIGEST));
	assert_false(bed_has_file(bed, "failed", ".backup", NULL, 0));
}

/* It waits in active/ where the file gets another attempt, and is taken as soon as it can be. */
static void test_a_backup_that_can_be_taken_later(void **state)
{
	struct bed *bed = *state;
	char path[512];

	leave_behind(bed, 3);
	forbid_backup(bed);
	scene_start(bed);
	check_interrupted(bed);
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	assert_true(bed_has_file(bed, "active", ".backup", path, sizeof(path)));
	check_saved(path);

	snprintf(path, sizeof(path), "%s/state/backup/" DIGEST ".ini", bed->root);
	assert_int_equal(unlink(path), 0);
	bed_forget(bed);
	scene_start(bed);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	assert_true(has_backup(bed, DIGEST));
	assert_false(bed_has_file(bed, "active", ".backup", NULL, 0));
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

/* --- the quota --- */

static void set_limits(struct bed *bed, const char *limits)
{
	char text[256];

	snprintf(text, sizeof(text), BED_SETTINGS "[Backup]\n%s\n", limits);
	assert_int_equal(bed_configure(bed, "etc", "dfud.conf", text), 0);
}

/* One more flash on a visit of its own: what it saved. */
static void flash_again(
	struct bed *bed, struct host_port *port, uint64_t seed, char *ret_digest, size_t size)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, seed);

	bed_forget(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued");
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	snprintf(ret_digest, size, "%s",
		entry_get(scene_entry(bed, "DFUD_EVENT=saved"), "DFUD_BACKUP"));
	scene_settled(bed, "done", "klipper.bin");
	host_unplug(bed->host, port);
}

static void test_the_newest_two_are_kept(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = board_with_old(bed, "1-1", NULL, 9);
	char digests[4][80];

	set_limits(bed, "MaxCount=2");
	scene_start(bed);
	for (size_t i = 0; i < 4; i++) {
		flash_again(bed, port, i + 1, digests[i], sizeof(digests[i]));
		assert_true(has_backup(bed, digests[i]));
	}
	assert_int_equal(scene_count_backups(bed), 2);
	assert_true(has_backup(bed, digests[2]));
	assert_true(has_backup(bed, digests[3]));
}

/* 16 backups of 64 KiB would fit into the least MaxSize=; here one of the whole flash does. */
static void test_size_is_limited(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = board_with_old(bed, "1-1", NULL, 9);
	char digests[3][80];

	set_limits(bed, "MaxSize=1M");
	scene_profile(bed, SCENE_OCTOPUS "[Flash]\nBackup=whole\n");
	scene_start(bed);
	for (size_t i = 0; i < 3; i++) {
		flash_again(bed, port, i + 1, digests[i], sizeof(digests[i]));
	}
	assert_int_equal(scene_count_backups(bed), 2);
	assert_false(has_backup(bed, digests[0]));
	assert_true(has_backup(bed, digests[1]));
	assert_true(has_backup(bed, digests[2]));
}

/* Two boards at once, and room for one backup: both attempts need theirs. */
static void test_what_runs_is_kept(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware left = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware right = scene_image(SCENE_FLASH, 2);
	const struct board_options slower = {.cold_error = true, .speedup = 1};
	struct host_port *first = board_with_old(bed, "1-1", &slower, 9);
	struct host_port *second = board_with_old(bed, "1-2", &slow, 10);
	char digest[80];

	set_limits(bed, "MaxCount=1");
	scene_profile(bed,
		SCENE_MATCH "Port=1-1\n[Image]\nFile=left.bin\nAddress=0x08000000\n" SCENE_RETURN);
	assert_int_equal(bed_configure(bed, "etc/boards.d", "60-right.conf",
				 SCENE_MATCH "Port=1-2\n[Image]\nFile=right.bin\n"
					     "Address=0x08000000\n" SCENE_RETURN),
		0);
	scene_start(bed);
	scene_drop(bed, "left.bin", &left);
	host_plug(bed->host, first, true);
	snprintf(digest, sizeof(digest), "%s",
		entry_get(scene_entry(bed, "DFUD_EVENT=saved", "DFUD_PORT=1-1"), "DFUD_BACKUP"));
	scene_drop(bed, "right.bin", &right);
	host_plug(bed->host, second, true);
	scene_entry(bed, "DFUD_EVENT=saved", "DFUD_PORT=1-2");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=flashed", "DFUD_PORT=1-1"), 0);
	assert_true(has_backup(bed, digest));
	assert_int_equal(scene_count_backups(bed), 2);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_PORT=1-1");
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_PORT=1-2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_required_of_a_board_that_cannot_be_read),
		SCENE(test_whole_of_a_board_that_cannot_be_read),
		SCENE(test_the_whole_flash_comes_back),
		SCENE(test_a_backup_is_not_for_another_memory),
		cmocka_unit_test_setup_teardown(
			test_no_room_for_the_backup, scene_setup, teardown_state),
		SCENE(test_daemon_killed_after_the_backup),
		SCENE(test_both_killed_after_the_backup),
		SCENE(test_not_cold_after_a_restart),
		SCENE(test_cold_after_a_restart),
		SCENE(test_power_cut_after_the_backup),
		SCENE(test_power_cut_before_the_note),
		SCENE(test_a_backup_that_cannot_be_taken),
		SCENE(test_a_backup_that_can_be_taken_later),
		SCENE(test_the_newest_two_are_kept),
		SCENE(test_size_is_limited),
		SCENE(test_what_runs_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
