/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "message/message.h"
#include "record/finding.h"

/* The plan of one attempt as its worker told it, line by line: a person reads it before a flash
 * (--plan) and in the report behind it. Pure. */

#define FINDINGS_MAX 24

struct finding {
	enum finding_topic topic;
	enum finding_result result;
	char text[320]; /* printable ASCII */
};

struct findings {
	struct finding items[FINDINGS_MAX];
	size_t n;
};

/* Takes a FINDING; what is beyond FINDINGS_MAX is left out. */
void findings_take(struct findings *findings, const struct message *message);

/* "address     good     0x08008000, where it was linked for certain", a line each. */
void findings_write(const struct findings *findings, char *ret, size_t size);
