/* SPDX-License-Identifier: MIT */
/*
 * A connection belongs to one appearance of a device (its devnum): once that is gone, every request
 * on it and the one in flight end in -ENODEV, as with usbfs, whatever is on the port by then.
 * Time-outs are kept here, not by the asker, so that a late answer cannot be taken for the next
 * one. A request on a connection that still waits for an answer is no use of usb.h: it is hung up.
 */

#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NODE "/dev/bus/usb/001/%03u"

uint64_t lines_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void line_answer(struct line *line, int32_t result, uint64_t due_us)
{
	line->answer.result = result;
	line->due_us = due_us;
	line->waits = true;
}

/* The appearance that the connection belongs to is still there. */
static bool line_is_alive(const struct line *line)
{
	return line->port && line->port->is_shown && line->port->shown.devnum == line->devnum;
}

static void line_send(struct line *line)
{
	size_t n = line->answer.result > 0 ? (size_t)line->answer.result : 0;

	line->waits = false;
	send(line->fd, &line->answer, sizeof(line->answer.result) + n, MSG_NOSIGNAL);
}

static struct host_port *ports_find(const struct host_ports *ports, unsigned devnum)
{
	for (size_t i = 0; i < ports->n; i++) {
		if (ports->items[i]->is_shown && ports->items[i]->shown.devnum == devnum) {
			return ports->items[i];
		}
	}
	return NULL;
}

static int line_open(struct line *line, const struct host_ports *ports, const char *node)
{
	unsigned devnum;

	if (sscanf(node, NODE, &devnum) != 1) {
		return -ENOENT;
	}
	line->port = ports_find(ports, devnum);
	if (!line->port) {
		return -ENODEV;
	}
	line->devnum = devnum;
	line->port->opens++;
	return 0;
}

static int lines_claim(struct lines *lines, struct line *line)
{
	for (size_t i = 0; i < lines->n; i++) {
		if (lines->items[i] != line && lines->items[i]->claimed &&
			lines->items[i]->port == line->port && line_is_alive(lines->items[i])) {
			return -EBUSY;
		}
	}
	line->claimed = true;
	return 0;
}

static int line_descriptors(struct line *line, uint16_t room)
{
	const struct sysfs_device *device = &line->port->shown;
	size_t n = device->n_descriptors < room ? device->n_descriptors : room;

	memcpy(line->answer.data, device->descriptors, n);
	return (int)n;
}

static void line_control(struct line *line, const struct wire_request *request)
{
	const struct board_setup setup = {
		request->type, request->request, request->value, request->index, request->length};
	uint64_t now = lines_now(), until = UINT64_MAX, at = now;
	uint16_t length = 0;

	if (request->timeout_ms > 0) {
		until = now + UINT64_C(1000) * request->timeout_ms;
	}
	memcpy(line->answer.data, request->data, sizeof(request->data));
	switch (board_control(line->port->board, now, &setup, line->answer.data, &length, &at)) {
	case BOARD_ACK:
		line_answer(line, at > until ? -ETIMEDOUT : length, at > until ? until : at);
		break;
	case BOARD_STALL:
		line_answer(line, at > until ? -ETIMEDOUT : -EPIPE, at > until ? until : at);
		break;
	case BOARD_SILENT:
		line_answer(line, -ETIMEDOUT, until);
		break;
	case BOARD_GONE:
		line_answer(line, -ENODEV, now);
		break;
	}
}

/* What board.h gives room for must fit into what the wire carries. */
static bool request_is_sound(const struct wire_request *request, size_t size)
{
	size_t header = offsetof(struct wire_request, data);

	return size >= header && request->length <= WIRE_MAX_DATA &&
	       (request->ask != WIRE_OPEN || memchr(request->data, 0, size - header));
}

static void lines_serve(struct lines *lines, struct line *line, const struct host_ports *ports)
{
	const struct wire_request *request = &lines->request;
	uint64_t now = lines_now();

	if (request->ask != WIRE_OPEN && !line_is_alive(line)) {
		line_answer(line, -ENODEV, now);
		return;
	}
	switch ((enum wire_ask)request->ask) {
	case WIRE_OPEN:
		line_answer(line, line_open(line, ports, (const char *)request->data), now);
		break;
	case WIRE_DESCRIPTORS:
		line_answer(line, line_descriptors(line, request->length), now);
		break;
	case WIRE_CLAIM:
		line_answer(line, lines_claim(lines, line), now);
		break;
	case WIRE_CONTROL:
		line_control(line, request);
		break;
	case WIRE_RESET:
		board_reset(line->port->board, now);
		line_answer(line, 0, now);
		break;
	}
}

static void lines_accept(struct lines *lines)
{
	int fd = accept4(lines->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct line *line;

	if (fd < 0) {
		return;
	}
	line = lines->n < LINES_MAX ? calloc(1, sizeof(*line)) : NULL;
	if (!line) {
		close(fd);
		return;
	}
	line->fd = fd;
	lines->items[lines->n++] = line;
}

static void lines_hang_up(struct lines *lines, size_t i)
{
	close(lines->items[i]->fd);
	free(lines->items[i]);
	lines->items[i] = lines->items[--lines->n];
}

/* One request; false: the worker has closed the device. */
static bool lines_hear_one(struct lines *lines, struct line *line, const struct host_ports *ports)
{
	ssize_t n = recv(line->fd, &lines->request, sizeof(lines->request), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN) {
		return true;
	}
	if (n <= 0 || line->waits || !request_is_sound(&lines->request, (size_t)n)) {
		return false;
	}
	lines_serve(lines, line, ports);
	return true;
}

static int lines_listen(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
		(int)sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int lines_init(struct lines *lines, const char *path)
{
	lines->listener = lines_listen(path);
	return lines->listener < 0 ? lines->listener : 0;
}

void lines_done(struct lines *lines)
{
	while (lines->n > 0) {
		lines_hang_up(lines, 0);
	}
	if (lines->listener >= 0) {
		close(lines->listener);
	}
}

nfds_t lines_fds(const struct lines *lines, struct pollfd *ret)
{
	nfds_t n = 0;

	ret[n++] = (struct pollfd){lines->listener, POLLIN, 0};
	for (size_t i = 0; i < lines->n; i++) {
		ret[n++] = (struct pollfd){lines->items[i]->fd, POLLIN, 0};
	}
	return n;
}

void lines_hear(struct lines *lines, const struct host_ports *ports)
{
	for (size_t i = lines->n; i > 0; i--) {
		if (!lines_hear_one(lines, lines->items[i - 1], ports)) {
			lines_hang_up(lines, i - 1);
		}
	}
	lines_accept(lines);
}

uint64_t lines_answer(struct lines *lines)
{
	uint64_t now = lines_now(), next = UINT64_MAX;

	for (size_t i = 0; i < lines->n; i++) {
		struct line *line = lines->items[i];

		if (line->waits && line->due_us <= now) {
			line_send(line);
		} else if (line->waits && line->due_us < next) {
			next = line->due_us;
		}
	}
	return next;
}

void lines_break(struct lines *lines, const struct host_port *port)
{
	for (size_t i = 0; i < lines->n; i++) {
		struct line *line = lines->items[i];

		if (line->port == port && line->waits && line->devnum == port->shown.devnum) {
			line_answer(line, -ENODEV, 0);
		}
	}
}
