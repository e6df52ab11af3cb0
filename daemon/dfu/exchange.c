/* SPDX-License-Identifier: MIT */
/* Names of what the machines of this folder exchange. */
#include "dfu/exchange.h"

#include <assert.h>

const char *dfu_failure_to_string(enum dfu_failure failure)
{
	static const char *const names[_DFU_FAILURE_MAX] = {
		[DFU_FAILURE_NONE] = "none",
		[DFU_FAILURE_STALL] = "stall",
		[DFU_FAILURE_TIMEOUT] = "timeout",
		[DFU_FAILURE_PROTOCOL] = "protocol",
		[DFU_FAILURE_VANISHED] = "vanished",
		[DFU_FAILURE_STATUS] = "status",
		[DFU_FAILURE_READ_PROTECTED] = "read-protected",
		[DFU_FAILURE_ADDRESS] = "address",
		[DFU_FAILURE_MISMATCH] = "mismatch",
	};

	assert(failure >= 0 && failure < _DFU_FAILURE_MAX);
	return names[failure];
}
