/* SPDX-License-Identifier: MIT */

/*
 * DFU mode as an STM32 ROM plays it: DFU 1.1 chapter 6 and appendix A, with the DfuSe commands of
 * AN3156 and what real devices were seen to do.
 *
 *   dfuIDLE, dfuDNLOAD-IDLE --DNLOAD--> dfuDNLOAD-SYNC --GETSTATUS--> dfuDNBUSY, the flash works
 *   dfuDNBUSY --GETSTATUS, held until the work is done--> dfuDNLOAD-IDLE or dfuERROR
 *   dfuIDLE, dfuDNLOAD-IDLE --empty DNLOAD--> dfuMANIFEST-SYNC --GETSTATUS--> off the bus
 *
 * The control endpoint serves one request after another and none while the flash works, so every
 * request is carried out at the time when the ROM comes to it, which may be later than it was sent:
 * at `t`. ST's own deviations: CLRSTATUS outside dfuERROR goes into dfuERROR, ABORT in dfuERROR is
 * ignored, DETACH drops off the bus and comes back as the same DFU device.
 */

#include "board-internal.h"

#include "dfu/dfu.h"

#include <string.h>

#define DFU_WIRE_US	300  /* a control transfer without data */
#define DFU_WIRE_OUT_NS 2300 /* 2 KiB out in 5 ms */
#define DFU_WIRE_IN_NS	1318 /* 2 KiB in in 3 ms */
#define DFU_LEAVE_US	1000 /* from the answer dfuMANIFEST to the disconnect */

struct dfu_call {
	const struct board_setup *setup;
	uint8_t *data;
	uint64_t now, t; /* when it was sent, when the ROM comes to it */
	uint16_t length; /* data bytes that are on the wire, by now */
	struct board_hits hits;
};

void board_dfu_start(struct board *board)
{
	board->dfu = (struct board_dfu){
		.state = board->options.cold_error ? DFU_ERROR : DFU_IDLE,
		.status = board->options.cold_error ? DFU_STATUS_FIRMWARE : DFU_STATUS_OK,
		.pointer = board_flash_base(board),
		.last_command = -1,
	};
}

static void dfu_fail(struct board *board, uint8_t status)
{
	board->dfu.state = DFU_ERROR;
	board->dfu.status = status;
}

static enum board_answer dfu_stall(struct board *board, uint8_t status)
{
	if (board->dfu.state != DFU_ERROR) {
		dfu_fail(board, status);
	}
	return BOARD_STALL;
}

static enum board_answer dfu_forbidden(struct board *board)
{
	board->counts.violations++;
	return dfu_stall(board, DFU_STATUS_STALLEDPKT);
}

/* The end of the work that the ROM has done before it came to this request. */
static void dfu_settle(struct board *board)
{
	if (board->dfu.state != DFU_DNBUSY || board->dfu.operation.forever) {
		return;
	}
	if (board->dfu.operation.status != DFU_STATUS_OK) {
		dfu_fail(board, board->dfu.operation.status);
	} else {
		board->dfu.state = DFU_DNLOAD_SYNC;
	}
}

static int dfu_command(const struct board_setup *setup, const uint8_t *data)
{
	if (setup->length == 0) {
		return BOARD_COMMAND_LEAVE;
	}
	return setup->value == 0 ? data[0] : 0;
}

static uint64_t dfu_wire_us(
	const struct board *board, const struct board_setup *setup, uint16_t length)
{
	uint64_t ns = DFU_WIRE_US * UINT64_C(1000);

	ns += (uint64_t)length *
	      (setup->type == BOARD_DFU_TYPE_IN ? DFU_WIRE_IN_NS : DFU_WIRE_OUT_NS);
	return board_duration(board, ns / 1000);
}

/* --- DNLOAD --- */

static void dfu_arm(const struct board_hits *hits, struct board_operation *operation)
{
	if (hits->hit[BOARD_FAULT_STATUS]) {
		operation->status = (uint8_t)hits->value[BOARD_FAULT_STATUS];
	}
	if (hits->hit[BOARD_FAULT_TIMEOUT]) {
		operation->poll_ms = hits->value[BOARD_FAULT_TIMEOUT];
	}
	operation->forever = hits->hit[BOARD_FAULT_BUSY];
	operation->ignored = hits->hit[BOARD_FAULT_IGNORE];
	operation->corrupt = hits->hit[BOARD_FAULT_CORRUPT];
}

static enum board_answer dfu_leave(struct board *board)
{
	board->counts.leaves++;
	board_step_add(board, BOARD_STEP_LEAVE, board->dfu.pointer, 0);
	board->dfu.state = board->options.boot == BOARD_STAYS ? DFU_IDLE : DFU_MANIFEST_SYNC;
	return BOARD_ACK;
}

static enum board_answer dfu_dnload(struct board *board, const struct dfu_call *call)
{
	struct board_operation operation = {.status = DFU_STATUS_OK};

	if (board->dfu.state != DFU_IDLE && board->dfu.state != DFU_DNLOAD_IDLE) {
		return dfu_forbidden(board);
	}
	board->dfu.last_command = dfu_command(call->setup, call->data);
	if (call->setup->length == 0) {
		return dfu_leave(board);
	}
	if (call->length > board->options.transfer_size || call->length == 0 ||
		!board_dfuse_download(
			board, call->setup->value, call->data, call->length, &operation)) {
		return dfu_stall(board, DFU_STATUS_STALLEDPKT);
	}
	dfu_arm(&call->hits, &operation);
	board_work_settle(board, call->t);
	memcpy(board->block, call->data, call->length);
	board->dfu.operation = operation;
	board->dfu.stored = true;
	board->dfu.state = DFU_DNLOAD_SYNC;
	return BOARD_ACK;
}

/* --- GETSTATUS --- */

static void dfu_begin_work(struct board *board, uint64_t at)
{
	struct board_operation *operation = &board->dfu.operation;

	board->dfu.stored = false;
	board->dfu.state = DFU_DNBUSY;
	if (operation->ignored || operation->status != DFU_STATUS_OK) {
		return;
	}
	if (operation->kind == BOARD_WORK_ADDRESS) {
		board->dfu.pointer = operation->address;
		return;
	}
	board_work_start(board, operation, at);
	if (operation->kind == BOARD_WORK_UNPROTECT) {
		board_change_set(board, BOARD_CHANGE_RESTRAP, board->work.end);
	}
}

static void dfu_put_status(struct dfu_call *call, uint8_t status, uint8_t state, uint32_t poll_ms)
{
	call->data[0] = status;
	call->data[1] = (uint8_t)poll_ms;
	call->data[2] = (uint8_t)(poll_ms >> 8);
	call->data[3] = (uint8_t)(poll_ms >> 16);
	call->data[4] = state;
	call->data[5] = 0;
}

/* The faults that change one answer, and the state only where they say so. */
static void dfu_bend_status(struct board *board, struct dfu_call *call)
{
	const struct board_hits *hits = &call->hits;
	uint32_t poll_ms =
		call->data[1] | (uint32_t)call->data[2] << 8 | (uint32_t)call->data[3] << 16;

	if (hits->hit[BOARD_FAULT_STATUS]) {
		dfu_fail(board, (uint8_t)hits->value[BOARD_FAULT_STATUS]);
		dfu_put_status(call, board->dfu.status, DFU_ERROR, poll_ms);
	}
	if (hits->hit[BOARD_FAULT_BUSY]) {
		dfu_put_status(call, DFU_STATUS_OK, DFU_DNBUSY, board->dfu.operation.poll_ms);
	}
	if (hits->hit[BOARD_FAULT_STATE]) {
		call->data[4] = (uint8_t)hits->value[BOARD_FAULT_STATE];
	}
	if (hits->hit[BOARD_FAULT_TIMEOUT]) {
		dfu_put_status(
			call, call->data[0], call->data[4], hits->value[BOARD_FAULT_TIMEOUT]);
	}
}

static enum board_answer dfu_manifest(struct board *board, struct dfu_call *call, uint64_t at)
{
	if (!board->options.answers_leave) {
		board_change_set(board, BOARD_CHANGE_LEAVE, call->now);
		board_presence(board, call->now, NULL);
		return BOARD_GONE;
	}
	board->dfu.state = DFU_MANIFEST;
	board_change_set(board, BOARD_CHANGE_LEAVE, at + board_duration(board, DFU_LEAVE_US));
	dfu_put_status(call, DFU_STATUS_OK, DFU_MANIFEST, 0);
	return BOARD_ACK;
}

static enum board_answer dfu_get_status(struct board *board, struct dfu_call *call)
{
	uint64_t at = call->t + dfu_wire_us(board, call->setup, DFU_STATUS_LENGTH);
	enum board_answer answer = BOARD_ACK;
	uint32_t poll_ms = 0;

	if (board->dfu.state == DFU_MANIFEST_SYNC) {
		answer = dfu_manifest(board, call, at);
	} else {
		if (board->dfu.state == DFU_DNLOAD_SYNC && board->dfu.stored) {
			dfu_begin_work(board, at);
			poll_ms = board->dfu.operation.poll_ms;
		} else if (board->dfu.state == DFU_DNLOAD_SYNC) {
			board->dfu.state = DFU_DNLOAD_IDLE;
		} else if (board->dfu.state == DFU_DNBUSY) {
			poll_ms = board->dfu.operation.poll_ms;
		}
		dfu_put_status(call, board->dfu.status, board->dfu.state, poll_ms);
	}
	if (answer == BOARD_ACK) {
		dfu_bend_status(board, call);
		call->length = DFU_STATUS_LENGTH;
	}
	return answer;
}

/* --- UPLOAD --- */

static enum board_answer dfu_upload(struct board *board, struct dfu_call *call)
{
	uint8_t status;

	if (board->dfu.state != DFU_IDLE && board->dfu.state != DFU_UPLOAD_IDLE) {
		return dfu_forbidden(board);
	}
	if (board->options.no_upload) {
		return dfu_stall(board, DFU_STATUS_STALLEDPKT);
	}
	if (call->hits.hit[BOARD_FAULT_STATUS]) {
		return dfu_stall(board, (uint8_t)call->hits.value[BOARD_FAULT_STATUS]);
	}
	board_work_settle(board, call->t);
	status = board_dfuse_upload(
		board, call->setup->value, call->data, call->setup->length, &call->length);
	if (status != DFU_STATUS_OK) {
		return dfu_stall(board, status);
	}
	board->dfu.state = call->length < call->setup->length ? DFU_IDLE : DFU_UPLOAD_IDLE;
	return BOARD_ACK;
}

/* --- the others --- */

static enum board_answer dfu_clear_status(struct board *board)
{
	if (board->dfu.state == DFU_ERROR) {
		board->dfu.state = DFU_IDLE;
		board->dfu.status = DFU_STATUS_OK;
	} else {
		board->counts.violations++;
		dfu_fail(board, DFU_STATUS_UNKNOWN);
	}
	return BOARD_ACK;
}

static enum board_answer dfu_abort(struct board *board)
{
	switch ((enum dfu_state)board->dfu.state) {
	case DFU_IDLE:
	case DFU_DNLOAD_SYNC:
	case DFU_DNLOAD_IDLE:
	case DFU_MANIFEST_SYNC:
	case DFU_UPLOAD_IDLE:
		board->dfu.state = DFU_IDLE;
		return BOARD_ACK;
	case DFU_APP_IDLE:
	case DFU_APP_DETACH:
	case DFU_DNBUSY:
	case DFU_MANIFEST:
	case DFU_MANIFEST_WAIT_RESET:
	case DFU_ERROR:
	case _DFU_STATE_MAX:
	case _DFU_STATE_INVALID:
		break;
	}
	board->counts.violations++;
	return BOARD_ACK;
}

static enum board_answer dfu_detach(struct board *board, const struct dfu_call *call)
{
	uint64_t at = call->t + dfu_wire_us(board, call->setup, 0);

	board->counts.violations++;
	board_change_set(board, BOARD_CHANGE_RESTRAP, at + board_duration(board, DFU_LEAVE_US));
	return BOARD_ACK;
}

static void dfu_count(struct board *board, uint8_t request, bool busy)
{
	board->counts.transfers++;
	board->counts.uploads += request == DFU_UPLOAD;
	board->counts.get_status += request == DFU_GETSTATUS;
	board->counts.early_status += request == DFU_GETSTATUS && busy;
	board->counts.clear_status += request == DFU_CLRSTATUS;
	board->counts.aborts += request == DFU_ABORT;
}

static enum board_answer dfu_dispatch(struct board *board, struct dfu_call *call)
{
	switch (call->setup->request) {
	case DFU_DETACH:
		return dfu_detach(board, call);
	case DFU_DNLOAD:
		return dfu_dnload(board, call);
	case DFU_UPLOAD:
		return dfu_upload(board, call);
	case DFU_GETSTATUS:
		return dfu_get_status(board, call);
	case DFU_CLRSTATUS:
		return dfu_clear_status(board);
	case DFU_GETSTATE:
		call->data[0] = board->dfu.state;
		call->length = 1;
		return BOARD_ACK;
	case DFU_ABORT:
		return dfu_abort(board);
	default:
		return dfu_forbidden(board);
	}
}

/* What the request is, whether it has the form that section 3 of DFU 1.1 gives it. */
static bool dfu_well_formed(const struct board_setup *setup)
{
	bool in = setup->type == BOARD_DFU_TYPE_IN;

	if (setup->index != 0) {
		return false;
	}
	switch (setup->request) {
	case DFU_UPLOAD:
		return in;
	case DFU_GETSTATUS:
		return in && setup->length >= DFU_STATUS_LENGTH;
	case DFU_GETSTATE:
		return in && setup->length >= 1;
	default:
		return !in;
	}
}

/* The faults that keep a request from the ROM. */
static bool dfu_lost(struct board *board, const struct dfu_call *call, enum board_answer *ret)
{
	if (call->hits.hit[BOARD_FAULT_VANISH]) {
		board_drop(board, call->now);
		*ret = BOARD_GONE;
		return true;
	}
	if (call->hits.hit[BOARD_FAULT_SILENCE]) {
		*ret = BOARD_SILENT;
		return true;
	}
	*ret = BOARD_STALL;
	return call->hits.hit[BOARD_FAULT_STALL];
}

/* While the flash works no request is legal; GETSTATUS is held and counted by itself. */
static enum board_answer dfu_serve(struct board *board, struct dfu_call *call, bool busy)
{
	bool in = call->setup->type == BOARD_DFU_TYPE_IN;
	uint64_t violations = board->counts.violations;
	enum board_answer answer;

	if (!dfu_well_formed(call->setup)) {
		return dfu_stall(board, DFU_STATUS_STALLEDPKT);
	}
	if (call->hits.hit[BOARD_FAULT_SHORT] && !in && call->length > 0) {
		call->length--;
	}
	answer = dfu_dispatch(board, call);
	if (call->hits.hit[BOARD_FAULT_SHORT] && in && call->length > 0) {
		call->length--;
	}
	if (busy && call->setup->request != DFU_GETSTATUS) {
		board->counts.violations = violations + 1;
	}
	return answer;
}

static int dfu_fault_command(
	const struct board *board, const struct board_setup *setup, const uint8_t *data)
{
	return setup->request == DFU_DNLOAD ? dfu_command(setup, data) : board->dfu.last_command;
}

enum board_answer board_dfu_control(struct board *board, uint64_t now_us,
	const struct board_setup *setup, uint8_t *data, uint16_t *ret_length, uint64_t *ret_at_us)
{
	struct dfu_call call = {
		.setup = setup,
		.data = data,
		.now = now_us,
		.t = *ret_at_us,
		.length = setup->type == BOARD_DFU_TYPE_IN ? 0 : setup->length,
	};
	bool busy = board_work_busy(board, now_us);
	enum board_answer answer;

	dfu_count(board, setup->request, busy);
	board_fault_match(board, setup->request, dfu_fault_command(board, setup, data), &call.hits);
	dfu_settle(board);
	if (!dfu_lost(board, &call, &answer)) {
		answer = dfu_serve(board, &call, busy);
	}
	*ret_length = answer == BOARD_ACK ? call.length : 0;
	*ret_at_us = call.t + dfu_wire_us(board, setup, call.length);
	return answer;
}
