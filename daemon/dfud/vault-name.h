/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "dfud/digest.h"

/* What is named like ours in the folder of backups. */

#define VAULT_BYTES ".bin"
#define VAULT_NOTE  ".ini"
#define VAULT_DRAFT ".ini.new" /* of a note, behind a dot and the digest: folder_write */

enum {
	VAULT_DIGITS = DIGEST_SIZE - 1,
	VAULT_NAME_SIZE = DIGEST_SIZE + sizeof(VAULT_BYTES) - 1,
};

/* DIGEST with VAULT_BYTES or VAULT_NOTE behind it. */
void vault_name_write(char ret[static VAULT_NAME_SIZE], const char *digest, const char *ending);

/* Whether name is START, a digest and ENDING; then ret receives the digest. */
bool vault_name_read(
	const char *name, const char *start, const char *ending, char ret[static DIGEST_SIZE]);

bool vault_name_is_digest(const char *digits);
