/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dfu/layout.h"
#include "dfu/plan.h"
#include "dfu/session.h"
#include "record/reason.h"

/* What went wrong with a board, as sentences for a person: what it is and what to do. No I/O. */

/* An error of usb.h while `doing` ("the device cannot be opened"). */
enum reason explain_usb(int error, const char *doing, char *text, size_t size);

/* A plan that cannot be made: of which file (safe to print), how large, for which memory. */
void explain_plan(enum plan_fault fault, uint32_t at, const char *name, size_t file_size,
	const struct layout *layout, char *text, size_t size);

/* A session that failed. */
void explain_failure(const struct session *session, char *text, size_t size);

/* The phase that a state belongs to: a word of MESSAGE_PHASE. */
const char *explain_phase(enum session_state state);
