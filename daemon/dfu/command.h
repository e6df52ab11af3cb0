/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dfu/dfu.h"
#include "dfu/exchange.h"

/*
 * One command of a DfuSe conversation, from its request to the state that ends it (AN3156; DFU 1.1
 * appendix A; the two-GETSTATUS rule: the first one starts the work, a later one tells its end).
 * Pure; see exchange.h. Set the command up with one of the *_begin functions, then step it with
 * DFU_EVENT_BEGIN.
 */

enum command_kind {
	COMMAND_TO_IDLE,     /* from wherever the device is to dfuIDLE */
	COMMAND_SET_ADDRESS, /* ends in dfuDNLOAD-IDLE */
	COMMAND_ERASE,	     /* the sector that holds the address */
	COMMAND_WRITE,	     /* one block of data */
	COMMAND_READ,	     /* one block, from dfuIDLE or dfuUPLOAD-IDLE */
	COMMAND_LEAVE,	     /* never fails: what it was answered decides nothing */
	_COMMAND_KIND_MAX,
};

enum command_state {
	COMMAND_READY,	/* nothing sent */
	COMMAND_SENT,	/* its request is out */
	COMMAND_STATUS, /* GETSTATUS is out */
	COMMAND_WAIT,	/* sleeps as the device asked for */
	COMMAND_CLEAR,	/* CLRSTATUS or ABORT is out (TO_IDLE) */
	COMMAND_WHY,	/* GETSTATUS is out, to learn why a read stalled */
	COMMAND_ENDED,
	_COMMAND_STATE_MAX,
};

/* A device may be busy with one command that long, whatever it says. */
#define COMMAND_BUSY_LIMIT_MS 64000
/* The GETSTATUS that waits for an erase may be held that long. */
#define COMMAND_WORK_TIMEOUT_MS	 35000
#define COMMAND_TIMEOUT_MS	 5000
#define COMMAND_LEAVE_TIMEOUT_MS 1000

struct command {
	enum command_kind kind;
	enum command_state state;
	enum dfu_failure failure;

	uint16_t block;	 /* WRITE, READ: wValue */
	uint16_t length; /* WRITE, READ: bytes */
	uint8_t *data;	 /* WRITE, READ: borrowed */

	struct dfu_status status; /* the last that was received */
	struct dfu_status first;  /* the first of this command */
	bool answered;		  /* a status was received at all; LEAVE: it was answered */

	uint64_t begun_us;
	unsigned rounds; /* clears and aborts (TO_IDLE) */
	unsigned stalls; /* of GETSTATUS */
	uint8_t payload[5];
	uint8_t reply[DFU_STATUS_LENGTH];
};

void command_to_idle(struct command *command);
void command_set_address(struct command *command, uint32_t address);
void command_erase(struct command *command, uint32_t address);
/* data must stay valid until the command ended */
void command_write(struct command *command, uint16_t block, const uint8_t *data, uint16_t length);
void command_read(struct command *command, uint16_t block, uint8_t *ret_data, uint16_t length);
void command_leave(struct command *command);

enum dfu_progress command_step(
	struct command *command, const struct dfu_event *event, struct dfu_action *ret_action);

const char *command_kind_to_string(enum command_kind kind);
const char *command_state_to_string(enum command_state state);
