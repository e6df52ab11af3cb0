/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfud/match.h"
#include "record/reason.h"

/*
 * The daemon's boards and jobs as match.h wants to see them, and the question whether the choice of
 * a running attempt is still clear.
 */

struct assignment;
struct daemon;
struct job;
struct port;

/* The lists as match wants them; index i of one is index i of the other. */
struct choice {
	struct match_input input;
	struct match_board *boards;
	struct match_job *jobs;
	struct port **ports;
	struct job **of_jobs;
	uint64_t now_us;
};

/* A board as it would be if it had just come. allowed: [Ports] Allow=. */
struct hotplug_device;
struct strings;
void choice_make_board(struct match_board *ret, const struct hotplug_device *device,
	const struct strings *allowed);

/* 0 or -ENOMEM. The lists are borrowed: nothing may come or go before choice_done. */
int choice_init(struct choice *choice, const struct daemon *daemon);
void choice_done(struct choice *choice);

/*
 * Whether the choice of an attempt is still clear, now that its plan is made. REASON_NONE, or the
 * reason and a sentence. *ret_could_be_another: a second board could match a moment later.
 */
enum reason choice_confirm(const struct daemon *daemon, const struct assignment *assignment,
	bool *ret_could_be_another, char *text, size_t size);
