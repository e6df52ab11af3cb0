/* SPDX-License-Identifier: MIT */
/*
 * The worker's checks: what is wrong with this file for this board, before the first erase. Each is
 * told as a line of the plan; the first that fails ends the attempt, and the function that found it
 * returns false.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dfu/chip.h"
#include "dfud-flash/explain.h"
#include "dfud-flash/outline.h"
#include "dfud-flash/worker-inner.h"

#define WORKER_GRANULE 32 /* the largest write unit of any STM32: a tail is padded to it */

static bool worker_check_map(struct worker *w)
{
	struct layout other;
	char text[320];

	if (w->options->layout == NULL || (layout_parse(&other, w->options->layout) == 0 &&
						  layout_is_same(&other, &w->device.layout))) {
		return true;
	}
	snprintf(text, sizeof(text),
		"%s was saved from a board with another memory (\"%.80s\") than this one "
		"(\"%.80s\")",
		w->name, w->options->layout, w->device.map);
	worker_refuse_check(w, FINDING_CHIP, REASON_WRONG_CHIP, text);
	return false;
}

static bool worker_check_address(struct worker *w)
{
	const struct options *o = w->options;
	char text[320];
	const enum reason reason = check_address(
		&w->file, o->has_address, o->address, o->certain, &w->address, text, sizeof(text));
	enum finding_result result;

	if (reason != REASON_NONE) {
		worker_refuse_check(w, FINDING_ADDRESS, reason, text);
		return false;
	}
	result = check_address_finding(&w->file, o->has_address, w->address, text, sizeof(text));
	worker_say(w, FINDING_ADDRESS, result, "%s", text);
	return true;
}

/* A backup is for a board like the one it was saved from; what the bytes are does not matter. */
static void worker_say_origin(struct worker *w)
{
	if (w->options->layout != NULL) {
		worker_say(w, FINDING_CHIP, FINDING_GOOD,
			"the board has the same memory as the one that the backup is of");
	} else {
		worker_say(w, FINDING_CHIP, FINDING_UNKNOWN,
			"the backup does not say what board it is of");
	}
}

static bool worker_check_chip(struct worker *w)
{
	const struct dfu_function *f = &w->device.function;
	const struct chip *chip = NULL;
	char text[320];
	enum finding_result result;

	if (w->file.as_saved) {
		worker_say_origin(w);
		return true;
	}
	(void)chip_find(&chip, f->vendor, f->product, &w->device.layout, f->n_alternates);
	result = check_chip(&w->file, w->options->alternate == 0 ? chip : NULL, text, sizeof(text));
	if (result == FINDING_REFUSED) {
		worker_refuse_check(w, FINDING_CHIP, REASON_WRONG_CHIP, text);
		return false;
	}
	worker_say(w, FINDING_CHIP, result, "%s", text);
	return true;
}

static int worker_make_plan(struct worker *w, enum plan_fault *ret_fault, uint32_t *ret_at)
{
	const struct image_segment *s = &w->file.image.segments[0];
	const struct plan_segment segment = {s->address, s->size, s->data};
	const struct plan_request request = {
		.layout = &w->device.layout,
		.segments = &segment,
		.n_segments = 1,
		.protects = w->options->protects,
		.n_protects = w->options->n_protects,
		.transfer_size = w->device.transfer_size,
		.granule = WORKER_GRANULE,
		.can_read = w->device.function.can_upload,
		.look = w->device.layout.groups[0].start,
		.look_size = w->options->alternate == 0
				     ? base_look_size(&w->device.layout, w->address)
				     : 0,
	};

	return plan_make(&w->plan, &request, ret_fault, ret_at);
}

static void worker_say_memory(struct worker *w)
{
	char text[320];

	outline_memory(&w->plan, &w->device.layout, text, sizeof(text));
	worker_say(w, FINDING_MEMORY, FINDING_GOOD, "%s", text);
	if (w->options->n_protects > 0) {
		worker_say(w, FINDING_PROTECT, FINDING_GOOD,
			"no sector concerned holds a byte of the %zu protected range%s",
			w->options->n_protects, w->options->n_protects == 1 ? "" : "s");
	}
}

static bool worker_check_plan(struct worker *w)
{
	enum plan_fault fault;
	uint32_t at;
	char text[320];
	const int r = worker_make_plan(w, &fault, &at);

	if (r < 0) {
		worker_refuse(w, REASON_NO_SPACE, strerror(-r));
		return false;
	}
	if (fault != PLAN_GOOD) {
		explain_plan(fault, at, w->name, w->size, &w->device.layout, text, sizeof(text));
		worker_refuse_check(w, fault == PLAN_PROTECTED ? FINDING_PROTECT : FINDING_MEMORY,
			reason_from_string(plan_fault_to_string(fault)), text);
		return false;
	}
	worker_say_memory(w);
	return true;
}

static bool worker_must_save(const struct worker *w)
{
	return w->options->backup == BACKUP_REQUIRED || w->options->backup == BACKUP_WHOLE;
}

static bool worker_check_readable(struct worker *w)
{
	if (w->plan.can_read || (!worker_must_save(w) && !w->options->certain)) {
		return true;
	}
	worker_refuse_check(w, FINDING_SAVE, REASON_NO_BACKUP,
		"this board cannot be read, so nothing could be saved or verified; a profile of "
		"your own in /etc/dfud/boards.d with Backup=yes flashes it all the same");
	return false;
}

static void worker_say_start(struct worker *w)
{
	const struct base *base = &w->base;

	switch (base->after) {
	case BASE_IMAGE:
		worker_say(w, FINDING_START, FINDING_GOOD,
			"the file lies where the board starts after a power cycle");
		return;
	case BASE_LOADER:
		worker_say(w, FINDING_START,
			base->resident.kind == RESIDENT_LOADER ? FINDING_GOOD : FINDING_UNKNOWN,
			"after a power cycle the board starts at 0x%08" PRIx32 ", which holds %s",
			base->address, base->about);
		return;
	case BASE_OTHER:
		worker_say(w, FINDING_START, FINDING_WARNING,
			"0x%08" PRIx32
			" holds %s, which is no boot loader: this board will run the "
			"file now, but that program after a power cycle",
			base->address, base->about);
		return;
	case BASE_NO_TABLE:
		worker_say(w, FINDING_START, FINDING_WARNING,
			"the file does not begin with a vector table: the board will not start "
			"after a power cycle");
		return;
	case BASE_NOTHING:
		worker_say(w, FINDING_START, FINDING_WARNING,
			"nothing at 0x%08" PRIx32
			" starts (%s): this board will run the file now, but "
			"not after a power cycle; it needs a boot loader there",
			base->address, base->about);
		return;
	case BASE_NOT_KNOWN:
		break;
	}
	worker_say(w, FINDING_START, FINDING_UNKNOWN,
		"what starts after a power cycle cannot be told");
}

/* Where nobody can tell whether a boot loader lies there, it cannot be kept. */
static bool worker_check_unread_loader(struct worker *w)
{
	char text[320];

	if (!w->options->keep_bootloader) {
		worker_say(w, FINDING_BOOTLOADER, FINDING_UNKNOWN,
			"what lies at 0x%08" PRIx32 " cannot be read", w->base.address);
		return true;
	}
	snprintf(text, sizeof(text),
		"what lies at 0x%08" PRIx32
		" cannot be read, so KeepBootloader=yes cannot be held; "
		"keep it with Protect= instead",
		w->base.address);
	worker_refuse_check(w, FINDING_BOOTLOADER, REASON_WOULD_OVERWRITE_BOOTLOADER, text);
	return false;
}

/* "holds Katapult", "is blank" */
static const char *worker_holds(const struct base *base)
{
	return base->resident.blank ? "is" : "holds";
}

/* The boot loader and what becomes of it. */
static bool worker_check_loader(struct worker *w)
{
	const struct base *base = &w->base;
	char text[320];

	if (!base->is_read) {
		return worker_check_unread_loader(w);
	}
	if (!base_loses_loader(base)) {
		worker_say(w, FINDING_BOOTLOADER, FINDING_GOOD, "0x%08" PRIx32 " %s %s%s",
			base->address, worker_holds(base), base->about,
			base->is_loader ? ", which stays" : "");
		return true;
	}
	if (w->options->keep_bootloader) {
		snprintf(text, sizeof(text),
			"%s would erase %s at 0x%08" PRIx32
			", and KeepBootloader=yes keeps it; is Address= right?",
			w->name, base->about, base->address);
		worker_refuse_check(w, FINDING_BOOTLOADER, REASON_WOULD_OVERWRITE_BOOTLOADER, text);
		return false;
	}
	worker_say(w, FINDING_BOOTLOADER, FINDING_WARNING,
		"0x%08" PRIx32 " holds %s%s, and it will be erased: it is saved first",
		base->address, base->about,
		base->resident.kind == RESIDENT_FOREIGN ? ", perhaps a boot loader" : "");
	return true;
}

/* Lays out what is to be saved. A boot loader is saved even where nothing else would be. */
static bool worker_plan_save(struct worker *w)
{
	const bool loses = base_loses_loader(&w->base);
	int r = 0;

	if (w->options->backup != BACKUP_NO || loses) {
		r = plan_save(&w->plan, &w->device.layout, w->options->backup == BACKUP_WHOLE);
	}
	if ((r == -ENXIO || r == -EFBIG) && !worker_must_save(w) && !loses) {
		worker_say(w, FINDING_SAVE, FINDING_WARNING, "what will be erased is not saved: %s",
			r == -ENXIO ? "it cannot be read" : "it is too much for one backup");
		return true;
	}
	if (r == -ENXIO || r == -EFBIG) {
		worker_refuse_check(w, FINDING_SAVE, REASON_NO_BACKUP,
			r == -ENXIO
				? "some of what would be erased cannot be read, so it could not "
				  "be saved"
				: "there is more to save than 64 MiB, which no backup holds");
		return false;
	}
	if (r < 0) {
		worker_refuse(w, REASON_NO_SPACE, strerror(-r));
		return false;
	}
	return true;
}

/* A Cortex-M starts what begins with a vector table; of other chips nothing is known. */
static bool worker_file_starts(const struct worker *w)
{
	const struct dfu_function *f = &w->device.function;
	const struct chip *chip;

	return (w->size >= 8 && vector_bootable(w->bytes)) ||
	       !chip_find(&chip, f->vendor, f->product, &w->device.layout, f->n_alternates);
}

bool worker_look(struct worker *w)
{
	if (w->options->alternate == 0) {
		const int r = base_look(
			&w->base, &w->plan, &w->device.layout, w->address, worker_file_starts(w));

		if (r < 0) {
			worker_refuse(w, REASON_NO_SPACE, strerror(-r));
			return false;
		}
		if (!worker_check_loader(w)) {
			return false;
		}
		worker_say_start(w);
		session_leave_to(&w->session, base_leave(&w->base, w->options->leave, w->address),
			w->options->leave == LEAVE_NO);
	} else {
		session_leave_to(&w->session, w->address, w->options->leave == LEAVE_NO);
	}
	return worker_plan_save(w);
}

bool worker_check(struct worker *w)
{
	return worker_check_map(w) && worker_check_address(w) && worker_check_chip(w) &&
	       worker_check_plan(w) && worker_check_readable(w);
}
