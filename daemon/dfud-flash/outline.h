/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfu/layout.h"
#include "dfu/plan.h"
#include "dfud-flash/base.h"
#include "dfud-flash/device.h"

/* What will be done with a board, in words: one function for each line of the plan. No I/O. */

struct outline_work {
	const struct plan *plan; /* decided, and what is to be saved laid out */
	const struct layout *layout;
	const struct base *base;
	uint32_t image; /* its address */
	uint32_t leave; /* where the board is told to start */
	bool stay;	/* it is not told to leave */
};

void outline_board(const struct device *device, char *ret, size_t size);
void outline_memory(const struct plan *plan, const struct layout *layout, char *ret, size_t size);
void outline_save(const struct outline_work *work, char *ret, size_t size);
void outline_erase(const struct outline_work *work, char *ret, size_t size);
void outline_write(const struct outline_work *work, char *ret, size_t size);
void outline_keep(const struct outline_work *work, char *ret, size_t size);
void outline_leave(const struct outline_work *work, char *ret, size_t size);
