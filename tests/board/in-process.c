/* SPDX-License-Identifier: MIT */
/* The simulated board in process: transfers take the time that the model says, and no other. */
#include "in-process.h"

#include "board.h"
#include "dfu/dfu.h"

static struct dfu_event in_process_control(
	struct in_process *f, const struct board_setup *setup, uint8_t *data, uint32_t timeout_ms)
{
	const uint64_t deadline = f->now_us + (uint64_t)timeout_ms * 1000;
	struct dfu_event event = {.kind = DFU_EVENT_BROKEN};
	uint64_t at = f->now_us;
	uint16_t length = 0;
	uint32_t visits;

	f->transfers++;
	switch (board_control(f->board, f->now_us, setup, data, &length, &at)) {
	case BOARD_ACK:
		event.kind = DFU_EVENT_ANSWERED;
		break;
	case BOARD_STALL:
		event.kind = DFU_EVENT_STALLED;
		break;
	case BOARD_SILENT:
		at = UINT64_MAX;
		break;
	case BOARD_GONE:
		event.kind = DFU_EVENT_GONE;
		break;
	}
	if (at > deadline) {
		event.kind = board_presence(f->board, deadline, &visits) == BOARD_DFU
				     ? DFU_EVENT_TIMED_OUT
				     : DFU_EVENT_GONE;
		at = deadline;
	}
	f->now_us = at;
	event.now_us = at;
	event.length = length;
	return event;
}

struct dfu_event in_process_do(struct in_process *f, const struct dfu_action *a)
{
	struct board_setup setup = {
		.type = a->kind == DFU_ACTION_IN ? DFU_TYPE_IN : DFU_TYPE_OUT,
		.request = a->request,
		.value = a->value,
		.index = f->interface,
		.length = a->length,
	};

	switch (a->kind) {
	case DFU_ACTION_OUT:
	case DFU_ACTION_IN:
		return in_process_control(f, &setup, a->data, a->ms);
	case DFU_ACTION_SET_ALTERNATE:
		setup = (struct board_setup){
			.type = 0x01, .request = 11, .value = a->value, .index = f->interface};
		return in_process_control(f, &setup, NULL, a->ms);
	case DFU_ACTION_SLEEP:
	case DFU_ACTION_NONE:
	case _DFU_ACTION_MAX:
		break;
	}
	f->now_us += (uint64_t)a->ms * 1000;
	return (struct dfu_event){.kind = DFU_EVENT_SLEPT, .now_us = f->now_us};
}

enum in_process_turn in_process_carry(struct in_process *f, struct session *session)
{
	struct dfu_event event = {.kind = DFU_EVENT_SLEPT, .now_us = f->now_us};
	struct dfu_action action;

	for (;;) {
		switch (session_step(session, &event, &action)) {
		case SESSION_DO:
			break;
		case SESSION_LOOK: /* nobody here saves anything */
			event = (struct dfu_event){.kind = DFU_EVENT_SLEPT, .now_us = f->now_us};
			continue;
		case SESSION_ASK:
			return IN_PROCESS_ASK;
		case SESSION_MARK:
			return IN_PROCESS_MARK;
		case SESSION_END:
			return IN_PROCESS_END;
		}
		if (f->limit_us != 0 && f->now_us > f->limit_us) {
			return IN_PROCESS_HUNG;
		}
		if (f->stop_at != 0 && f->transfers + 1 >= f->stop_at) {
			return IN_PROCESS_KILLED;
		}
		event = in_process_do(f, &action);
	}
}
