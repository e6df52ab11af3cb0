/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The folders of /var/lib/dfud and the moves between them. queue, active, done, failed and backup
 * (vault.h) lie on one file system, so that every move is one rename: a file is never in two places
 * and never in none. An attempt's folder is active/ID with the file `record` in it (written by
 * others through the folder's descriptor) and, from the claim on, the firmware file under its own
 * name with its sidecars. Nothing waits for the disk; spool.c says what a power cut leaves.
 */

#define SPOOL_ID_LENGTH 32  /* hexadecimal digits of an attempt's id */
#define SPOOL_DONE_MAX	500 /* folders kept in done/, the oldest go first; failed/ keeps all */

/* What a worker saved, in active/ID. No name that a job can have. */
#define SPOOL_BACKUP ".backup"

struct spool {
	int root, queue, active, done, failed, backup; /* folder descriptors, -EBADF: none */
	int lock;
};

#define SPOOL_INIT                                                                                 \
	{                                                                                          \
		-EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF                             \
	}

/*
 * Opens the folders and takes the lock. 0; -ENOENT, -EACCES where a folder is missing or not ours
 * to write, -EPERM where somebody else could change them, -EXDEV where they are not one file
 * system, -EWOULDBLOCK where another daemon holds the lock; then ret_problem names the folder and
 * what to do.
 */
int spool_open(struct spool *ret, const char *root, char *ret_problem, size_t problem_size);
void spool_done(struct spool *spool);

/* Makes active/ID. Returns its descriptor (the caller closes it) or -errno. */
int spool_begin(struct spool *spool, const char *id);

/*
 * queue/NAME to active/ID/NAME with its sidecars, if it is still that inode. 0; -ENOENT where it is
 * gone or another file by now (nothing was moved); -EINVAL for a name that no job can have. After
 * another -errno the file may lie on either side: spool_each tells.
 */
int spool_claim(struct spool *spool, const char *id, const char *name, ino_t inode);

/*
 * active/ID/NAME back to queue/NAME with its sidecars, never over another file: -EEXIST where a
 * newer file or sidecar has the name (nothing was moved). The folder and its record stay.
 */
int spool_give_back(struct spool *spool, const char *id, const char *name);

/*
 * active/ID, as it is, to done/ or failed/ under STAMP-NAME; -2, -3 ... are appended where that is
 * taken. ret_path receives "done/2026-11-22T091500Z-klipper.bin". name may hold any bytes; what is
 * not printable ASCII becomes '_' in the folder's name only. -ENOTEMPTY where the bytes of a backup
 * lie in it: done/ has a quota, and nobody would look for them there.
 */
int spool_settle(struct spool *spool, const char *id, const char *name, const char *stamp,
	bool good, char *ret_path, size_t path_size);

/*
 * Writes report.txt into active/ID as a whole. -EINVAL for a name that a job can have
 * (arrival_name_is_job): it could replace the job's file.
 */
int spool_write(struct spool *spool, const char *id, const char *file, const char *text);

/*
 * Removes active/ID with its record: only where no firmware file, no sidecar and no bytes of a
 * backup lie in it, else -ENOTEMPTY.
 */
int spool_forget(struct spool *spool, const char *id);

/*
 * What lies in active/ (at start: what was interrupted). Calls fn for each folder with a valid id;
 * file is the firmware file's name in it or NULL. Ends early where fn returns non-zero, with that;
 * fn may settle, give back or forget what it is told.
 */
int spool_each(
	struct spool *spool, int (*fn)(void *user, const char *id, const char *file), void *user);
