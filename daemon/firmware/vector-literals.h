/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which of some bases the words of an image speak for: the one into whose image most of them point.
 * A weak hint. False where none leads by enough, or the image is too small to count in. Pure.
 */
bool vector_literals_favour(
	uint32_t *ret, const uint8_t *bytes, size_t size, const uint32_t *bases, size_t n_bases);
