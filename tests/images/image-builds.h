/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "image-maker.h"

/* The traits of real builds, one for each chip, and where each could be linked. */

#define IMAGE_BUILD_MAX_OFFSETS 12

struct image_build {
	const char *name;
	enum image_style style;
	const char *mcu;
	uint32_t stack;
	size_t table; /* bytes of the vector table; 0 for the style's own */
	size_t size;
	bool usb;
	uint32_t offsets[IMAGE_BUILD_MAX_OFFSETS]; /* in flash, ascending from 0 */
};

const struct image_build *image_builds(size_t *ret_n);
const struct image_build *image_build_find(const char *name); /* NULL where there is none */

/* How many offsets a build has. */
size_t image_build_n_offsets(const struct image_build *build);

struct image_recipe image_build_recipe(const struct image_build *build, uint32_t offset);
