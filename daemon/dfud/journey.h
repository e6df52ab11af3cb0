/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "dfud/attempt.h"
#include "dfud/tell.h"

/*
 * One attempt carried out: the pure machine of attempt.h with its worker, its timer and its
 * sentences. It knows no queue, no folders and no other board; whoever owns it judges the choice
 * and settles the file.
 */

struct journey;

struct journey_options {
	const struct tell *tell; /* copied */
	struct attempt_options attempt;
	const char *worker;		    /* program */
	const char *const *args;	    /* for it, NULL-terminated; only read by journey_new */
	const char *command;		    /* what repeats it by hand; copied */
	int image_fd, record_fd, backup_fd; /* borrowed; only used by journey_new */
	const char
		*resume_text; /* journey_resume: what to say of a return that nobody saw; or NULL */
	bool silent;	      /* a cancelled end is not told: a plan was asked for, no flash */
	uint64_t check_deadline_ms; /* from the start to the plan */
};

struct journey_events {
	/* Judge the choice now: answer with journey_go, journey_stop or journey_pause, now or
	 * later. */
	void (*judge)(void *user, struct journey *journey);
	/* Whether a run-time identity is the expected one. */
	bool (*expects)(
		void *user, const struct journey *journey, uint16_t vendor, uint16_t product);
	/* GO was sent, the board left, or progress was made: for status and for the visit. */
	void (*moved)(void *user, struct journey *journey);
	/* The verdict is told; settle the file. The journey may be freed in here. */
	void (*ended)(void *user, struct journey *journey);
};

int journey_new(struct journey **ret, sd_event *event, const struct journey_options *options,
	const struct journey_events *events, void *user);
/*
 * An attempt that an earlier daemon began and whose worker is gone: continues from its record.
 * `ended` may be called before this returns the journey, then *ret is NULL.
 */
struct record;
int journey_resume(struct journey **ret, sd_event *event, const struct journey_options *options,
	const struct record *record, const struct journey_events *events, void *user);
struct journey *journey_free(struct journey *journey);

/* Before the go: what will be erased was saved under this digest; says so. */
void journey_saved(struct journey *journey, const char *sha256);
void journey_go(struct journey *journey);
void journey_stop(
	struct journey *journey, enum attempt_end end, enum reason reason, const char *text);
/* judge is called again when the time has come. */
void journey_pause(struct journey *journey, uint64_t us);

/* What happens on the journey's port. */
void journey_take_present(struct journey *journey, const struct hotplug_device *device);
void journey_take_absent(struct journey *journey);
void journey_take_tty(struct journey *journey, const char *link);

const struct attempt *journey_attempt(const struct journey *journey);
const struct tell *journey_tell(const struct journey *journey);
/* "writing 37 %", for a status line. */
void journey_progress(const struct journey *journey, char *ret, size_t size);
