/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dfud/snapshot.h"

/*
 * A job assigned to a port: the attempt's folder, its record and its journey. Begins with the
 * match, claims the file as the last step before GO, ends with the verdict.
 */

struct journey;
struct job;
struct daemon;
struct port;
struct profile;
struct record;
struct usb_id_pattern;

struct assignment {
	struct assignment *next; /* daemon::assignments */
	struct daemon *daemon;
	/* The verdict is told; settle the file. The assignment is freed behind it. */
	void (*ended)(struct assignment *assignment);
	char id[33];
	uint64_t job; /* its id; the job itself may go while this lives */
	char file[256];
	struct port *port;
	struct journey *journey;
	bool claimed;	 /* the file lies in active/ID */
	unsigned number; /* which attempt of this job */

	/* of the profile, which may be read anew meanwhile */
	char profile[64];
	struct usb_id_pattern *expects;
	size_t n_expects;
	char image_expects[16];
	unsigned max_attempts;
	uint64_t within_ms;
};

/* Begins an attempt. 0 or -errno, which is said already where a person can mend it. */
int assignment_begin(struct daemon *daemon, struct port *port, struct job *job,
	const struct profile *profile, void (*ended)(struct assignment *assignment));

/*
 * Continues an attempt of an earlier daemon whose worker is gone, from its record. 0 or -errno.
 */
int assignment_resume(struct daemon *daemon, const struct record *record, bool claimed,
	void (*ended)(struct assignment *assignment));

struct assignment *assignment_free(struct assignment *assignment);
