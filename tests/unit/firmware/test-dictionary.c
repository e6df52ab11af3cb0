/* SPDX-License-Identifier: MIT */

/* What images say about themselves, and what hostile ones may try. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "firmware/dictionary.h"
#include "image-maker.h"

#define TEST_LENGTH(array) (sizeof(array) / sizeof(*(array)))

static uint8_t *test_make(const struct image_recipe *recipe)
{
	uint8_t *bytes = image_make(recipe);

	assert_non_null(bytes);
	return bytes;
}

static size_t test_deflate(uint8_t *ret, size_t size, const void *text, size_t n)
{
	uLongf n_deflated = size;

	assert_int_equal(compress2(ret, &n_deflated, text, n, 9), Z_OK);
	return n_deflated;
}

static void test_klipper(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = test_make(&recipe);
	struct dictionary found;

	assert_true(dictionary_find(&found, bytes, recipe.size));
	assert_string_equal(found.app, "Klipper");
	assert_string_equal(found.version, "v0.13.0-730");
	assert_string_equal(found.mcu, "stm32f446xx");
	assert_in_range(found.end, recipe.size * 84 / 100, recipe.size);
	assert_false(found.truncated);
	free(bytes);
}

static void test_klipper_of_2021_has_no_app(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	struct dictionary found;
	uint8_t *bytes;

	recipe.style = IMAGE_STYLE_KLIPPER2021;
	bytes = test_make(&recipe);
	assert_true(dictionary_find(&found, bytes, recipe.size));
	assert_string_equal(found.app, "");
	assert_string_equal(found.mcu, "stm32f446xx");
	free(bytes);
}

/* Every length between the dictionary's first bytes and its last is seen to be cut off. */
static void test_cut_off(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = test_make(&recipe);
	size_t start = recipe.size / 100 * 84 & ~(size_t)3;
	struct dictionary found;
	size_t end;

	assert_true(dictionary_find(&found, bytes, recipe.size));
	end = found.end;
	for (size_t size = start + 512; size < end; size += 7) {
		assert_false(dictionary_find(&found, bytes, size));
		assert_true(found.truncated);
		assert_string_equal(found.version, "");
	}
	assert_false(dictionary_find(&found, bytes, end - 1));
	assert_true(found.truncated);
	assert_true(dictionary_find(&found, bytes, end));
	assert_false(dictionary_find(&found, bytes, start));
	assert_false(found.truncated);
	free(bytes);
}

static void test_damaged_is_not_cut_off(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = test_make(&recipe);
	struct dictionary found;

	assert_true(dictionary_find(&found, bytes, recipe.size));
	bytes[found.end - 1] ^= 1;
	assert_false(dictionary_find(&found, bytes, recipe.size));
	assert_false(found.truncated);
	free(bytes);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		bool found;
		const char *app, *version, *mcu;
	} rows[] = {
		{"{\"version\":\"v1\",\"config\":{}}", true, "", "v1", ""},
		{"{\"version\":\"v1\",\"config\":{\"MCU\":\"a\"}}  ", true, "", "v1", "a"},
		{"{\"app\":7,\"version\":\"v1\",\"config\":{\"MCU\":[]}}", true, "", "v1", ""},
		{"{\"app\":\"K\\u0001x\",\"version\":\"v\\u00e4\",\"config\":{}}", true, "K", "v",
			""},
		{"{\"app\":\"K\\u0000x\",\"version\":\"v\",\"config\":{}}", true, "K", "v", ""},
		{"{\"app\":\"0123456789012345678901234567890123456789\",\"version\":\"v\","
		 "\"config\":{}}",
			true, "0123456789012345678901234567890", "v", ""},
		{"{\"version\":\"\",\"config\":{}}", false, "", "", ""},
		{"{\"version\":7,\"config\":{}}", false, "", "", ""},
		{"{\"version\":\"v1\"}", false, "", "", ""},
		{"{\"version\":\"v1\",\"config\":[]}", false, "", "", ""},
		{"{\"version\":\"v1\",\"config\":{}", false, "", "", ""},
		{"{\"version\":\"v1\",\"config\":null}", false, "", "", ""},
		{"[\"version\"]", false, "", "", ""},
		{"{}", false, "", "", ""},
		{"{", false, "", "", ""},
		{"", false, "", "", ""},
		{"\"version\"", false, "", "", ""},
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		uint8_t bytes[512] = {0};
		struct dictionary found;
		size_t n = test_deflate(
			bytes + 5, sizeof(bytes) - 5, rows[i].text, strlen(rows[i].text));

		if (dictionary_find(&found, bytes, sizeof(bytes)) != rows[i].found) {
			fail_msg("row %zu", i);
		}
		assert_string_equal(found.app, rows[i].app);
		assert_string_equal(found.version, rows[i].version);
		assert_string_equal(found.mcu, rows[i].mcu);
		assert_int_equal(found.end, rows[i].found ? 5 + n : 0);
		assert_false(found.truncated);
	}
}

static char *test_text_of(
	const char *head, const char *part, size_t n, const char *tail, size_t *ret)
{
	size_t n_head = strlen(head), n_part = strlen(part), n_tail = strlen(tail);
	char *text = malloc(n_head + n * n_part + n_tail + 1);

	assert_non_null(text);
	memcpy(text, head, n_head);
	for (size_t i = 0; i < n; i++) {
		memcpy(text + n_head + i * n_part, part, n_part);
	}
	memcpy(text + n_head + n * n_part, tail, n_tail + 1);
	*ret = n_head + n * n_part + n_tail;
	return text;
}

/* Deep nesting, a stream that is far larger than its bytes, one that just fits. */
static void test_hostile_texts(void **state)
{
	static const struct {
		const char *part;
		size_t n;
		bool found;
	} rows[] = {
		{"[", 100000, false},
		{"{\"a\":", 40000, false},
		{"1,", 100000, false},
		{" ", DICTIONARY_MAX_INFLATED, false},
		{" ", DICTIONARY_MAX_INFLATED - 64, true},
	};
	uint8_t *bytes = malloc(65536);

	assert_non_null(bytes);
	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		struct dictionary found;
		size_t n_text, n;
		char *text = test_text_of(
			"{\"version\":\"v1\",\"config\":{}", rows[i].part, rows[i].n, "}", &n_text);

		n = test_deflate(bytes, 65536, text, n_text);
		assert_int_equal(dictionary_find(&found, bytes, n), rows[i].found);
		assert_false(found.truncated);
		free(text);
	}
	free(bytes);
}

/* Nothing but headers; nothing but bombs, each of which passes the brace. Both must end soon. */
static void test_hostile_images(void **state)
{
	size_t size = 4 << 20, n, n_text;
	uint8_t *bytes = malloc(size + 65536);
	char *text = test_text_of("{", " ", DICTIONARY_MAX_INFLATED - 2, "", &n_text);
	struct dictionary found;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		bytes[i] = i % 2 ? 0xda : 0x78;
	}
	assert_false(dictionary_find(&found, bytes, size));
	n = test_deflate(bytes, size, text, n_text);
	for (size_t i = n; i + n <= size; i += n) {
		memcpy(bytes + i, bytes, n);
	}
	assert_false(dictionary_find(&found, bytes, size));
	free(text);
	free(bytes);
}

static void test_dictionary_behind_false_headers(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = test_make(&recipe);
	struct dictionary found;

	for (size_t i = 1024; i < 9000; i += 2) {
		memcpy(bytes + i, "\x78\x9c", 2);
	}
	assert_true(dictionary_find(&found, bytes, recipe.size));
	assert_string_equal(found.mcu, "stm32f446xx");
	free(bytes);
}

static void test_identity(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint16_t vendor = 0, product = 0;
	uint8_t *bytes = test_make(&recipe);

	assert_int_equal(
		dictionary_usb_identity(bytes, recipe.size, &vendor, &product), DICTIONARY_USB_ONE);
	assert_int_equal(vendor, 0x1d50);
	assert_int_equal(product, 0x614e);
	free(bytes);
	recipe.usb = false;
	bytes = test_make(&recipe);
	assert_int_equal(dictionary_usb_identity(bytes, recipe.size, &vendor, &product),
		DICTIONARY_USB_NONE);
	free(bytes);
}

static const uint8_t test_descriptor[18] = {
	18, 1, 0, 2, 0xef, 2, 1, 64, 0x83, 4, 0x40, 0x57, 0, 2, 1, 2, 3, 1};

static void test_identity_fields(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
		bool found;
	} rows[] = {
		{0, 18, true},
		{0, 17, false},
		{1, 2, false},
		{2, 0x10, true},
		{2, 0x11, false},
		{3, 1, true},
		{3, 3, false},
		{4, 0xff, true},
		{4, 0x77, false},
		{4, 0, false},
		{7, 8, true},
		{7, 9, false},
		{7, 0, false},
		{13, 0x99, true},
		{17, 0, false},
		{17, 8, true},
		{17, 9, false},
	};

	for (size_t i = 0; i < TEST_LENGTH(rows); i++) {
		uint8_t bytes[sizeof(test_descriptor)];
		uint16_t vendor, product;

		memcpy(bytes, test_descriptor, sizeof(bytes));
		bytes[rows[i].offset] = rows[i].value;
		if (dictionary_usb_identity(bytes, sizeof(bytes), &vendor, &product) !=
			rows[i].found) {
			fail_msg("row %zu", i);
		}
		assert_int_equal(
			dictionary_usb_identity(bytes, sizeof(bytes) - 1, &vendor, &product),
			DICTIONARY_USB_NONE);
	}
}

static void test_identity_is_unique(void **state)
{
	uint8_t bytes[64] = {0};
	uint16_t vendor, product;

	memcpy(bytes + 1, test_descriptor, 18);
	memcpy(bytes + 30, test_descriptor, 18);
	assert_int_equal(dictionary_usb_identity(bytes, sizeof(bytes), &vendor, &product),
		DICTIONARY_USB_ONE);
	assert_int_equal(vendor, 0x0483);
	assert_int_equal(product, 0x5740);
	bytes[30 + 10] ^= 1;
	assert_int_equal(dictionary_usb_identity(bytes, sizeof(bytes), &vendor, &product),
		DICTIONARY_USB_SEVERAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_klipper),
		cmocka_unit_test(test_klipper_of_2021_has_no_app),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_damaged_is_not_cut_off),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_hostile_texts),
		cmocka_unit_test(test_hostile_images),
		cmocka_unit_test(test_dictionary_behind_false_headers),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_identity_fields),
		cmocka_unit_test(test_identity_is_unique),
	};

	return cmocka_run_group_tests_name("dictionary", tests, NULL, NULL);
}
