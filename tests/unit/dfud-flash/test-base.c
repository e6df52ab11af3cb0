/* SPDX-License-Identifier: MIT */
/*
 * Flash base before and after (design 4.5): what lies there, whether it is lost, what starts after
 * a power cycle and where the board is told to start. On plans made as the worker makes them, with
 * a flash in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dfud-flash/base.h"
#include "dfud-flash/check.h"
#include "image-maker.h"
#include "message/message.h"

#define N(array)   (sizeof(array) / sizeof(*(array)))
#define BASE	   0x08000000u
#define OFFSET	   0x08008000u
#define CHITU	   0x08008800u /* within the sector at OFFSET */
#define FLASH	   (512u << 10)
#define F446	   "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"
#define KATAPULT   "Katapult"
#define KLIPPER	   "Klipper v0.13.0-730 for stm32f446xx"
#define UNKNOWN	   "a program that does not say what it is"
#define NO_PROGRAM _IMAGE_STYLE_MAX

struct bench {
	uint8_t *flash, *bytes; /* what the board holds, and the file */
	struct layout layout;
	struct plan plan;
	struct check_file file;
	struct base base;
};

static uint8_t *make(enum image_style style, uint32_t link, size_t size, uint64_t seed)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes;

	recipe.style = style;
	recipe.link = link;
	recipe.size = size;
	recipe.seed = seed;
	bytes = image_make(&recipe);
	assert_non_null(bytes);
	return bytes;
}

/* An erased flash, and the file for that address. */
static void bench_init(struct bench *b, const char *layout, uint32_t address)
{
	const size_t size = 44388;

	*b = (struct bench){.file = CHECK_FILE_INIT, .plan = PLAN_INIT};
	assert_int_equal(layout_parse(&b->layout, layout), 0);
	b->flash = malloc(FLASH);
	assert_non_null(b->flash);
	memset(b->flash, 0xff, FLASH);
	b->bytes = make(IMAGE_STYLE_KLIPPER, address, size, 1);
	assert_int_equal(check_read(&b->file, "x.bin", b->bytes, size, false), 0);
	assert_true(image_place(&b->file.image, address));
}

static void bench_done(struct bench *b)
{
	plan_done(&b->plan);
	check_done(&b->file);
	free(b->flash);
	free(b->bytes);
}

static void bench_put(struct bench *b, enum image_style style, size_t size, uint64_t seed)
{
	uint8_t *bytes = make(style, BASE, size, seed);

	memcpy(b->flash, bytes, size);
	free(bytes);
}

/* A handler of what lies at base, at that address. */
static void bench_put_handler(struct bench *b, uint32_t address)
{
	const uint32_t word = address | 1;

	memcpy(b->flash + 4 * 40, &word, sizeof(word));
}

static void bench_plan(struct bench *b, bool can_read)
{
	const struct image_segment *s = &b->file.image.segments[0];
	const struct plan_segment segment = {s->address, s->size, s->data};
	const struct plan_request request = {
		.layout = &b->layout,
		.segments = &segment,
		.n_segments = 1,
		.transfer_size = 2048,
		.granule = 32,
		.can_read = can_read,
		.look = b->layout.groups[0].start,
		.look_size = base_look_size(&b->layout, s->address),
	};
	enum plan_fault fault;
	uint32_t at;

	assert_int_equal(plan_make(&b->plan, &request, &fault, &at), 0);
	assert_int_equal(fault, PLAN_GOOD);
	for (size_t i = 0; i < b->plan.n_reads; i++) {
		const struct plan_run *run = &b->plan.reads[i];

		assert_true(run->address - BASE + run->size <= FLASH);
		memcpy(run->data, b->flash + (run->address - BASE), run->size);
	}
	assert_int_equal(plan_decide(&b->plan), 0);
}

static void bench_look(struct bench *b)
{
	bench_plan(b, true);
	base_look(&b->base, &b->plan, &b->layout, b->file.image.segments[0].address, true);
	assert_int_equal(b->base.address, BASE);
	assert_true(b->base.is_read);
}

/* What lies at base, where the file goes, and what follows. */
static const struct row {
	const char *what;
	enum image_style style;
	size_t size;
	uint32_t image, handler; /* handler 0: as it is */
	enum base_after after;
	bool is_loader, is_erased, is_damaged;
	const char *about;
} rows[] = {
	{"nothing under the file", NO_PROGRAM, 0, BASE, 0, BASE_IMAGE, false, true, true, "blank"},
	{"nothing before the file", NO_PROGRAM, 0, OFFSET, 0, BASE_NOTHING, false, false, false,
		"blank"},
	{"an old build under the file", IMAGE_STYLE_KLIPPER, 40000, BASE, 0, BASE_IMAGE, false,
		true, true, KLIPPER},
	{"an old build before the file", IMAGE_STYLE_KLIPPER, 30000, OFFSET, 0, BASE_OTHER, false,
		false, false, KLIPPER},
	{"an old build of which the file takes the tail", IMAGE_STYLE_KLIPPER, 30000, OFFSET,
		OFFSET + 4, BASE_NOTHING, false, true, true, KLIPPER},
	{"another program under the file", IMAGE_STYLE_MARLIN, 30000, BASE, 0, BASE_IMAGE, false,
		true, true, "Marlin v0.13.0-730"},
	{"another program before the file", IMAGE_STYLE_MARLIN, 30000, OFFSET, 0, BASE_OTHER, false,
		false, false, "Marlin v0.13.0-730"},
	{"Katapult under the file", IMAGE_STYLE_KATAPULT, 6000, BASE, 0, BASE_IMAGE, true, true,
		true, KATAPULT},
	{"Katapult before the file", IMAGE_STYLE_KATAPULT, 6000, OFFSET, 0, BASE_LOADER, true,
		false, false, KATAPULT},
	{"a UF2 boot loader before the file", IMAGE_STYLE_UF2, 30000, OFFSET, 0, BASE_LOADER, true,
		false, false, "UF2 boot loader v0.13.0-730"},
	{"a vendor's under the file", IMAGE_STYLE_STOCK, 32464, BASE, 0, BASE_IMAGE, true, true,
		true, UNKNOWN},
	{"a vendor's before the file", IMAGE_STYLE_STOCK, 32464, OFFSET, 0, BASE_LOADER, true,
		false, false, UNKNOWN},
	{"a vendor's of which the file takes the tail", IMAGE_STYLE_STOCK, 32464, OFFSET, OFFSET,
		BASE_NOTHING, true, true, true, UNKNOWN},
	{"a vendor's whose last byte stays", IMAGE_STYLE_STOCK, 32464, OFFSET, OFFSET - 2,
		BASE_LOADER, true, false, false, UNKNOWN},
	/* what lies in a sector before the file is written back */
	{"a vendor's whose tail is written back", IMAGE_STYLE_STOCK, 32464, CHITU, OFFSET + 0x400,
		BASE_LOADER, true, true, false, UNKNOWN},
	{"a vendor's that ends in the sector before", IMAGE_STYLE_STOCK, 32464, CHITU, OFFSET - 2,
		BASE_LOADER, true, false, false, UNKNOWN},
	{"a program whose tail is written back", IMAGE_STYLE_KLIPPER, 30000, CHITU, OFFSET + 0x400,
		BASE_OTHER, false, true, false, KLIPPER},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < N(rows); i++) {
		const struct row *row = &rows[i];
		struct bench b;

		bench_init(&b, F446, row->image);
		if (row->style != NO_PROGRAM) {
			bench_put(&b, row->style, row->size, 7);
		}
		if (row->handler != 0) {
			bench_put_handler(&b, row->handler);
		}
		bench_look(&b);
		if (b.base.after != row->after || b.base.is_loader != row->is_loader ||
			b.base.is_erased != row->is_erased ||
			b.base.is_damaged != row->is_damaged ||
			strcmp(b.base.about, row->about) != 0) {
			fail_msg("%s: after %d, loader %d, erased %d, damaged %d, \"%s\"",
				row->what, b.base.after, b.base.is_loader, b.base.is_erased,
				b.base.is_damaged, b.base.about);
		}
		assert_int_equal(base_loses_loader(&b.base), row->is_loader && row->is_erased);
		bench_done(&b);
	}
}

/*
 * How far a program reaches is not told by its handlers alone: wherever those lie, a file that
 * takes its last bytes leaves nothing that works. The whole program is known, because the sectors
 * of the file are read, too.
 */
static void check_tails(enum image_style style, size_t size, uint32_t address)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct bench b;

		bench_init(&b, F446, address);
		bench_put(&b, style, size, seed);
		bench_look(&b);
		if (!b.base.is_erased || !b.base.is_damaged || b.base.after != BASE_NOTHING) {
			fail_msg("seed %d: after %d, erased %d, damaged %d, \"%s\"", (int)seed,
				b.base.after, b.base.is_erased, b.base.is_damaged, b.base.about);
		}
		bench_done(&b);
	}
}

static void test_tails_of_programs(void **state)
{
	check_tails(IMAGE_STYLE_KLIPPER, 44388, OFFSET);
}

static void test_tails_of_loaders(void **state)
{
	check_tails(IMAGE_STYLE_STOCK, 32464, 0x08004000);
}

/* Vectors of a program that was linked for the alias at 0 are offsets, and reach as far. */
static void test_a_loader_at_the_alias(void **state)
{
	struct bench b;

	bench_init(&b, F446, OFFSET);
	bench_put(&b, IMAGE_STYLE_STOCK, 8192, 7);
	for (size_t at = 0; at < 512; at += 4) {
		b.flash[at + 3] = b.flash[at + 3] == BASE >> 24 ? 0 : b.flash[at + 3];
	}
	bench_put_handler(&b, OFFSET - BASE + 0x400);
	bench_look(&b);
	assert_true(b.base.is_loader);
	assert_true(b.base.is_damaged);
	assert_true(base_loses_loader(&b.base));
	bench_done(&b);
}

/* What the chip cannot start is told, where it is what it would start. */
static void test_a_file_that_does_not_start(void **state)
{
	struct bench b;

	bench_init(&b, F446, BASE);
	bench_plan(&b, true);
	assert_int_equal(base_look(&b.base, &b.plan, &b.layout, BASE, false), 0);
	assert_int_equal(b.base.after, BASE_NO_TABLE);
	assert_string_equal(base_after_to_string(b.base.after), MESSAGE_BASE_NO_TABLE);
	bench_done(&b);
}

/* An old program that says what it is in its second half is told by its name all the same. */
static void test_a_program_that_is_cut_has_its_name(void **state)
{
	struct bench b;

	bench_init(&b, F446, OFFSET);
	bench_put(&b, IMAGE_STYLE_KLIPPER, 44388, 9);
	bench_look(&b);
	assert_string_equal(b.base.about, KLIPPER);
	assert_false(b.base.is_loader);
	bench_done(&b);
}

/* The file lies there already: nothing is erased, so nothing is lost. */
static void test_nothing_is_erased(void **state)
{
	struct bench b;

	bench_init(&b, F446, OFFSET);
	bench_put(&b, IMAGE_STYLE_STOCK, 32464, 7);
	bench_put_handler(&b, OFFSET + 0x400);
	memcpy(b.flash + (OFFSET - BASE), b.bytes, b.file.image.size);
	bench_look(&b);
	assert_true(b.plan.unchanged);
	assert_false(b.base.is_erased);
	assert_false(base_loses_loader(&b.base));
	assert_int_equal(b.base.after, BASE_LOADER);
	bench_done(&b);
}

/* Words that start nothing. */
static void test_what_does_not_start(void **state)
{
	struct bench b;

	bench_init(&b, F446, OFFSET);
	memset(b.flash, 0x55, 4096);
	bench_look(&b);
	assert_int_equal(b.base.after, BASE_NOTHING);
	assert_false(b.base.is_loader);
	assert_string_equal(b.base.about, "nothing that starts");
	bench_done(&b);
}

/* Ids are shared by many (ST's own by everybody): a silent program may be a boot loader. */
static void test_the_same_usb_identity(void **state)
{
	struct bench b;

	bench_init(&b, F446, BASE);
	assert_int_equal(b.file.usb, DICTIONARY_USB_ONE);
	bench_put(&b, IMAGE_STYLE_CMSIS, 40000, 7);
	bench_look(&b);
	assert_string_equal(b.base.about, UNKNOWN);
	assert_true(base_loses_loader(&b.base));
	bench_done(&b);
}

/* A boot loader stays one, whoever has its USB identity. */
static void test_a_loader_of_the_same_identity(void **state)
{
	struct bench b;

	bench_init(&b, F446, BASE);
	bench_put(&b, IMAGE_STYLE_KATAPULT, 6000, 7);
	bench_look(&b);
	assert_true(b.file.usb == DICTIONARY_USB_ONE && base_loses_loader(&b.base));
	bench_done(&b);
}

static void test_a_program_behind_makes_it_a_loader(void **state)
{
	uint8_t *next = make(IMAGE_STYLE_KLIPPER, OFFSET, 44388, 9);
	struct bench b;

	bench_init(&b, F446, BASE);
	bench_put(&b, IMAGE_STYLE_STOCK, 32464, 7);
	memcpy(b.flash + (OFFSET - BASE), next, 44388);
	bench_look(&b);
	assert_int_equal(b.base.resident.kind, RESIDENT_LOADER);
	assert_true(base_loses_loader(&b.base));
	assert_non_null(strstr(b.base.about, "a boot loader with "));
	bench_done(&b);
	free(next);
}

static void test_a_board_that_cannot_be_read(void **state)
{
	static const uint32_t images[] = {BASE, OFFSET};

	for (size_t i = 0; i < N(images); i++) {
		struct bench b;

		bench_init(&b, F446, images[i]);
		bench_put(&b, IMAGE_STYLE_KATAPULT, 6000, 7);
		bench_plan(&b, false);
		memset(&b.base, 0x5a, sizeof(b.base));
		base_look(&b.base, &b.plan, &b.layout, b.file.image.segments[0].address, true);
		assert_false(b.base.is_read);
		assert_false(base_loses_loader(&b.base));
		assert_int_equal(b.base.after, images[i] == BASE ? BASE_IMAGE : BASE_NOT_KNOWN);
		bench_done(&b);
	}
}

/* As far as a boot loader reaches, up to the file, and no further than can be read. */
static void test_look_size(void **state)
{
	static const struct {
		const char *layout;
		uint32_t image, size;
	} looks[] = {
		{F446, BASE, 0},
		{F446, 0x08004000, 0x4000},
		{F446, OFFSET, 0x8000},
		{F446, CHITU, 0x8800},
		{F446, 0x08010000, 0x10000},
		{F446, 0x08020000, 0x20000},
		{F446, 0x08020200, 0x20200},
		{F446, 0x08020400, BASE_LOOK_MAX},
		{F446, 0x08060000, BASE_LOOK_MAX},
		{F446, 0x07ff0000, 0},
		{F446, 0x00000000, 0},
		{"@Internal Flash  /0x08000000/064*0002Kg", 0x08000800, 0x800},
		{"@Internal Flash  /0x08000000/064*0002Kg", 0x08000a00, 0xa00},
		/* the start cannot be read; only the start can; a gap in the middle */
		{"@Internal Flash  /0x08000000/01*016Kf,07*016Kg", OFFSET, 0},
		{"@Internal Flash  /0x08000000/01*016Ka,07*016Kf", OFFSET, 0x4000},
		{"@Internal Flash  /0x08000000/01*016Kg/0x08010000/04*016Kg", 0x08010000, 0x4000},
		{"@Internal Flash  /0x08000000/02*016Ka,06*016Kg", OFFSET, 0x8000},
	};

	for (size_t i = 0; i < N(looks); i++) {
		struct layout layout;
		uint32_t size;

		assert_int_equal(layout_parse(&layout, looks[i].layout), 0);
		size = base_look_size(&layout, looks[i].image);
		if (size != looks[i].size) {
			fail_msg("%s, 0x%08x: %x", looks[i].layout, looks[i].image, size);
		}
	}
}

/* Every policy with everything that can be at base; only a boot loader is started by itself. */
static void test_leave(void **state)
{
	for (int after = BASE_NOT_KNOWN; after <= BASE_NOTHING; after++) {
		const struct base base = {.address = BASE, .after = (enum base_after)after};

		assert_int_equal(base_leave(&base, LEAVE_AUTO, OFFSET),
			after == BASE_LOADER ? BASE : OFFSET);
		assert_int_equal(base_leave(&base, LEAVE_IMAGE, OFFSET), OFFSET);
		assert_int_equal(base_leave(&base, LEAVE_BASE, OFFSET), BASE);
		assert_int_equal(base_leave(&base, LEAVE_NO, OFFSET), OFFSET);
		for (int policy = 0; policy < _LEAVE_POLICY_MAX; policy++) {
			assert_int_equal(base_leave(&base, (enum leave_policy)policy, BASE), BASE);
		}
	}
}

static void test_words(void **state)
{
	assert_string_equal(base_after_to_string(BASE_NOT_KNOWN), "");
	assert_string_equal(base_after_to_string(BASE_IMAGE), MESSAGE_BASE_IMAGE);
	assert_string_equal(base_after_to_string(BASE_LOADER), MESSAGE_BASE_LOADER);
	assert_string_equal(base_after_to_string(BASE_OTHER), MESSAGE_BASE_OTHER);
	assert_string_equal(base_after_to_string(BASE_NOTHING), MESSAGE_BASE_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_tails_of_programs),
		cmocka_unit_test(test_tails_of_loaders),
		cmocka_unit_test(test_a_program_that_is_cut_has_its_name),
		cmocka_unit_test(test_a_loader_at_the_alias),
		cmocka_unit_test(test_a_file_that_does_not_start),
		cmocka_unit_test(test_nothing_is_erased),
		cmocka_unit_test(test_what_does_not_start),
		cmocka_unit_test(test_the_same_usb_identity),
		cmocka_unit_test(test_a_loader_of_the_same_identity),
		cmocka_unit_test(test_a_program_behind_makes_it_a_loader),
		cmocka_unit_test(test_a_board_that_cannot_be_read),
		cmocka_unit_test(test_look_size),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
