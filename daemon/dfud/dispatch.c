/* SPDX-License-Identifier: MIT */
/*
 * All boards against all files. What is said of a board that waits is said once, until it changes.
 */
#include "dfud/dispatch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dfud/assignment.h"
#include "dfud/choice.h"
#include "dfud/daemon.h"
#include "dfud/inspect.h"
#include "dfud/notice.h"
#include "dfud/settle.h"
#include "dfud/status.h"

static void dispatch_make_tell(struct tell *t, const struct port *port, const struct match *match)
{
	const struct hotplug_device *d = &port->device;
	const bool named = match->profile != NULL && match->kind != MATCH_UNMATCHED;

	*t = (struct tell)TELL_INIT;
	if (named) {
		snprintf(t->profile, sizeof(t->profile), "%s", match->profile->name);
		snprintf(t->label, sizeof(t->label), "%.64s", match->profile->name);
	}
	snprintf(t->port, sizeof(t->port), "%s", d->port);
	snprintf(t->path, sizeof(t->path), "%s", d->path);
	snprintf(t->usb_id, sizeof(t->usb_id), "%04x:%04x", d->vendor, d->product);
	snprintf(t->serial, sizeof(t->serial), "%s", d->serial);
}

static void dispatch_announce(struct port *port, const struct match *match)
{
	struct tell tell;

	if (port->announced) {
		return;
	}
	port->announced = true;
	dispatch_make_tell(&tell, port, match);
	tell_appeared(&tell);
}

/* A file is being looked at: what a board waits for may be said in a moment. */
static bool dispatch_is_inspecting(const struct choice *v)
{
	for (size_t i = 0; i < v->input.n_jobs; i++) {
		if (v->of_jobs[i]->state == JOB_NEW || v->of_jobs[i]->state == JOB_INSPECTING) {
			return true;
		}
	}
	return false;
}

static void dispatch_say_standing(struct choice *v, size_t board, const struct match *match)
{
	struct port *port = v->ports[board];
	struct tell tell;
	char sentence[512];

	if ((match->kind == MATCH_WAITING || match->kind == MATCH_NO_FILE_MEANT) &&
		dispatch_is_inspecting(v)) {
		return;
	}
	if (!notice_standing(match, &v->input, board, sentence, sizeof(sentence)) ||
		strncmp(sentence, port->said, sizeof(port->said) - 1) == 0) {
		return;
	}
	snprintf(port->said, sizeof(port->said), "%s", sentence);
	dispatch_make_tell(&tell, port, match);
	notice_say_standing(match, &v->input, &tell, sentence);
}

/*
 * Two files for one board, of which one has failed before and the other is newer: the old one gives
 * way (amendment 3). True where one did.
 */
static bool dispatch_supersede(struct daemon *daemon, struct choice *v, const struct match *match)
{
	struct job *first = v->of_jobs[match->job];
	struct job *second = v->of_jobs[match->other_job];
	struct job *old = first->attempts > 0 && first->id < second->id	   ? first
			  : second->attempts > 0 && second->id < first->id ? second
									   : NULL;
	char id[33];
	char where[512];

	if (old == NULL || old->state != JOB_READY ||
		settle_job(daemon, old, REASON_SUPERSEDED,
			"a newer file arrived for the same board", id, where, sizeof(where)) < 0) {
		return false;
	}
	notice_settled(id, old->name, where, REASON_SUPERSEDED, 0);
	jobs_remove(&daemon->jobs, old);
	daemon_wake(daemon);
	return true;
}

/* True where the lists have changed. */
static bool dispatch_begin(
	struct daemon *daemon, struct port *port, struct job *job, const struct profile *profile)
{
	const int r = assignment_begin(daemon, port, job, profile, settle_attempt);

	if (r == -ESTALE) {
		inspect_anew(daemon, job);
		return true;
	}
	return r == 0;
}

/* One board. True where the lists have changed and must be made anew. */
static bool dispatch_board(struct daemon *daemon, struct choice *v, size_t board)
{
	struct port *port = v->ports[board];
	struct match match;

	match_judge(&v->input, board, &match);
	if (match.kind == MATCH_CLOSED || port->attempt != NULL) {
		return false;
	}
	dispatch_announce(port, &match);
	if (match.kind == MATCH_TWO_FILES && dispatch_supersede(daemon, v, &match)) {
		return true;
	}
	if (match.kind != MATCH_FLASH) {
		dispatch_say_standing(v, board, &match);
		return false;
	}
	if (daemon->n_assignments >= daemon->configuration.settings.max_workers ||
		v->of_jobs[match.job]->state != JOB_READY) {
		return false;
	}
	return dispatch_begin(daemon, port, v->of_jobs[match.job], match.profile);
}

/* When time alone changes something: an expiry or the end of a pause. Microseconds, monotonic. */
static uint64_t dispatch_next(const struct daemon *daemon)
{
	const uint64_t expire_ms = daemon->configuration.settings.expire_after_ms;
	const uint64_t now = daemon_now_us();
	const uint64_t real = daemon_realtime_us();
	uint64_t next = UINT64_MAX;

	for (const struct port *p = daemon->ports.first; p != NULL; p = p->next) {
		const uint64_t pause = port_next_pause_end(p);

		next = pause > now && pause < next ? pause : next;
	}
	for (const struct job *job = daemon->jobs.first; job != NULL; job = job->next) {
		const uint64_t at = job->file.arrived_us + expire_ms * 1000;
		const uint64_t wait = at > real ? at - real : 0;

		if (job->retry_us > now) {
			next = job->retry_us < next ? job->retry_us : next;
		} else if (job_is_waiting(job) && expire_ms != 0 && now + wait < next) {
			next = now + wait;
		}
	}
	return next;
}

/* A forgotten file is not a loaded gun. What cannot be moved now is tried again in a minute. */
static void dispatch_expire_job(struct daemon *daemon, struct job *job)
{
	char id[33];
	char where[512];
	const int r = settle_job(daemon, job, REASON_EXPIRED,
		"it waited longer than ExpireAfter=", id, where, sizeof(where));

	if (r < 0 && r != -ENOENT) {
		job->retry_us = daemon_now_us() + PORT_PAUSE_US;
		return;
	}
	if (r == 0) {
		notice_expired(job, where);
	}
	jobs_remove(&daemon->jobs, job);
}

static void dispatch_expire(struct daemon *daemon)
{
	const uint64_t expire_ms = daemon->configuration.settings.expire_after_ms;
	const uint64_t real = daemon_realtime_us();
	const uint64_t now = daemon_now_us();
	struct job *next;

	for (struct job *job = daemon->jobs.first; expire_ms != 0 && job != NULL; job = next) {
		next = job->next;
		if (job_is_waiting(job) && job->retry_us <= now &&
			job->file.arrived_us + expire_ms * 1000 <= real) {
			dispatch_expire_job(daemon, job);
		}
	}
}

void dispatch(struct daemon *daemon)
{
	struct choice view;
	bool again = true;

	dispatch_expire(daemon);
	inspect_next(daemon);
	while (again && choice_init(&view, daemon) == 0) {
		again = false;
		for (size_t i = 0; !daemon->stopping && !again && i < view.input.n_boards; i++) {
			again = dispatch_board(daemon, &view, i);
		}
		choice_done(&view);
	}
	daemon_set_alarm(daemon, dispatch_next(daemon));
	status_show(daemon);
}
