/* SPDX-License-Identifier: MIT */
/* The closed list of reasons, from the table in reason.h. */
#include "record/reason.h"

#include <assert.h>
#include <string.h>

static const char *const reason_names[_REASON_MAX] = {[REASON_NONE] = "",
#define REASON_NAME(name, text, class) [REASON_##name] = text,
	REASONS(REASON_NAME)
#undef REASON_NAME
};

const char *reason_to_string(enum reason reason)
{
	assert(reason >= 0 && reason < _REASON_MAX);
	return reason_names[reason];
}

enum reason reason_from_string(const char *text)
{
	for (int i = 0; i < _REASON_MAX; i++) {
		if (strcmp(reason_names[i], text) == 0) {
			return (enum reason)i;
		}
	}
	return _REASON_INVALID;
}

enum reason_class reason_class(enum reason reason)
{
	static const enum reason_class classes[_REASON_MAX] = {
#define REASON_CLASS(name, text, class) [REASON_##name] = REASON_CLASS_##class,
		REASONS(REASON_CLASS)
#undef REASON_CLASS
	};

	assert(reason > REASON_NONE && reason < _REASON_MAX);
	return classes[reason];
}
