/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "dfud/port.h"
#include "record/reason.h"
#include "record/verdict.h"

/* What becomes of a file after an attempt, and of the board's visit: the table of design 4. Pure.
 */

enum fate {
	FATE_DONE,   /* to done/ */
	FATE_FAILED, /* to failed/ */
	FATE_STAYS,  /* stays a job (goes back into the queue where it was claimed) */
	FATE_GONE,   /* a person took it away */
};

struct fate_input {
	enum verdict verdict;
	enum reason reason;
	enum flash_state flash;
	unsigned attempts;     /* that failed or were interrupted, this one included */
	unsigned max_attempts; /* MaxAttempts= */
	bool file_is_there;    /* in the queue or claimed */
};

struct fate_output {
	enum fate fate;
	bool counts;	/* this attempt counts against MaxAttempts= */
	bool remembers; /* the visit remembers the job: again says how */
	enum port_again again;
};

struct fate_output fate_of(const struct fate_input *input);
