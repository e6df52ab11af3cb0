/* SPDX-License-Identifier: MIT */
/*
 * The folder of backups.
 *
 * A name is the digest of the content, so a name can only ever mean one content, and whoever finds
 * other bytes under it has found damage. That is why the bytes are hashed whenever they come in or
 * go out, and why bytes that are sound are never replaced, not even by the same: whoever wrote the
 * new ones may still hold them open.
 *
 *	worker		.backup written and synced in the attempt's folder
 *	vault_keep	hash, note (draft, rename), bytes (rename)
 *
 * A power cut leaves one of these: no note, a note without bytes (removed after an hour), or both.
 * The note is not waited for, only its writing begun, so that the next sync of the worker, before
 * the first erase, finds it under way; one that was lost makes its bytes damaged until they come
 * again.
 *
 * Invariants: no name is opened that is no regular file; only names of ours are removed.
 */
#include "dfud/vault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dfud/digest.h"
#include "dfud/folder.h"
#include "dfud/vault-name.h"

enum {
	VAULT_DIGITS_MIN = 8,
	VAULT_MODE = 0644,
};

static_assert(sizeof(((struct backup *)0)->sha256) == DIGEST_SIZE, "the digits fit");

static void vault_close(const int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
	}
}

/* Looked at before it is opened, because opening a device can already do something. */
static int vault_open(int folder, const char *name, struct stat *ret)
{
	int fd;

	if (fstatat(folder, name, ret, AT_SYMLINK_NOFOLLOW) < 0) {
		return -errno;
	}
	if (!S_ISREG(ret->st_mode)) {
		return -EBADMSG;
	}
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		return errno == ELOOP ? -EBADMSG : -errno;
	}
	if (fstat(fd, ret) < 0 || !S_ISREG(ret->st_mode)) {
		(void)close(fd);
		return -EBADMSG;
	}
	return fd;
}

static bool vault_is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool vault_is_unchanged(int fd, const struct stat *before)
{
	struct stat now;

	return fstat(fd, &now) >= 0 && now.st_size == before->st_size &&
	       vault_is_same_time(&now.st_mtim, &before->st_mtim) &&
	       vault_is_same_time(&now.st_ctim, &before->st_ctim);
}

/* What the disk holds, where nothing of it is still to be written: not what memory remembers. */
static int vault_hash(int fd, const struct stat *st, char ret[static DIGEST_SIZE])
{
	int r;

	if (st->st_size < 1 || (uint64_t)st->st_size > BACKUP_SIZE_MAX) {
		return -EBADMSG;
	}
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	r = digest_take(fd, (uint64_t)st->st_size, ret);
	if (r == -EFBIG || (r >= 0 && !vault_is_unchanged(fd, st))) {
		return -EBADMSG;
	}
	return r;
}

/* As vault_hash, where the bytes must be those of a digest. */
static int vault_check(int fd, const struct stat *st, const struct backup *note)
{
	char digest[DIGEST_SIZE];
	int r;

	if ((uint64_t)st->st_size != note->size) {
		return -EBADMSG;
	}
	r = vault_hash(fd, st, digest);
	if (r >= 0 && strcmp(digest, note->sha256) != 0) {
		r = -EBADMSG;
	}
	return r;
}

static int vault_read(int fd, char ret[static BACKUP_MAX + 1])
{
	size_t n = 0;

	while (n < BACKUP_MAX + 1) {
		ssize_t r = read(fd, ret + n, BACKUP_MAX + 1 - n);

		if (r < 0 && errno != EINTR) {
			return -errno;
		}
		if (r == 0) {
			break;
		}
		n += r > 0 ? (size_t)r : 0;
	}
	return (int)n;
}

static int vault_read_note(int vault, const char *digest, struct backup *ret)
{
	char name[VAULT_NAME_SIZE], text[BACKUP_MAX + 1];
	__attribute__((cleanup(vault_close))) int fd = -EBADF;
	struct backup note;
	struct stat st;
	int r;

	vault_name_write(name, digest, VAULT_NOTE);
	fd = vault_open(vault, name, &st);
	r = fd < 0 ? fd : vault_read(fd, text);
	if (r < 0) {
		return r;
	}
	r = backup_read(&note, text, (size_t)r);
	if (r < 0) {
		return r;
	}
	if (strcmp(note.sha256, digest) != 0) {
		return -EBADMSG;
	}
	*ret = note;
	return 0;
}

/* 0644 whatever the umask is. The writing begins here and is not waited for: see above. */
static int vault_publish_note(int vault, const char *name)
{
	struct stat st;
	__attribute__((cleanup(vault_close))) int fd = vault_open(vault, name, &st);

	if (fd < 0) {
		return fd;
	}
	if (fchmod(fd, VAULT_MODE) < 0) {
		return -errno;
	}
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int vault_write_note(int vault, const struct backup *note)
{
	char name[VAULT_NAME_SIZE], text[BACKUP_MAX];
	struct backup back;
	int r = backup_write(note, text, sizeof(text));

	if (r >= 0) {
		r = backup_read(&back, text, (size_t)r);
	}
	if (r < 0) {
		return r;
	}
	if (vault_read_note(vault, note->sha256, &back) == -EPROTONOSUPPORT) {
		return -EPROTONOSUPPORT;
	}
	vault_name_write(name, note->sha256, VAULT_NOTE);
	r = folder_write(vault, name, text);
	return r < 0 ? r : vault_publish_note(vault, name);
}

/* Whether the same bytes are there already, and are the newest from now on. */
static bool vault_renew(int vault, const char *name, const struct backup *note)
{
	struct stat st;
	__attribute__((cleanup(vault_close))) int fd = vault_open(vault, name, &st);

	return fd >= 0 && st.st_nlink == 1 && vault_check(fd, &st, note) >= 0 &&
	       fchmod(fd, VAULT_MODE) >= 0 && futimens(fd, NULL) >= 0;
}

/* By the time of the rename the name may mean another file than the one that was hashed. */
static int vault_move(int vault, const char *new_name, int from, const char *name, int hashed)
{
	struct stat a, b;

	if (renameat(from, name, vault, new_name) < 0) {
		return -errno;
	}
	if (fstat(hashed, &a) < 0 || fstatat(vault, new_name, &b, AT_SYMLINK_NOFOLLOW) < 0) {
		return -errno;
	}
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino) {
		(void)unlinkat(vault, new_name, 0);
		return -EBADMSG;
	}
	return 0;
}

static int vault_take(int vault, int from, const char *name, int hashed, const struct backup *note)
{
	char new_name[VAULT_NAME_SIZE];
	struct backup merged = *note, earlier;
	int r;

	if (vault_has(vault, note->sha256, &earlier)) {
		backup_merge(&merged, &earlier);
	}
	r = vault_write_note(vault, &merged);
	if (r < 0) {
		return r;
	}
	vault_name_write(new_name, note->sha256, VAULT_BYTES);
	if (vault_renew(vault, new_name, note)) {
		return unlinkat(from, name, 0) < 0 ? -errno : 0;
	}
	if (fchmod(hashed, VAULT_MODE) < 0 || futimens(hashed, NULL) < 0) {
		return -errno;
	}
	return vault_move(vault, new_name, from, name, hashed);
}

int vault_keep(int vault, int from, const char *name, struct backup *note)
{
	__attribute__((cleanup(vault_close))) int fd = -EBADF;
	struct backup kept = *note;
	struct stat st;
	int r;

	assert(vault >= 0 && from >= 0 && !strchr(name, '/'));

	fd = vault_open(from, name, &st);
	if (fd < 0) {
		return fd;
	}
	if (st.st_nlink != 1 || (uint64_t)st.st_size != note->size) {
		return -EBADMSG;
	}
	r = vault_hash(fd, &st, kept.sha256);
	if (r < 0) {
		return r;
	}
	kept.format = BACKUP_FORMAT;
	r = vault_take(vault, from, name, fd, &kept);
	if (r >= 0) {
		*note = kept;
	}
	return r;
}

int vault_note(int vault, const struct backup *note)
{
	char name[VAULT_NAME_SIZE];
	__attribute__((cleanup(vault_close))) int fd = -EBADF;
	struct stat st;
	int r;

	vault_name_write(name, note->sha256, VAULT_BYTES);
	fd = vault_open(vault, name, &st);
	r = fd < 0 ? fd : vault_check(fd, &st, note);
	return r < 0 ? r : vault_write_note(vault, note);
}

/* Digits as a person may have copied them: in lower case, or -EINVAL. */
static int vault_digits_read(const char *digits, char ret[static DIGEST_SIZE])
{
	const size_t n = strlen(digits);

	if (n < VAULT_DIGITS_MIN || n > VAULT_DIGITS ||
		strspn(digits, "0123456789abcdefABCDEF") != n) {
		return -EINVAL;
	}
	for (size_t i = 0; i <= n; i++) {
		ret[i] =
			digits[i] >= 'A' && digits[i] <= 'F' ? (char)(digits[i] | 0x20) : digits[i];
	}
	return 0;
}

static int vault_match(int vault, const char *digits, char ret[static DIGEST_SIZE])
{
	__attribute__((cleanup(folder_names_done))) struct folder_names names = FOLDER_NAMES_INIT;
	char start[DIGEST_SIZE], digest[DIGEST_SIZE];
	unsigned n = 0;
	int r = vault_digits_read(digits, start);

	if (r >= 0) {
		r = folder_names_read(&names, vault);
	}
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < names.n_names; i++) {
		if (vault_name_read(names.names[i], "", VAULT_BYTES, digest) &&
			strncmp(digest, start, strlen(start)) == 0) {
			memcpy(ret, digest, sizeof(digest));
			n++;
		}
	}
	if (n == 0) {
		return -ENOENT;
	}
	return n > 1 ? -ENOTUNIQ : 0;
}

/* The bytes of a note, open and hashed. */
static int vault_open_bytes(int vault, const struct backup *note)
{
	char name[VAULT_NAME_SIZE];
	struct stat st;
	int fd, r;

	vault_name_write(name, note->sha256, VAULT_BYTES);
	fd = vault_open(vault, name, &st);
	r = fd < 0 ? fd : vault_check(fd, &st, note);
	if (r < 0) {
		vault_close(&fd);
		return r;
	}
	return fd;
}

int vault_find(int vault, const char *digits, struct backup *ret, int *ret_fd)
{
	char digest[DIGEST_SIZE];
	struct backup note;
	int fd, r;

	assert(vault >= 0);

	r = vault_match(vault, digits, digest);
	if (r < 0) {
		return r;
	}
	r = vault_read_note(vault, digest, &note);
	if (r < 0) {
		return r == -ENOENT ? -EBADMSG : r;
	}
	fd = vault_open_bytes(vault, &note);
	if (fd < 0) {
		return fd;
	}
	if (ret_fd) {
		*ret_fd = fd;
	} else {
		(void)close(fd);
	}
	*ret = note;
	return 0;
}

bool vault_has(int vault, const char *sha256, struct backup *ret)
{
	char name[VAULT_NAME_SIZE];
	struct backup note;
	struct stat st;

	if (!vault_name_is_digest(sha256) || vault_read_note(vault, sha256, &note) < 0) {
		return false;
	}
	vault_name_write(name, sha256, VAULT_BYTES);
	if (fstatat(vault, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		(uint64_t)st.st_size != note.size) {
		return false;
	}
	*ret = note;
	return true;
}
