/* SPDX-License-Identifier: MIT */
#pragma once

#include "dfud/port.h"

/*
 * The records in active/ as memory: an attempt that failed is remembered there for its job, so that
 * MaxAttempts= holds across restarts.
 */

struct daemon;
struct job;
struct record;

/*
 * Reads active/ID/record. 0; -EWOULDBLOCK where a worker still holds it (*ret is what it says so
 * far); -EBADMSG, -EPROTONOSUPPORT as record_read; other -errno.
 */
int memory_read(const struct daemon *daemon, const char *id, struct record *ret);

/* Appends whole lines to active/ID/record. 0 or -errno; nothing waits for the disk. */
int memory_append(const struct daemon *daemon, const char *id, const char *lines);

/*
 * Keeps the record of a failed attempt for when its file is told by the queue; with a port, what
 * its visit will remember of the job then.
 */
void memory_keep(
	struct daemon *daemon, const char *id, const struct port *port, enum port_again again);

/* Gives a job what is remembered of its file. */
void memory_recall(struct daemon *daemon, struct job *job);
