/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "record/reason.h"

/*
 * The backup of an attempt on its way into the vault: the file in active/ID that its worker fills,
 * what the record says of it, and what must not be lost or thrown away meanwhile.
 */

struct assignment;
struct daemon;
struct record;

/* An empty file for a worker in active/ID. Its descriptor (the caller closes it) or -errno. */
int custody_make_file(const struct assignment *assignment);

/*
 * For an attempt whose plan is made: notes the plan in its record, takes what was saved into the
 * vault, notes that too and says so; the worker's file is gone then. REASON_NONE; else the reason
 * why nothing may be erased, with a sentence. Blocks while the bytes are read back.
 */
enum reason custody_take(struct assignment *assignment, char *text, size_t size);

/*
 * At the next start, before the attempt is told: a power cut may have taken the move into the vault
 * back, though the record says that it was made. Then it is made again, or the failure is said.
 */
void custody_adopt(struct daemon *daemon, const struct record *record);

/* The attempt is over: the worker's file goes, unless it is the only copy of what was erased. */
void custody_end(const struct assignment *assignment);
/* The same for one that had not begun to erase. */
void custody_drop(const struct daemon *daemon, const char *id);
