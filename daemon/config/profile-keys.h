/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/profile.h"
#include "config/schema.h"

/* The keys of a profile: what each takes into a struct profile. Between the two halves of its
 * reading. */

#define PROFILE_ATTEMPTS  3
#define PROFILE_WITHIN_MS 10000

/* Where in the table the keys stand that say which devices and files are meant. */
enum profile_index {
	PROFILE_ID,
	PROFILE_PATH,
	PROFILE_PORT,
	PROFILE_SERIAL,
	PROFILE_LAYOUT,
	PROFILE_FILE,
	PROFILE_ADDRESS,
	PROFILE_ALTERNATE,
	PROFILE_PROTECT,
	PROFILE_KEEP_BOOTLOADER,
	PROFILE_BACKUP,
	PROFILE_LEAVE,
	PROFILE_MAX_ATTEMPTS,
	PROFILE_ORDER,
	PROFILE_RETURN_ID,
	PROFILE_WITHIN,
	_PROFILE_INDEX_MAX,
};

extern const struct schema_key profile_keys[_PROFILE_INDEX_MAX];

/* A shipped profile is nobody's word for this board: what it erases can be brought back. */
enum backup_policy profile_default_backup(enum profile_origin origin);
