/* SPDX-License-Identifier: MIT */
/* Spans, lists of runs, and the ways from an address to them. */
#include "dfu/plan-span.h"

#include <errno.h>
#include <stdlib.h>

int plan_grow(void *list, size_t n, size_t item)
{
	void **items = list;
	void *more;

	if ((n & (n - 1)) != 0) { /* room doubles at each power of two */
		return 0;
	}
	more = reallocarray(*items, n ? n * 2 : 1, item);
	if (more == NULL) {
		return -ENOMEM;
	}
	*items = more;
	return 0;
}

int plan_add_run(struct plan_runs *runs, uint32_t address, uint64_t size, uint8_t *data)
{
	int r = plan_grow(&runs->items, runs->n, sizeof(*runs->items));

	if (r < 0) {
		return r;
	}
	runs->items[runs->n++] = (struct plan_run){address, (uint32_t)size, data};
	return 0;
}

uint64_t plan_end(uint32_t address, uint64_t size)
{
	return (uint64_t)address + size;
}

struct plan_sector *plan_sector_of(const struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->n_sectors; i++) {
		struct plan_sector *s = &plan->sectors[i];

		if (address >= s->start && address < plan_end(s->start, s->size)) {
			return s;
		}
	}
	return NULL;
}

struct plan_span *plan_span_of(const struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->n_spans; i++) {
		struct plan_span *span = &plan->spans[i];

		if (address >= span->address && address < plan_end(span->address, span->size)) {
			return span;
		}
	}
	return NULL;
}
