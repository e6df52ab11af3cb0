/* SPDX-License-Identifier: MIT */
/*
 * The verdict as a table. Every pair of a completed attempt's flash and return has its word; pairs
 * that cannot happen (completed, but not flashed) count as failed, so that nothing unproven is
 * called good.
 */
#include "record/verdict.h"

#include <assert.h>
#include <string.h>
#include <syslog.h>

static enum verdict verdict_of_return(enum flash_state flash, enum return_kind back)
{
	switch (back) {
	case RETURN_AS_EXPECTED:
		return flash == FLASH_UNCHANGED ? VERDICT_UNCHANGED : VERDICT_RETURNED;
	case RETURN_OTHER:
		return VERDICT_RETURNED_OTHER;
	case RETURN_DFU:
		return VERDICT_BACK_IN_DFU;
	case RETURN_NOT_ENUMERATING:
		return VERDICT_NOT_ENUMERATING;
	case RETURN_NOT_EXPECTED:
		return VERDICT_NOT_EXPECTED;
	case RETURN_STAYED:
		return VERDICT_STAYED;
	case RETURN_NONE:
	case RETURN_LATE:
	case _RETURN_MAX:
	case _RETURN_INVALID:
		break;
	}
	return VERDICT_GONE;
}

enum verdict verdict_of(enum attempt_end end, enum flash_state flash, enum return_kind back)
{
	switch (end) {
	case END_COMPLETED:
		if (flash != FLASH_WRITTEN && flash != FLASH_UNCHANGED) {
			return VERDICT_FAILED;
		}
		return verdict_of_return(flash, back);
	case END_REFUSED:
		return VERDICT_REFUSED;
	case END_INTERRUPTED:
		return VERDICT_INTERRUPTED;
	case END_CANCELLED:
		return VERDICT_CANCELLED;
	case END_FAILED:
	case _END_MAX:
	case _END_INVALID:
		break;
	}
	return VERDICT_FAILED;
}

struct verdict_facts {
	const char *name;
	int priority;
	int flashed;
};

static const struct verdict_facts verdict_table[_VERDICT_MAX] = {
	[VERDICT_RETURNED] = {"returned", LOG_NOTICE, 1},
	[VERDICT_UNCHANGED] = {"unchanged", LOG_NOTICE, 1},
	[VERDICT_NOT_EXPECTED] = {"not-expected", LOG_NOTICE, 1},
	[VERDICT_RETURNED_OTHER] = {"returned-other", LOG_WARNING, 1},
	[VERDICT_BACK_IN_DFU] = {"back-in-dfu", LOG_WARNING, 1},
	[VERDICT_NOT_ENUMERATING] = {"not-enumerating", LOG_WARNING, 1},
	[VERDICT_GONE] = {"gone", LOG_WARNING, 1},
	[VERDICT_STAYED] = {"stayed", LOG_WARNING, 1},
	[VERDICT_REFUSED] = {"refused", LOG_ERR, 0},
	[VERDICT_FAILED] = {"failed", LOG_ERR, 0},
	[VERDICT_INTERRUPTED] = {"interrupted", LOG_ERR, 0},
	[VERDICT_CANCELLED] = {"cancelled", LOG_NOTICE, 0},
};

int verdict_is_flashed(enum verdict verdict)
{
	assert(verdict >= 0 && verdict < _VERDICT_MAX);
	return verdict_table[verdict].flashed;
}

int verdict_priority(enum verdict verdict)
{
	assert(verdict >= 0 && verdict < _VERDICT_MAX);
	return verdict_table[verdict].priority;
}

const char *verdict_to_string(enum verdict verdict)
{
	assert(verdict >= 0 && verdict < _VERDICT_MAX);
	return verdict_table[verdict].name;
}

enum verdict verdict_from_string(const char *text)
{
	for (int i = 0; i < _VERDICT_MAX; i++) {
		if (strcmp(verdict_table[i].name, text) == 0) {
			return (enum verdict)i;
		}
	}
	return _VERDICT_INVALID;
}

static int verdict_find(const char *const *names, int n, const char *text)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0) {
			return i;
		}
	}
	return -1;
}

static const char *const attempt_end_names[_END_MAX] = {
	[END_COMPLETED] = "completed",
	[END_REFUSED] = "refused",
	[END_FAILED] = "failed",
	[END_INTERRUPTED] = "interrupted",
	[END_CANCELLED] = "cancelled",
};

const char *attempt_end_to_string(enum attempt_end end)
{
	assert(end >= 0 && end < _END_MAX);
	return attempt_end_names[end];
}

enum attempt_end attempt_end_from_string(const char *text)
{
	return (enum attempt_end)verdict_find(attempt_end_names, _END_MAX, text);
}

static const char *const flash_state_names[_FLASH_MAX] = {
	[FLASH_UNTOUCHED] = "untouched",
	[FLASH_UNCHANGED] = "unchanged",
	[FLASH_ERASED] = "erased",
	[FLASH_PARTLY] = "partly",
	[FLASH_WRITTEN] = "written",
};

const char *flash_state_to_string(enum flash_state flash)
{
	assert(flash >= 0 && flash < _FLASH_MAX);
	return flash_state_names[flash];
}

enum flash_state flash_state_from_string(const char *text)
{
	return (enum flash_state)verdict_find(flash_state_names, _FLASH_MAX, text);
}

const char *return_kind_to_string(enum return_kind back)
{
	static const char *const names[_RETURN_MAX] = {
		[RETURN_NONE] = "none",
		[RETURN_AS_EXPECTED] = "as-expected",
		[RETURN_OTHER] = "other",
		[RETURN_DFU] = "dfu",
		[RETURN_NOT_ENUMERATING] = "not-enumerating",
		[RETURN_NOT_EXPECTED] = "not-expected",
		[RETURN_STAYED] = "stayed",
		[RETURN_LATE] = "late",
	};

	assert(back >= 0 && back < _RETURN_MAX);
	return names[back];
}

static const char *const verified_by_names[_VERIFIED_MAX] = {
	[VERIFIED_NO] = "no",
	[VERIFIED_DEVICE] = "device",
	[VERIFIED_READ_BACK] = "read-back",
};

const char *verified_by_to_string(enum verified_by verified)
{
	assert(verified >= 0 && verified < _VERIFIED_MAX);
	return verified_by_names[verified];
}

enum verified_by verified_by_from_string(const char *text)
{
	return (enum verified_by)verdict_find(verified_by_names, _VERIFIED_MAX, text);
}
