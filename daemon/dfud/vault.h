/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/backup.h"

/*
 * The folder of backups: each content once, as SHA256.bin with its note SHA256.ini
 * (record/backup.h) beside it. `vault` is the folder's descriptor. People look into it and copy
 * things in and out: nothing there is believed that was not looked at, and what is not named like
 * ours is left alone. All of this blocks as long as reading BACKUP_SIZE_MAX bytes takes; nothing
 * waits for a sync.
 */

/*
 * Takes FROM/NAME, which was written and synced on the same file system, into the vault: read back
 * from disk and hashed, note before bytes, both 0644. Fills note->format and note->sha256. Bytes
 * that are there already stay, made the newest, and FROM/NAME is removed; where they are damaged,
 * or not ours to make the newest, the new ones take their place. Where the same bytes were saved
 * before, their note speaks of both (backup_merge), or of the newest where these cannot be one.
 *
 * 0: vault_find finds it now. -EBADMSG: not what note says, which is a regular file of note->size
 * bytes with one name, and nothing that backup_read refuses; -EPROTONOSUPPORT where a newer dfud
 * wrote the note of these bytes; other -errno. Then *note is as before.
 */
int vault_keep(int vault, int from, const char *name, struct backup *note);

/*
 * Writes the note of bytes that are there without one, after a look at them. 0; -ENOENT where they
 * are not there; else as vault_keep.
 */
int vault_note(int vault, const struct backup *note);

/*
 * By the whole digest or a beginning of at least 8 digits. Hashes the bytes; *ret_fd (may be NULL)
 * is open for reading at offset 0, the caller closes it. 0; -EINVAL not hexadecimal, too short or
 * too long; -ENOENT; -ENOTUNIQ several begin so; -EBADMSG damaged: other bytes than the name says,
 * no file, or a note that is missing, unsound or of other bytes; -EPROTONOSUPPORT a newer note;
 * other -errno, as -EACCES.
 */
int vault_find(int vault, const char *digits, struct backup *ret, int *ret_fd);

/*
 * Whether bytes of this digest, which the caller holds and has hashed, came from here: by the note
 * and the size alone.
 */
bool vault_has(int vault, const char *sha256, struct backup *ret);

/*
 * Removes the oldest (by mtime of the .bin), each with its note, until there are at most max_count
 * of max_size bytes together (notes not counted); never one whose digest is in keep. Notes without
 * bytes and drafts of notes go after an hour.
 */
void vault_limit(
	int vault, uint64_t max_size, unsigned max_count, const char *const *keep, size_t n_keep);
