/* SPDX-License-Identifier: MIT */

/*
 * Klipper for every family that it supports over USB DFU: stack pointers and offsets are those of
 * its Kconfig (dfu.md 7.7, 7.8), sizes those of builds of 2021 and 2026, and its vector table ends
 * with the last interrupt that it uses (USB or a serial port; reference manuals). Then programs of
 * other make for one chip.
 */

#include "image-builds.h"

#include <string.h>

static const struct image_build builds[] = {
	{"f042", IMAGE_STYLE_KLIPPER, "stm32f042x6", 0x20001800, 0xc0, 24576, true, {0, 0x2000}},
	{"f070", IMAGE_STYLE_KLIPPER, "stm32f070xb", 0x20004000, 0xc0, 31220, true,
		{0, 0x1000, 0x2000}},
	{"f072", IMAGE_STYLE_KLIPPER, "stm32f072xb", 0x20004000, 0xc0, 32416, true,
		{0, 0x1000, 0x2000, 0x4000}},
	{"f103", IMAGE_STYLE_KLIPPER, "stm32f103xe", 0x20005000, 0x94, 40112, true,
		{0, 0x800, 0x1000, 0x2000, 0x4000, 0x5000, 0x7000, 0x8000, 0x8800, 0x9000,
			0x10000}},
	{"f103-serial", IMAGE_STYLE_KLIPPER, "stm32f103xe", 0x20005000, 0xd8, 37564, false,
		{0, 0x800, 0x1000, 0x2000, 0x4000, 0x5000, 0x7000, 0x8000, 0x8800, 0x9000,
			0x10000}},
	{"f207", IMAGE_STYLE_KLIPPER, "stm32f207xx", 0x20020000, 0x150, 42016, true,
		{0, 0x4000, 0x8000}},
	{"f401", IMAGE_STYLE_KLIPPER2021, "stm32f401xc", 0x20010000, 0x150, 26000, true,
		{0, 0x4000, 0x8000, 0xc000, 0x10000}},
	{"f407", IMAGE_STYLE_KLIPPER, "stm32f407xx", 0x20020000, 0x150, 44272, true,
		{0, 0x4000, 0x8000, 0xc000, 0x10000, 0x20200}},
	{"f429", IMAGE_STYLE_KLIPPER, "stm32f429xx", 0x20020000, 0x150, 44512, true,
		{0, 0x8000, 0x10000}},
	{"f446", IMAGE_STYLE_KLIPPER, "stm32f446xx", 0x20020000, 0x150, 44388, true,
		{0, 0x8000, 0x10000}},
	{"f446-serial", IMAGE_STYLE_KLIPPER, "stm32f446xx", 0x20020000, 0xd8, 41888, false,
		{0, 0x8000, 0x10000}},
	{"f765", IMAGE_STYLE_KLIPPER, "stm32f765xx", 0x20080000, 0x150, 43960, true,
		{0, 0x8000, 0x20000}},
	{"g0b1", IMAGE_STYLE_KLIPPER, "stm32g0b1xx", 0x20024000, 0x80, 43104, true, {0, 0x2000}},
	{"g431", IMAGE_STYLE_KLIPPER, "stm32g431xx", 0x20008000, 0x94, 42668, true, {0, 0x2000}},
	{"g474", IMAGE_STYLE_KLIPPER, "stm32g474xx", 0x20020000, 0x94, 42900, true, {0, 0x2000}},
	{"h723", IMAGE_STYLE_KLIPPER, "stm32h723xx", 0x20020000, 0x178, 43300, true, {0, 0x20000}},
	{"h743", IMAGE_STYLE_KLIPPER, "stm32h743xx", 0x20020000, 0x1d8, 43724, true, {0, 0x20000}},
	{"h750", IMAGE_STYLE_KLIPPER, "stm32h750xx", 0x20020000, 0x1d8, 43724, true,
		{0, 0x8000, 0x20000}},
	{"l412", IMAGE_STYLE_KLIPPER, "stm32l412xx", 0x2000a000, 0x150, 41736, true, {0}},
	{"n32g45x", IMAGE_STYLE_KLIPPER, "n32g452xx", 0x20010000, 0x94, 40220, true, {0, 0x10000}},

	{"katapult", IMAGE_STYLE_KATAPULT, "stm32f407xx", 0x2001fff8, 0, 4552, true,
		{0, 0x4000, 0x8000}},
	{"cmsis", IMAGE_STYLE_CMSIS, "stm32f407xx", 0x20020000, 0, 61444, true,
		{0, 0x4000, 0x8000, 0xc000, 0x10000}},
	{"libopencm3", IMAGE_STYLE_LIBOPENCM3, "stm32f407xx", 0x20020000, 0, 34816, true,
		{0, 0x4000, 0x8000, 0xc000, 0x10000}},
	{"cortex-m-rt", IMAGE_STYLE_CORTEX_M_RT, "stm32f407xx", 0x20020000, 0, 50328, true,
		{0, 0x4000, 0x8000, 0xc000, 0x10000}},
	{"iar", IMAGE_STYLE_IAR, "stm32f407xx", 0x200041e8, 0, 43156, true, {0, 0x8000}},
	{"stock", IMAGE_STYLE_STOCK, "stm32f407xx", 0x200047e8, 0, 30760, false, {0, 0x8000}},
	{"marlin", IMAGE_STYLE_MARLIN, "stm32f407xx", 0x2001ffd8, 0, 224420, true,
		{0, 0x8000, 0xc000, 0x10000}},
	{"zephyr", IMAGE_STYLE_ZEPHYR, "stm32f407xx", 0x20002a40, 0, 57932, true,
		{0, 0x4000, 0x8000, 0xc000, 0x10000}},
	{"nuttx", IMAGE_STYLE_NUTTX, "stm32f407xx", 0x20003f00, 0, 71020, true,
		{0, 0x4000, 0x8000, 0xc000, 0x10000}},
};

#define N_BUILDS (sizeof(builds) / sizeof(*builds))

const struct image_build *image_builds(size_t *ret_n)
{
	*ret_n = N_BUILDS;
	return builds;
}

const struct image_build *image_build_find(const char *name)
{
	for (size_t i = 0; i < N_BUILDS; i++) {
		if (strcmp(builds[i].name, name) == 0) {
			return &builds[i];
		}
	}
	return NULL;
}

size_t image_build_n_offsets(const struct image_build *build)
{
	size_t n = 1;

	while (n < IMAGE_BUILD_MAX_OFFSETS && build->offsets[n] > 0) {
		n++;
	}
	return n;
}

struct image_recipe image_build_recipe(const struct image_build *build, uint32_t offset)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;

	recipe.style = build->style;
	recipe.mcu = build->mcu;
	recipe.stack = build->stack;
	recipe.n_vectors = build->table / 4;
	recipe.size = build->size;
	recipe.usb = build->usb;
	recipe.link = recipe.flash_base + offset;
	recipe.seed = offset + build->size;
	return recipe;
}
