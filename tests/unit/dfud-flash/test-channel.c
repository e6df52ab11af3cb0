/* SPDX-License-Identifier: MIT */
/* The worker's socket and its record, with a daemon that answers, stops listening or is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dfud-flash/channel.h"

struct bed {
	int daemon;
	struct channel channel;
};

static struct bed make_bed(void)
{
	struct bed bed;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	bed.daemon = pair[0];
	bed.channel = (struct channel){.socket = pair[1], .record = -EBADF};
	return bed;
}

static void bed_done(struct bed *bed)
{
	if (bed->daemon >= 0) {
		close(bed->daemon);
	}
	close(bed->channel.socket);
	if (bed->channel.record >= 0) {
		close(bed->channel.record);
	}
}

static void answer(const struct bed *bed, enum message_kind kind)
{
	const struct message message = {.kind = kind, .phase = "write", .mark = "left"};
	char text[MESSAGE_MAX];
	const int n = message_write(&message, text, sizeof(text));

	assert_true(n > 0);
	assert_int_equal(send(bed->daemon, text, (size_t)n, 0), n);
}

static void test_send(void **state)
{
	const struct message message = {.kind = MESSAGE_MARK, .mark = "erasing", .erase_ms = 7};
	struct bed bed = make_bed();
	struct message got;
	char text[MESSAGE_MAX];
	ssize_t n;

	channel_send(&bed.channel, &message);
	n = recv(bed.daemon, text, sizeof(text), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_int_equal(message_read(&got, text, (size_t)n), 0);
	assert_int_equal(got.kind, MESSAGE_MARK);
	assert_string_equal(got.mark, "erasing");
	assert_int_equal(got.erase_ms, 7);
	bed_done(&bed);
}

/* A daemon that died ends no flash: no signal, no error. */
static void test_send_to_nobody(void **state)
{
	const struct message message = {.kind = MESSAGE_MARK, .mark = "erasing"};
	struct bed bed = make_bed();

	close(bed.daemon);
	bed.daemon = -1;
	channel_send(&bed.channel, &message);
	channel_send(&bed.channel, &message);
	bed_done(&bed);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A daemon that hangs: progress is lost at once, and what matters more soon after. */
static void test_send_to_the_deaf(void **state)
{
	const struct message phase = {.kind = MESSAGE_PHASE, .phase = "write", .done = 1};
	const struct message mark = {.kind = MESSAGE_MARK, .mark = "erasing"};
	struct bed bed = make_bed();
	const double begun = seconds();

	(void)alarm(30);
	for (int i = 0; i < 10000; i++) {
		channel_send(&bed.channel, &phase);
	}
	assert_true(seconds() - begun < 2);
	channel_send(&bed.channel, &mark);
	(void)alarm(0);
	assert_true(seconds() - begun < 10);
	bed_done(&bed);
}

static void test_wait(void **state)
{
	static const struct {
		enum message_kind kind;
		bool go;
	} rows[] = {{MESSAGE_GO, true}, {MESSAGE_STOP, false}, {MESSAGE_MARK, false},
		{MESSAGE_PHASE, false}, {MESSAGE_IMAGE, false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bed bed = make_bed();

		answer(&bed, rows[i].kind);
		assert_int_equal(channel_wait(&bed.channel), rows[i].go);
		bed_done(&bed);
	}
}

static void test_wait_for_nonsense(void **state)
{
	static const char *const texts[] = {"go", "go\n", "Version=2\nMessage=go\n",
		"Version=1\nMessage=go", "Message=go\n", "Version=1\nMessage=GO\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct bed bed = make_bed();

		assert_true(send(bed.daemon, texts[i], strlen(texts[i]), 0) > 0);
		assert_false(channel_wait(&bed.channel));
		bed_done(&bed);
	}
}

/* Nobody is there to say GO: nothing is erased. */
static void test_wait_for_nobody(void **state)
{
	struct bed bed = make_bed();

	close(bed.daemon);
	bed.daemon = -1;
	assert_false(channel_wait(&bed.channel));
	bed_done(&bed);
}

static void test_record(void **state)
{
	struct bed bed = make_bed();
	char text[64] = "";

	assert_int_equal(channel_record(&bed.channel, "Erasing=yes\n"), 0); /* none is kept */
	bed.channel.record = memfd_create("record", MFD_CLOEXEC);
	assert_int_equal(write(bed.channel.record, "Format=1\n", 9), 9);
	assert_int_equal(fcntl(bed.channel.record, F_SETFL, O_APPEND), 0);
	assert_int_equal(lseek(bed.channel.record, 0, SEEK_SET), 0);
	assert_int_equal(channel_record(&bed.channel, "Erasing=yes\n"), 0);
	assert_int_equal(channel_record(&bed.channel, "Written=yes\n"), 0);
	assert_true(pread(bed.channel.record, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "Format=1\nErasing=yes\nWritten=yes\n");
	bed_done(&bed);
}

static void test_record_fails(void **state)
{
	struct bed bed = make_bed();

	bed.channel.record = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(bed.channel.record >= 0);
	assert_int_equal(channel_record(&bed.channel, "Erasing=yes\n"), -ENOSPC);
	close(bed.channel.record);
	assert_int_equal(channel_record(&bed.channel, "Erasing=yes\n"), -EBADF);
	bed.channel.record = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(channel_record(&bed.channel, "Erasing=yes\n"), -EBADF);
	bed_done(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_send_to_nobody),
		cmocka_unit_test(test_send_to_the_deaf),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_wait_for_nonsense),
		cmocka_unit_test(test_wait_for_nobody),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_fails),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
