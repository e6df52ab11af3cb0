/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfud/queue.h"
#include "dfud/sidecar.h"
#include "message/message.h"
#include "record/backup.h"

/*
 * The jobs: one arrival of one file in the queue each. A list and its members, no more. Pure but
 * for memory.
 */

enum job_state {
	JOB_NEW,	/* waits for its inspection */
	JOB_UNSIGNED,	/* waits for a signature that may be read */
	JOB_INSPECTING, /* a worker without a board looks at it */
	JOB_READY,	/* good; waits for its board */
	JOB_TAKEN,	/* given to a board */
};

struct job {
	struct job *next; /* jobs::first, in the order of arrival */
	uint64_t id;	  /* counts from 1, never used again */
	enum job_state state;
	char name[256];
	struct queue_file file;	  /* its name points to the array above */
	char sha256[65];	  /* of the bytes that were inspected */
	bool inspected;		  /* image is theirs */
	struct message image;	  /* what the inspection said */
	bool restores;		  /* its bytes are a backup of ours */
	struct backup backup;	  /* then: where they came from */
	struct sidecars sidecars; /* as seen so far */
	bool has_news;		  /* something may have happened to them */
	uint64_t told_us;	  /* sidecars.since_us of when its waiting was said */
	char signer[17];	  /* id of the key that signed it, "" for none */
	uint64_t retry_us;	  /* not before that time (monotonic) */
	bool absent;		  /* taken out of the queue while a board had it */
	unsigned attempts;	  /* that failed or were interrupted */
	char first_backup[65];	  /* of what the first of these found on its board, "" for none */
	char memory[33]; /* the attempt whose record in active/ remembers these, "" for none */
};

struct jobs {
	struct job *first;
	size_t n;
	uint64_t last_id;
};

#define JOBS_INIT                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}

/* Waits for something that may never come: its signature or its board. */
bool job_is_waiting(const struct job *job);

/*
 * A name that only a backup has, and nothing that says where the bytes belong: neither a note nor
 * they themselves (certainty: of their link address). It is refused with that sentence.
 */
bool job_is_lost_backup(const struct job *job, const char *certainty);
#define JOB_LOST_BACKUP                                                                            \
	"it is a backup (its name is its SHA-256), and nothing in the folder backup says where "   \
	"it came from: put its .ini and .bin there first"

/* NULL without memory. */
struct job *jobs_add(struct jobs *jobs, const struct queue_file *file);
/* By name and inode: while an old file of a name is being flashed, a new one may lie in the queue.
 */
struct job *jobs_find(const struct jobs *jobs, const char *name, ino_t inode);
struct job *jobs_find_id(const struct jobs *jobs, uint64_t id);
void jobs_remove(struct jobs *jobs, struct job *job);
void jobs_done(struct jobs *jobs);
