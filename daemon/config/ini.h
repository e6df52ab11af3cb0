/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Strict ini text: inih does the reading, fed through our own counting reader, because a file that
 * decides what gets erased must not be read generously. Refused, with the line's number: a line
 * over INI_LINE_MAX, an indented line (inih would glue it to the value before), a line without '=',
 * ':' as separator, a key before the first section, an unterminated section or text behind it, a
 * NUL or another control character, an inline comment (" ;" or " #"). Comments ('#' or ';') stand
 * on lines of their own. CRLF ends a line as LF does, a UTF-8 byte order mark at the start is
 * skipped: neither changes what a line says. Pure: text in, calls out.
 */

#define INI_LINE_MAX 190
#define INI_NAME_MAX 49 /* of a section: inih cuts longer ones */

/* What a reader has to say against a line. Collected by the caller; nothing is printed here. */
struct config_problem {
	char file[256];
	unsigned line;	/* from 1; 0: the file as a whole */
	char key[64];	/* "" where no key is meant */
	char text[256]; /* plain sentence: what is wrong and what is expected */
};

struct config_problems {
	struct config_problem *items; /* owned */
	size_t n;
	bool overflow; /* more than CONFIG_PROBLEMS_MAX, or out of memory: the rest is not listed */
};

#define CONFIG_PROBLEMS_MAX 32
#define CONFIG_PROBLEMS_INIT                                                                       \
	{                                                                                          \
		0                                                                                  \
	}

void config_problems_add(struct config_problems *problems, const char *file, unsigned line,
	const char *key, const char *format, ...) __attribute__((format(printf, 5, 6)));
void config_problems_done(struct config_problems *problems);

enum ini_kind {
	INI_SECTION, /* "[Match]" */
	INI_KEY,     /* "Id=0483:df11"; blanks around key and value are gone */
	INI_REFUSED, /* a line that says nobody knows what; its problem is added already */
};

struct ini_line {
	enum ini_kind kind;
	unsigned number;	 /* from 1 */
	const char *section;	 /* "": none yet, or refused; its keys are not told */
	const char *key, *value; /* NULL unless INI_KEY */
};

/*
 * Called for each section, key and refused line in order; all is borrowed for the call. Returns 0,
 * or -ENOMEM to end the reading. What is wrong with a value the callee adds to the problems itself.
 */
typedef int (*ini_line_fn)(void *user, const struct ini_line *line);

/* 0 also where problems were added; -ENOMEM. file is the name used in the problems. */
int ini_read(const char *file, const char *text, size_t size, ini_line_fn fn, void *user,
	struct config_problems *problems);
