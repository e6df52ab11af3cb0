/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Synthetic firmware images with the traits of real ones (vector table, functions of Thumb-like
 * halfwords with literal pools, USB device descriptor, data dictionary) and no foreign code in
 * them. The same recipe gives the same bytes everywhere.
 */

enum image_style {
	IMAGE_STYLE_KLIPPER,	 /* every unused vector is the default handler */
	IMAGE_STYLE_KLIPPER2021, /* the same without "app" in its dictionary */
	IMAGE_STYLE_CMSIS,	 /* reserved words 0, own loops for the faults */
	IMAGE_STYLE_LIBOPENCM3,	 /* a looping and a returning default handler */
	IMAGE_STYLE_CORTEX_M_RT, /* one default handler, reserved words 0 */
	IMAGE_STYLE_ZEPHYR,	 /* one wrapper for all interrupts, no loop */
	IMAGE_STYLE_NUTTX,	 /* one common entry for everything, no loop */
	IMAGE_STYLE_KATAPULT, /* a boot loader: no dictionary, "CanBoot!" before its reset handler
			       */
	IMAGE_STYLE_NOISY,    /* Klipper with ten times as many loops in its code */
	IMAGE_STYLE_IAR,      /* each unused vector has a loop of its own */
	IMAGE_STYLE_STOCK,    /* a vendor's boot loader: as CMSIS, without USB, says nothing */
	IMAGE_STYLE_UF2,      /* a boot loader with the text of INFO_UF2.TXT */
	IMAGE_STYLE_MARLIN,   /* as CMSIS, with the answer to M115 */
	_IMAGE_STYLE_MAX,
	_IMAGE_STYLE_INVALID = -1,
};

struct image_recipe {
	enum image_style style;
	size_t size;
	uint32_t flash_base; /* where the chip has its flash */
	uint32_t link;	     /* where the image begins */
	uint32_t stack;
	uint64_t seed;
	size_t n_vectors; /* 0 for the style's own; else the last one is the only interrupt used */
	const char *mcu, *version; /* for the dictionary; the version also for other texts */
	bool usb;
	uint16_t vendor, product;
};

#define IMAGE_RECIPE_INIT                                                                          \
	{                                                                                          \
		.style = IMAGE_STYLE_KLIPPER, .size = 44388, .flash_base = 0x08000000,             \
		.link = 0x08000000, .stack = 0x20020000, .seed = 1, .mcu = "stm32f446xx",          \
		.version = "v0.13.0-730", .usb = true, .vendor = 0x1d50, .product = 0x614e         \
	}

/* The image, size bytes on the heap; NULL where they are too few for the style, or without memory.
 */
uint8_t *image_make(const struct image_recipe *recipe);

const char *image_style_to_string(enum image_style style);
enum image_style image_style_from_string(const char *text);
