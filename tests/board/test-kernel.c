/* SPDX-License-Identifier: MIT */

/* See test-kernel.h. Waits are for events, each with a limit of five seconds. */

#include "test-kernel.h"

#include <endian.h>
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

void kernel_spawn(struct kernel *kernel, const char *const *options)
{
	char fd[16];
	const char *argv[32] = {kernel->program, "--attach-fd", fd, "--port", "7", "--control",
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
		(void)execv(kernel->program, (char **)argv);
		_exit(127);
	}
	(void)close(pair[1]);
}

int kernel_exit_status(struct kernel *kernel)
{
	int status;

	assert_int_equal(waitpid(kernel->pid, &status, 0), kernel->pid);
	kernel->pid = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int kernel_init(struct kernel *kernel, const char *program)
{
	*kernel = (struct kernel){
		.program = program, .folder = "/tmp/test-usbip-XXXXXX", .attach = -1, .port = -1};
	if (!mkdtemp(kernel->folder)) {
		return -1;
	}
	(void)snprintf(kernel->control, sizeof(kernel->control), "%s/control", kernel->folder);
	(void)snprintf(kernel->log, sizeof(kernel->log), "%s/log", kernel->folder);
	(void)snprintf(kernel->dump, sizeof(kernel->dump), "%s/dump", kernel->folder);
	(void)snprintf(kernel->flash, sizeof(kernel->flash), "%s/flash", kernel->folder);
	return 0;
}

int kernel_done(struct kernel *kernel)
{
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

static void kernel_wait_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
}

/* The next attachment: "PORT FD DEVID SPEED" and the socket. */
void kernel_accept(struct kernel *kernel)
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

	kernel_wait_readable(kernel->attach);
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

void kernel_put(uint8_t *header, size_t at, uint32_t value)
{
	uint32_t word = htobe32(value);

	memcpy(header + at, &word, sizeof(word));
}

static uint32_t kernel_get(const uint8_t *header, size_t at)
{
	uint32_t word;

	memcpy(&word, header + at, sizeof(word));
	return be32toh(word);
}

/* CMD_SUBMIT; its sequence number. */
uint32_t kernel_submit(struct kernel *kernel, uint32_t endpoint, bool in,
	const uint8_t *setup_bytes, const void *data, uint32_t length)
{
	uint8_t message[48 + 4096] = {0};
	size_t size = 48 + (in ? 0 : length);

	kernel_put(message, 0, 1);
	kernel_put(message, 4, ++kernel->seqnum);
	kernel_put(message, 8, 0x10008);
	kernel_put(message, 12, in);
	kernel_put(message, 16, endpoint);
	kernel_put(message, 24, length);
	if (setup_bytes) {
		memcpy(message + 40, setup_bytes, 8);
	}
	if (!in && length > 0) {
		memcpy(message + 48, data, length);
	}
	assert_int_equal(send(kernel->port, message, size, MSG_NOSIGNAL), size);
	return kernel->seqnum;
}

uint32_t kernel_submit_control(struct kernel *kernel, uint8_t type, uint8_t request, uint16_t value,
	const void *data, uint16_t length)
{
	const uint8_t setup_bytes[8] = {type, request, (uint8_t)value, (uint8_t)(value >> 8), 0, 0,
		(uint8_t)length, (uint8_t)(length >> 8)};

	return kernel_submit(kernel, 0, type & 0x80, setup_bytes, data, length);
}

uint32_t kernel_unlink(struct kernel *kernel, uint32_t seqnum)
{
	uint8_t message[48] = {0};

	kernel_put(message, 0, 2);
	kernel_put(message, 4, ++kernel->seqnum);
	kernel_put(message, 20, seqnum);
	assert_int_equal(send(kernel->port, message, sizeof(message), MSG_NOSIGNAL), 48);
	return kernel->seqnum;
}

/* The next message; in: whether data goes with a RET_SUBMIT. */
struct kernel_answer kernel_receive(struct kernel *kernel, bool in)
{
	struct kernel_answer answer = {0};
	uint8_t header[48];

	kernel_wait_readable(kernel->port);
	assert_int_equal(recv(kernel->port, header, sizeof(header), MSG_WAITALL), 48);
	answer.command = kernel_get(header, 0);
	answer.seqnum = kernel_get(header, 4);
	answer.status = (int32_t)kernel_get(header, 20);
	answer.actual = kernel_get(header, 24);
	if (answer.command == 3 && in && answer.actual > 0) {
		assert_true(answer.actual <= sizeof(answer.data));
		assert_int_equal(
			recv(kernel->port, answer.data, answer.actual, MSG_WAITALL), answer.actual);
	}
	return answer;
}

struct kernel_answer kernel_control(struct kernel *kernel, uint8_t type, uint8_t request,
	uint16_t value, const void *data, uint16_t length)
{
	uint32_t seqnum = kernel_submit_control(kernel, type, request, value, data, length);
	struct kernel_answer answer = kernel_receive(kernel, type & 0x80);

	assert_int_equal(answer.command, 3);
	assert_int_equal(answer.seqnum, seqnum);
	return answer;
}

uint8_t kernel_get_status(struct kernel *kernel)
{
	struct kernel_answer answer =
		kernel_control(kernel, DFU_TYPE_IN, DFU_GETSTATUS, 0, NULL, 6);

	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.actual, 6);
	return answer.data[4];
}

void kernel_expect_silence(struct kernel *kernel, int ms)
{
	struct pollfd poll_fd = {.fd = kernel->port, .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, ms), 0);
}

void kernel_expect_unplugged(struct kernel *kernel)
{
	uint8_t byte;

	kernel_wait_readable(kernel->port);
	assert_int_equal(recv(kernel->port, &byte, 1, 0), 0);
}

/* A board that starts absent shows nothing but its socket. */
void kernel_wait_for_control(const struct kernel *kernel)
{
	for (int i = 0; i < PATIENCE_MS && access(kernel->control, F_OK) < 0; i++) {
		(void)usleep(1000);
	}
}

int kernel_ask(struct kernel *kernel, const char *first, const char *second)
{
	char *words[] = {(char *)first, (char *)second};

	return board_socket_ask(kernel->control, second ? 2 : 1, words);
}
