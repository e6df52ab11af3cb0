/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfu/layout.h"

/*
 * Which chips a device in DFU mode can be, as its own memory layout shows: enough to tell an image
 * that was built for another chip. Only what is certain is said, so a chip here is the union of all
 * that have the same layout, with windows rounded up: no right image is ever denied. Pure.
 */

#define CHIP_MAX_FAMILIES 16
#define CHIP_MAX_STACKS	  8

struct chip_stack {
	uint32_t start, end; /* a stack pointer is above start, at most end */
};

struct chip {
	const char *description;		   /* "STM32F2, F4 or F72/F73" */
	const char *families[CHIP_MAX_FAMILIES];   /* names begin so; NULL behind the last */
	struct chip_stack stacks[CHIP_MAX_STACKS]; /* end 0 behind the last */
};

/*
 * False where nothing certain is known, as for everything but the ROM of an STM32. The layout is
 * that of the first of n_alternates.
 */
bool chip_find(const struct chip **ret, uint16_t vendor, uint16_t product,
	const struct layout *layout, size_t n_alternates);

/* Whether the chip can start with this stack pointer. */
bool chip_has_stack(const struct chip *chip, uint32_t stack_pointer);

/*
 * Whether the chip can be an MCU of that name ("stm32f446xx"). True also for a name that cannot be
 * judged: of a maker who copies STM32, or of a family that is not known here.
 */
bool chip_is_mcu(const struct chip *chip, const char *mcu);
