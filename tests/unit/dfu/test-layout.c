/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/layout.h"

#define KIB(n) ((uint64_t)(n) << 10)

enum {
	RW = LAYOUT_READABLE | LAYOUT_WRITEABLE,
	REW = LAYOUT_READABLE | LAYOUT_ERASABLE | LAYOUT_WRITEABLE,
};

/* What devices sent, as logs in public threads show it; the last sector proves the arithmetic. */
struct known {
	const char *chip, *text, *name;
	size_t n_groups;
	uint32_t n_sectors;
	uint64_t size;
	uint32_t first, last, last_size;
	uint8_t last_access;
};

static const struct known known[] = {
	{"F446, F411xE, F401xE", "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg",
		"Internal Flash", 3, 8, KIB(512), 0x08000000, 0x08060000, 0x20000, REW},
	{"F405, F407, F429 1M", "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg",
		"Internal Flash", 3, 12, KIB(1024), 0x08000000, 0x080e0000, 0x20000, REW},
	{"F401xC, F411xC", "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,01*128Kg",
		"Internal Flash", 3, 6, KIB(256), 0x08000000, 0x08020000, 0x20000, REW},
	{"F42x 2M, expected",
		"@Internal Flash  "
		"/0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg",
		"Internal Flash", 6, 24, KIB(2048), 0x08000000, 0x081e0000, 0x20000, REW},
	{"F722", "@Internal Flash  /0x08000000/04*016Kg,01*64Kg,03*128Kg", "Internal Flash", 3, 8,
		KIB(512), 0x08000000, 0x08060000, 0x20000, REW},
	{"F745", "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,03*256Kg", "Internal Flash", 3, 8,
		KIB(1024), 0x08000000, 0x080c0000, 0x40000, REW},
	{"F303", "@Internal Flash  /0x08000000/128*0002Kg", "Internal Flash", 1, 128, KIB(256),
		0x08000000, 0x0803f800, 0x800, REW},
	{"F072", "@Internal Flash  /0x08000000/064*0002Kg", "Internal Flash", 1, 64, KIB(128),
		0x08000000, 0x0801f800, 0x800, REW},
	{"F042", "@Internal Flash  /0x08000000/032*0001Kg", "Internal Flash", 1, 32, KIB(32),
		0x08000000, 0x08007c00, 0x400, REW},
	{"F105, F107", "@Internal Flash  /0x08000000/128*002Kg", "Internal Flash", 1, 128, KIB(256),
		0x08000000, 0x0803f800, 0x800, REW},
	{"L4", "@Internal Flash  /0x08000000/0256*0002Kg", "Internal Flash", 1, 256, KIB(512),
		0x08000000, 0x0807f800, 0x800, REW},
	{"G431", "@Internal Flash   /0x08000000/64*02Kg", "Internal Flash", 1, 64, KIB(128),
		0x08000000, 0x0801f800, 0x800, REW},
	{"H743, H750, H723", "@Internal Flash   /0x08000000/16*128Kg", "Internal Flash", 1, 16,
		KIB(2048), 0x08000000, 0x081e0000, 0x20000, REW},
	{"H563", "@Internal Flash   /0x08000000/256*08Kg", "Internal Flash", 1, 256, KIB(2048),
		0x08000000, 0x081fe000, 0x2000, REW},
	{"U5", "@Internal Flash   /0x08000000/128*08Kg", "Internal Flash", 1, 128, KIB(1024),
		0x08000000, 0x080fe000, 0x2000, REW},
	{"AT32F437", "@Internal Flash  /0x08000000/08*04Ka,1000*04Kg", "Internal Flash", 2, 1008,
		KIB(4032), 0x08000000, 0x083ef000, 0x1000, REW},
	{"AT32F437, other", "@Internal Flash  /0x08000000/512*002Kg", "Internal Flash", 1, 512,
		KIB(1024), 0x08000000, 0x080ff800, 0x800, REW},
	{"boot loader's own pages", "@Internal Flash  /0x08000000/12*001Ka,116*001Kg",
		"Internal Flash", 2, 128, KIB(128), 0x08000000, 0x0801fc00, 0x400, REW},
	{"boot loader's own pages, 2K", "@Internal Flash  /0x08000000/19*002Ka,237*002Kg",
		"Internal Flash", 2, 256, KIB(512), 0x08000000, 0x0807f800, 0x800, REW},

	{"F4 options", "@Option Bytes  /0x1FFFC000/01*016 e", "Option Bytes", 1, 1, 16, 0x1fffc000,
		0x1fffc000, 16, RW},
	{"F4 OTP", "@OTP Memory /0x1FFF7800/01*512 e,01*016 e", "OTP Memory", 2, 2, 528, 0x1fff7800,
		0x1fff7a00, 16, RW},
	{"F4 feature", "@Device Feature/0xFFFF0000/01*004 e", "Device Feature", 1, 1, 4, 0xffff0000,
		0xffff0000, 4, RW},
	{"F72x OTP", "@OTP Memory /0x1FF07800/01*528e", "OTP Memory", 1, 1, 528, 0x1ff07800,
		0x1ff07800, 528, RW},
	{"F72x options", "@Option Bytes  /0x1FFF0000/01*048 e", "Option Bytes", 1, 1, 48,
		0x1fff0000, 0x1fff0000, 48, RW},
	{"F0 options", "@Option Bytes  /0x1FFFF800/01*016 e", "Option Bytes", 1, 1, 16, 0x1ffff800,
		0x1ffff800, 16, RW},
	{"F1 options", "@Option Bytes  /0x1FFFF800/01*016 g", "Option Bytes", 1, 1, 16, 0x1ffff800,
		0x1ffff800, 16, REW},
	{"L4 options", "@Option Bytes  /0x1FFF7800/01*040 e", "Option Bytes", 1, 1, 40, 0x1fff7800,
		0x1fff7800, 40, RW},
	{"L4 OTP", "@OTP Memory  /0x1FFF7000/01*0001Ke", "OTP Memory", 1, 1, 1024, 0x1fff7000,
		0x1fff7000, 1024, RW},
	{"G474 options, two regions", "@Option Bytes   /0x1FFF7800/01*048 e/0x1FFFF800/01*048 e",
		"Option Bytes", 2, 2, 96, 0x1fff7800, 0x1ffff800, 48, RW},
	{"H7 options", "@Option Bytes   /0x5200201C/01*128 e", "Option Bytes", 1, 1, 128,
		0x5200201c, 0x5200201c, 128, RW},
	{"U5 options", "@Option Bytes   /0x40022040/01*64 e", "Option Bytes", 1, 1, 64, 0x40022040,
		0x40022040, 64, RW},
	{"U5 OTP", "@OTP Memory   /0x0BFA0000/01*512 e", "OTP Memory", 1, 1, 512, 0x0bfa0000,
		0x0bfa0000, 512, RW},
	{"AT32 options", "@Option Bytes  /0x1FFFC000/01*4096 g", "Option Bytes", 1, 1, 4096,
		0x1fffc000, 0x1fffc000, 4096, REW},
};

/* Walks from sector to sector, as a plan does: none is missed, none is told twice. */
static uint32_t count_by_walking(const struct layout *layout)
{
	uint32_t n = 0;

	for (size_t i = 0; i < layout->n_groups; i++) {
		const struct layout_group *group = &layout->groups[i];
		uint64_t end = group->start + (uint64_t)group->size * group->count;

		for (uint64_t at = group->start; at < end;) {
			struct layout_sector sector, by_last_byte;

			assert_true(layout_sector_at(layout, (uint32_t)at, &sector));
			assert_int_equal(sector.start, at);
			assert_int_equal(sector.index, n);
			assert_true(layout_sector_at(
				layout, (uint32_t)(at + sector.size - 1), &by_last_byte));
			assert_int_equal(by_last_byte.start, sector.start);
			assert_int_equal(by_last_byte.index, sector.index);
			at += sector.size;
			n++;
		}
	}
	return n;
}

static void test_known(void **state)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *k = &known[i];
		struct layout layout;
		struct layout_sector last;

		if (layout_parse(&layout, k->text) != 0) {
			fail_msg("%s: %s", k->chip, k->text);
		}
		assert_string_equal(layout.name, k->name);
		assert_int_equal(layout.n_groups, k->n_groups);
		assert_int_equal(layout.groups[0].start, k->first);
		assert_int_equal(layout_n_sectors(&layout), k->n_sectors);
		assert_int_equal(count_by_walking(&layout), k->n_sectors);
		assert_true(layout_size(&layout) == k->size);
		assert_true(layout_sector_at(&layout, k->last, &last));
		assert_int_equal(last.start, k->last);
		assert_int_equal(last.size, k->last_size);
		assert_int_equal(last.access, k->last_access);
		assert_int_equal(last.index, k->n_sectors - 1);
		assert_false(layout_sector_at(&layout, k->first - 1, &last));
		assert_false(layout_sector_at(&layout, k->last + k->last_size, &last));
	}
}

static void parse(struct layout *ret, const char *text)
{
	if (layout_parse(ret, text) != 0) {
		fail_msg("refused: %s", text);
	}
}

static void test_access_letters(void **state)
{
	for (char c = 'a'; c <= 'g'; c++) {
		struct layout layout;
		char text[32];

		snprintf(text, sizeof(text), "@x/0x0/1*1%c", c);
		parse(&layout, text);
		assert_int_equal(layout.groups[0].access, c - 'a' + 1);
		snprintf(text, sizeof(text), "@x/0x0/1*1M%c", c);
		parse(&layout, text);
		assert_int_equal(layout.groups[0].access, c - 'a' + 1);
		assert_int_equal(layout.groups[0].size, 1 << 20);
	}
}

static void test_units(void **state)
{
	struct layout layout;

	parse(&layout, "@x/0x0/1*3Bg,1*3 g,1*3g,1*3Kg,1*3Mg");
	assert_int_equal(layout.n_groups, 5);
	assert_int_equal(layout.groups[0].size, 3);
	assert_int_equal(layout.groups[1].size, 3);
	assert_int_equal(layout.groups[2].size, 3);
	assert_int_equal(layout.groups[3].size, 3 << 10);
	assert_int_equal(layout.groups[4].size, 3 << 20);
	assert_int_equal(layout.groups[4].start, 9 + (3 << 10));
}

static void test_missing_letter_allows_nothing(void **state)
{
	struct layout layout;

	parse(&layout, "@x/0x0/1*3,1*3K,1*3 ,2*3B");
	assert_int_equal(layout.n_groups, 4);
	for (size_t i = 0; i < layout.n_groups; i++) {
		assert_int_equal(layout.groups[i].access, 0);
	}
	assert_int_equal(layout.groups[1].size, 3 << 10);
}

static void test_device_feature_letter(void **state)
{
	struct layout layout = {0};

	parse(&layout, "@Device Feature/0xFFFF0000/01*004 \x7f");
	assert_int_equal(layout.groups[0].access, RW);
	parse(&layout, "@Device Feature /0xFFFF0000/01*004 \xe9");
	assert_int_equal(layout.groups[0].access, RW);
	parse(&layout, "@Device Feature/0xFFFF0000/01*004 g");
	assert_int_equal(layout.groups[0].access, RW);
	assert_int_equal(layout_parse(&layout, "@Device Features/0xFFFF0000/01*004 \x7f"), -EINVAL);
	assert_int_equal(layout_parse(&layout, "@Device Feature/0xFFFF0000/01*004 ez"), -EINVAL);
}

static void test_names(void **state)
{
	struct layout layout;
	char text[160];

	parse(&layout, "@Flash: bank 1   /0x08000000/1*1Kg");
	assert_string_equal(layout.name, "Flash: bank 1");
	parse(&layout, "@  Flash/0x08000000/1*1Kg");
	assert_string_equal(layout.name, "Flash");
	parse(&layout, "@/0x08000000/1*1Kg");
	assert_string_equal(layout.name, "");

	snprintf(text, sizeof(text), "@%0*d /0x08000000/1*1Kg", LAYOUT_NAME_MAX - 1, 7);
	parse(&layout, text);
	assert_int_equal(strlen(layout.name), LAYOUT_NAME_MAX - 1);
	assert_int_equal(layout.name[LAYOUT_NAME_MAX - 2], '7');
	snprintf(text, sizeof(text), "@%0*d /0x08000000/1*1Kg", LAYOUT_NAME_MAX, 7);
	parse(&layout, text);
	assert_int_equal(strlen(layout.name), LAYOUT_NAME_MAX - 1);
	assert_int_equal(layout.name[LAYOUT_NAME_MAX - 2], '0');
}

static void test_trailing_blanks(void **state)
{
	struct layout layout;

	parse(&layout, "@Internal Flash  /0x08000000/04*016Kg    ");
	assert_int_equal(layout_n_sectors(&layout), 4);
	assert_int_equal(
		layout_parse(&layout, "@Internal Flash  /0x08000000/04*016Kg  x"), -EINVAL);
}

static void test_sizes_that_are_no_power_of_two(void **state)
{
	struct layout layout;
	struct layout_sector sector;

	parse(&layout, "@x/0x1000/5*3Kg,2*528g");
	assert_true(layout_sector_at(&layout, 0x1000 + 3 * 3072 + 3071, &sector));
	assert_int_equal(sector.start, 0x1000 + 3 * 3072);
	assert_int_equal(sector.index, 3);
	assert_true(layout_sector_at(&layout, 0x1000 + 5 * 3072 + 528, &sector));
	assert_int_equal(sector.start, 0x1000 + 5 * 3072 + 528);
	assert_int_equal(sector.size, 528);
	assert_int_equal(sector.index, 6);
}

/* The first byte of a sector is its own, not the last of the one before. */
static void test_boundaries(void **state)
{
	struct layout layout;
	struct layout_sector sector;

	parse(&layout, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg");
	assert_true(layout_sector_at(&layout, 0x0800ffff, &sector));
	assert_int_equal(sector.index, 3);
	assert_true(layout_sector_at(&layout, 0x08010000, &sector));
	assert_int_equal(sector.index, 4);
	assert_int_equal(sector.size, 0x10000);
	assert_true(layout_sector_at(&layout, 0x0801ffff, &sector));
	assert_int_equal(sector.index, 4);
	assert_true(layout_sector_at(&layout, 0x08020000, &sector));
	assert_int_equal(sector.index, 5);
}

static void test_regions_in_any_order(void **state)
{
	struct layout layout;
	struct layout_sector sector;

	parse(&layout, "@x/0x2000/2*1Kg/0x1000/3*1Kg");
	assert_int_equal(layout.groups[0].start, 0x2000);
	assert_true(layout_sector_at(&layout, 0x1400, &sector));
	assert_int_equal(sector.index, 3);
	assert_true(layout_sector_at(&layout, 0x2400, &sector));
	assert_int_equal(sector.index, 1);
	assert_false(layout_sector_at(&layout, 0x1c00, &sector));
}

static void test_end_of_the_address_space(void **state)
{
	struct layout layout;
	struct layout_sector sector;

	parse(&layout, "@x/0xFFFF0000/16*4Kg");
	assert_true(layout_sector_at(&layout, UINT32_MAX, &sector));
	assert_int_equal(sector.start, 0xfffff000);
	assert_true(layout_size(&layout) == KIB(64));
	parse(&layout, "@x/0x00000000/4096*1Mg");
	assert_true(layout_size(&layout) == UINT64_C(1) << 32);
	assert_int_equal(layout_n_sectors(&layout), 4096);
	parse(&layout, "@x/0x0/4294967295*1g");
	assert_int_equal(layout_n_sectors(&layout), UINT32_MAX);
}

static const char *const refused[] = {
	"",
	"@",
	"@Internal Flash",
	"@Internal Flash  /",
	"@Internal Flash  /0x08000000",
	"@Internal Flash  /0x08000000/",
	"@Internal Flash  /0x08000000/04*016Kg,",
	"@Internal Flash  /0x08000000/04*016Kg/",
	"@Internal Flash  /0x08000000/04*016Kg/0x08100000",
	"@Internal Flash  /0x08000000/04",
	"@Internal Flash  /0x08000000/04*",
	"@Internal Flash  /0x08000000/04*Kg",
	"@Internal Flash  /0x08000000/*016Kg",
	"@Internal Flash  /0x/04*016Kg",
	"@Internal Flash  /08000000/04*016Kg",
	"@Internal Flash  /0x0800000g/04*016Kg",
	"@Internal Flash  /0x 8000000/04*016Kg",
	"@Internal Flash  /0x08000000/-4*016Kg",
	"@Internal Flash  /0x08000000/+4*016Kg",
	"@Internal Flash  /0x08000000/ 4*016Kg",
	"@Internal Flash  /0x08000000/04* 16Kg",
	"@Internal Flash  /0x08000000/04*016Kg 01*064Kg",
	"@Internal Flash  /0x08000000/04*016Kg, 01*064Kg",
	"@Internal Flash  /0x08000000/04*0x10Kg",
	"Internal Flash  /0x08000000/04*016Kg",
	" @Internal Flash  /0x08000000/04*016Kg",
	/* letters */
	"@x/0x0/1*1h",
	"@x/0x0/1*1`",
	"@x/0x0/1*1G",
	"@x/0x0/1*1kg",
	"@x/0x0/1*1Kgg",
	"@x/0x0/1*1Gg",
	"@x/0x0/1*1  g",
	"@x/0x0/1*1K\x7f",
	/* zero sizes */
	"@x/0x0/0*1Kg",
	"@x/0x0/1*0Kg",
	"@x/0x0/1*1Kg,0*1Kg",
	/* overflow: of a number, of a sector, of a group, of the space, of the count */
	"@x/0x100000000/1*1Kg",
	"@x/0x0/4294967296*1g",
	"@x/0x0/1*4294967296g",
	"@x/0x0/1*18446744073709551617g",
	"@x/0x0/1*4096Mg",
	"@x/0x0/4294967295*4294967295Mg",
	"@x/0x0/4097*1Mg",
	"@x/0xFFFF0000/17*4Kg",
	"@x/0xFFFF0000/16*4Kg,1*1g",
	"@x/0x0/4294967295*1g,1*1g",
	/* overlap */
	"@x/0x1000/4*1Kg/0x1000/1*1Kg",
	"@x/0x1000/4*1Kg/0x0C01/1*1Kg",
	"@x/0x1000/4*1Kg/0x1FFF/1*1Kg",
	"@x/0x1000/4*1Kg/0x0/1*1Mg",
};

static void test_refused(void **state)
{
	struct layout before, layout;

	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		layout = before;
		if (layout_parse(&layout, refused[i]) != -EINVAL) {
			fail_msg("not refused: %s", refused[i]);
		}
		assert_memory_equal(&layout, &before, sizeof(layout));
	}
}

static void test_neighbours_are_no_overlap(void **state)
{
	struct layout layout;

	parse(&layout, "@x/0x1000/4*1Kg/0x0C00/1*1Kg/0x2000/1*1Kg");
	assert_int_equal(layout.n_groups, 3);
}

static void test_many_groups(void **state)
{
	char text[1024] = "@x/0x08000000/1*1Kg";
	struct layout layout;

	for (int i = 1; i < LAYOUT_MAX_GROUPS; i++) {
		strcat(text, ",1*1Kg");
	}
	parse(&layout, text);
	assert_int_equal(layout.n_groups, LAYOUT_MAX_GROUPS);
	assert_int_equal(layout_n_sectors(&layout), LAYOUT_MAX_GROUPS);
	strcat(text, ",1*1Kg");
	layout.n_groups = 0;
	assert_int_equal(layout_parse(&layout, text), -E2BIG);
	assert_int_equal(layout.n_groups, 0);
}

/* Where the sectors lie, and nothing else. */
static const struct {
	const char *a, *b;
	bool same;
} pairs[] = {
	{"@Internal Flash  /0x08000000/04*016Kg", "@Internal Flash  /0x08000000/04*016Kg", true},
	{"@Internal Flash  /0x08000000/04*016Kg", "@Other/0x8000000/4*16Kg", true},
	{"@x/0x0/4*16Kg", "@x/0x0/4*16384Bg", true},
	{"@x/0x0/4*16Kg", "@x/0x0/4*16Ka", true},
	{"@x/0x0/4*16Kg", "@x/0x0/4*16K", true},
	{"@x/0x0/4*16Kg,1*64Kg", "@x/0x0/4*16Kg/0x10000/1*64Kg", true},
	{"@x/0x0/4*16Kg", "@x/0x4000/4*16Kg", false},
	{"@x/0x0/4*16Kg", "@x/0x0/5*16Kg", false},
	{"@x/0x0/4*16Kg", "@x/0x0/4*15Kg", false},
	{"@x/0x0/4*16Kg", "@x/0x0/8*8Kg", false},
	{"@x/0x0/4*16Kg", "@x/0x0/4*16Kg,1*64Kg", false},
	{"@x/0x0/4*16Kg,1*64Kg,3*128Kg", "@x/0x0/4*16Kg,1*64Kg,7*128Kg", false},
	{"@x/0x0/4*16Kg,1*64Kg", "@x/0x0/4*16Kg/0x20000/1*64Kg", false},
};

static void test_is_same(void **state)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct layout a, b;

		parse(&a, pairs[i].a);
		parse(&b, pairs[i].b);
		if (layout_is_same(&a, &b) != pairs[i].same ||
			layout_is_same(&b, &a) != pairs[i].same) {
			fail_msg("%s and %s", pairs[i].a, pairs[i].b);
		}
	}
}

/* What a boot loader keeps for itself makes groups, and no other sectors. */
static void test_is_same_in_other_groups(void **state)
{
	struct layout a, b;

	parse(&a, "@Internal Flash  /0x08000000/0256*0002Kg");
	parse(&b, "@Internal Flash  /0x08000000/19*002Ka,237*002Kg");
	assert_true(layout_is_same(&a, &b));
	assert_true(layout_is_same(&b, &a));
}

/* Each device is the same as itself, and as no other but those with the same map. */
static void test_known_are_not_the_same(void **state)
{
	const size_t n = sizeof(known) / sizeof(known[0]);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			struct layout a, b;
			bool same;

			parse(&a, known[i].text);
			parse(&b, known[k].text);
			same = known[i].first == known[k].first && known[i].last == known[k].last &&
			       known[i].size == known[k].size &&
			       known[i].n_sectors == known[k].n_sectors;
			if (layout_is_same(&a, &b) != same) {
				fail_msg("%s and %s", known[i].chip, known[k].chip);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_access_letters),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_missing_letter_allows_nothing),
		cmocka_unit_test(test_device_feature_letter),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_trailing_blanks),
		cmocka_unit_test(test_sizes_that_are_no_power_of_two),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_regions_in_any_order),
		cmocka_unit_test(test_end_of_the_address_space),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_neighbours_are_no_overlap),
		cmocka_unit_test(test_many_groups),
		cmocka_unit_test(test_is_same),
		cmocka_unit_test(test_is_same_in_other_groups),
		cmocka_unit_test(test_known_are_not_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
