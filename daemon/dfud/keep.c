/* SPDX-License-Identifier: MIT */
/*
 * The daemon's part of a backup: the worker has written and synced it; here it is read back, named
 * by what it holds and noted, in this order: vault, record, quota, journal. A daemon that dies in
 * between has given no GO, so nothing is lost but the attempt.
 *
 * The record's line is not synced here: the worker's next one is, in the same file, before it
 * erases anything.
 */
#include "dfud/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dfud/daemon.h"
#include "dfud/folder.h"
#include "dfud/journey.h"
#include "dfud/settle.h"
#include "dfud/vault.h"
#include "record/record.h"

void keep_note(struct backup *ret, const struct tell *t, const struct message *plan)
{
	*ret = (struct backup)BACKUP_INIT;
	ret->address = plan->saved_address;
	ret->size = plan->saved_size;
	ret->when_us = daemon_realtime_us();
	snprintf(ret->usb_id, sizeof(ret->usb_id), "%s", t->usb_id);
	snprintf(ret->serial, sizeof(ret->serial), "%s", t->serial);
	snprintf(ret->port, sizeof(ret->port), "%s", t->port);
	snprintf(ret->path, sizeof(ret->path), "%s", t->path);
	snprintf(ret->profile, sizeof(ret->profile), "%s", t->profile);
	snprintf(ret->layout, sizeof(ret->layout), "%s", plan->map);
	snprintf(ret->found, sizeof(ret->found), "%s", plan->saved);
	snprintf(ret->attempt, sizeof(ret->attempt), "%s", t->id);
	snprintf(ret->file, sizeof(ret->file), "%s", t->file);
}

enum reason keep_backup(
	int vault, int from, const char *name, struct backup *note, char *text, size_t size)
{
	const int r = vault_keep(vault, from, name, note);

	switch (r) {
	case 0:
		return REASON_NONE;
	case -EBADMSG:
		snprintf(text, size,
			"what was saved of the board is not on the disk as it was read; is the "
			"disk "
			"in order?");
		return REASON_NO_BACKUP;
	case -EPROTONOSUPPORT:
		snprintf(text, size,
			"the folder of backups holds these bytes with a note of a newer dfud; use "
			"that one");
		return REASON_NO_BACKUP;
	default:
		snprintf(
			text, size, "what was saved of the board cannot be kept: %s", strerror(-r));
		return REASON_NO_SPACE;
	}
}

int keep_make_file(const struct assignment *a)
{
	char path[SPOOL_ID_LENGTH + sizeof(KEEP_FILE) + 1];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", a->id, KEEP_FILE);
	fd = openat(a->daemon->spool.active, path,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

void keep_drop_file(struct daemon *daemon, const char *id)
{
	char path[SPOOL_ID_LENGTH + sizeof(KEEP_FILE) + 1];

	snprintf(path, sizeof(path), "%s/%s", id, KEEP_FILE);
	(void)unlinkat(daemon->spool.active, path, 0);
}

/* Never one of a running attempt. */
static void keep_limit(const struct daemon *daemon)
{
	const struct settings *settings = &daemon->configuration.settings;
	const char **keep = calloc(daemon->n_assignments + 1, sizeof(*keep));
	size_t n = 0;

	if (keep == NULL) {
		return; /* the next backup tries again */
	}
	for (const struct assignment *a = daemon->assignments; a != NULL; a = a->next) {
		if (a->backup[0] != '\0') {
			keep[n++] = a->backup;
		}
	}
	vault_limit(daemon->spool.backup, settings->backup_max_size, settings->backup_max_count,
		keep, n);
	free(keep);
}

/* What the next daemon needs to tell the end of this attempt. */
static void keep_plan(const struct assignment *a, const struct message *plan)
{
	char line[128];

	snprintf(line, sizeof(line),
		"Address=0x%08" PRIx32 "\nLeaveAddress=0x%08" PRIx32 "\nBase=%s\n", plan->address,
		plan->leave, plan->base);
	settle_note(a->daemon, a->id, line);
}

static void keep_record(const struct assignment *a, const struct backup *note)
{
	char line[192];

	snprintf(line, sizeof(line),
		"Backup=%s\nBackupAddress=0x%08" PRIx32 "\nBackupSize=%" PRIu64 "\n", note->sha256,
		note->address, note->size);
	settle_note(a->daemon, a->id, line);
}

enum reason keep_attempt(struct assignment *a, char *text, size_t size)
{
	const struct message *plan = &journey_attempt(a->journey)->plan;
	const struct spool *spool = &a->daemon->spool;
	struct backup note;
	enum reason reason;
	int folder = folder_open(spool->active, a->id);

	if (folder < 0) {
		snprintf(
			text, size, "the attempt's folder cannot be opened: %s", strerror(-folder));
		return REASON_NO_SPACE;
	}
	keep_plan(a, plan);
	if (plan->saved_size == 0) {
		(void)unlinkat(folder, KEEP_FILE, 0);
		close(folder);
		return REASON_NONE;
	}
	keep_note(&note, journey_tell(a->journey), plan);
	reason = keep_backup(spool->backup, folder, KEEP_FILE, &note, text, size);
	(void)unlinkat(folder, KEEP_FILE, 0); /* where it was not taken */
	close(folder);
	if (reason == REASON_NONE) {
		snprintf(a->backup, sizeof(a->backup), "%s", note.sha256);
		keep_record(a, &note);
		keep_limit(a->daemon);
		journey_saved(a->journey, a->backup);
	}
	return reason;
}

void keep_adopt(struct daemon *daemon, const struct record *record)
{
	struct backup note = BACKUP_INIT;
	struct backup there;
	int folder;

	if (record->backup[0] == '\0' || vault_has(daemon->spool.backup, record->backup, &there)) {
		return;
	}
	folder = folder_open(daemon->spool.active, record->id);
	if (folder < 0) {
		return;
	}
	note.address = record->backup_address;
	note.size = record->backup_size;
	note.when_us = record->begun_us;
	snprintf(note.usb_id, sizeof(note.usb_id), "%s", record->usb_id);
	snprintf(note.serial, sizeof(note.serial), "%s", record->serial);
	snprintf(note.port, sizeof(note.port), "%s", record->port);
	snprintf(note.path, sizeof(note.path), "%s", record->path);
	snprintf(note.profile, sizeof(note.profile), "%s", record->profile);
	snprintf(note.attempt, sizeof(note.attempt), "%s", record->id);
	snprintf(note.file, sizeof(note.file), "%s", record->file);
	(void)vault_keep(daemon->spool.backup, folder, KEEP_FILE, &note);
	close(folder);
}
