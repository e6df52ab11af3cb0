/* SPDX-License-Identifier: MIT */
/*
 * Recovery from records.
 *
 *   record locked            a worker of an earlier daemon still runs: look again in half a second
 *   no file, no verdict      the attempt had not begun to erase: forgotten, the file is in the
 * queue no file, a verdict       a failed attempt that its job remembers file, no verdict
 * interrupted: goes on from its marks (attempt_resume) file, a verdict          only the move is
 * missing no record that is one    the file goes to failed/, so that it is not flashed in a loop a
 * newer Format           left alone and said
 */
#include "dfud/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dfud/assignment.h"
#include "dfud/hotplug.h"
#include "dfud/manager.h"
#include "dfud/notice.h"
#include "dfud/settle.h"
#include "record/record.h"
#include "record/verdict.h"

#define RECOVER_AGAIN_US 500000

struct recover_round {
	struct manager *manager;
	bool pending; /* somebody still works */
};

int recover_read(const struct manager *m, const char *id, struct record *ret)
{
	char path[64];
	char text[RECORD_MAX];
	ssize_t n = -1;
	int r = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/record", id);
	fd = openat(m->spool.active, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		return errno == ENOENT ? -EBADMSG : -errno;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
	} else {
		n = read(fd, text, sizeof(text));
		r = n < 0 ? -errno : record_read(ret, text, (size_t)n);
	}
	close(fd);
	if (r == 0 && strcmp(ret->id, id) != 0) {
		r = -EBADMSG;
	}
	return r;
}

static bool recover_is_resumed(const struct manager *m, const char *id)
{
	for (const struct assignment *a = m->assignments; a != NULL; a = a->next) {
		if (strcmp(a->id, id) == 0) {
			return true;
		}
	}
	return false;
}

static bool recover_is_remembered(const struct manager *m, const char *id)
{
	for (const struct remembered *r = m->remembered; r != NULL; r = r->next) {
		if (strcmp(r->id, id) == 0) {
			return true;
		}
	}
	for (const struct job *job = m->jobs.first; job != NULL; job = job->next) {
		if (strcmp(job->memory, id) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether the job that a record remembers still lies in the queue. */
static bool recover_is_queued(const struct manager *m, const struct record *record)
{
	struct stat st;

	return fstatat(m->spool.queue, record->file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == record->inode && (uint64_t)st.st_size == record->size &&
	       (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec ==
		       record->mtime_ns;
}

static void recover_settle(struct manager *m, const char *id, const char *file, bool good)
{
	char stamp[32];
	char where[512];

	settle_stamp(stamp, sizeof(stamp));
	if (spool_settle(&m->spool, id, file, stamp, good, where, sizeof(where)) == 0) {
		notice_settled(id, file, where, REASON_NONE, 0);
	}
}

/* The verdict was told, the move is missing. */
static void recover_move(struct manager *m, const struct record *record, const char *file)
{
	const enum verdict verdict = verdict_from_string(record->verdict);
	const bool good = verdict >= 0 && verdict_is_flashed(verdict);

	if (good || record->number >= record->max_attempts) {
		recover_settle(m, record->id, file, good);
		return;
	}
	if (spool_give_back(&m->spool, record->id, file) == 0) {
		manager_remember(m, record->id);
	} else {
		recover_settle(m, record->id, file, false);
	}
}

/* What the port shows now stands for the events that nobody heard. */
static int recover_resume(struct manager *m, const struct record *record)
{
	struct hotplug_device device;
	struct port *port;
	int r = assignment_resume(m, record, true);

	if (r < 0) {
		return r;
	}
	port = port_find(&m->ports, record->port);
	if (record->left) { /* back in DFU mode is the same visit, not a new one */
		port->visit = 1;
		port_note_left(port, manager_now_us(), record->within_ms * 1000);
	}
	if (hotplug_look(m->hotplug, record->port, &device) > 0) {
		manager_take_present(m, &device);
	}
	return 0;
}

static void recover_good(
	struct manager *m, const char *id, const char *file, const struct record *record)
{
	if (file == NULL && record->verdict[0] == '\0') {
		(void)spool_forget(&m->spool, id);
	} else if (file == NULL && recover_is_queued(m, record)) {
		manager_remember(m, id);
	} else if (file == NULL) {
		(void)spool_forget(&m->spool, id);
	} else if (record->verdict[0] != '\0') {
		recover_move(m, record, file);
	} else if (recover_resume(m, record) < 0) {
		notice_trouble(REASON_NO_SPACE,
			"an interrupted attempt cannot be read again; it stays in active/",
			-ENOMEM);
	}
}

static int recover_one(void *user, const char *id, const char *file)
{
	struct recover_round *round = user;
	struct manager *m = round->manager;
	struct record record;
	int r;

	if (recover_is_resumed(m, id) || recover_is_remembered(m, id)) {
		return 0;
	}
	r = recover_read(m, id, &record);
	if (r == 0) {
		recover_good(m, id, file, &record);
	} else if (r == -EWOULDBLOCK) {
		round->pending = true;
	} else if (r == -EPROTONOSUPPORT) {
		notice_trouble(REASON_CONFIG,
			"an attempt in active/ was recorded by a newer dfud and is left alone", 0);
	} else if (file != NULL) {
		recover_settle(m, id, file, false);
	} else {
		(void)spool_forget(&m->spool, id);
	}
	return 0;
}

static int recover_on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct manager *m = user;

	(void)source;
	(void)usec;
	m->recover = sd_event_source_unref(m->recover);
	(void)recover(m);
	return 0;
}

int recover(struct manager *m)
{
	struct recover_round round = {.manager = m};
	int r = spool_each(&m->spool, recover_one, &round);

	if (round.pending) {
		r = sd_event_add_time(m->event, &m->recover, CLOCK_MONOTONIC,
			manager_now_us() + RECOVER_AGAIN_US, 0, recover_on_timer, m);
	} else {
		manager_wake(m);
	}
	return r;
}
