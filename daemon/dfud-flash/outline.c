/* SPDX-License-Identifier: MIT */
/*
 * The plan in words. Numbers are bytes and addresses of the board's own map; a stretch of memory is
 * told by its first and last byte, as Protect= takes it.
 */
#include "dfud-flash/outline.h"

#include <inttypes.h>
#include <stdio.h>

#include "dfu/chip.h"

/* "0x08000000-0x0800bfff" */
struct outline_stretch {
	char text[32];
};

static struct outline_stretch outline_stretch(uint32_t address, uint64_t size)
{
	struct outline_stretch s;

	snprintf(s.text, sizeof(s.text), "0x%08" PRIx32 "-0x%08" PRIx32, address,
		(uint32_t)(address + size - 1));
	return s;
}

static const char *outline_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void outline_board(const struct device *device, char *ret, size_t size)
{
	const struct dfu_function *f = &device->function;
	const struct layout *layout = &device->layout;
	const uint32_t sectors = layout_n_sectors(layout);
	const struct chip *chip;
	const bool known = chip_find(&chip, f->vendor, f->product, layout, f->n_alternates);

	snprintf(ret, size,
		"%04x:%04x, \"%s\" of %" PRIu64 " bytes in %" PRIu32 " sector%s from 0x%08" PRIx32
		"%s%s",
		f->vendor, f->product, layout->name, layout_size(layout), sectors,
		outline_plural(sectors), layout->groups[0].start, known ? "; " : "",
		known ? chip->description : "");
}

void outline_memory(const struct plan *plan, const struct layout *layout, char *ret, size_t size)
{
	const struct plan_segment *first = &plan->segments[0];
	const struct plan_segment *last = &plan->segments[plan->n_segments - 1];

	snprintf(ret, size, "%s lies in %zu writable sector%s of \"%s\"",
		outline_stretch(
			first->address, (uint64_t)last->address + last->size - first->address)
			.text,
		plan->n_sectors, outline_plural(plan->n_sectors), layout->name);
}

void outline_save(const struct outline_work *work, char *ret, size_t size)
{
	const struct plan_run *saved = &work->plan->saved;

	if (saved->size > 0) {
		snprintf(ret, size, "%" PRIu32 " bytes first, %s", saved->size,
			outline_stretch(saved->address, saved->size).text);
		return;
	}
	snprintf(ret, size, "nothing%s",
		work->plan->unchanged	? ": nothing is erased"
		: !work->plan->can_read ? ": the board cannot be read"
		: saved->data != NULL	? ": what will be erased is blank"
					: ", as Backup=no asks for");
}

/* Sectors that will be erased and touch each other, as one stretch; false behind the last. */
static bool outline_next_erased(const struct plan *plan, size_t *i, uint32_t *ret, uint64_t *ret_n)
{
	const struct plan_sector *s;

	while (*i < plan->n_sectors && !plan->sectors[*i].erase) {
		(*i)++;
	}
	if (*i == plan->n_sectors) {
		return false;
	}
	*ret = plan->sectors[*i].start;
	*ret_n = 0;
	for (; *i < plan->n_sectors && plan->sectors[*i].erase; (*i)++) {
		s = &plan->sectors[*i];
		if (s->start != *ret + *ret_n) {
			break;
		}
		*ret_n += s->size;
	}
	return true;
}

void outline_erase(const struct outline_work *work, char *ret, size_t size)
{
	const struct plan *plan = work->plan;
	const uint32_t sectors = layout_n_sectors(work->layout);
	const char *between = ": ";
	size_t n;
	uint32_t start;
	uint64_t length;

	if (plan->unchanged) {
		snprintf(ret, size, "nothing: the board holds the file already");
		return;
	}
	n = (size_t)snprintf(ret, size, "%zu of %" PRIu32 " sector%s, %" PRIu64 " bytes",
		plan->n_erases, sectors, outline_plural(sectors), plan->bytes_erased);
	for (size_t i = 0; n < size && outline_next_erased(plan, &i, &start, &length);) {
		n += (size_t)snprintf(
			ret + n, size - n, "%s%s", between, outline_stretch(start, length).text);
		between = ", ";
	}
	if (n >= size) { /* a reader must see that the list goes on */
		snprintf(ret + size - 5, 5, " ...");
	}
}

void outline_write(const struct outline_work *work, char *ret, size_t size)
{
	const struct plan *plan = work->plan;

	if (plan->unchanged) {
		snprintf(ret, size, "nothing");
		return;
	}
	snprintf(ret, size, "%" PRIu64 " bytes from 0x%08" PRIx32 ", %s", plan->bytes_written,
		plan->bodies != NULL && plan->bodies[0].address < work->image
			? plan->bodies[0].address
			: work->image,
		plan->can_read ? "read back and compared"
			       : "not read back: the board cannot be read");
}

void outline_keep(const struct outline_work *work, char *ret, size_t size)
{
	const struct plan *plan = work->plan;
	const struct plan_sector *first = &plan->sectors[0];

	if (!plan->unchanged && first->erase && first->start < work->image) {
		snprintf(ret, size, "%" PRIu32 " bytes before the file are written back, %s",
			work->image - first->start,
			outline_stretch(first->start, work->image - first->start).text);
		return;
	}
	snprintf(ret, size, "every sector that holds nothing of the file, or holds it already");
}

void outline_leave(const struct outline_work *work, char *ret, size_t size)
{
	if (work->stay) {
		snprintf(ret, size, "not: the board stays in DFU mode");
		return;
	}
	if (work->leave == work->image) {
		snprintf(ret, size, "to 0x%08" PRIx32 ", where the file begins", work->leave);
		return;
	}
	snprintf(ret, size, "to 0x%08" PRIx32 ", where the board starts after a reset (%s)",
		work->leave, work->base->about);
}
