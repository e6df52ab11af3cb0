/* SPDX-License-Identifier: MIT */
/*
 * The worker behind its walls, without the daemon: the test holds the other end of its socket. The
 * test program is the worker too, when it is executed on the bed with the argument "worker": so it
 * finds its board by sysfs, as the real one does.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dfud-flash/options.h"
#include "dfud-flash/worker.h"
#include "message/message.h"
#include "record/record.h"
#include "scene.h"

/* The descriptors of the worker. */
#define WORKER_IMAGE   3
#define WORKER_CHANNEL 4
#define WORKER_RECORD  5

struct work {
	pid_t pid;
	int channel, record;
};

static int worker_main(const char *port, bool certain)
{
	const struct options options = {
		.mode = OPTIONS_WORK,
		.port = port,
		.file = "klipper.bin",
		.has_address = true,
		.address = SCENE_FLASH,
		.certain = certain,
		.image_fd = WORKER_IMAGE,
		.channel_fd = WORKER_CHANNEL,
		.record_fd = WORKER_RECORD,
	};

	return worker_run(&options);
}

static int memory_file(const void *bytes, size_t size, int flags)
{
	int fd = memfd_create("test", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	if (flags) {
		assert_int_equal(fcntl(fd, F_SETFL, flags), 0);
	}
	return fd;
}

static void work_start(
	struct work *work, struct bed *bed, const char *port, const struct firmware *image)
{
	int file = memory_file(image->bytes, image->size, 0), pair[2];

	work->record = memory_file("Format=1\n", 9, O_APPEND);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	work->pid = fork();
	assert_true(work->pid >= 0);
	if (work->pid == 0) {
		int high[] = {fcntl(file, F_DUPFD, 20), fcntl(pair[1], F_DUPFD, 20),
			fcntl(work->record, F_DUPFD, 20)};

		for (int i = 0; i < 3; i++) {
			dup2(high[i], WORKER_IMAGE + i);
		}
		closefrom(WORKER_RECORD + 1);
		bed_enter(bed);
		execl("/proc/self/exe", "test-worker", "worker", port, NULL);
		_exit(127);
	}
	close(pair[1]);
	close(file);
	work->channel = pair[0];
}

/* The next message of that kind; the test ends where another outcome comes first. */
static struct message work_hear(struct work *work, enum message_kind kind)
{
	struct pollfd fd = {.fd = work->channel, .events = POLLIN};
	struct message message = {.kind = _MESSAGE_KIND_INVALID};
	char text[MESSAGE_MAX];

	while (message.kind != kind) {
		ssize_t n;

		assert_int_equal(poll(&fd, 1, (int)bed_patience()), 1);
		n = recv(work->channel, text, sizeof(text), 0);
		if (n <= 0) {
			fail_msg("the worker ended without a %s", message_kind_to_string(kind));
		}
		assert_int_equal(message_read(&message, text, (size_t)n), 0);
		if (message.kind == MESSAGE_OUTCOME && kind != MESSAGE_OUTCOME) {
			fail_msg("%s %s: %s", message.end, message.reason, message.text);
		}
	}
	return message;
}

static void work_answer(struct work *work, enum message_kind kind)
{
	const struct message message = {.kind = kind};
	char text[MESSAGE_MAX];
	int n = message_write(&message, text, sizeof(text));

	assert_true(n > 0);
	assert_int_equal(send(work->channel, text, (size_t)n, MSG_NOSIGNAL), n);
}

/* The worker has ended, and well; its record. */
static struct record work_end(struct work *work)
{
	struct record record;
	char text[RECORD_MAX];
	ssize_t n;
	int status;

	assert_int_equal(waitpid(work->pid, &status, 0), work->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	n = pread(work->record, text, sizeof(text), 0);
	assert_true(n > 0);
	assert_int_equal(record_read(&record, text, (size_t)n), 0);
	if (work->channel >= 0) {
		close(work->channel);
	}
	close(work->record);
	return record;
}

static void test_board_is_flashed(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1.2", NULL);
	struct message plan, outcome;
	struct record record;
	struct work work;

	work_start(&work, bed, "1-1.2", &image);
	assert_string_equal(work_hear(&work, MESSAGE_IMAGE).certainty, "certain");
	plan = work_hear(&work, MESSAGE_PLAN);
	assert_int_equal(plan.sectors, 8);
	assert_int_equal(plan.sectors_erase, 3);
	assert_true(plan.cold_start);
	scene_untouched(bed, port);
	work_answer(&work, MESSAGE_GO);
	outcome = work_hear(&work, MESSAGE_OUTCOME);
	assert_string_equal(outcome.reason, "");
	assert_string_equal(outcome.end, "completed");
	assert_string_equal(outcome.flash, "written");
	assert_string_equal(outcome.checked_by, "read-back");
	assert_true(outcome.left);
	record = work_end(&work);
	assert_true(record.erasing && record.written && record.verified && record.left);
	assert_string_equal(record.end, "completed");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
	assert_int_equal(bed_counts(bed, port).violations, 0);
	scene_wait_presence(bed, port, BOARD_RUNTIME);
}

static void test_stop_touches_nothing(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct work work;

	work_start(&work, bed, "1-1", &image);
	work_hear(&work, MESSAGE_PLAN);
	work_answer(&work, MESSAGE_STOP);
	assert_string_equal(work_hear(&work, MESSAGE_OUTCOME).end, "cancelled");
	assert_false(work_end(&work).erasing);
	scene_untouched(bed, port);
	assert_int_equal(host_presence(bed->host, port), BOARD_DFU);
}

/* Nobody listens any more after GO: the flash is finished, and the record tells of it. */
static void test_daemon_gone_after_go(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct record record;
	struct work work;

	work_start(&work, bed, "1-1", &image);
	work_hear(&work, MESSAGE_PLAN);
	work_answer(&work, MESSAGE_GO);
	scene_wait_blocks(bed, port, 2);
	close(work.channel);
	work.channel = -EBADF;
	record = work_end(&work);
	assert_string_equal(record.end, "completed");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

/* Nobody answers the plan: nothing is erased. */
static void test_daemon_gone_before_go(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct work work;

	work_start(&work, bed, "1-1", &image);
	work_hear(&work, MESSAGE_PLAN);
	close(work.channel);
	work.channel = -EBADF;
	assert_false(work_end(&work).erasing);
	scene_untouched(bed, port);
}

static void test_unplugged_in_mid_write(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct message outcome;
	struct work work;

	work_start(&work, bed, "1-1", &image);
	work_hear(&work, MESSAGE_PLAN);
	work_answer(&work, MESSAGE_GO);
	scene_wait_blocks(bed, port, 3);
	host_unplug(bed->host, port);
	outcome = work_hear(&work, MESSAGE_OUTCOME);
	assert_string_equal(outcome.end, "interrupted");
	assert_string_equal(outcome.flash, "partly");
	assert_string_equal(outcome.reason, "vanished");
	assert_true(work_end(&work).erasing);
}

/* Neither a stop nor a watchdog of the unit ends a worker. */
static void test_signals_do_not_end_it(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGABRT};
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct work work;

	work_start(&work, bed, "1-1", &image);
	work_hear(&work, MESSAGE_PLAN);
	work_answer(&work, MESSAGE_GO);
	scene_wait_blocks(bed, port, 2);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		assert_int_equal(kill(work.pid, signals[i]), 0);
	}
	assert_string_equal(work_hear(&work, MESSAGE_OUTCOME).end, "completed");
	assert_string_equal(work_end(&work).end, "completed");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_board_is_flashed),
		SCENE(test_stop_touches_nothing),
		SCENE(test_daemon_gone_after_go),
		SCENE(test_daemon_gone_before_go),
		SCENE(test_unplugged_in_mid_write),
		SCENE(test_signals_do_not_end_it),
	};

	if (argc == 3 && strcmp(argv[1], "worker") == 0) {
		return worker_main(argv[2], false);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
