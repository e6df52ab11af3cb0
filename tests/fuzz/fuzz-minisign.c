/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as a signature file and as a public key of minisign: what is accepted lies within the
 * text, and written anew from what was read it is the same text again, comment and ends of lines
 * aside. So nothing has two readings.
 */

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/minisign.h"
#include "config/public-key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* base64 of "E?", the key's id and more; the text's length. */
static size_t encode(char algorithm, const uint8_t id[static 8], const uint8_t *more, size_t n,
	char ret[static 128])
{
	uint8_t bytes[2 + 8 + 64] = {'E', (uint8_t)algorithm};

	memcpy(bytes + 2, id, 8);
	memcpy(bytes + 10, more, n);
	MUST(sodium_bin2base64(ret, 128, bytes, 10 + n, sodium_base64_VARIANT_ORIGINAL) == ret);
	return strlen(ret);
}

/* The line behind the first newline from `at` on, without what ends it. */
static const char *line_behind(const char *at, const char *end, size_t *ret_n)
{
	const char *line = memchr(at, '\n', (size_t)(end - at));
	const char *stop;

	MUST(line != NULL);
	line++;
	stop = memchr(line, '\n', (size_t)(end - line));
	stop = stop ? stop : end;
	while (stop > line && stop[-1] == '\r') {
		stop--;
	}
	*ret_n = (size_t)(stop - line);
	return line;
}

static void check_text(const char *text, size_t size, const struct minisign *m)
{
	const char *end = text + size, *line;
	char encoded[128];
	size_t n, n_encoded;

	MUST(size >= 19 && memcmp(text, "untrusted comment: ", 19) == 0);
	line = line_behind(text, end, &n);
	n_encoded = encode(m->is_prehashed ? 'D' : 'd', m->key_id, m->signature, 64, encoded);
	MUST(n == n_encoded && memcmp(line, encoded, n) == 0);
	line = line_behind(line, end, &n);
	MUST(n == 17 + m->n_trusted_comment && memcmp(line, "trusted comment: ", 17) == 0);
	MUST(line + 17 == m->trusted_comment);
	line = line_behind(line, end, &n);
	MUST(sodium_bin2base64(encoded, sizeof(encoded), m->global_signature, 64,
		     sodium_base64_VARIANT_ORIGINAL) == encoded);
	MUST(n == strlen(encoded) && memcmp(line, encoded, n) == 0);
}

static void check_key(const uint8_t *data, size_t size)
{
	char text[PUBLIC_KEY_TEXT + 2] = "", encoded[128], shown[PUBLIC_KEY_ID_TEXT];
	struct public_key key;

	memcpy(text, data, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
	if (public_key_parse(text, &key)) {
		MUST(encode('d', key.id, key.key, 32, encoded) == PUBLIC_KEY_TEXT);
		MUST(strcmp(text, encoded) == 0);
		public_key_show_id(key.id, shown);
		MUST(strspn(shown, "0123456789ABCDEF") == strlen(shown) && shown[0] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct minisign m;

	if (minisign_parse((const char *)data, size, &m)) {
		MUST(size <= MINISIGN_MAX);
		check_text((const char *)data, size, &m);
	}
	check_key(data, size);
	return 0;
}
