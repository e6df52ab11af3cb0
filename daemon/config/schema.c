/* SPDX-License-Identifier: MIT */
/*
 * Reading a file by the table of its keys.
 *
 * Doubt: a bad value puts its own key in doubt, an unknown key all keys of its section and the one
 * that may have been meant, a refused line all keys of its section, a section that nobody knows all
 * keys. The owner of the object decides what doubt means for it.
 */
#include "config/schema.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 2, 0)))
schema_vcomplain(struct schema *schema, const char *format, va_list arguments)
{
	char text[sizeof(((struct config_problem *)NULL)->text)];

	vsnprintf(text, sizeof(text), format, arguments);
	schema->has_problems = true;
	config_problems_add(schema->problems, schema->file, schema->line, schema->key, "%s", text);
}

void schema_complain(struct schema *schema, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	schema_vcomplain(schema, format, arguments);
	va_end(arguments);
}

void schema_complain_key(struct schema *schema, size_t key, const char *format, ...)
{
	va_list arguments;

	assert(key < schema->n_keys);
	schema->line = schema->lines[key];
	schema->key = schema->keys[key].name;
	va_start(arguments, format);
	schema_vcomplain(schema, format, arguments);
	va_end(arguments);
}

static char schema_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned schema_least(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edits between two words, capitals aside (Levenshtein, one row); known is a word of ours. */
static unsigned schema_distance(const char *word, const char *known)
{
	unsigned row[32];
	size_t n = strlen(known);

	assert(n < sizeof(row) / sizeof(*row));
	for (size_t i = 0; i <= n; i++) {
		row[i] = (unsigned)i;
	}
	for (size_t i = 0; word[i] != '\0'; i++) {
		unsigned corner = row[0]++;

		for (size_t j = 1; j <= n; j++) {
			unsigned change =
				corner + (schema_lower(word[i]) != schema_lower(known[j - 1]));

			corner = row[j];
			row[j] = schema_least(change, row[j] + 1, row[j - 1] + 1);
		}
	}
	return row[n];
}

static bool schema_is_similar(const char *word, const char *known)
{
	size_t n = strlen(known);

	return schema_distance(word, known) <= (n < 3 ? 0 : n < 5 ? 1U : 2U);
}

static bool schema_knows_section(const struct schema *schema, const char *section)
{
	for (size_t i = 0; i < schema->n_keys; i++) {
		if (strcmp(schema->keys[i].section, section) == 0) {
			return true;
		}
	}
	return false;
}

static void schema_doubt(struct schema *schema, const char *section)
{
	for (size_t i = 0; i < schema->n_keys; i++) {
		if (!section || strcmp(schema->keys[i].section, section) == 0) {
			schema->doubtful[i] = true;
		}
	}
}

static void schema_doubt_all(struct schema *schema)
{
	schema_doubt(schema, NULL);
}

static int schema_on_section(struct schema *schema, const struct ini_line *line)
{
	const char *known = NULL;

	if (schema_knows_section(schema, line->section)) {
		return 0;
	}
	for (size_t i = 0; i < schema->n_keys && !known; i++) {
		if (schema_is_similar(line->section, schema->keys[i].section)) {
			known = schema->keys[i].section;
		}
	}
	if (known) {
		schema_complain(
			schema, "unknown section [%s]; did you mean [%s]?", line->section, known);
	} else {
		schema_complain(schema, "unknown section [%s]", line->section);
	}
	schema_doubt_all(schema);
	return 0;
}

/* A key like the one written: in this section before others, n_keys where there is none. */
static size_t schema_find_similar(const struct schema *schema, const struct ini_line *line)
{
	size_t found = schema->n_keys;

	for (size_t i = 0; i < schema->n_keys; i++) {
		if (!schema_is_similar(line->key, schema->keys[i].name)) {
			continue;
		}
		if (strcmp(schema->keys[i].section, line->section) == 0) {
			return i;
		}
		if (found == schema->n_keys) {
			found = i;
		}
	}
	return found;
}

static void schema_refuse_key(struct schema *schema, const struct ini_line *line)
{
	size_t meant = schema_find_similar(schema, line);

	schema_doubt(schema, line->section);
	if (meant == schema->n_keys) {
		schema_complain(schema, "unknown key in [%s]", line->section);
		return;
	}
	schema->doubtful[meant] = true;
	schema_complain(schema, "unknown key in [%s]; did you mean %s= in [%s]?", line->section,
		schema->keys[meant].name, schema->keys[meant].section);
}

static int schema_take(struct schema *schema, size_t i, const char *value)
{
	const struct schema_key *key = &schema->keys[i];
	bool had_problems = schema->has_problems;
	int r;

	if (*value != '\0' && !key->many && schema->lines[i] > 0) {
		schema_complain(schema, "the key has a value in line %u already", schema->lines[i]);
		schema->doubtful[i] = true;
		return 0;
	}
	schema->has_problems = false;
	r = key->take(schema, schema->object, value);
	schema->doubtful[i] = schema->doubtful[i] || schema->has_problems;
	schema->has_problems = schema->has_problems || had_problems;
	schema->lines[i] = *value != '\0' ? schema->line : 0;
	return r;
}

static int schema_on_key(struct schema *schema, const struct ini_line *line)
{
	schema->has_keys = true;
	if (!schema_knows_section(schema, line->section)) {
		return 0; /* said at the section */
	}
	for (size_t i = 0; i < schema->n_keys; i++) {
		if (strcmp(schema->keys[i].section, line->section) == 0 &&
			strcmp(schema->keys[i].name, line->key) == 0) {
			return schema_take(schema, i, line->value);
		}
	}
	schema_refuse_key(schema, line);
	return 0;
}

static int schema_on_refused(struct schema *schema, const struct ini_line *line)
{
	schema->has_keys = true;
	schema->has_problems = true;
	if (schema_knows_section(schema, line->section)) {
		schema_doubt(schema, line->section);
	} else {
		schema_doubt_all(schema);
	}
	return 0;
}

static int schema_on_line(void *user, const struct ini_line *line)
{
	struct schema *schema = user;

	schema->line = line->number;
	schema->key = line->key ? line->key : "";
	switch (line->kind) {
	case INI_SECTION:
		return schema_on_section(schema, line);
	case INI_KEY:
		return schema_on_key(schema, line);
	case INI_REFUSED:
		return schema_on_refused(schema, line);
	}
	return 0;
}

int schema_read(struct schema *schema, const char *text, size_t size)
{
	int r;

	assert(schema->n_keys <= SCHEMA_KEYS_MAX);
	r = ini_read(schema->file, text, size, schema_on_line, schema, schema->problems);
	schema->line = 0;
	schema->key = "";
	return r;
}
