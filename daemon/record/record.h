/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The record of one attempt: what the daemon wrote before the worker began, and the lines that the
 * worker appended at each step that cannot be taken back. It outlives both. Text: see fields.h; the
 * first line is "Format=1". Pure.
 */

#define RECORD_FORMAT 1
#define RECORD_MAX    8192 /* bytes of a whole record */

struct record {
	uint64_t format;
	char id[33];
	char profile[256];
	char port[64];	 /* sysfs name, good for one boot of the host */
	char boot[37];	 /* boot id of the host that wrote it */
	char path[128];	 /* ID_PATH */
	char usb_id[16]; /* 0483:df11 */
	char serial[128];
	char file[256];			/* name in the queue */
	uint64_t inode, mtime_ns, size; /* the job's identity */
	uint64_t owner;			/* uid of the file */
	char sha256[65];
	char expect[256]; /* ids as in a profile, blank separated; "none"; "" for any */
	uint64_t within_ms;
	bool stay;	       /* not told to leave DFU mode */
	uint64_t number;       /* which attempt of this job, from 1 */
	uint64_t max_attempts; /* MaxAttempts= of the profile */
	char first_backup[65]; /* of what an earlier attempt of this job found, "" for none */
	uint64_t begun_us;     /* CLOCK_REALTIME */
	uint64_t device;       /* bus << 16 | device number of the board, good for one boot */

	/* appended by the worker */
	bool erasing, written, verified, left;
	char end[16], reason[32], flash[16], checked_by[16];
	uint64_t erase_ms, write_ms, verify_ms, bytes_erased, bytes_written;

	/* appended by the daemon before GO: the plan, and what was saved, if anything was */
	uint32_t address;	/* where the file goes */
	uint32_t leave_address; /* where the board is told to start */
	char base[16];		/* MESSAGE_BASE: what starts after a power cycle */
	char backup[65];
	uint32_t backup_address;
	uint64_t backup_size, backup_alternate;
	char backup_map[256];	/* the memory's own text */
	char backup_found[160]; /* what the bytes were recognised as */

	/* appended by the daemon when it has told the verdict */
	char verdict[24];
};

#define RECORD_INIT                                                                                \
	{                                                                                          \
		.format = RECORD_FORMAT                                                            \
	}

/* Bytes written or -ENOBUFS. */
int record_write(const struct record *record, char *ret, size_t ret_size);
/*
 * 0; -EBADMSG for what is no record or has a bad line; -EPROTONOSUPPORT for a newer format: leave
 * it alone. A cut last line is ignored.
 */
int record_read(struct record *ret, const char *text, size_t size);
