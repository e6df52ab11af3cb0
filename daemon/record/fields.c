/* SPDX-License-Identifier: MIT */
/*
 * Structs as lines of text.
 *
 * Invariants: what fields_write wrote, fields_read reads back to the same members; nothing of a
 * hostile line is stored but values that fit their member; a string never carries a NUL or a
 * newline out.
 */
#include "record/fields.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fields_out {
	char *at, *end;
	bool full;
};

static void fields_put(struct fields_out *out, char c)
{
	if (out->at < out->end) {
		*out->at++ = c;
	} else {
		out->full = true;
	}
}

static void fields_put_text(struct fields_out *out, const char *text)
{
	while (*text != '\0') {
		fields_put(out, *text++);
	}
}

static bool fields_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

static void fields_put_escaped(struct fields_out *out, const char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (fields_is_plain(c)) {
			fields_put(out, (char)c);
			continue;
		}
		fields_put_text(out, "\\x");
		fields_put(out, digits[c >> 4]);
		fields_put(out, digits[c & 15]);
	}
}

/* The value as text, "" for what is not written. */
static void fields_put_value(struct fields_out *out, const struct field *f, const void *from)
{
	const char *member = (const char *)from + f->offset;
	char text[32] = "";

	switch (f->type) {
	case FIELD_STRING:
		fields_put_escaped(out, member);
		return;
	case FIELD_NUMBER:
		snprintf(text, sizeof(text), "%" PRIu64, *(const uint64_t *)member);
		break;
	case FIELD_HEX:
		snprintf(text, sizeof(text), "0x%08" PRIx32, *(const uint32_t *)member);
		break;
	case FIELD_FLAG:
		snprintf(text, sizeof(text), "yes");
		break;
	}
	fields_put_text(out, text);
}

static bool fields_is_empty(const struct field *f, const void *from)
{
	const char *member = (const char *)from + f->offset;

	switch (f->type) {
	case FIELD_STRING:
		return *member == '\0';
	case FIELD_NUMBER:
		return *(const uint64_t *)member == 0;
	case FIELD_HEX:
		return *(const uint32_t *)member == 0;
	case FIELD_FLAG:
		return !*(const bool *)member;
	}
	return true;
}

int fields_write(const struct field *table, size_t n, const void *from, char *ret, size_t ret_size)
{
	struct fields_out out = {.at = ret, .end = ret + ret_size - 1};

	assert(ret_size > 0);
	for (size_t i = 0; i < n; i++) {
		if (fields_is_empty(&table[i], from)) {
			continue;
		}
		fields_put_text(&out, table[i].key);
		fields_put(&out, '=');
		fields_put_value(&out, &table[i], from);
		fields_put(&out, '\n');
	}
	*out.at = '\0';
	return out.full ? -ENOBUFS : (int)(out.at - ret);
}

static int fields_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return -1;
}

/* The byte that "\\xNN" stands for, or -1. */
static int fields_unescape(const char *value, size_t left)
{
	if (left < 4 || value[1] != 'x' || fields_digit(value[2]) < 0 ||
		fields_digit(value[3]) < 0) {
		return -1;
	}
	return fields_digit(value[2]) << 4 | fields_digit(value[3]);
}

static int fields_read_string(char *ret, size_t ret_size, const char *value, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		int c = (unsigned char)value[i];

		if (c == '\\') {
			c = fields_unescape(value + i, length - i);
			i += 3;
		} else if (!fields_is_plain((unsigned char)c)) {
			return -EBADMSG;
		}
		if (c <= 0 || n + 1 >= ret_size) {
			return -EBADMSG;
		}
		ret[n++] = (char)c;
	}
	ret[n] = '\0';
	return 0;
}

static int fields_read_number(
	const char *value, size_t length, int base, uint64_t max, uint64_t *ret)
{
	char text[32];
	char *end;

	if (length == 0 || length >= sizeof(text) || fields_digit(value[0]) < 0) {
		return -EBADMSG;
	}
	memcpy(text, value, length);
	text[length] = '\0';
	errno = 0;
	*ret = strtoull(text, &end, base);
	return errno != 0 || *end != '\0' || *ret > max ? -EBADMSG : 0;
}

static int fields_read_value(const struct field *f, void *into, const char *value, size_t length)
{
	char *member = (char *)into + f->offset;
	uint64_t number = 0;
	int r = -EBADMSG;

	switch (f->type) {
	case FIELD_STRING:
		return fields_read_string(member, f->size, value, length);
	case FIELD_NUMBER:
		r = fields_read_number(value, length, 10, UINT64_MAX, &number);
		if (r == 0) {
			*(uint64_t *)member = number;
		}
		return r;
	case FIELD_HEX:
		r = fields_read_number(value, length, 16, UINT32_MAX, &number);
		if (r == 0) {
			*(uint32_t *)member = (uint32_t)number;
		}
		return r;
	case FIELD_FLAG:
		if (length == 3 && memcmp(value, "yes", 3) == 0) {
			*(bool *)member = true;
			r = 0;
		} else if (length == 2 && memcmp(value, "no", 2) == 0) {
			*(bool *)member = false;
			r = 0;
		}
		return r;
	}
	return r;
}

static int fields_read_line(
	const struct field *table, size_t n, void *into, const char *line, size_t length)
{
	const char *equals = memchr(line, '=', length);

	if (equals == NULL) {
		return -EBADMSG;
	}
	for (size_t i = 0; i < n; i++) {
		const size_t key = (size_t)(equals - line);

		if (strlen(table[i].key) == key && memcmp(table[i].key, line, key) == 0) {
			return fields_read_value(&table[i], into, equals + 1, length - key - 1);
		}
	}
	return -EBADMSG;
}

int fields_read(const struct field *table, size_t n, void *into, const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		int r;

		if (newline == NULL) {
			break;
		}
		r = fields_read_line(table, n, into, text, (size_t)(newline - text));
		if (r < 0) {
			return r;
		}
		text = newline + 1;
	}
	return 0;
}

void fields_show(const char *text, char *ret, size_t limit)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;
	size_t fits = 0; /* where "..." can still be put */

	assert(limit >= 4);
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;
		const size_t need = fields_is_plain(c) ? 1 : 4;

		if (n + need > limit) {
			memcpy(ret + fits, "...", 4);
			return;
		}
		if (need == 1) {
			ret[n++] = (char)c;
		} else {
			ret[n++] = '\\';
			ret[n++] = 'x';
			ret[n++] = digits[c >> 4];
			ret[n++] = digits[c & 15];
		}
		if (n + 3 <= limit) {
			fits = n;
		}
	}
	ret[n] = '\0';
}

void fields_clean(const char *sentence, char *ret, size_t size)
{
	size_t n = 0;

	for (; *sentence != '\0' && n + 5 <= size; sentence++) {
		const unsigned char c = (unsigned char)*sentence;

		n += (size_t)snprintf(
			ret + n, size - n, c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
	}
	ret[n] = '\0';
}
