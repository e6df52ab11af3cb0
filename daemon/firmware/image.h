/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A firmware file as parsed: bytes at addresses. Pure: no I/O, no clock, no log.
 * The kind is found by content, never by name.
 */

enum image_format {
	IMAGE_RAW, /* no address in the file */
	_IMAGE_FORMAT_MAX,
	_IMAGE_FORMAT_INVALID = -1,
};

/* What is wrong with a file; each word is also a DFUD_REASON. */
enum image_fault {
	IMAGE_GOOD,	  /* nothing */
	IMAGE_EMPTY,	  /* no bytes, or nothing but 0xFF or 0x00 */
	IMAGE_TEXT,	  /* a text file */
	IMAGE_HTML,	  /* a web page, usually a download that went wrong */
	IMAGE_COMPRESSED, /* gzip, zip, xz, zstd, bzip2, 7z, rar ... */
	IMAGE_DAMAGED,	  /* says what it is, but its own check fails */
	IMAGE_FORMAT,	  /* recognised, and not read by this version: ELF, UF2, Intel HEX ... */
	_IMAGE_FAULT_MAX,
	_IMAGE_FAULT_INVALID = -1,
};

struct image_segment {
	uint32_t address;    /* of the first byte; 0 while not addressed */
	uint32_t size;	     /* bytes, never 0; address + size never wraps */
	const uint8_t *data; /* borrowed from the file's bytes */
};

struct image {
	enum image_format format;
	const char *kind;     /* static text: "raw binary", "MCUboot image", "Intel HEX", ... */
	const uint8_t *bytes; /* the whole file, borrowed: it must outlive the image */
	size_t size;
	bool addressed;			/* the file itself says where its bytes belong */
	struct image_segment *segments; /* ascending, not overlapping; owned */
	size_t n_segments;
};

#define IMAGE_INIT                                                                                 \
	{                                                                                          \
		.format = _IMAGE_FORMAT_INVALID                                                    \
	}

/*
 * Reads a file. 0 and a filled image with *ret_fault == IMAGE_GOOD; 0 and another fault (kind is
 * filled, there are no segments); -ENOMEM. Memory in proportion to the file, never to a number in
 * it.
 */
int image_parse(struct image *ret, const uint8_t *bytes, size_t size, enum image_fault *ret_fault);
/* The bytes as they are, whatever they look like: a raw image. 0, -ENOMEM, -EFBIG beyond 32 bits.
 */
int image_take_raw(struct image *ret, const uint8_t *bytes, size_t size);
void image_done(struct image *image);

/* Gives a raw image its place. False where address + size would pass 2^32. */
bool image_place(struct image *image, uint32_t address);

const char *image_format_to_string(enum image_format format);
const char *image_fault_to_string(enum image_fault fault);
