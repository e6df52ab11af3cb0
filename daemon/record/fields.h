/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Structs as text and back: one "Key=Value" on each line, by a table that names the members.
 * Records on disk and messages between worker and daemon have this form. Pure.
 *
 * Strings may hold any byte but NUL: control characters, bytes above 0x7e and the backslash are
 * written as \xNN. Members that are empty, zero or false are not written.
 */

enum field_type {
	FIELD_STRING, /* char[size] */
	FIELD_NUMBER, /* uint64_t, decimal */
	FIELD_HEX,    /* uint32_t, 0x%08x */
	FIELD_FLAG,   /* bool, yes or no */
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset, size;
};

#define FIELD(type_, key_, kind_, member_)                                                         \
	{                                                                                          \
		.key = (key_), .type = (kind_), .offset = offsetof(struct type_, member_),         \
		.size = sizeof(((struct type_ *)0)->member_)                                       \
	}

/* Bytes written, without the terminating NUL; -ENOBUFS where ret is too small. */
int fields_write(const struct field *table, size_t n, const void *from, char *ret, size_t ret_size);

/*
 * Reads whole lines; a last line without its newline is not read (a write was cut). The last of
 * several lines of one key wins. 0; -EBADMSG for a line without '=', a value that does not fit its
 * member, a key that the table does not know. *into is changed up to the bad line.
 */
int fields_read(const struct field *table, size_t n, void *into, const char *text, size_t size);

/*
 * Any bytes as printable ASCII for a person: what is not printable and the backslash become \xNN,
 * and the text is cut (with "...") so that at most `limit` characters and the NUL are written.
 */
void fields_show(const char *text, char *ret, size_t limit);

/*
 * A worker's sentence as printable ASCII: other bytes become \xNN. The names in it are shown
 * safely already, so a backslash stays one.
 */
void fields_clean(const char *sentence, char *ret, size_t size);
