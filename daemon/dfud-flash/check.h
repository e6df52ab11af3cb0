/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/dictionary.h"
#include "firmware/image.h"
#include "firmware/program.h"
#include "firmware/vector.h"
#include "record/finding.h"
#include "record/reason.h"

/*
 * What is known of the file before anything is erased, and whether it may go to an address. No I/O.
 * The sentences are complete: what is wrong, with the numbers, and what to do.
 */

struct check_file {
	const char *name; /* for a person, already safe to print */
	bool as_saved;	  /* the bytes of a backup: not judged, they were on a board before */
	struct image image;
	enum image_fault fault;
	struct vector_facts vector;
	struct dictionary dictionary; /* zeroed where there is none */
	struct program program;	      /* what it says of itself */
	enum dictionary_usb usb;
	uint16_t usb_vendor, usb_product;
};

#define CHECK_FILE_INIT                                                                            \
	{                                                                                          \
		.image = IMAGE_INIT, .vector = VECTOR_FACTS_INIT                                   \
	}

/* Reads the file's bytes (borrowed, must outlive ret). 0 or -ENOMEM. */
int check_read(
	struct check_file *ret, const char *name, const uint8_t *bytes, size_t size, bool as_saved);
void check_done(struct check_file *file);

/* Whether the file can be flashed to any board at all. */
enum reason check_itself(const struct check_file *file, char *text, size_t size);

/*
 * Where a file without addresses goes: the address asked for, else its link address if that is
 * certain. Places the image. certain: only what is proven may pass (shipped profiles).
 */
enum reason check_address(struct check_file *file, bool has_address, uint32_t address, bool certain,
	uint32_t *ret_address, char *text, size_t size);

/* The same as a line of the plan, where check_address had nothing against it. */
enum finding_result check_address_finding(
	const struct check_file *file, bool has_address, uint32_t address, char *text, size_t size);

/*
 * Whether it was built for the chip (NULL: not known which): GOOD, UNKNOWN or REFUSED, with the
 * sentence.
 */
struct chip;
enum finding_result check_chip(
	const struct check_file *file, const struct chip *chip, char *text, size_t size);

/* "Klipper v0.13.0-730 for stm32f446xx", "" where the file says nothing. */
void check_about(const struct check_file *file, char *ret, size_t size);
