/* SPDX-License-Identifier: MIT */
/*
 * The table of what becomes of file and visit. What was flashed is done whatever came back; a wrong
 * file fails at once; a wrong board leaves the file to others; a wrong host is asked again; a
 * failure is tried again until MaxAttempts, but never twice on a board that was erased in this
 * visit, unless it was this computer that gave up (worker or daemon killed).
 */
#include "dfud/fate.h"

#include <assert.h>

static struct fate_output fate_of_refusal(enum reason reason)
{
	struct fate_output out = {.fate = FATE_STAYS, .remembers = true};

	assert(reason > REASON_NONE);
	switch (reason_class(reason)) {
	case REASON_CLASS_FILE:
		out.fate = FATE_FAILED;
		out.remembers = false;
		break;
	case REASON_CLASS_CHOICE: /* gone as soon as the choice is clear */
		out.remembers = false;
		break;
	case REASON_CLASS_TARGET:
	case REASON_CLASS_DEVICE:
		out.again = PORT_AFTER_RELOAD;
		break;
	case REASON_CLASS_HOST:
		out.again = PORT_AFTER_PAUSE;
		break;
	case _REASON_CLASS_MAX:
		break;
	}
	return out;
}

/* Whether it was this computer that ended the attempt, not the board. */
static bool fate_is_ours(enum reason reason)
{
	return reason == REASON_NONE || reason == REASON_WORKER_CRASHED;
}

static struct fate_output fate_of_failure(const struct fate_input *in)
{
	struct fate_output out = {.fate = FATE_STAYS, .counts = true, .remembers = true};

	if (in->attempts >= in->max_attempts) {
		out.fate = FATE_FAILED;
		out.remembers = false;
	} else if (in->verdict == VERDICT_INTERRUPTED && fate_is_ours(in->reason)) {
		out.remembers = false;
	} else if (in->flash == FLASH_UNTOUCHED) {
		out.again = PORT_ONCE_MORE;
	} else {
		out.again = PORT_NEVER;
	}
	return out;
}

struct fate_output fate_of(const struct fate_input *in)
{
	if (verdict_is_flashed(in->verdict)) {
		return (struct fate_output){
			.fate = FATE_DONE, .remembers = true, .again = PORT_NEVER};
	}
	if (!in->file_is_there) {
		return (struct fate_output){.fate = FATE_GONE};
	}
	switch (in->verdict) {
	case VERDICT_REFUSED:
		return fate_of_refusal(in->reason);
	case VERDICT_CANCELLED: /* not by taking the file away: dfud is being stopped */
		return (struct fate_output){.fate = FATE_STAYS};
	case VERDICT_FAILED:
	case VERDICT_INTERRUPTED:
	case VERDICT_RETURNED:
	case VERDICT_UNCHANGED:
	case VERDICT_NOT_EXPECTED:
	case VERDICT_RETURNED_OTHER:
	case VERDICT_BACK_IN_DFU:
	case VERDICT_NOT_ENUMERATING:
	case VERDICT_GONE:
	case VERDICT_STAYED:
	case _VERDICT_MAX:
	case _VERDICT_INVALID:
		break;
	}
	return fate_of_failure(in);
}
