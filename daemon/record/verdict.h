/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How an attempt ended: what was done (end), what is on the board (flash), what came back (return),
 * and the one word that follows from the three (verdict). The words are those of the journal
 * (DFUD_END, DFUD_FLASH, DFUD_RETURN, DFUD_VERDICT, DFUD_REASON; dfud(8)). Pure.
 */

enum attempt_end {
	END_COMPLETED,
	END_REFUSED,
	END_FAILED,
	END_INTERRUPTED,
	END_CANCELLED,
	_END_MAX,
	_END_INVALID = -1,
};

enum flash_state {
	FLASH_UNTOUCHED,
	FLASH_UNCHANGED,
	FLASH_ERASED,
	FLASH_PARTLY,
	FLASH_WRITTEN,
	_FLASH_MAX,
	_FLASH_INVALID = -1,
};

enum return_kind {
	RETURN_NONE, /* nothing came back (or was waited for) */
	RETURN_AS_EXPECTED,
	RETURN_OTHER,
	RETURN_DFU,
	RETURN_NOT_ENUMERATING,
	RETURN_NOT_EXPECTED,
	RETURN_STAYED,
	RETURN_LATE,
	_RETURN_MAX,
	_RETURN_INVALID = -1,
};

enum verdict {
	VERDICT_RETURNED,
	VERDICT_UNCHANGED,
	VERDICT_NOT_EXPECTED,
	VERDICT_RETURNED_OTHER,
	VERDICT_BACK_IN_DFU,
	VERDICT_NOT_ENUMERATING,
	VERDICT_GONE,
	VERDICT_STAYED,
	VERDICT_REFUSED,
	VERDICT_FAILED,
	VERDICT_INTERRUPTED,
	VERDICT_CANCELLED,
	_VERDICT_MAX,
	_VERDICT_INVALID = -1,
};

enum verified_by {
	VERIFIED_NO,
	VERIFIED_DEVICE,
	VERIFIED_READ_BACK,
	_VERIFIED_MAX,
	_VERIFIED_INVALID = -1,
};

/* The table of design 6. */
enum verdict verdict_of(enum attempt_end end, enum flash_state flash, enum return_kind back);
/* Whether the board holds the file, checked as far as the device allows. */
int verdict_is_flashed(enum verdict verdict);
/* syslog(3) priority of the verdict's line. */
int verdict_priority(enum verdict verdict);

const char *verdict_to_string(enum verdict verdict);
enum verdict verdict_from_string(const char *text);
const char *attempt_end_to_string(enum attempt_end end);
enum attempt_end attempt_end_from_string(const char *text);
const char *flash_state_to_string(enum flash_state flash);
enum flash_state flash_state_from_string(const char *text);
const char *return_kind_to_string(enum return_kind back);
const char *verified_by_to_string(enum verified_by verified);
enum verified_by verified_by_from_string(const char *text);
