/* SPDX-License-Identifier: MIT */

/*
 * An image from front to back: vector table, functions, and for Klipper at 84 % of the size a USB
 * device descriptor, 0x60 bytes behind it the zlib dictionary (for others the text that they say of
 * themselves), then functions again up to the end.
 *
 * A function is a prologue, a body of halfwords with the rough frequencies of compiled Thumb code
 * (moves, loads, stores, branches, calls of 32 bits), an epilogue, and a pool of literals: RAM,
 * peripherals, constants, addresses inside the image. Endless loops stand in bodies as in real
 * code, and their bit pattern also in literals. The handlers are functions among the others, so
 * nothing in the file shows where they are but the table.
 */

#include "image-maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "image-random.h"

#define MAKER_LOOP	   0xe7fe
#define MAKER_MAX_HANDLERS 24
#define MAKER_MIN_VECTORS  17
#define MAKER_MAX_VECTORS  118
#define MAKER_DESCRIPTOR   0x60 /* from the descriptor to the dictionary */
#define MAKER_TEXT	   256
#define MAKER_ROOM	   400 /* more than any function or handler takes */

/* Kinds of handler, so that each style can name what its vectors point to. */
enum maker_handler {
	MAKER_RESET,
	MAKER_DEFAULT,
	MAKER_NULL,	 /* bx lr */
	MAKER_FIRST_OWN, /* from here on functions of the program */
};

/* What tells one style from the other. */
struct maker_style {
	const char *name;
	size_t n_vectors, n_own;
	bool reserved_used; /* reserved words hold the default handler */
	bool loops;	    /* the default handler is an endless loop */
	bool own_faults;    /* the faults have loops of their own */
	bool null_handler;
	bool dictionary, app;
	uint32_t loop_rate; /* one loop in so many halfwords of code */
	bool mute;	    /* no USB, whatever the recipe says */
	bool own_loops;	    /* a default handler for each vector, in a row */
};

static const struct maker_style maker_styles[_IMAGE_STYLE_MAX] = {
	[IMAGE_STYLE_KLIPPER] = {"klipper", 118, 5, true, true, false, false, true, true, 1500},
	[IMAGE_STYLE_KLIPPER2021] = {"klipper2021", 97, 5, true, true, false, false, true, false,
		1500},
	[IMAGE_STYLE_CMSIS] = {"cmsis", 113, 6, false, true, true, false, false, false, 1500},
	[IMAGE_STYLE_LIBOPENCM3] = {"libopencm3", 113, 4, false, true, false, true, false, false,
		1500},
	[IMAGE_STYLE_CORTEX_M_RT] = {"cortex-m-rt", 113, 3, false, true, false, false, false, false,
		1500},
	[IMAGE_STYLE_ZEPHYR] = {"zephyr", 113, 9, false, false, false, false, false, false, 1500},
	[IMAGE_STYLE_NUTTX] = {"nuttx", 113, 1, true, false, false, false, false, false, 1500},
	[IMAGE_STYLE_KATAPULT] = {"katapult", 84, 2, true, true, false, false, false, false, 1500},
	[IMAGE_STYLE_NOISY] = {"noisy", 118, 5, true, true, false, false, true, true, 150},
	[IMAGE_STYLE_IAR] = {"iar", 98, 6, false, true, false, false, false, false, 1500, false,
		true},
	[IMAGE_STYLE_STOCK] = {"stock", 98, 6, false, true, true, false, false, false, 1500, true},
	[IMAGE_STYLE_UF2] = {"uf2", 98, 6, false, true, true, false, false, false, 1500},
	[IMAGE_STYLE_MARLIN] = {"marlin", 98, 9, false, true, true, false, false, false, 1500},
};

struct maker {
	const struct image_recipe *recipe;
	const struct maker_style *style;
	uint8_t *bytes;
	size_t at;
	uint64_t random;
	size_t handlers[MAKER_MAX_HANDLERS]; /* offsets, by enum maker_handler */
	size_t n_handlers, n_placed;
	size_t n_vectors;
};

static uint64_t maker_random(struct maker *maker)
{
	return image_random(&maker->random);
}

static uint32_t maker_below(struct maker *maker, uint32_t limit)
{
	return maker_random(maker) % limit;
}

static void maker_put16(struct maker *maker, uint16_t halfword)
{
	maker->bytes[maker->at++] = halfword;
	maker->bytes[maker->at++] = halfword >> 8;
}

static void maker_put32_at(struct maker *maker, size_t offset, uint32_t word)
{
	for (size_t i = 0; i < 4; i++) {
		maker->bytes[offset + i] = word >> 8 * i;
	}
}

static void maker_put32(struct maker *maker, uint32_t word)
{
	maker_put32_at(maker, maker->at, word);
	maker->at += 4;
}

/* Small ones, and rates of a clock counted down. */
static uint32_t maker_number(struct maker *maker)
{
	uint32_t number = maker_below(maker, 1000);

	return number % 4 == 0 ? -1000 * number : number;
}

static uint32_t maker_literal(struct maker *maker)
{
	const struct image_recipe *recipe = maker->recipe;

	switch (maker_below(maker, 8)) {
	case 0:
	case 1:
		return 0x20000000 + 4 * maker_below(maker, 0x4000);
	case 2:
		return 0x40020000 + 4 * maker_below(maker, 0x1000);
	case 3:
		return recipe->link + (maker_below(maker, recipe->size) | 1);
	case 4:
		return recipe->link + (maker_below(maker, recipe->size) & ~3u);
	case 5:
		return maker_number(maker);
	case 6:
		return maker_below(maker, 40) == 0 ? (uint32_t)MAKER_LOOP << 16 : 0xe000ed08;
	case 7:
		break;
	}
	return maker_random(maker);
}

/* bl (ARMv7-M A7.7.18, T1) to somewhere in the image. */
static void maker_call(struct maker *maker)
{
	uint32_t target = maker_below(maker, maker->recipe->size) & ~1u;
	uint32_t distance = target - (uint32_t)(maker->at + 4);
	uint32_t sign = distance >> 31;
	uint32_t j1 = (~distance >> 23 & 1) ^ sign;
	uint32_t j2 = (~distance >> 22 & 1) ^ sign;

	maker_put16(maker, 0xf000 | sign << 10 | (distance >> 12 & 0x3ff));
	maker_put16(maker, 0xd000 | j1 << 13 | j2 << 11 | (distance >> 1 & 0x7ff));
}

/* One instruction in the middle of a function; frequencies from disassemblies, rounded. */
static void maker_instruction(struct maker *maker)
{
	static const uint16_t frames[][2] = {
		{0x2000, 0x07ff},
		{0x4600, 0x00ff},
		{0x6800, 0x07ff},
		{0x6000, 0x07ff},
		{0x7800, 0x07ff},
		{0x4800, 0x073f},
		{0x3000, 0x07ff},
		{0xd000, 0x0dff},
		{0x2800, 0x07ff},
		{0x0000, 0x07ff},
		{0x1800, 0x07ff},
		{0x4000, 0x03ff},
		{0xe000, 0x07ff},
		{0xb100, 0x0aff},
		{0x9000, 0x0fff},
		{0xb2c0, 0x003f},
	};
	size_t n = sizeof(frames) / sizeof(*frames);
	uint32_t pick = maker_below(maker, n + 6);

	if (maker_below(maker, maker->style->loop_rate) == 0) {
		maker_put16(maker, MAKER_LOOP);
	} else if (pick < n) {
		maker_put16(maker, frames[pick][0] | (maker_random(maker) & frames[pick][1]));
	} else if (pick < n + 3) {
		maker_call(maker);
	} else { /* wide loads, stores and moves */
		maker_put16(maker, 0xf8c0 | (maker_random(maker) & 0x1f));
		maker_put16(maker, maker_random(maker) & 0x7fff);
	}
}

static void maker_pool(struct maker *maker, size_t n)
{
	if (maker->at % 4 != 0) {
		maker_put16(maker, maker_below(maker, 2) ? 0xbf00 : 0x0000);
	}
	for (size_t i = 0; i < n; i++) {
		maker_put32(maker, maker_literal(maker));
	}
}

static void maker_epilogue(struct maker *maker, bool pushed)
{
	if (!pushed) {
		maker_put16(maker, 0x4770);
		return;
	}
	switch (maker_below(maker, 6)) {
	case 0:
		maker_put16(maker, 0xe8bd);
		maker_put16(maker, 0x81f0);
		return;
	case 1: /* a tail call */
		maker_put16(maker, 0xf7ff);
		maker_put16(maker, 0xb800 | (maker_random(maker) & 0x7ff));
		return;
	case 2: /* back into the function */
		maker_put16(maker, 0xe700 | (maker_random(maker) & 0xff));
		return;
	default:
		maker_put16(maker, 0xbd00 | (maker_random(maker) & 0xff));
	}
}

static void maker_function(struct maker *maker)
{
	bool pushed = maker_below(maker, 4) != 0;
	size_t n = 4 + maker_below(maker, pushed ? 60 : 12);

	if (pushed) {
		maker_put16(maker, 0xb500 | (maker_random(maker) & 0xff));
	}
	for (size_t i = 0; i < n; i++) {
		maker_instruction(maker);
	}
	maker_epilogue(maker, pushed);
	maker_pool(maker, maker_below(maker, 5));
}

/* The handler behind it only branches to what follows its pool. */
static void maker_signature(struct maker *maker)
{
	while (maker->at % 8 != 0) {
		maker_put16(maker, 0xbf00);
	}
	memcpy(maker->bytes + maker->at, "CanBoot!", 8);
	maker->at += 8;
	maker->handlers[MAKER_RESET] = maker->at;
	maker_put16(maker, 0xe000);
	maker_pool(maker, 0);
}

static void maker_reset(struct maker *maker)
{
	if (maker->recipe->style == IMAGE_STYLE_KATAPULT) {
		maker_signature(maker);
	}
	if (maker->style->reserved_used && maker->style->loops) {
		maker_put16(maker, 0xb672);
	} else {
		maker_put16(maker, 0xf8df);
		maker_put16(maker, 0xd034);
	}
	for (size_t i = 0; i < 16; i++) {
		maker_instruction(maker);
	}
	maker_put16(maker, 0xf7ff);
	maker_put16(maker, 0xfffe);
	maker_pool(maker, 3);
}

/* b.w to itself, for each vector. */
static void maker_loops(struct maker *maker)
{
	for (size_t i = 0; i < maker->n_vectors; i++) {
		maker_put16(maker, 0xf7ff);
		maker_put16(maker, 0xbffe);
	}
}

/* What stands where the next handler was put. */
static void maker_handler(struct maker *maker, size_t index)
{
	size_t n_faults = maker->style->own_faults ? 4 : 0;

	maker->handlers[index] = maker->at;
	if (index == MAKER_RESET) {
		maker_reset(maker);
	} else if (index == MAKER_NULL && maker->style->null_handler) {
		maker_put16(maker, 0x4770);
		maker_put16(maker, 0xbf00);
	} else if (index == MAKER_DEFAULT && maker->style->own_loops) {
		maker_loops(maker);
	} else if (index < MAKER_FIRST_OWN ? maker->style->loops
					   : index - MAKER_FIRST_OWN < n_faults) {
		maker_put16(maker, MAKER_LOOP);
		maker_put16(maker, 0xbf00);
	} else {
		maker_function(maker);
	}
}

/* Functions up to an offset, the handlers that are still missing spread among them. */
static void maker_code(struct maker *maker, size_t end, size_t n_handlers)
{
	while (maker->at + MAKER_ROOM < end) {
		size_t left = n_handlers - maker->n_placed;
		size_t room = (end - maker->at) / 160 + 1;

		if (left > 0 && (room <= 3 * left || maker_below(maker, room) < left)) {
			maker_handler(maker, maker->n_placed++);
		} else {
			maker_function(maker);
		}
	}
	while (maker->at < end) {
		maker_put16(maker, 0xbf00);
	}
}

static size_t maker_vector(struct maker *maker, size_t index)
{
	const struct maker_style *style = maker->style;
	size_t n_own = maker->n_handlers - MAKER_FIRST_OWN;

	if (index == 1) {
		return MAKER_RESET;
	}
	if (style->own_faults && index >= 3 && index <= 6) {
		return MAKER_FIRST_OWN + index - 3;
	}
	if (style->null_handler && (index == 2 || index == 11 || index == 14)) {
		return MAKER_NULL;
	}
	if (index == 15) {
		return maker->n_handlers - 1;
	}
	if (maker->recipe->n_vectors > 0) {
		return index == maker->n_vectors - 1 ? MAKER_FIRST_OWN : MAKER_DEFAULT;
	}
	if (index >= 16 && index % 13 == 7 && index / 13 < n_own) {
		return MAKER_FIRST_OWN + index / 13;
	}
	return MAKER_DEFAULT;
}

static void maker_table(struct maker *maker)
{
	const struct image_recipe *recipe = maker->recipe;

	maker_put32_at(maker, 0, recipe->stack);
	for (size_t i = 1; i < maker->n_vectors; i++) {
		bool reserved = (i >= 7 && i <= 10) || i == 13;
		size_t handler = maker_vector(maker, i);
		uint32_t value = recipe->link + (maker->handlers[handler] | 1);

		if (handler == MAKER_DEFAULT && maker->style->own_loops) {
			value += 4 * i;
		}

		maker_put32_at(maker, 4 * i, reserved && !maker->style->reserved_used ? 0 : value);
	}
}

static void maker_descriptor(struct maker *maker)
{
	const struct image_recipe *recipe = maker->recipe;
	const uint8_t descriptor[] = {18, 1, 0, 2, 2, 0, 0, 16, recipe->vendor, recipe->vendor >> 8,
		recipe->product, recipe->product >> 8, 0, 1, 1, 2, 3, 1};

	if (recipe->usb && !maker->style->mute) {
		memcpy(maker->bytes + maker->at, descriptor, sizeof(descriptor));
	}
	maker->at += MAKER_DESCRIPTOR;
}

/* What the program says of itself in plain text. */
static void maker_text(struct maker *maker)
{
	char *text = (char *)maker->bytes + maker->at;
	const char *version = maker->recipe->version;
	int n = 0;

	if (maker->recipe->style == IMAGE_STYLE_UF2) {
		n = snprintf(text, MAKER_TEXT,
			"UF2 Bootloader %s\r\nModel: Test Board\r\nBoard-ID: STM32-Test-v0\r\n",
			version);
	} else if (maker->recipe->style == IMAGE_STYLE_MARLIN) {
		n = snprintf(text, MAKER_TEXT,
			"FIRMWARE_NAME:Marlin %s (Jan  1 2026 00:00:00) SOURCE_CODE_URL:none "
			"PROTOCOL_VERSION:1.0 MACHINE_TYPE:Test EXTRUDER_COUNT:1",
			version);
	}
	if (n > 0) {
		maker->at += MAKER_TEXT;
	}
}

/* A dictionary with as many commands as a real one of today, in text. */
static char *maker_dictionary(struct maker *maker, size_t *ret_size)
{
	const struct image_recipe *recipe = maker->recipe;
	char *text = NULL;
	FILE *stream = open_memstream(&text, ret_size);

	if (!stream) {
		return NULL;
	}
	fprintf(stream, "{%s\"build_versions\":\"gcc: none binutils: none\",\"commands\":{",
		maker->style->app ? "\"app\":\"Klipper\"," : "");
	for (unsigned int i = 0; i < 150; i++) {
		fprintf(stream, "%s\"command_%08x oid=%%c value=%%u\":%u", i ? "," : "",
			(unsigned int)maker_random(maker), i + 2);
	}
	fprintf(stream,
		"},\"config\":{\"ADC_MAX\":4095,\"CLOCK_FREQ\":180000000,\"MCU\":\"%s\","
		"\"RESERVE_PINS_USB\":\"PA11,PA12\"},\"version\":\"%s\"}",
		recipe->mcu, recipe->version);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool maker_put_dictionary(struct maker *maker)
{
	size_t n_text;
	char *text = maker_dictionary(maker, &n_text);
	uLongf n = maker->recipe->size > maker->at ? maker->recipe->size - maker->at : 0;
	int r;

	if (!text) {
		return false;
	}
	r = compress2(maker->bytes + maker->at, &n, (const uint8_t *)text, n_text, 9);
	free(text);
	maker->at += n + n % 2;
	return r == Z_OK && maker->at <= maker->recipe->size;
}

static bool maker_fill(struct maker *maker)
{
	size_t size = maker->recipe->size;
	size_t middle = size / 100 * 84 & ~(size_t)3;
	size_t descriptor = middle - MAKER_DESCRIPTOR;

	maker->n_handlers = MAKER_FIRST_OWN + maker->style->n_own;
	maker->at = 4 * maker->n_vectors;
	maker_code(maker, descriptor & ~(size_t)1, maker->n_handlers);
	maker_descriptor(maker);
	maker_text(maker);
	if (maker->style->dictionary && !maker_put_dictionary(maker)) {
		return false;
	}
	maker_code(maker, size & ~(size_t)1, maker->n_handlers);
	maker_table(maker);
	return maker->n_placed == maker->n_handlers;
}

uint8_t *image_make(const struct image_recipe *recipe)
{
	const struct maker_style *style = &maker_styles[recipe->style];
	struct maker maker = {.recipe = recipe,
		.style = style,
		.random = recipe->seed,
		.n_vectors = recipe->n_vectors ? recipe->n_vectors : style->n_vectors};
	size_t least = style->dictionary ? 24576 : 4096;

	if (recipe->size < least || recipe->link < recipe->flash_base ||
		maker.n_vectors < MAKER_MIN_VECTORS || maker.n_vectors > MAKER_MAX_VECTORS) {
		return NULL;
	}
	maker.bytes = calloc(1, recipe->size);
	if (!maker.bytes) {
		return NULL;
	}
	if (!maker_fill(&maker)) {
		free(maker.bytes);
		return NULL;
	}
	return maker.bytes;
}

const char *image_style_to_string(enum image_style style)
{
	return style >= 0 && style < _IMAGE_STYLE_MAX ? maker_styles[style].name : NULL;
}

enum image_style image_style_from_string(const char *text)
{
	for (size_t i = 0; i < _IMAGE_STYLE_MAX; i++) {
		if (strcmp(maker_styles[i].name, text) == 0) {
			return i;
		}
	}
	return _IMAGE_STYLE_INVALID;
}
