/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What lies beside a queued file: NAME.sha256, what its maker says its SHA-256 is, as sha256sum(1)
 * writes it (only the first 64 digits count), and NAME.minisig, its signature.
 */

/* What one sidecar looks like; all zero where there is none. */
struct sidecar_look {
	ino_t inode;
	uint64_t size;
	int64_t mtime_ns; /* kept by a rename, as inode and size are */
	mode_t mode;
	uid_t owner;
};

struct sidecars {
	struct sidecar_look looks[2]; /* in the order of arrival_sidecars */
	uint64_t since_us;	      /* when they were first seen like this; 0: never looked at */
};

/*
 * The beginning of NAMEending. Bytes read, at most size; -ENOENT; -EACCES; -ENXIO for what is no
 * regular file; another -errno.
 */
ssize_t sidecar_read(int folder_fd, const char *name, const char *ending, char *ret, size_t size);

/*
 * False where there is a NAME.sha256, it can be read, and it names another sum or none. sha256 is
 * lower-case hexadecimal.
 */
bool sidecar_agrees(int folder_fd, const char *name, const char *sha256);

/* Looks at the first n kinds of sidecars. True where one is not as it was, or never looked at. */
bool sidecars_look(
	struct sidecars *sidecars, int folder_fd, const char *name, size_t n, uint64_t now_us);
