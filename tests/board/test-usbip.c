/* SPDX-License-Identifier: MIT */

/*
 * board-usbip as a process, with this test in the kernel's place: it takes the sockets that
 * vhci_hcd would get, and speaks USB/IP on them. Waits are for events, each with a limit of five
 * seconds.
 */

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "board-socket.h"
#include "dfu/dfu.h"

#define PATIENCE_MS 5000

static const char *program;

struct kernel {
	char folder[64], control[128], log[128], dump[128], flash[128];
	pid_t pid;
	int attach; /* where the program's sockets come from */
	int port;   /* the socket of the present attachment */
	uint32_t seqnum;
};

struct answer {
	uint32_t command, seqnum;
	int32_t status;
	uint32_t actual;
	uint8_t data[4096];
};

static void kernel_spawn(struct kernel *kernel, const char *const *options)
{
	char fd[16];
	const char *argv[32] = {program, "--attach-fd", fd, "--port", "7", "--control",
		kernel->control, "--log", kernel->log, "--dump", kernel->dump};
	size_t n = 11;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (; *options; options++) {
		argv[n++] = *options;
	}
	kernel->attach = pair[0];
	kernel->pid = fork();
	assert_true(kernel->pid >= 0);
	if (kernel->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(pair[0]);
		(void)snprintf(fd, sizeof(fd), "%d", pair[1]);
		(void)execv(program, (char **)argv);
		_exit(127);
	}
	(void)close(pair[1]);
}

static int kernel_exit_status(struct kernel *kernel)
{
	int status;

	assert_int_equal(waitpid(kernel->pid, &status, 0), kernel->pid);
	kernel->pid = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int setup(void **state)
{
	static struct kernel kernel;

	kernel = (struct kernel){.folder = "/tmp/test-usbip-XXXXXX", .attach = -1, .port = -1};
	if (!mkdtemp(kernel.folder)) {
		return -1;
	}
	(void)snprintf(kernel.control, sizeof(kernel.control), "%s/control", kernel.folder);
	(void)snprintf(kernel.log, sizeof(kernel.log), "%s/log", kernel.folder);
	(void)snprintf(kernel.dump, sizeof(kernel.dump), "%s/dump", kernel.folder);
	(void)snprintf(kernel.flash, sizeof(kernel.flash), "%s/flash", kernel.folder);
	*state = &kernel;
	return 0;
}

static int teardown(void **state)
{
	struct kernel *kernel = *state;

	if (kernel->pid > 0) {
		(void)kill(kernel->pid, SIGKILL);
		(void)waitpid(kernel->pid, NULL, 0);
	}
	if (kernel->attach >= 0) {
		(void)close(kernel->attach);
	}
	if (kernel->port >= 0) {
		(void)close(kernel->port);
	}
	(void)unlink(kernel->control);
	(void)unlink(kernel->log);
	(void)unlink(kernel->dump);
	(void)unlink(kernel->flash);
	return rmdir(kernel->folder);
}

static void wait_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
}

/* The next attachment: "PORT FD DEVID SPEED" and the socket. */
static void kernel_accept(struct kernel *kernel)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char text[64] = "";
	struct iovec data = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	unsigned int port, fd, devid, speed;

	wait_readable(kernel->attach);
	assert_true(recvmsg(kernel->attach, &message, 0) > 0);
	assert_int_equal(sscanf(text, "%u %u %u %u", &port, &fd, &devid, &speed), 4);
	assert_int_equal(port, 7);
	assert_int_equal(speed, 2);
	assert_non_null(CMSG_FIRSTHDR(&message));
	if (kernel->port >= 0) {
		(void)close(kernel->port);
	}
	memcpy(&kernel->port, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
}

static void put(uint8_t *header, size_t at, uint32_t value)
{
	uint32_t word = htobe32(value);

	memcpy(header + at, &word, sizeof(word));
}

static uint32_t get(const uint8_t *header, size_t at)
{
	uint32_t word;

	memcpy(&word, header + at, sizeof(word));
	return be32toh(word);
}

/* CMD_SUBMIT; its sequence number. */
static uint32_t submit(struct kernel *kernel, uint32_t endpoint, bool in,
	const uint8_t *setup_bytes, const void *data, uint32_t length)
{
	uint8_t message[48 + 4096] = {0};
	size_t size = 48 + (in ? 0 : length);

	put(message, 0, 1);
	put(message, 4, ++kernel->seqnum);
	put(message, 8, 0x10008);
	put(message, 12, in);
	put(message, 16, endpoint);
	put(message, 24, length);
	if (setup_bytes) {
		memcpy(message + 40, setup_bytes, 8);
	}
	if (!in && length > 0) {
		memcpy(message + 48, data, length);
	}
	assert_int_equal(send(kernel->port, message, size, MSG_NOSIGNAL), size);
	return kernel->seqnum;
}

static uint32_t submit_control(struct kernel *kernel, uint8_t type, uint8_t request, uint16_t value,
	const void *data, uint16_t length)
{
	const uint8_t setup_bytes[8] = {type, request, (uint8_t)value, (uint8_t)(value >> 8), 0, 0,
		(uint8_t)length, (uint8_t)(length >> 8)};

	return submit(kernel, 0, type & 0x80, setup_bytes, data, length);
}

static uint32_t unlink_transfer(struct kernel *kernel, uint32_t seqnum)
{
	uint8_t message[48] = {0};

	put(message, 0, 2);
	put(message, 4, ++kernel->seqnum);
	put(message, 20, seqnum);
	assert_int_equal(send(kernel->port, message, sizeof(message), MSG_NOSIGNAL), 48);
	return kernel->seqnum;
}

/* The next message; in: whether data goes with a RET_SUBMIT. */
static struct answer receive(struct kernel *kernel, bool in)
{
	struct answer answer = {0};
	uint8_t header[48];

	wait_readable(kernel->port);
	assert_int_equal(recv(kernel->port, header, sizeof(header), MSG_WAITALL), 48);
	answer.command = get(header, 0);
	answer.seqnum = get(header, 4);
	answer.status = (int32_t)get(header, 20);
	answer.actual = get(header, 24);
	if (answer.command == 3 && in && answer.actual > 0) {
		assert_true(answer.actual <= sizeof(answer.data));
		assert_int_equal(
			recv(kernel->port, answer.data, answer.actual, MSG_WAITALL), answer.actual);
	}
	return answer;
}

static struct answer control(struct kernel *kernel, uint8_t type, uint8_t request, uint16_t value,
	const void *data, uint16_t length)
{
	uint32_t seqnum = submit_control(kernel, type, request, value, data, length);
	struct answer answer = receive(kernel, type & 0x80);

	assert_int_equal(answer.command, 3);
	assert_int_equal(answer.seqnum, seqnum);
	return answer;
}

static uint8_t get_status(struct kernel *kernel)
{
	struct answer answer = control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);

	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.actual, 6);
	return answer.data[4];
}

static void expect_silence(struct kernel *kernel, int ms)
{
	struct pollfd poll_fd = {.fd = kernel->port, .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, ms), 0);
}

static void expect_unplugged(struct kernel *kernel)
{
	uint8_t byte;

	wait_readable(kernel->port);
	assert_int_equal(recv(kernel->port, &byte, 1, 0), 0);
}

/* A board that starts absent shows nothing but its socket. */
static void wait_for_control(const struct kernel *kernel)
{
	for (int i = 0; i < PATIENCE_MS && access(kernel->control, F_OK) < 0; i++) {
		(void)usleep(1000);
	}
}

static int ask(struct kernel *kernel, const char *first, const char *second)
{
	char *words[] = {(char *)first, (char *)second};

	return board_socket_ask(kernel->control, second ? 2 : 1, words);
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

/* --- tests --- */

static void test_descriptors_and_stall(void **state)
{
	struct kernel *kernel = *state;
	struct answer answer;

	kernel_spawn(kernel, (const char *const[]){NULL});
	kernel_accept(kernel);
	answer = control(kernel, 0x80, 6, 0x0100, NULL, 64);
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.actual, 18);
	assert_memory_equal(answer.data + 8, "\x83\x04\x11\xdf", 4);
	answer = control(kernel, 0x80, 6, 0x0200, NULL, 9);
	assert_int_equal(answer.actual, 9);
	answer = control(kernel, 0x00, 9, 1, NULL, 0);
	assert_int_equal(answer.status, 0);
	answer = control(kernel, 0x80, 6, 0x0600, NULL, 10);
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
		put(message + 48 * i, 0, 1);
		put(message + 48 * i, 4, 100 + (uint32_t)i);
		put(message + 48 * i, 12, 1);
		put(message + 48 * i, 24, 6);
		memcpy(message + 48 * i + 40, "\xa1\x03\0\0\0\0\x06\0", 8);
	}
	assert_int_equal(send(kernel->port, message, 5, 0), 5);
	expect_silence(kernel, 20);
	assert_int_equal(send(kernel->port, message + 5, sizeof(message) - 5, 0), 91);
	assert_int_equal(receive(kernel, true).seqnum, 100);
	assert_int_equal(receive(kernel, true).seqnum, 101);
}

static void test_flash_in_real_time(void **state)
{
	static const uint8_t erase[5] = {DFUSE_ERASE, 0, 0, 0, 8};
	struct kernel *kernel = *state;
	char text[8192];
	uint32_t seqnum;

	kernel_spawn(kernel, (const char *const[]){"--speedup", "4", NULL});
	kernel_accept(kernel);
	assert_int_equal(control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 0, erase, 5).status, 0);
	assert_int_equal(get_status(kernel), DFU_DNBUSY);
	seqnum = submit_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);
	expect_silence(kernel, 60);
	assert_int_equal(receive(kernel, true).seqnum, seqnum);
	assert_int_equal(control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 2, "Hello", 5).actual, 5);
	assert_int_equal(get_status(kernel), DFU_DNBUSY);
	assert_int_equal(get_status(kernel), DFU_DNLOAD_IDLE);
	assert_int_equal(control(kernel, DFU_TYPE_OUT, DFU_ABORT, 0, NULL, 0).status, 0);
	assert_memory_equal(
		control(kernel, DFU_TYPE_IN, DFU_UPLOAD, 2, NULL, 64).data, "Hello\xff", 6);
	assert_int_equal(ask(kernel, "quit", NULL), 0);
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
	struct answer answer;
	uint32_t held, unlink_seqnum;

	kernel_spawn(kernel, (const char *const[]){NULL});
	kernel_accept(kernel);
	assert_int_equal(control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 0, erase, 5).status, 0);
	assert_int_equal(get_status(kernel), DFU_DNBUSY);
	held = submit_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);
	unlink_seqnum = unlink_transfer(kernel, held);
	answer = receive(kernel, false);
	assert_int_equal(answer.command, 4);
	assert_int_equal(answer.seqnum, unlink_seqnum);
	assert_int_equal(answer.status, -ECONNRESET);
	expect_silence(kernel, 500);
	(void)unlink_transfer(kernel, held);
	answer = receive(kernel, false);
	assert_int_equal(answer.command, 4);
	assert_int_equal(answer.status, 0);
	assert_int_equal(get_status(kernel), DFU_DNLOAD_IDLE);
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
	assert_int_equal(get_status(kernel), DFU_ERROR);
	assert_int_equal(control(kernel, DFU_TYPE_OUT, DFU_CLRSTATUS, 0, NULL, 0).status, 0);
	assert_int_equal(control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 2, NULL, 0).status, 0);
	(void)submit_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);
	expect_unplugged(kernel);
	kernel_accept(kernel);
	assert_memory_equal(
		control(kernel, 0x80, 6, 0x0100, NULL, 18).data + 8, "\x50\x1d\x4e\x61", 4);
	interrupt = submit(kernel, 3, true, NULL, NULL, 8);
	bulk_out = submit(kernel, 2, false, NULL, "identify", 8);
	assert_int_equal(receive(kernel, false).seqnum, bulk_out);
	assert_int_equal(control(kernel, 0x80, 8, 0, NULL, 1).status, 0);
	expect_silence(kernel, 50);
	(void)unlink_transfer(kernel, interrupt);
	assert_int_equal(receive(kernel, false).status, -ECONNRESET);
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
	assert_int_equal(control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 2, NULL, 0).status, 0);
	assert_int_equal(get_status(kernel), DFU_MANIFEST);
	expect_unplugged(kernel);
	kernel_accept(kernel);
	assert_int_equal(get_status(kernel), DFU_IDLE);
}

static void test_hands_over_the_socket(void **state)
{
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){"--start", "absent", NULL});
	wait_for_control(kernel);
	assert_int_equal(ask(kernel, "presence", NULL), 0);
	assert_int_equal(ask(kernel, "plug", "dfu"), 0);
	kernel_accept(kernel);
	assert_int_equal(get_status(kernel), DFU_IDLE);
	assert_int_equal(ask(kernel, "unplug", NULL), 0);
	expect_unplugged(kernel);
	assert_int_equal(ask(kernel, "plug", "sideways"), 1);
	assert_int_equal(ask(kernel, "plug", "dfu"), 0);
	kernel_accept(kernel);
}

static void test_deaf_never_answers(void **state)
{
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){"--boot", "deaf", "--boot-ms", "1", NULL});
	kernel_accept(kernel);
	assert_int_equal(control(kernel, DFU_TYPE_OUT, DFU_DNLOAD, 2, NULL, 0).status, 0);
	(void)submit_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);
	expect_unplugged(kernel);
	kernel_accept(kernel);
	(void)submit_control(kernel, 0x80, 6, 0x0100, NULL, 64);
	expect_silence(kernel, 300);
	assert_int_equal(ask(kernel, "unplug", NULL), 0);
	expect_unplugged(kernel);
}

static void test_host_that_hangs_up(void **state)
{
	struct kernel *kernel = *state;

	kernel_spawn(kernel, (const char *const[]){NULL});
	kernel_accept(kernel);
	(void)shutdown(kernel->port, SHUT_RDWR);
	assert_int_equal(ask(kernel, "presence", NULL), 0);
	assert_int_equal(ask(kernel, "plug", "dfu"), 0);
	kernel_accept(kernel);
	assert_int_equal(get_status(kernel), DFU_IDLE);
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
