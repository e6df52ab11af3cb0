/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The words and numbers of DFU 1.1 (chapters 3, 6 and appendix A) and of DfuSe (AN3156). Pure. */

enum dfu_request {
	DFU_DETACH,
	DFU_DNLOAD,
	DFU_UPLOAD,
	DFU_GETSTATUS,
	DFU_CLRSTATUS,
	DFU_GETSTATE,
	DFU_ABORT,
};

enum dfu_state {
	DFU_APP_IDLE,
	DFU_APP_DETACH,
	DFU_IDLE,
	DFU_DNLOAD_SYNC,
	DFU_DNBUSY,
	DFU_DNLOAD_IDLE,
	DFU_MANIFEST_SYNC,
	DFU_MANIFEST,
	DFU_MANIFEST_WAIT_RESET,
	DFU_UPLOAD_IDLE,
	DFU_ERROR,
	_DFU_STATE_MAX,
	_DFU_STATE_INVALID = -1,
};

enum dfu_status_code {
	DFU_STATUS_OK,
	DFU_STATUS_TARGET, /* DfuSe: the address is not in the map */
	DFU_STATUS_FILE,
	DFU_STATUS_WRITE,
	DFU_STATUS_ERASE,
	DFU_STATUS_CHECK_ERASED,
	DFU_STATUS_PROG,
	DFU_STATUS_VERIFY,
	DFU_STATUS_ADDRESS,
	DFU_STATUS_NOTDONE,
	DFU_STATUS_FIRMWARE,
	DFU_STATUS_VENDOR, /* DfuSe: read protection is active */
	DFU_STATUS_USBR,
	DFU_STATUS_POR,
	DFU_STATUS_UNKNOWN,
	DFU_STATUS_STALLEDPKT,
	_DFU_STATUS_MAX,
	_DFU_STATUS_INVALID = -1,
};

#define DFU_STATUS_LENGTH 6
#define DFU_TYPE_IN	  0xa1 /* class, interface, device to host */
#define DFU_TYPE_OUT	  0x21 /* class, interface, host to device */
#define DFU_BCD_DFUSE	  0x011a

/* DfuSe commands: the first byte of a DNLOAD with wValue 0 */
#define DFUSE_SET_ADDRESS 0x21
#define DFUSE_ERASE	  0x41
#define DFUSE_UNPROTECT	  0x92
/* data blocks are addressed as pointer + (wValue - DFUSE_FIRST_BLOCK) * wTransferSize */
#define DFUSE_FIRST_BLOCK 2

/* The answer to GETSTATUS (DFU 1.1, 6.1.2). */
struct dfu_status {
	uint8_t status;	       /* enum dfu_status_code, or what the device made of it */
	uint8_t state;	       /* enum dfu_state, or what the device made of it */
	uint32_t poll_timeout; /* ms, 24 bits */
};

/* False for any length but DFU_STATUS_LENGTH; *ret is untouched then. */
bool dfu_status_parse(struct dfu_status *ret, const uint8_t *bytes, uint32_t length);

/*
 * Names for a person: a state as the standard spells it ("dfuERROR"), a status in words ("firmware
 * is corrupt"). "unknown" for numbers outside the standard.
 */
const char *dfu_state_to_string(uint8_t state);
const char *dfu_status_to_string(uint8_t status);
