/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dfu/plan.h"

/*
 * What the two halves of the plan share, plan.c (where the image lies) and plan-order.c (what is
 * done about it): spans, lists of runs, and the ways from an address to them. Pure.
 */

struct plan_span {
	uint32_t address;
	uint64_t size;	 /* up to the last byte of its last segment */
	uint64_t room;	 /* size rounded up to the granule, within the last sector */
	uint8_t *wanted; /* room bytes, 0xFF behind size */
	uint8_t *found;	 /* size bytes; NULL where nothing can be read */
};

/* A list of runs while it grows. */
struct plan_runs {
	struct plan_run *items;
	size_t n;
};

/* Makes room for one more in a list of n, at *list. 0 or -ENOMEM. */
int plan_grow(void *list, size_t n, size_t item);
int plan_add_run(struct plan_runs *runs, uint32_t address, uint64_t size, uint8_t *data);

/* Behind the last byte; fits 64 bits. */
uint64_t plan_end(uint32_t address, uint64_t size);

/* The sector or the span that holds the address; NULL where none does. */
struct plan_sector *plan_sector_of(const struct plan *plan, uint32_t address);
struct plan_span *plan_span_of(const struct plan *plan, uint32_t address);
