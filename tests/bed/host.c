/* SPDX-License-Identifier: MIT */
/*
 * One thread, one lock. The thread waits for the next of: a request on a worker's connection, an
 * answer that falls due, a change of presence that a board makes by itself, a nudge after a change
 * from outside. Boards live in virtual time; here that is CLOCK_MONOTONIC.
 */

#include "host.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "lines.h"
#include "sysfs.h"

#define NODE "/dev/bus/usb/001/%03u"

struct host {
	char root[128];
	int nudge;
	bool stop;
	pthread_t thread;
	pthread_mutex_t lock;
	unsigned next_devnum;
	struct host_ports ports;
	struct lines lines;
};

static void host_hide(struct host *host, struct host_port *port)
{
	port->is_shown = false;
	lines_break(&host->lines, port);
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
	uint64_t now = lines_now();
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

/* Hears and answers everybody. When the next thing falls due. */
static uint64_t host_turn(struct host *host)
{
	uint64_t next = UINT64_MAX, due;

	lines_hear(&host->lines, &host->ports);
	for (size_t i = 0; i < host->ports.n; i++) {
		uint64_t change = host_refresh(host, host->ports.items[i]);

		next = change < next ? change : next;
	}
	due = lines_answer(&host->lines);
	return due < next ? due : next;
}

static void host_wait(struct host *host, uint64_t until)
{
	struct pollfd fds[LINES_MAX + 2] = {{host->nudge, POLLIN, 0}};
	nfds_t n = 1 + lines_fds(&host->lines, fds + 1);
	struct timespec span = {0}, *timeout = NULL;
	uint64_t now = lines_now();
	eventfd_t nudges;

	if (until != UINT64_MAX) {
		span.tv_sec = until > now ? (time_t)((until - now) / 1000000) : 0;
		span.tv_nsec = until > now ? (long)((until - now) % 1000000) * 1000 : 0;
		timeout = &span;
	}
	pthread_mutex_unlock(&host->lock);
	ppoll(fds, n, timeout, NULL);
	eventfd_read(host->nudge, &nudges);
	pthread_mutex_lock(&host->lock);
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

static void host_done(struct host *host)
{
	lines_done(&host->lines);
	for (size_t i = 0; i < host->ports.n; i++) {
		board_free(host->ports.items[i]->board);
		free(host->ports.items[i]);
	}
	pthread_mutex_destroy(&host->lock);
	close(host->nudge);
	free(host);
}

int host_new(struct host **ret, const char *root)
{
	struct host *host = calloc(1, sizeof(*host));
	char path[160];
	int r;

	if (!host) {
		return -ENOMEM;
	}
	snprintf(host->root, sizeof(host->root), "%s", root);
	snprintf(path, sizeof(path), "%s/usb", root);
	host->next_devnum = 2;
	host->nudge = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&host->lock, NULL);
	r = lines_init(&host->lines, path);
	if (r == 0) {
		r = sysfs_init(root);
	}
	if (r == 0) {
		r = -pthread_create(&host->thread, NULL, host_run, host);
	}
	if (r < 0) {
		host_done(host);
		return r;
	}
	*ret = host;
	return 0;
}

struct host *host_free(struct host *host)
{
	if (host) {
		pthread_mutex_lock(&host->lock);
		host->stop = true;
		host_unlock(host);
		pthread_join(host->thread, NULL);
		host_done(host);
	}
	return NULL;
}

static struct host_port *host_port_new(struct host *host, const char *name)
{
	struct host_port *port = host->ports.n < HOST_MAX_PORTS ? calloc(1, sizeof(*port)) : NULL;

	if (port) {
		snprintf(port->name, sizeof(port->name), "%s", name);
		snprintf(port->shown.port, sizeof(port->shown.port), "%s", name);
		port->shown.tty = (unsigned)host->ports.n;
		host->ports.items[host->ports.n++] = port;
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
		board_unplug(board, lines_now());
	}
	host_refresh(host, port);
	host_unlock(host);
	*ret = port;
	return 0;
}

void host_unplug(struct host *host, struct host_port *port)
{
	pthread_mutex_lock(&host->lock);
	board_unplug(port->board, lines_now());
	host_refresh(host, port);
	host_unlock(host);
}

void host_plug(struct host *host, struct host_port *port, bool dfu)
{
	pthread_mutex_lock(&host->lock);
	board_plug(port->board, lines_now(), dfu);
	host_refresh(host, port);
	host_unlock(host);
}

struct board *host_lock(struct host *host, struct host_port *port)
{
	uint32_t visits;

	pthread_mutex_lock(&host->lock);
	board_presence(port->board, lines_now(), &visits);
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
