/* SPDX-License-Identifier: MIT */

/*
 * What the flash does, and how long it takes (dfu.md 2.8, x8): 16 us for a byte, and the sector's
 * typical erase time. Programming can only clear bits. At most one work runs; each call with a time
 * brings the memory to what was reached by then. A work that is cut stays as it is: a block up to
 * the byte reached, a sector under erase half blank.
 */

#include "board-internal.h"

#include <stdlib.h>
#include <string.h>

#define WORK_BYTE_US 16

/* Typical erase times of an F4 at x8 parallelism: 16, 64, 128 KiB; between and beyond in
 * proportion. */
static uint64_t work_erase_us(uint32_t size)
{
	const uint64_t k = 1024;

	if (size <= 16 * k) {
		return size * UINT64_C(400000) / (16 * k);
	}
	if (size <= 64 * k) {
		return 400000 + (size - 16 * k) * UINT64_C(800000) / (48 * k);
	}
	if (size <= 128 * k) {
		return 1200000 + (size - 64 * k) * UINT64_C(800000) / (64 * k);
	}
	return size * UINT64_C(2000000) / (128 * k);
}

size_t board_step_add(
	struct board *board, enum board_step_kind kind, uint32_t address, uint32_t size)
{
	if (board->n_steps == board->n_steps_room) {
		size_t room = board->n_steps_room ? board->n_steps_room * 2 : 64;
		struct board_step *steps = realloc(board->steps, room * sizeof(*steps));

		if (!steps) {
			return SIZE_MAX;
		}
		board->steps = steps;
		board->n_steps_room = room;
	}
	board->steps[board->n_steps] =
		(struct board_step){.kind = kind, .address = address, .size = size};
	return board->n_steps++;
}

static void work_set_step_size(struct board *board, uint32_t size)
{
	if (board->work.step < board->n_steps) {
		board->steps[board->work.step].size = size;
	}
}

static void work_blank(struct board *board, const struct board_sector *sector, uint32_t size)
{
	memset(board->memories[0].bytes + sector->offset, 0xff, size);
}

static uint64_t work_mass_us(const struct board *board)
{
	uint64_t us = 0;

	for (size_t i = 0; i < board->memories[0].n_groups; i++) {
		const struct board_group *group = &board->memories[0].groups[i];

		if (group->access & BOARD_ERASABLE) {
			us += work_erase_us(group->size) * group->count;
		}
	}
	return us;
}

static uint64_t work_us(const struct board *board, const struct board_operation *operation)
{
	struct board_sector sector;

	switch (operation->kind) {
	case BOARD_WORK_NONE:
	case BOARD_WORK_ADDRESS:
		return 0;
	case BOARD_WORK_ERASE:
		return board_memory_sector(&board->memories[0], operation->address, &sector)
			       ? work_erase_us(sector.size)
			       : 0;
	case BOARD_WORK_MASS_ERASE:
	case BOARD_WORK_UNPROTECT:
		return work_mass_us(board);
	case BOARD_WORK_WRITE:
		return (uint64_t)operation->size * WORK_BYTE_US;
	}
	return 0;
}

static void work_note(struct board *board)
{
	struct board_work *work = &board->work;

	switch (work->kind) {
	case BOARD_WORK_NONE:
	case BOARD_WORK_ADDRESS:
		return;
	case BOARD_WORK_ERASE:
	case BOARD_WORK_MASS_ERASE:
	case BOARD_WORK_UNPROTECT:
		work->step = board_step_add(board, BOARD_STEP_ERASE, work->address, work->size);
		return;
	case BOARD_WORK_WRITE:
		work->step = board_step_add(board, BOARD_STEP_WRITE, work->address, work->size);
		return;
	}
}

static void work_target(struct board *board)
{
	struct board_work *work = &board->work;
	struct board_sector sector;

	switch (work->kind) {
	case BOARD_WORK_ERASE:
		if (board_memory_sector(&board->memories[0], work->address, &sector)) {
			work->address = sector.start;
			work->size = sector.size;
		}
		return;
	case BOARD_WORK_MASS_ERASE:
	case BOARD_WORK_UNPROTECT:
		work->address = board->memories[0].groups[0].start;
		work->size = (uint32_t)board->memories[0].size;
		return;
	case BOARD_WORK_NONE:
	case BOARD_WORK_ADDRESS:
	case BOARD_WORK_WRITE:
		return;
	}
}

void board_work_start(struct board *board, const struct board_operation *operation, uint64_t now_us)
{
	uint64_t duration = work_us(board, operation);

	board->work = (struct board_work){
		.kind = operation->kind,
		.address = operation->address,
		.size = operation->size,
		.start = now_us,
		.end = now_us + board_duration(board, duration),
		.corrupt = operation->corrupt,
		.step = SIZE_MAX,
	};
	work_target(board);
	work_note(board);
}

/* AND, and one bit of the block's middle byte the wrong way round if it is to be corrupt. */
static void work_program(struct board *board, uint32_t reached)
{
	struct board_work *work = &board->work;
	struct board_memory *memory = board_memory_find(board, work->address);
	struct board_sector sector;

	for (uint32_t i = (uint32_t)work->counted; memory && i < reached; i++) {
		uint8_t wrong = work->corrupt && i == work->size / 2 ? 1 : 0;

		if (board_memory_sector(memory, work->address + i, &sector)) {
			uint8_t *byte =
				memory->bytes + sector.offset + (work->address + i - sector.start);

			*byte = (uint8_t)((*byte & board->block[i]) ^ wrong);
		}
	}
	board->counts.bytes_written += reached - work->counted;
	work->counted = reached;
}

static void work_erase_done(struct board *board)
{
	struct board_work *work = &board->work;
	struct board_sector sector;

	if (work->counted == 0 &&
		board_memory_sector(&board->memories[0], work->address, &sector)) {
		work_blank(board, &sector, sector.size);
		work->counted = sector.size;
		board->counts.bytes_erased += sector.size;
	}
}

/* Blanks the sectors whose turn is over by then; with half, the one under erase in half. */
static void work_mass_erase(struct board *board, uint64_t now_us, bool half)
{
	uint64_t at = board->work.start, erased = 0;

	for (size_t i = 0; i < board->memories[0].n_groups; i++) {
		const struct board_group *group = &board->memories[0].groups[i];

		for (uint32_t j = 0; (group->access & BOARD_ERASABLE) && j < group->count; j++) {
			uint8_t *bytes =
				board->memories[0].bytes + group->offset + (size_t)j * group->size;
			uint64_t end = at + board_duration(board, work_erase_us(group->size));

			if (end <= now_us || now_us >= board->work.end) {
				memset(bytes, 0xff, group->size);
				erased += group->size;
			} else if (half && at < now_us) {
				memset(bytes, 0xff, group->size / 2);
				erased += group->size / 2;
			}
			at = end;
		}
	}
	board->counts.bytes_erased += erased - board->work.counted;
	board->work.counted = erased;
}

static void work_advance(struct board *board, uint64_t now_us)
{
	struct board_work *work = &board->work;
	uint64_t byte_us = board_duration(board, (uint64_t)work->size * WORK_BYTE_US);

	switch (work->kind) {
	case BOARD_WORK_NONE:
	case BOARD_WORK_ADDRESS:
		return;
	case BOARD_WORK_ERASE:
		if (now_us >= work->end) {
			work_erase_done(board);
		}
		return;
	case BOARD_WORK_MASS_ERASE:
	case BOARD_WORK_UNPROTECT:
		work_mass_erase(board, now_us, false);
		return;
	case BOARD_WORK_WRITE:
		work_program(board, now_us >= work->end ? work->size
							: (uint32_t)((now_us - work->start) *
								     work->size / byte_us));
		return;
	}
}

bool board_work_busy(const struct board *board, uint64_t now_us)
{
	return board->work.kind != BOARD_WORK_NONE && now_us < board->work.end;
}

void board_work_settle(struct board *board, uint64_t now_us)
{
	if (now_us < board->work.start) {
		return;
	}
	work_advance(board, now_us);
	if (board->work.kind != BOARD_WORK_NONE && now_us >= board->work.end) {
		board->counts.busy_us += board->work.end - board->work.start;
		if (board->work.kind == BOARD_WORK_UNPROTECT) {
			board->options.read_protected = false;
		}
		board->work.kind = BOARD_WORK_NONE;
	}
}

/* The half of a sector that was under erase. */
static void work_cut_erase(struct board *board)
{
	struct board_sector sector;

	if (board_memory_sector(&board->memories[0], board->work.address, &sector)) {
		work_blank(board, &sector, sector.size / 2);
		board->work.counted = sector.size / 2;
		board->counts.bytes_erased += sector.size / 2;
	}
}

void board_work_cut(struct board *board, uint64_t now_us)
{
	struct board_work *work = &board->work;

	board_work_settle(board, now_us);
	if (work->kind == BOARD_WORK_NONE) {
		return;
	}
	if (now_us > work->start) {
		if (work->kind == BOARD_WORK_ERASE) {
			work_cut_erase(board);
		} else if (work->kind != BOARD_WORK_WRITE) {
			work_mass_erase(board, now_us, true);
		}
		board->counts.busy_us += now_us - work->start;
	}
	work_set_step_size(board, (uint32_t)work->counted);
	work->kind = BOARD_WORK_NONE;
}
