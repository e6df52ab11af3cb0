/* SPDX-License-Identifier: MIT */
/* What is said against a file before anything is erased, and where it goes (design 4.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dfu/chip.h"
#include "dfud-flash/check.h"
#include "image-maker.h"
#include "image-wrap.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define BASE	 0x08000000u
#define OFFSET	 0x08008000u

/* A file of bytes, checked; the caller frees with file_done. */
struct file {
	uint8_t *bytes;
	size_t size;
	struct check_file check;
};

static void file_read(struct file *file, uint8_t *bytes, size_t size)
{
	file->bytes = bytes;
	file->size = size;
	assert_int_equal(check_read(&file->check, "x.bin", bytes, size, false), 0);
}

static void file_done(struct file *file)
{
	check_done(&file->check);
	free(file->bytes);
}

static void file_make(struct file *file, enum image_style style, uint32_t link, size_t size)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes;

	recipe.style = style;
	recipe.link = link;
	bytes = image_make(&recipe);
	assert_non_null(bytes);
	assert_true(size <= recipe.size);
	file_read(file, bytes, size == 0 ? recipe.size : size);
}

/* Bytes without a vector table that are no known format either. */
static void file_make_noise(struct file *file, size_t size)
{
	uint8_t *bytes = malloc(size);
	uint32_t seed = 7;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
	}
	file_read(file, bytes, size);
}

/* Each thing that a file can be, with its reason and what to do. */
static void test_faults(void **state)
{
	static const struct {
		const char *bytes;
		size_t size; /* 0: strlen */
		enum reason reason;
		const char *part;
	} rows[] = {
		{"\xff\xff\xff\xff\xff\xff\xff\xff", 0, REASON_EMPTY, "build or download it again"},
		{"\0\0\0\0\0\0\0\0", 8, REASON_EMPTY, "build or download it again"},
		{"This is the change log of the firmware.\nNothing else is in it.\n", 0,
			REASON_TEXT, "look for the .bin"},
		{"<!DOCTYPE html>\n<html><head><title>octopus.bin at master</title></head>\n", 0,
			REASON_HTML, "\"raw\""},
		{"PK\x03\x04\x14\0\0\0\x08\0aaaaaaaaaaaaaaaaaaaaaaaa", 34, REASON_COMPRESSED,
			"unpack it"},
		{"\x1f\x8b\x08\0\0\0\0\0\0\x03"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			40, REASON_COMPRESSED, "unpack it"},
		{"\x7f"
		 "ELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x28\0\x01\0\0\0aaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "a",
			51, REASON_FORMAT, "objcopy"},
		{":020000040800F2\n:00000001FF\n", 0, REASON_FORMAT, "objcopy"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		const size_t size = rows[i].size ? rows[i].size : strlen(rows[i].bytes);
		uint8_t *bytes = malloc(size);
		struct file file;
		char text[320] = "";
		enum reason reason;

		assert_non_null(bytes);
		memcpy(bytes, rows[i].bytes, size);
		file_read(&file, bytes, size);
		reason = check_itself(&file.check, text, sizeof(text));
		if (reason != rows[i].reason || strncmp(text, "it ", 3) != 0 ||
			strstr(text, rows[i].part) == NULL) {
			fail_msg("row %zu: %s, \"%s\"", i, reason_to_string(reason), text);
		}
		file_done(&file);
	}
}

static void test_nothing(void **state)
{
	struct file file;
	char text[320];

	file_read(&file, NULL, 0);
	assert_int_equal(check_itself(&file.check, text, sizeof(text)), REASON_EMPTY);
	file_done(&file);
}

/* Every fault of an image is a reason, of the class of wrong files. */
static void test_faults_are_reasons(void **state)
{
	for (int fault = IMAGE_GOOD + 1; fault < _IMAGE_FAULT_MAX; fault++) {
		const struct check_file file = {.name = "x.bin",
			.image = {.kind = "something"},
			.fault = (enum image_fault)fault};
		char text[320] = "";
		const enum reason reason = check_itself(&file, text, sizeof(text));

		assert_true(reason > REASON_NONE);
		assert_int_equal(reason_class(reason), REASON_CLASS_FILE);
		assert_string_equal(
			reason_to_string(reason), image_fault_to_string((enum image_fault)fault));
		assert_int_equal(strncmp(text, "it ", 3), 0);
		assert_null(strstr(text, "is good"));
	}
}

static void test_good(void **state)
{
	struct file file;
	char text[320];
	char about[128];

	file_make(&file, IMAGE_STYLE_KLIPPER, BASE, 0);
	assert_int_equal(check_itself(&file.check, text, sizeof(text)), REASON_NONE);
	check_about(&file.check, about, sizeof(about));
	assert_string_equal(about, "Klipper v0.13.0-730 for stm32f446xx");
	assert_true(file.check.usb == DICTIONARY_USB_ONE);
	assert_int_equal(file.check.usb_vendor, 0x1d50);
	assert_int_equal(file.check.usb_product, 0x614e);
	file_done(&file);
}

static void test_about(void **state)
{
	struct file file;
	char about[128] = "x";

	file_make(&file, IMAGE_STYLE_KLIPPER2021, BASE, 0);
	check_about(&file.check, about, sizeof(about));
	assert_string_equal(about, "Klipper v0.13.0-730 for stm32f446xx");
	file_done(&file);
	file_make(&file, IMAGE_STYLE_CMSIS, BASE, 0);
	check_about(&file.check, about, sizeof(about));
	assert_string_equal(about, "");
	file_done(&file);
}

/* Cut anywhere behind its vector table: found out, here or where it is placed. */
static void test_truncated(void **state)
{
	for (size_t size = 4096; size < 44388; size += 4093) {
		struct file file;
		char text[320] = "";
		uint32_t at;
		enum reason reason;

		file_make(&file, IMAGE_STYLE_KLIPPER, BASE, size);
		reason = check_itself(&file.check, text, sizeof(text));
		if (reason == REASON_NONE) {
			reason = check_address(
				&file.check, true, BASE, true, &at, text, sizeof(text));
		}
		if (reason != REASON_TRUNCATED || strstr(text, "copy it again") == NULL) {
			fail_msg("%zu bytes: %s, \"%s\"", size, reason_to_string(reason), text);
		}
		file_done(&file);
	}
}

struct where {
	enum reason reason;
	uint32_t at;
	char text[400];
};

static struct where place(struct file *file, bool has_address, uint32_t address, bool certain)
{
	struct where w = {.at = 0x5a5a5a5a};

	w.reason = check_address(
		&file->check, has_address, address, certain, &w.at, w.text, sizeof(w.text));
	return w;
}

/* The link address is certain: it is the default, and any other one is refused. */
static void test_certain(void **state)
{
	static const uint32_t links[] = {BASE, OFFSET};

	for (size_t i = 0; i < N(links); i++) {
		for (int certain = 0; certain < 2; certain++) {
			const uint32_t other = links[i] == BASE ? OFFSET : BASE;
			struct file file;
			struct where w;
			char number[16];

			file_make(&file, IMAGE_STYLE_KLIPPER, links[i], 0);
			w = place(&file, false, 0, certain);
			assert_int_equal(w.reason, REASON_NONE);
			assert_int_equal(w.at, links[i]);
			assert_int_equal(file.check.image.segments[0].address, links[i]);
			w = place(&file, true, links[i], certain);
			assert_int_equal(w.reason, REASON_NONE);
			w = place(&file, true, other, certain);
			assert_int_equal(w.reason, REASON_LINK_ADDRESS);
			snprintf(number, sizeof(number), "0x%08x", links[i]);
			assert_non_null(strstr(w.text, number));
			snprintf(number, sizeof(number), "0x%08x", other);
			assert_non_null(strstr(w.text, number));
			file_done(&file);
		}
	}
}

/* Unknown is flashed under a written profile and refused under a shipped one, with the way out. */
static void test_unknown(void **state)
{
	struct file file;
	struct where w;

	file_make_noise(&file, 20000);
	assert_int_equal(file.check.vector.certainty, VECTOR_NO_TABLE);
	w = place(&file, true, BASE, false);
	assert_int_equal(w.reason, REASON_NONE);
	assert_int_equal(w.at, BASE);
	w = place(&file, true, BASE, true);
	assert_int_equal(w.reason, REASON_UNKNOWN_IMAGE);
	assert_non_null(strstr(w.text, "no vector table"));
	assert_non_null(strstr(w.text, "Id= and Port= in [Match]"));
	assert_non_null(strstr(w.text, "Address=0x08000000"));
	for (int certain = 0; certain < 2; certain++) {
		w = place(&file, false, 0, certain);
		assert_int_equal(w.reason, REASON_UNKNOWN_IMAGE);
		assert_non_null(strstr(w.text, "Address="));
	}
	file_done(&file);
}

/* What is only likely is no default, and no match for a shipped profile. */
static void test_likely(void **state)
{
	struct file file;

	file_make(&file, IMAGE_STYLE_KLIPPER, BASE, 0);
	file.check.vector.certainty = VECTOR_LIKELY;
	assert_int_equal(place(&file, false, 0, false).reason, REASON_UNKNOWN_IMAGE);
	assert_int_equal(place(&file, true, BASE, true).reason, REASON_UNKNOWN_IMAGE);
	assert_int_equal(place(&file, true, BASE, false).reason, REASON_NONE);
	file_done(&file);
}

static void test_behind_the_end(void **state)
{
	struct file file;
	struct where w;

	file_make_noise(&file, 20000);
	w = place(&file, true, 0xfffff000, false);
	assert_int_equal(w.reason, REASON_OUTSIDE_MAP);
	assert_non_null(strstr(w.text, "0xfffff000"));
	file_done(&file);
}

/* Sentences fit where they are put, whatever the name and the room. */
static void test_room(void **state)
{
	char name[65];
	struct file file;

	memset(name, 'n', 64);
	name[64] = '\0';
	file_make(&file, IMAGE_STYLE_KLIPPER, BASE, 0);
	file.check.name = name;
	for (size_t size = 1; size < 400; size += 19) {
		char text[408];
		uint32_t at;

		memset(text, 'x', sizeof(text));
		assert_int_equal(check_address(&file.check, true, OFFSET, true, &at, text, size),
			REASON_LINK_ADDRESS);
		assert_non_null(memchr(text, '\0', size));
		assert_int_equal(text[size], 'x');
	}
	file_done(&file);
}

/* --- the lines of the plan --- */

static void check_line(const struct file *file, bool has_address, uint32_t address,
	enum finding_result expected, const char *sentence)
{
	char text[320] = "";
	const enum finding_result result =
		check_address_finding(&file->check, has_address, address, text, sizeof(text));

	assert_string_equal(text, sentence);
	assert_int_equal(result, expected);
}

static void test_address_is_certain(void **state)
{
	struct file file;

	file_make(&file, IMAGE_STYLE_KLIPPER, OFFSET, 0);
	check_line(
		&file, true, OFFSET, FINDING_GOOD, "0x08008000, where it was linked for certain");
	check_line(&file, false, OFFSET, FINDING_GOOD,
		"0x08008000, where it was linked for certain (no address is set, so this one is "
		"taken)");
	file_done(&file);
}

/* Linked for another name of the same flash, as the chip shows it at 0. */
static void test_address_by_another_name(void **state)
{
	struct file file;

	file_make(&file, IMAGE_STYLE_KLIPPER, BASE, 0);
	file.check.vector.base = 0;
	check_line(&file, true, BASE, FINDING_UNKNOWN,
		"0x08000000, which is 0x00000000, where it was linked, only if the chip shows its "
		"flash there, too");
	file_done(&file);
}

static void test_address_is_likely(void **state)
{
	struct file file;

	file_make(&file, IMAGE_STYLE_ZEPHYR, OFFSET, 0);
	assert_int_equal(file.check.vector.certainty, VECTOR_LIKELY);
	check_line(&file, true, OFFSET, FINDING_GOOD, "0x08008000, where it was probably linked");
	check_line(&file, true, BASE, FINDING_WARNING,
		"0x08000000, but it was probably linked for 0x08008000 and would not start there; "
		"is Address= right?");
	file_done(&file);
}

static void test_address_is_unknown(void **state)
{
	struct file file;

	file_make(&file, IMAGE_STYLE_NUTTX, BASE, 0);
	file.check.vector.certainty = VECTOR_UNKNOWN;
	check_line(&file, true, BASE, FINDING_UNKNOWN,
		"0x08000000; its vector table does not tell where it was linked");
	file_done(&file);
	file_make_noise(&file, 20000);
	check_line(&file, true, OFFSET, FINDING_UNKNOWN,
		"0x08008000; it has no vector table that could tell where it was linked");
	file_done(&file);
}

/* The bytes of a backup are not judged, whatever they are. */
static void test_as_saved(void **state)
{
	static const char page[] = "<!DOCTYPE html>\n<html><head><title>404</title></head>\n";
	uint8_t *bytes = malloc(sizeof(page));
	struct file file = {.bytes = bytes, .size = sizeof(page)};
	char text[320] = "";
	uint32_t at = 0;

	assert_non_null(bytes);
	memcpy(bytes, page, sizeof(page));
	assert_int_equal(check_read(&file.check, "x.bin", bytes, sizeof(page), true), 0);
	assert_int_equal(check_itself(&file.check, text, sizeof(text)), REASON_NONE);
	assert_int_equal(check_address(&file.check, true, OFFSET, true, &at, text, sizeof(text)),
		REASON_NONE);
	assert_int_equal(at, OFFSET);
	check_line(&file, true, OFFSET, FINDING_GOOD, "0x08008000, where it was saved from");
	assert_int_equal(check_address(&file.check, false, 0, false, &at, text, sizeof(text)),
		REASON_UNKNOWN_IMAGE);
	file_done(&file);
}

/* A program that is linked elsewhere, or cut off: it was so on the board. */
static void test_a_program_as_saved(void **state)
{
	struct file file;
	struct where w;

	file_make(&file, IMAGE_STYLE_KLIPPER, OFFSET, 0);
	check_done(&file.check);
	assert_int_equal(check_read(&file.check, "x.bin", file.bytes, 4096, true), 0);
	assert_true(file.check.vector.truncated || file.check.vector.cut);
	assert_int_equal(check_itself(&file.check, w.text, sizeof(w.text)), REASON_NONE);
	w = place(&file, true, BASE, true);
	assert_int_equal(w.reason, REASON_NONE);
	check_line(&file, true, BASE, FINDING_GOOD, "0x08000000, where it was saved from");
	file_done(&file);
}

static const struct chip *f446(void)
{
	const struct chip *chip = NULL;
	struct layout layout;

	assert_int_equal(
		layout_parse(&layout, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"),
		0);
	assert_true(chip_find(&chip, 0x0483, 0xdf11, &layout, 4));
	return chip;
}

static void check_chip_line(const struct file *file, const struct chip *chip,
	enum finding_result expected, const char *sentence)
{
	char text[320] = "";
	const enum finding_result result = check_chip(&file->check, chip, text, sizeof(text));

	assert_string_equal(text, sentence);
	assert_int_equal(result, expected);
}

static void test_chip_is_right(void **state)
{
	static const enum image_style styles[] = {IMAGE_STYLE_KLIPPER, IMAGE_STYLE_CMSIS};

	for (size_t i = 0; i < N(styles); i++) {
		struct file file;

		file_make(&file, styles[i], BASE, 0);
		check_chip_line(&file, f446(), FINDING_GOOD,
			"STM32F2, F4 or F72/F73; the file's stack (0x20020000) lies in its RAM");
		file_done(&file);
	}
}

static void test_chip_is_not_known(void **state)
{
	struct file file;

	file_make(&file, IMAGE_STYLE_KLIPPER, BASE, 0);
	check_chip_line(
		&file, NULL, FINDING_UNKNOWN, "which chip this is cannot be told from its memory");
	file_done(&file);
	file_make_noise(&file, 20000);
	check_chip_line(&file, f446(), FINDING_UNKNOWN,
		"STM32F2, F4 or F72/F73; nothing in the file says what it was built for");
	file_done(&file);
}

/* Behind a maker's header there is no vector table, but the dictionary still says for which chip.
 */
static void test_chip_of_a_wrapped_file(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	uint8_t *bytes = image_make(&recipe), *wrapped;
	char text[320] = "";
	struct file file;
	size_t size;

	assert_non_null(bytes);
	wrapped = image_wrap(IMAGE_WRAP_HEADER, bytes, recipe.size, 1, &size);
	free(bytes);
	assert_non_null(wrapped);
	file_read(&file, wrapped, size);
	assert_int_equal(file.check.vector.certainty, VECTOR_NO_TABLE);
	assert_string_equal(file.check.program.mcu, "stm32f446xx");
	assert_int_equal(check_chip(&file.check, f446(), text, sizeof(text)), FINDING_GOOD);
	assert_null(strstr(text, "nothing in the file"));
	assert_non_null(strstr(text, "stm32f446xx"));
	file_done(&file);
}

/* By what it says, and where it says nothing by its stack: the end of the RAM is still in it. */
static void test_chip_is_wrong(void **state)
{
	struct file file;

	file_make(&file, IMAGE_STYLE_KLIPPER, BASE, 0);
	strcpy(file.check.program.mcu, "stm32g0b1xx");
	check_chip_line(&file, f446(), FINDING_REFUSED,
		"x.bin was built for stm32g0b1xx, and this board is another chip (STM32F2, F4 or "
		"F72/F73); build it for this board");
	strcpy(file.check.program.mcu, "rp2040");
	check_chip_line(&file, f446(), FINDING_REFUSED,
		"x.bin was built for rp2040, and this board is another chip (STM32F2, F4 or "
		"F72/F73); build it for this board");
	strcpy(file.check.program.mcu, "n32g45x"); /* a copy of ST's: not for us to judge */
	check_chip_line(&file, f446(), FINDING_GOOD,
		"STM32F2, F4 or F72/F73; the file's stack (0x20020000) lies in its RAM");
	file.check.vector.stack = 0x20050000;
	check_chip_line(&file, f446(), FINDING_GOOD,
		"STM32F2, F4 or F72/F73; the file's stack (0x20050000) lies in its RAM");
	file.check.vector.stack = 0x20050004;
	check_chip_line(&file, f446(), FINDING_REFUSED,
		"x.bin was built for another chip: its stack begins at 0x20050004, which is beyond "
		"the RAM of this one (STM32F2, F4 or F72/F73); build it for this board");
	file_done(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_faults_are_reasons),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_about),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_certain),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_likely),
		cmocka_unit_test(test_behind_the_end),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_address_is_certain),
		cmocka_unit_test(test_address_by_another_name),
		cmocka_unit_test(test_address_is_likely),
		cmocka_unit_test(test_address_is_unknown),
		cmocka_unit_test(test_as_saved),
		cmocka_unit_test(test_a_program_as_saved),
		cmocka_unit_test(test_chip_is_right),
		cmocka_unit_test(test_chip_is_not_known),
		cmocka_unit_test(test_chip_of_a_wrapped_file),
		cmocka_unit_test(test_chip_is_wrong),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
