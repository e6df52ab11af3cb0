/* SPDX-License-Identifier: MIT */
/*
 * All boards against all files. Arrays are made anew at each look, because looks are rare and the
 * lists short; what is said of a board that waits is said once, until it changes.
 */
#include "dfud/dispatch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dfud/assignment.h"
#include "dfud/inspect.h"
#include "dfud/journey.h"
#include "dfud/manager.h"
#include "dfud/notice.h"
#include "dfud/settle.h"

/* The lists as match wants them; index i of one is index i of the other. */
struct dispatch_view {
	struct match_input input;
	struct match_board *boards;
	struct match_job *jobs;
	struct port **ports;
	struct job **of_jobs;
	uint64_t now_us;
};

static void dispatch_view_done(struct dispatch_view *v)
{
	free(v->boards);
	free(v->jobs);
	free(v->ports);
	free(v->of_jobs);
}

/* The attempt on the port has not begun to erase: the choice may still change. */
static bool dispatch_is_checking(const struct port *port)
{
	const struct assignment *a = port->attempt;

	return a != NULL && !a->claimed;
}

static bool dispatch_may(const void *user, size_t board, size_t job)
{
	const struct dispatch_view *v = user;
	const struct port *port = v->ports[board];
	const struct assignment *a = port->attempt;

	if (a != NULL && a->job == v->of_jobs[job]->id) {
		return true;
	}
	return port_may(port, v->of_jobs[job]->id, v->now_us);
}

static void dispatch_add_board(struct dispatch_view *v, struct port *port)
{
	const struct hotplug_device *d = &port->device;
	const size_t i = v->input.n_boards++;

	v->ports[i] = port;
	v->boards[i] = (struct match_board){
		.device = {.vendor = d->vendor,
			.product = d->product,
			.path = d->path,
			.port = d->port,
			.serial = d->serial,
			.layout = d->layout},
		.open = port_is_open(port),
		.busy = port->attempt != NULL && !dispatch_is_checking(port),
	};
}

static void dispatch_add_job(struct dispatch_view *v, struct job *job)
{
	const size_t i = v->input.n_jobs++;

	v->of_jobs[i] = job;
	v->jobs[i] = (struct match_job){
		.name = job->name,
		.arrived_us = job->file.arrived_us,
		.open = job->state == JOB_READY || job->state == JOB_TAKEN,
	};
}

/* A job that is claimed for one board is open to no other. */
static void dispatch_close_claimed(const struct manager *m, struct dispatch_view *v)
{
	for (const struct assignment *a = m->assignments; a != NULL; a = a->next) {
		for (size_t i = 0; a->claimed && i < v->input.n_jobs; i++) {
			if (v->of_jobs[i]->id == a->job) {
				v->jobs[i].open = false;
			}
		}
	}
}

static int dispatch_view(const struct manager *m, struct dispatch_view *v)
{
	size_t n_ports = 0;

	*v = (struct dispatch_view){.now_us = manager_now_us()};
	for (const struct port *p = m->ports.first; p != NULL; p = p->next) {
		n_ports++;
	}
	v->boards = calloc(n_ports + 1, sizeof(*v->boards));
	v->ports = calloc(n_ports + 1, sizeof(*v->ports));
	v->jobs = calloc(m->jobs.n + 1, sizeof(*v->jobs));
	v->of_jobs = calloc(m->jobs.n + 1, sizeof(*v->of_jobs));
	if (v->boards == NULL || v->ports == NULL || v->jobs == NULL || v->of_jobs == NULL) {
		dispatch_view_done(v);
		return -ENOMEM;
	}
	for (struct port *p = m->ports.first; p != NULL; p = p->next) {
		if (p->present && p->device.dfu) {
			dispatch_add_board(v, p);
		}
	}
	for (struct job *job = m->jobs.first; job != NULL; job = job->next) {
		dispatch_add_job(v, job);
	}
	dispatch_close_claimed(m, v);
	v->input.profiles = m->configuration.profiles;
	v->input.n_profiles = m->configuration.n_profiles;
	v->input.boards = v->boards;
	v->input.jobs = v->jobs;
	v->input.may = dispatch_may;
	v->input.user = v;
	return 0;
}

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
static bool dispatch_is_inspecting(const struct dispatch_view *v)
{
	for (size_t i = 0; i < v->input.n_jobs; i++) {
		if (v->of_jobs[i]->state == JOB_NEW || v->of_jobs[i]->state == JOB_INSPECTING) {
			return true;
		}
	}
	return false;
}

static void dispatch_say_standing(struct dispatch_view *v, size_t board, const struct match *match)
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
static bool dispatch_supersede(
	struct manager *m, struct dispatch_view *v, const struct match *match)
{
	struct job *first = v->of_jobs[match->job];
	struct job *second = v->of_jobs[match->other_job];
	struct job *old = first->attempts > 0 && first->id < second->id	   ? first
			  : second->attempts > 0 && second->id < first->id ? second
									   : NULL;
	char id[33];
	char where[512];

	if (old == NULL || old->state != JOB_READY ||
		settle_job(m, old, REASON_SUPERSEDED, "a newer file arrived for the same board", id,
			where, sizeof(where)) < 0) {
		return false;
	}
	notice_settled(id, old->name, where, REASON_SUPERSEDED, 0);
	jobs_remove(&m->jobs, old);
	manager_wake(m);
	return true;
}

/* One board. True where the lists have changed and must be made anew. */
static bool dispatch_board(struct manager *m, struct dispatch_view *v, size_t board)
{
	struct port *port = v->ports[board];
	struct match match;

	match_judge(&v->input, board, &match);
	if (match.kind == MATCH_CLOSED || port->attempt != NULL) {
		return false;
	}
	dispatch_announce(port, &match);
	if (match.kind == MATCH_TWO_FILES && dispatch_supersede(m, v, &match)) {
		return true;
	}
	if (match.kind != MATCH_FLASH) {
		dispatch_say_standing(v, board, &match);
		return false;
	}
	if (m->n_assignments >= m->configuration.settings.max_workers ||
		v->of_jobs[match.job]->state != JOB_READY) {
		return false;
	}
	return assignment_begin(m, port, v->of_jobs[match.job], match.profile) == 0;
}

/* When time alone changes something: an expiry or the end of a pause. Microseconds, monotonic. */
static uint64_t dispatch_next(const struct manager *m)
{
	const uint64_t expire_ms = m->configuration.settings.expire_after_ms;
	const uint64_t now = manager_now_us();
	const uint64_t real = manager_realtime_us();
	uint64_t next = UINT64_MAX;

	for (const struct port *p = m->ports.first; p != NULL; p = p->next) {
		const uint64_t pause = port_next_pause_end(p);

		next = pause < next ? pause : next;
	}
	for (const struct job *job = m->jobs.first; expire_ms < UINT64_MAX && job != NULL;
		job = job->next) {
		const uint64_t at = job->file.arrived_us + expire_ms * 1000;
		const uint64_t wait = at > real ? at - real : 0;

		if (job->state == JOB_READY && now + wait < next) {
			next = now + wait;
		}
	}
	return next;
}

/* A forgotten file is not a loaded gun. */
static void dispatch_expire(struct manager *m)
{
	const uint64_t expire_ms = m->configuration.settings.expire_after_ms;
	const uint64_t real = manager_realtime_us();
	struct job *next;

	for (struct job *job = m->jobs.first; expire_ms < UINT64_MAX && job != NULL; job = next) {
		char id[33];
		char where[512];

		next = job->next;
		if (job->state != JOB_READY || job->file.arrived_us + expire_ms * 1000 > real) {
			continue;
		}
		if (settle_job(m, job, REASON_EXPIRED, "it waited longer than ExpireAfter=", id,
			    where, sizeof(where)) == 0) {
			notice_expired(job, where);
			jobs_remove(&m->jobs, job);
		}
	}
}

void dispatch(struct manager *m)
{
	struct dispatch_view view;
	bool again = true;

	dispatch_expire(m);
	inspect_next(m);
	while (again && dispatch_view(m, &view) == 0) {
		again = false;
		for (size_t i = 0; !m->stopping && !again && i < view.input.n_boards; i++) {
			again = dispatch_board(m, &view, i);
		}
		dispatch_view_done(&view);
	}
	manager_set_alarm(m, dispatch_next(m));
	manager_show_status(m);
}

static size_t dispatch_index_of(const struct dispatch_view *v, const struct port *port)
{
	for (size_t i = 0; i < v->input.n_boards; i++) {
		if (v->ports[i] == port) {
			return i;
		}
	}
	return MATCH_NONE;
}

static enum reason dispatch_confirm_in(const struct dispatch_view *v, const struct assignment *a,
	bool *ret_could_be_another, char *text, size_t size)
{
	const size_t board = dispatch_index_of(v, a->port);
	struct match match;

	if (board == MATCH_NONE) {
		snprintf(text, size, "the board went away before anything was erased");
		return REASON_VANISHED;
	}
	match_judge(&v->input, board, &match);
	if (match.kind == MATCH_FLASH && v->of_jobs[match.job]->id == a->job &&
		strcmp(match.profile->name, a->profile) == 0) {
		*ret_could_be_another = match_could_be_another(match.profile);
		return REASON_NONE;
	}
	if (!notice_standing(&match, &v->input, board, text, size)) {
		snprintf(text, size, "the profiles or the files changed meanwhile");
	}
	if (match.kind == MATCH_TWO_BOARDS) {
		return REASON_TWO_BOARDS;
	}
	return match.kind == MATCH_TWO_FILES ? REASON_TWO_FILES : REASON_CONFIG;
}

enum reason dispatch_confirm(struct manager *m, const struct assignment *a,
	bool *ret_could_be_another, char *text, size_t size)
{
	struct dispatch_view view;
	enum reason reason = REASON_NO_SPACE;

	*ret_could_be_another = false;
	snprintf(text, size, "out of memory");
	if (dispatch_view(m, &view) == 0) {
		reason = dispatch_confirm_in(&view, a, ret_could_be_another, text, size);
		dispatch_view_done(&view);
	}
	return reason;
}
