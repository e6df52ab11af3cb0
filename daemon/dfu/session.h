/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfu/dfu.h"
#include "dfu/exchange.h"
#include "dfu/plan.h"
#include "dfu/run.h"

/*
 * The whole conversation with one DfuSe device, in the order that the design fixes: recover, read,
 * decide, let the owner look, read what is to be saved, ask for leave to begin, erase, write all
 * but the first blocks, read back, write the first blocks, read back, set the address, leave. Pure;
 * the drawing is in session.c.
 *
 *   session_init, then session_step again and again:
 *     SESSION_DO    carry out *ret_action, come back with its event
 *     SESSION_LOOK  the plan is decided; look at what was found, call plan_save and
 *                   session_leave_to as need be, come back with DFU_EVENT_SLEPT (or never)
 *     SESSION_ASK   what is to be saved was read; call session_answer, come back with
 *                   DFU_EVENT_SLEPT
 *     SESSION_MARK  make session->mark durable, come back with DFU_EVENT_SLEPT
 *     SESSION_END   over: session->end, failure, flash, left ... say how
 */

enum session_state {
	SESSION_READY,
	SESSION_ALTERNATE, /* set-alternate is under way */
	SESSION_RECOVER,   /* to dfuIDLE */
	SESSION_READ,	   /* what is there */
	SESSION_LOOKED,	   /* waits until the owner has looked */
	SESSION_SAVE,	   /* what is to be saved and is not known yet */
	SESSION_ASKED,	   /* waits for the answer */
	SESSION_ERASE,
	SESSION_WRITE,	/* all but the first blocks */
	SESSION_VERIFY, /* the same, read back */
	SESSION_SEAL,	/* the first blocks, lowest address last */
	SESSION_VERIFY_SEAL,
	SESSION_MARKING, /* waits until a mark is durable */
	SESSION_POINT,	 /* SET_ADDRESS to where the board shall start */
	SESSION_LEAVE,
	SESSION_ENDED,
	_SESSION_STATE_MAX,
	_SESSION_STATE_INVALID = -1,
};

/* Steps that cannot be taken back; each is asked to be made durable before the next action. */
enum session_mark {
	SESSION_MARK_ERASING,  /* from now on the board may hold no program */
	SESSION_MARK_WRITTEN,  /* everything is written, not all of it is verified */
	SESSION_MARK_VERIFIED, /* the flash holds the image (or: nothing differed) */
	SESSION_MARK_LEFT,     /* the leave was sent */
	_SESSION_MARK_MAX,
	_SESSION_MARK_INVALID = -1,
};

enum session_flash {
	SESSION_UNTOUCHED,
	SESSION_UNCHANGED, /* it held the image already */
	SESSION_ERASED,	   /* at least one erase was sent, no byte written */
	SESSION_PARTLY,
	SESSION_WRITTEN,
	_SESSION_FLASH_MAX,
	_SESSION_FLASH_INVALID = -1,
};

enum session_end {
	SESSION_COMPLETED,
	SESSION_STOPPED, /* answered with stop: nothing was erased */
	SESSION_FAILED,
	_SESSION_END_MAX,
	_SESSION_END_INVALID = -1,
};

enum session_turn {
	SESSION_DO,
	SESSION_LOOK,
	SESSION_ASK,
	SESSION_MARK,
	SESSION_END,
};

struct session_options {
	struct plan *plan; /* made, not decided; borrowed; must outlive the session */
	uint8_t alternate;
	uint16_t transfer_size;
	uint32_t leave_address;
	bool stay; /* not told to leave */
};

struct session {
	struct session_options options;
	enum session_state state;
	enum session_state after_mark;
	enum session_mark mark; /* SESSION_MARK: which */
	bool go;

	/* results, valid at any time */
	enum session_end end;
	enum session_flash flash;
	bool verified; /* read back, all of it */
	bool left;     /* the leave was sent */
	bool leave_answered;
	struct dfu_status first;  /* the board's very first status */
	struct dfu_status status; /* the last one received */
	enum session_state failed_in;
	enum dfu_failure failure;
	uint32_t failed_at; /* address */
	int error;	    /* -errno of our own (out of memory), else 0 */
	uint64_t read_us, erase_us, write_us, verify_us;
	uint32_t sectors_erased;
	uint64_t bytes_done, bytes_total; /* moved in this phase, for progress */

	/* inner */
	size_t index; /* of the run or of the sector under way */
	uint64_t phase_us;
	struct command command;
	struct run run;
};

void session_init(struct session *session, const struct session_options *options);
enum session_turn session_step(
	struct session *session, const struct dfu_event *event, struct dfu_action *ret_action);
/* After SESSION_LOOK: where the board shall start, or that it is not told to leave. */
void session_leave_to(struct session *session, uint32_t address, bool stay);
/* Once, after SESSION_ASK. */
void session_answer(struct session *session, bool go);

/*
 * The DFUD_REASON word for a failed session; whether that counts as a refusal (nothing was erased
 * and another try on this board would end the same).
 */
const char *session_reason(const struct session *session, bool *ret_refused);

const char *session_state_to_string(enum session_state state);
const char *session_mark_to_string(enum session_mark mark);
enum session_mark session_mark_from_string(const char *text);
const char *session_flash_to_string(enum session_flash flash);
enum session_flash session_flash_from_string(const char *text);
