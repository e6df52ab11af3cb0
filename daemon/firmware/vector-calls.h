/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the code behind the first `start` bytes calls functions that lie behind the end. Pure. */
bool vector_calls_lead_out(const uint8_t *bytes, size_t size, size_t start);
