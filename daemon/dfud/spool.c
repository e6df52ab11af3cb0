/* SPDX-License-Identifier: MIT */
/*
 * The moves between the folders of /var/lib/dfud.
 *
 * A move is one rename(2), which leaves the file under the old or the new name and never under both
 * or none; RENAME_NOREPLACE keeps it from destroying what has the new name already.
 *
 * Nothing here waits for the disk, because it runs in the daemon's one thread: what must survive a
 * power cut, the record with its marks, is synced by the worker before it acts. The file systems
 * that people use commit renames in their order, so a power cut leaves one of these states, perhaps
 * an older one, and each of them the next start understands:
 *
 * - begin (mkdir): no folder or an empty one. spool_each tells it without a file and spool_forget
 *   removes it.
 * - claim (file, sidecars): the file in queue or in active/ID; its sidecars perhaps still in queue,
 *   where they are no jobs and meet it again when it is given back. They go last, because a file in
 *   queue without its signature would be refused.
 * - give back (sidecars, file): sidecars in queue before their file, which spool_each tells in
 *   active/ID once more. They go first, because the file is a job as soon as it is there.
 * - settle (folder, quota): the folder in active, or whole in done or failed; of a folder of done
 *   beyond the quota perhaps a part, which the next settling removes.
 * - write (new file, rename): the old text or the new one, perhaps an empty one or a hidden draft.
 * - forget (files, rmdir): a folder with fewer of dfud's own files, told again.
 *
 * Where a file system knows no RENAME_NOREPLACE, our own folders, which the lock keeps to one
 * daemon, are looked at before the rename; into queue, where anybody may put a name between the
 * two, the file is linked, which cannot replace anything either, and then taken from active. A cut
 * between these two leaves one file under two names, which spool_give_back recognises.
 */
#include "dfud/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dfud/arrival.h"
#include "dfud/folder.h"

enum {
	SPOOL_TRIES = 10000, /* names for one folder of done or failed */
};

static void spool_close(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
	}
	*fd = -EBADF;
}

static bool spool_id_is_valid(const char *id)
{
	return strlen(id) == SPOOL_ID_LENGTH && strspn(id, "0123456789abcdef") == SPOOL_ID_LENGTH;
}

static int spool_name_check(const char *name)
{
	return arrival_name_is_job(name) && !strchr(name, '/') ? 0 : -EINVAL;
}

static int spool_open_attempt(const struct spool *spool, const char *id)
{
	return spool_id_is_valid(id) ? folder_open(spool->active, id) : -EINVAL;
}

int spool_begin(struct spool *spool, const char *id)
{
	int fd;

	if (!spool_id_is_valid(id)) {
		return -EINVAL;
	}
	if (mkdirat(spool->active, id, 0755) < 0) {
		return -errno;
	}
	fd = folder_open(spool->active, id);
	if (fd < 0) {
		(void)unlinkat(spool->active, id, AT_REMOVEDIR);
	}
	return fd;
}

/* False where a file's name is so long that it can have no such sidecar. */
static bool spool_sidecar(char ret[static NAME_MAX + 1], const char *name, const char *ending)
{
	int n = snprintf(ret, NAME_MAX + 1, "%s%s", name, ending);

	return n > 0 && n <= NAME_MAX;
}

/* A sidecar that is no file stays where it is. */
static int spool_move_sidecars(
	int from, int to, const char *name, int (*move)(int, const char *, int, const char *))
{
	for (const char *const *ending = arrival_sidecars; *ending; ending++) {
		char sidecar[NAME_MAX + 1];
		struct stat st;
		int r;

		if (!spool_sidecar(sidecar, name, *ending) ||
			fstatat(from, sidecar, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode)) {
			continue;
		}
		r = move(from, sidecar, to, sidecar);
		if (r < 0 && r != -ENOENT) {
			return r;
		}
	}
	return 0;
}

/* Between the look and the rename somebody may have put another file there: it goes back. */
static int spool_claim_inode(int queue, int attempt, const char *name, ino_t inode)
{
	ino_t found;
	int r = folder_inode(queue, name, &found);

	if (r < 0 || found != inode) {
		return r < 0 ? r : -ENOENT;
	}
	r = folder_move(queue, name, attempt, name);
	if (r < 0) {
		return r;
	}
	r = folder_inode(attempt, name, &found);
	if (r < 0 || found == inode) {
		return r;
	}
	r = folder_move_shared(attempt, name, queue, name);
	return r < 0 ? r : -ENOENT;
}

int spool_claim(struct spool *spool, const char *id, const char *name, ino_t inode)
{
	__attribute__((cleanup(spool_close))) int attempt = spool_open_attempt(spool, id);
	int r;

	if (attempt < 0) {
		return attempt;
	}
	r = spool_name_check(name);
	if (r < 0) {
		return r;
	}
	r = spool_claim_inode(spool->queue, attempt, name, inode);
	if (r < 0) {
		return r;
	}
	return spool_move_sidecars(spool->queue, attempt, name, folder_move);
}

static bool spool_has(int folder, const char *name)
{
	ino_t inode;

	return folder_inode(folder, name, &inode) != -ENOENT;
}

/* A newer file may still be on its way, and its sidecar there already. */
static bool spool_is_in_the_way(int queue, int attempt, const char *name)
{
	char sidecar[NAME_MAX + 1];

	for (const char *const *ending = arrival_sidecars; *ending; ending++) {
		if (spool_sidecar(sidecar, name, *ending) && spool_has(queue, sidecar) &&
			spool_has(attempt, sidecar)) {
			return true;
		}
	}
	return spool_has(queue, name);
}

/* What an earlier give-back left when it was cut between link and unlink. */
static int spool_finish_link(int attempt, int queue, const char *name)
{
	ino_t here, there;

	if (folder_inode(attempt, name, &here) < 0 || folder_inode(queue, name, &there) < 0 ||
		here != there) {
		return -EEXIST;
	}
	return unlinkat(attempt, name, 0) < 0 ? -errno : 0;
}

int spool_give_back(struct spool *spool, const char *id, const char *name)
{
	__attribute__((cleanup(spool_close))) int attempt = spool_open_attempt(spool, id);
	int r;

	if (attempt < 0) {
		return attempt;
	}
	r = spool_name_check(name);
	if (r < 0) {
		return r;
	}
	if (!spool_has(attempt, name)) {
		return -ENOENT;
	}
	if (spool_is_in_the_way(spool->queue, attempt, name)) {
		return spool_finish_link(attempt, spool->queue, name);
	}
	r = spool_move_sidecars(attempt, spool->queue, name, folder_move_shared);
	if (r >= 0) {
		r = folder_move_shared(attempt, name, spool->queue, name);
	}
	if (r < 0) {
		(void)spool_move_sidecars(spool->queue, attempt, name, folder_move);
	}
	return r;
}

/* STAMP-NAME, with -N from the second try on; the name gives way to what must fit behind it. */
static int spool_folder_name(
	char ret[static NAME_MAX + 1], const char *stamp, const char *name, unsigned number)
{
	char tail[16] = "";
	int n_tail = number > 1 ? snprintf(tail, sizeof(tail), "-%u", number) : 0;
	int room = NAME_MAX - (int)strlen(stamp) - 1 - n_tail;

	if (room < 0 || strchr(stamp, '/')) {
		return -EINVAL;
	}
	(void)snprintf(ret, NAME_MAX + 1, "%s-%.*s%s", stamp, room, name, tail);
	for (char *c = ret; *c; c++) {
		if (*c < ' ' || *c > '~' || *c == '/') {
			*c = '_';
		}
	}
	return 0;
}

/* A backup that is not in its folder yet; an empty one was never filled. */
static bool spool_has_only_copy(int attempt)
{
	struct stat st;

	return fstatat(attempt, SPOOL_BACKUP, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
}

static int spool_settle_once(const struct spool *spool, const char *id, bool good,
	const char *folder, char *ret_path, size_t path_size)
{
	char path[NAME_MAX + sizeof("failed/")];
	int n = snprintf(path, sizeof(path), "%s/%s", good ? "done" : "failed", folder);
	int r;

	if (n < 0 || (size_t)n >= path_size) {
		return -ENAMETOOLONG;
	}
	r = folder_move(spool->active, id, good ? spool->done : spool->failed, folder);
	if (r >= 0) {
		memcpy(ret_path, path, (size_t)n + 1);
	}
	return r;
}

/* "2026-11-22T091500Z-": what people put into done themselves is theirs to remove. */
static bool spool_has_stamp(const char *name)
{
	static const char pattern[] = "0000-00-00T000000Z-";

	for (size_t i = 0; pattern[i]; i++) {
		bool is_digit = name[i] >= '0' && name[i] <= '9';

		if (pattern[i] == '0' ? !is_digit : name[i] != pattern[i]) {
			return false;
		}
	}
	return true;
}

/*
 * By stamp. The folder that was settled just now stays even where the clock has gone back. What
 * cannot be removed stays: the attempt is settled all the same.
 */
static void spool_keep_quota(int done, const char *newest)
{
	__attribute__((cleanup(folder_names_done))) struct folder_names names = FOLDER_NAMES_INIT;
	size_t n_kept = 0;

	if (folder_names_read(&names, done) < 0) {
		return;
	}
	for (size_t i = names.n_names; i > 0; i--) {
		const char *name = names.names[i - 1];

		if (!spool_has_stamp(name) || strcmp(name, newest) == 0) {
			continue;
		}
		if (++n_kept >= SPOOL_DONE_MAX) {
			(void)folder_remove(done, name);
		}
	}
}

int spool_settle(struct spool *spool, const char *id, const char *name, const char *stamp,
	bool good, char *ret_path, size_t path_size)
{
	__attribute__((cleanup(spool_close))) int attempt = spool_open_attempt(spool, id);
	char folder[NAME_MAX + 1];
	int r = attempt < 0 ? attempt : spool_has_only_copy(attempt) ? -ENOTEMPTY : -EEXIST;

	for (unsigned i = 1; i <= SPOOL_TRIES && r == -EEXIST; i++) {
		r = spool_folder_name(folder, stamp, name, i);
		if (r >= 0) {
			r = spool_settle_once(spool, id, good, folder, ret_path, path_size);
		}
	}
	if (r < 0) {
		return r;
	}
	if (good) {
		spool_keep_quota(spool->done, folder);
	}
	return 0;
}

int spool_write(struct spool *spool, const char *id, const char *file, const char *text)
{
	__attribute__((cleanup(spool_close))) int attempt = -EBADF;

	/* Under a name that a job can have it could replace the job's file. */
	if (arrival_name_is_job(file) || strchr(file, '/')) {
		return -EINVAL;
	}
	attempt = spool_open_attempt(spool, id);
	return attempt < 0 ? attempt : folder_write(attempt, file, text);
}

static bool spool_name_is_of_person(const char *name)
{
	for (const char *const *ending = arrival_sidecars; *ending; ending++) {
		size_t n = strlen(name), m = strlen(*ending);

		if (n > m && strcmp(name + n - m, *ending) == 0) {
			return true;
		}
	}
	return arrival_name_is_job(name);
}

int spool_forget(struct spool *spool, const char *id)
{
	__attribute__((cleanup(folder_names_done))) struct folder_names names = FOLDER_NAMES_INIT;
	__attribute__((cleanup(spool_close))) int attempt = spool_open_attempt(spool, id);
	int r = attempt < 0 ? attempt : folder_names_read(&names, attempt);

	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < names.n_names; i++) {
		if (spool_name_is_of_person(names.names[i])) {
			return -ENOTEMPTY;
		}
	}
	if (spool_has_only_copy(attempt)) {
		return -ENOTEMPTY;
	}
	return folder_remove(spool->active, id);
}

static int spool_tell(const struct spool *spool, const char *id,
	int (*fn)(void *user, const char *id, const char *file), void *user)
{
	__attribute__((cleanup(folder_names_done))) struct folder_names names = FOLDER_NAMES_INIT;
	__attribute__((cleanup(spool_close))) int attempt = spool_open_attempt(spool, id);
	const char *file = NULL;
	int r = attempt < 0 ? attempt : folder_names_read(&names, attempt);

	if (r < 0) {
		return r == -ENOTDIR ? 0 : r;
	}
	for (size_t i = 0; i < names.n_names && !file; i++) {
		file = arrival_name_is_job(names.names[i]) ? names.names[i] : NULL;
	}
	return fn(user, id, file);
}

/* The list is made first: fn may settle, give back or forget. What is no folder is none of ours. */
int spool_each(
	struct spool *spool, int (*fn)(void *user, const char *id, const char *file), void *user)
{
	__attribute__((cleanup(folder_names_done))) struct folder_names ids = FOLDER_NAMES_INIT;
	int r = folder_names_read(&ids, spool->active);

	for (size_t i = 0; i < ids.n_names && r == 0; i++) {
		if (spool_id_is_valid(ids.names[i])) {
			r = spool_tell(spool, ids.names[i], fn, user);
		}
	}
	return r;
}
