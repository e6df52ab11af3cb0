/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * When a file in the queue folder is a job. One struct arrival for each name; the caller looks at
 * the file (stat) and says what it saw and why it looked. No I/O and no clock: times are arguments.
 */

/* Why what lies there cannot be a job. */
enum queue_fault {
	QUEUE_NOT_REGULAR, /* folder, FIFO, socket, device */
	QUEUE_LINKED,	   /* symbolic link, or more than one name */
	QUEUE_UNREADABLE,  /* may not be opened by us */
	_QUEUE_FAULT_MAX,
};

/* What had happened to the name before the look; of several, arrival_sign_join says which counts.
 */
enum arrival_sign {
	ARRIVAL_LOOKED,	 /* nothing that tells how it came: time has passed, attributes, removal */
	ARRIVAL_FOUND,	 /* found by a scan, events may have been missed */
	ARRIVAL_WRITTEN, /* created or written to: somebody may have it open */
	ARRIVAL_CLOSED,	 /* closed after writing */
	ARRIVAL_MOVED,	 /* moved in, complete */
	_ARRIVAL_SIGN_MAX,
};

struct arrival_look {
	dev_t device;
	ino_t inode;
	uint64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
	enum queue_fault fault; /* _QUEUE_FAULT_MAX: none */
};

enum arrival_state {
	ARRIVAL_NEW, /* never looked at */
	ARRIVAL_WAITING,
	ARRIVAL_JOB,
	ARRIVAL_REFUSED,
	_ARRIVAL_STATE_MAX,
};

enum arrival_effect {
	ARRIVAL_NOTHING,
	ARRIVAL_BECAME_JOB,
	ARRIVAL_WAS_REFUSED,
	ARRIVAL_LEFT, /* it was a job and is no more; what lies there now waits */
	_ARRIVAL_EFFECT_MAX,
};

struct arrival {
	enum arrival_state state;
	enum arrival_sign way; /* never ARRIVAL_LOOKED once it waits */
	struct arrival_look look;
	uint64_t since_us; /* of the last sign or change */
};

#define ARRIVAL_INIT                                                                               \
	{                                                                                          \
		.state = ARRIVAL_NEW                                                               \
	}

/* Whether a file of this name can be a job: not hidden, not temporary, not a companion of a job. */
bool arrival_name_is_job(const char *name);

/* How long the name of the file is that a sidecar goes with; 0 where the name is no sidecar's. */
size_t arrival_sidecar_of(const char *name);

/* The endings of sidecars, with a NULL at the end. */
extern const char *const arrival_sidecars[];

/* Which of two signs between two looks counts, `later` having come after `sooner`. */
enum arrival_sign arrival_sign_join(enum arrival_sign sooner, enum arrival_sign later);

/* The file was looked at. At most one effect; after ARRIVAL_LEFT ask arrival_due again. */
enum arrival_effect arrival_see(struct arrival *arrival, enum arrival_sign sign,
	const struct arrival_look *look, uint64_t quiet_us, uint64_t now_us);

/* Nothing lies under the name: ARRIVAL_LEFT if that was a job, else ARRIVAL_NOTHING. */
enum arrival_effect arrival_gone(struct arrival *arrival);

/* When to look again though nothing happens; UINT64_MAX: never. */
uint64_t arrival_due(const struct arrival *arrival, uint64_t quiet_us);
