/* SPDX-License-Identifier: MIT */
/*
 * Base64, read by libsodium. Its 1.0.18 takes some bytes above 0x7f for characters of the alphabet,
 * so the alphabet is looked at here: one text for one content.
 */
#include "config/base64.h"

#include <sodium.h>
#include <string.h>

static bool base64_is_character(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/' || c == '=';
}

bool base64_read(const char *text, size_t n, uint8_t *ret, size_t size)
{
	size_t n_bytes = 0;

	for (size_t i = 0; i < n; i++) {
		if (!base64_is_character(text[i])) {
			return false;
		}
	}
	return sodium_base642bin(ret, size, text, n, NULL, &n_bytes, NULL,
		       sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       n_bytes == size;
}
