/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * What the daemon says: its journal entries (native protocol) and its notifications (sd_notify),
 * heard by a thread of its own, so that a daemon is never held up by a busy test.
 */

struct inbox;

/* One entry, or one notification (then its fields are READY=1, STATUS=...). Text, NUL-terminated.
 */
struct entry {
	char **fields; /* "NAME=value" */
	size_t n;
	size_t number;	/* counted from 0 over the inbox */
	unsigned at_ms; /* when it came, since the inbox was made */
};

/* The sockets are FOLDER/journal and FOLDER/notify. */
int inbox_new(struct inbox **ret, const char *folder);
struct inbox *inbox_free(struct inbox *inbox);

/* The value of a field; NULL: not there. */
const char *entry_get(const struct entry *entry, const char *name);

/*
 * The first entry from number `from` on that has all of the fields ("NAME=value"; "NAME=" alone:
 * any value; "NAME!": not there), waiting for it at most timeout_ms. NULL: it did not come. Entries
 * live as long as the inbox. The list ends with NULL.
 */
const struct entry *inbox_wait(
	struct inbox *inbox, size_t from, unsigned timeout_ms, const char *const *fields);
/* How many there are so far, and how many match. */
size_t inbox_count(struct inbox *inbox);
size_t inbox_count_matching(struct inbox *inbox, size_t from, const char *const *fields);
/* Entry by its number; NULL past the end. */
const struct entry *inbox_at(struct inbox *inbox, size_t number);
