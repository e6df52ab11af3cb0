/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/board.h"

/*
 * The simulated machine's USB: boards on the ports of bus 1, in real time. A thread shows what is
 * plugged in as sysfs and uevents (sysfs.h), shows it again when a board re-enumerates, and answers
 * the workers' requests (wire.h) when the board would.
 */

struct host;
struct host_port; /* one board on one port, for the host's lifetime; what is there may change */

/* The files lie below root; the workers' socket is ROOT/usb. */
int host_new(struct host **ret, const char *root);
struct host *host_free(struct host *host);

/* A board; not plugged in, or plugged in as its options say (in DFU mode or running). */
int host_add(struct host *host, struct host_port **ret, const char *port,
	const struct board_options *options, bool plugged);
/* A person's hands. The events have been sent when these return. */
void host_unplug(struct host *host, struct host_port *port);
void host_plug(struct host *host, struct host_port *port, bool dfu);

/*
 * The board, held still until host_unlock(): for a look at its flash and counts, and to change what
 * it will do.
 */
struct board *host_lock(struct host *host, struct host_port *port);
void host_unlock(struct host *host);

/* What is on the bus at that port, how often it was opened, and its by-id link ("" without a tty).
 */
enum board_presence host_presence(struct host *host, struct host_port *port);
unsigned host_opens(struct host *host, struct host_port *port);
void host_by_id(struct host *host, struct host_port *port, char *ret, size_t size);
/* /dev/bus/usb/BBB/DDD; false: nothing is there. */
bool host_node(struct host *host, struct host_port *port, char *ret, size_t size);
