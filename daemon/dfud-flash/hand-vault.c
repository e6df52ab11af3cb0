/* SPDX-License-Identifier: MIT */
/*
 * Where a person's backups are. The daemon's own folder comes first, so that what was saved by hand
 * as root lies beside what dfud saved, and so that everybody can restore what lies there. The usual
 * quota holds in the person's own folder; that of the daemon is the daemon's to limit, and in one
 * that was named nothing is removed.
 */
#include "dfud-flash/hand-vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "config/settings.h"
#include "dfud/keep.h"
#include "dfud/vault.h"

#define HAND_VAULT_SYSTEM "/var/lib/dfud/backup"
#define HAND_VAULT_OWN	  "dfud/backup"

/* The caller's own folder. 0; -ENOENT where there is no home, -ENAMETOOLONG. */
static int hand_vault_own(char *ret, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int n = -1;

	ret[0] = '\0';
	if (state != NULL && state[0] == '/') {
		n = snprintf(ret, size, "%s/%s", state, HAND_VAULT_OWN);
	} else if (home != NULL && home[0] == '/') {
		n = snprintf(ret, size, "%s/.local/state/%s", home, HAND_VAULT_OWN);
	}
	if (n < 0) {
		return -ENOENT;
	}
	return (size_t)n < size ? 0 : -ENAMETOOLONG;
}

/* Makes every folder of the path that is not there. 0 or -errno. */
static int hand_vault_make(const char *path)
{
	char part[512];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0755) < 0 && errno != EEXIST) {
			return -errno;
		}
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int hand_vault_open_folder(struct hand_vault *v, const char *path)
{
	snprintf(v->path, sizeof(v->path), "%s", path);
	v->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->folder < 0) {
		return -errno;
	}
	if (faccessat(v->folder, ".", W_OK | X_OK, AT_EACCESS) < 0) {
		const int r = -errno;

		close(v->folder);
		v->folder = -EBADF;
		return r;
	}
	return 0;
}

static int hand_vault_open_usual(struct hand_vault *v)
{
	char own[sizeof(v->path)];
	int r;

	if (hand_vault_open_folder(v, HAND_VAULT_SYSTEM) == 0) {
		return 0;
	}
	r = hand_vault_own(own, sizeof(own));
	if (r >= 0) {
		r = hand_vault_make(own);
	}
	return r < 0 ? r : hand_vault_open_folder(v, own);
}

int hand_vault_open(struct hand_vault *v, const char *folder)
{
	int r = folder != NULL ? hand_vault_open_folder(v, folder) : hand_vault_open_usual(v);
	char id[SD_ID128_STRING_MAX];
	sd_id128_t random;

	if (r >= 0) {
		r = sd_id128_randomize(&random);
	}
	if (r < 0) {
		return r;
	}
	snprintf(v->draft, sizeof(v->draft), ".hand-%s.part", sd_id128_to_string(random, id));
	v->file = openat(
		v->folder, v->draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (v->file < 0) {
		v->draft[0] = '\0';
		return -errno;
	}
	return 0;
}

int hand_vault_pretend(struct hand_vault *v)
{
	v->file = memfd_create("backup", MFD_CLOEXEC);
	return v->file < 0 ? -errno : 0;
}

void hand_vault_done(struct hand_vault *v)
{
	if (v->draft[0] != '\0') {
		(void)unlinkat(v->folder, v->draft, 0);
	}
	if (v->file >= 0) {
		close(v->file);
	}
	if (v->folder >= 0) {
		close(v->folder);
	}
	*v = (struct hand_vault)HAND_VAULT_INIT;
}

/* The daemon's folder has the daemon's quota; a person's own has the usual one. */
static void hand_vault_limit(const struct hand_vault *v, const char *newest, const char *restored)
{
	const char *const keep[] = {newest, restored};
	char own[sizeof(v->path)];
	struct settings usual;

	if (hand_vault_own(own, sizeof(own)) == 0 && strcmp(own, v->path) == 0) {
		settings_init(&usual);
		vault_limit(v->folder, usual.backup_max_size, usual.backup_max_count, keep, 2);
		settings_done(&usual);
	}
}

/* By hand there is no record whose next line would make it durable. 0 or -errno. */
static int hand_vault_sync(const struct hand_vault *v)
{
	return syncfs(v->folder) < 0 ? -errno : 0;
}

enum reason hand_vault_keep(
	struct hand_vault *v, struct backup *note, const char *restored, char *text, size_t size)
{
	const enum reason reason = keep_backup(v->folder, v->folder, v->draft, note, text, size);
	int r;

	if (reason != REASON_NONE) {
		return reason;
	}
	v->draft[0] = '\0';
	r = hand_vault_sync(v);
	if (r < 0) {
		snprintf(text, size, "what was saved of the board cannot be made durable: %s",
			strerror(-r));
		return REASON_NO_SPACE;
	}
	hand_vault_limit(v, note->sha256, restored);
	return REASON_NONE;
}

static int hand_vault_find_in(const char *path, const char *digits, struct backup *ret, int *ret_fd)
{
	const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (folder < 0) {
		return -errno;
	}
	r = vault_find(folder, digits, ret, ret_fd);
	close(folder);
	return r;
}

static void hand_vault_explain(int error, const char *digits, char *text, size_t size)
{
	switch (error) {
	case -ENOENT:
		snprintf(text, size, "there is no backup that begins with %s", digits);
		return;
	case -ENOTUNIQ:
		snprintf(text, size, "several backups begin with %s: give more digits", digits);
		return;
	case -EBADMSG:
		snprintf(text, size,
			"the backup %s is damaged: its bytes are not those that were saved, or its "
			"note is missing",
			digits);
		return;
	case -EPROTONOSUPPORT:
		snprintf(text, size, "the backup %s was made by a newer dfud", digits);
		return;
	default:
		snprintf(text, size, "the backup %s cannot be read: %s", digits, strerror(-error));
		return;
	}
}

int hand_vault_find(const char *folder, const char *digits, struct backup *ret, int *ret_fd,
	char *text, size_t size)
{
	char own[512];
	int r;

	if (folder != NULL) {
		r = hand_vault_find_in(folder, digits, ret, ret_fd);
	} else {
		r = hand_vault_find_in(HAND_VAULT_SYSTEM, digits, ret, ret_fd);
		if (r < 0 && hand_vault_own(own, sizeof(own)) == 0) {
			const int again = hand_vault_find_in(own, digits, ret, ret_fd);

			r = again == -ENOENT ? r : again;
		}
	}
	if (r < 0) {
		hand_vault_explain(r, digits, text, size);
	}
	return r;
}
