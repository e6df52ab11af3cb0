/* SPDX-License-Identifier: MIT */
#pragma once

#include "firmware/vector-table.h"
#include "firmware/vector.h"

/* Where an image with that table was linked: certainty, base and truncated. Pure. */
void vector_base_find(const struct vector_table *table, const uint8_t *bytes, size_t size,
	struct vector_facts *ret);
