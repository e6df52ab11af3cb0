/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "dfud/tell.h"
#include "message/message.h"
#include "record/backup.h"
#include "record/reason.h"

/*
 * Backups of flashes by hand: in the folder that was named, else in /var/lib/dfud/backup where the
 * caller may write there, else in the caller's own state folder (XDG_STATE_HOME, ~/.local/state).
 */

struct hand_vault {
	int folder;	/* -EBADF: none */
	int file;	/* for the worker; -EBADF: none */
	char path[512]; /* of the folder */
	char draft[64]; /* name of the file in it, "" for none */
};

#define HAND_VAULT_INIT                                                                            \
	{                                                                                          \
		.folder = -EBADF, .file = -EBADF                                                   \
	}

/* Opens (and makes) the folder, and a file in it for the worker. 0 or -errno; path is set. */
int hand_vault_open(struct hand_vault *vault, const char *folder);
/* A file that goes nowhere: for a plan. 0 or -errno. */
int hand_vault_pretend(struct hand_vault *vault);
void hand_vault_done(struct hand_vault *vault);

/*
 * What the worker saved, under its digest, durable. restored: the digest of the backup that is
 * being flashed, which no quota may take; "" for none. REASON_NONE or as keep_backup.
 */
enum reason hand_vault_keep(struct hand_vault *vault, struct backup *note, const char *restored,
	char *text, size_t size);

/*
 * Finds a backup by the beginning of its digest, in the named folder or in all of the usual ones.
 * 0 and a descriptor of its bytes; -errno as vault_find, with a sentence.
 */
int hand_vault_find(const char *folder, const char *digits, struct backup *ret, int *ret_fd,
	char *text, size_t size);
