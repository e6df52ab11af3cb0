/* SPDX-License-Identifier: MIT */
/*
 * The daemon's part of a backup: the worker has written and synced it; here it is read back, named
 * by what it holds and noted, in this order: vault, record, quota, journal. A daemon that dies in
 * between has given no GO, so nothing is lost but the attempt.
 *
 * The record's lines are not synced here: the worker's next one is, in the same file, before it
 * erases anything. A file system that forgets the move in a power cut still has the worker's file,
 * which was synced; who finds the record finds that.
 */
#include "dfud/custody.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dfud/daemon.h"
#include "dfud/folder.h"
#include "dfud/journey.h"
#include "dfud/keep.h"
#include "dfud/memory.h"
#include "dfud/notice.h"
#include "dfud/vault.h"
#include "record/record.h"

#define CUSTODY_PATH (SPOOL_ID_LENGTH + sizeof(SPOOL_BACKUP) + 1)

static void custody_path(char ret[static CUSTODY_PATH], const char *id)
{
	snprintf(ret, CUSTODY_PATH, "%.*s/%s", SPOOL_ID_LENGTH, id, SPOOL_BACKUP);
}

int custody_make_file(const struct assignment *a)
{
	char path[CUSTODY_PATH];
	int fd;

	custody_path(path, a->id);
	fd = openat(a->daemon->spool.active, path,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

void custody_drop(const struct daemon *daemon, const char *id)
{
	char path[CUSTODY_PATH];

	custody_path(path, id);
	(void)unlinkat(daemon->spool.active, path, 0);
}

void custody_end(const struct assignment *a)
{
	struct backup there;
	struct record record;
	bool needed =
		a->backup[0] != '\0' && !vault_has(a->daemon->spool.backup, a->backup, &there);

	if (needed && memory_read(a->daemon, a->id, &record) >= 0) {
		custody_adopt(a->daemon, &record);
		needed = record.erasing && !vault_has(a->daemon->spool.backup, a->backup, &there);
	}
	if (!needed) {
		custody_drop(a->daemon, a->id);
	}
}

/* Digests that must outlive the quota. */
struct custody_keeps {
	struct daemon *daemon;
	char (*digests)[65];
	size_t n;
	bool full; /* no memory: nothing may be thrown away */
};

static void custody_add(struct custody_keeps *keeps, const char *digest)
{
	char(*more)[65];

	if (digest[0] == '\0' || keeps->full) {
		return;
	}
	more = reallocarray(keeps->digests, keeps->n + 1, sizeof(*more));
	if (more == NULL) {
		keeps->full = true;
		return;
	}
	keeps->digests = more;
	snprintf(keeps->digests[keeps->n++], sizeof(*more), "%.64s", digest);
}

/* Attempts under way, also those of an earlier daemon's workers, and failed ones that wait. */
static int custody_add_attempt(void *user, const char *id, const char *file)
{
	struct custody_keeps *keeps = user;
	struct record record = RECORD_INIT;
	const int r = memory_read(keeps->daemon, id, &record);

	(void)file;
	if (r == 0 || r == -EWOULDBLOCK) {
		custody_add(keeps, record.backup);
		custody_add(keeps, record.first_backup);
	}
	return 0;
}

static void custody_limit(struct daemon *daemon, const char *newest)
{
	const struct settings *settings = &daemon->configuration.settings;
	struct custody_keeps keeps = {.daemon = daemon};
	const char **list;

	custody_add(&keeps, newest);
	(void)spool_each(&daemon->spool, custody_add_attempt, &keeps);
	for (const struct job *job = daemon->jobs.first; job != NULL; job = job->next) {
		custody_add(&keeps, job->restores ? job->backup.sha256 : "");
		custody_add(&keeps, job->first_backup);
	}
	list = keeps.full ? NULL : calloc(keeps.n, sizeof(*list));
	for (size_t i = 0; list != NULL && i < keeps.n; i++) {
		list[i] = keeps.digests[i];
	}
	if (list != NULL) { /* else the next backup tries again */
		vault_limit(daemon->spool.backup, settings->backup_max_size,
			settings->backup_max_count, list, keeps.n);
	}
	free(list);
	free(keeps.digests);
}

/* Lines of the record: those members that are set. 0 or -errno. */
static int custody_append(const struct assignment *a, const struct record *set)
{
	char lines[RECORD_MAX];
	const int n = record_write(set, lines, sizeof(lines));

	return n < 0 ? n : memory_append(a->daemon, a->id, lines);
}

/* What the next daemon needs to tell the end of this attempt. */
static int custody_note_plan(const struct assignment *a, const struct message *plan)
{
	struct record set = {.address = plan->address, .leave_address = plan->leave};

	snprintf(set.base, sizeof(set.base), "%s", plan->base);
	return custody_append(a, &set);
}

/* All that its note says, so that it can be written again. */
static int custody_note_backup(const struct assignment *a, const struct backup *note)
{
	struct record set = {.backup_address = note->address,
		.backup_size = note->size,
		.backup_alternate = note->alternate};

	snprintf(set.backup, sizeof(set.backup), "%s", note->sha256);
	snprintf(set.backup_map, sizeof(set.backup_map), "%s", note->layout);
	snprintf(set.backup_found, sizeof(set.backup_found), "%s", note->found);
	return custody_append(a, &set);
}

/* The worker's file into the vault. */
static enum reason custody_take_file(
	struct assignment *a, const struct message *plan, int folder, char *text, size_t size)
{
	struct backup note;
	enum reason reason;
	int r;

	keep_note(&note, journey_tell(a->journey), plan);
	reason = keep_backup(a->daemon->spool.backup, folder, SPOOL_BACKUP, &note, text, size);
	if (reason != REASON_NONE) {
		return reason;
	}
	r = custody_note_backup(a, &note);
	if (r < 0) {
		snprintf(text, size, "the attempt's record cannot be written: %s", strerror(-r));
		return REASON_NO_SPACE;
	}
	snprintf(a->backup, sizeof(a->backup), "%s", note.sha256);
	custody_limit(a->daemon, a->backup);
	journey_saved(a->journey, a->backup);
	return REASON_NONE;
}

enum reason custody_take(struct assignment *a, char *text, size_t size)
{
	const struct message *plan = &journey_attempt(a->journey)->plan;
	const int folder = folder_open(a->daemon->spool.active, a->id);
	const int r = folder < 0 ? folder : custody_note_plan(a, plan);
	enum reason reason = REASON_NONE;

	if (r < 0) {
		snprintf(text, size, "the attempt's record cannot be written: %s", strerror(-r));
		reason = REASON_NO_SPACE;
	} else if (plan->saved_size > 0) {
		reason = custody_take_file(a, plan, folder, text, size);
	}
	custody_drop(a->daemon, a->id); /* empty, or not taken and so nothing will be erased */
	if (folder >= 0) {
		close(folder);
	}
	return reason;
}

/* The note as it was, from the record that says the same. */
static void custody_recall(struct backup *ret, const struct record *record)
{
	*ret = (struct backup)BACKUP_INIT;
	snprintf(ret->sha256, sizeof(ret->sha256), "%s", record->backup);
	ret->address = record->backup_address;
	ret->alternate = record->backup_alternate;
	ret->size = record->backup_size;
	ret->when_us = record->begun_us;
	snprintf(ret->usb_id, sizeof(ret->usb_id), "%s", record->usb_id);
	snprintf(ret->serial, sizeof(ret->serial), "%s", record->serial);
	snprintf(ret->port, sizeof(ret->port), "%s", record->port);
	snprintf(ret->path, sizeof(ret->path), "%s", record->path);
	snprintf(ret->profile, sizeof(ret->profile), "%s", record->profile);
	snprintf(ret->layout, sizeof(ret->layout), "%s", record->backup_map);
	snprintf(ret->found, sizeof(ret->found), "%s", record->backup_found);
	snprintf(ret->attempt, sizeof(ret->attempt), "%s", record->id);
	snprintf(ret->file, sizeof(ret->file), "%s", record->file);
}

/* Nothing was erased, or it was there when the verdict was told and a person has removed it. */
static bool custody_is_of_no_matter(const struct record *record, int error)
{
	return !record->erasing || (error == -ENOENT && record->verdict[0] != '\0');
}

void custody_adopt(struct daemon *daemon, const struct record *record)
{
	struct backup note;
	int folder, r;

	if (record->backup[0] == '\0' || vault_has(daemon->spool.backup, record->backup, &note)) {
		return;
	}
	custody_recall(&note, record);
	folder = folder_open(daemon->spool.active, record->id);
	r = folder < 0 ? folder : vault_keep(daemon->spool.backup, folder, SPOOL_BACKUP, &note);
	if (r == -ENOENT) { /* only the note is missing */
		r = vault_note(daemon->spool.backup, &note);
	}
	if (folder >= 0) {
		close(folder);
	}
	if (r < 0 && !custody_is_of_no_matter(record, r)) {
		notice_trouble(REASON_NO_BACKUP,
			"the backup of an attempt cannot be put into the folder backup; if it is "
			"in active/, it stays there until that works",
			r);
	}
}
