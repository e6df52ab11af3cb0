/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "board/board.h"
#include "host.h"
#include "inbox.h"

/*
 * A test bed: the real daemon as a process, with folders, a configuration, a USB and a journal of
 * its own, on any machine. Journal entries are what a test waits for, never time.
 *
 * Functions that give an int return 0 or -errno.
 */

struct bed {
	char root[64]; /* everything lies below; removed by bed_free() unless DFUD_BED_KEEP is set
			*/
	struct host *host;
	struct inbox *inbox;
	const char *program; /* what bed_start() runs: the daemon */
	pid_t daemon;	     /* 0: not running */
	bool terminal; /* no journal listens: the daemon's sentences go to its stderr, which is ours
			*/
	size_t mark;   /* entries before it are of the past: bed_forget() */
};

#define BED_SPEEDUP 20

/*
 * The shipped profiles of conf/ are in force, besides what bed_configure() writes. dfud.conf is
 * BED_SETTINGS: files that a scan finds, as at the daemon's start, are jobs after 0.5 s.
 */
#define BED_SETTINGS "[Queue]\nQuiet=100ms\n"
int bed_new(struct bed **ret);
/* Kills what still runs. */
struct bed *bed_free(struct bed *bed);

/* ROOT/FOLDER/NAME, whole. folder: "etc/boards.d", "state/queue" ... */
int bed_write(
	struct bed *bed, const char *folder, const char *name, const void *bytes, size_t size);
int bed_configure(struct bed *bed, const char *folder, const char *name, const char *text);

/* Moves a file with these bytes into the queue: a job at once. */
int bed_drop(struct bed *bed, const char *name, const void *bytes, size_t size);

/* Starts the daemon and waits until it says READY=1. */
int bed_start(struct bed *bed);
/* The same for a daemon that is expected to end by itself: its exit status as waitpid() gives it.
 */
int bed_run(struct bed *bed);
/* The exit status as waitpid() gives it, after the signal (0: none) was sent. -errno, -ETIME. */
int bed_stop(struct bed *bed, int signal);

/* In a child: the program that it executes next lives on the bed, and ends with the test. */
void bed_enter(const struct bed *bed);

/* A board with BED_SPEEDUP where the options name no other. NULL: the truth of an F446. */
struct host_port *bed_board(
	struct bed *bed, const char *port, const struct board_options *options, bool plugged);
bool bed_flash_equals(
	struct bed *bed, struct host_port *port, uint32_t address, const void *bytes, size_t size);
/* The board's counts now. */
struct board_counts bed_counts(struct bed *bed, struct host_port *port);

/*
 * The first journal entry since the mark with all these fields (see inbox_wait()); where none comes
 * in time, everything that was said goes to stderr, and NULL comes back.
 */
const struct entry *bed_wait_fields(struct bed *bed, const char *const *fields);
#define bed_wait(bed, ...) bed_wait_fields(bed, (const char *const[]){__VA_ARGS__, NULL})
#define bed_count(bed, ...)                                                                        \
	inbox_count_matching((bed)->inbox, (bed)->mark, (const char *const[]){__VA_ARGS__, NULL})
/* What comes from now on only. */
void bed_forget(struct bed *bed);
void bed_print_journal(struct bed *bed);

/*
 * Whether "queue", "done" or "failed" holds a file of that name; in the latter two it lies in a
 * folder of its own. ret_path, NULL allowed, receives where. bed_wait_file() waits for it.
 */
bool bed_has_file(
	struct bed *bed, const char *folder, const char *name, char *ret_path, size_t path_size);
bool bed_wait_file(struct bed *bed, const char *folder, const char *name);

/* ms, as long as anything here may take; longer with DFUD_BED_PATIENCE (a factor, for valgrind). */
unsigned bed_patience(void);
