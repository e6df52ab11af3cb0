/* SPDX-License-Identifier: MIT */

/*
 * What lies on a board: flash is laid out from images as boards have it, then read in whole, in
 * part, and half written. A boot loader is never taken for the program behind it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/resident.h"
#include "firmware/vector.h"
#include "image-maker.h"
#include "image-random.h"

#define TEST_LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define TEST_BASE	   0x08000000u
#define TEST_FLASH	   (256 * 1024)
#define TEST_NONE	   _IMAGE_STYLE_INVALID

static uint8_t *test_flash(uint8_t erased)
{
	uint8_t *flash = malloc(TEST_FLASH);

	assert_non_null(flash);
	memset(flash, erased, TEST_FLASH);
	return flash;
}

static size_t test_put_seed(
	uint8_t *flash, size_t offset, enum image_style style, size_t size, uint64_t seed)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes;

	recipe.style = style;
	recipe.link = TEST_BASE + offset;
	recipe.size = size;
	recipe.seed = seed;
	recipe.version = "v1.2";
	bytes = image_make(&recipe);
	assert_non_null(bytes);
	assert_true(offset + size <= TEST_FLASH);
	memcpy(flash + offset, bytes, size);
	free(bytes);
	return size;
}

static size_t test_put(uint8_t *flash, size_t offset, enum image_style style, size_t size)
{
	return test_put_seed(flash, offset, style, size, 1);
}

static void test_assert_says(
	const uint8_t *flash, size_t size, enum resident_kind kind, const char *says)
{
	struct resident resident;
	char text[RESIDENT_TEXT_MAX];

	resident_judge(&resident, flash, size, TEST_BASE);
	resident_describe(&resident, text, sizeof(text));
	assert_string_equal(text, says);
	assert_int_equal(resident.kind, kind);
}

/* What boards have, the whole flash read. */
static const struct test_board {
	enum image_style first;
	size_t first_size;
	enum image_style next;
	size_t next_offset;
	enum resident_kind kind;
	const char *says;
} test_boards[] = {
	{TEST_NONE, 0, TEST_NONE, 0, RESIDENT_NONE, "blank"},
	{TEST_NONE, 0, IMAGE_STYLE_KLIPPER, 0x8000, RESIDENT_NONE, "nothing that starts"},
	{IMAGE_STYLE_KLIPPER, 44388, TEST_NONE, 0, RESIDENT_PROGRAM,
		"Klipper v1.2 for stm32f446xx"},
	{IMAGE_STYLE_KLIPPER2021, 24000 + 1000, TEST_NONE, 0, RESIDENT_PROGRAM,
		"Klipper v1.2 for stm32f446xx"},
	{IMAGE_STYLE_MARLIN, 200000, TEST_NONE, 0, RESIDENT_PROGRAM, "Marlin v1.2"},
	{IMAGE_STYLE_KATAPULT, 4552, TEST_NONE, 0, RESIDENT_LOADER, "Katapult"},
	{IMAGE_STYLE_KATAPULT, 4552, IMAGE_STYLE_KLIPPER, 0x2000, RESIDENT_LOADER,
		"Katapult with Klipper v1.2 for stm32f446xx behind it"},
	{IMAGE_STYLE_KATAPULT, 4552, IMAGE_STYLE_CMSIS, 0x2000, RESIDENT_LOADER,
		"Katapult with a program that does not say what it is behind it"},
	{IMAGE_STYLE_UF2, 30000, TEST_NONE, 0, RESIDENT_LOADER, "UF2 boot loader v1.2"},
	{IMAGE_STYLE_UF2, 30000, IMAGE_STYLE_MARLIN, 0x8000, RESIDENT_LOADER,
		"UF2 boot loader v1.2 with Marlin v1.2 behind it"},
	{IMAGE_STYLE_STOCK, 32464, TEST_NONE, 0, RESIDENT_FOREIGN,
		"a program that does not say what it is"},
	{IMAGE_STYLE_STOCK, 32464, IMAGE_STYLE_KLIPPER, 0x8000, RESIDENT_LOADER,
		"a boot loader with Klipper v1.2 for stm32f446xx behind it"},
	{IMAGE_STYLE_STOCK, 32768, IMAGE_STYLE_KLIPPER, 0x8000, RESIDENT_LOADER,
		"a boot loader with Klipper v1.2 for stm32f446xx behind it"},
	{IMAGE_STYLE_STOCK, 20000, IMAGE_STYLE_CMSIS, 0x7000, RESIDENT_LOADER,
		"a boot loader with a program that does not say what it is behind it"},
	{IMAGE_STYLE_STOCK, 20000, IMAGE_STYLE_ZEPHYR, 0x20200, RESIDENT_LOADER,
		"a boot loader with a program that does not say what it is behind it"},
	{IMAGE_STYLE_STOCK, 32464, IMAGE_STYLE_KATAPULT, 0x8000, RESIDENT_LOADER,
		"a boot loader with Katapult behind it"},
	{IMAGE_STYLE_CMSIS, 90000, TEST_NONE, 0, RESIDENT_FOREIGN,
		"a program that does not say what it is"},
	/* an older program that was linked for an offset, left behind by one that is not */
	{IMAGE_STYLE_KLIPPER, 44388, IMAGE_STYLE_KLIPPER, 0x10000, RESIDENT_PROGRAM,
		"Klipper v1.2 for stm32f446xx"},
};

static uint8_t *test_lay_out(const struct test_board *board, uint8_t erased)
{
	uint8_t *flash = test_flash(erased);

	if (board->first != TEST_NONE) {
		test_put(flash, 0, board->first, board->first_size);
	}
	if (board->next != TEST_NONE) {
		test_put(flash, board->next_offset, board->next, 44388);
	}
	return flash;
}

static void test_boards_as_they_are(void **state)
{
	static const uint8_t erased[] = {0xff, 0x00};

	for (size_t i = 0; i < TEST_LENGTH(test_boards); i++) {
		for (size_t j = 0; j < TEST_LENGTH(erased); j++) {
			const struct test_board *board = &test_boards[i];
			uint8_t *flash = test_lay_out(board, erased[j]);
			struct resident resident;

			test_assert_says(flash, TEST_FLASH, board->kind, board->says);
			resident_judge(&resident, flash, TEST_FLASH, TEST_BASE);
			assert_int_equal(resident.has_next, board->next != TEST_NONE);
			assert_int_equal(resident.next, board->next_offset);
			assert_int_equal(
				resident.size, resident.has_next ? resident.next : TEST_FLASH);
			free(flash);
		}
	}
}

/* However little is read: no more is said than with all of it, and nothing else. */
static void test_less_says_less(void **state)
{
	for (size_t i = 0; i < TEST_LENGTH(test_boards); i++) {
		const struct test_board *board = &test_boards[i];
		uint8_t *flash = test_lay_out(board, 0xff);

		for (size_t size = 0; size < TEST_FLASH; size += size < 9000 ? 64 : 4093) {
			uint8_t *copy = malloc(size + 1);
			struct resident resident, all;

			assert_non_null(copy);
			memcpy(copy, flash, size);
			copy = realloc(copy, size ? size : 1);
			resident_judge(&resident, copy, size, TEST_BASE);
			resident_judge(&all, flash, TEST_FLASH, TEST_BASE);
			assert_int_equal(resident.has_next, all.has_next && size >= all.next + 64);
			assert_int_equal(resident.kind == RESIDENT_NONE,
				all.kind == RESIDENT_NONE || size < 8);
			if (resident.program.kind != PROGRAM_UNKNOWN) {
				assert_memory_equal(
					&resident.program, &all.program, sizeof(all.program));
			}
			if (resident.next_program.kind != PROGRAM_UNKNOWN) {
				assert_memory_equal(&resident.next_program, &all.next_program,
					sizeof(all.next_program));
			}
			free(copy);
		}
		free(flash);
	}
}

/* Two KiB are enough for a boot loader that says so, as Katapult does. */
static void test_two_kib_tell_katapult(void **state)
{
	unsigned int n = 0;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		uint8_t *flash = test_flash(0xff);
		struct resident resident;
		size_t reset;

		test_put_seed(flash, 0, IMAGE_STYLE_KATAPULT, 4552, seed);
		test_put(flash, 0x2000, IMAGE_STYLE_KLIPPER, 44388);
		reset = vector_reset(flash) - TEST_BASE;
		resident_judge(&resident, flash, 2048, TEST_BASE);
		assert_int_equal(resident.kind, reset <= 2048 ? RESIDENT_LOADER : RESIDENT_FOREIGN);
		assert_int_equal(resident.size, 2048);
		n += reset <= 2048;
		free(flash);
	}
	assert_in_range(n, 5, 40);
}

/*
 * A flash that was cut off at any block: the first block of the program behind is missing, and it
 * would not start. What is left of it says "Klipper", but not of the boot loader.
 */
static void test_half_written(void **state)
{
	static const size_t blocks[] = {1024, 2048, 4096};

	for (size_t i = 0; i < TEST_LENGTH(blocks); i++) {
		uint8_t *flash = test_flash(0xff);

		test_put(flash, 0, IMAGE_STYLE_STOCK, 32768);
		test_put(flash, 0x8000, IMAGE_STYLE_KLIPPER, 44388);
		memset(flash + 0x8000, 0xff, blocks[i]);
		test_assert_says(flash, TEST_FLASH, RESIDENT_FOREIGN,
			"a program that does not say what it is");
		memset(flash, 0xff, blocks[i]);
		test_assert_says(flash, TEST_FLASH, RESIDENT_NONE, "nothing that starts");
		free(flash);
	}
}

/* Three in a row without a gap: the one in the middle is not taken for the last. */
static void test_three_programs(void **state)
{
	uint8_t *flash = test_flash(0xff);

	test_put(flash, 0, IMAGE_STYLE_STOCK, 0x4000);
	test_put(flash, 0x4000, IMAGE_STYLE_CMSIS, 0xc000);
	test_put(flash, 0x10000, IMAGE_STYLE_KLIPPER, 44388);
	test_assert_says(flash, TEST_FLASH, RESIDENT_LOADER,
		"a boot loader with a program that does not say what it is behind it");
	free(flash);
}

/* Each place where boot loaders end, and places where none does. */
static void test_places(void **state)
{
	size_t n;
	const uint32_t *places = vector_places(&n);

	for (size_t i = 1; i < n; i++) {
		for (size_t off = 0; off <= 0x200; off += 0x200) {
			uint8_t *flash = test_flash(0xff);
			bool place = off == 0 || places[i] == 0x20000;
			struct resident resident;

			test_put(flash, places[i] + off, IMAGE_STYLE_KLIPPER, 44388);
			test_put(flash, 0, IMAGE_STYLE_STOCK, 4096);
			memset(flash + 2048, 0xff, places[i] < 4096 ? 0 : places[i] - 2048);
			resident_judge(&resident, flash, TEST_FLASH, TEST_BASE);
			if (places[i] >= 4096) {
				assert_int_equal(resident.has_next, place);
				assert_int_equal(resident.next, place ? places[i] + off : 0);
				assert_int_equal(
					resident.kind, place ? RESIDENT_LOADER : RESIDENT_FOREIGN);
			}
			free(flash);
		}
	}
}

/* Flash by its alias, and a read that does not begin at its start. */
static void test_addresses(void **state)
{
	uint8_t *flash = test_lay_out(&test_boards[11], 0xff);
	struct resident resident;

	assert_int_equal(test_boards[11].next_offset, 0x8000);
	resident_judge(&resident, flash, TEST_FLASH, 0);
	assert_true(resident.has_next);
	assert_int_equal(resident.next, 0x8000);
	resident_judge(&resident, flash + 0x1000, TEST_FLASH - 0x1000, TEST_BASE + 0x1000);
	assert_int_equal(resident.kind, RESIDENT_NONE);
	assert_true(resident.has_next);
	assert_int_equal(resident.next, 0x7000);
	assert_string_equal(resident.next_program.name, "Klipper");
	resident_judge(&resident, flash + 0x8000, TEST_FLASH - 0x8000, TEST_BASE + 0x8000);
	assert_int_equal(resident.kind, RESIDENT_PROGRAM);
	assert_false(resident.has_next);
	resident_judge(&resident, flash, TEST_FLASH, 0x90000000);
	assert_false(resident.has_next);
	free(flash);
}

/* One word of the table behind changed: what makes it a table, and what does not. */
static void test_tables(void **state)
{
	static const struct {
		size_t word;
		uint32_t value;
		bool table;
	} rows[] = {
		{0, 0x20005000, true}, {0, 0x20005001, false}, {0, 0xffffffff, false},
		{1, 0x08008401, true}, {1, 0x08008400, false},
		{1, 0x08007401, false}, /* before it */
		{1, 0x00008401, false}, /* in an alias, with all others elsewhere */
		{2, 0, false}, {3, 0, false}, {4, 0, true},
		{4, 0x08001001, false}, /* a function of the boot loader */
		{4, 0x20000101, true},	/* in RAM */
		{7, 0x12345678, true}, {11, 0x12345678, false},
		{15, 0x08008021, false}, /* inside itself */
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		uint8_t *flash = test_flash(0xff);
		struct resident resident;

		test_put(flash, 0, IMAGE_STYLE_STOCK, 30000);
		test_put(flash, 0x8000, IMAGE_STYLE_CMSIS, 30000);
		for (size_t j = 0; j < 4; j++) {
			flash[0x8000 + 4 * rows[i].word + j] = rows[i].value >> 8 * j;
		}
		resident_judge(&resident, flash, TEST_FLASH, TEST_BASE);
		if (resident.has_next != rows[i].table) {
			fail_msg("row %zu: %d", i, resident.has_next);
		}
		free(flash);
	}
}

/* Programs that fill flash beyond every place have nothing behind them, whatever their bytes. */
static void test_nothing_behind(void **state)
{
	for (enum image_style style = 0; style < _IMAGE_STYLE_MAX; style++) {
		for (uint64_t seed = 1; seed <= 8; seed++) {
			uint8_t *flash = test_flash(0xff);
			struct resident resident;

			test_put_seed(flash, 0, style, 200000, seed);
			resident_judge(&resident, flash, TEST_FLASH, TEST_BASE);
			assert_false(resident.has_next);
			assert_int_not_equal(resident.kind, RESIDENT_NONE);
			free(flash);
		}
	}
}

static void test_noise_is_nothing(void **state)
{
	uint8_t *flash = test_flash(0xff);
	uint64_t random = 11;

	for (size_t run = 0; run < 20; run++) {
		for (size_t i = 0; i < TEST_FLASH; i++) {
			flash[i] = image_random(&random) >> 56;
		}
		test_assert_says(flash, TEST_FLASH, RESIDENT_NONE, "nothing that starts");
	}
	free(flash);
}

static void test_few_bytes(void **state)
{
	static const uint8_t bytes[8] = {0, 0, 2, 0x20, 1, 4, 0, 8};

	test_assert_says(NULL, 0, RESIDENT_NONE, "nothing that starts");
	test_assert_says(bytes, 1, RESIDENT_NONE, "blank");
	test_assert_says(bytes, 3, RESIDENT_NONE, "nothing that starts");
	test_assert_says(bytes, 7, RESIDENT_NONE, "nothing that starts");
	test_assert_says(bytes, 8, RESIDENT_FOREIGN, "a program that does not say what it is");
}

static void test_describe_is_cut(void **state)
{
	const struct resident resident = {.kind = RESIDENT_LOADER, .has_next = true};
	char text[20];

	resident_describe(&resident, text, sizeof(text));
	assert_string_equal(text, "a boot loader with ");
}

static void test_words(void **state)
{
	for (enum resident_kind i = 0; i < _RESIDENT_KIND_MAX; i++) {
		assert_non_null(resident_kind_to_string(i));
	}
	assert_null(resident_kind_to_string(_RESIDENT_KIND_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boards_as_they_are),
		cmocka_unit_test(test_less_says_less),
		cmocka_unit_test(test_two_kib_tell_katapult),
		cmocka_unit_test(test_half_written),
		cmocka_unit_test(test_three_programs),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_nothing_behind),
		cmocka_unit_test(test_noise_is_nothing),
		cmocka_unit_test(test_few_bytes),
		cmocka_unit_test(test_describe_is_cut),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("resident", tests, NULL, NULL);
}
