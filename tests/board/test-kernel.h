/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The kernel's part of USB/IP, for tests of board-usbip: runs the program, takes the sockets that
 * vhci_hcd would get, and speaks on them. What does not go as it must fails the test.
 */

struct kernel {
	const char *program;
	char folder[64], control[128], log[128], dump[128], flash[128];
	pid_t pid;
	int attach; /* where the program's sockets come from */
	int port;   /* the socket of the present attachment */
	uint32_t seqnum;
};

struct kernel_answer {
	uint32_t command, seqnum;
	int32_t status;
	uint32_t actual;
	uint8_t data[4096];
};

/* A folder for the program's files; 0 or -1, as cmocka's setup and teardown have it. */
int kernel_init(struct kernel *kernel, const char *program);
int kernel_done(struct kernel *kernel);

void kernel_spawn(struct kernel *kernel, const char *const *options);
int kernel_exit_status(struct kernel *kernel);
/* The next attachment; the one before is closed. */
void kernel_accept(struct kernel *kernel);

/* A word of a message's header. */
void kernel_put(uint8_t *header, size_t at, uint32_t value);
/* CMD_SUBMIT and CMD_UNLINK; the sequence number. setup may be NULL. */
uint32_t kernel_submit(struct kernel *kernel, uint32_t endpoint, bool in, const uint8_t *setup,
	const void *data, uint32_t length);
uint32_t kernel_submit_control(struct kernel *kernel, uint8_t type, uint8_t request, uint16_t value,
	const void *data, uint16_t length);
uint32_t kernel_unlink(struct kernel *kernel, uint32_t seqnum);
/* The next message; in: whether data goes with a RET_SUBMIT. */
struct kernel_answer kernel_receive(struct kernel *kernel, bool in);

/* A control transfer and its answer. */
struct kernel_answer kernel_control(struct kernel *kernel, uint8_t type, uint8_t request,
	uint16_t value, const void *data, uint16_t length);
/* The state that GETSTATUS tells. */
uint8_t kernel_get_status(struct kernel *kernel);

void kernel_expect_silence(struct kernel *kernel, int ms);
void kernel_expect_unplugged(struct kernel *kernel);

/* Until the program takes commands. */
void kernel_wait_for_control(const struct kernel *kernel);
int kernel_ask(struct kernel *kernel, const char *first, const char *second);
