/* SPDX-License-Identifier: MIT */
/*
 * The worker with its board, in the order of design 4: read the device, check, read what is there,
 * look, save, ask, flash. Each check is told as a line of the plan; the first that fails ends the
 * attempt, and nothing was erased then.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dfu/chip.h"
#include "dfud-flash/carry.h"
#include "dfud-flash/explain.h"
#include "dfud-flash/outline.h"
#include "dfud-flash/save.h"
#include "dfud-flash/usb.h"
#include "dfud-flash/worker-inner.h"

#define WORKER_GRANULE 32 /* the largest write unit of any STM32: a tail is padded to it */

/* Every step of the checks: false where the attempt has ended. */

/* Sector for sector; how the text is padded and what the memory is called does not matter. */
static bool worker_is_same_map(const char *text, const struct layout *layout)
{
	struct layout other;

	if (layout_parse(&other, text) < 0 || other.n_groups != layout->n_groups) {
		return false;
	}
	for (size_t i = 0; i < other.n_groups; i++) {
		const struct layout_group *a = &other.groups[i], *b = &layout->groups[i];

		if (a->start != b->start || a->size != b->size || a->count != b->count) {
			return false;
		}
	}
	return true;
}

static bool worker_check_map(struct worker *w)
{
	char text[320];

	if (w->options->layout == NULL ||
		worker_is_same_map(w->options->layout, &w->device.layout)) {
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
	if (w->plan.can_read || !worker_must_save(w)) {
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
		worker_say(w, FINDING_START, FINDING_GOOD,
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

/* The boot loader and what becomes of it. */
static bool worker_check_loader(struct worker *w)
{
	const struct base *base = &w->base;
	char text[320];

	if (!base->is_read) {
		return true;
	}
	if (!base_loses_loader(base)) {
		worker_say(w, FINDING_BOOTLOADER, FINDING_GOOD, "0x%08" PRIx32 " holds %s%s",
			base->address, base->about, base->is_loader ? ", which stays" : "");
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
	if (r == -ENXIO && !worker_must_save(w) && !loses) {
		return true;
	}
	if (r == -ENXIO) {
		worker_refuse_check(w, FINDING_SAVE, REASON_NO_BACKUP,
			"some of what would be erased cannot be read, so it could not be saved");
		return false;
	}
	if (r < 0) {
		worker_refuse(w, REASON_NO_SPACE, strerror(-r));
		return false;
	}
	return true;
}

/* What was found decides what is saved and where the board starts. */
static bool worker_look(struct worker *w)
{
	if (w->options->alternate == 0) {
		base_look(&w->base, &w->plan, &w->device.layout, &w->file);
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

/* Puts what will be erased into the backup's file. Blank flash is no loss. */
static bool worker_save(struct worker *w)
{
	struct plan_run *saved = &w->plan.saved;
	char text[320];
	int r;

	if (saved->size > 0 && save_is_blank(saved->data, saved->size)) {
		saved->size = 0;
	}
	if (saved->size == 0) {
		return true;
	}
	r = save_write(w->options->backup_fd, saved->data, saved->size);
	if (r == -EBADF) {
		worker_refuse_check(w, FINDING_SAVE, REASON_NO_BACKUP,
			"what would be erased could not be saved: there is no folder for backups");
		return false;
	}
	if (r < 0) {
		snprintf(text, sizeof(text),
			"what would be erased could not be saved: %s; make room in the folder of "
			"the "
			"backups",
			strerror(-r));
		worker_refuse_check(w, FINDING_SAVE, REASON_NO_SPACE, text);
		return false;
	}
	return true;
}

/* All is known and saved: the record's first part is made durable, and the daemon is asked. */
static bool worker_ask(struct worker *w)
{
	if (!worker_save(w)) {
		return false;
	}
	if (channel_record(&w->channel, "") < 0) {
		worker_refuse(w, REASON_NO_SPACE,
			"the attempt's record cannot be written: make room in /var/lib/dfud");
		return false;
	}
	worker_say_plan(w);
	session_answer(&w->session, channel_wait(&w->channel));
	return true;
}

static bool worker_mark(struct worker *w)
{
	if (worker_say_mark(w, w->session.mark)) {
		return true;
	}
	worker_refuse(w, REASON_NO_SPACE,
		"the attempt's record cannot be written: make room in /var/lib/dfud");
	return false;
}

/* False where the attempt has ended. */
static bool worker_turn(struct worker *w, enum session_turn turn)
{
	switch (turn) {
	case SESSION_LOOK:
		return worker_look(w);
	case SESSION_ASK:
		return worker_ask(w);
	case SESSION_MARK:
		return worker_mark(w);
	case SESSION_DO:
	case SESSION_END:
		break;
	}
	worker_end_session(w);
	return false;
}

/* The conversation, from the first status to the leave. */
static void worker_flash(struct worker *w)
{
	const struct session_options options = {
		.plan = &w->plan,
		.alternate = w->options->alternate,
		.transfer_size = w->device.transfer_size,
		.leave_address = w->address,
	};
	const uint8_t interface = w->device.function.interface;

	session_init(&w->session, &options);
	while (worker_turn(w, carry(&w->session, w->usb, interface, worker_say_progress, w))) {
	}
}

static bool worker_read_device(struct worker *w)
{
	enum reason reason = REASON_NONE;
	char text[320];
	int r = usb_begin(w->usb);

	if (r < 0) {
		worker_refuse_usb(w, r, "the device cannot be opened");
		return false;
	}
	r = device_read(&w->device, w->usb, w->options->alternate, &reason, text, sizeof(text));
	if (r < 0) {
		worker_refuse_usb(w, r, "the device's descriptors cannot be read");
		return false;
	}
	if (reason != REASON_NONE) {
		worker_refuse_check(w, FINDING_BOARD, reason, text);
		return false;
	}
	outline_board(&w->device, text, sizeof(text));
	worker_say(w, FINDING_BOARD, FINDING_GOOD, "%s", text);
	return true;
}

static void worker_say_file(struct worker *w)
{
	char about[160];

	check_about(&w->file, about, sizeof(about));
	worker_say(w, FINDING_FILE, FINDING_GOOD, "%s: %s, %zu bytes%s%s", w->name,
		w->file.as_saved ? "a backup" : w->file.image.kind, w->size, about[0] ? ", " : "",
		about);
}

void worker_serve_board(struct worker *w)
{
	int r;

	if (!worker_read_device(w)) {
		return;
	}
	worker_say_file(w);
	if (!worker_check_map(w) || !worker_check_address(w) || !worker_check_chip(w) ||
		!worker_check_plan(w) || !worker_check_readable(w)) {
		return;
	}
	r = usb_claim(w->usb, w->device.function.interface);
	if (r < 0) {
		worker_refuse_usb(w, r, "the DFU interface cannot be claimed");
		return;
	}
	worker_flash(w);
}
