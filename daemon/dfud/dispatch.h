/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "record/reason.h"

/* Looks at all boards and all files and begins what is clear (match.h says who gets what). */

struct assignment;
struct manager;

/* Begins attempts, says the standing sentences, arms the alarm for what time alone will change. */
void dispatch(struct manager *manager);

/*
 * Whether the choice of a running attempt is still clear, now that its plan is made. REASON_NONE,
 * or the reason and a sentence. *ret_could_be_another: a second board could match a moment later.
 */
enum reason dispatch_confirm(struct manager *manager, const struct assignment *assignment,
	bool *ret_could_be_another, char *text, size_t size);
