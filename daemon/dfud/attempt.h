/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfud/findings.h"
#include "message/message.h"
#include "record/reason.h"
#include "record/verdict.h"

/*
 * One board's journey with one image, across re-enumerations: from the start of the worker to the
 * verdict. A pure machine: events go in, effects come out, time is a parameter (microseconds,
 * monotonic). Whoever owns it carries the effects out and brings the events. Drawing: attempt.c.
 */

enum attempt_state {
	ATTEMPT_CHECKING, /* the worker reads file and board */
	ATTEMPT_ASKED,	  /* the plan is there; the owner judges */
	ATTEMPT_FLASHING, /* from GO to the worker's outcome */
	ATTEMPT_WATCHING, /* the port is watched for what comes back */
	ATTEMPT_SETTLING, /* something came back: does it stay? */
	ATTEMPT_ENDED,
	_ATTEMPT_STATE_MAX,
	_ATTEMPT_STATE_INVALID = -1,
};

enum attempt_event_kind {
	ATTEMPT_EVENT_IMAGE,   /* message */
	ATTEMPT_EVENT_FINDING, /* message */
	ATTEMPT_EVENT_PLAN,    /* message */
	ATTEMPT_EVENT_GO,      /* the owner judged: go */
	ATTEMPT_EVENT_STOP,    /* the owner judged: not now; end and reason say why */
	ATTEMPT_EVENT_MARK,    /* message */
	ATTEMPT_EVENT_OUTCOME, /* message */
	/* the worker is gone; reason: WORKER_CRASHED or WORKER_DEADLINE; end: REFUSED where it
	   could not do its work on this computer */
	ATTEMPT_EVENT_DIED,
	ATTEMPT_EVENT_ABSENT,  /* the port is empty */
	ATTEMPT_EVENT_PRESENT, /* a device is on the port; device */
	ATTEMPT_EVENT_TTY,     /* tty: the /dev/serial/by-id link of the device on the port */
	ATTEMPT_EVENT_TIMER,   /* the armed time has come */
	_ATTEMPT_EVENT_MAX,
	_ATTEMPT_EVENT_INVALID = -1,
};

struct attempt_device {
	uint16_t vendor, product;
	bool dfu;      /* in DFU mode */
	bool expected; /* its identity is what [Return] or the image expects, or nothing is expected
			*/
	char id[16];   /* "1d50:614e" */
	char name[128]; /* product string */
};

struct attempt_event {
	enum attempt_event_kind kind;
	uint64_t now_us;
	const struct message *message;
	const struct attempt_device *device;
	const char *tty;
	enum attempt_end end;
	enum reason reason;
	const char *text;
};

/* What the owner must do, in this order. */
enum attempt_effect {
	ATTEMPT_TELL_CHECKED = 1 << 0,
	ATTEMPT_JUDGE = 1 << 1, /* is the choice still unambiguous? then GO or STOP */
	ATTEMPT_SEND_STOP = 1 << 2,
	ATTEMPT_SEND_GO = 1 << 3,
	ATTEMPT_TELL_FLASHING = 1 << 4,
	ATTEMPT_TELL_ERASED = 1 << 5,
	ATTEMPT_TELL_FLASHED = 1 << 6,
	ATTEMPT_TELL_LEAVING = 1 << 7,
	ATTEMPT_ARM = 1 << 8, /* a timer at attempt->timer_us, replacing the one before */
	ATTEMPT_END = 1 << 9, /* verdict and all else are set: tell, settle, free */
};

struct attempt_options {
	uint64_t within_ms;    /* [Return] Within= */
	bool stays;	       /* it is not told to leave: nothing is waited for */
	bool expects_none;     /* [Return] Id=none, or an image without USB */
	bool expects_identity; /* a certain identity is expected, so another one may be on its way
				*/
};

struct attempt {
	struct attempt_options options;
	enum attempt_state state;
	struct message image, plan, outcome;
	struct findings findings;
	bool has_outcome;

	bool erasing, written, verified, left;		    /* marks so far */
	uint64_t flashing_us, flashed_us, left_us, back_us; /* when; 0: not yet */
	bool present;					    /* a device is on the port now */
	bool was_absent;				    /* the port was empty since GO */
	unsigned flaps;					    /* came back and went again */
	struct attempt_device
		device; /* the last that was there since GO, apart from the board itself */
	bool has_device;
	char tty[256];
	uint64_t deadline_us, timer_us;

	/* from ATTEMPT_END on */
	enum attempt_end end;
	enum flash_state flash;
	enum return_kind back;
	enum verified_by checked_by;
	enum reason reason;
	enum verdict verdict;
	char text[320];	  /* what the reason is about */
	char unseen[128]; /* why a return could not be seen; set by the owner, "" for none */
};

/* A device that came back must stay that long: a boot loop is no return. */
#define ATTEMPT_SETTLE_US 2000000

void attempt_init(struct attempt *attempt, const struct attempt_options *options);

/* Effects, or-ed. */
unsigned attempt_step(struct attempt *attempt, const struct attempt_event *event);

/*
 * After a restart: what the record says happened. The board counts as still being there until the
 * owner tells what the port shows now, in place of the events that nobody heard. The attempt is
 * then watching or ended; effects as above.
 */
struct record;
unsigned attempt_resume(struct attempt *attempt, const struct record *record, uint64_t now_us);

const char *attempt_state_to_string(enum attempt_state state);
