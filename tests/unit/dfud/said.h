/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * What the daemon said: the lines that would have gone to the journal, kept for a test. Needs
 * -Wl,--wrap=sd_journal_sendv and -Wl,--wrap=connect, and journal_open() once.
 */

/* Whether journal_open finds somebody listening; true at start. */
extern bool said_listens;

void said_clear(void);
size_t said_n(void); /* lines since said_clear */

/* The value of a field of a line, NULL where the line has none. */
const char *said_field(size_t line, const char *name);
const char *said_message(size_t line); /* "" where there is none */
size_t said_n_fields(size_t line);
/* How many lines have this value in that field. */
size_t said_count(const char *name, const char *value);
