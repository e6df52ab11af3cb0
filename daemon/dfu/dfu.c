/* SPDX-License-Identifier: MIT */
#include "dfu.h"

#include <stddef.h>

/*
 * The names of what a DFU device says. The numbers are those of DFU 1.1, appendix A (states) and
 * section 6.1.2 (status); a device may say any other number, so every lookup is bounded. States
 * keep the standard's names; a status is told in words, as the journal quotes it to a person.
 */

static const char *const dfu_state_names[_DFU_STATE_MAX] = {
	[DFU_APP_IDLE] = "appIDLE",
	[DFU_APP_DETACH] = "appDETACH",
	[DFU_IDLE] = "dfuIDLE",
	[DFU_DNLOAD_SYNC] = "dfuDNLOAD-SYNC",
	[DFU_DNBUSY] = "dfuDNBUSY",
	[DFU_DNLOAD_IDLE] = "dfuDNLOAD-IDLE",
	[DFU_MANIFEST_SYNC] = "dfuMANIFEST-SYNC",
	[DFU_MANIFEST] = "dfuMANIFEST",
	[DFU_MANIFEST_WAIT_RESET] = "dfuMANIFEST-WAIT-RESET",
	[DFU_UPLOAD_IDLE] = "dfuUPLOAD-IDLE",
	[DFU_ERROR] = "dfuERROR",
};

static const char *const dfu_status_names[_DFU_STATUS_MAX] = {
	[DFU_STATUS_OK] = "no error",
	[DFU_STATUS_TARGET] = "not for this device",
	[DFU_STATUS_FILE] = "file refused by a vendor's test",
	[DFU_STATUS_WRITE] = "memory cannot be written",
	[DFU_STATUS_ERASE] = "erase failed",
	[DFU_STATUS_CHECK_ERASED] = "memory is not blank after erase",
	[DFU_STATUS_PROG] = "programming failed",
	[DFU_STATUS_VERIFY] = "programmed memory differs",
	[DFU_STATUS_ADDRESS] = "address out of range",
	[DFU_STATUS_NOTDONE] = "the data ended too early",
	[DFU_STATUS_FIRMWARE] = "firmware is corrupt",
	[DFU_STATUS_VENDOR] = "vendor-specific error",
	[DFU_STATUS_USBR] = "unexpected USB reset",
	[DFU_STATUS_POR] = "unexpected power-on reset",
	[DFU_STATUS_UNKNOWN] = "unknown error",
	[DFU_STATUS_STALLEDPKT] = "unexpected request",
};

bool dfu_status_parse(struct dfu_status *ret, const uint8_t *bytes, uint32_t length)
{
	if (length != DFU_STATUS_LENGTH) {
		return false;
	}
	*ret = (struct dfu_status){
		.status = bytes[0],
		.poll_timeout = bytes[1] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3] << 16,
		.state = bytes[4],
	};
	return true;
}

const char *dfu_state_to_string(uint8_t state)
{
	return state < _DFU_STATE_MAX ? dfu_state_names[state] : "unknown";
}

const char *dfu_status_to_string(uint8_t status)
{
	return status < _DFU_STATUS_MAX ? dfu_status_names[status] : "unknown";
}
