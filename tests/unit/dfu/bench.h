/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "dfu/session.h"
#include "in-process.h"

/*
 * A session on a simulated board, watched: what was sent, in which order, and what the board's
 * flash really holds. For tests.
 */

enum bench_end {
	BENCH_ENDED,
	BENCH_HUNG,   /* longer than BENCH_LIMIT_US of virtual time */
	BENCH_KILLED, /* at bench->kill_at */
};

/* No conversation of these tests may take longer, whatever the board does. */
#define BENCH_LIMIT_US (UINT64_C(3600) * 1000000)

struct bench {
	struct board *board;
	struct in_process front;
	struct layout layout;
	struct plan plan;
	struct session session;
	uint32_t address, size; /* the image's */
	uint8_t *image, *before;
	uint8_t *flash; /* the board's own */
	uint32_t base;
	size_t flash_size;

	bool save, whole; /* what will be erased is saved first */
	bool stay;	  /* not told to leave */
	uint32_t leave;	  /* told to leave to there; 0: to the image */
	uint64_t kill_at; /* the worker dies instead of this transfer, from 1; 0: never */

	/* what was seen */
	uint64_t transfers;
	enum session_mark marks[16];
	size_t n_marks;
	unsigned looks, asks, alternates;
	uint16_t alternate;
	unsigned early;	 /* downloads of commands but SET_ADDRESS, or of data, before the answer */
	unsigned clears; /* CLRSTATUS that did not follow a status of dfuERROR */
	unsigned aborts; /* ABORT in a state where it is not legal */
	unsigned blind_leaves; /* leaves that did not follow a SET_ADDRESS to the leave address */
	bool answered;

	/* inner */
	uint8_t state; /* that the board told last */
	bool pointed;  /* the last request but GETSTATUS was SET_ADDRESS to the leave address */
};

/*
 * A board of these options with random bytes in its flash, a random image of that size for that
 * address, a plan and a session that leaves to the image's address. Asserts that it worked.
 */
void bench_init(struct bench *b, const struct board_options *options, uint32_t address,
	uint32_t size, uint64_t seed);
/* Before bench_run: so many bytes of flash base are looked at, too. */
void bench_look_at_base(struct bench *b, const struct board_options *options, uint32_t size);
void bench_done(struct bench *b);

/* Puts the image into the board's flash, as if flashed before. */
void bench_preload(struct bench *b);

/* Carries the session out, answering with go or stop. */
enum bench_end bench_run(struct bench *b, bool go);

/* Lets the board end what it is doing, after the worker is gone. */
void bench_let_rest(struct bench *b);

/* The board holds the image, kept what lies before it, and nothing strange behind. */
bool bench_is_flashed(const struct bench *b);
bool bench_is_untouched(const struct bench *b);
/* Nothing but sectors of the image has changed. */
bool bench_is_tidy(const struct bench *b);
bool bench_has_mark(const struct bench *b, enum session_mark mark);
