/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* The next number of a sequence that is the same everywhere; any state will do as a seed. */
uint64_t image_random(uint64_t *state);
