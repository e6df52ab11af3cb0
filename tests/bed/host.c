/* SPDX-License-Identifier: MIT */
/*
 * One thread, one lock. The thread waits for the next of: a request on a worker's connection, an
 * answer that falls due, a change of presence that a board makes by itself, a nudge after a change
 * from outside. Boards live in virtual time; here that is CLOCK_MONOTONIC.
 *
 * A connection belongs to one appearance of a device (its devnum): once that is gone, every request
 * on it and the one in flight end in -ENODEV, as with usbfs, whatever is on the port by then.
 * Time-outs are kept here, not by the asker, so that a late answer cannot be taken for the next
 * one.
 */

#include "host.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "sysfs.h"
#include "wire.h"

#define MAX_PORTS 32
#define MAX_LINES 64
#define NODE	  "/dev/bus/usb/001/%03u"

struct host_port {
	char name[32];
	struct board *board;
	struct sysfs_device shown;
	bool is_shown;
	uint32_t visits; /* board_presence() of what is shown */
	unsigned opens;
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

struct host {
	char root[128];
	int listener, nudge;
	bool stop;
	pthread_t thread;
	pthread_mutex_t lock;
	unsigned next_devnum;
	struct host_port *ports[MAX_PORTS];
	size_t n_ports;
	struct line *lines[MAX_LINES];
	size_t n_lines;
	struct wire_request request; /* the thread's */
};

static uint64_t host_now(void)
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

static void host_hide(struct host *host, struct host_port *port)
{
	port->is_shown = false;
	for (size_t i = 0; i < host->n_lines; i++) {
		struct line *line = host->lines[i];

		if (line->port == port && line->waits && line->devnum == port->shown.devnum) {
			line_answer(line, -ENODEV, 0);
		}
	}
	if (sysfs_unplug(host->root, &port->shown) < 0) {
		fprintf(stderr, "bed: the events of %s did not go out\n", port->name);
	}
}

static void host_show(struct host *host, struct host_port *port)
{
	if (host->next_devnum > 127) {
		host->next_devnum = 2;
	}
	port->shown.devnum = host->next_devnum++;
	port->is_shown = true;
	if (sysfs_plug(host->root, &port->shown) < 0) {
		fprintf(stderr, "bed: the events of %s did not go out\n", port->name);
	}
}

/* Makes what is shown what is there. When that changes next by itself. */
static uint64_t host_refresh(struct host *host, struct host_port *port)
{
	enum board_presence presence;
	uint64_t now = host_now();
	uint32_t visits;

	presence = board_presence(port->board, now, &visits);
	if (board_is_deaf(port->board)) {
		presence = BOARD_ABSENT;
	}
	if (port->is_shown && (presence == BOARD_ABSENT || visits != port->visits)) {
		host_hide(host, port);
	}
	if (!port->is_shown && presence != BOARD_ABSENT) {
		port->visits = visits;
		device_describe(&port->shown, port->board, presence);
		host_show(host, port);
	}
	return board_next_change(port->board, now);
}

static struct host_port *host_find(struct host *host, unsigned devnum)
{
	for (size_t i = 0; i < host->n_ports; i++) {
		if (host->ports[i]->is_shown && host->ports[i]->shown.devnum == devnum) {
			return host->ports[i];
		}
	}
	return NULL;
}

static int host_open(struct host *host, struct line *line, const char *node)
{
	unsigned devnum;

	if (sscanf(node, NODE, &devnum) != 1) {
		return -ENOENT;
	}
	line->port = host_find(host, devnum);
	if (!line->port) {
		return -ENODEV;
	}
	line->devnum = devnum;
	line->port->opens++;
	return 0;
}

static int host_claim(struct host *host, struct line *line)
{
	for (size_t i = 0; i < host->n_lines; i++) {
		if (host->lines[i] != line && host->lines[i]->claimed &&
			host->lines[i]->port == line->port && line_is_alive(host->lines[i])) {
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
	uint64_t now = host_now(), until = UINT64_MAX, at = now;
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

static void host_serve(struct host *host, struct line *line, const struct wire_request *request)
{
	uint64_t now = host_now();

	if (request->ask != WIRE_OPEN && !line_is_alive(line)) {
		line_answer(line, -ENODEV, now);
		return;
	}
	switch ((enum wire_ask)request->ask) {
	case WIRE_OPEN:
		line_answer(line, host_open(host, line, (const char *)request->data), now);
		break;
	case WIRE_DESCRIPTORS:
		line_answer(line, line_descriptors(line, request->length), now);
		break;
	case WIRE_CLAIM:
		line_answer(line, host_claim(host, line), now);
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

static void host_accept(struct host *host)
{
	int fd = accept4(host->listener, NULL, NULL, SOCK_CLOEXEC);
	struct line *line;

	if (fd < 0) {
		return;
	}
	line = host->n_lines < MAX_LINES ? calloc(1, sizeof(*line)) : NULL;
	if (!line) {
		close(fd);
		return;
	}
	line->fd = fd;
	host->lines[host->n_lines++] = line;
}

static void host_hang_up(struct host *host, size_t i)
{
	close(host->lines[i]->fd);
	free(host->lines[i]);
	host->lines[i] = host->lines[--host->n_lines];
}

/* One request; false: the worker has closed the device. */
static bool host_hear(struct host *host, struct line *line)
{
	ssize_t n = recv(line->fd, &host->request, sizeof(host->request), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN) {
		return true;
	}
	if (n <= 0 || line->waits || !request_is_sound(&host->request, (size_t)n)) {
		return false;
	}
	host_serve(host, line, &host->request);
	return true;
}

/* Hears and answers everybody. When the next answer falls due. */
static uint64_t host_turn(struct host *host)
{
	uint64_t next = UINT64_MAX, now;

	for (size_t i = host->n_lines; i > 0; i--) {
		if (!host_hear(host, host->lines[i - 1])) {
			host_hang_up(host, i - 1);
		}
	}
	for (size_t i = 0; i < host->n_ports; i++) {
		uint64_t change = host_refresh(host, host->ports[i]);

		next = change < next ? change : next;
	}
	now = host_now();
	for (size_t i = 0; i < host->n_lines; i++) {
		struct line *line = host->lines[i];

		if (line->waits && line->due_us <= now) {
			line_send(line);
		} else if (line->waits && line->due_us < next) {
			next = line->due_us;
		}
	}
	return next;
}

static void host_wait(struct host *host, uint64_t until)
{
	struct pollfd fds[MAX_LINES + 2] = {{host->listener, POLLIN, 0}, {host->nudge, POLLIN, 0}};
	struct timespec span = {0}, *timeout = NULL;
	uint64_t now = host_now();
	eventfd_t nudges;
	nfds_t n = 2;

	for (size_t i = 0; i < host->n_lines; i++) {
		fds[n++] = (struct pollfd){host->lines[i]->fd, POLLIN, 0};
	}
	if (until != UINT64_MAX) {
		span.tv_sec = until > now ? (time_t)((until - now) / 1000000) : 0;
		span.tv_nsec = until > now ? (long)((until - now) % 1000000) * 1000 : 0;
		timeout = &span;
	}
	pthread_mutex_unlock(&host->lock);
	ppoll(fds, n, timeout, NULL);
	pthread_mutex_lock(&host->lock);
	if (fds[0].revents) {
		host_accept(host);
	}
	if (fds[1].revents) {
		eventfd_read(host->nudge, &nudges);
	}
}

static void *host_run(void *user)
{
	struct host *host = user;

	pthread_mutex_lock(&host->lock);
	while (!host->stop) {
		host_wait(host, host_turn(host));
	}
	pthread_mutex_unlock(&host->lock);
	return NULL;
}

static int host_listen(const char *root)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/usb", root) >=
		(int)sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
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

int host_new(struct host **ret, const char *root)
{
	struct host *host = calloc(1, sizeof(*host));
	int r;

	if (!host) {
		return -ENOMEM;
	}
	snprintf(host->root, sizeof(host->root), "%s", root);
	host->next_devnum = 2;
	host->nudge = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&host->lock, NULL);
	host->listener = r = host_listen(root);
	if (r >= 0) {
		r = sysfs_init(root);
	}
	if (r >= 0) {
		r = -pthread_create(&host->thread, NULL, host_run, host);
	}
	if (r < 0) {
		close(host->nudge);
		close(host->listener);
		free(host);
		return r;
	}
	*ret = host;
	return 0;
}

struct host *host_free(struct host *host)
{
	if (!host) {
		return NULL;
	}
	pthread_mutex_lock(&host->lock);
	host->stop = true;
	host_unlock(host);
	pthread_join(host->thread, NULL);
	while (host->n_lines > 0) {
		host_hang_up(host, 0);
	}
	for (size_t i = 0; i < host->n_ports; i++) {
		board_free(host->ports[i]->board);
		free(host->ports[i]);
	}
	pthread_mutex_destroy(&host->lock);
	close(host->listener);
	close(host->nudge);
	free(host);
	return NULL;
}

static struct host_port *host_port_new(struct host *host, const char *name)
{
	struct host_port *port = host->n_ports < MAX_PORTS ? calloc(1, sizeof(*port)) : NULL;

	if (port) {
		snprintf(port->name, sizeof(port->name), "%s", name);
		snprintf(port->shown.port, sizeof(port->shown.port), "%s", name);
		port->shown.tty = (unsigned)host->n_ports;
		host->ports[host->n_ports++] = port;
	}
	return port;
}

int host_add(struct host *host, struct host_port **ret, const char *name,
	const struct board_options *options, bool plugged)
{
	struct board *board = board_new(options);
	struct host_port *port;

	if (!board) {
		return -EINVAL;
	}
	pthread_mutex_lock(&host->lock);
	port = host_port_new(host, name);
	if (!port) {
		board_free(board);
		host_unlock(host);
		return -ENOSPC;
	}
	port->board = board;
	if (!plugged) {
		board_unplug(board, host_now());
	}
	host_refresh(host, port);
	host_unlock(host);
	*ret = port;
	return 0;
}

void host_unplug(struct host *host, struct host_port *port)
{
	pthread_mutex_lock(&host->lock);
	board_unplug(port->board, host_now());
	host_refresh(host, port);
	host_unlock(host);
}

void host_plug(struct host *host, struct host_port *port, bool dfu)
{
	pthread_mutex_lock(&host->lock);
	board_plug(port->board, host_now(), dfu);
	host_refresh(host, port);
	host_unlock(host);
}

struct board *host_lock(struct host *host, struct host_port *port)
{
	uint32_t visits;

	pthread_mutex_lock(&host->lock);
	board_presence(port->board, host_now(), &visits);
	return port->board;
}

void host_unlock(struct host *host)
{
	pthread_mutex_unlock(&host->lock);
	eventfd_write(host->nudge, 1);
}

enum board_presence host_presence(struct host *host, struct host_port *port)
{
	enum board_presence presence = BOARD_ABSENT;

	pthread_mutex_lock(&host->lock);
	if (port->is_shown) {
		presence = port->shown.dfu ? BOARD_DFU : BOARD_RUNTIME;
	}
	pthread_mutex_unlock(&host->lock);
	return presence;
}

unsigned host_opens(struct host *host, struct host_port *port)
{
	unsigned opens;

	pthread_mutex_lock(&host->lock);
	opens = port->opens;
	pthread_mutex_unlock(&host->lock);
	return opens;
}

void host_by_id(struct host *host, struct host_port *port, char *ret, size_t size)
{
	ret[0] = 0;
	pthread_mutex_lock(&host->lock);
	if (port->is_shown && !port->shown.dfu && !port->shown.plain) {
		sysfs_by_id(&port->shown, ret, size);
	}
	pthread_mutex_unlock(&host->lock);
}

bool host_node(struct host *host, struct host_port *port, char *ret, size_t size)
{
	bool is_shown;

	pthread_mutex_lock(&host->lock);
	is_shown = port->is_shown;
	snprintf(ret, size, NODE, port->shown.devnum);
	pthread_mutex_unlock(&host->lock);
	return is_shown;
}
