/* SPDX-License-Identifier: MIT */

/* What a file is: the sniffing table, raw images, and what must not be mistaken for something else.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/image.h"
#include "image-maker.h"

#define TEST_LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define TEST_BYTES(text)   text, sizeof(text) - 1

struct test_file {
	const char *bytes;
	size_t size;
	enum image_fault fault;
	const char *kind;
};

static const struct test_file test_files[] = {
	{TEST_BYTES(""), IMAGE_EMPTY, "empty file"},
	{TEST_BYTES("\0"), IMAGE_EMPTY, "blank file"},
	{TEST_BYTES("\xff"), IMAGE_EMPTY, "blank file"},
	{TEST_BYTES("\0\0\0\0\0\0\0\0"), IMAGE_EMPTY, "blank file"},
	{TEST_BYTES("\xff\xff\xff\xff\xff\xff"), IMAGE_EMPTY, "blank file"},
	{TEST_BYTES("\x7f"
		    "ELF\1\1\1\0\0\0\0\0"),
		IMAGE_FORMAT, "ELF"},
	{TEST_BYTES("UF2\n\x57\x51\x5d\x9e\0\0\0\0"), IMAGE_FORMAT, "UF2"},
	{TEST_BYTES(":020000040800F2\r\n"), IMAGE_FORMAT, "Intel HEX"},
	{TEST_BYTES(":00000001FF"), IMAGE_FORMAT, "Intel HEX"},
	{TEST_BYTES("\xef\xbb\xbf\r\n:00000001ff\n"), IMAGE_FORMAT, "Intel HEX"},
	{TEST_BYTES("S00600004844521B\n"), IMAGE_FORMAT, "Motorola S-record"},
	{TEST_BYTES("S5030001FB"), IMAGE_FORMAT, "Motorola S-record"},
	{TEST_BYTES("\x3d\xb8\xf3\x96\0\0\0\0\x20\0\0\0\x34\x12\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
		    "\0\0\0\0"),
		IMAGE_GOOD, "MCUboot image"},
	{TEST_BYTES("\x3d\xb8\xf3\x96\0\0\0\0\x20\0"), IMAGE_GOOD, "raw binary"},
	{TEST_BYTES("\xe9\x03\x02\x20\x04\x00\x10\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		IMAGE_FORMAT, "ESP image"},
	{TEST_BYTES("%PDF-1.4\n"), IMAGE_FORMAT, "PDF document"},
	{TEST_BYTES("\x89PNG\r\n\x1a\n\0\0"), IMAGE_FORMAT, "PNG picture"},
	{TEST_BYTES("\x1f\x8b\x08\0\0\0\0\0"), IMAGE_COMPRESSED, "gzip"},
	{TEST_BYTES("PK\x03\x04\x14\0"), IMAGE_COMPRESSED, "zip archive"},
	{TEST_BYTES("\xfd"
		    "7zXZ\0\0\4"),
		IMAGE_COMPRESSED, "xz"},
	{TEST_BYTES("\x28\xb5\x2f\xfd\x04"), IMAGE_COMPRESSED, "zstd"},
	{TEST_BYTES("BZh91AY&SY\x01"), IMAGE_COMPRESSED, "bzip2"},
	{TEST_BYTES("7z\xbc\xaf\x27\x1c\0"), IMAGE_COMPRESSED, "7z archive"},
	{TEST_BYTES("Rar!\x1a\x07\x01"), IMAGE_COMPRESSED, "rar archive"},
	{TEST_BYTES("<!DOCTYPE html>\n<title>404</title>"), IMAGE_HTML, "web page"},
	{TEST_BYTES("\n\n  <HTML lang=\"en\">\n"), IMAGE_HTML, "web page"},
	{TEST_BYTES("<?xml version=\"1.0\"?><html xmlns=\"\">"), IMAGE_HTML, "web page"},
	{TEST_BYTES("<!-- a remark --><html>"), IMAGE_HTML, "web page"},
	{TEST_BYTES("<svg/>"), IMAGE_TEXT, "text file"},
	{TEST_BYTES("a"), IMAGE_TEXT, "text file"},
	{TEST_BYTES("version https://git-lfs.example/spec/v1\noid sha256:00\n"), IMAGE_TEXT,
		"text file"},
	{TEST_BYTES("Gr\xc3\xbc\xc3\x9f"
		    "e aus K\xc3\xb6ln\n"),
		IMAGE_TEXT, "text file"},
	{TEST_BYTES("Gr\xfc\xdf"
		    "e aus K\xf6ln\n"),
		IMAGE_TEXT, "text file"},
	{TEST_BYTES("\xe5\x9b\xba\xe4\xbb\xb6\xe5\x9b\xba\xe4\xbb\xb6\n"), IMAGE_TEXT, "text file"},
	{TEST_BYTES("\xff\xfeh\0e\0l\0l\0o\0"), IMAGE_TEXT, "text file"},
	{TEST_BYTES("\xfe\xff\0h\0e\0l\0l\0o"), IMAGE_TEXT, "text file"},
	{TEST_BYTES(":not a record\n"), IMAGE_TEXT, "text file"},
	{TEST_BYTES("S-expressions\n"), IMAGE_TEXT, "text file"},
	{TEST_BYTES("text\0with a zero"), IMAGE_GOOD, "raw binary"},
	{TEST_BYTES("\xff\0"), IMAGE_GOOD, "raw binary"},
	{TEST_BYTES("\x00\x00\x02\x20\xfd\x0d\x00\x08"), IMAGE_GOOD, "raw binary"},
	{TEST_BYTES("\xe9\x03\x02\x20\x04\x00\x10\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), IMAGE_GOOD,
		"raw binary"},
	{TEST_BYTES("MZ\0\0\0\0\0\0"), IMAGE_GOOD, "raw binary"},
	/* dfu.md 1.7: "123456789" with a DFU suffix; then with one bit of it changed */
	{TEST_BYTES("123456789\xff\xff\x11\xdf\x83\x04\x00\x01UFD\x10\x8b\x1e\x39\x39"),
		IMAGE_FORMAT, "file with a DFU suffix"},
	{TEST_BYTES("123456788\xff\xff\x11\xdf\x83\x04\x00\x01UFD\x10\x8b\x1e\x39\x39"),
		IMAGE_DAMAGED, "file with a DFU suffix"},
	{TEST_BYTES("DfuSe\1\0\0\0\0\1"), IMAGE_DAMAGED, "DfuSe file"},
};

static uint8_t *test_copy(const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	return realloc(copy, size ? size : 1);
}

static void test_kinds(void **state)
{
	for (size_t i = 0; i < TEST_LENGTH(test_files); i++) {
		const struct test_file *file = &test_files[i];
		uint8_t *bytes = test_copy(file->bytes, file->size);
		enum image_fault fault = _IMAGE_FAULT_INVALID;
		struct image image = IMAGE_INIT;

		assert_int_equal(image_parse(&image, bytes, file->size, &fault), 0);
		if (fault != file->fault || strcmp(image.kind, file->kind) != 0) {
			fail_msg("file %zu: %s, %s", i, image_fault_to_string(fault), image.kind);
		}
		assert_int_equal(image.n_segments, fault == IMAGE_GOOD ? 1 : 0);
		assert_int_equal(
			image.format, fault == IMAGE_GOOD ? IMAGE_RAW : _IMAGE_FORMAT_INVALID);
		image_done(&image);
		free(bytes);
	}
}

static void test_raw_is_placed(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = image_make(&recipe);
	enum image_fault fault;
	struct image image = IMAGE_INIT;

	assert_non_null(bytes);
	assert_int_equal(image_parse(&image, bytes, recipe.size, &fault), 0);
	assert_int_equal(fault, IMAGE_GOOD);
	assert_false(image.addressed);
	assert_int_equal(image.segments[0].size, 44388);
	assert_ptr_equal(image.segments[0].data, bytes);
	assert_int_equal(image.segments[0].address, 0);
	assert_true(image_place(&image, 0x08008000));
	assert_int_equal(image.segments[0].address, 0x08008000);
	assert_true(image_place(&image, UINT32_MAX - 44388));
	assert_false(image_place(&image, UINT32_MAX - 44387));
	assert_int_equal(image.segments[0].address, UINT32_MAX - 44388);
	image_done(&image);
	assert_null(image.segments);
	image_done(&image);
	free(bytes);
}

static void test_every_style_is_raw(void **state)
{
	for (enum image_style style = 0; style < _IMAGE_STYLE_MAX; style++) {
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		uint8_t *bytes;
		enum image_fault fault;
		struct image image;

		recipe.style = style;
		bytes = image_make(&recipe);
		assert_non_null(bytes);
		for (size_t size = 8; size <= recipe.size; size += size < 512 ? 1 : 977) {
			assert_int_equal(image_parse(&image, bytes, size, &fault), 0);
			assert_int_equal(fault, IMAGE_GOOD);
			image_done(&image);
		}
		free(bytes);
	}
}

/* Vendor-encrypted images look like this, with or without a header in words. */
static void test_random_is_raw(void **state)
{
	uint64_t random = 1;
	uint8_t bytes[2048];

	for (size_t run = 0; run < 2000; run++) {
		enum image_fault fault;
		struct image image;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			bytes[i] = random >> 56;
		}
		if (run % 2) {
			memset(bytes, 'A', 512);
		}
		assert_int_equal(image_parse(&image, bytes, sizeof(bytes), &fault), 0);
		assert_int_equal(fault, IMAGE_GOOD);
		image_done(&image);
	}
}

/* The tests' own maker: every size comes out exact, and a recipe is all that decides. */
static void test_recipes(void **state)
{
	for (enum image_style style = 0; style < _IMAGE_STYLE_MAX; style++) {
		for (size_t size = 24576; size < 26000; size += 97) {
			struct image_recipe recipe = IMAGE_RECIPE_INIT;
			uint8_t *once, *again, *other;

			recipe.style = style;
			recipe.size = size;
			once = image_make(&recipe);
			again = image_make(&recipe);
			recipe.seed++;
			other = image_make(&recipe);
			assert_non_null(once);
			assert_non_null(again);
			assert_non_null(other);
			assert_memory_equal(once, again, size);
			assert_memory_not_equal(once, other, size);
			free(once);
			free(again);
			free(other);
		}
		assert_int_equal(image_style_from_string(image_style_to_string(style)), style);
	}
	assert_int_equal(image_style_from_string("none"), _IMAGE_STYLE_INVALID);
}

static void test_words(void **state)
{
	for (enum image_fault fault = 0; fault < _IMAGE_FAULT_MAX; fault++) {
		assert_non_null(image_fault_to_string(fault));
	}
	assert_string_equal(image_fault_to_string(IMAGE_COMPRESSED), "compressed");
	assert_null(image_fault_to_string(_IMAGE_FAULT_INVALID));
	assert_string_equal(image_format_to_string(IMAGE_RAW), "raw");
	assert_null(image_format_to_string(_IMAGE_FORMAT_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_raw_is_placed),
		cmocka_unit_test(test_every_style_is_raw),
		cmocka_unit_test(test_random_is_raw),
		cmocka_unit_test(test_recipes),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
