/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One line of a plan: a check with its result, or what will be done. Worker, daemon and report use
 * the same words; their order here is the order in which they are told. Pure.
 */

enum finding_topic {
	FINDING_BOARD,	    /* what the board is */
	FINDING_FILE,	    /* what the file is */
	FINDING_ADDRESS,    /* where it goes, and whether it was linked for there */
	FINDING_CHIP,	    /* whether it was built for this chip */
	FINDING_MEMORY,	    /* whether it fits what the board says of its memory */
	FINDING_PROTECT,    /* whether it keeps out of Protect= */
	FINDING_BOOTLOADER, /* what lies at the start of the flash, and what becomes of it */
	FINDING_START,	    /* whether the board starts after its power was cut */
	FINDING_SAVE,	    /* what is saved first */
	FINDING_ERASE,
	FINDING_WRITE,
	FINDING_KEEP, /* what is read and written back */
	FINDING_LEAVE,
	_FINDING_TOPIC_MAX,
	_FINDING_TOPIC_INVALID = -1,
};

enum finding_result {
	FINDING_GOOD,
	FINDING_WARNING, /* probably wrong; goes on */
	FINDING_UNKNOWN, /* nothing speaks for it or against it */
	FINDING_REFUSED, /* certainly wrong; ends the attempt */
	FINDING_PLAN,	 /* what will be done */
	_FINDING_RESULT_MAX,
	_FINDING_RESULT_INVALID = -1,
};

const char *finding_topic_to_string(enum finding_topic topic);
enum finding_topic finding_topic_from_string(const char *text);
const char *finding_result_to_string(enum finding_result result);
enum finding_result finding_result_from_string(const char *text);
