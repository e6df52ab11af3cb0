/* SPDX-License-Identifier: MIT */

/*
 * The board as a whole: what it is made of, whether it is on the bus and as what, and whom a
 * control request belongs to. Time is a parameter everywhere and only grows; what was due before
 * the time that comes in happens first (settle). Everything that needs hands or an answer of the
 * host happens in the call itself, everything that the board does by itself is the one pending
 * `change`.
 */

#include "board-internal.h"

#include <stdlib.h>
#include <string.h>

#define BOARD_BOOT_MS	 600
#define BOARD_FLAP_UP_US 1000000
#define BOARD_WIRE_US	 300

static const char *const board_layouts[BOARD_ALTERNATES] = {
	"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg",
	"@Option Bytes  /0x1FFFC000/01*016 e",
	"@OTP Memory /0x1FFF7800/01*512 e,01*016 e",
	"@Device Feature/0xFFFF0000/01*004 e",
};

static uint16_t board_or(uint16_t value, uint16_t otherwise)
{
	return value ? value : otherwise;
}

static bool board_copy(const char **text, const char *otherwise)
{
	*text = strdup(*text ? *text : otherwise);
	return *text;
}

static bool board_copy_texts(struct board_options *options)
{
	bool ok = true;

	ok = board_copy(&options->layout, board_layouts[0]) && ok;
	ok = board_copy(&options->serial, "STM32FxSTM32") && ok;
	ok = board_copy(&options->run_product_name, "stm32f446xx") && ok;
	ok = board_copy(&options->run_serial, "3E0036000851313339353335") && ok;
	return ok;
}

static void board_fill_options(struct board_options *options)
{
	if (!options->vendor && !options->product) {
		options->vendor = 0x0483;
		options->product = 0xdf11;
	}
	if (!options->run_vendor && !options->run_product) {
		options->run_vendor = 0x1d50;
		options->run_product = 0x614e;
	}
	options->transfer_size = board_or(options->transfer_size, 2048);
	options->boot_ms = options->boot_ms ? options->boot_ms : BOARD_BOOT_MS;
	options->speedup = options->speedup ? options->speedup : 1;
}

struct board *board_new(const struct board_options *options)
{
	/* 115200 8N1 */
	static const uint8_t line_coding[7] = {0x00, 0xc2, 0x01, 0x00, 0, 0, 8};
	struct board *board = calloc(1, sizeof(*board));
	bool ok;

	if (!board) {
		return NULL;
	}
	board->options = *options;
	ok = board_copy_texts(&board->options);
	board_fill_options(&board->options);
	for (size_t i = 0; ok && i < BOARD_ALTERNATES; i++) {
		ok = board_memory_init(
			&board->memories[i], i == 0 ? board->options.layout : board_layouts[i]);
	}
	board->block = malloc(board->options.transfer_size);
	if (!ok || !board->block) {
		return board_free(board);
	}
	for (size_t i = 0; i < BOARD_MAX_FAULTS; i++) {
		board->faults[i].fault = options->faults[i];
	}
	memcpy(board->line_coding, line_coding, sizeof(line_coding));
	board->change_at = BOARD_NEVER;
	board->work.step = SIZE_MAX;
	return board;
}

struct board *board_free(struct board *board)
{
	if (!board) {
		return NULL;
	}
	for (size_t i = 0; i < BOARD_ALTERNATES; i++) {
		board_memory_done(&board->memories[i]);
	}
	free((char *)board->options.layout);
	free((char *)board->options.serial);
	free((char *)board->options.run_product_name);
	free((char *)board->options.run_serial);
	free(board->block);
	free(board->steps);
	free(board);
	return NULL;
}

uint64_t board_duration(const struct board *board, uint64_t us)
{
	return us / board->options.speedup;
}

void board_change_set(struct board *board, enum board_change change, uint64_t at_us)
{
	board->change = change;
	board->change_at = change == BOARD_CHANGE_NONE ? BOARD_NEVER : at_us;
}

static uint64_t board_boot_us(const struct board *board)
{
	return board_duration(board, board->options.boot_ms * UINT64_C(1000));
}

static void board_appear(struct board *board, enum board_presence presence)
{
	board->presence = presence;
	board->deaf = false;
	board->visits++;
	board->ep0_free = 0;
	board->configuration = 0;
	board->alternate = 0;
	board_dfu_start(board);
}

void board_drop(struct board *board, uint64_t now_us)
{
	board_work_cut(board, now_us);
	board->presence = BOARD_ABSENT;
	board->deaf = false;
	board_change_set(board, BOARD_CHANGE_NONE, 0);
}

/* Runs what the flash holds there; strapped says what the ROM does where it holds nothing. */
static void board_run(struct board *board, uint64_t now_us, uint32_t address, bool strapped)
{
	switch (board->options.boot) {
	case BOARD_BOOTS_FLASH:
	case BOARD_STAYS:
		if (board_memory_bootable(&board->memories[0], address)) {
			board_appear(board, BOARD_RUNTIME);
		} else if (strapped) {
			board_appear(board, BOARD_DFU);
		}
		return;
	case BOARD_BOOTS_DFU:
		board_appear(board, BOARD_DFU);
		return;
	case BOARD_BOOTS_GONE:
		return;
	case BOARD_FLAPS:
		board_appear(board, BOARD_RUNTIME);
		board_change_set(board, BOARD_CHANGE_FLAP_DOWN,
			now_us + board_duration(board, BOARD_FLAP_UP_US));
		return;
	case BOARD_BOOTS_DEAF:
		board_appear(board, BOARD_RUNTIME);
		board->deaf = true;
		return;
	}
}

static void board_change_happen(struct board *board)
{
	enum board_change change = board->change;
	uint64_t at = board->change_at;

	board_change_set(board, BOARD_CHANGE_NONE, 0);
	switch (change) {
	case BOARD_CHANGE_NONE:
		return;
	case BOARD_CHANGE_LEAVE:
		board_drop(board, at);
		board_change_set(board, BOARD_CHANGE_BOOT, at + board_boot_us(board));
		return;
	case BOARD_CHANGE_RESTRAP:
		board_drop(board, at);
		board_change_set(board, BOARD_CHANGE_DFU, at + board_boot_us(board));
		return;
	case BOARD_CHANGE_BOOT:
	case BOARD_CHANGE_FLAP_UP:
		board_run(board, at, board->dfu.pointer, true);
		return;
	case BOARD_CHANGE_DFU:
		board_appear(board, BOARD_DFU);
		return;
	case BOARD_CHANGE_FLAP_DOWN:
		board_drop(board, at);
		board_change_set(board, BOARD_CHANGE_FLAP_UP, at + board_boot_us(board));
		return;
	}
}

static void board_start(struct board *board)
{
	bool runs = board->options.plain ||
		    (board->options.runs_at_start &&
			    board_memory_bootable(&board->memories[0], board_flash_base(board)));

	board->started = true;
	board_appear(board, runs ? BOARD_RUNTIME : BOARD_DFU);
}

static void board_settle(struct board *board, uint64_t now_us)
{
	if (!board->started) {
		board_start(board);
	}
	while (board->change_at <= now_us) {
		board_work_settle(board, board->change_at);
		board_change_happen(board);
	}
	board_work_settle(board, now_us);
}

enum board_presence board_presence(struct board *board, uint64_t now_us, uint32_t *ret_visits)
{
	board_settle(board, now_us);
	if (ret_visits) {
		*ret_visits = board->visits;
	}
	return board->presence;
}

bool board_is_deaf(const struct board *board)
{
	return board->deaf;
}

uint64_t board_next_change(const struct board *board, uint64_t now_us)
{
	if (!board->started) {
		return now_us;
	}
	return board->change_at == BOARD_NEVER || board->change_at > now_us ? board->change_at
									    : now_us;
}

void board_reset(struct board *board, uint64_t now_us)
{
	board_settle(board, now_us);
	if (board->presence == BOARD_ABSENT) {
		return;
	}
	board->configuration = 0;
	board->alternate = 0;
	board_dfu_start(board);
}

void board_unplug(struct board *board, uint64_t now_us)
{
	board_settle(board, now_us);
	board_drop(board, now_us);
}

void board_plug(struct board *board, uint64_t now_us, bool dfu)
{
	board_settle(board, now_us);
	board_drop(board, now_us);
	if (board->options.plain) {
		board_appear(board, BOARD_RUNTIME);
	} else if (dfu) {
		board_appear(board, BOARD_DFU);
	} else {
		board_run(board, now_us, board_flash_base(board), false);
	}
}

/* When the control endpoint comes to a request that is sent now. */
static uint64_t board_ep0_time(const struct board *board, uint64_t now_us)
{
	uint64_t t = now_us > board->ep0_free ? now_us : board->ep0_free;

	return board->work.kind != BOARD_WORK_NONE && board->work.end > t ? board->work.end : t;
}

enum board_answer board_control(struct board *board, uint64_t now_us,
	const struct board_setup *setup, uint8_t *data, uint16_t *ret_length, uint64_t *ret_at_us)
{
	enum board_answer answer;
	uint64_t at;

	board_settle(board, now_us);
	*ret_length = 0;
	*ret_at_us = now_us;
	if (board->presence == BOARD_ABSENT) {
		return BOARD_GONE;
	}
	if (board->deaf) {
		return BOARD_SILENT;
	}
	at = board_ep0_time(board, now_us);
	if (board->presence == BOARD_DFU &&
		(setup->type == BOARD_DFU_TYPE_IN || setup->type == BOARD_DFU_TYPE_OUT)) {
		answer = board_dfu_control(board, now_us, setup, data, ret_length, &at);
	} else {
		answer = board_standard_control(board, setup, data, ret_length);
		at += board_duration(board, BOARD_WIRE_US);
	}
	if (answer == BOARD_ACK || answer == BOARD_STALL) {
		board->ep0_free = at;
		*ret_at_us = at;
	}
	return answer;
}

uint8_t *board_flash(struct board *board, size_t *ret_size)
{
	if (ret_size) {
		*ret_size = board->memories[0].size;
	}
	return board->memories[0].bytes;
}

uint32_t board_flash_base(const struct board *board)
{
	return board->memories[0].groups[0].start;
}

const struct board_counts *board_counts(const struct board *board)
{
	return &board->counts;
}

const struct board_step *board_steps(const struct board *board, size_t *ret_n)
{
	*ret_n = board->n_steps;
	return board->steps;
}

void board_forget(struct board *board)
{
	board->counts = (struct board_counts){0};
	board->n_steps = 0;
	board->work.step = SIZE_MAX;
}

void board_set_boot(struct board *board, enum board_boot boot)
{
	board->options.boot = boot;
}
