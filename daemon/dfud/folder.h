/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* What the spool does with folders, all by descriptor. Everything returns 0 or -errno. */

struct folder_names {
	char **names; /* all but "." and "..", sorted by bytes */
	size_t n_names;
};

#define FOLDER_NAMES_INIT                                                                          \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/* Opens a folder in at; returns its descriptor. */
int folder_open(int at, const char *name);
int folder_inode(
	int folder, const char *name, ino_t *ret); /* of the name itself, links not followed */

int folder_names_read(struct folder_names *ret, int folder);
void folder_names_done(struct folder_names *names);

/* Renames, never over another file (-EEXIST). The folder `to` is written to by this process alone.
 */
int folder_move(int from, const char *old_name, int to, const char *new_name);

/* The same for a file that goes to a folder where others make names too. */
int folder_move_shared(int from, const char *old_name, int to, const char *new_name);

/* Removes a folder and the files in it; one that has folders in it stays with these: -ENOTEMPTY. */
int folder_remove(int at, const char *name);

/* Writes a file as a whole: nobody reads a half of it. Not synced. */
int folder_write(int folder, const char *name, const char *text);
