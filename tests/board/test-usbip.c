/* SPDX-License-Identifier: MIT */

/* board-usbip as a process, with this test in the kernel's place. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "dfu/dfu.h"
#include "test-kernel.h"

static const char *program;

static int setup(void **state)
{
	static struct kernel kernel;

	*state = &kernel;
	return kernel_init(&kernel, program);
}

static int teardown(void **state)
{
	return kernel_done(*state);
}

static void read_text(const char *path, char *ret, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(ret, 1, size - 1, file);
	ret[n] = '\0';
	(void)fclose(file);
}

static void test_descriptors_and_stall(void **state)
{
	struct kernel *kernel = *state;
	struct kernel_answer answer;

	kernel_spawn(kernel, (const char *const[]){NULL});
	kernel_accept(kernel);
	answer = kernel_control(kernel, 0x80, 6, 0x0100, NULL, 64);
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.actual, 18);
	assert_memory_equal(answer.data + 8, "\x83\x04\x11\xdf", 4);
	answer = kernel_control(kernel, 0x80, 6, 0x0200, NULL, 9);
	assert_int_equal(answer.actual, 9);
	answer = kernel_control(kernel, 0x00, 9, 1, NULL, 0);
	assert_int_equal(answer.status, 0);
	answer = kernel_control(kernel, 0x80, 6, 0x0600, NULL, 10);
	assert_int_equal(answer.status, -EPIPE);
	assert_int_equal(answer.actual, 0);
}

static void test_message_in_pieces(void **state)
{
	struct kernel *kernel = *state;
	uint8_t message[2 * 48] = {0};

	kernel_spawn(kernel, (const char *const[]){NULL});
	kernel_accept(kernel);
	for (size_t i = 0; i < 2; i++) {
		kernel_put(message + 48 * i, 0, 1);
		kernel_put(message + 48 * i, 4, 100 + (uint32_t)i);
		kernel_put(message + 48 * i, 12, 1);
		kernel_put(message + 48 * i, 24, 6);
		memcpy(message + 48 * i + 40, "\xa1\x03\0\0\0\0\x06\0", 8);
	}
	assert_int_equal(send(kernel->port, message, 5, 0), 5);
	kernel_expect_silence(kernel, 20);
	assert_int_equal(send(kernel->port, message + 5, sizeof(message) - 5, 0), 91);
	assert_int_equal(kernel_receive(kernel, true).seqnum, 100);
	assert_int_equal(kernel_receive(kernel, true).seqnum, 101);
}

static void test_flash_in_real_time(void **state)
{
	static const uint8_t erase[5] = {DFUSE_ERASE, 0, 0, 0, 8};
	struct kernel *kernel = *state;
	char text[8192];
	uint32_t seqnum;

	kernel_spawn(kernel, (const char *const[]){"--speedup", "4", NULL});
	kernel_accept(kernel);
	assert_int_equal(kernel_control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 0, erase, 5).status, 0);
	assert_int_equal(kernel_get_status(kernel), DFU_DNBUSY);
	seqnum = kernel_submit_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);
	kernel_expect_silence(kernel, 60);
	assert_int_equal(kernel_receive(kernel, true).seqnum, seqnum);
	assert_int_equal(kernel_control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 2, "Hello", 5).actual, 5);
	assert_int_equal(kernel_get_status(kernel), DFU_DNBUSY);
	assert_int_equal(kernel_get_status(kernel), DFU_DNLOAD_IDLE);
	assert_int_equal(kernel_control(kernel, DFU_TYPE_OUT, DFU_ABORT, 0, NULL, 0).status, 0);
	assert_memory_equal(
		kernel_control(kernel, DFU_TYPE_IN, DFU_UPLOAD, 2, NULL, 64).data, "Hello\xff", 6);
	assert_int_equal(kernel_ask(kernel, "quit", NULL), 0);
	assert_int_equal(kernel_exit_status(kernel), 0);
	read_text(kernel->dump, text, sizeof(text));
	assert_memory_equal(text, "Hello\xff", 6);
	read_text(kernel->log, text, sizeof(text));
	assert_non_null(strstr(text, " attached dfu visit=1\n"));
	assert_non_null(strstr(text, " bytes_written=5 bytes_read=64 bytes_erased=16384 "));
}

static void test_unlink(void **state)
{
	static const uint8_t erase[5] = {DFUSE_ERASE, 0, 0, 0, 8};
	struct kernel *kernel = *state;
	struct kernel_answer answer;
	uint32_t held, unlink_seqnum;

	kernel_spawn(kernel, (const char *const[]){NULL});
	kernel_accept(kernel);
	assert_int_equal(kernel_control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 0, erase, 5).status, 0);
	assert_int_equal(kernel_get_status(kernel), DFU_DNBUSY);
	held = kernel_submit_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);
	unlink_seqnum = kernel_unlink(kernel, held);
	answer = kernel_receive(kernel, false);
	assert_int_equal(answer.command, 4);
	assert_int_equal(answer.seqnum, unlink_seqnum);
	assert_int_equal(answer.status, -ECONNRESET);
	kernel_expect_silence(kernel, 500);
	(void)kernel_unlink(kernel, held);
	answer = kernel_receive(kernel, false);
	assert_int_equal(answer.command, 4);
	assert_int_equal(answer.status, 0);
	assert_int_equal(kernel_get_status(kernel), DFU_DNLOAD_IDLE);
}

/* The board starts the program that --flash gave it. */
static void test_leave_to_run_time(void **state)
{
	static const uint8_t program_start[] = {0x00, 0x00, 0x02, 0x20, 0x01, 0x02, 0x00, 0x08};
	struct kernel *kernel = *state;
	FILE *file = fopen(kernel->flash, "w");
	uint32_t interrupt, bulk_out;
	char text[1024];

	assert_non_null(file);
	(void)fwrite(program_start, 1, sizeof(program_start), file);
	(void)fclose(file);
	kernel_spawn(kernel, (const char *const[]){"--flash", kernel->flash, "--boot-ms", "20",
				     "--cold-error", NULL});
	kernel_accept(kernel);
	assert_int_equal(kernel_get_status(kernel), DFU_ERROR);
	assert_int_equal(kernel_control(kernel, DFU_TYPE_OUT, DFU_CLRSTATUS, 0, NULL, 0).status, 0);
	assert_int_equal(kernel_control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 2, NULL, 0).status, 0);
	(void)kernel_submit_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);
	kernel_expect_unplugged(kernel);
	kernel_accept(kernel);
	assert_memory_equal(
		kernel_control(kernel, 0x80, 6, 0x0100, NULL, 18).data + 8, "\x50\x1d\x4e\x61", 4);
	interrupt = kernel_submit(kernel, 3, true, NULL, NULL, 8);
	bulk_out = kernel_submit(kernel, 2, false, NULL, "identify", 8);
	assert_int_equal(kernel_receive(kernel, false).seqnum, bulk_out);
	assert_int_equal(kernel_control(kernel, 0x80, 8, 0, NULL, 1).status, 0);
	kernel_expect_silence(kernel, 50);
	(void)kernel_unlink(kernel, interrupt);
	assert_int_equal(kernel_receive(kernel, false).status, -ECONNRESET);
	read_text(kernel->log, text, sizeof(text));
	assert_non_null(strstr(text, " leave\n"));
	assert_non_null(strstr(text, " detached\n"));
	assert_non_null(strstr(text, " attached run-time visit=2\n"));
}

static void test_answered_leave_arrives(void **state)
{
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){"--answers-leave", "--boot-ms", "1", NULL});
	kernel_accept(kernel);
	assert_int_equal(kernel_control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 2, NULL, 0).status, 0);
	assert_int_equal(kernel_get_status(kernel), DFU_MANIFEST);
	kernel_expect_unplugged(kernel);
	kernel_accept(kernel);
	assert_int_equal(kernel_get_status(kernel), DFU_IDLE);
}

static void test_hands_over_the_socket(void **state)
{
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){"--start", "absent", NULL});
	kernel_wait_for_control(kernel);
	assert_int_equal(kernel_ask(kernel, "presence", NULL), 0);
	assert_int_equal(kernel_ask(kernel, "plug", "dfu"), 0);
	kernel_accept(kernel);
	assert_int_equal(kernel_get_status(kernel), DFU_IDLE);
	assert_int_equal(kernel_ask(kernel, "unplug", NULL), 0);
	kernel_expect_unplugged(kernel);
	assert_int_equal(kernel_ask(kernel, "plug", "sideways"), 1);
	assert_int_equal(kernel_ask(kernel, "plug", "dfu"), 0);
	kernel_accept(kernel);
}

static void test_deaf_never_answers(void **state)
{
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){"--boot", "deaf", "--boot-ms", "1", NULL});
	kernel_accept(kernel);
	assert_int_equal(kernel_control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 2, NULL, 0).status, 0);
	(void)kernel_submit_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);
	kernel_expect_unplugged(kernel);
	kernel_accept(kernel);
	(void)kernel_submit_control(kernel, 0x80, 6, 0x0100, NULL, 64);
	kernel_expect_silence(kernel, 300);
	assert_int_equal(kernel_ask(kernel, "unplug", NULL), 0);
	kernel_expect_unplugged(kernel);
}

static void test_host_that_hangs_up(void **state)
{
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){NULL});
	kernel_accept(kernel);
	(void)shutdown(kernel->port, SHUT_RDWR);
	assert_int_equal(kernel_ask(kernel, "presence", NULL), 0);
	assert_int_equal(kernel_ask(kernel, "plug", "dfu"), 0);
	kernel_accept(kernel);
	assert_int_equal(kernel_get_status(kernel), DFU_IDLE);
}

static void test_nonsense_ends_it(void **state)
{
	static const uint8_t nonsense[48] = {9};
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){NULL});
	kernel_accept(kernel);
	assert_int_equal(send(kernel->port, nonsense, sizeof(nonsense), 0), 48);
	assert_int_equal(kernel_exit_status(kernel), 1);
}

static void test_bad_arguments(void **state)
{
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){"--boot", "moon", NULL});
	assert_int_equal(kernel_exit_status(kernel), 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_descriptors_and_stall),
		TEST(test_message_in_pieces),
		TEST(test_flash_in_real_time),
		TEST(test_unlink),
		TEST(test_leave_to_run_time),
		TEST(test_answered_leave_arrives),
		TEST(test_hands_over_the_socket),
		TEST(test_deaf_never_answers),
		TEST(test_host_that_hangs_up),
		TEST(test_nonsense_ends_it),
		TEST(test_bad_arguments),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test-usbip PROGRAM\n");
		return 64;
	}
	program = argv[1];
	return cmocka_run_group_tests_name("usbip", tests, NULL, NULL);
}
