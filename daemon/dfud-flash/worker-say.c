/* SPDX-License-Identifier: MIT */
/*
 * What the worker tells: messages to the daemon, the lines of its record, and the one OUTCOME that
 * ends every attempt. The record comes first: it outlives both.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dfud-flash/explain.h"
#include "dfud-flash/outline.h"
#include "dfud-flash/worker-inner.h"
#include "firmware/program.h"
#include "record/verdict.h"

#define WORKER_PROGRESS_US 250000

/* The last message, and the same in the record. */
static void worker_end(struct worker *w, struct message *outcome)
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
}

/* An end before anything was erased. */
static void worker_end_untouched(
	struct worker *w, enum attempt_end end, enum reason reason, const char *text)
{
	struct message m = {0};

	strcpy(m.end, attempt_end_to_string(end));
	strcpy(m.reason, reason_to_string(reason));
	strcpy(m.flash, flash_state_to_string(FLASH_UNTOUCHED));
	strcpy(m.checked_by, verified_by_to_string(VERIFIED_NO));
	snprintf(m.text, sizeof(m.text), "%s", text);
	worker_end(w, &m);
}

void worker_refuse(struct worker *w, enum reason reason, const char *text)
{
	worker_end_untouched(w, END_REFUSED, reason, text);
}

void worker_refuse_check(
	struct worker *w, enum finding_topic topic, enum reason reason, const char *text)
{
	worker_say(w, topic, FINDING_REFUSED, "%s", text);
	worker_refuse(w, reason, text);
}

void worker_refuse_usb(struct worker *w, int error, const char *doing)
{
	char text[320];
	const enum reason reason = explain_usb(error, doing, text, sizeof(text));

	if (reason_class(reason) == REASON_CLASS_HOST) {
		worker_refuse(w, reason, text);
		return;
	}
	worker_end_untouched(
		w, reason == REASON_VANISHED ? END_INTERRUPTED : END_FAILED, reason, text);
}

void worker_end_inspection(struct worker *w)
{
	worker_end_untouched(w, END_COMPLETED, REASON_NONE, "");
}

void worker_say_image(struct worker *w)
{
	struct message m = {
		.kind = MESSAGE_IMAGE,
		.size = w->size,
		.segments = w->file.image.n_segments,
		.stack = w->file.vector.stack,
	};
	const struct vector_facts *v = &w->file.vector;
	const struct program *program = &w->file.program;

	snprintf(m.format, sizeof(m.format), "%s", w->file.image.kind);
	snprintf(m.certainty, sizeof(m.certainty), "%s", vector_certainty_to_string(v->certainty));
	if (v->certainty == VECTOR_CERTAIN || v->certainty == VECTOR_LIKELY) {
		m.link = v->base;
	}
	check_about(&w->file, m.about, sizeof(m.about));
	snprintf(m.program, sizeof(m.program), "%s", program->name);
	snprintf(m.version, sizeof(m.version), "%s", program->version);
	snprintf(m.mcu, sizeof(m.mcu), "%s", program->mcu);
	/* what a backup shows is what the board showed then, whichever of its programs it was */
	m.no_usb = w->file.usb == DICTIONARY_USB_NONE && !w->file.as_saved &&
		   w->file.dictionary.version[0] != '\0';
	if (w->file.usb == DICTIONARY_USB_ONE && !w->file.as_saved) {
		snprintf(m.expects, sizeof(m.expects), "%04x:%04x", w->file.usb_vendor,
			w->file.usb_product);
	}
	channel_send(&w->channel, &m);
}

void worker_say(struct worker *w, enum finding_topic topic, enum finding_result result,
	const char *format, ...)
{
	struct message m = {.kind = MESSAGE_FINDING};
	va_list list;

	strcpy(m.topic, finding_topic_to_string(topic));
	strcpy(m.result, finding_result_to_string(result));
	va_start(list, format);
	vsnprintf(m.text, sizeof(m.text), format, list);
	va_end(list);
	channel_send(&w->channel, &m);
}

static void worker_say_work(struct worker *w)
{
	const struct outline_work work = {
		.plan = &w->plan,
		.layout = &w->device.layout,
		.base = &w->base,
		.image = w->address,
		.leave = w->session.options.leave_address,
		.stay = w->session.options.stay,
	};
	char text[320];

	outline_save(&work, text, sizeof(text));
	worker_say(w, FINDING_SAVE, FINDING_PLAN, "%s", text);
	outline_erase(&work, text, sizeof(text));
	worker_say(w, FINDING_ERASE, FINDING_PLAN, "%s", text);
	outline_write(&work, text, sizeof(text));
	worker_say(w, FINDING_WRITE, FINDING_PLAN, "%s", text);
	outline_keep(&work, text, sizeof(text));
	worker_say(w, FINDING_KEEP, FINDING_PLAN, "%s", text);
	outline_leave(&work, text, sizeof(text));
	worker_say(w, FINDING_LEAVE, FINDING_PLAN, "%s", text);
}

/* What was saved, and as what it was recognised. */
static void worker_add_saved(const struct worker *w, struct message *m)
{
	const struct plan_run *saved = &w->plan.saved;
	struct resident resident;

	if (saved->size == 0) {
		return;
	}
	m->saved_address = saved->address;
	m->saved_size = saved->size;
	resident_judge(&resident, saved->data, saved->size, saved->address);
	resident_describe(&resident, m->saved, sizeof(m->saved));
}

void worker_say_plan(struct worker *w)
{
	const struct session *s = &w->session;
	struct message m = {
		.kind = MESSAGE_PLAN,
		.size = w->size,
		.address = w->address,
		.alternate = w->options->alternate,
		.from_image = !w->options->has_address,
		.leave = s->options.leave_address,
		.stay = s->options.stay,
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
	};

	worker_say_work(w);
	strcpy(m.base, base_after_to_string(w->base.after));
	snprintf(m.layout, sizeof(m.layout), "%s", w->device.layout.name);
	snprintf(m.map, sizeof(m.map), "%s", w->device.map);
	worker_add_saved(w, &m);
	channel_send(&w->channel, &m);
}

void worker_say_progress(void *user, const struct session *session)
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

bool worker_say_mark(struct worker *w, enum session_mark mark)
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

void worker_end_session(struct worker *w)
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
	worker_end(w, &m);
}
