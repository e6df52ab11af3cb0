/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong after the first erase: the board, the worker, the daemon or a person's hand, in
 * the middle of a write. Whatever it is, there is one true verdict for each attempt, the file is
 * where the table of design 4 says, and the board is finished when it is there again.
 */

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dfu/dfu.h"
#include "scene.h"

/* 22 blocks of 4 ms each: slow enough for a hand. */
#define SLOWLY                                                                                     \
	{                                                                                          \
		.cold_error = true, .speedup = 8                                                   \
	}

/* A board in the middle of being written. */
static struct host_port *board_in_mid_write(struct bed *bed, const struct firmware *image)
{
	struct board_options options = SLOWLY;
	struct host_port *port = scene_board(bed, "1-1", &options);

	scene_drop(bed, "klipper.bin", image);
	scene_wait_blocks(bed, port, 3);
	return port;
}

static void expect_interrupted(struct bed *bed)
{
	const struct entry *verdict = scene_verdict(bed, "DFUD_VERDICT=interrupted");

	scene_field(verdict, "PRIORITY", "3");
	scene_field(verdict, "DFUD_FLASH", "partly");
	scene_field(verdict, "DFUD_FILE", "klipper.bin");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
}

static void expect_finished(struct bed *bed, struct host_port *port, const struct firmware *image)
{
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image->bytes, image->size));
	scene_settled(bed, "done", "klipper.bin");
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

static void test_unplugged_and_plugged_again(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;

	scene_start(bed);
	port = board_in_mid_write(bed, &image);
	host_unplug(bed->host, port);
	expect_interrupted(bed);
	host_plug(bed->host, port, true);
	expect_finished(bed, port, &image);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 2);
}

/* What is half written must not look like a program. */
static void test_half_written_board_does_not_start(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 2);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options options = SLOWLY;
	struct host_port *port = bed_board(bed, "1-1", &options, false);

	scene_preload(bed, port, SCENE_FLASH, &old);
	host_plug(bed->host, port, true);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_wait_blocks(bed, port, 3);
	host_unplug(bed->host, port);
	expect_interrupted(bed);
	host_plug(bed->host, port, false);
	assert_int_not_equal(host_presence(bed->host, port), BOARD_RUNTIME);
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
	expect_finished(bed, port, &image);
}

static void test_worker_killed(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;

	scene_start(bed);
	port = board_in_mid_write(bed, &image);
	assert_int_equal(kill(scene_worker(bed), SIGKILL), 0);
	scene_verdict(bed, "DFUD_VERDICT=interrupted", "DFUD_REASON=worker-crashed");
	expect_finished(bed, port, &image);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 2);
}

/* The worker goes on without its daemon; the next start tells how it really ended. */
static void test_daemon_killed(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;
	int status;

	scene_start(bed);
	port = board_in_mid_write(bed, &image);
	status = bed_stop(bed, SIGKILL);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 0);
	scene_wait_presence(bed, port, BOARD_RUNTIME);
	scene_start(bed);
	scene_verdict(bed, "DFUD_END=completed", "DFUD_FLASH=written");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	assert_true(bed_wait_file(bed, "done", "klipper.bin"));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

/* Daemon and worker killed together, as by a power cut: said at the next start, then tried again.
 */
static void test_both_killed(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;
	pid_t worker;

	scene_start(bed);
	port = board_in_mid_write(bed, &image);
	worker = scene_worker(bed);
	bed_stop(bed, SIGKILL);
	assert_int_equal(kill(worker, SIGKILL), 0);
	scene_start(bed);
	scene_verdict(bed, "DFUD_VERDICT=interrupted");
	expect_finished(bed, port, &image);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 2);
}

/* Asked to stop, the daemon lets the attempt end, tells its verdict and goes last. */
static void test_daemon_stopped(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;
	int status;

	scene_start(bed);
	port = board_in_mid_write(bed, &image);
	status = bed_stop(bed, SIGTERM);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	scene_wait_presence(bed, port, BOARD_RUNTIME);
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	if (bed_count(bed, "DFUD_EVENT=verdict") == 0) {
		scene_start(bed);
	}
	scene_verdict(bed, "DFUD_END=completed", "DFUD_FLASH=written");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
	assert_true(bed_wait_file(bed, "done", "klipper.bin"));
}

/* A file that is taken out of the queue is not flashed. */
static void test_cancelled_by_removing_the_file(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;
	char path[512];

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	snprintf(path, sizeof(path), "%s/state/queue/klipper.bin", bed->root);
	assert_int_equal(unlink(path), 0);
	scene_entry(bed, "DFUD_EVENT=cancelled", "DFUD_FILE=klipper.bin");
	port = scene_board(bed, "1-1", NULL);
	scene_entry(bed, "DFUD_EVENT=appeared");
	host_unplug(bed->host, port);
	assert_int_equal(host_opens(bed->host, port), 0);
}

static void check_fault(struct bed *bed, const struct board_fault *fault, const char *reason,
	const char *phase, const char *flash)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options options = {.cold_error = true, .faults = {*fault}};
	const struct entry *verdict;
	char field[64];

	scene_profile(bed,
		SCENE_MATCH "[Image]\nAddress=0x08000000\n[Flash]\nMaxAttempts=1\n" SCENE_RETURN);
	scene_board(bed, "1-1", &options);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	snprintf(field, sizeof(field), "DFUD_REASON=%s", reason);
	verdict = scene_verdict(bed, "DFUD_VERDICT=failed");
	scene_field(verdict, "DFUD_REASON", reason);
	scene_field(verdict, "PRIORITY", "3");
	scene_field(verdict, "DFUD_PHASE", phase);
	scene_field(verdict, "DFUD_FLASH", flash);
	scene_settled(bed, "failed", "klipper.bin");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
}

static void test_erase_fails(void **state)
{
	const struct board_fault fault = {
		BOARD_FAULT_STATUS, DFU_DNLOAD, DFUSE_ERASE, 1, 0, DFU_STATUS_ERASE};

	check_fault(*state, &fault, "erase", "erase", "erased");
}

static void test_write_fails(void **state)
{
	const struct board_fault fault = {BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 5, 0, DFU_STATUS_PROG};

	check_fault(*state, &fault, "write", "write", "partly");
}

static void test_flash_stores_a_wrong_bit(void **state)
{
	const struct board_fault fault = {BOARD_FAULT_CORRUPT, DFU_DNLOAD, 0, 5, 1, 0};

	check_fault(*state, &fault, "verify", "verify", "partly");
}

/* Tried MaxAttempts times, then no more. */
static void test_attempts_end(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options options = {
		.faults = {{BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 5, 0, DFU_STATUS_PROG}}};
	struct host_port *port;

	scene_profile(bed,
		SCENE_MATCH "[Image]\nAddress=0x08000000\n[Flash]\nMaxAttempts=2\n" SCENE_RETURN);
	port = scene_board(bed, "1-1", &options);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=failed");
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
	bed_forget(bed);
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=failed");
	scene_settled(bed, "failed", "klipper.bin");
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_unplugged_and_plugged_again),
		SCENE(test_half_written_board_does_not_start),
		SCENE(test_worker_killed),
		SCENE(test_daemon_killed),
		SCENE(test_both_killed),
		SCENE(test_daemon_stopped),
		SCENE(test_cancelled_by_removing_the_file),
		SCENE(test_erase_fails),
		SCENE(test_write_fails),
		SCENE(test_flash_stores_a_wrong_bit),
		SCENE(test_attempts_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
