/* SPDX-License-Identifier: MIT */
/*
 * Signature files, as strict as minisign itself: each line has its place and its prefix, the base64
 * its length. A line may end as on Windows, the last one need not end at all, and nothing but ends
 * of lines may follow. Beyond minisign, a control character in a comment makes the file none.
 * minisign(1), "signature format".
 */
#include "config/minisign.h"

#include <string.h>

#include "config/base64.h"

struct minisign_line {
	const char *text;
	size_t n;
};

/* False where no line is left. */
static bool minisign_next(const char **at, const char *end, struct minisign_line *ret)
{
	const char *newline, *stop;

	if (*at == end) {
		return false;
	}
	newline = memchr(*at, '\n', (size_t)(end - *at));
	stop = newline ? newline : end;
	*ret = (struct minisign_line){*at, (size_t)(stop - *at)};
	*at = newline ? newline + 1 : end;
	while (ret->n > 0 && ret->text[ret->n - 1] == '\r') {
		ret->n--;
	}
	return true;
}

static bool minisign_is_text(const struct minisign_line *line)
{
	for (size_t i = 0; i < line->n; i++) {
		const unsigned char c = (unsigned char)line->text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return true;
}

/* Takes the prefix off. */
static bool minisign_is_comment(struct minisign_line *line, const char *prefix)
{
	const size_t n = strlen(prefix);

	if (line->n < n || memcmp(line->text, prefix, n) != 0 || !minisign_is_text(line)) {
		return false;
	}
	line->text += n;
	line->n -= n;
	return true;
}

/* "Ed" or "ED", key id, signature. */
static bool minisign_take_signature(struct minisign *m, const struct minisign_line *line)
{
	uint8_t bytes[2 + sizeof(m->key_id) + sizeof(m->signature)];

	if (!base64_read(line->text, line->n, bytes, sizeof(bytes)) || bytes[0] != 'E' ||
		(bytes[1] != 'd' && bytes[1] != 'D')) {
		return false;
	}
	m->is_prehashed = bytes[1] == 'D';
	memcpy(m->key_id, bytes + 2, sizeof(m->key_id));
	memcpy(m->signature, bytes + 2 + sizeof(m->key_id), sizeof(m->signature));
	return true;
}

bool minisign_parse(const char *text, size_t size, struct minisign *ret)
{
	const char *at = text, *end = text + size;
	struct minisign_line lines[4];
	struct minisign m;

	if (size > MINISIGN_MAX) {
		return false;
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (!minisign_next(&at, end, &lines[i])) {
			return false;
		}
	}
	while (at < end && (*at == '\r' || *at == '\n')) {
		at++;
	}
	if (at < end || !minisign_is_comment(&lines[0], "untrusted comment: ") ||
		!minisign_take_signature(&m, &lines[1]) ||
		!minisign_is_comment(&lines[2], "trusted comment: ") ||
		!base64_read(lines[3].text, lines[3].n, m.global_signature,
			sizeof(m.global_signature))) {
		return false;
	}
	m.trusted_comment = lines[2].text;
	m.n_trusted_comment = lines[2].n;
	*ret = m;
	return true;
}
