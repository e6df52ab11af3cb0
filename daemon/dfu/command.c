/* SPDX-License-Identifier: MIT */
/*
 * One DfuSe command as a state machine.
 *
 *   READY --request--> SENT --answered--> STATUS --busy--> WAIT --slept--> STATUS ... --> ENDED
 *   TO_IDLE: READY --> STATUS --error or half-way--> CLEAR --> STATUS ... --dfuIDLE--> ENDED
 *   READ:    READY --> SENT --data--> ENDED;  SENT --stall--> WHY --> ENDED
 *
 * Invariants: CLRSTATUS is sent in dfuERROR only (ST's stacks go INTO dfuERROR by it elsewhere),
 * and ABORT only where it is legal; a GETSTATUS that follows a wait may be held by the device until
 * its work is done, so it gets COMMAND_WORK_TIMEOUT_MS; a stalled GETSTATUS is asked again at most
 * STALLS_MAX times (full-speed device cores stall an early one); no loop is without a bound.
 *
 * Sources: DFU 1.1 chapter 6 and appendix A; AN3156 (SET_ADDRESS, ERASE, write, read, leave).
 */
#include "dfu/command.h"

#include <assert.h>
#include <string.h>

#define ROUNDS_MAX	8    /* clears and aborts until a device counts as stuck */
#define STALLS_MAX	3    /* of GETSTATUS in one command */
#define POLL_FLOOR_MS	1    /* a device that says 0 while busy would be asked without end */
#define POLL_CEILING_MS 5000 /* 24 bits can say 4.6 hours */
#define STALL_WAIT_MS	100

static enum dfu_progress command_end(struct command *c, enum dfu_failure failure)
{
	c->state = COMMAND_ENDED;
	c->failure = failure;
	return failure == DFU_FAILURE_NONE ? DFU_FINISHED : DFU_FAILED;
}

static void command_init(struct command *c, enum command_kind kind)
{
	*c = (struct command){.kind = kind, .state = COMMAND_READY};
}

void command_to_idle(struct command *c)
{
	command_init(c, COMMAND_TO_IDLE);
}

static void command_special(struct command *c, uint8_t code, uint32_t address)
{
	c->payload[0] = code;
	for (unsigned i = 0; i < 4; i++) {
		c->payload[1 + i] = (uint8_t)(address >> (8 * i));
	}
	c->data = c->payload;
	c->length = sizeof(c->payload);
	c->block = 0;
}

void command_set_address(struct command *c, uint32_t address)
{
	command_init(c, COMMAND_SET_ADDRESS);
	command_special(c, DFUSE_SET_ADDRESS, address);
}

void command_erase(struct command *c, uint32_t address)
{
	command_init(c, COMMAND_ERASE);
	command_special(c, DFUSE_ERASE, address);
}

void command_write(struct command *c, uint16_t block, const uint8_t *data, uint16_t length)
{
	command_init(c, COMMAND_WRITE);
	c->block = block;
	c->data = (uint8_t *)data;
	c->length = length;
}

void command_read(struct command *c, uint16_t block, uint8_t *ret_data, uint16_t length)
{
	command_init(c, COMMAND_READ);
	c->block = block;
	c->data = ret_data;
	c->length = length;
}

void command_leave(struct command *c)
{
	command_init(c, COMMAND_LEAVE);
	c->block = DFUSE_FIRST_BLOCK;
}

static enum dfu_progress command_get_status(
	struct command *c, enum command_state state, uint32_t timeout_ms, struct dfu_action *a)
{
	c->state = state;
	*a = (struct dfu_action){
		.kind = DFU_ACTION_IN,
		.request = DFU_GETSTATUS,
		.length = sizeof(c->reply),
		.data = c->reply,
		.ms = timeout_ms,
	};
	return DFU_MORE;
}

static enum dfu_progress command_sleep(struct command *c, uint32_t ms, struct dfu_action *a)
{
	c->state = COMMAND_WAIT;
	*a = (struct dfu_action){.kind = DFU_ACTION_SLEEP, .ms = ms};
	return DFU_MORE;
}

static enum dfu_progress command_request(
	struct command *c, uint8_t request, enum command_state state, struct dfu_action *a)
{
	c->state = state;
	*a = (struct dfu_action){
		.kind = DFU_ACTION_OUT,
		.request = request,
		.ms = COMMAND_TIMEOUT_MS,
	};
	return DFU_MORE;
}

static enum dfu_progress command_send(struct command *c, struct dfu_action *a)
{
	c->state = COMMAND_SENT;
	*a = (struct dfu_action){
		.kind = c->kind == COMMAND_READ ? DFU_ACTION_IN : DFU_ACTION_OUT,
		.request = c->kind == COMMAND_READ ? DFU_UPLOAD : DFU_DNLOAD,
		.value = c->block,
		.length = c->length,
		.data = c->data,
		.ms = c->kind == COMMAND_LEAVE ? COMMAND_LEAVE_TIMEOUT_MS : COMMAND_TIMEOUT_MS,
	};
	return DFU_MORE;
}

/* A failure that the event itself tells; NONE where it was answered or slept. */
static enum dfu_failure command_failure_of(const struct dfu_event *event)
{
	switch (event->kind) {
	case DFU_EVENT_STALLED:
		return DFU_FAILURE_STALL;
	case DFU_EVENT_TIMED_OUT:
		return DFU_FAILURE_TIMEOUT;
	case DFU_EVENT_GONE:
		return DFU_FAILURE_VANISHED;
	case DFU_EVENT_BROKEN:
		return DFU_FAILURE_PROTOCOL;
	case DFU_EVENT_BEGIN:
	case DFU_EVENT_ANSWERED:
	case DFU_EVENT_SLEPT:
	case _DFU_EVENT_MAX:
	case _DFU_EVENT_INVALID:
		break;
	}
	return DFU_FAILURE_NONE;
}

/* dfuERROR at the end of a command: what its status means on a DfuSe device. */
static enum dfu_failure command_failure_of_status(const struct dfu_status *status)
{
	switch (status->status) {
	case DFU_STATUS_TARGET:
	case DFU_STATUS_ADDRESS:
		return DFU_FAILURE_ADDRESS;
	case DFU_STATUS_VENDOR:
		return DFU_FAILURE_READ_PROTECTED;
	default: /* any byte that a device may send */
		return DFU_FAILURE_STATUS;
	}
}

static bool command_is_overdue(const struct command *c, const struct dfu_event *event)
{
	return event->now_us - c->begun_us > (uint64_t)COMMAND_BUSY_LIMIT_MS * 1000;
}

static enum dfu_progress command_poll(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	uint32_t ms = c->status.poll_timeout;

	if (command_is_overdue(c, event)) {
		return command_end(c, DFU_FAILURE_TIMEOUT);
	}
	if (ms < POLL_FLOOR_MS) {
		ms = POLL_FLOOR_MS;
	}
	if (ms > POLL_CEILING_MS) {
		ms = POLL_CEILING_MS;
	}
	return command_sleep(c, ms, a);
}

/* The state that a status tells, on the way to dfuIDLE. */
static enum dfu_progress command_idle_judge(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	if (c->status.state == DFU_IDLE) {
		return command_end(c, DFU_FAILURE_NONE);
	}
	if (++c->rounds > ROUNDS_MAX) {
		return command_end(c, DFU_FAILURE_PROTOCOL);
	}
	switch (c->status.state) {
	case DFU_ERROR:
		return command_request(c, DFU_CLRSTATUS, COMMAND_CLEAR, a);
	case DFU_DNLOAD_SYNC:
	case DFU_DNLOAD_IDLE:
	case DFU_MANIFEST_SYNC:
	case DFU_UPLOAD_IDLE:
		return command_request(c, DFU_ABORT, COMMAND_CLEAR, a);
	case DFU_DNBUSY:
		c->rounds--; /* bounded by time instead */
		return command_poll(c, event, a);
	default: /* run-time mode, manifestation, or a number outside the standard */
		return command_end(c, DFU_FAILURE_PROTOCOL);
	}
}

/* The state that a status tells, after a download request. */
static enum dfu_progress command_work_judge(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	switch (c->status.state) {
	case DFU_DNLOAD_IDLE:
		return command_end(c,
			c->status.status == DFU_STATUS_OK ? DFU_FAILURE_NONE : DFU_FAILURE_STATUS);
	case DFU_DNBUSY:
	case DFU_DNLOAD_SYNC:
		return command_poll(c, event, a);
	case DFU_ERROR:
		return command_end(c, command_failure_of_status(&c->status));
	default:
		return command_end(c, DFU_FAILURE_PROTOCOL);
	}
}

static enum dfu_progress command_in_ready(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	assert(event->kind == DFU_EVENT_BEGIN);
	c->begun_us = event->now_us;
	if (c->kind == COMMAND_TO_IDLE) {
		return command_get_status(c, COMMAND_STATUS, COMMAND_TIMEOUT_MS, a);
	}
	return command_send(c, a);
}

static enum dfu_progress command_in_sent(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	const enum dfu_failure failure = command_failure_of(event);

	if (c->kind == COMMAND_LEAVE) {
		if (failure == DFU_FAILURE_VANISHED) {
			return command_end(c, DFU_FAILURE_NONE);
		}
		return command_get_status(c, COMMAND_STATUS, COMMAND_LEAVE_TIMEOUT_MS, a);
	}
	if (failure == DFU_FAILURE_STALL) {
		return command_get_status(c, COMMAND_WHY, COMMAND_TIMEOUT_MS, a);
	}
	if (failure != DFU_FAILURE_NONE) {
		return command_end(c, failure);
	}
	if (event->length != c->length) {
		return command_end(c, DFU_FAILURE_PROTOCOL);
	}
	if (c->kind == COMMAND_READ) {
		return command_end(c, DFU_FAILURE_NONE);
	}
	return command_get_status(c, COMMAND_STATUS, COMMAND_WORK_TIMEOUT_MS, a);
}

static enum dfu_progress command_in_status(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	const enum dfu_failure failure = command_failure_of(event);
	const bool answered = failure == DFU_FAILURE_NONE;

	if (answered && !dfu_status_parse(&c->status, c->reply, event->length)) {
		return command_end(
			c, c->kind == COMMAND_LEAVE ? DFU_FAILURE_NONE : DFU_FAILURE_PROTOCOL);
	}
	if (answered && !c->answered) {
		c->answered = true;
		c->first = c->status;
	}
	if (c->kind == COMMAND_LEAVE) {
		return command_end(c, DFU_FAILURE_NONE);
	}
	if (failure == DFU_FAILURE_STALL && ++c->stalls <= STALLS_MAX) {
		return command_sleep(c, STALL_WAIT_MS, a);
	}
	if (!answered) {
		return command_end(c, failure);
	}
	return c->kind == COMMAND_TO_IDLE ? command_idle_judge(c, event, a)
					  : command_work_judge(c, event, a);
}

static enum dfu_progress command_in_wait(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	assert(event->kind == DFU_EVENT_SLEPT);
	return command_get_status(c, COMMAND_STATUS, COMMAND_WORK_TIMEOUT_MS, a);
}

/* A stalled ABORT or CLRSTATUS is seen by the next status; the rounds bound it. */
static enum dfu_progress command_in_clear(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	const enum dfu_failure failure = command_failure_of(event);

	if (failure != DFU_FAILURE_NONE && failure != DFU_FAILURE_STALL) {
		return command_end(c, failure);
	}
	return command_get_status(c, COMMAND_STATUS, COMMAND_TIMEOUT_MS, a);
}

static enum dfu_progress command_in_why(
	struct command *c, const struct dfu_event *event, struct dfu_action *a)
{
	(void)a;
	if (event->kind == DFU_EVENT_GONE) {
		return command_end(c, DFU_FAILURE_VANISHED);
	}
	if (event->kind == DFU_EVENT_ANSWERED &&
		dfu_status_parse(&c->status, c->reply, event->length)) {
		c->answered = true;
		if (c->status.state == DFU_ERROR && c->status.status != DFU_STATUS_STALLEDPKT) {
			return command_end(c, command_failure_of_status(&c->status));
		}
	}
	return command_end(c, DFU_FAILURE_STALL);
}

enum dfu_progress command_step(
	struct command *c, const struct dfu_event *event, struct dfu_action *ret_action)
{
	*ret_action = (struct dfu_action){0};
	switch (c->state) {
	case COMMAND_READY:
		return command_in_ready(c, event, ret_action);
	case COMMAND_SENT:
		return command_in_sent(c, event, ret_action);
	case COMMAND_STATUS:
		return command_in_status(c, event, ret_action);
	case COMMAND_WAIT:
		return command_in_wait(c, event, ret_action);
	case COMMAND_CLEAR:
		return command_in_clear(c, event, ret_action);
	case COMMAND_WHY:
		return command_in_why(c, event, ret_action);
	case COMMAND_ENDED:
	case _COMMAND_STATE_MAX:
		break;
	}
	return command_end(c, c->failure);
}

const char *command_kind_to_string(enum command_kind kind)
{
	static const char *const names[_COMMAND_KIND_MAX] = {
		[COMMAND_TO_IDLE] = "to-idle",
		[COMMAND_SET_ADDRESS] = "set-address",
		[COMMAND_ERASE] = "erase",
		[COMMAND_WRITE] = "write",
		[COMMAND_READ] = "read",
		[COMMAND_LEAVE] = "leave",
	};

	assert(kind >= 0 && kind < _COMMAND_KIND_MAX);
	return names[kind];
}

const char *command_state_to_string(enum command_state state)
{
	static const char *const names[_COMMAND_STATE_MAX] = {
		[COMMAND_READY] = "ready",
		[COMMAND_SENT] = "sent",
		[COMMAND_STATUS] = "status",
		[COMMAND_WAIT] = "wait",
		[COMMAND_CLEAR] = "clear",
		[COMMAND_WHY] = "why",
		[COMMAND_ENDED] = "ended",
	};

	assert(state >= 0 && state < _COMMAND_STATE_MAX);
	return names[state];
}
