/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dfud/attempt.h"

/*
 * An attempt whose every step is checked for what holds always: one end at most, a timer armed
 * while the port is watched, a verdict that follows from its facts. For tests.
 */
struct story {
	struct attempt a;
	uint64_t now_us;
	unsigned effects; /* of the last step */
	unsigned ends, gos, stops;
	bool armed;
};

#define STORY_WITHIN_MS 10000
#define STORY_START_US	1000000

void story_begin(struct story *s, const struct attempt_options *options);
/* The most usual one: an identity is expected. */
void story_begin_plain(struct story *s);

/* One event, now. */
void story_step(struct story *s, struct attempt_event event);
void story_event(struct story *s, enum attempt_event_kind kind);
void story_mark(struct story *s, const char *mark);
void story_outcome(struct story *s, const char *end, const char *reason, const char *flash);
void story_present(struct story *s, bool dfu, bool expected);
void story_die(struct story *s, enum reason reason);
void story_wait(struct story *s, uint64_t ms);
/* The armed time comes. */
void story_timer(struct story *s);

/* Image, plan, go. */
void story_go(struct story *s);
/* And all that follows up to the worker's outcome, with the board still on the port. */
void story_flash(struct story *s);

/* Checks of the end. */
void story_ended(const struct story *s, enum verdict verdict, enum return_kind back);

/* Resumes from a record, in place of story_go and what follows. */
struct record;
void story_resume(
	struct story *s, const struct attempt_options *options, const struct record *record);
