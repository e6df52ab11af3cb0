/* SPDX-License-Identifier: MIT */
/* One run of bytes, on the simulated board. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "dfu/run.h"
#include "in-process.h"

#define BASE 0x08000000u

struct seen {
	struct board *board;
	struct in_process front;
	uint8_t *flash;
	struct run run;
	unsigned addresses;
	uint32_t last_address;
	uint16_t first_block, last_block;
	unsigned blocks, short_blocks;
};

/* 1 MiB in pages of 1 KiB. */
static void seen_init(struct seen *s, uint16_t transfer_size)
{
	const struct board_options options = {
		.layout = "@Internal Flash  /0x08000000/1024*001Kg",
		.transfer_size = transfer_size,
		.speedup = 100,
	};
	size_t size;

	*s = (struct seen){.board = board_new(&options)};
	assert_non_null(s->board);
	s->front = (struct in_process){.board = s->board, .now_us = 1000};
	s->flash = board_flash(s->board, &size);
	for (size_t i = 0; i < size; i++) {
		s->flash[i] = (uint8_t)(i * 2654435761u >> 13);
	}
}

static void seen_watch(struct seen *s, const struct dfu_action *a)
{
	const bool is_data = (a->request == DFU_DNLOAD || a->request == DFU_UPLOAD) && a->value > 1;

	if (a->kind == DFU_ACTION_OUT && a->request == DFU_DNLOAD && a->value == 0) {
		s->addresses++;
		s->last_address = a->data[1] | (uint32_t)a->data[2] << 8 |
				  (uint32_t)a->data[3] << 16 | (uint32_t)a->data[4] << 24;
	} else if (is_data) {
		s->first_block = s->blocks++ == 0 ? a->value : s->first_block;
		s->last_block = a->value;
		/* only the last may be shorter */
		assert_int_equal(s->short_blocks, 0);
		s->short_blocks += a->length < s->run.block_size;
	}
}

static enum dfu_progress seen_carry(struct seen *s, enum run_kind kind, uint32_t address,
	uint8_t *data, uint32_t size, uint16_t block_size)
{
	const struct plan_run bytes = {.address = address, .size = size, .data = data};
	struct dfu_event event = {.kind = DFU_EVENT_BEGIN, .now_us = s->front.now_us};
	struct dfu_action action;
	enum dfu_progress progress;

	s->addresses = s->blocks = s->short_blocks = 0;
	run_begin(&s->run, kind, &bytes, block_size);
	while ((progress = run_step(&s->run, &event, &action)) == DFU_MORE) {
		seen_watch(s, &action);
		event = in_process_do(&s->front, &action);
	}
	assert_int_equal(s->run.state, RUN_ENDED);
	assert_int_equal(board_counts(s->board)->violations, 0);
	return progress;
}

static uint8_t told_state(struct seen *s)
{
	uint8_t state = 255;
	const struct dfu_action a = {.kind = DFU_ACTION_IN,
		.request = DFU_GETSTATE,
		.length = 1,
		.data = &state,
		.ms = 1000};

	assert_int_equal(in_process_do(&s->front, &a).kind, DFU_EVENT_ANSWERED);
	return state;
}

static void test_read(void **state)
{
	static const uint32_t sizes[] = {1, 255, 256, 257, 1024, 1111};
	uint8_t data[1111];
	struct seen s;

	(void)state;
	seen_init(&s, 256);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const uint32_t size = sizes[i];

		memset(data, 0, sizeof(data));
		assert_int_equal(
			seen_carry(&s, RUN_READ, BASE + 100, data, size, 256), DFU_FINISHED);
		assert_memory_equal(data, s.flash + 100, size);
		assert_int_equal(s.addresses, 1);
		assert_int_equal(s.last_address, BASE + 100);
		assert_int_equal(s.blocks, (size + 255) / 256);
		assert_int_equal(s.first_block, 2);
		assert_int_equal(s.last_block, 1 + s.blocks);
		assert_int_equal(s.run.done, size);
		assert_int_equal(told_state(&s), DFU_IDLE);
	}
	board_free(s.board);
}

static void test_write_and_verify(void **state)
{
	static const struct dfu_action abort_it = {
		.kind = DFU_ACTION_OUT, .request = DFU_ABORT, .ms = 1000};
	uint8_t data[3000];
	struct seen s;

	(void)state;
	seen_init(&s, 512);
	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(i ^ i >> 8);
	}
	memset(s.flash + 2048, 0xff, 4096);
	assert_int_equal(
		seen_carry(&s, RUN_WRITE, BASE + 2048, data, sizeof(data), 512), DFU_FINISHED);
	assert_int_equal(s.addresses, 1);
	assert_int_equal(s.blocks, 6);
	assert_int_equal(told_state(&s), DFU_DNLOAD_IDLE);
	assert_memory_equal(s.flash + 2048, data, sizeof(data));
	assert_int_equal(
		seen_carry(&s, RUN_VERIFY, BASE + 2048, data, sizeof(data), 512), DFU_FINISHED);
	assert_int_equal(told_state(&s), DFU_IDLE);
	for (uint32_t at = 0; at < sizeof(data); at += 333) {
		s.flash[2048 + at] ^= 0x10;
		assert_int_equal(seen_carry(&s, RUN_VERIFY, BASE + 2048, data, sizeof(data), 512),
			DFU_FAILED);
		assert_int_equal(s.run.failure, DFU_FAILURE_MISMATCH);
		assert_int_equal(s.run.done, at);
		s.flash[2048 + at] ^= 0x10;
		/* a run that failed leaves the device where it was */
		assert_int_equal(in_process_do(&s.front, &abort_it).kind, DFU_EVENT_ANSWERED);
	}
	board_free(s.board);
}

/* wValue has 16 bits: behind 65534 blocks the address is set anew. */
static void test_many_blocks(void **state)
{
	const uint32_t size = (RUN_BLOCKS_MAX + 10) * 8;
	uint8_t *data = malloc(size);
	struct seen s;

	(void)state;
	assert_non_null(data);
	seen_init(&s, 8);
	assert_int_equal(seen_carry(&s, RUN_READ, BASE, data, size, 8), DFU_FINISHED);
	assert_memory_equal(data, s.flash, size);
	assert_int_equal(s.addresses, 2);
	assert_int_equal(s.last_address, BASE + RUN_BLOCKS_MAX * 8);
	assert_int_equal(s.last_block, 11);
	assert_int_equal(s.blocks, RUN_BLOCKS_MAX + 10);
	memset(s.flash, 0xff, size);
	assert_int_equal(seen_carry(&s, RUN_WRITE, BASE, data, size, 8), DFU_FINISHED);
	assert_memory_equal(data, s.flash, size);
	assert_int_equal(s.addresses, 2);
	free(data);
	board_free(s.board);
}

/* Exactly as many blocks as a wValue can count. */
static void test_last_block_number(void **state)
{
	const uint32_t size = RUN_BLOCKS_MAX * 8;
	uint8_t *data = malloc(size);
	struct seen s;

	(void)state;
	assert_non_null(data);
	seen_init(&s, 8);
	assert_int_equal(seen_carry(&s, RUN_READ, BASE, data, size, 8), DFU_FINISHED);
	assert_memory_equal(data, s.flash, size);
	assert_int_equal(s.addresses, 1);
	assert_int_equal(s.last_block, 65535);
	free(data);
	board_free(s.board);
}

/* Each failure names the offset of its block, whatever state it came in. */
static void test_failures(void **state)
{
	static const struct {
		struct board_fault fault;
		enum run_kind kind;
		enum dfu_failure failure;
		uint32_t done;
	} table[] = {
		{{BOARD_FAULT_VANISH, DFU_DNLOAD, DFUSE_SET_ADDRESS, 0, 1, 0}, RUN_READ,
			DFU_FAILURE_VANISHED, 0},
		{{BOARD_FAULT_SILENCE, DFU_ABORT, -1, 0, 1, 0}, RUN_READ, DFU_FAILURE_TIMEOUT, 0},
		{{BOARD_FAULT_STALL, DFU_UPLOAD, -1, 2, 1, 0}, RUN_READ, DFU_FAILURE_STALL, 512},
		{{BOARD_FAULT_SHORT, DFU_UPLOAD, -1, 1, 1, 0}, RUN_VERIFY, DFU_FAILURE_PROTOCOL,
			256},
		{{BOARD_FAULT_VANISH, DFU_ABORT, -1, 1, 1, 0}, RUN_READ, DFU_FAILURE_VANISHED,
			1000},
		{{BOARD_FAULT_STATUS, DFU_DNLOAD, 0, 3, 1, DFU_STATUS_PROG}, RUN_WRITE,
			DFU_FAILURE_STATUS, 768},
		{{BOARD_FAULT_STATUS, DFU_DNLOAD, DFUSE_SET_ADDRESS, 0, 1, DFU_STATUS_TARGET},
			RUN_WRITE, DFU_FAILURE_ADDRESS, 0},
	};
	uint8_t data[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct seen s;

		seen_init(&s, 256);
		memcpy(data, s.flash, sizeof(data));
		board_set_fault(s.board, 0, &table[i].fault);
		assert_int_equal(
			seen_carry(&s, table[i].kind, BASE, data, sizeof(data), 256), DFU_FAILED);
		assert_int_equal(s.run.failure, table[i].failure);
		assert_int_equal(s.run.done, table[i].done);
		board_free(s.board);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < _RUN_STATE_MAX; i++) {
		assert_true(strlen(run_state_to_string((enum run_state)i)) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write_and_verify),
		cmocka_unit_test(test_many_blocks),
		cmocka_unit_test(test_last_block_number),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
