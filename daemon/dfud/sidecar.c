/* SPDX-License-Identifier: MIT */
/* The files beside a file. A checksum that is no small readable file says nothing. */
#include "dfud/sidecar.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dfud/arrival.h"

#define SIDECAR_DIGITS 64

/* False where a file's name is so long that it can have no such sidecar. */
static bool sidecar_name(char ret[static NAME_MAX + 1], const char *name, const char *ending)
{
	const int n = snprintf(ret, NAME_MAX + 1, "%s%s", name, ending);

	return n > 0 && n <= NAME_MAX;
}

/* A descriptor or -errno. Opening a device could do something already: looked at before. */
static int sidecar_open(int folder_fd, const char *path)
{
	struct stat st;
	int fd;

	if (fstatat(folder_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return -ENXIO;
	}
	fd = openat(folder_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return errno == ELOOP ? -ENXIO : -errno;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENXIO;
	}
	return fd;
}

ssize_t sidecar_read(int folder_fd, const char *name, const char *ending, char *ret, size_t size)
{
	char path[NAME_MAX + 1];
	size_t n = 0;
	ssize_t r;
	int fd;

	if (!sidecar_name(path, name, ending)) {
		return -ENOENT;
	}
	fd = sidecar_open(folder_fd, path);
	if (fd < 0) {
		return fd;
	}
	do {
		r = read(fd, ret + n, size - n);
		n += r > 0 ? (size_t)r : 0;
	} while (n < size && (r > 0 || (r < 0 && errno == EINTR)));
	r = r < 0 ? -errno : (ssize_t)n;
	close(fd);
	return r;
}

bool sidecar_agrees(int folder_fd, const char *name, const char *sha256)
{
	char text[SIDECAR_DIGITS];
	const ssize_t n = sidecar_read(folder_fd, name, ".sha256", text, sizeof(text));

	return n < 0 || (n == SIDECAR_DIGITS && strncasecmp(text, sha256, SIDECAR_DIGITS) == 0);
}

static struct sidecar_look sidecar_look(int folder_fd, const char *name, const char *ending)
{
	char path[NAME_MAX + 1];
	struct stat st;

	if (!sidecar_name(path, name, ending) ||
		fstatat(folder_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return (struct sidecar_look){0};
	}
	return (struct sidecar_look){
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
		.mode = st.st_mode,
		.owner = st.st_uid,
	};
}

static bool sidecar_is_same(const struct sidecar_look *a, const struct sidecar_look *b)
{
	return a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       a->mode == b->mode && a->owner == b->owner;
}

bool sidecars_look(
	struct sidecars *sidecars, int folder_fd, const char *name, size_t n, uint64_t now_us)
{
	bool changed = sidecars->since_us == 0;

	assert(n <= sizeof(sidecars->looks) / sizeof(*sidecars->looks));
	for (size_t i = 0; i < n; i++) {
		const struct sidecar_look now = sidecar_look(folder_fd, name, arrival_sidecars[i]);

		changed = !sidecar_is_same(&sidecars->looks[i], &now) || changed;
		sidecars->looks[i] = now;
	}
	if (changed) {
		sidecars->since_us = now_us;
	}
	return changed;
}
