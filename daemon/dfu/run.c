/* SPDX-License-Identifier: MIT */
/*
 * One contiguous run of bytes.
 *
 *   WRITE:         ADDRESS --> BLOCKS ... --> ENDED
 *   READ, VERIFY:  ADDRESS --> TO_IDLE --> BLOCKS ... --> CLOSING --> ENDED
 *                     ^----------- RUN_BLOCKS_MAX ------------'
 *
 * Invariants: every block but the last has exactly block_size bytes, because devices compute the
 * address from the number of the block and their own transfer size; after RUN_BLOCKS_MAX blocks the
 * address is set again, since wValue has 16 bits. Source: AN3156, read memory and write memory.
 */
#include "dfu/run.h"

#include <assert.h>
#include <string.h>

void run_begin(
	struct run *run, enum run_kind kind, const struct plan_run *bytes, uint16_t block_size)
{
	assert(bytes->size > 0 && block_size > 0 && block_size <= RUN_BLOCK_MAX);
	run->kind = kind;
	run->state = RUN_ADDRESS;
	run->failure = DFU_FAILURE_NONE;
	run->bytes = *bytes;
	run->block_size = block_size;
	run->done = 0;
	run->base = 0;
	run->length = 0;
	command_set_address(&run->command, bytes->address);
}

static enum dfu_progress run_end(struct run *run, enum dfu_failure failure)
{
	run->state = RUN_ENDED;
	run->failure = failure;
	return failure == DFU_FAILURE_NONE ? DFU_FINISHED : DFU_FAILED;
}

/* Starts the command that the state is about. */
static void run_enter(struct run *run, enum run_state state)
{
	run->state = state;
	switch (state) {
	case RUN_ADDRESS:
		run->base = run->done;
		command_set_address(&run->command, run->bytes.address + run->done);
		break;
	case RUN_TO_IDLE:
	case RUN_CLOSING:
		command_to_idle(&run->command);
		break;
	case RUN_BLOCKS: {
		const uint32_t left = run->bytes.size - run->done;
		const uint16_t block =
			(uint16_t)(DFUSE_FIRST_BLOCK + (run->done - run->base) / run->block_size);
		uint8_t *data = run->bytes.data + run->done;

		run->length = left < run->block_size ? (uint16_t)left : run->block_size;
		if (run->kind == RUN_WRITE) {
			command_write(&run->command, block, data, run->length);
		} else {
			command_read(&run->command, block,
				run->kind == RUN_VERIFY ? run->buffer : data, run->length);
		}
		break;
	}
	case RUN_ENDED:
	case _RUN_STATE_MAX:
		break;
	}
}

/* The first byte of the block that differs, or its length where none does. */
static uint32_t run_compare(const struct run *run)
{
	const uint8_t *want = run->bytes.data + run->done;
	uint32_t i = 0;

	while (i < run->length && run->buffer[i] == want[i]) {
		i++;
	}
	return i;
}

static bool run_needs_address(const struct run *run)
{
	return (run->done - run->base) / run->block_size >= RUN_BLOCKS_MAX;
}

/* On the way to a new address: SET_ADDRESS is a download, which an upload must not meet. */
static enum run_state run_pause(const struct run *run)
{
	return run->kind == RUN_WRITE ? RUN_ADDRESS : RUN_CLOSING;
}

/* A block is done: the next state. */
static enum dfu_progress run_advance(struct run *run)
{
	if (run->kind == RUN_VERIFY) {
		const uint32_t same = run_compare(run);

		if (same < run->length) {
			run->done += same;
			return run_end(run, DFU_FAILURE_MISMATCH);
		}
	}
	run->done += run->length;
	if (run->done < run->bytes.size) {
		run_enter(run, run_needs_address(run) ? run_pause(run) : RUN_BLOCKS);
		return DFU_MORE;
	}
	if (run->kind == RUN_WRITE) {
		return run_end(run, DFU_FAILURE_NONE);
	}
	run_enter(run, RUN_CLOSING);
	return DFU_MORE;
}

/* The command of the state is finished: the next state. */
static enum dfu_progress run_next(struct run *run)
{
	switch (run->state) {
	case RUN_ADDRESS:
		run_enter(run, run->kind == RUN_WRITE ? RUN_BLOCKS : RUN_TO_IDLE);
		return DFU_MORE;
	case RUN_TO_IDLE:
		run_enter(run, RUN_BLOCKS);
		return DFU_MORE;
	case RUN_BLOCKS:
		return run_advance(run);
	case RUN_CLOSING:
		if (run->done < run->bytes.size) {
			run_enter(run, RUN_ADDRESS);
			return DFU_MORE;
		}
		break;
	case RUN_ENDED:
	case _RUN_STATE_MAX:
		break;
	}
	return run_end(run, DFU_FAILURE_NONE);
}

enum dfu_progress run_step(
	struct run *run, const struct dfu_event *event, struct dfu_action *ret_action)
{
	struct dfu_event e = *event;

	for (;;) {
		enum dfu_progress progress = command_step(&run->command, &e, ret_action);

		if (progress == DFU_MORE) {
			return DFU_MORE;
		}
		if (progress == DFU_FAILED) {
			return run_end(run, run->command.failure);
		}
		progress = run_next(run);
		if (progress != DFU_MORE) {
			return progress;
		}
		e.kind = DFU_EVENT_BEGIN;
	}
}

const char *run_state_to_string(enum run_state state)
{
	static const char *const names[_RUN_STATE_MAX] = {
		[RUN_ADDRESS] = "address",
		[RUN_TO_IDLE] = "to-idle",
		[RUN_BLOCKS] = "blocks",
		[RUN_CLOSING] = "closing",
		[RUN_ENDED] = "ended",
	};

	assert(state >= 0 && state < _RUN_STATE_MAX);
	return names[state];
}
