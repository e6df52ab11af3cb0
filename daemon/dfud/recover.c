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
#include "dfud/boards.h"
#include "dfud/custody.h"
#include "dfud/daemon.h"
#include "dfud/hotplug.h"
#include "dfud/journey.h"
#include "dfud/memory.h"
#include "dfud/notice.h"
#include "dfud/settle.h"
#include "record/record.h"
#include "record/verdict.h"

#define RECOVER_AGAIN_US 500000

struct recover_round {
	struct daemon *daemon;
	bool first;   /* at start: what is left alone is said once */
	bool pending; /* somebody still works */
};

static bool recover_is_resumed(const struct daemon *daemon, const char *id)
{
	for (const struct assignment *a = daemon->assignments; a != NULL; a = a->next) {
		if (strcmp(a->id, id) == 0) {
			return true;
		}
	}
	return false;
}

static bool recover_is_remembered(const struct daemon *daemon, const char *id)
{
	for (const struct remembered *r = daemon->remembered; r != NULL; r = r->next) {
		if (strcmp(r->id, id) == 0) {
			return true;
		}
	}
	for (const struct job *job = daemon->jobs.first; job != NULL; job = job->next) {
		if (strcmp(job->memory, id) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether the job that a record remembers still lies in the queue. */
static bool recover_is_queued(const struct daemon *daemon, const struct record *record)
{
	struct stat st;

	return fstatat(daemon->spool.queue, record->file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == record->inode && (uint64_t)st.st_size == record->size &&
	       (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec ==
		       record->mtime_ns;
}

static void recover_settle(struct daemon *daemon, const char *id, const char *file, bool good)
{
	char stamp[32];
	char where[512];
	int r;

	settle_stamp(stamp, sizeof(stamp));
	r = spool_settle(&daemon->spool, id, file, stamp, good, where, sizeof(where));
	if (r < 0) {
		notice_unmoved(r);
		return;
	}
	notice_settled(id, file, where, REASON_NONE, 0);
}

/* The verdict was told, the move is missing. */
static void recover_move(struct daemon *daemon, const struct record *record, const char *file)
{
	const enum verdict verdict = verdict_from_string(record->verdict);
	const bool good = verdict >= 0 && verdict_is_flashed(verdict);

	if (good || record->number >= record->max_attempts) {
		recover_settle(daemon, record->id, file, good);
		return;
	}
	if (spool_give_back(&daemon->spool, record->id, file) == 0) {
		memory_keep(daemon, record->id, NULL, PORT_NEVER);
	} else {
		recover_settle(daemon, record->id, file, false);
	}
}

/*
 * What the port shows now stands for the events that nobody heard. After a restart of this computer
 * the port's name may be another one's: then nothing is concluded from it.
 */
static void recover_look(struct daemon *daemon, const struct record *record, struct port *port)
{
	const bool same_boot = strcmp(record->boot, daemon->boot) == 0;
	struct hotplug_device device;
	struct assignment *a = port->attempt;
	const int r = same_boot ? hotplug_look(daemon->hotplug, record->port, &device) : 0;

	if (r > 0 && device.number == record->device) { /* it never went */
		port->device = device;
		port->present = true;
		return;
	}
	if (a != NULL && a->journey != NULL) {
		journey_take_absent(a->journey);
	}
	if (r > 0) {
		boards_take_present(daemon, &device);
	}
}

static int recover_resume(struct daemon *daemon, const struct record *record, bool claimed)
{
	struct port *port = port_get(&daemon->ports, record->port);
	int r;

	if (port == NULL) {
		return -ENOMEM;
	}
	if (port->visit == 0) { /* what is there now is the same visit, not a new one */
		port->visit = 1;
	}
	if (record->left || record->verified) {
		port_note_left(port, daemon_now_us(), record->within_ms * 1000);
	}
	r = assignment_resume(daemon, record, claimed, settle_attempt);
	if (r >= 0) {
		recover_look(daemon, record, port);
	}
	return r;
}

/* Somebody still works there: nothing is begun on that port meanwhile. */
static void recover_wait(struct daemon *daemon, const struct record *record)
{
	struct port *port = port_get(&daemon->ports, record->port);

	if (port != NULL) {
		port->foreign = true;
	}
}

static void recover_good(
	struct daemon *daemon, const char *id, const char *file, const struct record *record)
{
	const bool told = record->verdict[0] != '\0';

	if (file == NULL && !told && !record->erasing) {
		custody_drop(daemon, id);
		(void)spool_forget(&daemon->spool, id);
	} else if (file == NULL && told && recover_is_queued(daemon, record)) {
		memory_keep(daemon, id, NULL, PORT_NEVER);
	} else if (file == NULL && told) {
		(void)spool_forget(&daemon->spool, id);
	} else if (told) {
		recover_move(daemon, record, file);
	} else if (recover_resume(daemon, record, file != NULL) < 0) {
		notice_trouble(REASON_NO_SPACE,
			"an interrupted attempt cannot be read again; it stays in active/",
			-ENOMEM);
	}
}

static int recover_one(void *user, const char *id, const char *file)
{
	struct recover_round *round = user;
	struct daemon *daemon = round->daemon;
	struct record record;
	int r;

	if (recover_is_resumed(daemon, id) || recover_is_remembered(daemon, id)) {
		return 0;
	}
	r = memory_read(daemon, id, &record);
	if (r == 0) {
		custody_adopt(daemon, &record);
		recover_good(daemon, id, file, &record);
	} else if (r == -EWOULDBLOCK) {
		recover_wait(daemon, &record);
		round->pending = true;
	} else if (r == -EPROTONOSUPPORT) {
		if (round->first) {
			notice_trouble(REASON_NONE,
				"an attempt in active/ was recorded by a newer dfud and is left "
				"alone",
				0);
		}
	} else if (file != NULL) {
		notice_trouble(REASON_NONE,
			"the record of an interrupted attempt cannot be read; its file goes to "
			"failed/, look at the board before you drop it again",
			0);
		recover_settle(daemon, id, file, false);
	} else {
		(void)spool_forget(&daemon->spool, id);
	}
	return 0;
}

static int recover_round(struct daemon *daemon, bool first);

static int recover_on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;

	(void)source;
	(void)usec;
	daemon->recover = sd_event_source_unref(daemon->recover);
	(void)recover_round(daemon, false);
	return 0;
}

static int recover_round(struct daemon *daemon, bool first)
{
	struct recover_round round = {.daemon = daemon, .first = first};
	int r;

	for (struct port *p = daemon->ports.first; p != NULL; p = p->next) {
		p->foreign = false;
	}
	r = spool_each(&daemon->spool, recover_one, &round);
	if (round.pending) {
		r = sd_event_add_time(daemon->event, &daemon->recover, CLOCK_MONOTONIC,
			daemon_now_us() + RECOVER_AGAIN_US, 0, recover_on_timer, daemon);
	}
	daemon_wake(daemon);
	return r;
}

int recover(struct daemon *daemon)
{
	return recover_round(daemon, true);
}
