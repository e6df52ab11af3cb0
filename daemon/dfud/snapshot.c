/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a queued file at one moment.
 *
 * The file stays its owner's: it can be written to, truncated or replaced while dfud judges it. So
 * it is copied once into anonymous memory, sealed and hashed; worker and daemon go on with the
 * copy. The name is looked at before it is opened, because opening a device can already do
 * something, and the opened file is judged again, because the name may mean another one by then.
 *
 * Invariants: the result is whole or absent; size, mtime and ctime were the same before and after
 * the copy, and nobody, the daemon included, can change the copy.
 */
#include "dfud/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dfud/digest.h"

enum {
	SNAPSHOT_CHUNK = 64 * 1024,
	SNAPSHOT_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

static_assert(sizeof(((struct snapshot *)0)->sha256) == DIGEST_SIZE, "the digits fit");

static int64_t snapshot_ns(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static void snapshot_close(const int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
	}
}

static int snapshot_judge(const struct stat *st, uint64_t max_size)
{
	if (S_ISLNK(st->st_mode)) {
		return -ELOOP;
	}
	if (S_ISDIR(st->st_mode)) {
		return -EISDIR;
	}
	if (!S_ISREG(st->st_mode)) {
		return -ENXIO;
	}
	if (st->st_nlink != 1) {
		return st->st_nlink == 0 ? -ENOENT : -EMLINK;
	}
	return (uint64_t)st->st_size > max_size ? -EFBIG : 0;
}

static int snapshot_open(int folder_fd, const char *name, uint64_t max_size, struct stat *ret)
{
	__attribute__((cleanup(snapshot_close))) int fd = -EBADF;
	int r;

	if (fstatat(folder_fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0) {
		return -errno;
	}
	r = snapshot_judge(ret, max_size);
	if (r < 0) {
		return r;
	}
	fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, ret) < 0) {
		return -errno;
	}
	r = snapshot_judge(ret, max_size);
	if (r < 0) {
		return r;
	}
	r = fd;
	fd = -EBADF;
	return r;
}

static int snapshot_write(int fd, const unsigned char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0) {
			if (errno == EINTR) {
				continue;
			}
			return -errno;
		}
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static int snapshot_copy(int to, int from, uint64_t size)
{
	unsigned char chunk[SNAPSHOT_CHUNK];
	uint64_t copied = 0;

	for (;;) {
		ssize_t n = read(from, chunk, sizeof(chunk));
		int r;

		if (n < 0) {
			if (errno == EINTR) {
				continue;
			}
			return -errno;
		}
		if (n == 0) {
			return copied == size ? 0 : -EAGAIN;
		}
		if ((uint64_t)n > size - copied) {
			return -EAGAIN;
		}
		r = snapshot_write(to, chunk, (size_t)n);
		if (r < 0) {
			return r;
		}
		copied += (uint64_t)n;
	}
}

static int snapshot_check_unchanged(int fd, const struct stat *before)
{
	struct stat now;

	if (fstat(fd, &now) < 0) {
		return -errno;
	}
	if (now.st_size != before->st_size ||
		snapshot_ns(&now.st_mtim) != snapshot_ns(&before->st_mtim) ||
		snapshot_ns(&now.st_ctim) != snapshot_ns(&before->st_ctim)) {
		return -EAGAIN;
	}
	return 0;
}

static int snapshot_seal(int fd)
{
	if (lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, SNAPSHOT_SEALS) < 0) {
		return -errno;
	}
	return 0;
}

static int snapshot_fill(struct snapshot *snapshot, int from, const struct stat *st)
{
	int r;

	snapshot->fd = memfd_create("dfud-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (snapshot->fd < 0) {
		return -errno;
	}
	r = snapshot_copy(snapshot->fd, from, (uint64_t)st->st_size);
	if (r < 0) {
		return r;
	}
	r = snapshot_check_unchanged(from, st);
	if (r < 0) {
		return r;
	}
	r = snapshot_seal(snapshot->fd);
	if (r < 0) {
		return r;
	}
	return digest_take(snapshot->fd, (uint64_t)st->st_size, snapshot->sha256);
}

int snapshot_take(struct snapshot *ret, int folder_fd, const char *name, uint64_t max_size)
{
	__attribute__((cleanup(snapshot_done))) struct snapshot snapshot = SNAPSHOT_INIT;
	__attribute__((cleanup(snapshot_close))) int from = -EBADF;
	struct stat st;
	int r;

	assert(ret && folder_fd >= 0 && name && !strchr(name, '/'));

	from = snapshot_open(folder_fd, name, max_size, &st);
	if (from < 0) {
		return from;
	}
	r = snapshot_fill(&snapshot, from, &st);
	if (r < 0) {
		return r;
	}
	snapshot.size = (uint64_t)st.st_size;
	snapshot.device = st.st_dev;
	snapshot.inode = st.st_ino;
	snapshot.mtime_ns = snapshot_ns(&st.st_mtim);
	*ret = snapshot;
	snapshot = (struct snapshot)SNAPSHOT_INIT;
	return 0;
}

void snapshot_done(struct snapshot *snapshot)
{
	snapshot_close(&snapshot->fd);
	*snapshot = (struct snapshot)SNAPSHOT_INIT;
}
