/* SPDX-License-Identifier: MIT */
/*
 * A journey: events of the worker, the port and the timer go into the attempt's machine, its
 * effects are carried out here, in the order of their bits.
 *
 * The end is told from a deferred source, not from within the event that caused it, so that the
 * owner may free the journey while its worker still closes. A worker that sent its outcome and does
 * not end is no reason to wait.
 */
#include "dfud/journey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dfud/process.h"
#include "record/record.h"

/* A worker is given twice the time that the slowest known flash needs, and a minute. */
#define JOURNEY_GRACE_MS 60000
/* A worker closes the board before its attempt is told, so that the next one finds it free. */
#define JOURNEY_CLOSE_US 2000000

struct journey {
	sd_event *event;
	sd_event_source *timer, *end;
	struct process *process;
	struct attempt attempt;
	struct tell tell;
	char command[1024];
	uint64_t begun_us;
	char phase[16];
	uint64_t done, total;
	bool silent;
	bool ending; /* the verdict is certain and will be told */
	struct journey_events events;
	void *user;
};

static uint64_t journey_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void journey_step(struct journey *j, struct attempt_event *event);

static int journey_on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct journey *j = user;
	struct attempt_event event = {.kind = ATTEMPT_EVENT_TIMER};

	(void)source;
	(void)usec;
	if (j->ending) {
		(void)sd_event_source_set_enabled(j->end, SD_EVENT_ONESHOT);
		return 0;
	}
	journey_step(j, &event);
	return 0;
}

static void journey_arm(struct journey *j, uint64_t at_us)
{
	(void)sd_event_source_set_time(j->timer, at_us);
	(void)sd_event_source_set_enabled(j->timer, SD_EVENT_ONESHOT);
}

static int journey_on_end(sd_event_source *source, void *user)
{
	struct journey *j = user;

	(void)source;
	if (!j->silent || j->attempt.verdict != VERDICT_CANCELLED) {
		tell_verdict(&j->tell, &j->attempt, journey_now_us() - j->begun_us);
	}
	j->events.ended(j->user, j);
	return 0;
}

static void journey_defer_end(struct journey *j)
{
	j->ending = true;
	if (j->process != NULL) { /* it still closes the board; but nobody waits long for it */
		journey_arm(j, journey_now_us() + JOURNEY_CLOSE_US);
		return;
	}
	(void)sd_event_source_set_enabled(j->timer, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(j->end, SD_EVENT_ONESHOT);
}

static void journey_apply(struct journey *j, unsigned effects)
{
	const struct attempt *a = &j->attempt;

	if (effects & ATTEMPT_TELL_CHECKED) {
		tell_checked(&j->tell, a);
	}
	if (effects & ATTEMPT_SEND_STOP) {
		process_answer(j->process, false);
	}
	if (effects & ATTEMPT_TELL_FLASHING) {
		tell_flashing(&j->tell, a, j->command);
	}
	if (effects & ATTEMPT_SEND_GO) {
		process_extend(j->process, 2 * a->plan.worst_ms + JOURNEY_GRACE_MS);
		process_answer(j->process, true);
		j->events.moved(j->user, j);
	}
	if (effects & ATTEMPT_TELL_ERASED) {
		tell_erased(&j->tell, a);
	}
	if (effects & ATTEMPT_TELL_FLASHED) {
		tell_flashed(&j->tell, a);
	}
	if (effects & ATTEMPT_TELL_LEAVING) {
		tell_leaving(&j->tell, a);
		j->events.moved(j->user, j);
	}
	if (effects & ATTEMPT_ARM) {
		journey_arm(j, a->timer_us);
	}
	if (effects & ATTEMPT_END) {
		journey_defer_end(j);
	} else if (effects & ATTEMPT_JUDGE) {
		j->events.judge(j->user, j);
	}
}

static void journey_step(struct journey *j, struct attempt_event *event)
{
	event->now_us = journey_now_us();
	journey_apply(j, attempt_step(&j->attempt, event));
}

static void journey_on_message(void *user, const struct message *message)
{
	struct journey *j = user;
	struct attempt_event event = {.message = message};

	switch (message->kind) {
	case MESSAGE_IMAGE:
		event.kind = ATTEMPT_EVENT_IMAGE;
		break;
	case MESSAGE_FINDING:
		event.kind = ATTEMPT_EVENT_FINDING;
		break;
	case MESSAGE_PLAN:
		event.kind = ATTEMPT_EVENT_PLAN;
		break;
	case MESSAGE_MARK:
		event.kind = ATTEMPT_EVENT_MARK;
		break;
	case MESSAGE_OUTCOME:
		event.kind = ATTEMPT_EVENT_OUTCOME;
		break;
	case MESSAGE_PHASE:
		snprintf(j->phase, sizeof(j->phase), "%s", message->phase);
		j->done = message->done;
		j->total = message->total;
		j->events.moved(j->user, j);
		return;
	case MESSAGE_GO:
	case MESSAGE_STOP:
	case _MESSAGE_KIND_MAX:
	case _MESSAGE_KIND_INVALID:
		return;
	}
	journey_step(j, &event);
}

static void journey_on_ended(void *user, enum process_end end)
{
	struct journey *j = user;
	struct attempt_event event = {
		.kind = ATTEMPT_EVENT_DIED,
		.reason = end == PROCESS_DEADLINE ? REASON_WORKER_DEADLINE : REASON_WORKER_CRASHED,
		.end = end == PROCESS_UNABLE ? END_REFUSED : END_INTERRUPTED,
	};

	j->process = process_free(j->process);
	if (j->ending) {
		journey_defer_end(j);
	} else if (!j->attempt.has_outcome) {
		journey_step(j, &event);
	}
}

/* Made before they are needed, so that nothing can fail in the middle of a flash. */
static int journey_add_sources(struct journey *j)
{
	int r = sd_event_add_time(
		j->event, &j->timer, CLOCK_MONOTONIC, UINT64_MAX, 1, journey_on_timer, j);

	if (r >= 0) {
		r = sd_event_source_set_enabled(j->timer, SD_EVENT_OFF);
	}
	if (r >= 0) {
		r = sd_event_add_defer(j->event, &j->end, journey_on_end, j);
	}
	return r < 0 ? r : sd_event_source_set_enabled(j->end, SD_EVENT_OFF);
}

static struct journey *journey_make(sd_event *event, const struct journey_options *options,
	const struct journey_events *events, void *user)
{
	struct journey *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		return NULL;
	}
	j->event = sd_event_ref(event);
	j->tell = *options->tell;
	snprintf(j->command, sizeof(j->command), "%s", options->command ? options->command : "");
	j->begun_us = journey_now_us();
	j->silent = options->silent;
	j->events = *events;
	j->user = user;
	attempt_init(&j->attempt, &options->attempt);
	return journey_add_sources(j) < 0 ? journey_free(j) : j;
}

int journey_new(struct journey **ret, sd_event *event, const struct journey_options *options,
	const struct journey_events *events, void *user)
{
	static const struct process_events process_events = {
		.message = journey_on_message,
		.ended = journey_on_ended,
	};
	struct journey *j = journey_make(event, options, events, user);
	const struct process_start start = {
		.program = options->worker,
		.args = options->args,
		.image_fd = options->image_fd,
		.record_fd = options->record_fd,
		.backup_fd = options->backup_fd,
		.deadline_ms = options->check_deadline_ms,
	};
	int r;

	if (j == NULL) {
		return -ENOMEM;
	}
	r = process_start(&j->process, event, &start, &process_events, j);
	if (r < 0) {
		journey_free(j);
		return r;
	}
	*ret = j;
	return 0;
}

int journey_resume(struct journey **ret, sd_event *event, const struct journey_options *options,
	const struct record *record, const struct journey_events *events, void *user)
{
	struct journey *j = journey_make(event, options, events, user);

	if (j == NULL) {
		return -ENOMEM;
	}
	j->attempt.plan.address = record->address;
	j->attempt.plan.leave = record->leave_address;
	snprintf(j->attempt.plan.base, sizeof(j->attempt.plan.base), "%s", record->base);
	snprintf(j->attempt.unseen, sizeof(j->attempt.unseen), "%s",
		options->resume_text != NULL ? options->resume_text : "");
	*ret = j;
	journey_apply(j, attempt_resume(&j->attempt, record, journey_now_us()));
	return 0;
}

struct journey *journey_free(struct journey *j)
{
	if (j == NULL) {
		return NULL;
	}
	process_free(j->process);
	sd_event_source_disable_unref(j->timer);
	sd_event_source_disable_unref(j->end);
	sd_event_unref(j->event);
	free(j);
	return NULL;
}

void journey_saved(struct journey *j, const char *sha256)
{
	snprintf(j->tell.backup, sizeof(j->tell.backup), "%s", sha256);
	if (!j->silent) {
		tell_saved(&j->tell, &j->attempt);
	}
}

void journey_go(struct journey *j)
{
	struct attempt_event event = {.kind = ATTEMPT_EVENT_GO};

	journey_step(j, &event);
}

void journey_stop(struct journey *j, enum attempt_end end, enum reason reason, const char *text)
{
	struct attempt_event event = {
		.kind = ATTEMPT_EVENT_STOP, .end = end, .reason = reason, .text = text};

	journey_step(j, &event);
}

void journey_pause(struct journey *j, uint64_t us)
{
	journey_arm(j, journey_now_us() + us);
}

void journey_take_present(struct journey *j, const struct hotplug_device *device)
{
	struct attempt_device found = {
		.vendor = device->vendor,
		.product = device->product,
		.dfu = device->dfu,
		.expected = j->events.expects(j->user, j, device->vendor, device->product),
	};
	struct attempt_event event = {.kind = ATTEMPT_EVENT_PRESENT, .device = &found};

	snprintf(found.id, sizeof(found.id), "%04x:%04x", device->vendor, device->product);
	snprintf(found.name, sizeof(found.name), "%s", device->name);
	journey_step(j, &event);
}

void journey_take_absent(struct journey *j)
{
	struct attempt_event event = {.kind = ATTEMPT_EVENT_ABSENT};

	journey_step(j, &event);
}

void journey_take_tty(struct journey *j, const char *link)
{
	struct attempt_event event = {.kind = ATTEMPT_EVENT_TTY, .tty = link};

	journey_step(j, &event);
}

const struct attempt *journey_attempt(const struct journey *j)
{
	return &j->attempt;
}

const struct tell *journey_tell(const struct journey *j)
{
	return &j->tell;
}

void journey_progress(const struct journey *j, char *ret, size_t size)
{
	const uint64_t percent = j->total > 0 ? j->done * 100 / j->total : 0;

	switch (j->attempt.state) {
	case ATTEMPT_CHECKING:
	case ATTEMPT_ASKED:
		snprintf(ret, size, "%s: checking %s", j->tell.label, j->tell.shown);
		return;
	case ATTEMPT_FLASHING:
		snprintf(ret, size, "%s: %s %s, %u %%", j->tell.label,
			j->phase[0] ? j->phase : "flash", j->tell.shown, (unsigned)percent);
		return;
	case ATTEMPT_WATCHING:
	case ATTEMPT_SETTLING:
		snprintf(ret, size, "%s: waiting for the board on port %s", j->tell.label,
			j->tell.port);
		return;
	case ATTEMPT_ENDED:
	case _ATTEMPT_STATE_MAX:
	case _ATTEMPT_STATE_INVALID:
		break;
	}
	snprintf(ret, size, "%s: done", j->tell.label);
}
