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
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dfu/session.h"
#include "dfud-flash/carry.h"
#include "dfud-flash/channel.h"
#include "dfud-flash/check.h"
#include "dfud-flash/device.h"
#include "dfud-flash/explain.h"
#include "dfud-flash/usb.h"
#include "dfud-flash/walls.h"
#include "record/fields.h"
#include "record/verdict.h"

#define WORKER_BROKEN	   70 /* EX_SOFTWARE */
#define WORKER_GRANULE	   32 /* the largest write unit of any STM32: a tail is padded to it */
#define WORKER_PROGRESS_US 250000

struct worker {
	const struct options *options;
	struct channel channel;
	struct usb *usb;
	uint8_t *bytes; /* the file */
	size_t size;
	char name[68]; /* of the file, safe to print */
	struct check_file file;
	struct device device;
	struct plan plan;
	struct session session;
	uint64_t told_us; /* when progress was last sent */
};

/* The last message, and the same in the record. */
static int worker_end(struct worker *w, struct message *outcome)
{
	char line[256];

	outcome->kind = MESSAGE_OUTCOME;
	snprintf(line, sizeof(line),
		"Reason=%s\nFlash=%s\nCheckedBy=%s\nEraseMs=%" PRIu64 "\nWriteMs=%" PRIu64
		"\nVerifyMs=%" PRIu64 "\nEnd=%s\n",
		outcome->reason, outcome->flash, outcome->checked_by, outcome->erase_ms,
		outcome->write_ms, outcome->verify_ms, outcome->end);
	(void)channel_record(&w->channel, line);
	channel_send(&w->channel, outcome);
	return 0;
}

/* Nothing was erased, and the reason says why. */
static int worker_refuse(struct worker *w, enum reason reason, const char *text)
{
	struct message m = {0};

	strcpy(m.end, attempt_end_to_string(END_REFUSED));
	strcpy(m.reason, reason_to_string(reason));
	strcpy(m.flash, flash_state_to_string(FLASH_UNTOUCHED));
	strcpy(m.checked_by, verified_by_to_string(VERIFIED_NO));
	snprintf(m.text, sizeof(m.text), "%s", text);
	return worker_end(w, &m);
}

/* What an error of the USB seam means before anything was erased. */
static int worker_refuse_usb(struct worker *w, int error, const char *doing)
{
	struct message m = {0};
	const enum reason reason = explain_usb(error, doing, m.text, sizeof(m.text));

	if (reason_class(reason) == REASON_CLASS_HOST) {
		return worker_refuse(w, reason, m.text);
	}
	strcpy(m.end,
		attempt_end_to_string(reason == REASON_VANISHED ? END_INTERRUPTED : END_FAILED));
	strcpy(m.reason, reason_to_string(reason));
	strcpy(m.flash, flash_state_to_string(FLASH_UNTOUCHED));
	strcpy(m.checked_by, verified_by_to_string(VERIFIED_NO));
	return worker_end(w, &m);
}

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
	return check_read(&w->file, w->name, w->bytes, w->size);
}

static void worker_tell_image(struct worker *w)
{
	struct message m = {.kind = MESSAGE_IMAGE, .size = w->size};
	const struct vector_facts *v = &w->file.vector;

	snprintf(m.format, sizeof(m.format), "%s", w->file.image.kind);
	snprintf(m.certainty, sizeof(m.certainty), "%s", vector_certainty_to_string(v->certainty));
	if (v->certainty == VECTOR_CERTAIN || v->certainty == VECTOR_LIKELY) {
		m.link = v->base;
	}
	check_about(&w->file, m.about, sizeof(m.about));
	m.no_usb = !w->file.has_usb && w->file.dictionary.version[0] != '\0';
	if (w->file.has_usb) {
		snprintf(m.expects, sizeof(m.expects), "%04x:%04x", w->file.usb_vendor,
			w->file.usb_product);
	}
	channel_send(&w->channel, &m);
}

/* 0: go on; 1: refused, the outcome is sent; negative errno. */
static int worker_plan(struct worker *w, uint32_t *ret_address)
{
	const struct options *options = w->options;
	enum plan_fault fault;
	uint32_t at;
	char text[320];
	enum reason reason;
	struct plan_segment segment;
	struct plan_request request = {
		.layout = &w->device.layout,
		.segments = &segment,
		.n_segments = 1,
		.protects = options->protects,
		.n_protects = options->n_protects,
		.transfer_size = w->device.transfer_size,
		.granule = WORKER_GRANULE,
		.can_read = w->device.function.can_upload,
	};
	int r;

	reason = check_address(&w->file, options->has_address, options->address, options->certain,
		ret_address, text, sizeof(text));
	if (reason != REASON_NONE) {
		worker_refuse(w, reason, text);
		return 1;
	}
	segment = (struct plan_segment){w->file.image.segments[0].address,
		w->file.image.segments[0].size, w->file.image.segments[0].data};
	r = plan_make(&w->plan, &request, &fault, &at);
	if (r < 0) {
		return r;
	}
	if (fault == PLAN_GOOD && w->options->certain && !w->plan.can_read) {
		worker_refuse(w, REASON_NO_BACKUP,
			"this board cannot be read, so nothing could be saved or verified; a "
			"profile of your own in /etc/dfud/boards.d flashes it all the same");
		return 1;
	}
	if (fault != PLAN_GOOD) {
		explain_plan(fault, at, w->name, w->size, &w->device.layout, text, sizeof(text));
		worker_refuse(w, reason_from_string(plan_fault_to_string(fault)), text);
		return 1;
	}
	return 0;
}

static void worker_tell_plan(struct worker *w)
{
	const struct session *s = &w->session;
	struct message m = {
		.kind = MESSAGE_PLAN,
		.size = w->size,
		.address = s->options.leave_address,
		.sectors = layout_n_sectors(&w->device.layout),
		.sectors_erase = w->plan.n_erases,
		.bytes_erase = w->plan.bytes_erased,
		.bytes_write = w->plan.bytes_written,
		.unchanged = w->plan.unchanged,
		.cold_start = s->first.state == DFU_ERROR && s->first.status == DFU_STATUS_FIRMWARE,
		.first_state = s->first.state,
		.first_status = s->first.status,
		.worst_ms = plan_worst_ms(&w->plan),
		.unverifiable = !w->plan.can_read,
		.at_base = w->options->alternate == 0 &&
			   s->options.leave_address == w->device.layout.groups[0].start,
	};

	snprintf(m.layout, sizeof(m.layout), "%s", w->device.layout.name);
	channel_send(&w->channel, &m);
}

static void worker_on_progress(void *user, const struct session *session)
{
	struct worker *w = user;
	struct message m = {.kind = MESSAGE_PHASE};
	struct timespec now;
	uint64_t us;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	if (us - w->told_us < WORKER_PROGRESS_US) {
		return;
	}
	w->told_us = us;
	strcpy(m.phase, explain_phase(session->state));
	m.done = session->bytes_done;
	m.total = session->bytes_total;
	channel_send(&w->channel, &m);
}

/* A mark: durable first, told second. False where it could not be kept and nothing is erased yet.
 */
static bool worker_mark(struct worker *w, enum session_mark mark)
{
	static const char *const keys[_SESSION_MARK_MAX] = {
		[SESSION_MARK_ERASING] = "Erasing=yes\n",
		[SESSION_MARK_WRITTEN] = "Written=yes\n",
		[SESSION_MARK_VERIFIED] = "Verified=yes\n",
		[SESSION_MARK_LEFT] = "Left=yes\n",
	};
	struct message m = {.kind = MESSAGE_MARK};
	const int r = channel_record(&w->channel, keys[mark]);

	if (r < 0 && mark == SESSION_MARK_ERASING) {
		return false;
	}
	strcpy(m.mark, session_mark_to_string(mark));
	m.sectors_erased = w->session.sectors_erased;
	m.erase_ms = w->session.erase_us / 1000;
	m.write_ms = w->session.write_us / 1000;
	m.verify_ms = w->session.verify_us / 1000;
	m.bytes_erased = w->plan.bytes_erased;
	m.bytes_written = w->plan.bytes_written;
	m.leave_answered = w->session.leave_answered;
	channel_send(&w->channel, &m);
	return true;
}

static int worker_outcome(struct worker *w)
{
	const struct session *s = &w->session;
	struct message m = {
		.left = s->left,
		.leave_answered = s->leave_answered,
		.at = s->failed_at,
		.sectors_erased = s->sectors_erased,
		.bytes_erased = s->flash == SESSION_WRITTEN ? w->plan.bytes_erased : 0,
		.bytes_written = s->flash == SESSION_WRITTEN ? w->plan.bytes_written : 0,
		.erase_ms = s->erase_us / 1000,
		.write_ms = s->write_us / 1000,
		.verify_ms = s->verify_us / 1000,
	};
	enum attempt_end end = END_COMPLETED;
	bool refused;

	if (s->end == SESSION_STOPPED) {
		end = END_CANCELLED;
	} else if (s->end != SESSION_COMPLETED) {
		strcpy(m.reason, session_reason(s, &refused));
		end = refused				   ? END_REFUSED
		      : s->failure == DFU_FAILURE_VANISHED ? END_INTERRUPTED
							   : END_FAILED;
		explain_failure(s, m.text, sizeof(m.text));
		strcpy(m.phase, explain_phase(s->failed_in));
	}
	strcpy(m.end, attempt_end_to_string(end));
	strcpy(m.flash, session_flash_to_string(s->flash));
	strcpy(m.checked_by, verified_by_to_string(s->verified ? VERIFIED_READ_BACK : VERIFIED_NO));
	return worker_end(w, &m);
}

/* The conversation, from the first status to the leave. */
static int worker_flash(struct worker *w, uint32_t address)
{
	const struct session_options options = {
		.plan = &w->plan,
		.alternate = w->options->alternate,
		.transfer_size = w->device.transfer_size,
		.leave_address = address,
	};
	const uint8_t interface = w->device.function.interface;
	enum session_turn turn;

	session_init(&w->session, &options);
	while ((turn = carry(&w->session, w->usb, interface, worker_on_progress, w)) !=
		SESSION_END) {
		bool kept;

		if (turn == SESSION_ASK) {
			kept = channel_record(&w->channel, "") == 0; /* the daemon's part, synced */
			if (kept) {
				worker_tell_plan(w);
				session_answer(&w->session, channel_wait(&w->channel));
			}
		} else {
			kept = worker_mark(w, w->session.mark);
		}
		if (!kept) {
			return worker_refuse(w, REASON_NO_SPACE,
				"the attempt's record cannot be written: make room in "
				"/var/lib/dfud");
		}
	}
	return worker_outcome(w);
}

static int worker_with_device(struct worker *w)
{
	enum reason reason = REASON_NONE;
	uint32_t address = 0;
	char text[320];
	int r = usb_begin(w->usb);

	if (r < 0) {
		return worker_refuse_usb(w, r, "the device cannot be opened");
	}
	r = device_read(&w->device, w->usb, w->options->alternate, &reason, text, sizeof(text));
	if (r < 0) {
		return worker_refuse_usb(w, r, "the device's descriptors cannot be read");
	}
	if (reason != REASON_NONE) {
		return worker_refuse(w, reason, text);
	}
	r = worker_plan(w, &address);
	if (r != 0) {
		return r < 0 ? worker_refuse(w, REASON_NO_SPACE, strerror(-r)) : 0;
	}
	r = usb_claim(w->usb, w->device.function.interface);
	if (r < 0) {
		return worker_refuse_usb(w, r, "the DFU interface cannot be claimed");
	}
	return worker_flash(w, address);
}

static int worker_with_file(struct worker *w)
{
	struct message m = {0};
	char text[320];
	enum reason reason;
	int r = worker_read_file(w);

	if (r < 0) {
		snprintf(text, sizeof(text), "%s cannot be read: %s", w->name, strerror(-r));
		return worker_refuse(w, REASON_UNREADABLE, text);
	}
	reason = check_itself(&w->file, text, sizeof(text));
	if (reason != REASON_NONE) {
		return worker_refuse(w, reason, text);
	}
	worker_tell_image(w);
	if (w->usb != NULL) {
		return worker_with_device(w);
	}
	strcpy(m.end, attempt_end_to_string(END_COMPLETED));
	strcpy(m.flash, flash_state_to_string(FLASH_UNTOUCHED));
	strcpy(m.checked_by, verified_by_to_string(VERIFIED_NO));
	return worker_end(w, &m);
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
		r = worker_refuse_usb(w, r, "the device cannot be opened");
	} else if ((r = walls_raise(&landlocked)) < 0) {
		snprintf(text, sizeof(text), "the worker cannot wall itself in: %s", strerror(-r));
		r = worker_refuse(w, REASON_NO_ACCESS, text);
	} else {
		r = worker_with_file(w);
	}
	plan_done(&w->plan);
	check_done(&w->file);
	usb_free(w->usb);
	free(w->bytes);
	free(w);
	return r;
}
