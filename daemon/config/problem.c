/* SPDX-License-Identifier: MIT */
/*
 * The list of what is wrong with configuration files. It grows to CONFIG_PROBLEMS_MAX: a folder
 * full of rubbish gets a page of answers, not a book. What finds no place sets `overflow`, so that
 * an empty list without overflow, and only that, means that nothing was wrong.
 */
#include "config/ini.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct config_problem *config_problems_grow(struct config_problems *problems)
{
	struct config_problem *items;

	if (problems->n >= CONFIG_PROBLEMS_MAX) {
		return NULL;
	}
	items = realloc(problems->items, (problems->n + 1) * sizeof(*items));
	if (!items) {
		return NULL;
	}
	problems->items = items;
	return &items[problems->n++];
}

void config_problems_add(struct config_problems *problems, const char *file, unsigned line,
	const char *key, const char *format, ...)
{
	struct config_problem *problem = config_problems_grow(problems);
	va_list arguments;

	if (!problem) {
		problems->overflow = true;
		return;
	}
	problem->line = line;
	snprintf(problem->file, sizeof(problem->file), "%s", file);
	snprintf(problem->key, sizeof(problem->key), "%s", key);
	va_start(arguments, format);
	vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
}

void config_problems_done(struct config_problems *problems)
{
	free(problems->items);
	*problems = (struct config_problems)CONFIG_PROBLEMS_INIT;
}
