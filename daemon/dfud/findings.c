/* SPDX-License-Identifier: MIT */
/* The lines of a plan. What is no line of one is none. */
#include "dfud/findings.h"

#include <stdio.h>

#include "record/fields.h"

void findings_take(struct findings *findings, const struct message *m)
{
	struct finding *f = &findings->items[findings->n];

	if (findings->n == FINDINGS_MAX) {
		return;
	}
	f->topic = finding_topic_from_string(m->topic);
	f->result = finding_result_from_string(m->result);
	fields_clean(m->text, f->text, sizeof(f->text));
	findings->n += f->topic >= 0 && f->result >= 0;
}

void findings_write(const struct findings *findings, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < findings->n && n < size; i++) {
		const struct finding *f = &findings->items[i];

		n += (size_t)snprintf(ret + n, size - n, "%-10s  %-7s  %s\n",
			finding_topic_to_string(f->topic), finding_result_to_string(f->result),
			f->text);
	}
}
