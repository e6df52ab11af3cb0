/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * A job assigned to a port (struct assignment, daemon.h). Begins with the
 * match, claims the file as the last step before GO, ends with the verdict.
 */

struct job;
struct assignment;
struct daemon;
struct port;
struct profile;
struct record;

/*
 * Begins an attempt. 0; -ESTALE where the file is not the one that was inspected (look at it anew);
 * -ENOENT where it is gone (the queue tells); another -errno, which is said already.
 */
int assignment_begin(struct daemon *daemon, struct port *port, struct job *job,
	const struct profile *profile, void (*ended)(struct assignment *assignment));

/*
 * Continues an attempt of an earlier daemon whose worker is gone, from its record. 0 or -errno.
 */
int assignment_resume(struct daemon *daemon, const struct record *record, bool claimed,
	void (*ended)(struct assignment *assignment));

struct assignment *assignment_free(struct assignment *assignment);
