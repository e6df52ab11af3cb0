/* SPDX-License-Identifier: MIT */
/* The watched session: see bench.h. */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void bench_fill(uint8_t *bytes, size_t n, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

static void bench_plan(struct bench *b, const struct board_options *options, uint32_t look_size)
{
	const struct plan_segment segment = {
		.address = b->address, .size = b->size, .data = b->image};
	const struct plan_request request = {
		.layout = &b->layout,
		.segments = &segment,
		.n_segments = 1,
		.transfer_size = options->transfer_size ? options->transfer_size : 2048,
		.granule = 32,
		.can_read = !options->no_upload,
		.look = b->base,
		.look_size = look_size,
	};
	enum plan_fault fault;
	uint32_t at;

	assert_int_equal(plan_make(&b->plan, &request, &fault, &at), 0);
	assert_int_equal(fault, PLAN_GOOD);
	session_init(&b->session, &(struct session_options){
					  .plan = &b->plan,
					  .alternate = 0,
					  .transfer_size = request.transfer_size,
					  .leave_address = b->address,
				  });
}

void bench_init(struct bench *b, const struct board_options *options, uint32_t address,
	uint32_t size, uint64_t seed)
{
	const char *text = options->layout
				   ? options->layout
				   : "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg";

	*b = (struct bench){.address = address, .size = size, .plan = PLAN_INIT, .state = 255};
	b->board = board_new(options);
	assert_non_null(b->board);
	b->flash = board_flash(b->board, &b->flash_size);
	b->base = board_flash_base(b->board);
	b->image = malloc(size);
	b->before = malloc(b->flash_size);
	assert_true(b->image && b->before);
	bench_fill(b->image, size, seed);
	bench_fill(b->flash, b->flash_size, seed + 1000);
	memcpy(b->before, b->flash, b->flash_size);
	b->front = (struct in_process){.board = b->board, .now_us = 1000000};
	assert_int_equal(layout_parse(&b->layout, text), 0);
	bench_plan(b, options, 0);
}

void bench_look_at_base(struct bench *b, const struct board_options *options, uint32_t size)
{
	plan_done(&b->plan);
	bench_plan(b, options, size);
}

void bench_done(struct bench *b)
{
	plan_done(&b->plan);
	b->board = board_free(b->board);
	free(b->image);
	free(b->before);
}

void bench_preload(struct bench *b)
{
	memcpy(b->flash + (b->address - b->base), b->image, b->size);
	memcpy(b->before, b->flash, b->flash_size);
}

static bool bench_points(const struct bench *b, const struct dfu_action *a)
{
	const uint32_t address = b->session.options.leave_address;
	const uint8_t expected[5] = {DFUSE_SET_ADDRESS, (uint8_t)address, (uint8_t)(address >> 8),
		(uint8_t)(address >> 16), (uint8_t)(address >> 24)};

	return a->request == DFU_DNLOAD && a->value == 0 && a->length == 5 &&
	       memcmp(a->data, expected, 5) == 0;
}

static void bench_watch_out(struct bench *b, const struct dfu_action *a)
{
	if (a->request == DFU_CLRSTATUS) {
		b->clears += b->state != DFU_ERROR;
	}
	if (a->request == DFU_ABORT) {
		b->aborts += b->state != DFU_IDLE && b->state != DFU_DNLOAD_SYNC &&
			     b->state != DFU_DNLOAD_IDLE && b->state != DFU_MANIFEST_SYNC &&
			     b->state != DFU_UPLOAD_IDLE;
	}
	if (a->request == DFU_DNLOAD && a->length == 0) {
		b->blind_leaves += !b->pointed;
	}
	if (a->request == DFU_DNLOAD && !b->answered) {
		b->early += a->value != 0 || a->length != 5 || a->data[0] != DFUSE_SET_ADDRESS;
	}
}

static void bench_watch(struct bench *b, const struct dfu_action *a)
{
	switch (a->kind) {
	case DFU_ACTION_SET_ALTERNATE:
		b->alternates++;
		b->alternate = a->value;
		break;
	case DFU_ACTION_OUT:
		bench_watch_out(b, a);
		b->pointed = bench_points(b, a);
		break;
	case DFU_ACTION_IN:
		assert_true(a->data != NULL && a->length > 0);
		b->pointed = b->pointed && a->request == DFU_GETSTATUS;
		break;
	case DFU_ACTION_SLEEP:
		return;
	case DFU_ACTION_NONE:
	case _DFU_ACTION_MAX:
		fail();
	}
	assert_true(a->ms > 0);
	assert_true(a->length <= RUN_BLOCK_MAX);
	b->transfers++;
}

static void bench_look(struct bench *b)
{
	b->looks++;
	if (b->save) {
		assert_int_equal(plan_save(&b->plan, &b->layout, b->whole), 0);
	}
	if (b->stay || b->leave != 0) {
		session_leave_to(&b->session, b->leave != 0 ? b->leave : b->address, b->stay);
	}
}

static void bench_turn(struct bench *b, enum session_turn turn, bool go)
{
	if (turn == SESSION_LOOK) {
		bench_look(b);
	} else if (turn == SESSION_ASK) {
		b->asks++;
		session_answer(&b->session, go);
		b->answered = true;
	} else {
		assert_true(b->n_marks < sizeof(b->marks) / sizeof(*b->marks));
		b->marks[b->n_marks++] = b->session.mark;
	}
}

enum bench_end bench_run(struct bench *b, bool go)
{
	struct dfu_event event = {.kind = DFU_EVENT_SLEPT, .now_us = b->front.now_us};
	struct dfu_action action;
	enum session_turn turn;

	while ((turn = session_step(&b->session, &event, &action)) != SESSION_END) {
		event = (struct dfu_event){.kind = DFU_EVENT_SLEPT, .now_us = b->front.now_us};
		if (turn != SESSION_DO) {
			bench_turn(b, turn, go);
			continue;
		}
		bench_watch(b, &action);
		if (b->kill_at != 0 && action.kind != DFU_ACTION_SLEEP &&
			b->transfers >= b->kill_at) {
			return BENCH_KILLED;
		}
		event = in_process_do(&b->front, &action);
		if (action.kind == DFU_ACTION_IN && action.request == DFU_GETSTATUS &&
			event.kind == DFU_EVENT_ANSWERED && event.length == DFU_STATUS_LENGTH) {
			b->state = action.data[4];
		}
		if (b->front.now_us > BENCH_LIMIT_US) {
			return BENCH_HUNG;
		}
	}
	return BENCH_ENDED;
}

void bench_let_rest(struct bench *b)
{
	uint32_t visits;

	b->front.now_us += 60 * 1000000;
	(void)board_presence(b->board, b->front.now_us, &visits);
}

static bool bench_is_concerned(const struct bench *b, uint32_t address)
{
	for (size_t i = 0; i < b->plan.n_sectors; i++) {
		const struct plan_sector *s = &b->plan.sectors[i];

		if (address >= s->start && address - s->start < s->size) {
			return true;
		}
	}
	return false;
}

bool bench_is_flashed(const struct bench *b)
{
	const size_t from = b->address - b->base;

	if (memcmp(b->flash, b->before, from) != 0 ||
		memcmp(b->flash + from, b->image, b->size) != 0) {
		return false;
	}
	for (size_t i = from + b->size; i < b->flash_size; i++) {
		const bool blank =
			b->flash[i] == 0xff && bench_is_concerned(b, b->base + (uint32_t)i);

		if (b->flash[i] != b->before[i] && !blank) {
			return false;
		}
	}
	return true;
}

bool bench_is_untouched(const struct bench *b)
{
	return memcmp(b->flash, b->before, b->flash_size) == 0;
}

bool bench_is_tidy(const struct bench *b)
{
	for (size_t i = 0; i < b->flash_size; i++) {
		if (b->flash[i] != b->before[i] && !bench_is_concerned(b, b->base + (uint32_t)i)) {
			return false;
		}
	}
	return true;
}

bool bench_has_mark(const struct bench *b, enum session_mark mark)
{
	for (size_t i = 0; i < b->n_marks; i++) {
		if (b->marks[i] == mark) {
			return true;
		}
	}
	return false;
}
