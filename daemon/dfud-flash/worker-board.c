/* SPDX-License-Identifier: MIT */
/*
 * The worker with its board, in the order of design 4: read the device, check, read what is there,
 * look, save, ask, flash. What returns false has ended the attempt.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dfud-flash/carry.h"
#include "dfud-flash/outline.h"
#include "dfud-flash/save.h"
#include "dfud-flash/usb.h"
#include "dfud-flash/worker-inner.h"

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
			"the backups",
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
	if (!worker_check(w)) {
		return;
	}
	r = usb_claim(w->usb, w->device.function.interface);
	if (r < 0) {
		worker_refuse_usb(w, r, "the DFU interface cannot be claimed");
		return;
	}
	worker_flash(w);
}
