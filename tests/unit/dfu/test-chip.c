/* SPDX-License-Identifier: MIT */
/*
 * Chips by their memory layouts: right images pass on every layout that their chip has been seen
 * with, wrong ones are told where that is certain, and devices that are no ROM of ST's are not
 * judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/chip.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

#define F4_256K "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,01*128Kg"
#define F4_512K "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"
#define F4_1M	"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"
#define F4_2M	"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg"
#define F4_1M_2B                                                                                   \
	"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg,04*016Kg,01*064Kg,03*128Kg"
#define F413_1M5 "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,11*128Kg"
#define F722	 "@Internal Flash  /0x08000000/04*016Kg,01*64Kg,03*128Kg"
#define F730	 "@Internal Flash  /0x08000000/04*016Kg"
#define F745	 "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,03*256Kg"
#define F750	 "@Internal Flash  /0x08000000/02*032Kg"
#define F765	 "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg"
#define F303	 "@Internal Flash  /0x08000000/128*0002Kg"
#define F072	 "@Internal Flash  /0x08000000/064*0002Kg"
#define F042	 "@Internal Flash  /0x08000000/032*0001Kg"
#define F107	 "@Internal Flash  /0x08000000/128*002Kg"
#define L4	 "@Internal Flash  /0x08000000/0256*0002Kg"
#define G431	 "@Internal Flash   /0x08000000/64*02Kg"
#define G0B1	 "@Internal Flash   /0x08000000/256*02Kg"
#define WB55	 "@Internal Flash   /0x08000000/256*04Kg"
#define H743	 "@Internal Flash   /0x08000000/16*128Kg"
#define H743_1M	 "@Internal Flash   /0x08000000/04*128Kg/0x08100000/04*128Kg"
#define H563	 "@Internal Flash   /0x08000000/256*08Kg"
#define U5	 "@Internal Flash   /0x08000000/128*08Kg"

static const struct chip *find(const char *text, size_t n_alternates)
{
	struct layout layout;
	const struct chip *chip = NULL;

	assert_int_equal(layout_parse(&layout, text), 0);
	if (!chip_find(&chip, 0x0483, 0xdf11, &layout, n_alternates)) {
		assert_null(chip);
	}
	return chip;
}

/* The stack pointers of real images (dfu.md 7.7), and the names that builds have. */
static const struct right {
	const char *layout, *mcu;
	uint32_t stack;
} right[] = {
	{F4_512K, "stm32f446xx", 0x20020000},
	{F4_512K, "stm32f446xx", 0x20004be8}, /* a boot loader */
	{F4_512K, "stm32f446xx", 0x2001fffc}, /* RepRapFirmware */
	{F4_512K, "stm32f405xx", 0x20020000},
	{F4_1M, "stm32f407xx", 0x20020000},
	{F4_1M, "stm32f407xx", 0x200047e8}, /* a boot loader */
	{F4_1M, "stm32f407xx", 0x10010000}, /* core-coupled memory */
	{F4_1M, "stm32f429xx", 0x20020000},
	{F4_2M, "stm32f429xx", 0x20030000},
	{F4_2M, "stm32f469xx", 0x20050000},
	{F4_1M_2B, "stm32f437xx", 0x20030000},
	{F4_256K, "stm32f401xc", 0x20010000},
	{F4_512K, "stm32f401xe", 0x20018000},
	{F4_512K, "stm32f411xe", 0x20020000},
	{F4_1M, "stm32f412xg", 0x20040000},
	{F413_1M5, "stm32f413xx", 0x20050000},
	{F4_1M, "stm32f207xx", 0x20020000},
	{F722, "stm32f722xx", 0x20040000},
	{F730, "stm32f730xx", 0x20040000},
	{F745, "stm32f745xx", 0x20050000},
	{F750, "stm32f750xx", 0x20050000},
	{F765, "stm32f765xx", 0x20080000},
	{F4_2M, "stm32f765xx", 0x20080000}, /* in two banks */
	{F4_1M, "stm32f767xx", 0x20080000}, /* its string cut off behind the first */
	{F4_1M_2B, "stm32f777xx", 0x20080000},
	{H743, "stm32h743xx", 0x20020000},
	{H743, "stm32h743xx", 0x24080000},
	{H743_1M, "stm32h743xx", 0x30048000},
	{H743, "stm32h750xx", 0x20020000},
	{H743, "stm32h723xx", 0x20020000},
	{H743, "stm32h723xx", 0x24000738}, /* a boot loader */
	{H743, "stm32h735xx", 0x38004000},
	{H563, "stm32h7a3xx", 0x24100000},
	{H563, "stm32h563xx", 0x200a0000},
	{U5, "stm32u575xx", 0x200c0000},
	{H563, "stm32u5g9xx", 0x202f0000},
	{U5, "stm32l4r5xx", 0x200a0000}, /* in one bank */
	{G0B1, "stm32g0b1xx", 0x20024000},
	{G0B1, "stm32g0b0xx", 0x20024000},
	{G431, "stm32g070xx", 0x20009000},
	{G431, "stm32g431xx", 0x20008000},
	{G0B1, "stm32g474xx", 0x20020000},
	{G0B1, "stm32g474xx", 0x10008000},
	{WB55, "stm32g474xx", 0x20020000}, /* in one bank */
	{WB55, "stm32wb55xx", 0x20030000},
	{L4, "stm32l412xx", 0x2000a000},
	{L4, "stm32l476xx", 0x20018000},
	{L4, "stm32l476xx", 0x10008000},
	{L4, "stm32l496xx", 0x20050000},
	{L4, "stm32l552xx", 0x20040000},
	{F107, "stm32f103xe", 0x20010000},
	{F107, "stm32f107xc", 0x20010000},
	{F042, "stm32f103x8", 0x20005000},
	{F042, "stm32f042x6", 0x20001800},
	{F042, "stm32f070x6", 0x20001800},
	{F072, "stm32f072xb", 0x20004000},
	{F072, "stm32f070xb", 0x20004000},
	{F303, "stm32f303xc", 0x2000a000},
	{F303, "stm32f303xe", 0x10004000},
	{F303, "stm32c071xx", 0x20006000},
	{F303, "stm32u083xx", 0x2000a000},
	{G0B1, "n32g45x", 0x20010000},
	{"@Internal Flash  /0x08000000/0512*0128Bg", "stm32l072xx", 0x20005000},
	{"@Internal Flash  /0x08000000/0512*0256Bg", "stm32l152xc", 0x20008000},
};

static void test_right_images_pass(void **state)
{
	for (size_t i = 0; i < N(right); i++) {
		const struct chip *chip = find(right[i].layout, 2);

		assert_non_null(chip);
		if (!chip_has_stack(chip, right[i].stack) || !chip_is_mcu(chip, right[i].mcu)) {
			fail_msg("%s, 0x%08x on %s", right[i].mcu, right[i].stack,
				chip->description);
		}
	}
}

static void test_wrong_stacks(void **state)
{
	static const struct {
		const char *layout;
		uint32_t stack;
	} rows[] = {
		{F4_512K, 0x20080000}, /* F765 */
		{F4_256K, 0x20080000},
		{F722, 0x20080000},
		{F4_512K, 0x24000738}, /* H723 */
		{F4_256K, 0x24000738},
		{F4_1M, 0x24000738},
		{F4_2M, 0x24000738},
		{F413_1M5, 0x24000738},
		{F745, 0x24000738},
		{F765, 0x20080004},
		{H743, 0x20024000}, /* G0B1 */
		{H743, 0x20080000},
		{G0B1, 0x24080000},
		{G0B1, 0x20080000},
		{F042, 0x20020000},
		{F042, 0x24000738},
		{F4_512K, 0x20000000}, /* nothing fits below */
		{F4_512K, 0x20050001},
		{F4_512K, 0x10010001},
		{F4_512K, 0},
		{F4_512K, 0xffffffff},
	};

	for (size_t i = 0; i < N(rows); i++) {
		const struct chip *chip = find(rows[i].layout, 4);

		assert_non_null(chip);
		if (chip_has_stack(chip, rows[i].stack)) {
			fail_msg("0x%08x on %s", rows[i].stack, chip->description);
		}
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *layout, *mcu;
		bool can_be;
	} rows[] = {
		{F4_512K, "stm32g0b1xx", false},
		{F4_2M, "stm32g0b1xx", false},
		{F4_512K, "stm32h723xx", false},
		{F4_512K, "stm32f765xx", false},
		{F4_512K, "stm32f103xe", false},
		{F4_512K, "STM32F446XX", true},
		{F4_512K, "STM32G0B1XX", false},
		{F745, "stm32f446xx", false},
		{F745, "stm32f722xx", false},
		{F765, "stm32f746xx", true},
		{G0B1, "stm32f446xx", false},
		{F072, "stm32f446xx", false},
		{L4, "stm32h743xx", false},
		{H743, "stm32f446xx", false},
		{H743, "stm32h7a3xx", false},
		{H563, "stm32h743xx", false},
		{WB55, "stm32wba52xx", true},
		/* what cannot be judged passes */
		{F4_512K, "", true},
		{F4_512K, "stm32", true},
		{F4_512K, "stm32f7xx", true},
		{F4_512K, "stm32h7xx", true},
		{F4_512K, "stm32mp157", true},
		{F4_512K, "stm32n657xx", true},
		{F4_512K, "stm32x9", true},
		{F4_512K, "n32g45x", true},
		{F4_512K, "at32f403", true},
		{F4_512K, "gd32f303", true},
		/* another maker's chip is none with ST's ROM */
		{F4_512K, "rp2040", false},
		{F4_512K, "same51j19", false},
		{F4_512K, "sam4e8e", false},
		{F4_512K, "lpc1769", false},
		{F4_512K, "atmega2560", false},
		{F4_512K, "hc32f460", false},
	};

	for (size_t i = 0; i < N(rows); i++) {
		const struct chip *chip = find(rows[i].layout, 4);

		assert_non_null(chip);
		if (chip_is_mcu(chip, rows[i].mcu) != rows[i].can_be) {
			fail_msg("\"%s\" on %s", rows[i].mcu, chip->description);
		}
	}
}

/* Layouts that no ROM of ST has, or of which nothing is known. */
static void test_layouts_not_judged(void **state)
{
	static const char *const rows[] = {
		"@Internal Flash  /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg",
		"@Internal Flash  /0x08000000/12*001Ka,116*001Kg",
		"@Internal Flash  /0x08000000/19*002Ka,237*002Kg",
		"@Internal Flash  /0x08000000/08*04Ka,1000*04Kg",
		"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Ka",
		"@Internal Flash  /0x08000000/04*016Ke,01*064Kg,03*128Kg",
		"@Internal Flash  /0x08000000/04*016K,01*064Kg,03*128Kg",
		"@Internal Flash  /0x08004000/03*016Kg,01*064Kg,03*128Kg",
		"@Internal Flash  /0x08004000/04*016Kg,01*064Kg,03*128Kg",
		"@Internal Flash  /0x00000000/04*016Kg,01*064Kg,03*128Kg",
		"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg/0x90000000/08*064Kg",
		"@Internal Flash  /0x08000000/256*02Kg/0x0BFA0000/01*02Kg",
		"@Internal Flash  /0x08000000/05*016Kg",
		"@Internal Flash  /0x08000000/05*016Kg,01*064Kg,03*128Kg",
		"@Internal Flash  /0x08000000/128*02Kg,64*04Kg",
		"@Internal Flash  /0x08000000/128*02Kg,01*016Kg",
		"@Internal Flash  /0x08000000/03*016Kg,01*064Kg,03*128Kg",
		"@Internal Flash  /0x08000000/04*016Kg,02*064Kg,03*128Kg",
		"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,12*128Kg",
		"@Internal Flash  /0x08000000/04*016Kg,01*128Kg,03*256Kg",
		"@Internal Flash  /0x08000000/04*016Kg,03*128Kg",
		"@Internal Flash  /0x08000000/01*064Kg,03*128Kg",
		"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg",
		"@Internal Flash  "
		"/0x08000000/04*016Kg,01*064Kg,07*128Kg,04*032Kg,01*128Kg,07*256Kg",
		"@Internal Flash  "
		"/0x08000000/04*016Kg,04*032Kg,04*016Kg,04*032Kg,04*016Kg,04*032Kg,"
		"04*016Kg,04*032Kg,04*016Kg",
		"@Internal Flash  /0x08000000/08*064Kg",
		"@Internal Flash  /0x08000000/3000*02Kg",
		"@Internal Flash  /0x08000000/01*500Kg",
		"@Internal Memory /0x08000000/04*016Kg,01*064Kg,03*128Kg",
		"@Option Bytes  /0x1FFFC000/01*016 e",
		"@Device Feature/0xFFFF0000/01*004 e",
	};

	for (size_t i = 0; i < N(rows); i++) {
		if (find(rows[i], 4)) {
			fail_msg("%s", rows[i]);
		}
	}
}

static void test_devices_not_judged(void **state)
{
	static const struct {
		uint16_t vendor, product;
		size_t n_alternates;
		bool found;
	} rows[] = {
		{0x0483, 0xdf11, 4, true},
		{0x0483, 0xdf11, 2, true},
		{0x0483, 0xdf11, 1, false}, /* a boot loader of ST's library */
		{0x0483, 0xdf11, 0, false},
		{0x28e9, 0x0189, 4, false}, /* GigaDevice */
		{0x2e3c, 0xdf11, 4, false}, /* Artery */
		{0x314b, 0x0106, 4, false}, /* Geehy */
		{0x0483, 0x5740, 4, false},
		{0x1d50, 0xdf11, 4, false},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct layout layout;
		const struct chip *chip = NULL;

		assert_int_equal(layout_parse(&layout, F4_512K), 0);
		assert_int_equal(chip_find(&chip, rows[i].vendor, rows[i].product, &layout,
					 rows[i].n_alternates),
			rows[i].found);
		assert_int_equal(chip != NULL, rows[i].found);
	}
}

/* Groups of one size are one run of sectors, wherever the string parts them. */
static void test_groups_are_joined(void **state)
{
	assert_ptr_equal(find("@Internal Flash  /0x08000000/01*016Kg,03*016Kg,01*064Kg,01*128Kg,"
			      "02*128Kg",
				 4),
		find(F4_512K, 4));
	assert_ptr_equal(find(H743_1M, 4), find(H743, 4));
}

/* What a person is told names the families that pass. */
static void test_descriptions(void **state)
{
	static const struct {
		const char *layout, *description;
	} rows[] = {
		{F4_512K, "STM32F2, F4 or F72/F73"},
		{F4_1M, "STM32F2, F4, F72/F73 or F76/F77"},
		{F4_2M, "STM32F4 or F76/F77"},
		{F745, "STM32F74/F75 or F76/F77"},
		{H743, "STM32H72/H73 or H74/H75"},
		{F042, "STM32F0, F1, L0 or L1"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		assert_string_equal(find(rows[i].layout, 3)->description, rows[i].description);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_images_pass),
		cmocka_unit_test(test_wrong_stacks),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_layouts_not_judged),
		cmocka_unit_test(test_devices_not_judged),
		cmocka_unit_test(test_groups_are_joined),
		cmocka_unit_test(test_descriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
