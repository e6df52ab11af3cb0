/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dfu/command.h"
#include "dfu/exchange.h"
#include "dfu/plan.h"

/*
 * One contiguous run of bytes to or from a DfuSe device: SET_ADDRESS once, then blocks of exactly
 * the transfer size with block numbers counting up (the device computes address + (wValue - 2) *
 * size), the last one as short as need be. Pure; see exchange.h.
 */

enum run_kind {
	RUN_READ,   /* into run->data */
	RUN_WRITE,  /* run->data to the device */
	RUN_VERIFY, /* reads and compares with run->data; MISMATCH at the first difference */
	_RUN_KIND_MAX,
};

enum run_state {
	RUN_ADDRESS, /* SET_ADDRESS is under way */
	RUN_TO_IDLE, /* an upload begins in dfuIDLE, SET_ADDRESS ends in dfuDNLOAD-IDLE */
	RUN_BLOCKS,
	RUN_CLOSING, /* an upload ends in dfuIDLE again */
	RUN_ENDED,
	_RUN_STATE_MAX,
};

/* The largest block: what the kernel lets pass in one control transfer. */
#define RUN_BLOCK_MAX 4096
/* wValue has 16 bits: after that many blocks the address is set anew. */
#define RUN_BLOCKS_MAX 65534

struct run {
	enum run_kind kind;
	enum run_state state;
	enum dfu_failure failure;
	struct plan_run bytes; /* the whole run; its data is borrowed */
	uint16_t block_size;
	uint32_t done;	 /* bytes moved; at a failure: where it happened, from the start */
	uint32_t base;	 /* bytes moved when the address was last set */
	uint16_t length; /* of the block under way */
	struct command command;
	uint8_t buffer[RUN_BLOCK_MAX]; /* what VERIFY read */
};

void run_begin(
	struct run *run, enum run_kind kind, const struct plan_run *bytes, uint16_t block_size);

enum dfu_progress run_step(
	struct run *run, const struct dfu_event *event, struct dfu_action *ret_action);

const char *run_state_to_string(enum run_state state);
