/* SPDX-License-Identifier: MIT */
/*
 * Inspections. What lies beside a file is judged first (trust.h), so that no worker reads what
 * nobody signed; a file whose sidecars change is judged again, and not read again.
 *
 * A job is held by its number while its worker runs, because the file may go meanwhile; an
 * inspection without an outcome (crashed, killed) counts as a file that breaks the reader: damaged.
 */
#include "dfud/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dfud/daemon.h"
#include "dfud/memory.h"
#include "dfud/notice.h"
#include "dfud/process.h"
#include "dfud/queue.h"
#include "dfud/settle.h"
#include "dfud/snapshot.h"
#include "dfud/trust.h"
#include "dfud/vault.h"

#define INSPECT_AT_ONCE	    4
#define INSPECT_DEADLINE_MS 30000

struct inspection {
	struct daemon *daemon;
	struct process *process;
	uint64_t job;
	struct message image, outcome;
	bool has_outcome;
};

/* The file is wrong: one verdict, and the file goes to failed/. */
static void inspect_refuse(
	struct daemon *daemon, struct job *job, enum reason reason, const char *text)
{
	char id[33];
	char where[512];

	if (settle_job(daemon, job, reason, text, id, where, sizeof(where)) == 0) {
		notice_refused_file(job, id, reason, text);
		notice_settled(id, job->name, where, REASON_NONE, 0);
	}
	jobs_remove(&daemon->jobs, job);
}

static void inspect_judge(struct inspection *i, struct job *job)
{
	const struct message *m = &i->outcome;

	if (!i->has_outcome) {
		inspect_refuse(i->daemon, job, REASON_DAMAGED,
			"the file broke the program that reads it; it is kept for a look");
	} else if (job_is_lost_backup(job, i->image.certainty)) {
		inspect_refuse(i->daemon, job, REASON_UNKNOWN_IMAGE, JOB_LOST_BACKUP);
	} else if (attempt_end_from_string(m->end) == END_COMPLETED) {
		job->image = i->image;
		job->inspected = true;
		job->state = JOB_READY;
		notice_queued(job);
	} else {
		inspect_refuse(i->daemon, job, reason_from_string(m->reason), m->text);
	}
}

static void inspect_on_message(void *user, const struct message *message)
{
	struct inspection *i = user;

	if (message->kind == MESSAGE_IMAGE) {
		i->image = *message;
	} else if (message->kind == MESSAGE_OUTCOME) {
		i->outcome = *message;
		i->has_outcome = true;
	}
}

/* It says nothing of the file when a worker cannot work here. */
static void inspect_later(struct daemon *daemon, struct job *job)
{
	notice_trouble(REASON_WORKER_CRASHED,
		"a queued file could not be looked at: the worker could not do its work (not "
		"installed, no memory, or killed); tried again in a minute",
		0);
	job->state = JOB_NEW;
	job->retry_us = daemon_now_us() + PORT_PAUSE_US;
}

static void inspect_on_ended(void *user, enum process_end end)
{
	struct inspection *i = user;
	struct daemon *daemon = i->daemon;
	struct job *job = jobs_find_id(&daemon->jobs, i->job);

	if (job != NULL && !i->has_outcome && end != PROCESS_CRASHED) {
		inspect_later(daemon, job);
	} else if (job != NULL) {
		inspect_judge(i, job);
	}
	process_free(i->process);
	free(i);
	daemon->n_inspecting--;
	daemon_wake(daemon);
	daemon_check_end(daemon);
}

static int inspect_start(struct daemon *daemon, struct job *job, int image_fd)
{
	static const struct process_events events = {
		.message = inspect_on_message,
		.ended = inspect_on_ended,
	};
	char restore[80];
	const char *const args[] = {restore, "--", job->name, NULL};
	const struct process_start start = {
		.program = daemon->worker,
		.args = job->restores ? args : args + 1,
		.image_fd = image_fd,
		.record_fd = -EBADF,
		.backup_fd = -EBADF,
		.deadline_ms = INSPECT_DEADLINE_MS,
	};
	struct inspection *i = calloc(1, sizeof(*i));
	int r;

	if (i == NULL) {
		return -ENOMEM;
	}
	i->daemon = daemon;
	i->job = job->id;
	snprintf(restore, sizeof(restore), "--restore=%s", job->sha256);
	r = process_start(&i->process, daemon->event, &start, &events, i);
	if (r < 0) {
		free(i);
		return r;
	}
	daemon->n_inspecting++;
	job->state = JOB_INSPECTING;
	return 0;
}

void inspect_anew(struct daemon *daemon, struct job *job)
{
	if (job->memory[0] != '\0') {
		memory_keep(daemon, job->memory, NULL, PORT_NEVER);
	}
	queue_forget(daemon->queue, job->name);
	queue_scan(daemon->queue);
	jobs_remove(&daemon->jobs, job);
}

/* The snapshot failed: who is to blame decides what happens. */
static void inspect_refuse_snapshot(struct daemon *daemon, struct job *job, int error)
{
	char text[160];

	switch (error) {
	case -EFBIG:
		snprintf(text, sizeof(text),
			"it is larger than MaxFileSize= allows (%llu bytes); is it firmware?",
			(unsigned long long)daemon->configuration.settings.max_file_size);
		inspect_refuse(daemon, job, REASON_TOO_LARGE, text);
		return;
	case -ENOENT:
	case -EAGAIN: /* gone or being changed: the queue tells what it is then */
		inspect_anew(daemon, job);
		return;
	case -EACCES:
	case -EPERM:
		notice_ignored(job->name, REASON_UNREADABLE);
		jobs_remove(&daemon->jobs, job);
		return;
	case -ELOOP:
	case -EMLINK:
		notice_ignored(job->name, REASON_LINKED);
		jobs_remove(&daemon->jobs, job);
		return;
	case -EISDIR:
	case -ENXIO:
		notice_ignored(job->name, REASON_NOT_REGULAR);
		jobs_remove(&daemon->jobs, job);
		return;
	default:
		notice_trouble(REASON_NO_SPACE, "a queued file cannot be read", error);
		jobs_remove(&daemon->jobs, job);
		return;
	}
}

static void inspect_await(struct job *job, const struct trust *trust)
{
	job->state = JOB_UNSIGNED;
	if (job->told_us != job->sidecars.since_us) {
		job->told_us = job->sidecars.since_us;
		notice_unsigned(job, trust->text);
	}
}

static void inspect_soon(struct job *job, const struct trust *trust)
{
	job->state = JOB_NEW;
	job->retry_us = trust->again_us;
	if (trust->error < 0) {
		notice_trouble(REASON_NO_SPACE,
			"the signature of a queued file cannot be checked; tried again in a minute",
			trust->error);
	}
}

/* To a worker, unless only its sidecars are new: what was said of these bytes holds. */
static void inspect_go_on(
	struct daemon *daemon, struct job *job, const struct snapshot *snapshot, const char *key)
{
	const bool is_news = key[0] != '\0' && strcmp(job->signer, key) != 0;
	int r;

	snprintf(job->signer, sizeof(job->signer), "%s", key);
	if (job->inspected) {
		job->state = JOB_READY;
		if (is_news) {
			notice_queued(job);
		}
		return;
	}
	r = inspect_start(daemon, job, snapshot->fd);
	if (r < 0) {
		job->retry_us = daemon_now_us() + PORT_PAUSE_US;
		notice_trouble(
			REASON_NO_SPACE, "no worker can be started; tried again in a minute", r);
	}
}

static void inspect_trust(struct daemon *daemon, struct job *job, const struct snapshot *snapshot)
{
	const struct trust_question question = {
		.settings = &daemon->configuration.settings,
		.folder_fd = daemon->spool.queue,
		.name = job->name,
		.snapshot = snapshot,
	};
	struct trust trust;

	trust_judge_patiently(&trust, &question, &job->sidecars, daemon_now_us());
	switch (trust.state) {
	case TRUST_GIVEN:
		inspect_go_on(daemon, job, snapshot, trust.key);
		return;
	case TRUST_SOON:
		inspect_soon(job, &trust);
		return;
	case TRUST_AWAITED:
		inspect_await(job, &trust);
		return;
	case TRUST_REFUSED:
		inspect_refuse(daemon, job, trust.reason, trust.text);
		return;
	case _TRUST_STATE_MAX:
		return;
	}
}

static void inspect_job(struct daemon *daemon, struct job *job)
{
	struct snapshot snapshot = SNAPSHOT_INIT;
	int r = snapshot_take(&snapshot, daemon->spool.queue, job->name,
		daemon->configuration.settings.max_file_size);

	if (r < 0) {
		inspect_refuse_snapshot(daemon, job, r);
		return;
	}
	if (strcmp(job->sha256, snapshot.sha256) != 0) {
		snprintf(job->sha256, sizeof(job->sha256), "%s", snapshot.sha256);
		job->inspected = false;
		job->restores = vault_has(daemon->spool.backup, job->sha256, &job->backup);
	}
	inspect_trust(daemon, job, &snapshot);
	snapshot_done(&snapshot);
}

/* What lies beside a file that nobody works on may have changed. */
static void inspect_take_news(struct daemon *daemon, struct job *job)
{
	const struct trust_question question = {
		.settings = &daemon->configuration.settings,
		.folder_fd = daemon->spool.queue,
		.name = job->name,
	};

	if (!job->has_news || (job->state != JOB_NEW && !job_is_waiting(job))) {
		return;
	}
	job->has_news = false;
	if (trust_is_news(&question, &job->sidecars)) {
		job->state = JOB_NEW;
		job->retry_us = 0;
	}
}

void inspect_next(struct daemon *daemon)
{
	struct job *next;

	for (struct job *job = daemon->jobs.first; job != NULL; job = next) {
		next = job->next;
		if (daemon->stopping || daemon->n_inspecting >= INSPECT_AT_ONCE) {
			return;
		}
		inspect_take_news(daemon, job);
		if (job->state == JOB_NEW && job->retry_us <= daemon_now_us()) {
			inspect_job(daemon, job);
		}
	}
}
