/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * How the pure machines of this folder talk to whoever carries them out: an event goes in, the next
 * action comes out. Time comes in with the event; nothing here reads a clock or a bus.
 *
 * command (one DfuSe command) < run (one contiguous run of bytes) < session (the whole visit).
 */

enum dfu_event_kind {
	DFU_EVENT_BEGIN,    /* the first call; nothing was done yet */
	DFU_EVENT_ANSWERED, /* the control transfer or the set-alternate succeeded */
	DFU_EVENT_STALLED,
	DFU_EVENT_TIMED_OUT, /* the device did not answer within the action's time-out */
	DFU_EVENT_GONE,	     /* the device is off the bus */
	DFU_EVENT_BROKEN,    /* the transfer broke on the wire, or the device sent too much */
	DFU_EVENT_SLEPT,     /* the sleep is over, the reset was done, the mark was kept */
	_DFU_EVENT_MAX,
	_DFU_EVENT_INVALID = -1,
};

struct dfu_event {
	enum dfu_event_kind kind;
	uint64_t now_us; /* monotonic */
	uint32_t length; /* ANSWERED: bytes transferred */
};

enum dfu_action_kind {
	DFU_ACTION_NONE,
	DFU_ACTION_OUT,		  /* class request to the interface, data goes out */
	DFU_ACTION_IN,		  /* class request to the interface, data comes in */
	DFU_ACTION_SET_ALTERNATE, /* value is the alternate setting */
	DFU_ACTION_SLEEP,
	_DFU_ACTION_MAX,
};

struct dfu_action {
	enum dfu_action_kind kind;
	uint8_t request; /* enum dfu_request */
	uint16_t value;	 /* wValue */
	uint16_t length; /* wLength */
	uint8_t *data;	 /* owned by the machine, valid until its next call */
	uint32_t ms;	 /* time-out of the transfer, or how long to sleep */
};

/* What a machine's step returns. */
enum dfu_progress {
	DFU_MORE,     /* carry out the action, come back with its event */
	DFU_FINISHED, /* done; no action */
	DFU_FAILED,   /* ended for the reason in its `failure`; no action */
};

/* Why a command failed. What it means depends on the phase; the session says so. */
enum dfu_failure {
	DFU_FAILURE_NONE,
	DFU_FAILURE_STALL,	    /* stalled where it must not, or once too often */
	DFU_FAILURE_TIMEOUT,	    /* silent, or busy past every limit */
	DFU_FAILURE_PROTOCOL,	    /* wrong state, short answer, broken transfer */
	DFU_FAILURE_VANISHED,	    /* off the bus */
	DFU_FAILURE_STATUS,	    /* dfuERROR with a status of its own */
	DFU_FAILURE_READ_PROTECTED, /* dfuERROR/errVENDOR of a DfuSe device */
	DFU_FAILURE_ADDRESS,	    /* dfuERROR/errTARGET: not in the device's map */
	DFU_FAILURE_MISMATCH,	    /* what was read back is not what was written */
	_DFU_FAILURE_MAX,
	_DFU_FAILURE_INVALID = -1,
};

const char *dfu_failure_to_string(enum dfu_failure failure);
