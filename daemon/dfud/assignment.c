/* SPDX-License-Identifier: MIT */
/*
 * From the match to the verdict: the hands of one attempt.
 *
 *   snapshot (sealed copy of the file) -> active/ID with the record -> worker -> plan
 *     -> is the choice still clear? -> claim (rename) -> GO -> ... -> settle
 *
 * Invariants: nothing is claimed before the plan is good, so a refused file never left the queue;
 * the record lies on disk before the worker starts, locked by the descriptor that the worker
 * inherits, so that a daemon that starts meanwhile sees that somebody still works on it.
 */
#include "dfud/assignment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "config/profile.h"
#include "dfud/brief.h"
#include "dfud/choice.h"
#include "dfud/custody.h"
#include "dfud/daemon.h"
#include "dfud/journey.h"
#include "dfud/notice.h"
#include "dfud/queue.h"
#include "dfud/snapshot.h"
#include "dfud/status.h"
#include "dfud/trust.h"
#include "record/record.h"

/* Boards powered by one switch appear some 20 ms apart. */
#define ASSIGNMENT_PAUSE_US 500000
/* Reading and saving what is there, at the slowest: 2 MiB each of a hundred boards on one hub,
 * which share 12 Mbit/s. */
#define ASSIGNMENT_CHECK_MS 300000

static struct assignment *assignment_make(struct daemon *daemon, struct port *port,
	const char *file, void (*ended)(struct assignment *assignment))
{
	struct assignment *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		return NULL;
	}
	a->daemon = daemon;
	a->ended = ended;
	a->port = port;
	a->visit = port->visit;
	a->generation = daemon->generation;
	snprintf(a->file, sizeof(a->file), "%s", file);
	a->next = daemon->assignments;
	daemon->assignments = a;
	daemon->n_assignments++;
	port->attempt = a;
	return a;
}

struct assignment *assignment_free(struct assignment *a)
{
	struct assignment **at;

	if (a == NULL) {
		return NULL;
	}
	for (at = &a->daemon->assignments; *at != NULL; at = &(*at)->next) {
		if (*at == a) {
			*at = a->next;
			a->daemon->n_assignments--;
			break;
		}
	}
	if (a->port->attempt == a) {
		a->port->attempt = NULL;
	}
	journey_free(a->journey);
	free(a->expects);
	free(a);
	return NULL;
}

static int assignment_copy_profile(struct assignment *a, const struct profile *profile)
{
	snprintf(a->profile, sizeof(a->profile), "%s", profile->name);
	a->max_attempts = profile->max_attempts;
	a->within_ms = profile->within_ms;
	a->stays = profile->leave == LEAVE_NO;
	a->n_expects = profile->n_return_ids;
	if (a->n_expects == 0) {
		return 0;
	}
	a->expects = calloc(a->n_expects, sizeof(*a->expects));
	if (a->expects == NULL) {
		return -ENOMEM;
	}
	memcpy(a->expects, profile->return_ids, a->n_expects * sizeof(*a->expects));
	return 0;
}

static bool assignment_expects(
	void *user, const struct journey *journey, uint16_t vendor, uint16_t product)
{
	const struct assignment *a = user;
	char id[16];

	(void)journey;
	if (a->n_expects > 0) {
		return usb_id_fits_any(a->expects, a->n_expects, vendor, product);
	}
	snprintf(id, sizeof(id), "%04x:%04x", vendor, product);
	return a->image_expects[0] == '\0' || strcmp(a->image_expects, id) == 0;
}

static void assignment_make_tell(
	struct tell *t, const struct assignment *a, const struct port *port)
{
	const struct hotplug_device *d = &port->device;

	*t = (struct tell)TELL_INIT;
	snprintf(t->label, sizeof(t->label), "%.64s", a->profile[0] ? a->profile : d->port);
	snprintf(t->id, sizeof(t->id), "%s", a->id);
	snprintf(t->profile, sizeof(t->profile), "%s", a->profile);
	snprintf(t->port, sizeof(t->port), "%s", d->port);
	snprintf(t->path, sizeof(t->path), "%s", d->path);
	snprintf(t->usb_id, sizeof(t->usb_id), "%04x:%04x", d->vendor, d->product);
	snprintf(t->serial, sizeof(t->serial), "%s", d->serial);
	tell_set_file(t, a->file);
}

/* Whether what lies at a path is still what the job was told as. */
static bool assignment_is_file(int folder, const char *path, const struct queue_file *file)
{
	struct stat st;

	return fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == file->inode &&
	       (uint64_t)st.st_size == file->size &&
	       (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec == file->mtime_ns;
}

/*
 * The rename to active/. -ENOENT where it is another file by now, also where it was written to
 * between the look and the rename: then it goes back.
 */
static int assignment_claim(struct assignment *a, const struct job *job)
{
	struct spool *spool = &a->daemon->spool;
	char path[SPOOL_ID_LENGTH + sizeof(job->name) + 2];
	int r;

	snprintf(path, sizeof(path), "%s/%s", a->id, job->name);
	if (job->absent || !assignment_is_file(spool->queue, job->name, &job->file)) {
		return -ENOENT;
	}
	r = spool_claim(spool, a->id, job->name, job->file.inode);
	a->claimed = r == 0 || faccessat(spool->active, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (r == 0 && !assignment_is_file(spool->active, path, &job->file)) {
		a->claimed = spool_give_back(spool, a->id, job->name) < 0;
		return -ENOENT;
	}
	return r;
}

/* The choice must still be clear, 500 ms after the board appeared where a second one could match.
 */
static enum reason assignment_confirm(
	struct assignment *a, bool *ret_pause, char *text, size_t size)
{
	const uint64_t since = daemon_now_us() - a->port->appeared_us;
	bool could_be_another;
	enum reason reason;

	*ret_pause = false;
	if (!a->port->present || a->port->visit != a->visit) {
		snprintf(text, size, "the board went away before anything was erased");
		return REASON_VANISHED;
	}
	reason = choice_confirm(a->daemon, a, &could_be_another, text, size);
	*ret_pause = reason == REASON_NONE && could_be_another && since < ASSIGNMENT_PAUSE_US;
	return reason;
}

static void assignment_judge(void *user, struct journey *journey)
{
	struct assignment *a = user;
	struct daemon *daemon = a->daemon;
	const struct job *job = jobs_find_id(&daemon->jobs, a->job);
	char text[400];
	enum reason reason;
	bool pause;
	int r;

	if (daemon->stopping || a->generation != daemon->generation) {
		journey_stop(journey, END_CANCELLED, REASON_NONE,
			daemon->stopping ? "dfud is being stopped"
					 : "the configuration was read again meanwhile");
		return;
	}
	reason = assignment_confirm(a, &pause, text, sizeof(text));
	if (reason != REASON_NONE) {
		journey_stop(journey, reason == REASON_VANISHED ? END_INTERRUPTED : END_REFUSED,
			reason, text);
		return;
	}
	if (pause) {
		journey_pause(
			journey, a->port->appeared_us + ASSIGNMENT_PAUSE_US - daemon_now_us());
		return;
	}
	reason = custody_take(a, text, sizeof(text));
	if (reason != REASON_NONE) {
		journey_stop(journey, END_REFUSED, reason, text);
		return;
	}
	r = job != NULL ? assignment_claim(a, job) : -ENOENT;
	if (r == -ENOENT) {
		journey_stop(journey, END_CANCELLED, REASON_NONE,
			"the file was changed or taken out of the queue");
		return;
	}
	if (r < 0) {
		snprintf(text, sizeof(text), "the file cannot be moved to active/: %s",
			strerror(-r));
		journey_stop(journey, END_REFUSED, REASON_NO_SPACE, text);
		return;
	}
	queue_forget(daemon->queue, job->name);
	journey_go(journey);
}

static void assignment_moved(void *user, struct journey *journey)
{
	struct assignment *a = user;

	if (journey_attempt(journey)->left && !a->port->closed && a->port->visit == a->visit) {
		port_note_left(a->port, daemon_now_us(), a->within_ms * 1000);
	}
	status_show(a->daemon);
}

static void assignment_ended(void *user, struct journey *journey)
{
	struct assignment *a = user;
	struct daemon *daemon = a->daemon;

	(void)journey;
	a->ended(a);
	assignment_free(a);
	daemon_wake(daemon);
	status_show(daemon);
	daemon_check_end(daemon);
}

static const struct journey_events assignment_events = {
	.judge = assignment_judge,
	.expects = assignment_expects,
	.moved = assignment_moved,
	.ended = assignment_ended,
};

static int assignment_start(struct assignment *a, const struct job *job,
	const struct profile *profile, const struct snapshot *snapshot)
{
	struct brief_args args;
	struct tell tell;
	const bool none = profile->return_none || (profile->n_return_ids == 0 && job->image.no_usb);
	struct journey_options options = {
		.tell = &tell,
		.attempt = {.within_ms = a->within_ms,
			.stays = a->stays,
			.expects_none = none,
			.expects_identity = a->n_expects > 0 || a->image_expects[0] != '\0'},
		.worker = a->daemon->worker,
		.image_fd = snapshot->fd,
		.check_deadline_ms = ASSIGNMENT_CHECK_MS,
	};
	int r = brief_make_args(&args, a->port->device.port, job, profile);

	if (r < 0) {
		return r;
	}
	assignment_make_tell(&tell, a, a->port);
	snprintf(tell.sha256, sizeof(tell.sha256), "%s", snapshot->sha256);
	tell.size = snapshot->size;
	tell.owner = job->file.owner;
	options.args = args.list;
	options.command = args.command;
	options.record_fd = brief_write_record(a, &tell, job, none);
	if (options.record_fd < 0) {
		return options.record_fd;
	}
	options.backup_fd = custody_make_file(a);
	r = options.backup_fd < 0
		    ? options.backup_fd
		    : journey_new(&a->journey, a->daemon->event, &options, &assignment_events, a);
	if (r >= 0 && job->restores) {
		tell_origin(&tell, &job->backup);
	}
	close(options.record_fd);
	if (options.backup_fd >= 0) {
		close(options.backup_fd);
	}
	return r;
}

static bool assignment_is_same(const struct snapshot *s, const struct job *job)
{
	return s->inode == job->file.inode && s->mtime_ns == job->file.mtime_ns &&
	       s->size == job->file.size && strcmp(s->sha256, job->sha256) == 0;
}

/* Whether the bytes are those that were inspected, and may be trusted (still, and by these keys).
 */
static bool assignment_is_told(
	const struct daemon *daemon, const struct snapshot *s, const struct job *job)
{
	const struct trust_question question = {
		.settings = &daemon->configuration.settings,
		.folder_fd = daemon->spool.queue,
		.name = job->name,
		.snapshot = s,
	};
	struct trust trust;

	if (!assignment_is_same(s, job)) {
		return false;
	}
	trust_judge(&trust, &question);
	return trust.state == TRUST_GIVEN;
}

static int assignment_begin_with(struct assignment *a, struct job *job,
	const struct profile *profile, const struct snapshot *snapshot)
{
	sd_id128_t id;
	int r = sd_id128_randomize(&id);

	if (r < 0) {
		return r;
	}
	sd_id128_to_string(id, a->id);
	a->job = job->id;
	a->inode = job->file.inode;
	a->number = job->attempts + 1;
	snprintf(a->first_backup, sizeof(a->first_backup), "%s", job->first_backup);
	snprintf(a->image_expects, sizeof(a->image_expects), "%s", job->image.expects);
	r = assignment_copy_profile(a, profile);
	if (r >= 0) {
		r = assignment_start(a, job, profile, snapshot);
	}
	if (r >= 0) {
		job->state = JOB_TAKEN;
	}
	return r;
}

int assignment_begin(struct daemon *daemon, struct port *port, struct job *job,
	const struct profile *profile, void (*ended)(struct assignment *assignment))
{
	struct snapshot snapshot = SNAPSHOT_INIT;
	struct assignment *a = NULL;
	int r = snapshot_take(&snapshot, daemon->spool.queue, job->name,
		daemon->configuration.settings.max_file_size);

	if (r == -ENOENT) { /* taken away: the queue tells */
		return r;
	}
	if (r == -EAGAIN || (r >= 0 && !assignment_is_told(daemon, &snapshot, job))) {
		snapshot_done(&snapshot);
		return -ESTALE;
	}
	if (r >= 0) {
		a = assignment_make(daemon, port, job->name, ended);
		r = a != NULL ? assignment_begin_with(a, job, profile, &snapshot) : -ENOMEM;
		snapshot_done(&snapshot);
	}
	if (r < 0) {
		port_remember(port, job->id, PORT_AFTER_PAUSE, daemon_now_us());
		notice_trouble(REASON_NO_SPACE,
			"an attempt cannot be begun; it is tried again in a minute", r);
	}
	if (r < 0 && a != NULL) {
		(void)spool_forget(&daemon->spool, a->id);
		assignment_free(a);
	}
	return r == -ESTALE ? -EIO : r;
}

static void assignment_recall_tell(
	struct tell *t, const struct assignment *a, const struct record *r)
{
	assignment_make_tell(t, a, a->port);
	snprintf(t->path, sizeof(t->path), "%s", r->path);
	snprintf(t->usb_id, sizeof(t->usb_id), "%s", r->usb_id);
	snprintf(t->serial, sizeof(t->serial), "%s", r->serial);
	snprintf(t->sha256, sizeof(t->sha256), "%s", r->sha256);
	snprintf(t->backup, sizeof(t->backup), "%s", r->backup);
	t->size = r->size;
	t->owner = (uid_t)r->owner;
}

/* What an earlier daemon knew of it. */
static void assignment_recall(struct assignment *a, const struct record *record)
{
	snprintf(a->id, sizeof(a->id), "%s", record->id);
	snprintf(a->profile, sizeof(a->profile), "%s", record->profile);
	snprintf(a->backup, sizeof(a->backup), "%s", record->backup);
	snprintf(a->first_backup, sizeof(a->first_backup), "%s", record->first_backup);
	a->within_ms = record->within_ms;
	a->number = (unsigned)record->number;
	a->max_attempts = (unsigned)record->max_attempts;
	a->stays = record->stay;
	a->inode = record->inode;
}

int assignment_resume(struct daemon *daemon, const struct record *record, bool claimed,
	void (*ended)(struct assignment *assignment))
{
	struct port *port = port_get(&daemon->ports, record->port);
	struct tell tell;
	struct journey_options options = {
		.tell = &tell,
		.attempt = {.within_ms = record->within_ms,
			.stays = record->stay,
			.expects_none = strcmp(record->expect, "none") == 0,
			.expects_identity = record->expect[0] != '\0'},
	};
	struct assignment *a =
		port != NULL ? assignment_make(daemon, port, record->file, ended) : NULL;
	int r;

	if (a == NULL) {
		return -ENOMEM;
	}
	a->claimed = claimed;
	assignment_recall(a, record);
	if (!options.attempt.expects_none) {
		r = brief_read_expects(a, record->expect);
		if (r < 0) {
			assignment_free(a);
			return r;
		}
	}
	if (strcmp(record->boot, daemon->boot) != 0) {
		options.resume_text =
			!record->left && !record->verified
				? NULL
				: "what came back is not known, because this computer was "
				  "restarted meanwhile";
		options.attempt.within_ms = 0;
	}
	assignment_recall_tell(&tell, a, record);
	r = journey_resume(&a->journey, daemon->event, &options, record, &assignment_events, a);
	if (r < 0) {
		assignment_free(a);
	}
	return r;
}
