/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A minisign public key, as the second line of a .pub file or `minisign -G` shows it. Pure. */

#define PUBLIC_KEY_TEXT 56 /* characters of base64 */

struct public_key {
	uint8_t id[8];
	uint8_t key[32]; /* Ed25519 */
};

#define PUBLIC_KEY_ID_TEXT 17

/* False for anything else; *ret is untouched then. */
bool public_key_parse(const char *text, struct public_key *ret);
/* A key's id as minisign shows it. */
void public_key_show_id(const uint8_t id[static 8], char ret[static PUBLIC_KEY_ID_TEXT]);
