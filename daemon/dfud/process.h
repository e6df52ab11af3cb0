/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "message/message.h"

/*
 * One running worker: a process, its socket, its deadline. What it says arrives as checked
 * messages; how it ends arrives once. fork is followed by exec; the worker inherits nothing but
 * what is named here.
 */

struct process;

enum process_end {
	PROCESS_EXITED,	  /* by itself: what it said counts */
	PROCESS_CRASHED,  /* by a fault of its own: a signal that says so, or an unknown status */
	PROCESS_UNABLE,	  /* could not do its work on this computer: not started, wrong arguments,
			     no memory, killed from outside */
	PROCESS_DEADLINE, /* past its deadline: killed by us */
};

struct process_events {
	void (*message)(void *user, const struct message *message);
	/* The worker is gone. The process may be freed in here. */
	void (*ended)(void *user, enum process_end end);
};

struct process_start {
	const char *program; /* path of dfud-flash */
	const char *const
		*args; /* NULL-terminated, without the program and the descriptors' options */
	int image_fd;  /* borrowed */
	int record_fd; /* borrowed, -EBADF for none */
	int backup_fd; /* likewise */
	uint64_t deadline_ms; /* from now; process_extend changes it */
};

/* 0 or -errno; then nothing was started. */
int process_start(struct process **ret, sd_event *event, const struct process_start *start,
	const struct process_events *events, void *user);

/* GO or STOP. A worker that is gone already does not hear it; `ended` says so. */
void process_answer(struct process *process, bool go);

/* The worker may run that long from now on; then it is killed. */
void process_extend(struct process *process, uint64_t deadline_ms);

/*
 * Forgets the worker. It runs on if it still lives (a daemon that stops waits for none by this);
 * the loop reaps it when it ends.
 */
struct process *process_free(struct process *process);
