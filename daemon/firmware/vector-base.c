/* SPDX-License-Identifier: MIT */

/*
 * Finds the address that a raw image was linked for. A candidate is an aligned address B; it says
 * that handler h lies at file offset h - B. Three things are asked of it:
 *
 *   range     every handler lies behind the table and before the end of the image;
 *   loop      the most frequent handler is an endless loop, as default handlers are, or most of
 *             many handlers are, where each interrupt has a default of its own (IAR's start-up);
 *   entries   so many of the handlers look like the first instruction of a function.
 *
 * What a loop and an entry are is vector-code's.
 *
 * Loop and range alone are right for whole images whose default handler loops, and can be wrong for
 * all others: a loop may stand by accident (once in some thousand halfwords of real code) where a
 * wrong B points to, while the right B fails since its default handler does something (Zephyr,
 * NuttX) or since the file was cut off. Entries close that hole: at the right B nearly all handlers
 * are entries, at a wrong one about one in eight.
 *
 * B passes with range, loop and half of the entries. It is certain if two more things hold. It has
 * two thirds of the entries and no other candidate has as many: no other at all, or, if B is a
 * place where boot loaders end, no other place of that list. And no other candidate has a loop and
 * half of the entries, in range or not: the right B of a file that was cut off is a candidate out
 * of range.
 *
 * With less than VECTOR_BASE_FEW different handlers the entries prove little among hundreds of
 * candidates, but enough among a dozen places. What is not certain is likely if something passes,
 * or if one candidate in range leads by entries alone. Where several pass alike, or nothing leads,
 * the words of the image may still speak for one of the places in range (vector-literals): that is
 * likely at most. Else unknown.
 */

#include "firmware/vector-base.h"

#include <assert.h>

#include "firmware/vector-code.h"
#include "firmware/vector-literals.h"

#define VECTOR_BASE_STEP 0x100u /* the alignment of a table of up to 64 words */
#define VECTOR_BASE_FEW	 4
#define VECTOR_BASE_MANY 8

#define VECTOR_BASE_MAX_PLACES 16

struct vector_candidate {
	uint32_t base;
	size_t n_entries, n_loops;
	bool in_range, loops, passes;
	bool is_place; /* where boot loaders end */
};

struct vector_search {
	const struct vector_table *table;
	struct vector_code code;
	struct vector_candidate best;	/* the best that passes */
	struct vector_candidate leader; /* most entries of all in range */
	size_t n_passing;
	size_t n_rivals;		 /* loop and half of the entries, in range or not */
	size_t most, second;		 /* entries of the two best candidates of all */
	size_t place_most, place_second; /* the same among places where boot loaders end */
	struct vector_candidate places[VECTOR_BASE_MAX_PLACES]; /* in range, for literals */
	size_t n_places;
};

static bool vector_base_is_place(uint32_t base)
{
	size_t n;
	const uint32_t *places = vector_places(&n);

	for (size_t i = 0; i < n; i++) {
		if (vector_offset(base) == places[i]) {
			return true;
		}
	}
	return false;
}

static bool vector_base_loops(
	const struct vector_search *search, const struct vector_candidate *candidate)
{
	const struct vector_table *table = search->table;
	uint32_t mode = table->handlers[table->mode];

	if (table->counts[table->mode] > 1 && mode >= candidate->base &&
		vector_code_is_loop(&search->code, mode - candidate->base)) {
		return true;
	}
	return candidate->n_loops >= VECTOR_BASE_MANY && 2 * candidate->n_loops > table->n;
}

static struct vector_candidate vector_base_try(const struct vector_search *search, uint32_t base)
{
	const struct vector_table *table = search->table;
	struct vector_candidate candidate = {
		.base = base,
		.in_range = table->lowest - base >= table->size && table->lowest >= base &&
			    table->highest - base < search->code.size,
		.is_place = vector_base_is_place(base),
	};

	for (size_t i = 0; i < table->n; i++) {
		size_t offset = table->handlers[i] - base;

		if (table->handlers[i] < base) {
			continue;
		}
		candidate.n_entries += vector_code_is_entry(&search->code, offset);
		candidate.n_loops += vector_code_is_loop(&search->code, offset);
	}
	candidate.loops = vector_base_loops(search, &candidate);
	candidate.passes =
		candidate.in_range && candidate.loops && 2 * candidate.n_entries >= table->n;
	return candidate;
}

static void vector_base_rank(size_t n, size_t *most, size_t *second)
{
	if (n > *most) {
		*second = *most;
		*most = n;
	} else if (n > *second) {
		*second = n;
	}
}

static bool vector_base_is_better(
	const struct vector_candidate *a, const struct vector_candidate *b)
{
	return a->n_entries > b->n_entries ||
	       (a->n_entries == b->n_entries && a->is_place && !b->is_place);
}

/* Not for an image at 0, where small numbers look like addresses. */
static bool vector_base_is_for_literals(
	const struct vector_search *search, const struct vector_candidate *candidate)
{
	return candidate->in_range && candidate->is_place &&
	       search->table->window == VECTOR_FLASH_BASE;
}

static void vector_base_weigh(
	struct vector_search *search, const struct vector_candidate *candidate)
{
	vector_base_rank(candidate->n_entries, &search->most, &search->second);
	if (candidate->is_place) {
		vector_base_rank(candidate->n_entries, &search->place_most, &search->place_second);
	}
	if (candidate->loops && 2 * candidate->n_entries >= search->table->n) {
		search->n_rivals++;
	}
	if (vector_base_is_for_literals(search, candidate)) {
		assert(search->n_places < VECTOR_BASE_MAX_PLACES);
		search->places[search->n_places++] = *candidate;
	}
	if (candidate->in_range && vector_base_is_better(candidate, &search->leader)) {
		search->leader = *candidate;
	}
	if (!candidate->passes) {
		return;
	}
	if (search->n_passing++ == 0 || vector_base_is_better(candidate, &search->best)) {
		search->best = *candidate;
	}
}

/*
 * A table is aligned to its own size, rounded up to a power of two (ARMv7-M B3.2.5, VTOR). What
 * looks like a long table may be a shorter one with a table of functions behind it, so no more than
 * 512 is asked for.
 */
static uint32_t vector_base_alignment(const struct vector_table *table)
{
	return table->size > VECTOR_BASE_STEP ? 2 * VECTOR_BASE_STEP : VECTOR_BASE_STEP;
}

/* Every candidate for which at least one handler lies inside the image. */
static void vector_base_scan(struct vector_search *search)
{
	const struct vector_table *table = search->table;
	uint32_t step = vector_base_alignment(table);
	uint64_t base = table->window;

	if (table->lowest >= search->code.size && table->lowest - search->code.size + 1 > base) {
		base = table->lowest - search->code.size + 1;
	}
	base = (base + step - 1) / step * step;
	for (; base <= table->highest; base += step) {
		struct vector_candidate candidate = vector_base_try(search, base);

		vector_base_weigh(search, &candidate);
	}
}

static bool vector_base_has_most(
	const struct vector_search *search, const struct vector_candidate *candidate)
{
	return search->table->n >= VECTOR_BASE_FEW && candidate->n_entries == search->most &&
	       search->second < search->most;
}

static bool vector_base_has_most_of_places(
	const struct vector_search *search, const struct vector_candidate *candidate)
{
	return candidate->is_place && candidate->n_entries == search->place_most &&
	       search->place_second < search->place_most;
}

static bool vector_base_is_certain(const struct vector_search *search)
{
	const struct vector_candidate *best = &search->best;

	return search->n_passing == 1 && search->n_rivals == 1 &&
	       3 * best->n_entries >= 2 * search->table->n &&
	       (vector_base_has_most(search, best) || vector_base_has_most_of_places(search, best));
}

static bool vector_base_leads(const struct vector_search *search)
{
	const struct vector_candidate *leader = &search->leader;

	return 3 * leader->n_entries >= 2 * search->table->n &&
	       vector_base_has_most(search, leader);
}

/* The places that the tests cannot tell apart: those in range that pass alike, or all in range. */
static size_t vector_base_doubtful(
	const struct vector_search *search, uint32_t ret[static VECTOR_BASE_MAX_PLACES])
{
	size_t n = 0;

	for (size_t i = 0; i < search->n_places; i++) {
		const struct vector_candidate *place = &search->places[i];
		bool best = place->passes && place->n_entries == search->best.n_entries;

		if (search->n_passing == 0 || best) {
			ret[n++] = place->base;
		}
	}
	return n;
}

/* The words of a file that was cut off point behind its end, which speaks for a wrong base. */
static bool vector_base_ask_literals(
	const struct vector_search *search, const struct vector_facts *facts, uint32_t *ret)
{
	uint32_t bases[VECTOR_BASE_MAX_PLACES];
	size_t n = vector_base_doubtful(search, bases);

	return !facts->cut &&
	       vector_literals_favour(ret, search->code.bytes, search->code.size, bases, n);
}

/* Whether some base puts every handler between the table and the end of the image. */
static bool vector_base_exists(const struct vector_table *table, size_t size)
{
	uint32_t last;

	if (table->lowest - table->window < table->size) {
		return false;
	}
	last = table->lowest - (uint32_t)table->size;
	last -= last % VECTOR_BASE_STEP;
	return last >= table->window && table->highest - last < size;
}

static bool vector_base_guess(
	const struct vector_search *search, const struct vector_facts *facts, uint32_t *ret)
{
	if (search->n_passing == 0 && vector_base_leads(search)) {
		*ret = search->leader.base;
		return true;
	}
	if (vector_base_ask_literals(search, facts, ret)) {
		return true;
	}
	*ret = search->best.base;
	return search->n_passing > 0;
}

void vector_base_find(const struct vector_table *table, const uint8_t *bytes, size_t size,
	struct vector_facts *ret)
{
	struct vector_search search = {
		.table = table, .code = {.bytes = bytes, .size = size, .start = table->size}};

	ret->certainty = VECTOR_UNKNOWN;
	ret->truncated = !vector_base_exists(table, size);
	vector_base_scan(&search);
	if (vector_base_is_certain(&search)) {
		ret->certainty = VECTOR_CERTAIN;
		ret->base = search.best.base;
	} else if (vector_base_guess(&search, ret, &ret->base)) {
		ret->certainty = VECTOR_LIKELY;
	}
}
