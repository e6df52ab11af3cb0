/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dfud/snapshot.h"

/*
 * A job assigned to a port: the attempt's folder, its record and its journey. Begins with the
 * match, claims the file as the last step before GO, ends in settle.h.
 */

struct journey;
struct job;
struct manager;
struct port;
struct profile;
struct record;
struct usb_id_pattern;

struct assignment {
	struct assignment *next; /* manager::assignments */
	struct manager *manager;
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
int assignment_begin(
	struct manager *manager, struct port *port, struct job *job, const struct profile *profile);

/*
 * Continues an attempt of an earlier daemon whose worker is gone, from its record. 0 or -errno.
 */
int assignment_resume(struct manager *manager, const struct record *record, bool claimed);

struct assignment *assignment_free(struct assignment *assignment);
