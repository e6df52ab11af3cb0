/* SPDX-License-Identifier: MIT */
/*
 * One attempt as a state machine.
 *
 *   CHECKING --plan--> ASKED --go--> FLASHING --completed--> WATCHING <--gone again--+
 *      |                 |               |                      |  \                 |
 *      | outcome, died   | stop          | outcome, died        |   +--present--> SETTLING
 *      v                 v               v                      v deadline           | stayed 2 s
 *    ENDED             ENDED           ENDED                  ENDED <----------------+
 *
 * Rules: before the worker's outcome the port says nothing, because the board leaves while the
 * worker still waits for its answer: a removal is noted and judged afterwards. After VERIFIED only
 * the port decides. A worker that died is judged by its marks: left means watching, anything else
 * interrupted. A device with another identity than expected may be a boot loader on its way: it
 * counts only when the deadline has come. Exactly one ATTEMPT_END, ever.
 */
#include "dfud/attempt.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "record/record.h"

void attempt_init(struct attempt *a, const struct attempt_options *options)
{
	*a = (struct attempt){
		.options = *options,
		.state = ATTEMPT_CHECKING,
		.present = true,
		.end = _END_INVALID,
		.flash = FLASH_UNTOUCHED,
		.back = RETURN_NONE,
		.checked_by = VERIFIED_NO,
		.verdict = _VERDICT_INVALID,
	};
}

static unsigned attempt_end(struct attempt *a, enum attempt_end end, enum reason reason)
{
	assert(a->state != ATTEMPT_ENDED);
	a->state = ATTEMPT_ENDED;
	a->end = end;
	a->reason = reason;
	a->verdict = verdict_of(end, a->flash, a->back);
	return ATTEMPT_END;
}

static unsigned attempt_end_return(struct attempt *a, enum return_kind back)
{
	a->back = back;
	return attempt_end(a, END_COMPLETED, REASON_NONE);
}

static unsigned attempt_arm(struct attempt *a, uint64_t at_us)
{
	a->timer_us = at_us;
	return ATTEMPT_ARM;
}

/* What is on the flash, as far as the marks tell. */
static enum flash_state attempt_flash_of_marks(const struct attempt *a)
{
	if (a->written || (a->verified && a->erasing)) {
		return FLASH_WRITTEN;
	}
	if (a->verified) {
		return FLASH_UNCHANGED;
	}
	return a->erasing ? FLASH_PARTLY : FLASH_UNTOUCHED;
}

/* Something is on the port that was not there before the leave. */
static unsigned attempt_begin_settling(struct attempt *a, uint64_t now_us)
{
	a->state = ATTEMPT_SETTLING;
	a->back_us = now_us;
	if (!a->device.dfu && !a->device.expected && a->options.expects_identity &&
		now_us + ATTEMPT_SETTLE_US < a->deadline_us) {
		return attempt_arm(a, a->deadline_us);
	}
	return attempt_arm(a, now_us + ATTEMPT_SETTLE_US);
}

static unsigned attempt_begin_watching(struct attempt *a, uint64_t now_us)
{
	if (a->options.stays) {
		return attempt_end_return(a, RETURN_NOT_EXPECTED);
	}
	a->state = ATTEMPT_WATCHING;
	if (a->left_us == 0) {
		a->left_us = now_us;
	}
	a->deadline_us = a->left_us + a->options.within_ms * 1000;
	if (a->has_device && a->present) {
		return attempt_begin_settling(a, now_us);
	}
	if (a->options.expects_none && a->was_absent) {
		return attempt_arm(a, now_us + ATTEMPT_SETTLE_US);
	}
	return attempt_arm(a, a->deadline_us);
}

/* Whether there is something that the port could confirm. */
static bool attempt_is_flashed(const struct attempt *a)
{
	return a->flash == FLASH_WRITTEN || a->flash == FLASH_UNCHANGED;
}

/* An outcome that cannot be: without GO, without a flash to show, or against the worker's marks. */
static bool attempt_is_choice(enum reason reason)
{
	return reason > REASON_NONE && reason_class(reason) == REASON_CLASS_CHOICE;
}

static bool attempt_is_untrue(const struct attempt *a, enum attempt_end end, enum reason reason)
{
	const bool intact = a->flash == FLASH_UNTOUCHED || a->flash == FLASH_UNCHANGED;

	if (end == END_COMPLETED && (a->state != ATTEMPT_FLASHING || !attempt_is_flashed(a))) {
		return true;
	}
	if (end == END_CANCELLED || attempt_is_choice(reason)) { /* only the daemon says that */
		return true;
	}
	return intact && (a->erasing || a->written);
}

/* Without a read-back and without a leave no mark has said that it is flashed. */
static unsigned attempt_tell_late(const struct attempt *a)
{
	return a->options.stays && !a->verified ? ATTEMPT_TELL_FLASHED : 0;
}

static unsigned attempt_take_outcome(struct attempt *a, const struct attempt_event *e)
{
	const struct message *m = e->message;
	const enum attempt_end end = attempt_end_from_string(m->end);

	a->outcome = *m;
	a->has_outcome = true;
	a->flash = flash_state_from_string(m->flash);
	a->checked_by = verified_by_from_string(m->checked_by);
	snprintf(a->text, sizeof(a->text), "%s", m->text);
	if (attempt_is_untrue(
		    a, end, reason_from_string(m->reason))) { /* not a worker of ours speaks */
		a->flash = attempt_flash_of_marks(a);
		return attempt_end(a, END_FAILED, REASON_WORKER_CRASHED);
	}
	if (end == END_COMPLETED) {
		return attempt_tell_late(a) | attempt_begin_watching(a, e->now_us);
	}
	return attempt_end(a, end, reason_from_string(m->reason));
}

static unsigned attempt_take_death(struct attempt *a, const struct attempt_event *e)
{
	a->flash = attempt_flash_of_marks(a);
	if (a->verified) {
		a->checked_by = VERIFIED_READ_BACK;
	}
	if ((a->left || a->verified) && attempt_is_flashed(a)) {
		return attempt_begin_watching(a, e->now_us);
	}
	if (e->end == END_REFUSED && !a->erasing) { /* it could not even begin */
		snprintf(a->text, sizeof(a->text),
			"the worker could not do its work on this computer (not installed, no "
			"memory, or killed)");
		return attempt_end(a, END_REFUSED, e->reason);
	}
	return attempt_end(a, END_INTERRUPTED, e->reason);
}

static unsigned attempt_take_mark(struct attempt *a, const struct attempt_event *e)
{
	const struct message *m = e->message;

	a->outcome = *m; /* counts and times so far */
	a->erasing = a->erasing || strcmp(m->mark, "erasing") == 0;
	a->written = a->written || strcmp(m->mark, "written") == 0;
	a->verified = a->verified || strcmp(m->mark, "verified") == 0;
	a->left = a->left || strcmp(m->mark, "left") == 0;
	a->flash = attempt_flash_of_marks(a);
	if (strcmp(m->mark, "written") == 0) {
		return ATTEMPT_TELL_ERASED;
	}
	if (strcmp(m->mark, "verified") == 0) {
		a->flashed_us = e->now_us;
		return ATTEMPT_TELL_FLASHED;
	}
	if (strcmp(m->mark, "left") == 0) {
		a->left_us = e->now_us;
		return (a->verified ? 0 : ATTEMPT_TELL_FLASHED) | ATTEMPT_TELL_LEAVING;
	}
	return 0;
}

static void attempt_note_present(struct attempt *a, const struct attempt_device *device)
{
	a->present = true;
	a->device = *device;
	a->has_device = true;
	a->tty[0] = '\0';
}

static void attempt_note_absent(struct attempt *a)
{
	a->present = false;
	a->was_absent = true;
	a->has_device = false;
}

/* Where nobody said what comes back, the image may: an identity, or nothing at all. */
static void attempt_take_image(struct attempt *a, const struct message *m)
{
	a->image = *m;
	if (!a->options.expects_identity && !a->options.expects_none) {
		a->options.expects_none = m->no_usb;
		a->options.expects_identity = m->expects[0] != '\0';
	}
}

static unsigned attempt_in_checking(struct attempt *a, const struct attempt_event *e)
{
	switch (e->kind) {
	case ATTEMPT_EVENT_IMAGE:
		attempt_take_image(a, e->message);
		return 0;
	case ATTEMPT_EVENT_FINDING:
		findings_take(&a->findings, e->message);
		return 0;
	case ATTEMPT_EVENT_PLAN:
		a->plan = *e->message;
		a->state = ATTEMPT_ASKED;
		return ATTEMPT_TELL_CHECKED | ATTEMPT_JUDGE;
	case ATTEMPT_EVENT_OUTCOME:
		return attempt_take_outcome(a, e);
	case ATTEMPT_EVENT_DIED:
		return attempt_take_death(a, e);
	case ATTEMPT_EVENT_ABSENT:
		attempt_note_absent(a);
		return 0;
	case ATTEMPT_EVENT_PRESENT: /* the worker will find out that its device is another one */
		a->present = true;
		return 0;
	case ATTEMPT_EVENT_GO:
	case ATTEMPT_EVENT_STOP:
	case ATTEMPT_EVENT_MARK:
	case ATTEMPT_EVENT_TTY:
	case ATTEMPT_EVENT_TIMER:
	case _ATTEMPT_EVENT_MAX:
	case _ATTEMPT_EVENT_INVALID:
		break;
	}
	return 0;
}

static unsigned attempt_in_asked(struct attempt *a, const struct attempt_event *e)
{
	switch (e->kind) {
	case ATTEMPT_EVENT_GO:
		a->state = ATTEMPT_FLASHING;
		a->flashing_us = e->now_us;
		a->was_absent = !a->present;
		return ATTEMPT_TELL_FLASHING | ATTEMPT_SEND_GO;
	case ATTEMPT_EVENT_STOP:
		snprintf(a->text, sizeof(a->text), "%s", e->text ? e->text : "");
		return ATTEMPT_SEND_STOP | attempt_end(a, e->end, e->reason);
	case ATTEMPT_EVENT_OUTCOME:
		return attempt_take_outcome(a, e);
	case ATTEMPT_EVENT_DIED:
		return attempt_take_death(a, e);
	case ATTEMPT_EVENT_TIMER: /* the owner's pause before it judges is over */
		return ATTEMPT_JUDGE;
	case ATTEMPT_EVENT_ABSENT:
		attempt_note_absent(a);
		return 0;
	case ATTEMPT_EVENT_PRESENT: /* as in CHECKING */
		a->present = true;
		return 0;
	case ATTEMPT_EVENT_IMAGE:
	case ATTEMPT_EVENT_FINDING:
	case ATTEMPT_EVENT_PLAN:
	case ATTEMPT_EVENT_MARK:
	case ATTEMPT_EVENT_TTY:
	case _ATTEMPT_EVENT_MAX:
	case _ATTEMPT_EVENT_INVALID:
		break;
	}
	return 0;
}

static unsigned attempt_in_flashing(struct attempt *a, const struct attempt_event *e)
{
	switch (e->kind) {
	case ATTEMPT_EVENT_MARK:
		return attempt_take_mark(a, e);
	case ATTEMPT_EVENT_OUTCOME:
		return attempt_take_outcome(a, e);
	case ATTEMPT_EVENT_DIED:
		return attempt_take_death(a, e);
	case ATTEMPT_EVENT_ABSENT:
		attempt_note_absent(a);
		return 0;
	case ATTEMPT_EVENT_PRESENT:
		attempt_note_present(a, e->device);
		return 0;
	case ATTEMPT_EVENT_TTY:
		snprintf(a->tty, sizeof(a->tty), "%s", e->tty);
		return 0;
	case ATTEMPT_EVENT_IMAGE:
	case ATTEMPT_EVENT_FINDING:
	case ATTEMPT_EVENT_PLAN:
	case ATTEMPT_EVENT_GO:
	case ATTEMPT_EVENT_STOP:
	case ATTEMPT_EVENT_TIMER:
	case _ATTEMPT_EVENT_MAX:
	case _ATTEMPT_EVENT_INVALID:
		break;
	}
	return 0;
}

/* The deadline has come and nothing is there that could be judged. */
static unsigned attempt_give_up(struct attempt *a)
{
	if (a->present && !a->was_absent) {
		return attempt_end_return(a, RETURN_STAYED);
	}
	if (a->options.expects_none && a->flaps == 0) {
		return attempt_end_return(a, RETURN_NOT_EXPECTED);
	}
	return attempt_end_return(a, RETURN_NONE);
}

static unsigned attempt_in_watching(struct attempt *a, const struct attempt_event *e)
{
	switch (e->kind) {
	case ATTEMPT_EVENT_PRESENT:
		attempt_note_present(a, e->device);
		return attempt_begin_settling(a, e->now_us);
	case ATTEMPT_EVENT_ABSENT:
		attempt_note_absent(a);
		if (a->options.expects_none) {
			return attempt_arm(a, e->now_us + ATTEMPT_SETTLE_US);
		}
		return 0;
	case ATTEMPT_EVENT_TIMER:
		return attempt_give_up(a);
	case ATTEMPT_EVENT_TTY:
	case ATTEMPT_EVENT_IMAGE:
	case ATTEMPT_EVENT_FINDING:
	case ATTEMPT_EVENT_PLAN:
	case ATTEMPT_EVENT_GO:
	case ATTEMPT_EVENT_STOP:
	case ATTEMPT_EVENT_MARK:
	case ATTEMPT_EVENT_OUTCOME:
	case ATTEMPT_EVENT_DIED: /* the worker ends after its outcome */
	case _ATTEMPT_EVENT_MAX:
	case _ATTEMPT_EVENT_INVALID:
		break;
	}
	return 0;
}

/* What came back has stayed. */
static unsigned attempt_settle(struct attempt *a)
{
	if (a->device.dfu) {
		return attempt_end_return(a, RETURN_DFU);
	}
	if (a->options.expects_none || !a->device.expected) {
		return attempt_end_return(a, RETURN_OTHER);
	}
	return attempt_end_return(a, RETURN_AS_EXPECTED);
}

static unsigned attempt_in_settling(struct attempt *a, const struct attempt_event *e)
{
	switch (e->kind) {
	case ATTEMPT_EVENT_TIMER:
		return attempt_settle(a);
	case ATTEMPT_EVENT_TTY:
		snprintf(a->tty, sizeof(a->tty), "%s", e->tty);
		return 0;
	case ATTEMPT_EVENT_ABSENT:
		attempt_note_absent(a);
		a->flaps++;
		a->state = ATTEMPT_WATCHING;
		if (a->deadline_us <= e->now_us) {
			return attempt_give_up(a);
		}
		return attempt_arm(a, a->deadline_us);
	case ATTEMPT_EVENT_PRESENT: /* another device without an absence between: a lost event */
		attempt_note_present(a, e->device);
		return attempt_begin_settling(a, e->now_us);
	case ATTEMPT_EVENT_IMAGE:
	case ATTEMPT_EVENT_FINDING:
	case ATTEMPT_EVENT_PLAN:
	case ATTEMPT_EVENT_GO:
	case ATTEMPT_EVENT_STOP:
	case ATTEMPT_EVENT_MARK:
	case ATTEMPT_EVENT_OUTCOME:
	case ATTEMPT_EVENT_DIED:
	case _ATTEMPT_EVENT_MAX:
	case _ATTEMPT_EVENT_INVALID:
		break;
	}
	return 0;
}

unsigned attempt_step(struct attempt *a, const struct attempt_event *event)
{
	switch (a->state) {
	case ATTEMPT_CHECKING:
		return attempt_in_checking(a, event);
	case ATTEMPT_ASKED:
		return attempt_in_asked(a, event);
	case ATTEMPT_FLASHING:
		return attempt_in_flashing(a, event);
	case ATTEMPT_WATCHING:
		return attempt_in_watching(a, event);
	case ATTEMPT_SETTLING:
		return attempt_in_settling(a, event);
	case ATTEMPT_ENDED:
	case _ATTEMPT_STATE_MAX:
	case _ATTEMPT_STATE_INVALID:
		break;
	}
	return 0;
}

/* The worker's outcome as the record kept it. */
static void attempt_recall(struct attempt *a, const struct record *record)
{
	struct message *m = &a->outcome;

	a->erasing = record->erasing;
	a->written = record->written;
	a->verified = record->verified;
	a->left = record->left;
	m->erase_ms = record->erase_ms;
	m->write_ms = record->write_ms;
	m->verify_ms = record->verify_ms;
	m->bytes_erased = record->bytes_erased;
	m->bytes_written = record->bytes_written;
	a->flash = attempt_flash_of_marks(a);
	a->checked_by = a->verified ? VERIFIED_READ_BACK : VERIFIED_NO;
	if (flash_state_from_string(record->flash) >= 0) {
		a->flash = flash_state_from_string(record->flash);
	}
}

unsigned attempt_resume(struct attempt *a, const struct record *record, uint64_t now_us)
{
	const enum attempt_end end = attempt_end_from_string(record->end);
	const enum reason reason = reason_from_string(record->reason);

	attempt_recall(a, record);
	if ((end == END_COMPLETED || (end < 0 && (a->left || a->verified))) &&
		attempt_is_flashed(a)) {
		a->left_us = now_us;
		return attempt_begin_watching(a, now_us);
	}
	if ((end == END_REFUSED || end == END_FAILED) && reason > REASON_NONE) {
		return attempt_end(a, end, reason);
	}
	return attempt_end(a, END_INTERRUPTED, reason > REASON_NONE ? reason : REASON_NONE);
}

const char *attempt_state_to_string(enum attempt_state state)
{
	static const char *const names[_ATTEMPT_STATE_MAX] = {
		[ATTEMPT_CHECKING] = "checking",
		[ATTEMPT_ASKED] = "asked",
		[ATTEMPT_FLASHING] = "flashing",
		[ATTEMPT_WATCHING] = "watching",
		[ATTEMPT_SETTLING] = "settling",
		[ATTEMPT_ENDED] = "ended",
	};

	assert(state >= 0 && state < _ATTEMPT_STATE_MAX);
	return names[state];
}
