/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The bytes of a queued file as they were at one moment: a sealed memfd (no write, no shrink, no
 * grow) with its SHA-256, so that what was judged is what is flashed whatever happens to the file.
 */

struct snapshot {
	int fd; /* sealed, at offset 0; -EBADF: none */
	uint64_t size;
	dev_t device; /* of the file it was taken from */
	ino_t inode;
	int64_t mtime_ns;
	char sha256[65]; /* lower-case hexadecimal */
};

#define SNAPSHOT_INIT                                                                              \
	{                                                                                          \
		.fd = -EBADF                                                                       \
	}

/*
 * Opens name in the folder (O_NOFOLLOW, O_NONBLOCK, O_NOCTTY), checks that it is regular with one
 * name and at most max_size bytes, and copies it. 0; -ELOOP or -EMLINK for links, -EISDIR or -ENXIO
 * for what is not regular, -EFBIG, -EACCES, -ENOENT, -EAGAIN where it changed while being read,
 * other -errno for failures of our own. Blocks as long as the copy takes.
 */
int snapshot_take(struct snapshot *ret, int folder_fd, const char *name, uint64_t max_size);
void snapshot_done(struct snapshot *snapshot);
