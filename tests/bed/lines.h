/* SPDX-License-Identifier: MIT */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/board.h"
#include "sysfs.h"
#include "wire.h"

/*
 * The workers' connections (wire.h): requests heard, carried out on the boards, answered when the
 * board would. A part of the host, under its lock; nothing here blocks.
 */

#define HOST_MAX_PORTS 32
#define LINES_MAX      64

/* One port and its board. */
struct host_port {
	char name[32];
	struct board *board;
	struct sysfs_device shown;
	bool is_shown;
	uint32_t visits; /* board_presence() of what is shown */
	unsigned opens;
};

struct host_ports {
	struct host_port *items[HOST_MAX_PORTS];
	size_t n;
};

/* One open device of one worker. */
struct line {
	int fd;
	struct host_port *port; /* NULL: not opened yet */
	unsigned devnum;
	bool claimed;
	bool waits; /* an answer is under way */
	uint64_t due_us;
	struct wire_answer answer;
};

struct lines {
	int listener; /* -EBADF: none */
	struct line *items[LINES_MAX];
	size_t n;
	struct wire_request request;
};

/* Listens at path. */
int lines_init(struct lines *lines, const char *path);
void lines_done(struct lines *lines);

/* What to wait for, LINES_MAX + 1 at most. */
nfds_t lines_fds(const struct lines *lines, struct pollfd *ret);
/* Takes what came in; then sends what is due, and tells when the next answer is, or UINT64_MAX. */
void lines_hear(struct lines *lines, const struct host_ports *ports);
uint64_t lines_answer(struct lines *lines);
/* What is shown at the port is gone: its requests end in -ENODEV. */
void lines_break(struct lines *lines, const struct host_port *port);

/* CLOCK_MONOTONIC in microseconds: the boards' time. */
uint64_t lines_now(void);
