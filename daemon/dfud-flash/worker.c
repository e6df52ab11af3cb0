/* SPDX-License-Identifier: MIT */
/*
 * The worker: opens what it needs, walls itself in, then reads file and device, checks, plans,
 * asks, and carries the session out.
 *
 * Order: node and files first, then the walls, then the first byte of anybody else's. After GO it
 * runs to the end of the attempt whether the daemon lives or not. Each mark is in the record and
 * synced before the action that it announces.
 */
#include "dfud-flash/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dfud-flash/usb.h"
#include "dfud-flash/walls.h"
#include "dfud-flash/worker-inner.h"
#include "record/fields.h"

#define WORKER_BROKEN 70 /* EX_SOFTWARE */

static int worker_read_file(struct worker *w)
{
	struct stat st;
	size_t done = 0;

	if (fstat(w->options->image_fd, &st) < 0) {
		return -errno;
	}
	w->size = (size_t)st.st_size;
	w->bytes = malloc(w->size > 0 ? w->size : 1);
	if (w->bytes == NULL) {
		return -ENOMEM;
	}
	while (done < w->size) {
		const ssize_t n =
			pread(w->options->image_fd, w->bytes + done, w->size - done, (off_t)done);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -EIO;
		}
		done += (size_t)n;
	}
	return check_read(&w->file, w->name, w->bytes, w->size, w->options->restore != NULL);
}

static void worker_serve(struct worker *w)
{
	char text[320];
	enum reason reason;
	const int r = worker_read_file(w);

	if (r < 0) {
		snprintf(text, sizeof(text), "%s cannot be read: %s", w->name, strerror(-r));
		worker_refuse(w, REASON_UNREADABLE, text);
		return;
	}
	reason = check_itself(&w->file, text, sizeof(text));
	if (reason != REASON_NONE) {
		worker_refuse_check(w, FINDING_FILE, reason, text);
		return;
	}
	worker_say_image(w);
	if (w->usb != NULL) {
		worker_serve_board(w);
	} else {
		worker_end_inspection(w);
	}
}

/* Always runs to the end of the attempt: neither a stop nor a watchdog of the unit ends it. */
static void worker_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGABRT);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int worker_open(struct worker *w)
{
	char node[64];
	int r;

	if (w->options->port == NULL) {
		return 0;
	}
	r = device_node(w->options->port, node, sizeof(node));
	return r < 0 ? r : usb_open(&w->usb, node);
}

int worker_run(const struct options *options)
{
	struct worker *w = calloc(1, sizeof(*w));
	bool landlocked;
	char text[128];
	int r;

	if (w == NULL) {
		return WORKER_BROKEN;
	}
	worker_block_signals();
	w->options = options;
	w->channel = (struct channel){.socket = options->channel_fd, .record = options->record_fd};
	w->file = (struct check_file)CHECK_FILE_INIT;
	fields_show(options->file, w->name, sizeof(w->name) - 4);
	r = worker_open(w);
	if (r < 0) {
		worker_refuse_usb(w, r, "the device cannot be opened");
	} else if ((r = walls_raise(&landlocked)) < 0) {
		snprintf(text, sizeof(text), "the worker cannot wall itself in: %s", strerror(-r));
		worker_refuse(w, REASON_NO_ACCESS, text);
	} else {
		worker_serve(w);
	}
	plan_done(&w->plan);
	check_done(&w->file);
	usb_free(w->usb);
	free(w->bytes);
	free(w);
	return 0;
}
