/* SPDX-License-Identifier: MIT */
/*
 * Opening the spool: the folders, that nobody else can change what lies in them, that they are one
 * place for rename(2), and the lock.
 *
 * Who may write to a folder may put another file under a name that dfud has judged already, or
 * decide what is restored to a board. Only the queue is for others, and there the sticky bit keeps
 * one person from another's files. A mode counts, not an access list: its mask shows in the mode.
 *
 * The lock is flock(2) on an open file: it ends with the process, however that ends, and the file
 * itself says nothing and stays. It is closed on exec, so no worker holds it on.
 */
#include "dfud/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dfud/folder.h"

#define SPOOL_LOCK "lock"

static void spool_close(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
	}
	*fd = -EBADF;
}

/* Where an opening says what is wrong. */
struct spool_problem {
	const char *root;
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int spool_fail(
	const struct spool_problem *problem, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem->text, problem->size, format, arguments);
	va_end(arguments);
	return error;
}

/* Who else than the daemon may have to do with a folder. */
enum spool_sharing {
	SPOOL_PRIVATE,
	SPOOL_SHARED,  /* its group writes to it: the queue */
	SPOOL_OF_ROOT, /* it may belong to root */
};

static int spool_check_mode(mode_t mode, enum spool_sharing sharing, const char *path,
	const struct spool_problem *problem)
{
	const bool is_open = mode & (sharing == SPOOL_SHARED ? S_IWOTH : S_IWGRP | S_IWOTH);

	if (is_open) {
		return spool_fail(problem, -EPERM,
			"%s: mode %04o lets others write to it; systemd-tmpfiles --create "
			"dfud.conf mends it",
			path, mode & 07777U);
	}
	if (mode & S_IWGRP && !(mode & S_ISVTX)) {
		return spool_fail(problem, -EPERM,
			"%s: mode %04o, without the sticky bit, lets people take each other's "
			"files; systemd-tmpfiles --create dfud.conf mends it",
			path, mode & 07777U);
	}
	return 0;
}

static int spool_check_sharing(
	int fd, const char *name, enum spool_sharing sharing, const struct spool_problem *problem)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s%s", problem->root, name[0] ? "/" : "", name);
	if (fstat(fd, &st) < 0) {
		return spool_fail(problem, -errno, "%s: %s", path, strerror(errno));
	}
	if (st.st_uid != geteuid() && !(sharing == SPOOL_OF_ROOT && st.st_uid == 0)) {
		return spool_fail(problem, -EPERM,
			"%s: belongs to uid %u, not to uid %u that dfud runs as; systemd-tmpfiles "
			"--create dfud.conf mends it",
			path, (unsigned)st.st_uid, (unsigned)geteuid());
	}
	return spool_check_mode(st.st_mode, sharing, path, problem);
}

static int spool_open_folder(
	int *ret, int at, const char *name, const struct spool_problem *problem)
{
	int fd = folder_open(at, name);

	if (fd < 0) {
		return spool_fail(problem, fd,
			"%s/%s: %s; systemd-tmpfiles --create makes the folders", problem->root,
			name, strerror(-fd));
	}
	*ret = fd;
	if (faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0) {
		return spool_fail(problem, -errno,
			"%s/%s: %s; it must belong to the user that dfud runs as", problem->root,
			name, strerror(errno));
	}
	return 0;
}

/* A bind mount of the same device is another mount all the same: rename does not cross it. */
static int spool_check_place(
	int queue, int folder, const char *name, const struct spool_problem *problem)
{
	struct statx a, b;

	if (statx(queue, "", AT_EMPTY_PATH, STATX_MNT_ID, &a) < 0 ||
		statx(folder, "", AT_EMPTY_PATH, STATX_MNT_ID, &b) < 0) {
		return spool_fail(
			problem, -errno, "%s/%s: %s", problem->root, name, strerror(errno));
	}
	if (a.stx_dev_major != b.stx_dev_major || a.stx_dev_minor != b.stx_dev_minor ||
		((a.stx_mask & b.stx_mask & STATX_MNT_ID) && a.stx_mnt_id != b.stx_mnt_id)) {
		return spool_fail(problem, -EXDEV,
			"%s/%s: not on the file system of %s/queue; make it a folder there",
			problem->root, name, problem->root);
	}
	return 0;
}

static int spool_take_lock(struct spool *spool, const struct spool_problem *problem)
{
	spool->lock =
		openat(spool->root, SPOOL_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (spool->lock >= 0 && flock(spool->lock, LOCK_EX | LOCK_NB) >= 0) {
		return 0;
	}
	if (errno == EWOULDBLOCK) {
		return spool_fail(problem, -EWOULDBLOCK,
			"%s/%s: another dfud works here; stop it first", problem->root, SPOOL_LOCK);
	}
	return spool_fail(problem, -errno, "%s/%s: %s", problem->root, SPOOL_LOCK, strerror(errno));
}

static int spool_open_all(struct spool *spool, const struct spool_problem *problem)
{
	const struct {
		const char *name;
		int *fd;
		enum spool_sharing sharing;
	} folders[] = {
		{"queue", &spool->queue, SPOOL_SHARED},
		{"active", &spool->active},
		{"done", &spool->done},
		{"failed", &spool->failed},
		{"backup", &spool->backup, SPOOL_PRIVATE},
	};
	int r;

	spool->root = folder_open(AT_FDCWD, problem->root);
	if (spool->root < 0) {
		return spool_fail(
			problem, spool->root, "%s: %s", problem->root, strerror(-spool->root));
	}
	r = spool_check_sharing(spool->root, "", SPOOL_OF_ROOT, problem);
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		r = spool_open_folder(folders[i].fd, spool->root, folders[i].name, problem);
		if (r >= 0) {
			r = spool_check_sharing(
				*folders[i].fd, folders[i].name, folders[i].sharing, problem);
		}
		if (r < 0) {
			return r;
		}
		r = spool_check_place(spool->queue, *folders[i].fd, folders[i].name, problem);
		if (r < 0) {
			return r;
		}
	}
	return spool_take_lock(spool, problem);
}

int spool_open(struct spool *ret, const char *root, char *ret_problem, size_t problem_size)
{
	const struct spool_problem problem = {root, ret_problem, problem_size};
	struct spool spool = SPOOL_INIT;
	int r = spool_open_all(&spool, &problem);

	if (r < 0) {
		spool_done(&spool);
		return r;
	}
	*ret = spool;
	return 0;
}

void spool_done(struct spool *spool)
{
	spool_close(&spool->queue);
	spool_close(&spool->active);
	spool_close(&spool->done);
	spool_close(&spool->failed);
	spool_close(&spool->backup);
	spool_close(&spool->root);
	spool_close(&spool->lock);
}
