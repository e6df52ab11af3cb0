/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "dfu/session.h"

struct board;

/*
 * The in-process front of the simulated board: carries a session out on it in virtual time, as the
 * worker's loop does on a real one. No clock, no I/O.
 */
struct in_process {
	struct board *board;
	uint64_t now_us;
	uint64_t limit_us;  /* a conversation that takes longer counts as hung (0: no limit) */
	uint64_t transfers; /* carried out so far */
	uint64_t stop_at;   /* the worker is killed before this transfer (0: never) */
	uint8_t interface;
};

enum in_process_turn {
	IN_PROCESS_ASK,
	IN_PROCESS_MARK,
	IN_PROCESS_END,
	IN_PROCESS_HUNG,
	IN_PROCESS_KILLED,
};

/* Until the session asks, marks or ends. */
enum in_process_turn in_process_carry(struct in_process *front, struct session *session);

/* One action, for tests of the smaller machines. */
struct dfu_event in_process_do(struct in_process *front, const struct dfu_action *action);
