/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The words with which a person says how a board is treated; profiles ([Flash], dfud.conf(5)) and
 * the command line of dfud-flash(1) share them. Pure.
 */

/* Whether what will be erased is saved first. A recognised boot loader always is. */
enum backup_policy {
	BACKUP_YES,	 /* where the board can be read */
	BACKUP_REQUIRED, /* a board that cannot be read is refused */
	BACKUP_NO,
	BACKUP_WHOLE, /* all of the memory, not only what will be erased; required too */
	_BACKUP_POLICY_MAX,
	_BACKUP_POLICY_INVALID = -1,
};

/* Where the board is told to start when it is flashed. */
enum leave_policy {
	LEAVE_AUTO, /* at flash base if something lies there that starts, else at the image */
	LEAVE_IMAGE,
	LEAVE_BASE,
	LEAVE_NO, /* not told to leave: stays in DFU mode */
	_LEAVE_POLICY_MAX,
	_LEAVE_POLICY_INVALID = -1,
};

const char *backup_policy_to_string(enum backup_policy policy);
enum backup_policy backup_policy_from_string(const char *text);
const char *leave_policy_to_string(enum leave_policy policy);
enum leave_policy leave_policy_from_string(const char *text);
