/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "dfud/arrival.h"

/*
 * The queue folder: which of the files that people drop are jobs now. Flat; dot-files, *.part,
 * *.tmp, *~ and what goes with a job are no jobs: sidecars (*.sha256, *.minisig, also before their
 * file is there) and the names that dfud itself uses beside it (record, report.txt). A file that
 * was moved in is a job at once; one written in place when `quiet` has passed since its last close
 * without a change of size and ctime; one found by a scan after five times that; one created and
 * never closed after sixty times that. What is no job for its kind or its links is said after
 * `quiet` too, so that `ln` and `rm` of the old name work as a move. Any inotify event only means
 * "look again"; an overflow means a scan.
 *
 * Nothing here opens a file's content, moves it or logs.
 */

struct queue;

struct queue_file {
	const char *name; /* in the folder; any bytes but '/' and NUL */
	dev_t device;
	ino_t inode;
	uint64_t size;
	int64_t mtime_ns; /* kept by a rename: with inode and size it is the job's identity */
	uid_t owner;
	uint64_t arrived_us; /* CLOCK_REALTIME; ctime for a file that was there at start */
};

struct queue_events {
	/* A file became a job. file is borrowed for the call. */
	void (*arrived)(void *user, const struct queue_file *file);
	/* A job's file is no longer there under that name, or is another now (arrived follows). */
	void (*left)(void *user, const char *name, ino_t inode);
	/* Something lies there that cannot be a job; said once until it changes. It stays. */
	void (*refused)(void *user, const char *name, enum queue_fault fault);
	/*
	 * Something happened to a sidecar of the file that has this name, whether or not that is
	 * there; NULL: events were lost, it may be any file's. May be NULL.
	 */
	void (*companion)(void *user, const char *name);
	/*
	 * The folder can no longer be watched: -ESTALE where it was removed, moved or unmounted,
	 * another -errno where it could not be read. Said once; no other callback follows, no job
	 * is told to have left. May be NULL.
	 */
	void (*failed)(void *user, int error);
};

/*
 * Watches the folder behind folder_fd (borrowed, must stay open) and scans it once the event loop
 * runs. events is copied. Callbacks come from the loop, one in each turn, never from within a
 * function below; they may call any of these, queue_free too. 0 or -errno.
 */
int queue_new(struct queue **ret, sd_event *event, int folder_fd, uint64_t quiet_ms,
	const struct queue_events *events, void *user);
struct queue *queue_free(struct queue *queue);

/* Looks at the whole folder again at the next turn of the loop. */
void queue_scan(struct queue *queue);
void queue_set_quiet(struct queue *queue, uint64_t quiet_ms);

/*
 * The daemon moved the file away by itself (claim, settle): forget it without `left`.
 */
void queue_forget(struct queue *queue, const char *name);

/* "not-regular", "linked", "unreadable" */
const char *queue_fault_to_string(enum queue_fault fault);
