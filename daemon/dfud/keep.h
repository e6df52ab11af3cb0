/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "message/message.h"
#include "record/backup.h"
#include "record/reason.h"

/*
 * Taking what a worker saved into the vault, before it gets its GO. The same for the daemon and for
 * a flash by hand.
 */

struct assignment;
struct daemon;
struct record;
struct tell;

/* The file in active/ID that a worker fills. Not a name that a job can have. */
#define KEEP_FILE ".backup"

/* What was saved, of which board: from what is known of it and what its worker planned. */
void keep_note(struct backup *ret, const struct tell *tell, const struct message *plan);

/*
 * FROM/NAME into the vault. REASON_NONE and note->sha256; else the reason why nothing may be
 * erased, with a sentence. Blocks while the bytes are read back.
 */
enum reason keep_backup(
	int vault, int from, const char *name, struct backup *note, char *text, size_t size);

/* An empty file for a worker in active/ID. Its descriptor (the caller closes it) or -errno. */
int keep_make_file(const struct assignment *assignment);

/* Removes it: an attempt that ends before its plan has nothing to keep. */
void keep_drop_file(struct daemon *daemon, const char *id);

/*
 * For an attempt whose plan is made: notes the plan in its record, keeps what was saved, notes that
 * too and says so. The worker's file is gone then. REASON_NONE or as keep_backup.
 */
enum reason keep_attempt(struct assignment *assignment, char *text, size_t size);

/*
 * At the next start, before the attempt is told: a power cut may have taken the move into the vault
 * back, though the record says that it was made. Then it is made again.
 */
void keep_adopt(struct daemon *daemon, const struct record *record);
