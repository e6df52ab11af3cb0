/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "board.h"

/*
 * What every front of the simulated board has in common: the command line, the commands that it
 * takes while it runs, the log of what happened, and the flash in a file. Failures are negative
 * errno; the sentence about a wrong argument or command goes where it was asked for.
 */

enum board_start {
	BOARD_START_DFU,
	BOARD_START_RUNTIME,
	BOARD_START_ABSENT,
	_BOARD_START_MAX,
	_BOARD_START_INVALID = -1,
};

struct board_arguments {
	struct board_options options;
	enum board_start start;
	size_t n_faults;
	const char *flash; /* file with the first content of the flash, from its base on */
	const char *dump;  /* file that gets the flash at each change of presence and at the end */
	const char *log;   /* file that gets a line for each event */
	const char *control; /* path of the socket for commands */
};

#define BOARD_ARGUMENTS_INIT                                                                       \
	{                                                                                          \
		.start = BOARD_START_DFU                                                           \
	}

/* The options below, with a line of help for each. */
extern const char board_arguments_usage[];

/*
 * Takes the option at argv[*index] with its value ("--boot dfu" or "--boot=dfu") and moves *index
 * behind it: 1. Not one of the shared options: 0. A bad or missing value, told on stderr: -EINVAL.
 * Keeps pointers into argv.
 */
int board_arguments_take(struct board_arguments *arguments, int argc, char **argv, int *index);

/* The board with its flash loaded, plugged in at now_us or not as `start` says. */
int board_arguments_build(
	const struct board_arguments *arguments, uint64_t now_us, struct board **ret);

/* "kind,request,command,nth,times,value"; what is left out is any, any, 0, all, 0. */
int board_fault_parse(const char *text, struct board_fault *ret);
int board_boot_parse(const char *text, enum board_boot *ret);
/* "0483:df11" */
int board_id_parse(const char *text, uint16_t *ret_vendor, uint16_t *ret_product);

/* Raw, from flash base on; a dump is written beside the path and renamed. */
int board_flash_load(struct board *board, const char *path);
int board_flash_dump(struct board *board, const char *path);

/*
 * One command line; the answer ends in a line "ok" or "error ...". True for `quit`.
 *
 *   presence            absent, dfu or run-time; visits=N; deaf
 *   unplug | plug dfu | plug run
 *   boot flash|dfu|gone|stays|flaps|deaf
 *   fault SPEC [SLOT]   SPEC as for the option; "fault none" disarms the slot
 *   counts              one "name=value" a line
 *   steps               one "erase|write|read|leave 0xADDRESS SIZE" a line
 *   forget              counts and steps from zero
 *   dump FILE, load FILE
 *   quit
 */
bool board_command(struct board *board, uint64_t now_us, const char *line, FILE *answer);

/* Follows a board and tells each event once. */
struct board_watch {
	FILE *log;	  /* or NULL */
	const char *dump; /* or NULL */
	enum board_presence presence;
	uint32_t visits;
	uint64_t leaves;
};

#define BOARD_WATCH_INIT                                                                           \
	{                                                                                          \
		.presence = BOARD_ABSENT                                                           \
	}

int board_watch_init(struct board_watch *watch, const struct board_arguments *arguments);
/* Brings the board to now_us. Lines: "SECONDS attached dfu|run-time visit=N", "leave", "detached".
 */
void board_watch_look(struct board_watch *watch, struct board *board, uint64_t now_us);
/* A last line with all counts, and a last dump. */
void board_watch_done(struct board_watch *watch, struct board *board, uint64_t now_us);
