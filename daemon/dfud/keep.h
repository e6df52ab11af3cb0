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

struct tell;

/* What was saved, of which board: from what is known of it and what its worker planned. */
void keep_note(struct backup *ret, const struct tell *tell, const struct message *plan);

/*
 * FROM/NAME into the vault. REASON_NONE and note->sha256; else the reason why nothing may be
 * erased, with a sentence. Blocks while the bytes are read back.
 */
enum reason keep_backup(
	int vault, int from, const char *name, struct backup *note, char *text, size_t size);
