/* SPDX-License-Identifier: MIT */
/*
 * Names in the folder of backups. They are made here and nowhere else, so that what is removed as
 * ours is what could have been written as ours: lower-case digits, nothing before or behind.
 */
#include "dfud/vault-name.h"

#include <stdio.h>
#include <string.h>

void vault_name_write(char ret[static VAULT_NAME_SIZE], const char *digest, const char *ending)
{
	(void)snprintf(ret, VAULT_NAME_SIZE, "%.*s%s", VAULT_DIGITS, digest, ending);
}

bool vault_name_is_digest(const char *digits)
{
	return strlen(digits) == VAULT_DIGITS && strspn(digits, "0123456789abcdef") == VAULT_DIGITS;
}

bool vault_name_read(
	const char *name, const char *start, const char *ending, char ret[static DIGEST_SIZE])
{
	const size_t n = strlen(start);

	if (strlen(name) != n + VAULT_DIGITS + strlen(ending) || strncmp(name, start, n) != 0 ||
		strcmp(name + n + VAULT_DIGITS, ending) != 0 ||
		strspn(name + n, "0123456789abcdef") < VAULT_DIGITS) {
		return false;
	}
	memcpy(ret, name + n, VAULT_DIGITS);
	ret[VAULT_DIGITS] = '\0';
	return true;
}
