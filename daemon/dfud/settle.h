/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "record/reason.h"

/*
 * What happens to the file when an attempt has its verdict: report, record, and the one move that
 * fate.h decides. Says where the file is now.
 */

struct assignment;
struct job;
struct daemon;

/* After the verdict was told; the assignment is freed by the caller. */
void settle_attempt(struct assignment *assignment);

/*
 * A job that never got a board: to failed/, with a report. id receives the attempt's id (33 bytes).
 * text goes into the report. 0 or -errno (said).
 */
int settle_job(struct daemon *daemon, struct job *job, enum reason reason, const char *text,
	char *ret_id, char *ret_where, size_t where_size);

/* "2026-11-22T091500Z" */
void settle_stamp(char *ret, size_t size);
