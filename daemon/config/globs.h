/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Lists of shell globs (fnmatch), one for each line of a key: several are alternatives. What they
 * are held against: a text that is not known (NULL) is taken as empty. Pure.
 */

struct schema;

struct strings {
	char **items; /* owned */
	size_t n;
};

/*
 * Take one value of a key; "" empties the list. A value that could never match is complained about
 * by schema_complain() and left out. 0 or -ENOMEM.
 */
int globs_take(struct schema *schema, struct strings *globs, const char *value);
int globs_take_path(struct schema *schema, struct strings *globs, const char *value);
int globs_take_port(struct schema *schema, struct strings *globs, const char *value);
/* Of either kind: a port such as 1-1.2, or an ID_PATH of udev. */
int globs_take_place(struct schema *schema, struct strings *globs, const char *value);

/* Whether one of them matches; false for none at all. */
bool globs_match(const struct strings *globs, const char *text);

void globs_clear(struct strings *globs);
void globs_done(struct strings *globs);
