/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * What a worker is given: its arguments, and the record that it appends to. The record is also what
 * the next daemon learns from if this one dies.
 */

struct assignment;
struct job;
struct profile;
struct tell;

#define BRIEF_MAX_ARGS 96

/* The worker's arguments, and the same as a person would type them. */
struct brief_args {
	const char *list[BRIEF_MAX_ARGS]; /* NULL-terminated, points into room */
	size_t n;
	char room[4096];
	size_t used;
	char command[1024];
};

/* For a board on that port. 0 or -E2BIG. The file's name is the last argument. */
int brief_make_args(struct brief_args *args, const char *port, const struct job *job,
	const struct profile *profile);

/*
 * Makes active/ID with the record's head in it. Returns the record's descriptor, locked as long as
 * somebody has it open, or -errno. none: nothing is expected to come back.
 */
int brief_write_record(const struct assignment *assignment, const struct tell *tell,
	const struct job *job, bool none);

/* Takes the expected identities of a record into the assignment. 0 or -ENOMEM. */
int brief_read_expects(struct assignment *assignment, const char *text);
