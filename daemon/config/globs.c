/* SPDX-License-Identifier: MIT */
/*
 * Lists of shell globs and what may stand in them. A glob that could never match (a bracket without
 * end, a port with letters, an ID_PATH with a slash) is a slip, and is told as one. dfud.conf(5).
 */
#include "config/globs.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

static int globs_add(struct strings *globs, const char *value)
{
	char **items = realloc(globs->items, (globs->n + 1) * sizeof(*items));

	if (!items) {
		return -ENOMEM;
	}
	globs->items = items;
	items[globs->n] = strdup(value);
	if (!items[globs->n]) {
		return -ENOMEM;
	}
	globs->n++;
	return 0;
}

/* The ']' of a bracket expression, whose first character may be a ']' itself; NULL without one. */
static const char *globs_bracket_end(const char *open)
{
	const char *p = open + 1;

	if (*p == '!' || *p == '^') {
		p++;
	}
	return *p == '\0' ? NULL : strchr(p + 1, ']');
}

/* fnmatch() takes a '[' without end literally and lets a '\' at the end match nothing. */
static bool globs_is_glob(const char *value)
{
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\\' && *++p == '\0') {
			return false;
		}
		if (*p == '[') {
			p = globs_bracket_end(p);
			if (!p) {
				return false;
			}
		}
	}
	return true;
}

static bool globs_is_port(const char *value)
{
	return value[strspn(value, "0123456789-.*?[]!^")] == '\0';
}

int globs_take(struct schema *schema, struct strings *globs, const char *value)
{
	if (*value == '\0') {
		globs_clear(globs);
		return 0;
	}
	if (!globs_is_glob(value)) {
		schema_complain(schema, "\"%.60s\" has a '[' without ']' or ends in '\\'", value);
		return 0;
	}
	return globs_add(globs, value);
}

int globs_take_path(struct schema *schema, struct strings *globs, const char *value)
{
	if (strchr(value, '/')) {
		schema_complain(schema,
			"\"%.60s\" is no ID_PATH of udev, such as platform-*-usb-0:1.2", value);
		return 0;
	}
	return globs_take(schema, globs, value);
}

int globs_take_port(struct schema *schema, struct strings *globs, const char *value)
{
	if (!globs_is_port(value)) {
		schema_complain(schema, "\"%.60s\" is no port, such as 1-1.2", value);
		return 0;
	}
	return globs_take(schema, globs, value);
}

int globs_take_place(struct schema *schema, struct strings *globs, const char *value)
{
	if (value[strcspn(value, "/, \t")] != '\0') {
		schema_complain(schema,
			"\"%.60s\" is neither a port, such as 1-1.2, nor an ID_PATH of udev, such "
			"as platform-*-usb-0:1.2; one a line",
			value);
		return 0;
	}
	return globs_take(schema, globs, value);
}

bool globs_match(const struct strings *globs, const char *text)
{
	for (size_t i = 0; i < globs->n; i++) {
		if (fnmatch(globs->items[i], text ? text : "", 0) == 0) {
			return true;
		}
	}
	return false;
}

void globs_clear(struct strings *globs)
{
	while (globs->n > 0) {
		free(globs->items[--globs->n]);
	}
}

void globs_done(struct strings *globs)
{
	globs_clear(globs);
	free(globs->items);
	*globs = (struct strings){0};
}
