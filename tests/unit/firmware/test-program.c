/* SPDX-License-Identifier: MIT */

/* What programs say of themselves, and what must not be taken for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/program.h"
#include "firmware/vector.h"
#include "image-maker.h"

#define TEST_LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define TEST_BYTES(text)   text, sizeof(text) - 1
#define TEST_BASE	   0x08000000u

static uint8_t *test_make(struct image_recipe *recipe, enum image_style style)
{
	uint8_t *bytes;

	recipe->style = style;
	bytes = image_make(recipe);
	assert_non_null(bytes);
	return bytes;
}

static void test_assert_says(const uint8_t *bytes, size_t size, uint32_t address, const char *says)
{
	struct program program, at;
	char text[PROGRAM_TEXT_MAX];

	program_identify(&program, bytes, size);
	program_describe(&program, text, sizeof(text));
	assert_string_equal(text, says);
	program_identify_at(&at, bytes, size, address);
	assert_memory_equal(&program, &at, sizeof(at));
}

static void test_klipper(void **state)
{
	static const enum image_style styles[] = {IMAGE_STYLE_KLIPPER, IMAGE_STYLE_KLIPPER2021};

	for (size_t i = 0; i < TEST_LENGTH(styles); i++) {
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		uint8_t *bytes;
		struct program program;

		recipe.mcu = "stm32g0b1xx";
		recipe.version = "v0.12.0-9-gbb4711c5d";
		bytes = test_make(&recipe, styles[i]);
		program_identify(&program, bytes, recipe.size);
		assert_int_equal(program.kind, PROGRAM_APPLICATION);
		assert_string_equal(program.name, "Klipper");
		assert_string_equal(program.version, "v0.12.0-9-gbb4711c5d");
		assert_string_equal(program.mcu, "stm32g0b1xx");
		test_assert_says(bytes, recipe.size, recipe.link,
			"Klipper v0.12.0-9-gbb4711c5d for stm32g0b1xx");
		free(bytes);
	}
}

/* In a file wherever it is certain or likely where it was linked, in flash always. */
static void test_katapult(void **state)
{
	unsigned int n = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		struct vector_facts facts;
		struct program program;
		uint8_t *bytes;

		recipe.size = 4552;
		recipe.seed = seed;
		bytes = test_make(&recipe, IMAGE_STYLE_KATAPULT);
		program_identify_at(&program, bytes, recipe.size, TEST_BASE);
		assert_int_equal(program.kind, PROGRAM_LOADER);
		assert_string_equal(program.name, "Katapult");
		assert_string_equal(program.version, "");
		vector_judge(bytes, recipe.size, &facts);
		program_identify(&program, bytes, recipe.size);
		if (facts.certainty != VECTOR_UNKNOWN && facts.base == recipe.link) {
			assert_int_equal(program.kind, PROGRAM_LOADER);
			n++;
		} else {
			assert_int_equal(program.kind, PROGRAM_UNKNOWN);
		}
		free(bytes);
	}
	assert_in_range(n, 15, 20);
}

/* The signature that applications look for is in them too, only not before their reset handler. */
static void test_katapult_elsewhere(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	struct program program;
	uint8_t *bytes = test_make(&recipe, IMAGE_STYLE_CMSIS);
	uint32_t reset = vector_reset(bytes) - recipe.link;

	assert_in_range(reset, 64, recipe.size - 64);
	for (size_t at = reset - 64; at <= reset + 8; at++) {
		uint8_t *copy = malloc(recipe.size);

		assert_non_null(copy);
		memcpy(copy, bytes, recipe.size);
		memcpy(copy + at, "CanBoot!", 8);
		program_identify_at(&program, copy, recipe.size, recipe.link);
		assert_int_equal(program.kind, at == reset - 8 ? PROGRAM_LOADER : PROGRAM_UNKNOWN);
		free(copy);
	}
	/* read from where it was not linked for, its reset handler lies elsewhere */
	memcpy(bytes + reset - 8, "CanBoot!", 8);
	program_identify_at(&program, bytes, recipe.size, recipe.link + 0x100);
	assert_int_equal(program.kind, PROGRAM_UNKNOWN);
	program_identify_at(&program, bytes, recipe.size, 0); /* flash by its alias */
	assert_int_equal(program.kind, PROGRAM_LOADER);
	free(bytes);
}

/* All that is read may be the first KiB, and the reset handler may lie behind it. */
static void test_cut_end(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = test_make(&recipe, IMAGE_STYLE_KATAPULT);
	uint32_t reset = vector_reset(bytes) - recipe.link;

	for (size_t size = 0; size <= reset + 8; size++) {
		uint8_t *copy = malloc(size + 1);
		struct program program;

		assert_non_null(copy);
		memcpy(copy, bytes, size);
		copy = realloc(copy, size ? size : 1);
		program_identify_at(&program, copy, size, recipe.link);
		assert_int_equal(program.kind, size < reset ? PROGRAM_UNKNOWN : PROGRAM_LOADER);
		program_identify(&program, copy, size);
		free(copy);
	}
	free(bytes);
}

static const struct {
	const char *text;
	size_t size;
	enum program_kind kind;
	const char *says;
} test_texts[] = {
	{TEST_BYTES("UF2 Bootloader v1.1.3 SFA\r\nModel: Zero\r\nBoard-ID: Z-v0\r\n"),
		PROGRAM_LOADER, "UF2 boot loader v1.1.3"},
	{TEST_BYTES("TinyUF2 Bootloader 0.20.1 - tinyusb (0.17)\r\nModel: B\r\nBoard-ID: b\r\n"),
		PROGRAM_LOADER, "UF2 boot loader 0.20.1"},
	{TEST_BYTES("UF2 Bootloader \0UF2 Bootloader v2\nModel: B\nBoard-ID: b\n"), PROGRAM_LOADER,
		"UF2 boot loader v2"},
	{TEST_BYTES("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\n"), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\nModel: B\n"), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("UF2 Bootloader v3.0\nModel: B\n\0Board-ID: b\n"), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("UF2 Bootloader "), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("*** Booting MCUboot v2.1.0-rc1-163-geb9420679895 ***\n"), PROGRAM_LOADER,
		"MCUboot v2.1.0-rc1-163-geb9420679895"},
	{TEST_BYTES("*** Booting MCUboot"), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("*** Booting Zephyr OS build v3.7.0 ***\n"), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("FIRMWARE_NAME:Marlin bugfix-2.0.x (Jun  9 2021 11:11:17) SOURCE_CODE_URL:x/y "
		    "PROTOCOL_VERSION:1.0 MACHINE_TYPE:Ender-3 EXTRUDER_COUNT:1"),
		PROGRAM_APPLICATION, "Marlin bugfix-2.0.x"},
	{TEST_BYTES("FIRMWARE_NAME:Marlin 2.0.7.2 SOURCE_CODE_URL:x PROTOCOL_VERSION:1.0"),
		PROGRAM_APPLICATION, "Marlin 2.0.7.2"},
	{TEST_BYTES("FIRMWARE_NAME:Marlin (Github) SOURCE_CODE_URL:x"), PROGRAM_APPLICATION,
		"Marlin"},
	{TEST_BYTES("FIRMWARE_NAME:Marlin 2.0.7.2"), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("FIRMWARE_NAME:Marlin \0 SOURCE_CODE_URL:"), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("FIRMWARE_NAME:\0Marlin "), PROGRAM_UNKNOWN, ""},
	{TEST_BYTES("FIRMWARE_NAME:Marlin "
		    "0123456789012345678901234567890123456789012345678901234567890123456789"
		    " (x) SOURCE_CODE_URL:x"),
		PROGRAM_APPLICATION,
		"Marlin 012345678901234567890123456789012345678901234567890123456789012"},
	{TEST_BYTES("FIRMWARE_NAME: %s FIRMWARE_VERSION: %s ELECTRONICS: %s"), PROGRAM_APPLICATION,
		"RepRapFirmware"},
	{TEST_BYTES("FIRMWARE_NAME: %s FIRMWARE_VERSION: %s"), PROGRAM_UNKNOWN, ""},
};

/* Anywhere in a program that says nothing else, up to its very last byte. */
static void test_texts_in_programs(void **state)
{
	for (size_t i = 0; i < TEST_LENGTH(test_texts); i++) {
		const size_t size = test_texts[i].size;
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		uint8_t *bytes = test_make(&recipe, IMAGE_STYLE_CMSIS);
		const size_t places[] = {1000, 20001, recipe.size - size};

		test_assert_says(bytes, recipe.size, recipe.link, "");
		for (size_t j = 0; j < TEST_LENGTH(places); j++) {
			uint8_t *copy = malloc(recipe.size);
			struct program program;

			assert_non_null(copy);
			memcpy(copy, bytes, recipe.size);
			copy[places[j] - 1] = 0;
			memcpy(copy + places[j], test_texts[i].text, size);
			if (places[j] + size < recipe.size) {
				copy[places[j] + size] = 0;
			}
			program_identify_at(&program, copy, recipe.size, recipe.link);
			if (program.kind != test_texts[i].kind) {
				fail_msg("text %zu: %s", i, program_kind_to_string(program.kind));
			}
			test_assert_says(copy, recipe.size, recipe.link, test_texts[i].says);
			free(copy);
		}
		free(bytes);
	}
}

/* A text that is all there is, in a buffer of its very size, and every beginning of it. */
static void test_texts_cut_off(void **state)
{
	for (size_t i = 0; i < TEST_LENGTH(test_texts); i++) {
		for (size_t size = 0; size <= test_texts[i].size; size++) {
			uint8_t *copy = malloc(size + 1);
			struct program program;

			assert_non_null(copy);
			memcpy(copy, test_texts[i].text, size);
			copy = realloc(copy, size ? size : 1);
			program_identify(&program, copy, size);
			if (size == test_texts[i].size) {
				assert_int_equal(program.kind, test_texts[i].kind);
			}
			free(copy);
		}
	}
}

/* A Klipper that holds the texts of others as data stays Klipper. */
static void test_dictionary_goes_first(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = test_make(&recipe, IMAGE_STYLE_KLIPPER);

	memcpy(bytes + 1000, test_texts[0].text, test_texts[0].size);
	test_assert_says(bytes, recipe.size, recipe.link, "Klipper v0.13.0-730 for stm32f446xx");
	free(bytes);
}

static void test_most_programs_say_nothing(void **state)
{
	static const enum image_style styles[] = {IMAGE_STYLE_CMSIS, IMAGE_STYLE_LIBOPENCM3,
		IMAGE_STYLE_CORTEX_M_RT, IMAGE_STYLE_ZEPHYR, IMAGE_STYLE_NUTTX};

	for (size_t i = 0; i < TEST_LENGTH(styles); i++) {
		struct image_recipe recipe = IMAGE_RECIPE_INIT;
		uint8_t *bytes = test_make(&recipe, styles[i]);

		test_assert_says(bytes, recipe.size, recipe.link, "");
		free(bytes);
	}
	test_assert_says(NULL, 0, TEST_BASE, "");
}

static void test_describe_is_cut(void **state)
{
	const struct program program = {.kind = PROGRAM_APPLICATION,
		.name = "Klipper",
		.version = "v1",
		.mcu = "stm32f446xx"};
	char text[12];

	program_describe(&program, text, sizeof(text));
	assert_string_equal(text, "Klipper v1 ");
	program_describe(&program, text, 1);
	assert_string_equal(text, "");
}

static void test_words(void **state)
{
	for (enum program_kind i = 0; i < _PROGRAM_KIND_MAX; i++) {
		assert_non_null(program_kind_to_string(i));
	}
	assert_null(program_kind_to_string(_PROGRAM_KIND_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_klipper),
		cmocka_unit_test(test_katapult),
		cmocka_unit_test(test_katapult_elsewhere),
		cmocka_unit_test(test_cut_end),
		cmocka_unit_test(test_texts_in_programs),
		cmocka_unit_test(test_texts_cut_off),
		cmocka_unit_test(test_dictionary_goes_first),
		cmocka_unit_test(test_most_programs_say_nothing),
		cmocka_unit_test(test_describe_is_cut),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
