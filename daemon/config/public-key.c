/* SPDX-License-Identifier: MIT */
/*
 * Public keys of minisign: base64 of "Ed", the key's id and the Ed25519 key, 42 bytes, so that the
 * text begins with "RW" and needs no padding. minisign(1), "signature format".
 */
#include "config/public-key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/base64.h"

bool public_key_parse(const char *text, struct public_key *ret)
{
	uint8_t bytes[2 + sizeof(ret->id) + sizeof(ret->key)];

	if (strlen(text) != PUBLIC_KEY_TEXT ||
		!base64_read(text, PUBLIC_KEY_TEXT, bytes, sizeof(bytes)) ||
		memcmp(bytes, "Ed", 2) != 0) {
		return false;
	}
	memcpy(ret->id, bytes + 2, sizeof(ret->id));
	memcpy(ret->key, bytes + 2 + sizeof(ret->id), sizeof(ret->key));
	return true;
}

/* A number whose lowest byte comes first; minisign shows no leading zeros. */
void public_key_show_id(const uint8_t id[static 8], char ret[static PUBLIC_KEY_ID_TEXT])
{
	uint64_t number = 0;

	for (size_t i = 8; i > 0; i--) {
		number = number << 8 | id[i - 1];
	}
	snprintf(ret, PUBLIC_KEY_ID_TEXT, "%" PRIX64, number);
}
