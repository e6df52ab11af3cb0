/* SPDX-License-Identifier: MIT */
/*
 * Mishaps around the worker: it cannot begin, its board is away for an instant, the last block does
 * not hold, the daemon is asked to stop meanwhile. Each is told as what it is.
 */

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dfu/dfu.h"
#include "scene.h"

/* 22 blocks of 4 ms each: slow enough for a hand. */
#define SLOWLY	     8
#define SCENE_BLOCKS 22

static void write_script(struct bed *bed, const char *name, const char *text)
{
	char path[128];

	assert_int_equal(bed_write(bed, "drop", name, text, strlen(text)), 0);
	snprintf(path, sizeof(path), "%s/drop/%s", bed->root, name);
	assert_int_equal(chmod(path, 0755), 0);
}

/* The daemon with another worker: ROOT/drop/worker, a shell script where there is a text. */
static void use_worker(struct bed *bed, const char *script, char *program, size_t size)
{
	char text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\nexec %s \"$@\" --worker %s/drop/worker\n",
		BED_DAEMON, bed->root);
	write_script(bed, "daemon", text);
	if (script) {
		write_script(bed, "worker", script);
	}
	snprintf(program, size, "%s/drop/daemon", bed->root);
	bed->program = program;
}

/* Nothing is said against the file, nothing is done to the board. */
static void check_unable(struct bed *bed, const char *script)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	char program[128];

	use_worker(bed, script, program, sizeof(program));
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_REASON=worker-crashed");
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	assert_int_equal(bed_count(bed, "DFUD_REASON=damaged"), 0);
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
	assert_false(bed_has_file(bed, "failed", "klipper.bin", NULL, 0));
	assert_false(bed_has_file(bed, "active", "*", NULL, 0));
	scene_untouched(bed, port);
}

static void test_worker_is_not_installed(void **state)
{
	check_unable(*state, NULL);
	assert_int_equal(bed_count((struct bed *)*state, "DFUD_EVENT=verdict"), 0);
}

static void test_worker_is_killed_before_it_reads_the_file(void **state)
{
	check_unable(*state, "#!/bin/sh\nkill -KILL $$\n");
	assert_int_equal(bed_count((struct bed *)*state, "DFUD_EVENT=verdict"), 0);
}

/* It looks at files, but whenever it is to look at a board it is killed. */
static void test_worker_is_killed_before_it_opens_the_board(void **state)
{
	struct bed *bed = *state;
	const struct entry *verdict;

	check_unable(bed, "#!/bin/sh\n"
			  "case \"$*\" in *--port*) kill -KILL $$ ;; esac\n"
			  "exec " BED_WORKER " \"$@\"\n");
	verdict = scene_verdict(bed, "DFUD_VERDICT=refused");
	scene_field(verdict, "DFUD_REASON", "worker-crashed");
	scene_field(verdict, "DFUD_FLASH", "untouched");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
}

/* A loose cable: the board is there again before its worker has said a word. */
static void test_board_is_away_for_an_instant(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true, .speedup = SLOWLY};
	struct host_port *port;

	scene_start(bed);
	port = scene_board(bed, "1-1", &options);
	scene_drop(bed, "klipper.bin", &image);
	scene_wait_blocks(bed, port, 3);
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=interrupted", "DFUD_REASON=vanished");
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	scene_settled(bed, "done", "klipper.bin");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 2);
}

/* The block that is written last is the first of the file: without it the file is not there. */
static void test_last_block_does_not_hold(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true,
		.faults = {{BOARD_FAULT_CORRUPT, DFU_DNLOAD, 0, SCENE_BLOCKS - 1, 1, 0}}};
	struct host_port *port = scene_board(bed, "1-1", &options);
	const struct entry *verdict;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=failed");
	scene_field(verdict, "DFUD_REASON", "verify");
	scene_field(verdict, "DFUD_FLASH", "partly");
	assert_int_equal(bed_counts(bed, port).blocks, SCENE_BLOCKS);
	assert_int_equal(bed_counts(bed, port).leaves, 0);
}

/* A flash that moves all the time must not keep the daemon from asking systemd for more of it. */
static void test_systemd_is_asked_for_time(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options options = {.cold_error = true, .speedup = 1};
	struct host_port *port;
	const struct entry *asked, *flashed;

	scene_start(bed);
	port = scene_board(bed, "1-1", &options);
	scene_drop(bed, "klipper.bin", &image);
	scene_wait_blocks(bed, port, 1);
	bed_forget(bed);
	assert_int_equal(kill(bed->daemon, SIGTERM), 0);
	flashed = scene_entry(bed, "DFUD_EVENT=flashed");
	asked = scene_entry(bed, "EXTEND_TIMEOUT_USEC=30000000");
	assert_true(asked->number < flashed->number);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	assert_int_equal(bed_stop(bed, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_worker_is_not_installed),
		SCENE(test_worker_is_killed_before_it_reads_the_file),
		SCENE(test_worker_is_killed_before_it_opens_the_board),
		SCENE(test_board_is_away_for_an_instant),
		SCENE(test_last_block_does_not_hold),
		SCENE(test_systemd_is_asked_for_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
