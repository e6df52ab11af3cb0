/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/ini.h"
#include "dfud/jobs.h"
#include "dfud/journal.h"
#include "dfud/match.h"
#include "dfud/tell.h"

/*
 * The sentences about files, choices and the daemon itself: everything that is not about one
 * attempt (tell.h).
 */

void notice_started(size_t n_profiles);
void notice_reloaded(size_t n_profiles);
void notice_stopping(size_t n_running);
/* One line for each problem. */
void notice_problems(const struct config_problems *problems);
/* A settled file cannot leave active/. */
void notice_unmoved(int error);
/* A failure of our own or of this computer: what, and what to do. */
void notice_trouble(enum reason reason, const char *what, int error);

void notice_queued(const struct job *job);
/* A file that waits for its signature: the sentence. */
void notice_unsigned(const struct job *job, const char *sentence);
void notice_ignored(const char *name, enum reason reason);
void notice_cancelled(const struct job *job);
void notice_expired(const struct job *job, const char *where);
void notice_settled(
	const char *id, const char *name, const char *where, enum reason reason, unsigned attempts);
/* A file that was refused before it got a board: the one verdict of that attempt. */
void notice_refused_file(
	const struct job *job, const char *id, enum reason reason, const char *text);

/*
 * The standing sentence of a board that is not flashed, into ret, without saying it: waiting, held,
 * unmatched. False where there is nothing to say.
 */
bool notice_standing(const struct match *match, const struct match_input *input, size_t board,
	char *ret, size_t size);
void notice_say_standing(const struct match *match, const struct match_input *input,
	const struct tell *tell, const char *sentence);
