/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the code of an image looks like at an offset that a handler may have. Pure. */

struct vector_code {
	const uint8_t *bytes;
	size_t size;
	size_t start; /* behind the vector table */
};

/* An endless loop, as default handlers are. */
bool vector_code_is_loop(const struct vector_code *code, size_t offset);

/* The first instruction of a function. */
bool vector_code_is_entry(const struct vector_code *code, size_t offset);
