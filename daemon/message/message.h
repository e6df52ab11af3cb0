/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What worker and daemon say to each other over a SOCK_SEQPACKET pair: one message in each packet,
 * as text (record/fields.h). A worker reads hostile devices and files, so the daemon believes
 * nothing but what message_read lets through: closed words, bounded numbers, bounded strings. Pure.
 *
 *   worker: IMAGE (what the file is), FINDING (a line of the plan, several), PLAN (what would be
 *           done; waits for the answer; what is to be saved lies in the backup's file, synced),
 *           PHASE (progress), MARK (a step that cannot be taken back, already in the record),
 *           OUTCOME (the last one)
 *   daemon: GO or STOP, once, after PLAN
 */

/* No flash takes longer, whatever a worker says of it. */
#define MESSAGE_WORST_MAX_MS 3600000

/* Nothing larger is saved: the largest internal flash of any chip here has 4 MiB. */
#define MESSAGE_SAVED_MAX (64u << 20)

#define MESSAGE_VERSION 1
#define MESSAGE_MAX	8192 /* bytes of one packet */

enum message_kind {
	MESSAGE_IMAGE,
	MESSAGE_FINDING,
	MESSAGE_PLAN,
	MESSAGE_PHASE,
	MESSAGE_MARK,
	MESSAGE_OUTCOME,
	MESSAGE_GO,
	MESSAGE_STOP,
	_MESSAGE_KIND_MAX,
	_MESSAGE_KIND_INVALID = -1,
};

struct message {
	enum message_kind kind;

	/* IMAGE; also in OUTCOME of an inspection that refuses the file */
	char format[32];    /* "raw binary" */
	char about[160];    /* what the file says about itself: "Klipper v0.13.0 for stm32f446xx" */
	char certainty[16]; /* of the link address: vector_certainty_to_string */
	uint32_t link;	    /* the link address, where likely or certain */
	char expects[16];   /* USB identity inside the image, "1d50:614e", "" for none */
	uint64_t size;	    /* bytes of the image */
	bool no_usb;	    /* it describes itself, and has no USB */
	char program[32], version[64], mcu[32]; /* the parts of about, "" where not known */
	uint64_t segments;			/* stretches of bytes; 1 for a raw file */
	uint32_t stack;				/* word 0 of the vector table, 0 without one */

	/* FINDING; its sentence is in text */
	char topic[16], result[16]; /* words of record/finding.h */

	/* PLAN */
	uint32_t address;	/* where the first byte goes */
	uint64_t alternate;	/* alternate setting, 0 is the internal flash */
	bool from_image;	/* that is where it was linked, since nobody said where */
	char layout[64];	/* name of the memory */
	uint64_t sectors;	/* of the whole memory */
	uint64_t sectors_erase; /* to be erased */
	uint64_t bytes_erase, bytes_write;
	bool unchanged;
	bool cold_start; /* the first status was dfuERROR/errFIRMWARE */
	uint64_t first_state, first_status;
	uint64_t worst_ms; /* longest that the rest may take */
	bool unverifiable; /* the device cannot be read */
	char base[16];	   /* what starts after a power cycle: message_base below; "" not known */
	char map[256];	   /* the memory's own text: "@Internal Flash  /0x08000000/04*016Kg..." */
	char saved[160];   /* what that which was saved was recognised as */
	uint32_t leave;	   /* where the board is told to start */
	bool stay;	   /* it is not told to leave */
	uint32_t saved_address; /* of what was saved */
	uint64_t saved_size;	/* bytes in the backup's file, 0: nothing is to be saved */

	/* PHASE */
	char phase[16]; /* read, erase, write, verify, leave; in OUTCOME where it failed, or "" */
	uint64_t done, total;

	/* MARK */
	char mark[16]; /* erasing, written, verified, left */

	/* OUTCOME */
	char end[16], reason[32], flash[16], checked_by[16];
	bool left, leave_answered;
	uint32_t at;	/* address that the reason is about */
	char text[320]; /* a sentence for a person: what is wrong and what to do */
	uint64_t sectors_erased, bytes_erased, bytes_written;
	uint64_t erase_ms, write_ms, verify_ms;
};

/* Words of PLAN's base. */
#define MESSAGE_BASE_IMAGE    "image"	 /* the image itself */
#define MESSAGE_BASE_LOADER   "loader"	 /* a boot loader, or what may be one */
#define MESSAGE_BASE_OTHER    "other"	 /* another program, which will not start the image */
#define MESSAGE_BASE_NO_TABLE "no-table" /* the image itself, and the chip cannot start it */
#define MESSAGE_BASE_NOTHING  "nothing"	 /* the board will not start then */

/* Bytes written or -ENOBUFS. */
int message_write(const struct message *message, char *ret, size_t ret_size);

/*
 * 0; -EBADMSG for anything that is not exactly a message of this version. An OUTCOME does not
 * contradict itself: refused and failed have a reason, refused and cancelled have erased nothing,
 * completed has not stopped half-way.
 */
int message_read(struct message *ret, const char *text, size_t size);

const char *message_kind_to_string(enum message_kind kind);
