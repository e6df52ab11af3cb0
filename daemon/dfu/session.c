/* SPDX-License-Identifier: MIT */
/*
 * The conversation with one board.
 *
 *   READY -> ALTERNATE -> RECOVER -> READ... -> LOOKED -> SAVE... -> ASKED --stop--> ENDED
 *                                                                      |
 *                     nothing differs <--------------------------------+ go
 *                            |                    +--------------------+
 *                            |                    v
 *                            |              (mark ERASING)
 *                            |                  ERASE... -> WRITE... -> VERIFY...
 *                            |                                             |
 *                            |        (mark WRITTEN) <- SEAL... <----------+
 *                            |              |
 *                            v              v
 *                     (mark VERIFIED) <- VERIFY_SEAL...
 *                            |
 *                            v
 *                          POINT -> LEAVE -> (mark LEFT) -> ENDED
 *                            +--- stay ----------------------^
 *
 * "..." is one round for each run or sector of the plan. Whatever fails ends the session, but after
 * VERIFIED nothing can fail it any more: from there on only the port can tell how it went.
 *
 * Invariants: no erase before the answer; the first blocks are written after everything else was
 * read back; the address is set again before the leave, because reading moved it; a mark is durable
 * before the action that it announces.
 */
#include "dfu/session.h"

#include <assert.h>
#include <string.h>

static enum session_turn session_enter(struct session *s, enum session_state state,
	const struct dfu_event *event, struct dfu_action *a);

void session_init(struct session *s, const struct session_options *options)
{
	*s = (struct session){
		.options = *options,
		.state = SESSION_READY,
		.end = _SESSION_END_INVALID,
		.flash = SESSION_UNTOUCHED,
		.failed_in = _SESSION_STATE_INVALID,
	};
}

static enum session_turn session_finish(struct session *s, enum session_end end)
{
	s->state = SESSION_ENDED;
	s->end = end;
	return SESSION_END;
}

static enum session_turn session_fail(struct session *s, enum dfu_failure failure, uint32_t address)
{
	if (failure == DFU_FAILURE_MISMATCH) {
		s->flash = SESSION_PARTLY; /* written it is, but not with the file */
	}
	s->failed_in = s->state;
	s->failure = failure;
	s->failed_at = address;
	return session_finish(s, SESSION_FAILED);
}

static enum session_turn session_mark(
	struct session *s, enum session_mark mark, enum session_state after)
{
	s->state = SESSION_MARKING;
	s->mark = mark;
	s->after_mark = after;
	return SESSION_MARK;
}

/* The runs that a state goes through; NULL for states without. */
static const struct plan_run *session_runs(
	const struct session *s, enum session_state state, size_t *ret_n)
{
	const struct plan *plan = s->options.plan;

	if (state == SESSION_READ) {
		*ret_n = plan->n_reads;
		return plan->reads;
	}
	if (state == SESSION_SAVE) {
		*ret_n = plan->n_saves;
		return plan->saves;
	}
	if (state == SESSION_WRITE || state == SESSION_VERIFY) {
		*ret_n = plan->n_bodies;
		return plan->bodies;
	}
	if (state == SESSION_SEAL || state == SESSION_VERIFY_SEAL) {
		*ret_n = plan->n_heads;
		return plan->heads;
	}
	*ret_n = 0;
	return NULL;
}

static enum run_kind session_run_kind(enum session_state state)
{
	if (state == SESSION_READ || state == SESSION_SAVE) {
		return RUN_READ;
	}
	return state == SESSION_WRITE || state == SESSION_SEAL ? RUN_WRITE : RUN_VERIFY;
}

static void session_count_phase(struct session *s, const struct dfu_event *event)
{
	const uint64_t us = event->now_us - s->phase_us;

	if (s->state == SESSION_READ || s->state == SESSION_SAVE) {
		s->read_us += us;
	} else if (s->state == SESSION_ERASE) {
		s->erase_us += us;
	} else if (s->state == SESSION_WRITE || s->state == SESSION_SEAL) {
		s->write_us += us;
	} else if (s->state == SESSION_VERIFY || s->state == SESSION_VERIFY_SEAL) {
		s->verify_us += us;
	}
}

static void session_measure(struct session *s, enum session_state state)
{
	size_t n;
	const struct plan_run *runs = session_runs(s, state, &n);

	s->bytes_done = 0;
	s->bytes_total = state == SESSION_ERASE ? s->options.plan->bytes_erased : 0;
	for (size_t i = 0; i < n; i++) {
		s->bytes_total += runs[i].size;
	}
}

static enum session_turn session_decide(struct session *s)
{
	s->error = plan_decide(s->options.plan);
	if (s->error < 0) {
		return session_fail(s, DFU_FAILURE_NONE, 0);
	}
	if (s->options.plan->unchanged) {
		s->flash = SESSION_UNCHANGED;
		s->verified = true;
	}
	s->state = SESSION_LOOKED;
	return SESSION_LOOK;
}

/* Where it goes on when the flash holds the image. */
static enum session_state session_way_out(const struct session *s)
{
	return s->options.stay ? SESSION_ENDED : SESSION_POINT;
}

/* What follows a state whose rounds are over. */
static enum session_turn session_after(
	struct session *s, const struct dfu_event *event, struct dfu_action *a)
{
	const bool can_read = s->options.plan->can_read;

	session_count_phase(s, event);
	switch (s->state) {
	case SESSION_RECOVER:
		return session_enter(s, SESSION_READ, event, a);
	case SESSION_READ:
		return session_decide(s);
	case SESSION_SAVE:
		s->state = SESSION_ASKED;
		return SESSION_ASK;
	case SESSION_ERASE:
		return session_enter(s, SESSION_WRITE, event, a);
	case SESSION_WRITE:
		return session_enter(s, can_read ? SESSION_VERIFY : SESSION_SEAL, event, a);
	case SESSION_VERIFY:
		return session_enter(s, SESSION_SEAL, event, a);
	case SESSION_SEAL:
		s->flash = SESSION_WRITTEN;
		return session_mark(s, SESSION_MARK_WRITTEN,
			can_read ? SESSION_VERIFY_SEAL : session_way_out(s));
	case SESSION_VERIFY_SEAL:
		s->verified = true;
		return session_mark(s, SESSION_MARK_VERIFIED, session_way_out(s));
	case SESSION_POINT:
		return session_enter(s, SESSION_LEAVE, event, a);
	case SESSION_LEAVE:
		s->left = true;
		s->leave_answered = s->command.answered;
		return session_mark(s, SESSION_MARK_LEFT, SESSION_ENDED);
	case SESSION_READY:
	case SESSION_ALTERNATE:
	case SESSION_LOOKED:
	case SESSION_ASKED:
	case SESSION_MARKING:
	case SESSION_ENDED:
	case _SESSION_STATE_MAX:
	case _SESSION_STATE_INVALID:
		break;
	}
	return session_finish(s, SESSION_COMPLETED);
}

static void session_note_status(struct session *s, const struct command *command)
{
	if (command->answered) {
		s->status = command->status;
	}
}

/*
 * A mismatch with the old content still in place is a sector that ignored its erase: write
 * protection, which the ROM does not report (AN3156).
 */
static bool session_is_write_protected(const struct session *s)
{
	const struct run *run = &s->run;
	const uint32_t at = run->bytes.address + run->done;
	const uint32_t offset = run->done % run->block_size;
	uint32_t known;
	const uint8_t *found = plan_found(s->options.plan, at, &known);

	return run->failure == DFU_FAILURE_MISMATCH && found != NULL && known > 0 &&
	       offset < run->length && found[0] != 0xff && run->buffer[offset] == found[0];
}

/* Steps the run under way and goes on to the next one. */
static enum session_turn session_run(
	struct session *s, const struct dfu_event *event, struct dfu_action *a)
{
	const enum dfu_progress progress = run_step(&s->run, event, a);
	size_t n;

	session_note_status(s, &s->run.command);
	if (progress == DFU_MORE) {
		if (a->request == DFU_DNLOAD && a->value >= DFUSE_FIRST_BLOCK) {
			s->flash = SESSION_PARTLY;
		}
		return SESSION_DO;
	}
	if (progress == DFU_FAILED) {
		return session_fail(s, s->run.failure, s->run.bytes.address + s->run.done);
	}
	s->bytes_done += s->run.bytes.size;
	s->index++;
	(void)session_runs(s, s->state, &n);
	if (s->index < n) {
		return session_enter(s, s->state, event, a);
	}
	return session_after(s, event, a);
}

static uint32_t session_sector_size(const struct plan *plan, uint32_t start)
{
	for (size_t i = 0; i < plan->n_sectors; i++) {
		if (plan->sectors[i].start == start) {
			return plan->sectors[i].size;
		}
	}
	return 0;
}

/* Steps the command under way (everything that is no run). */
static enum session_turn session_command(
	struct session *s, const struct dfu_event *event, struct dfu_action *a)
{
	const struct plan *plan = s->options.plan;
	const enum dfu_progress progress = command_step(&s->command, event, a);

	session_note_status(s, &s->command);
	if (progress == DFU_MORE) {
		if (s->state == SESSION_ERASE) {
			s->flash = SESSION_ERASED;
		}
		return SESSION_DO;
	}
	if (s->state == SESSION_RECOVER) {
		s->first = s->command.first;
	}
	/* after VERIFIED a failure decides nothing: the leave is tried all the same */
	if (progress == DFU_FAILED && s->state != SESSION_POINT) {
		return session_fail(s, s->command.failure,
			s->state == SESSION_ERASE ? plan->erases[s->index] : 0);
	}
	if (s->state == SESSION_ERASE) {
		s->bytes_done += session_sector_size(plan, plan->erases[s->index]);
		s->sectors_erased++;
		if (++s->index < plan->n_erases) {
			return session_enter(s, SESSION_ERASE, event, a);
		}
	}
	return session_after(s, event, a);
}

static enum session_turn session_set_alternate(struct session *s, struct dfu_action *a)
{
	s->state = SESSION_ALTERNATE;
	*a = (struct dfu_action){
		.kind = DFU_ACTION_SET_ALTERNATE,
		.value = s->options.alternate,
		.ms = COMMAND_TIMEOUT_MS,
	};
	return SESSION_DO;
}

/* Begins a state, or its next round. */
static enum session_turn session_enter(struct session *s, enum session_state state,
	const struct dfu_event *event, struct dfu_action *a)
{
	const struct dfu_event begin = {.kind = DFU_EVENT_BEGIN, .now_us = event->now_us};
	size_t n;
	const struct plan_run *runs = session_runs(s, state, &n);

	if (s->state != state) {
		s->state = state;
		s->index = 0;
		s->phase_us = event->now_us;
		session_measure(s, state);
	}
	if (runs != NULL) {
		run_begin(&s->run, session_run_kind(state), &runs[s->index],
			s->options.transfer_size);
		return session_run(s, &begin, a);
	}
	if (state == SESSION_RECOVER) {
		command_to_idle(&s->command);
	} else if (state == SESSION_ERASE) {
		command_erase(&s->command, s->options.plan->erases[s->index]);
	} else if (state == SESSION_POINT) {
		command_set_address(&s->command, s->options.leave_address);
	} else if (state == SESSION_LEAVE) {
		command_leave(&s->command);
	} else if (state == SESSION_ENDED) {
		return session_finish(s, SESSION_COMPLETED);
	} else {
		return session_after(s, event, a); /* no runs: nothing to do in this phase */
	}
	return session_command(s, &begin, a);
}

static enum session_turn session_in_alternate(
	struct session *s, const struct dfu_event *event, struct dfu_action *a)
{
	switch (event->kind) {
	case DFU_EVENT_ANSWERED:
	case DFU_EVENT_STALLED: /* firmwares with one setting may stall it */
		return session_enter(s, SESSION_RECOVER, event, a);
	case DFU_EVENT_TIMED_OUT:
		return session_fail(s, DFU_FAILURE_TIMEOUT, 0);
	case DFU_EVENT_GONE:
		return session_fail(s, DFU_FAILURE_VANISHED, 0);
	case DFU_EVENT_BROKEN:
	case DFU_EVENT_BEGIN:
	case DFU_EVENT_SLEPT:
	case _DFU_EVENT_MAX:
	case _DFU_EVENT_INVALID:
		break;
	}
	return session_fail(s, DFU_FAILURE_PROTOCOL, 0);
}

static enum session_turn session_in_asked(
	struct session *s, const struct dfu_event *event, struct dfu_action *a)
{
	if (!s->go) {
		return session_finish(s, SESSION_STOPPED);
	}
	if (s->options.plan->unchanged) {
		return session_mark(s, SESSION_MARK_VERIFIED, session_way_out(s));
	}
	return session_mark(s, SESSION_MARK_ERASING, SESSION_ERASE);
}

void session_leave_to(struct session *s, uint32_t address, bool stay)
{
	assert(s->state == SESSION_LOOKED);
	s->options.leave_address = address;
	s->options.stay = stay;
}

void session_answer(struct session *s, bool go)
{
	assert(s->state == SESSION_ASKED);
	s->go = go;
}

enum session_turn session_step(
	struct session *s, const struct dfu_event *event, struct dfu_action *ret_action)
{
	*ret_action = (struct dfu_action){0};
	switch (s->state) {
	case SESSION_READY:
		return session_set_alternate(s, ret_action);
	case SESSION_ALTERNATE:
		return session_in_alternate(s, event, ret_action);
	case SESSION_RECOVER:
	case SESSION_ERASE:
	case SESSION_POINT:
	case SESSION_LEAVE:
		return session_command(s, event, ret_action);
	case SESSION_READ:
	case SESSION_SAVE:
	case SESSION_WRITE:
	case SESSION_VERIFY:
	case SESSION_SEAL:
	case SESSION_VERIFY_SEAL:
		return session_run(s, event, ret_action);
	case SESSION_LOOKED:
		return session_enter(s, SESSION_SAVE, event, ret_action);
	case SESSION_ASKED:
		return session_in_asked(s, event, ret_action);
	case SESSION_MARKING:
		return session_enter(s, s->after_mark, event, ret_action);
	case SESSION_ENDED:
	case _SESSION_STATE_MAX:
	case _SESSION_STATE_INVALID:
		break;
	}
	return SESSION_END;
}

/* A status of its own in dfuERROR: named after what was being done. */
static const char *session_status_reason(enum session_state state)
{
	if (state == SESSION_ERASE) {
		return "erase";
	}
	if (state == SESSION_WRITE || state == SESSION_SEAL) {
		return "write";
	}
	if (state == SESSION_VERIFY || state == SESSION_VERIFY_SEAL) {
		return "verify";
	}
	return "protocol";
}

const char *session_reason(const struct session *s, bool *ret_refused)
{
	*ret_refused = false;
	switch (s->failure) {
	case DFU_FAILURE_STALL:
		return "stall";
	case DFU_FAILURE_TIMEOUT:
		return "timeout";
	case DFU_FAILURE_PROTOCOL:
		return "protocol";
	case DFU_FAILURE_VANISHED:
		return "vanished";
	case DFU_FAILURE_STATUS:
		return session_status_reason(s->failed_in);
	case DFU_FAILURE_READ_PROTECTED:
		*ret_refused = s->flash == SESSION_UNTOUCHED;
		return "read-protected";
	case DFU_FAILURE_ADDRESS:
		*ret_refused = s->flash == SESSION_UNTOUCHED;
		return "outside-map";
	case DFU_FAILURE_MISMATCH:
		return session_is_write_protected(s) ? "write-protected" : "verify";
	case DFU_FAILURE_NONE:
	case _DFU_FAILURE_MAX:
	case _DFU_FAILURE_INVALID:
		break;
	}
	return "protocol";
}

const char *session_state_to_string(enum session_state state)
{
	static const char *const names[_SESSION_STATE_MAX] = {
		[SESSION_READY] = "ready",
		[SESSION_ALTERNATE] = "alternate",
		[SESSION_RECOVER] = "recover",
		[SESSION_READ] = "read",
		[SESSION_LOOKED] = "looked",
		[SESSION_SAVE] = "save",
		[SESSION_ASKED] = "asked",
		[SESSION_ERASE] = "erase",
		[SESSION_WRITE] = "write",
		[SESSION_VERIFY] = "verify",
		[SESSION_SEAL] = "seal",
		[SESSION_VERIFY_SEAL] = "verify-seal",
		[SESSION_MARKING] = "marking",
		[SESSION_POINT] = "point",
		[SESSION_LEAVE] = "leave",
		[SESSION_ENDED] = "ended",
	};

	assert(state >= 0 && state < _SESSION_STATE_MAX);
	return names[state];
}

static const char *const session_mark_names[_SESSION_MARK_MAX] = {
	[SESSION_MARK_ERASING] = "erasing",
	[SESSION_MARK_WRITTEN] = "written",
	[SESSION_MARK_VERIFIED] = "verified",
	[SESSION_MARK_LEFT] = "left",
};

const char *session_mark_to_string(enum session_mark mark)
{
	assert(mark >= 0 && mark < _SESSION_MARK_MAX);
	return session_mark_names[mark];
}

enum session_mark session_mark_from_string(const char *text)
{
	for (int i = 0; i < _SESSION_MARK_MAX; i++) {
		if (strcmp(session_mark_names[i], text) == 0) {
			return (enum session_mark)i;
		}
	}
	return _SESSION_MARK_INVALID;
}

static const char *const session_flash_names[_SESSION_FLASH_MAX] = {
	[SESSION_UNTOUCHED] = "untouched",
	[SESSION_UNCHANGED] = "unchanged",
	[SESSION_ERASED] = "erased",
	[SESSION_PARTLY] = "partly",
	[SESSION_WRITTEN] = "written",
};

const char *session_flash_to_string(enum session_flash flash)
{
	assert(flash >= 0 && flash < _SESSION_FLASH_MAX);
	return session_flash_names[flash];
}

enum session_flash session_flash_from_string(const char *text)
{
	for (int i = 0; i < _SESSION_FLASH_MAX; i++) {
		if (strcmp(session_flash_names[i], text) == 0) {
			return (enum session_flash)i;
		}
	}
	return _SESSION_FLASH_INVALID;
}
