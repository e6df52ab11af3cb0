/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfu/session.h"
#include "dfud-flash/base.h"
#include "dfud-flash/channel.h"
#include "dfud-flash/check.h"
#include "dfud-flash/device.h"
#include "dfud-flash/options.h"
#include "record/finding.h"
#include "record/reason.h"

/*
 * The worker's parts among themselves: worker.c (the process and the file), worker-board.c (the
 * board and the conversation), worker-check.c (what speaks against it) and worker-say.c (what is
 * told, and the last word). Functions that end the attempt send its OUTCOME.
 */

struct usb;

struct worker {
	const struct options *options;
	struct channel channel;
	struct usb *usb;
	uint8_t *bytes; /* the file */
	size_t size;
	char name[68]; /* of the file, safe to print */
	struct check_file file;
	struct device device;
	uint32_t address; /* where the file goes */
	struct plan plan;
	struct base base; /* from the look on */
	struct session session;
	uint64_t told_us; /* when progress was last sent */
};

/* With a board: from its descriptors to the end of the attempt. */
void worker_serve_board(struct worker *w);

/* The file against the device's own words; makes the plan. False where the attempt has ended. */
bool worker_check(struct worker *w);
/* What was read decides what is saved and where the board starts. False as above. */
bool worker_look(struct worker *w);

void worker_say_image(struct worker *w);
void worker_say(struct worker *w, enum finding_topic topic, enum finding_result result,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The lines of what will be done, then PLAN itself. */
void worker_say_plan(struct worker *w);
void worker_say_progress(void *user, const struct session *session);
/* A mark: durable first, told second. False where it could not be kept and nothing is erased yet.
 */
bool worker_say_mark(struct worker *w, enum session_mark mark);

/* Nothing was erased, and the reason says why. */
void worker_refuse(struct worker *w, enum reason reason, const char *text);
/* The same for a check that failed: it is a line of the plan, too. */
void worker_refuse_check(
	struct worker *w, enum finding_topic topic, enum reason reason, const char *text);
/* What an error of the USB seam means before anything was erased. */
void worker_refuse_usb(struct worker *w, int error, const char *doing);
/* The file was looked at, and no board was asked for. */
void worker_end_inspection(struct worker *w);
/* How the session ended. */
void worker_end_session(struct worker *w);
