/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The note beside a backup: what the saved bytes are, where they were, and what took their place.
 * Text: see fields.h; the first line is "Format=1". Pure.
 */

#define BACKUP_FORMAT	1
#define BACKUP_MAX	8192		     /* bytes of a whole note */
#define BACKUP_SIZE_MAX ((uint64_t)64 << 20) /* bytes that one backup can hold */

struct backup {
	uint64_t format;
	char sha256[65]; /* of the bytes saved, lower-case hexadecimal */
	uint32_t address;
	uint64_t alternate; /* alternate setting, 0 is the internal flash */
	uint64_t size;	    /* of the bytes saved */
	uint64_t when_us;   /* CLOCK_REALTIME */
	char usb_id[16];    /* 0483:df11 */
	char serial[128];
	char port[64];	   /* sysfs name, good for one boot of the host */
	char path[128];	   /* ID_PATH */
	char profile[256]; /* under which it was saved; several, of boards with the same bytes: a/b
			    */
	char layout[256];  /* alternate 0's whole string */
	char found[160];   /* what the bytes were recognised as */
	char attempt[33];  /* which replaced them */
	char file[256];	   /* with which file */
};

#define BACKUP_INIT                                                                                \
	{                                                                                          \
		.format = BACKUP_FORMAT                                                            \
	}

#define BACKUP_PROFILES "/" /* parts the names of several, which hold none */

/*
 * The same bytes were saved before, of another board with the same memory perhaps: from now on the
 * note speaks of both. Its profiles are added, and what the boards do not share (port, path,
 * serial) is left empty. A note of another place or another memory is not the same: nothing of it
 * is taken.
 */
void backup_merge(struct backup *backup, const struct backup *earlier);

/* profiles: backup::profile. */
bool backup_is_of_profile(const char *profiles, const char *name);

/* Bytes written or -ENOBUFS. */
int backup_write(const struct backup *backup, char *ret, size_t ret_size);
/*
 * 0; -EBADMSG for what is no note or a cut one, has a bad line, no digest, a size of 0 or beyond
 * BACKUP_SIZE_MAX, or bytes beyond the end of 32-bit addresses; -EPROTONOSUPPORT for a newer
 * format: leave it alone. *ret is changed only on success.
 */
int backup_read(struct backup *ret, const char *text, size_t size);
