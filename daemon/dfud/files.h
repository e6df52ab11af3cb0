/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Finding and reading configuration files, in several folders of which the first counts most: a
 * file in a higher folder masks one of the same name in those below. A link to /dev/null and an
 * empty file say that there shall be none of that name. All of this blocks as long as the file
 * system does.
 */

#define FILES_SIZE_MAX ((size_t)1 << 20)

/* Highest first; the list ends with a path of NULL. */
struct files_folder {
	const char *path;
	bool is_written; /* by a person of this machine, not shipped with a package */
};

struct files_entry {
	char *path; /* owned */
	bool is_written;
};

struct files {
	struct files_entry *items; /* owned; sorted by file name */
	size_t n;
};

#define FILES_INIT                                                                                 \
	{                                                                                          \
		0                                                                                  \
	}

/*
 * FOLDER/SUBFOLDER/NAME.conf of all folders; dot-files are not looked at. What cannot be read or is
 * no file is listed all the same: it masks, and reading it tells what is wrong. 0; -ENOMEM; or
 * -errno of a folder that cannot be listed, with its path in *ret_problem (the caller frees it).
 */
int files_find_all(struct files *ret, const struct files_folder *folders, const char *subfolder,
	char **ret_problem);

/* FOLDER/NAME of the first folder that has it: a list of one, or of none. 0 or -ENOMEM. */
int files_find_first(struct files *ret, const struct files_folder *folders, const char *name);

void files_done(struct files *files);

/*
 * The whole file, at most FILES_SIZE_MAX bytes; the caller frees *ret_text (never NULL, one NUL
 * behind the last byte). 0; -EISDIR or -ENXIO for what is no regular file, -EFBIG, other -errno.
 * Links are followed; a FIFO does not block.
 */
int files_read(const char *path, char **ret_text, size_t *ret_size);
