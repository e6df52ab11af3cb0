/* SPDX-License-Identifier: MIT */
/*
 * All boards and all files, as arrays that are made anew at each look, because looks are rare and
 * the lists short. A board whose attempt has claimed nothing yet is still part of the choice.
 */
#include "dfud/choice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dfud/daemon.h"
#include "dfud/notice.h"

void choice_done(struct choice *v)
{
	free(v->boards);
	free(v->jobs);
	free(v->ports);
	free(v->of_jobs);
}

/* The attempt on the port has not begun to erase: the choice may still change. */
static bool choice_is_checking(const struct port *port)
{
	const struct assignment *a = port->attempt;

	return a != NULL && !a->claimed;
}

static bool choice_may(const void *user, size_t board, size_t job)
{
	const struct choice *v = user;
	const struct port *port = v->ports[board];
	const struct assignment *a = port->attempt;

	if (a != NULL && a->job == v->of_jobs[job]->id) {
		return true;
	}
	return port_may(port, v->of_jobs[job]->id, v->now_us);
}

/* Whether [Ports] Allow= names other ports only. */
static bool choice_is_forbidden(const struct strings *allowed, const struct hotplug_device *d)
{
	return allowed->n > 0 && !globs_match(allowed, d->port) && !globs_match(allowed, d->path);
}

void choice_make_board(
	struct match_board *ret, const struct hotplug_device *d, const struct strings *allowed)
{
	*ret = (struct match_board){
		.device = {.vendor = d->vendor,
			.product = d->product,
			.path = d->path,
			.port = d->port,
			.serial = d->serial,
			.layout = d->layout},
		.open = true,
		.forbidden = choice_is_forbidden(allowed, d),
	};
}

static void choice_add_board(struct choice *v, struct port *port, const struct strings *allowed)
{
	const size_t i = v->input.n_boards++;
	struct match_board *board = &v->boards[i];

	v->ports[i] = port;
	choice_make_board(board, &port->device, allowed);
	board->open = port_is_open(port);
	board->busy = port->foreign || (port->attempt != NULL && !choice_is_checking(port));
}

static void choice_add_job(struct choice *v, struct job *job)
{
	const size_t i = v->input.n_jobs++;

	v->of_jobs[i] = job;
	v->jobs[i] = (struct match_job){
		.name = job->name,
		.saved_by = job->restores ? job->backup.profile : NULL,
		.arrived_us = job->file.arrived_us,
		.open = job->state == JOB_READY || job->state == JOB_TAKEN,
	};
}

/* A job that is claimed for one board is open to no other. */
static void choice_close_claimed(const struct daemon *daemon, struct choice *v)
{
	for (const struct assignment *a = daemon->assignments; a != NULL; a = a->next) {
		for (size_t i = 0; a->claimed && i < v->input.n_jobs; i++) {
			if (v->of_jobs[i]->id == a->job) {
				v->jobs[i].open = false;
			}
		}
	}
}

int choice_init(struct choice *v, const struct daemon *daemon)
{
	size_t n_ports = 0;

	*v = (struct choice){.now_us = daemon_now_us()};
	for (const struct port *p = daemon->ports.first; p != NULL; p = p->next) {
		n_ports++;
	}
	v->boards = calloc(n_ports + 1, sizeof(*v->boards));
	v->ports = calloc(n_ports + 1, sizeof(*v->ports));
	v->jobs = calloc(daemon->jobs.n + 1, sizeof(*v->jobs));
	v->of_jobs = calloc(daemon->jobs.n + 1, sizeof(*v->of_jobs));
	if (v->boards == NULL || v->ports == NULL || v->jobs == NULL || v->of_jobs == NULL) {
		choice_done(v);
		return -ENOMEM;
	}
	for (struct port *p = daemon->ports.first; p != NULL; p = p->next) {
		if (p->present && p->device.dfu) {
			choice_add_board(v, p, &daemon->configuration.settings.allowed_ports);
		}
	}
	for (struct job *job = daemon->jobs.first; job != NULL; job = job->next) {
		choice_add_job(v, job);
	}
	choice_close_claimed(daemon, v);
	v->input.profiles = daemon->configuration.profiles;
	v->input.n_profiles = daemon->configuration.n_profiles;
	v->input.boards = v->boards;
	v->input.jobs = v->jobs;
	v->input.may = choice_may;
	v->input.user = v;
	return 0;
}

static size_t choice_index_of(const struct choice *v, const struct port *port)
{
	for (size_t i = 0; i < v->input.n_boards; i++) {
		if (v->ports[i] == port) {
			return i;
		}
	}
	return MATCH_NONE;
}

static enum reason choice_confirm_in(const struct choice *v, const struct assignment *a,
	bool *ret_could_be_another, char *text, size_t size)
{
	const size_t board = choice_index_of(v, a->port);
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
	if (match.kind == MATCH_PORT_NOT_ALLOWED) {
		return REASON_PORT_NOT_ALLOWED;
	}
	return match.kind == MATCH_TWO_FILES ? REASON_TWO_FILES : REASON_CONFIG;
}

enum reason choice_confirm(const struct daemon *daemon, const struct assignment *a,
	bool *ret_could_be_another, char *text, size_t size)
{
	struct choice view;
	enum reason reason = REASON_NO_SPACE;

	*ret_could_be_another = false;
	snprintf(text, size, "out of memory");
	if (choice_init(&view, daemon) == 0) {
		reason = choice_confirm_in(&view, a, ret_could_be_another, text, size);
		choice_done(&view);
	}
	return reason;
}
