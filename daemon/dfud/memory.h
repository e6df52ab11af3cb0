/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The records in active/ as memory: an attempt that failed is remembered there for its job, so that
 * MaxAttempts= holds across restarts.
 */

struct daemon;
struct job;
struct record;

/*
 * Reads active/ID/record. 0; -EWOULDBLOCK where a worker still holds it; -EBADMSG, -EPROTONOSUPPORT
 * as record_read; other -errno.
 */
int memory_read(const struct daemon *daemon, const char *id, struct record *ret);

/* Keeps the record of a failed attempt for when its file is told by the queue. */
void memory_keep(struct daemon *daemon, const char *id);

/* Gives a job what is remembered of its file. */
void memory_recall(struct daemon *daemon, struct job *job);
