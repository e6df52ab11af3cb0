/* SPDX-License-Identifier: MIT */
/* What went wrong with a board, in words. Numbers are addresses of the board's own map. */
#include "dfud-flash/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dfu/dfu.h"

enum reason explain_usb(int error, const char *doing, char *text, size_t size)
{
	snprintf(text, size, "%s: %s", doing, strerror(-error));
	switch (-error) {
	case EACCES:
	case EPERM:
		snprintf(text, size,
			"the device may not be opened (%s): plug it in again; if that does not "
			"help, another udev rule sets OWNER= of its node (udevadm test names it)",
			strerror(-error));
		return REASON_NO_ACCESS;
	case EBUSY:
		snprintf(text, size,
			"another program holds the device (dfu-util, a browser, a virtual "
			"machine): end it");
		return REASON_BUSY;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return REASON_NO_SPACE;
	case ENODEV:
		return REASON_VANISHED;
	case EPIPE:
		return REASON_STALL;
	case ETIMEDOUT:
		return REASON_TIMEOUT;
	default:
		return REASON_PROTOCOL;
	}
}

void explain_plan(enum plan_fault fault, uint32_t at, const char *name, size_t file_size,
	const struct layout *layout, char *text, size_t size)
{

	switch (fault) {
	case PLAN_OUTSIDE_MAP:
		snprintf(text, size,
			"%s (%zu bytes) does not fit: 0x%08" PRIx32
			" is outside \"%s\" of the board (%" PRIu64 " bytes)",
			name, file_size, at, layout->name, layout_size(layout));
		break;
	case PLAN_NOT_WRITABLE:
		snprintf(text, size,
			"the board does not let the sector at 0x%08" PRIx32
			" be written; %s begins or ends in it, so the address is wrong for this "
			"board",
			at, name);
		break;
	case PLAN_MID_SECTOR:
		snprintf(text, size,
			"%s begins at 0x%08" PRIx32 " within a sector, and the board cannot be "
			"read, so what lies before it would be lost",
			name, at);
		break;
	case PLAN_PROTECTED:
		snprintf(text, size,
			"%s would erase the sector with 0x%08" PRIx32
			", which Protect= of the profile keeps; is Address= right?",
			name, at);
		break;
	case PLAN_GOOD:
	case _PLAN_FAULT_MAX:
	case _PLAN_FAULT_INVALID:
		break;
	}
}

const char *explain_phase(enum session_state state)
{
	switch (state) {
	case SESSION_ERASE:
		return "erase";
	case SESSION_WRITE:
	case SESSION_SEAL:
		return "write";
	case SESSION_VERIFY:
	case SESSION_VERIFY_SEAL:
		return "verify";
	case SESSION_POINT:
	case SESSION_LEAVE:
		return "leave";
	case SESSION_READY:
	case SESSION_ALTERNATE:
	case SESSION_RECOVER:
	case SESSION_READ:
	case SESSION_LOOKED:
	case SESSION_SAVE:
	case SESSION_ASKED:
	case SESSION_MARKING:
	case SESSION_ENDED:
	case _SESSION_STATE_MAX:
	case _SESSION_STATE_INVALID:
		break;
	}
	return "read";
}

void explain_failure(const struct session *s, char *text, size_t size)
{
	const char *what = dfu_failure_to_string(s->failure);
	const char *phase = explain_phase(s->failed_in);

	if (s->failure == DFU_FAILURE_STATUS) {
		snprintf(text, size, "%s at 0x%08" PRIx32 " ended in status \"%s\"", phase,
			s->failed_at, dfu_status_to_string(s->status.status));
	} else if (s->failure == DFU_FAILURE_READ_PROTECTED) {
		snprintf(text, size,
			"the chip is read-protected: nothing can be read or saved, and taking that "
			"off erases all of it, which is not done unasked (STM32CubeProgrammer or "
			"dfu-util :unprotect do it)");
	} else if (s->failure == DFU_FAILURE_MISMATCH) {
		snprintf(text, size,
			"what was read back at 0x%08" PRIx32 " is not what was written",
			s->failed_at);
	} else if (s->failure == DFU_FAILURE_VANISHED) {
		snprintf(text, size, "the board went away during %s at 0x%08" PRIx32, phase,
			s->failed_at);
	} else {
		snprintf(text, size, "%s at 0x%08" PRIx32 ": %s (device state \"%s\")", phase,
			s->failed_at, what, dfu_state_to_string(s->status.state));
	}
}
