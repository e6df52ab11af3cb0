/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "record/reason.h"
#include "record/verdict.h"

/*
 * The daemon's one floor for everything it says: a sentence for a person and DFUD_* fields for
 * machines, to the journal (sd_journal_sendv(3)) or, where none listens, the sentence alone to
 * stderr. Design 6, dfud(8). Nothing else in the daemon logs.
 */

enum journal_event {
	EVENT_STARTED,
	EVENT_RELOADED,
	EVENT_STOPPING,
	EVENT_CONFIG_ERROR,
	EVENT_QUEUED,
	EVENT_IGNORED,
	EVENT_CANCELLED,
	EVENT_EXPIRED,
	EVENT_APPEARED,
	EVENT_UNMATCHED,
	EVENT_WAITING,
	EVENT_HELD,
	EVENT_FLASHING,
	EVENT_CHECKED,
	EVENT_SAVED,
	EVENT_ERASED,
	EVENT_FLASHED,
	EVENT_LEAVING,
	EVENT_VERDICT,
	EVENT_LATE_RETURN,
	EVENT_SETTLED,
	_EVENT_MAX,
	_EVENT_INVALID = -1,
};

#define JOURNAL_MAX_FIELDS 48

/* One line while it is put together. Begin, add fields, say; nothing to free in between. */
struct journal_line {
	enum journal_event event;
	int priority;	/* syslog(3) */
	const char *id; /* MESSAGE_ID */
	struct iovec fields[JOURNAL_MAX_FIELDS];
	int n;
	char room[6144]; /* holds the fields' text */
	size_t used;
};

/* Whether the sentences go to the journal; otherwise they go to stderr. Once, at start. */
void journal_open(void);

void journal_begin(struct journal_line *line, enum journal_event event, int priority);
/* name without "DFUD_"; empty values are left out; what does not fit is left out. */
void journal_add(struct journal_line *line, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* DFUD_REASON and the reason's MESSAGE_ID. */
void journal_add_reason(struct journal_line *line, enum reason reason);
/* DFUD_VERDICT, its priority and its MESSAGE_ID (the reason's wins). */
void journal_add_verdict(struct journal_line *line, enum verdict verdict);

/* The sentence; ends the line. */
void journal_say(struct journal_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

const char *journal_event_to_string(enum journal_event event);
