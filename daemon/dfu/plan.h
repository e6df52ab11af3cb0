/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfu/layout.h"

/*
 * What will be read, erased and written, and in which order. Made before anything is touched
 * (plan_make), completed once the flash was read (plan_decide). Pure.
 *
 * The image's segments are laid out in spans: a span begins at the start of the first sector that
 * it touches, so that what lies in that sector before the image is read and written back; what lies
 * behind the image in its last sector becomes 0xFF.
 */

struct plan_segment {
	uint32_t address, size; /* ascending, not overlapping, size never 0 */
	const uint8_t *data;	/* borrowed: must outlive plan_make only */
};

struct plan_range {
	uint32_t first, last; /* inclusive */
};

struct plan_request {
	const struct layout *layout;
	const struct plan_segment *segments;
	size_t n_segments;
	const struct plan_range *protects; /* never erased, never written */
	size_t n_protects;
	uint16_t transfer_size; /* bytes of a block, 8..4096 */
	uint16_t granule; /* the device writes in multiples of it; a tail is padded with 0xFF */
	bool can_read;
	uint32_t look, look_size; /* read besides, if anything can be read; size 0: nothing */
};

enum plan_fault {
	PLAN_GOOD,
	PLAN_OUTSIDE_MAP,  /* a byte lies in no sector */
	PLAN_NOT_WRITABLE, /* a sector that the device does not let write or erase */
	PLAN_MID_SECTOR,   /* the image begins within a sector whose beginning cannot be kept */
	PLAN_PROTECTED,	   /* a sector concerned holds a protected byte */
	_PLAN_FAULT_MAX,
	_PLAN_FAULT_INVALID = -1,
};

/* A contiguous run of bytes to read, write or compare; points into the plan's own memory. */
struct plan_run {
	uint32_t address, size;
	uint8_t *data;
};

struct plan_sector {
	uint32_t start, size;
	bool erase; /* decided by plan_decide */
};

struct plan_span;

struct plan {
	struct plan_sector *sectors; /* concerned, ascending */
	size_t n_sectors;
	struct plan_run *reads; /* before the decision; data receives what is there */
	size_t n_reads;

	/* from plan_save on */
	struct plan_run saved;	/* what is to be kept elsewhere before it is erased; size 0: none */
	struct plan_run *saves; /* the parts of it that are not known yet */
	size_t n_saves;

	/* from plan_decide on */
	bool decided, unchanged;
	uint32_t *erases; /* sector starts, in the order of erasing */
	size_t n_erases;
	struct plan_run *bodies; /* all but the first block of each segment, ascending */
	size_t n_bodies;
	struct plan_run *heads; /* the first blocks, lowest address last */
	size_t n_heads;
	uint64_t bytes_erased;	/* of all sectors in erases */
	uint64_t bytes_written; /* of the image and of what is kept; padding does not count */

	/* inner */
	struct plan_span *spans;
	size_t n_spans;
	struct plan_run look;	       /* what was asked to be looked at, size 0: nothing */
	struct plan_segment *segments; /* address and size only */
	size_t n_segments;
	uint16_t transfer_size, granule;
	bool can_read; /* the device can be read, and every sector concerned */
};

#define PLAN_INIT                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}

/*
 * 0 with *ret_fault PLAN_GOOD and a plan; 0 with another fault, *ret_address the first byte that it
 * is about and no plan; -ENOMEM. Memory in proportion to the image and the sectors that it touches.
 */
int plan_make(struct plan *ret, const struct plan_request *request, enum plan_fault *ret_fault,
	uint32_t *ret_address);
void plan_done(struct plan *plan);

/*
 * Completes the plan from what the reads found; a device that cannot be read is taken to differ
 * everywhere. 0 or -ENOMEM.
 */
int plan_decide(struct plan *plan);

/*
 * After plan_decide: lays out what is to be saved, which is everything from the first to the last
 * sector that will be erased, or the whole memory that lies around it without a gap; nothing where
 * nothing is erased. Once the saves were read, saved holds it. 0; -ENOMEM; -ENXIO where some of it
 * cannot be read, -EFBIG where it is more than PLAN_SAVE_MAX (nothing is laid out then).
 */
#define PLAN_SAVE_MAX (64u << 20)
int plan_save(struct plan *plan, const struct layout *layout, bool whole);

/* Longest that erasing and writing may take on any known chip, for deadlines. */
uint64_t plan_worst_ms(const struct plan *plan);

const char *plan_fault_to_string(enum plan_fault fault); /* "outside-map", ...: a DFUD_REASON */

/*
 * What was found at an address before anything was erased: *ret_size bytes are known there (0 and
 * NULL for none).
 */
const uint8_t *plan_found(const struct plan *plan, uint32_t address, uint32_t *ret_size);
