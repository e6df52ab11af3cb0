/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/profile.h"

/*
 * Which board gets which file, and under which profile (design 4.2 and 4.4). Nothing is guessed:
 * two boards for a file, two files for a board or two profiles for a pair end in a person's choice.
 * Pure: inputs in, decisions out, nothing kept.
 */

struct match_board {
	struct profile_device device;
	bool open;	/* in DFU mode, and this visit may still be flashed */
	bool busy;	/* being flashed: no candidate, whatever matches */
	bool forbidden; /* [Ports] Allow= does not name its port: never flashed, no rival */
};

struct match_job {
	const char *name;     /* of the file */
	const char *saved_by; /* a backup: the profiles under which it was saved (backup.h); NULL:
				 none */
	uint64_t arrived_us;  /* the older one wins under Order=oldest */
	bool open;	      /* inspected and good, not claimed */
};

struct match_input {
	struct profile *const *profiles;
	size_t n_profiles;
	const struct match_board *boards;
	size_t n_boards;
	const struct match_job *jobs;
	size_t n_jobs;
	/* Whether this job may (still) go to this board in this visit; NULL: always. */
	bool (*may)(const void *user, size_t board, size_t job);
	const void *user;
};

enum match_kind {
	MATCH_CLOSED,	     /* not in DFU mode, busy, or nothing more in this visit */
	MATCH_UNMATCHED,     /* no profile means this board */
	MATCH_WAITING,	     /* a profile means it, no file is there */
	MATCH_NO_FILE_MEANT, /* files are there, none of them is for this board (in this visit) */
	MATCH_FLASH,
	MATCH_TWO_FILES,
	MATCH_TWO_BOARDS,
	MATCH_TWO_PROFILES,
	MATCH_CONFIG, /* a void profile means this board */
	MATCH_PORT_NOT_ALLOWED,
	_MATCH_KIND_MAX,
};

#define MATCH_NONE SIZE_MAX

struct match {
	enum match_kind kind;
	/* FLASH, WAITING, NO_FILE_MEANT, TWO_FILES, TWO_BOARDS: the one that means the board;
	 * UNMATCHED: the one that came closest, or NULL; CONFIG: the void one; TWO_PROFILES: one */
	const struct profile *profile;
	/* TWO_PROFILES: the other; NO_FILE_MEANT: the one that came closest to a pair with one of
	 * the files, NULL where they are only not (again) for this visit */
	const struct profile *other_profile;
	/* UNMATCHED: by which key of profile; NO_FILE_MEANT: by which of other_profile */
	enum profile_key missed;
	size_t job, other_job; /* FLASH, TWO_*: which files; MATCH_NONE */
	size_t other_board;    /* TWO_BOARDS: which else */
};

/* Judges one board. */
void match_judge(const struct match_input *input, size_t board, struct match *ret);

/*
 * Whether a second board could ever match beside this one: true unless the profile names one port
 * or one serial number, and that none of those that many chips share (serial.h). Only then a pause
 * before the go makes sense.
 */
bool match_could_be_another(const struct profile *profile);

const char *match_kind_to_string(enum match_kind kind);
