/* SPDX-License-Identifier: MIT */

/* Wrapped images are told by name where that is certain, and never for what they are not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/image.h"
#include "firmware/vector.h"
#include "firmware/wrapper.h"
#include "image-maker.h"
#include "image-random.h"
#include "image-wrap.h"

#define TEST_LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define TEST_SEEDS	   6

static const struct {
	enum image_wrap wrap;
	enum wrapper wrapper;
	const char *kind;
} test_wraps[] = {
	{IMAGE_WRAP_NONE, WRAPPER_NONE, "raw binary"},
	{IMAGE_WRAP_XOR, WRAPPER_ROBIN, "MKS Robin update file"},
	{IMAGE_WRAP_HEADER, WRAPPER_NONE, "raw binary"},
	{IMAGE_WRAP_MCUBOOT, WRAPPER_MCUBOOT, "MCUboot image"},
	{IMAGE_WRAP_CHITU, WRAPPER_CHITU, "Chitu update file"},
	{IMAGE_WRAP_RANDOM, WRAPPER_NONE, "raw binary"},
};

static uint8_t *test_make(
	enum image_style style, uint64_t seed, enum image_wrap wrap, size_t *ret_size)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes, *wrapped;

	recipe.style = style;
	recipe.seed = seed;
	recipe.size = 24576 + 3001 * seed;
	bytes = image_make(&recipe);
	assert_non_null(bytes);
	wrapped = image_wrap(wrap, bytes, recipe.size, seed, ret_size);
	assert_non_null(wrapped);
	free(bytes);
	return wrapped;
}

static void test_each_style_in_each_wrap(void **state)
{
	for (size_t i = 0; i < TEST_LENGTH(test_wraps); i++) {
		for (enum image_style style = 0; style < _IMAGE_STYLE_MAX; style++) {
			for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
				size_t size;
				uint8_t *bytes = test_make(style, seed, test_wraps[i].wrap, &size);

				assert_int_equal(wrapper_find(bytes, size), test_wraps[i].wrapper);
				free(bytes);
			}
		}
	}
}

/* A written profile may flash them, so the parser takes them; but they say no address. */
static void test_wrapped_is_raw_without_table(void **state)
{
	for (size_t i = 1; i < TEST_LENGTH(test_wraps); i++) {
		for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
			struct image image = IMAGE_INIT;
			struct vector_facts facts;
			enum image_fault fault;
			size_t size;
			uint8_t *bytes =
				test_make(IMAGE_STYLE_KLIPPER, seed, test_wraps[i].wrap, &size);

			assert_int_equal(image_parse(&image, bytes, size, &fault), 0);
			assert_int_equal(fault, IMAGE_GOOD);
			assert_string_equal(image.kind, test_wraps[i].kind);
			assert_int_equal(image.segments[0].size, size);
			vector_judge(bytes, size, &facts);
			assert_int_equal(facts.certainty, VECTOR_NO_TABLE);
			assert_false(facts.cut || facts.truncated);
			assert_int_equal(vector_fit(&facts, size, 0x08000000), VECTOR_UNDECIDED);
			image_done(&image);
			free(bytes);
		}
	}
}

/* The vector table of a Robin file is there to see; only the code behind it is hidden. */
static void test_robin_keeps_its_table(void **state)
{
	size_t size;
	uint8_t *bytes = test_make(IMAGE_STYLE_KLIPPER, 1, IMAGE_WRAP_XOR, &size);

	assert_true(vector_bootable(bytes));
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= i >= 320 && i < 31040 ? 1 : 0;
	}
	assert_int_equal(wrapper_find(bytes, size), WRAPPER_NONE);
	free(bytes);
}

static void test_noise_is_none(void **state)
{
	uint64_t random = 4;
	uint64_t words[1024];

	for (size_t run = 0; run < 3000; run++) {
		for (size_t i = 0; i < TEST_LENGTH(words); i++) {
			words[i] = image_random(&random);
		}
		assert_int_equal(wrapper_find((const uint8_t *)words, sizeof(words)), WRAPPER_NONE);
	}
}

/* Each word of a header that has to be right, made wrong; and every file too short for one. */
static void test_damaged_headers(void **state)
{
	static const struct {
		enum image_wrap wrap;
		size_t offset;
		uint8_t value;
		bool found;
	} rows[] = {
		{IMAGE_WRAP_MCUBOOT, 0, 0x3c, false},
		{IMAGE_WRAP_MCUBOOT, 9, 0, false}, /* a header of no bytes */
		{IMAGE_WRAP_MCUBOOT, 16, 1, true}, /* flags */
		{IMAGE_WRAP_CHITU, 0, 0x45, false},
		{IMAGE_WRAP_CHITU, 4, 0x55, true}, /* the key */
		{IMAGE_WRAP_CHITU, 8, 0x55, false},
		{IMAGE_WRAP_CHITU, 9999, 0x55, false},
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		size_t size;
		uint8_t *bytes = test_make(IMAGE_STYLE_KLIPPER, 2, rows[i].wrap, &size);

		assert_int_not_equal(bytes[rows[i].offset], rows[i].value);
		bytes[rows[i].offset] = rows[i].value;
		if ((wrapper_find(bytes, size) != WRAPPER_NONE) != rows[i].found) {
			fail_msg("row %zu", i);
		}
		free(bytes);
	}
}

static void test_short_files(void **state)
{
	for (size_t i = 0; i < TEST_LENGTH(test_wraps); i++) {
		size_t size;
		uint8_t *bytes = test_make(IMAGE_STYLE_KLIPPER, 2, test_wraps[i].wrap, &size);

		for (size_t n = 0; n < 32; n++) {
			uint8_t *copy = malloc(n + 1);

			assert_non_null(copy);
			memcpy(copy, bytes, n);
			copy = realloc(copy, n ? n : 1);
			assert_int_equal(wrapper_find(copy, n), WRAPPER_NONE);
			free(copy);
		}
		assert_int_equal(wrapper_find(NULL, 0), WRAPPER_NONE);
		free(bytes);
	}
}

static void test_words(void **state)
{
	assert_null(wrapper_to_string(WRAPPER_NONE));
	for (enum wrapper i = WRAPPER_NONE + 1; i < _WRAPPER_MAX; i++) {
		assert_non_null(wrapper_to_string(i));
	}
	assert_null(wrapper_to_string(_WRAPPER_INVALID));
	for (enum image_wrap i = 0; i < _IMAGE_WRAP_MAX; i++) {
		assert_int_equal(image_wrap_from_string(image_wrap_to_string(i)), i);
	}
	assert_int_equal(image_wrap_from_string("paper"), _IMAGE_WRAP_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_style_in_each_wrap),
		cmocka_unit_test(test_wrapped_is_raw_without_table),
		cmocka_unit_test(test_robin_keeps_its_table),
		cmocka_unit_test(test_noise_is_none),
		cmocka_unit_test(test_damaged_headers),
		cmocka_unit_test(test_short_files),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("wrapper", tests, NULL, NULL);
}
