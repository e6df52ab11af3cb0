/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "dfud/attempt.h"
#include "dfud/hotplug.h"
#include "record/reason.h"

/*
 * The sentences of an attempt and of a board, with their fields (design 6). Whoever has something
 * to say about a board says it through here, so that the words are the same everywhere; the journal
 * or the terminal is journal.h's business.
 */

/* What all lines of one attempt have in common. */
struct tell {
	char label[68]; /* begins each sentence: the profile's name, else the port */
	char id[33];	/* DFUD_ATTEMPT, "" for none */
	char profile[256];
	char port[64];
	char path[128];
	char usb_id[16];
	char serial[128];
	char file[256]; /* as dropped */
	char shown[68]; /* the same, safe to print and cut */
	char sha256[65];
	char backup[65]; /* DFUD_BACKUP: digest of what was saved, "" for none */
	uint64_t size;
	uid_t owner;
};

#define TELL_INIT                                                                                  \
	{                                                                                          \
		.owner = (uid_t)-1                                                                 \
	}

void tell_set_file(struct tell *tell, const char *file);

void tell_appeared(const struct tell *tell);
/* A backup that is of another board than this one; nothing where it is this one's. */
struct backup;
void tell_origin(const struct tell *tell, const struct backup *backup);
void tell_checked(const struct tell *tell, const struct attempt *attempt);
void tell_saved(const struct tell *tell, const struct attempt *attempt);
void tell_flashing(const struct tell *tell, const struct attempt *attempt, const char *command);
void tell_erased(const struct tell *tell, const struct attempt *attempt);
void tell_flashed(const struct tell *tell, const struct attempt *attempt);
void tell_leaving(const struct tell *tell, const struct attempt *attempt);
void tell_verdict(const struct tell *tell, const struct attempt *attempt, uint64_t total_us);

/*
 * The verdict's sentence alone, without label: the report has it too.
 */
void tell_verdict_text(
	const struct tell *tell, const struct attempt *attempt, char *ret, size_t size);
