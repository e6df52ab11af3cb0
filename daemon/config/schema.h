/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/ini.h"

/*
 * One kind of configuration file as a table of its keys, and the reading of a file by it: unknown
 * sections and keys (with what may have been meant), keys given twice, and which keys are in doubt
 * because of a faulty line. Pure.
 */

#define SCHEMA_KEYS_MAX 24

struct schema;

struct schema_key {
	const char *section, *name;
	bool many; /* several lines are alternatives */
	/* Takes one value ("" clears); complains by schema_complain(). 0 or -ENOMEM. */
	int (*take)(struct schema *schema, void *object, const char *value);
};

struct schema {
	const char *file;
	struct config_problems *problems;
	const struct schema_key *keys;
	size_t n_keys;
	void *object; /* what take() gets */

	unsigned lines[SCHEMA_KEYS_MAX]; /* where the key got its (last) value, 0: it has none */
	bool doubtful[SCHEMA_KEYS_MAX];	 /* a faulty line was, or may have been meant for, this key
					  */
	bool has_keys;			 /* one key at least, known or not, or a refused line */
	bool has_problems;

	unsigned line; /* the one at hand */
	const char *key;
};

/* 0 also where problems were added; -ENOMEM. */
int schema_read(struct schema *schema, const char *text, size_t size);

/* Adds a problem against the line at hand. */
void schema_complain(struct schema *schema, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* After the reading: against the line of the key with this index. */
void schema_complain_key(struct schema *schema, size_t key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
