/* SPDX-License-Identifier: MIT */

/*
 * Where images say they belong. Synthetic images of every style at every offset of the field: what
 * is certain is right, whole or cut off; the styles of the shipped profile's images are nearly all
 * certain; nothing is read out of random bytes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/vector-code.h"
#include "firmware/vector.h"
#include "image-maker.h"

#define TEST_LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define TEST_SEEDS	   20

static const uint32_t test_offsets[] = {0, 0x800, 0x1000, 0x2000, 0x4000, 0x5000, 0x7000, 0x8000,
	0x8800, 0x9000, 0xc000, 0x10000, 0x20000, 0x20200};

/* The least share of certain images, in percent, for each style. */
static const unsigned int test_least_certain[_IMAGE_STYLE_MAX] = {
	[IMAGE_STYLE_KLIPPER] = 95,
	[IMAGE_STYLE_KLIPPER2021] = 95,
	[IMAGE_STYLE_CMSIS] = 90,
	[IMAGE_STYLE_LIBOPENCM3] = 90,
	[IMAGE_STYLE_CORTEX_M_RT] = 85,
	[IMAGE_STYLE_KATAPULT] = 90,
	[IMAGE_STYLE_NOISY] = 85,
	[IMAGE_STYLE_IAR] = 90,
	[IMAGE_STYLE_STOCK] = 90,
	[IMAGE_STYLE_UF2] = 85,
	[IMAGE_STYLE_MARLIN] = 90,
};

static uint64_t test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

static struct image_recipe test_recipe(enum image_style style, size_t offset, uint64_t seed)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;

	recipe.style = style;
	recipe.link = recipe.flash_base + test_offsets[offset];
	recipe.seed = 100 * seed + offset;
	recipe.size = 24576 + 4 * (recipe.seed * 7919 % 10000);
	return recipe;
}

static uint8_t *test_make(const struct image_recipe *recipe)
{
	uint8_t *bytes = image_make(recipe);

	assert_non_null(bytes);
	return bytes;
}

static unsigned int test_count_certain(enum image_style style)
{
	unsigned int n_certain = 0;

	for (size_t offset = 0; offset < TEST_LENGTH(test_offsets); offset++) {
		for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
			struct image_recipe recipe = test_recipe(style, offset, seed);
			uint8_t *bytes = test_make(&recipe);
			struct vector_facts facts;

			vector_judge(bytes, recipe.size, &facts);
			assert_int_not_equal(facts.certainty, VECTOR_NO_TABLE);
			assert_false(facts.truncated);
			assert_false(facts.cut);
			assert_int_equal(facts.stack, recipe.stack);
			assert_in_range(facts.lowest, recipe.link, facts.highest);
			assert_in_range(facts.highest, facts.lowest, recipe.link + recipe.size - 1);
			if (facts.certainty == VECTOR_CERTAIN) {
				assert_int_equal(facts.base, recipe.link);
				n_certain++;
			}
			free(bytes);
		}
	}
	return n_certain;
}

static void test_certain_is_right(void **state)
{
	unsigned int n = TEST_SEEDS * TEST_LENGTH(test_offsets);

	for (enum image_style style = 0; style < _IMAGE_STYLE_MAX; style++) {
		unsigned int n_certain = test_count_certain(style);

		print_message(
			"# %s: %u of %u certain\n", image_style_to_string(style), n_certain, n);
		assert_in_range(n_certain, n * test_least_certain[style] / 100, n);
	}
}

/* The image of design section 1 at every seed that a scenario may use. */
static void test_the_plain_image_is_certain(void **state)
{
	static const uint32_t links[] = {0x08000000, 0x08008000};

	for (size_t i = 0; i < TEST_LENGTH(links); i++) {
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		struct vector_facts facts;
		uint8_t *bytes;

		recipe.link = links[i];
		bytes = test_make(&recipe);
		vector_judge(bytes, recipe.size, &facts);
		assert_int_equal(facts.certainty, VECTOR_CERTAIN);
		assert_int_equal(facts.base, links[i]);
		free(bytes);
	}
}

static void test_cut_is_never_certainly_wrong(void **state)
{
	for (enum image_style style = 0; style < _IMAGE_STYLE_MAX; style++) {
		for (size_t offset = 0; offset < TEST_LENGTH(test_offsets); offset++) {
			struct image_recipe recipe = test_recipe(style, offset, 77 + style);
			uint8_t *bytes = test_make(&recipe);

			for (size_t size = 0; size < recipe.size; size += size < 600 ? 3 : 1733) {
				struct vector_facts facts;

				vector_judge(bytes, size, &facts);
				if (facts.certainty == VECTOR_CERTAIN) {
					assert_int_equal(facts.base, recipe.link);
					assert_in_range(
						facts.highest, recipe.link, recipe.link + size);
				}
				if (facts.certainty != VECTOR_NO_TABLE &&
					facts.highest - recipe.link >= size) {
					assert_int_not_equal(
						vector_fit(&facts, size, recipe.link), VECTOR_FITS);
				}
			}
			free(bytes);
		}
	}
}

/* A writer that was killed half-way: the calls tell it, also where every handler is there. */
static void test_cut_is_told_by_calls(void **state)
{
	for (enum image_style style = 0; style < _IMAGE_STYLE_MAX; style++) {
		struct image_recipe recipe = test_recipe(style, 7, 3);
		uint8_t *bytes = test_make(&recipe);

		for (size_t percent = 20; percent <= 80; percent += 5) {
			struct vector_facts facts;

			vector_judge(bytes, recipe.size * percent / 100, &facts);
			assert_true(facts.cut);
		}
		free(bytes);
	}
}

/* The words of half an image point behind its end, so they are not asked. */
static void test_cut_is_not_guessed(void **state)
{
	unsigned int n_likely = 0;

	for (size_t offset = 0; offset < TEST_LENGTH(test_offsets); offset++) {
		struct image_recipe recipe = test_recipe(IMAGE_STYLE_NUTTX, offset, 2);
		struct vector_facts facts;
		uint8_t *bytes;

		recipe.size = 80000;
		bytes = test_make(&recipe);
		vector_judge(bytes, 40000, &facts);
		assert_true(facts.cut);
		assert_int_equal(facts.certainty, VECTOR_UNKNOWN);
		vector_judge(bytes, recipe.size, &facts);
		n_likely += facts.certainty == VECTOR_LIKELY;
		free(bytes);
	}
	assert_in_range(n_likely, TEST_LENGTH(test_offsets) - 2, TEST_LENGTH(test_offsets));
}

/* Constants that look like calls lead everywhere, so they are not believed. */
static void test_data_is_not_cut(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	size_t size = 2 << 20;
	uint8_t *bytes = test_make(&recipe);
	uint64_t random = 88172645463325252;
	struct vector_facts facts;

	bytes = realloc(bytes, size);
	assert_non_null(bytes);
	for (size_t i = recipe.size & ~(size_t)7; i < size; i += 8) {
		uint64_t noise = test_random(&random);

		memcpy(bytes + i, &noise, 8);
	}
	vector_judge(bytes, size, &facts);
	assert_int_not_equal(facts.certainty, VECTOR_NO_TABLE);
	assert_false(facts.cut);
	free(bytes);
}

/* Cut off before its reset handler, and before anything that could explain another base. */
static void test_cut_before_reset_is_truncated(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = test_make(&recipe);
	struct vector_facts facts;
	uint32_t reset;

	vector_judge(bytes, recipe.size, &facts);
	reset = (facts.reset & ~1u) - recipe.link;
	vector_judge(bytes, reset, &facts);
	assert_int_equal(vector_fit(&facts, reset, recipe.link), VECTOR_TRUNCATED);
	vector_judge(bytes, 1024, &facts);
	assert_true(facts.truncated);
	assert_int_equal(vector_fit(&facts, 1024, recipe.link), VECTOR_TRUNCATED);
	vector_judge(bytes, 8, &facts);
	assert_true(facts.truncated);
	assert_int_equal(vector_fit(&facts, 8, recipe.link), VECTOR_TRUNCATED);
	free(bytes);
}

static void test_fit_of_a_row(const struct vector_facts *facts, size_t size, uint32_t link)
{
	for (size_t j = 0; j < TEST_LENGTH(test_offsets); j++) {
		uint32_t address = 0x08000000 + test_offsets[j];

		assert_int_equal(vector_fit(facts, size, address),
			address == link ? VECTOR_FITS : VECTOR_MISMATCH);
	}
}

static void test_fit_matrix(void **state)
{
	unsigned int n_rows = 0;

	for (size_t i = 0; i < TEST_LENGTH(test_offsets); i++) {
		struct image_recipe recipe = test_recipe(IMAGE_STYLE_KLIPPER, i, 5);
		uint8_t *bytes = test_make(&recipe);
		struct vector_facts facts;

		vector_judge(bytes, recipe.size, &facts);
		if (facts.certainty == VECTOR_CERTAIN) {
			test_fit_of_a_row(&facts, recipe.size, recipe.link);
			n_rows++;
		}
		free(bytes);
	}
	assert_in_range(n_rows, TEST_LENGTH(test_offsets) - 1, TEST_LENGTH(test_offsets));
}

/* Linked for address 0: right on this chip by its alias of flash, or made for another chip. */
static void test_alias_is_undecided(void **state)
{
	static const uint32_t links[] = {0, 0x8000, 0x00200000, 0x00208000};

	for (size_t i = 0; i < TEST_LENGTH(links); i++) {
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		uint32_t address = 0x08000000 + links[i] % 0x00200000;
		struct vector_facts facts;
		uint8_t *bytes;

		recipe.flash_base = links[i] & 0x00200000;
		recipe.link = links[i];
		recipe.seed = 3;
		bytes = test_make(&recipe);
		vector_judge(bytes, recipe.size, &facts);
		assert_int_equal(facts.certainty, VECTOR_CERTAIN);
		assert_int_equal(facts.base, links[i]);
		assert_int_equal(vector_fit(&facts, recipe.size, address), VECTOR_UNDECIDED);
		assert_int_equal(
			vector_fit(&facts, recipe.size, address + 0x4000), VECTOR_MISMATCH);
		assert_int_equal(vector_fit(&facts, recipe.size, links[i]), VECTOR_FITS);
		free(bytes);
	}
}

/* Facts made by hand, so that every branch of the judgement is a line here. */
static void test_fit_table(void **state)
{
	static const struct {
		enum vector_certainty certainty;
		uint32_t reset, base, address;
		enum vector_fit fit;
	} rows[] = {
		{VECTOR_NO_TABLE, 0, 0, 0x08000000, VECTOR_UNDECIDED},
		{VECTOR_CERTAIN, 0x08000401, 0x08000000, 0x08000000, VECTOR_FITS},
		{VECTOR_CERTAIN, 0x08000401, 0x08000000, 0x08000200, VECTOR_MISMATCH},
		{VECTOR_CERTAIN, 0x00000401, 0x00000000, 0x08000000, VECTOR_UNDECIDED},
		{VECTOR_CERTAIN, 0x00004401, 0x00004000, 0x08000000, VECTOR_MISMATCH},
		{VECTOR_LIKELY, 0x08000401, 0x08000000, 0x08000000, VECTOR_UNDECIDED},
		{VECTOR_LIKELY, 0x08001401, 0x08001000, 0x08000800, VECTOR_MISMATCH},
		{VECTOR_LIKELY, 0x08000401, 0x08000000, 0x08000800, VECTOR_MISMATCH},
		{VECTOR_UNKNOWN, 0x08000401, 0, 0x08000000, VECTOR_UNDECIDED},
		{VECTOR_UNKNOWN, 0x00000401, 0, 0x08000000, VECTOR_UNDECIDED},
		{VECTOR_UNKNOWN, 0x080007ff, 0, 0x08000000, VECTOR_UNDECIDED},
		{VECTOR_UNKNOWN, 0x08000801, 0, 0x08000000, VECTOR_TRUNCATED},
		{VECTOR_UNKNOWN, 0x00000801, 0, 0x08000000, VECTOR_TRUNCATED},
		{VECTOR_UNKNOWN, 0x08000401, 0, 0x08000800, VECTOR_MISMATCH},
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		struct vector_facts facts = {.certainty = rows[i].certainty,
			.reset = rows[i].reset,
			.base = rows[i].base};

		if (vector_fit(&facts, 0x800, rows[i].address) != rows[i].fit) {
			fail_msg("row %zu: %s", i,
				vector_fit_to_string(vector_fit(&facts, 0x800, rows[i].address)));
		}
	}
}

static void test_put32(uint8_t *bytes, uint32_t word)
{
	for (size_t i = 0; i < 4; i++) {
		bytes[i] = word >> 8 * i;
	}
}

static void test_table_rules(void **state)
{
	static const struct {
		size_t word;
		uint32_t value;
		bool table;
	} rows[] = {
		{0, 0x20000000, false}, /* nothing fits below */
		{0, 0x20000004, true},
		{0, 0x2001fffc, true},
		{0, 0x20020000, true},
		{0, 0x20020002, false},
		{0, 0x10010000, true},
		{0, 0x10010004, false},
		{0, 0x24080000, true},
		{0, 0x30048000, true},
		{0, 0x202f0000, true}, /* U5G */
		{0, 0x38010000, true},
		{0, 0x00000000, false},
		{0, 0xffffffff, false},
		{1, 0x08000000, false},
		{1, 0x08000401, true},
		{1, 0x07fffff1, false},
		{1, 0x90000001, false},
		{1, 0xffffffff, false},
		{2, 0, true},
		{2, 0x08000400, false},
		{2, 0x20000101, true},
		{3, 0xffffffff, false},
		{7, 0x12345678, true},
		{10, 0xffffffff, true},
		{11, 0xffffffff, false},
		{13, 0x00000002, true},
		{14, 0x40000001, false},
		{15, 0x00000101, true},
		{15, 0x00010101, false},
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		uint8_t *bytes = test_make(&recipe);
		struct vector_facts facts;

		test_put32(bytes + 4 * rows[i].word, rows[i].value);
		vector_judge(bytes, recipe.size, &facts);
		if ((facts.certainty != VECTOR_NO_TABLE) != rows[i].table) {
			fail_msg("row %zu: %s", i, vector_certainty_to_string(facts.certainty));
		}
		if (rows[i].word <= 1 && rows[i].table) {
			assert_true(vector_bootable(bytes));
		}
		free(bytes);
	}
}

/* A handler that was copied to RAM says nothing about flash. */
static void test_ram_handlers_do_not_count(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = test_make(&recipe);
	struct vector_facts facts;

	test_put32(bytes + 4 * 15, 0x20000101);
	test_put32(bytes + 4 * 20, 0x00000101);
	vector_judge(bytes, recipe.size, &facts);
	assert_int_equal(facts.certainty, VECTOR_CERTAIN);
	assert_int_equal(facts.base, recipe.link);
	assert_false(facts.truncated);
	free(bytes);
}

/*
 * The styles whose handlers tell nothing: the words of the image speak for its base, which is then
 * likely, from 16 KiB on. Linked at 0, small numbers would speak for 0, so nobody is asked.
 */
static void test_literals_are_a_hint(void **state)
{
	static const enum image_style styles[] = {IMAGE_STYLE_ZEPHYR, IMAGE_STYLE_NUTTX};
	unsigned int n = 0, n_likely = 0;

	for (size_t i = 0; i < TEST_LENGTH(styles); i++) {
		for (size_t offset = 0; offset < TEST_LENGTH(test_offsets); offset++) {
			for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
				struct image_recipe recipe = test_recipe(styles[i], offset, seed);
				uint8_t *bytes = test_make(&recipe);
				struct vector_facts facts;

				vector_judge(bytes, recipe.size, &facts);
				assert_int_not_equal(facts.certainty, VECTOR_CERTAIN);
				n++;
				n_likely += facts.certainty == VECTOR_LIKELY &&
					    facts.base == recipe.link;
				free(bytes);
			}
		}
	}
	print_message("# %u of %u likely and right\n", n_likely, n);
	assert_in_range(n_likely, n * 95 / 100, n);
}

/* The same images where the hint must be silent. */
static void test_literals_are_silent(void **state)
{
	static const struct {
		size_t size;
		uint32_t flash_base;
		bool likely;
	} rows[] = {
		{16384, 0x08000000, true},
		{16380, 0x08000000, false},
		{8192, 0x08000000, false},
		{60000, 0, false},
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		struct vector_facts facts;
		uint8_t *bytes;

		recipe.style = IMAGE_STYLE_NUTTX;
		recipe.size = rows[i].size;
		recipe.flash_base = rows[i].flash_base;
		recipe.link = recipe.flash_base + 0x2000;
		bytes = test_make(&recipe);
		vector_judge(bytes, recipe.size, &facts);
		if (facts.certainty != (rows[i].likely ? VECTOR_LIKELY : VECTOR_UNKNOWN)) {
			fail_msg("row %zu: %s", i, vector_certainty_to_string(facts.certainty));
		}
		free(bytes);
	}
}

/*
 * Two bases where the same handlers would do: the file holds its own code twice, then words that
 * point behind what the lower base would explain.
 */
static uint8_t *test_make_twice(size_t n_words, size_t *ret_size)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes;

	recipe.style = IMAGE_STYLE_KATAPULT;
	recipe.size = 16384;
	bytes = test_make(&recipe);
	*ret_size = 2 * recipe.size + 4 * n_words;
	bytes = realloc(bytes, *ret_size);
	assert_non_null(bytes);
	memcpy(bytes + recipe.size, bytes, recipe.size);
	for (size_t i = 0; i < n_words; i++) {
		test_put32(bytes + 2 * recipe.size + 4 * i, 0x0800a001);
	}
	for (size_t i = 1; i < 84; i++) {
		uint32_t handler = bytes[4 * i] | bytes[4 * i + 1] << 8;

		test_put32(bytes + 4 * i, 0x08004000 + handler);
	}
	return bytes;
}

static void test_two_bases_are_not_certain(void **state)
{
	static const struct {
		size_t n_words;
		uint32_t base; /* what the words of the image speak for */
	} rows[] = {{0, 0x08000000}, {1024, 0x08004000}};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		struct vector_facts facts;
		size_t size;
		uint8_t *bytes = test_make_twice(rows[i].n_words, &size);

		vector_judge(bytes, size, &facts);
		assert_int_equal(facts.certainty, VECTOR_LIKELY);
		assert_int_equal(facts.base, rows[i].base);
		assert_int_equal(vector_fit(&facts, size, 0x08000000), VECTOR_UNDECIDED);
		assert_int_equal(vector_fit(&facts, size, 0x08004000), VECTOR_UNDECIDED);
		free(bytes);
	}
}

static void test_random_has_no_table(void **state)
{
	uint64_t random = 88172645463325252;
	uint64_t words[256];

	for (size_t run = 0; run < 20000; run++) {
		struct vector_facts facts;

		for (size_t i = 0; i < TEST_LENGTH(words); i++) {
			words[i] = test_random(&random);
		}
		vector_judge((const uint8_t *)words, sizeof(words), &facts);
		assert_int_equal(facts.certainty, VECTOR_NO_TABLE);
		assert_int_equal(vector_fit(&facts, sizeof(words), 0x08000000), VECTOR_UNDECIDED);
	}
}

/* A table that is right and points anywhere into noise must not be read as certain. */
static void test_random_handlers_are_not_certain(void **state)
{
	uint64_t random = 88172645463325252;
	size_t size = 40000;
	uint8_t *bytes = calloc(1, size);

	assert_non_null(bytes);
	for (size_t run = 0; run < 300; run++) {
		struct vector_facts facts;

		for (size_t i = 0; i < size; i += 8) {
			uint64_t noise = test_random(&random);

			memcpy(bytes + i, &noise, 8);
		}
		test_put32(bytes, 0x20020000);
		for (size_t i = 1; i < 100; i++) {
			uint32_t handler = i % 8 == 1 ? test_random(&random) % 30000 : 4711;

			test_put32(bytes + 4 * i, 0x08004001 + (handler & ~1u));
		}
		vector_judge(bytes, size, &facts);
		assert_int_not_equal(facts.certainty, VECTOR_CERTAIN);
		assert_int_not_equal(facts.certainty, VECTOR_NO_TABLE);
	}
	free(bytes);
}

/* What stands before a place in code, and there, and what that makes of the place. */
static void test_code(void **state)
{
	static const struct {
		uint16_t earlier, before, first, second, third;
		bool entry, loop;
	} rows[] = {
		{0x4630, 0x4628, 0x4620, 0x2100, 0x2200, false, false},
		{0x4630, 0x4628, 0xb570, 0x2100, 0x2200, true, false},	/* push {r4-r6, lr} */
		{0x4630, 0x4628, 0xe92d, 0x41f0, 0x2200, true, false},	/* push.w with lr */
		{0x4630, 0x4628, 0xe92d, 0x01f0, 0x2200, false, false}, /* without */
		{0x4630, 0x4628, 0xb672, 0x4b01, 0x2200, true, false},	/* cpsid i */
		{0x4630, 0x4628, 0xf8df, 0xd034, 0x2200, true, false},	/* ldr.w sp */
		{0x4630, 0x4770, 0x4620, 0x2100, 0x2200, true, false},	/* behind bx lr */
		{0x4630, 0xbd70, 0x4620, 0x2100, 0x2200, true, false},	/* behind pop */
		{0xe8bd, 0x81f0, 0x4620, 0x2100, 0x2200, true, false},	/* behind pop.w */
		{0xf7ff, 0xfffe, 0x4620, 0x2100, 0x2200, true, false},	/* behind a call */
		{0x4630, 0xbf00, 0x4620, 0x2100, 0x2200, true, false},	/* behind a nop */
		{0x0000, 0x0000, 0x4620, 0x2100, 0x2200, false, false},
		{0x0100, 0x2000, 0x4620, 0x2100, 0x2200, true, false}, /* behind an address */
		{0x6fc0, 0xfffd, 0x4620, 0x2100, 0x2200, true, false}, /* and a negative number */
		{0x6fc0, 0xffe0, 0x4620, 0x2100, 0x2200, false, false},
		{0x4630, 0x4770, 0x0000, 0x2100, 0x2200, false, false},
		{0x4630, 0x4770, 0xffff, 0xffff, 0xffff, false, false},
		{0x4630, 0x4770, 0x8101, 0x0800, 0x2200, false, false}, /* a table of functions */
		{0x4630, 0x4628, 0xe7fe, 0x2100, 0x2200, false, true},
		{0x4630, 0x4770, 0xe7fe, 0x2100, 0x2200, true, true},
		{0x4630, 0x4628, 0xf7ff, 0xbffe, 0x2200, false, true}, /* b.w */
		{0x4630, 0x4628, 0xbf30, 0xe7fd, 0x2200, false, true}, /* wfi */
		{0x4630, 0x4628, 0xbe00, 0xe7fd, 0x2200, false, true}, /* bkpt */
		{0x4630, 0x4628, 0xb480, 0xaf00, 0xe7fe, false, true}, /* without optimisation */
		{0x4630, 0x4628, 0xb480, 0xaf00, 0xe7fd, false, false},
		{0x4630, 0x4628, 0xe7fd, 0x2100, 0x2200, false, false}, /* a loop of two */
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		const uint16_t halfwords[] = {rows[i].earlier, rows[i].before, rows[i].first,
			rows[i].second, rows[i].third};
		uint8_t bytes[18] = {0};
		const struct vector_code code = {.bytes = bytes, .size = 18, .start = 8};

		for (size_t j = 0; j < TEST_LENGTH(halfwords); j++) {
			bytes[8 + 2 * j] = halfwords[j];
			bytes[9 + 2 * j] = halfwords[j] >> 8;
		}
		if (vector_code_is_entry(&code, 12) != rows[i].entry ||
			vector_code_is_loop(&code, 12) != rows[i].loop) {
			fail_msg("row %zu", i);
		}
	}
}

static void test_bootable(void **state)
{
	static const struct {
		uint8_t bytes[8];
		bool bootable;
	} rows[] = {
		{{0x00, 0x00, 0x02, 0x20, 0xfd, 0x0d, 0x00, 0x08}, true},
		{{0x00, 0x00, 0x02, 0x20, 0xfc, 0x0d, 0x00, 0x08}, false},
		{{0x00, 0x00, 0x02, 0x20, 0xfd, 0x0d, 0x00, 0x00}, true},
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false},
		{{0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}, false},
		{{0xff, 0xff, 0xff, 0xff, 0xfd, 0x0d, 0x00, 0x08}, false},
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		assert_int_equal(vector_bootable(rows[i].bytes), rows[i].bootable);
	}
}

static void test_words(void **state)
{
	for (enum vector_certainty i = 0; i < _VECTOR_CERTAINTY_MAX; i++) {
		assert_non_null(vector_certainty_to_string(i));
	}
	for (enum vector_fit i = 0; i < _VECTOR_FIT_MAX; i++) {
		assert_non_null(vector_fit_to_string(i));
	}
	assert_null(vector_certainty_to_string(_VECTOR_CERTAINTY_INVALID));
	assert_null(vector_fit_to_string(_VECTOR_FIT_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certain_is_right),
		cmocka_unit_test(test_the_plain_image_is_certain),
		cmocka_unit_test(test_cut_is_never_certainly_wrong),
		cmocka_unit_test(test_cut_is_told_by_calls),
		cmocka_unit_test(test_cut_is_not_guessed),
		cmocka_unit_test(test_data_is_not_cut),
		cmocka_unit_test(test_cut_before_reset_is_truncated),
		cmocka_unit_test(test_fit_matrix),
		cmocka_unit_test(test_alias_is_undecided),
		cmocka_unit_test(test_fit_table),
		cmocka_unit_test(test_table_rules),
		cmocka_unit_test(test_ram_handlers_do_not_count),
		cmocka_unit_test(test_literals_are_a_hint),
		cmocka_unit_test(test_literals_are_silent),
		cmocka_unit_test(test_two_bases_are_not_certain),
		cmocka_unit_test(test_random_has_no_table),
		cmocka_unit_test(test_random_handlers_are_not_certain),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_bootable),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("vector", tests, NULL, NULL);
}
