/* SPDX-License-Identifier: MIT */
/* The lines of a plan that say what will be done, word for word; on plans made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dfud-flash/outline.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define BASE	 0x08000000u
#define K	 1024u
#define F446	 "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"

/* The sectors of an F446, of which some are erased. */
struct scene {
	struct layout layout;
	struct base base;
	struct plan_segment segment;
	struct plan_sector sectors[8];
	struct plan plan;
	struct outline_work work;
	char text[320];
};

static void scene_init(struct scene *s, const char *layout, uint32_t image, uint32_t size)
{
	struct layout_sector sector;
	struct plan *plan = &s->plan;

	*s = (struct scene){.segment = {image, size, NULL}, .base = {.address = BASE}};
	assert_int_equal(layout_parse(&s->layout, layout), 0);
	*plan = (struct plan){.sectors = s->sectors,
		.segments = &s->segment,
		.n_segments = 1,
		.decided = true,
		.can_read = true};
	for (uint64_t at = image; at < (uint64_t)image + size;
		at = (uint64_t)sector.start + sector.size) {
		assert_true(layout_sector_at(&s->layout, (uint32_t)at, &sector));
		assert_true(plan->n_sectors < N(s->sectors));
		s->sectors[plan->n_sectors++] = (struct plan_sector){sector.start, sector.size, 0};
	}
	s->work = (struct outline_work){.plan = plan,
		.layout = &s->layout,
		.base = &s->base,
		.image = image,
		.leave = image};
}

/* Of the sectors concerned, counted from 0. */
static void scene_erase(struct scene *s, size_t sector)
{
	assert_true(sector < s->plan.n_sectors);
	s->sectors[sector].erase = true;
	s->plan.n_erases++;
	s->plan.bytes_erased += s->sectors[sector].size;
}

#define check(s, line, expected)                                                                   \
	do {                                                                                       \
		outline_##line(&(s)->work, (s)->text, sizeof((s)->text));                          \
		assert_string_equal((s)->text, (expected));                                        \
	} while (0)

static void check_board(uint16_t vendor, const char *layout, const char *expected)
{
	struct device device = {
		.function = {.vendor = vendor, .product = 0xdf11, .n_alternates = 4}};
	char text[320];

	assert_int_equal(layout_parse(&device.layout, layout), 0);
	outline_board(&device, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_board(void **state)
{
	check_board(0x0483, F446,
		"0483:df11, \"Internal Flash\" of 524288 bytes in 8 sectors from 0x08000000; "
		"STM32F2, F4 or F72/F73");
	/* nothing certain is known of the chip */
	check_board(0x2e3c, F446,
		"2e3c:df11, \"Internal Flash\" of 524288 bytes in 8 sectors from 0x08000000");
	check_board(0x0483, "@External  /0x90000000/01*064Kg",
		"0483:df11, \"External\" of 65536 bytes in 1 sector from 0x90000000");
}

static void test_memory(void **state)
{
	struct scene s;

	scene_init(&s, F446, BASE, 44388);
	outline_memory(&s.plan, &s.layout, s.text, sizeof(s.text));
	assert_string_equal(
		s.text, "0x08000000-0x0800ad63 lies in 3 writable sectors of \"Internal Flash\"");
	scene_init(&s, F446, BASE + 0x20000, 1);
	outline_memory(&s.plan, &s.layout, s.text, sizeof(s.text));
	assert_string_equal(
		s.text, "0x08020000-0x08020000 lies in 1 writable sector of \"Internal Flash\"");
}

/* From the first byte of the first stretch to the last of the last. */
static void test_memory_of_several_stretches(void **state)
{
	struct scene s;
	const struct plan_segment segments[] = {
		{BASE, 100, NULL}, {BASE + 0x4000, 100, NULL}, {0xfffffff0, 16, NULL}};

	scene_init(&s, F446, BASE, 0x5000);
	s.plan.segments = (struct plan_segment *)segments;
	s.plan.n_segments = 3;
	outline_memory(&s.plan, &s.layout, s.text, sizeof(s.text));
	assert_string_equal(
		s.text, "0x08000000-0xffffffff lies in 2 writable sectors of \"Internal Flash\"");
}

static void test_save(void **state)
{
	uint8_t byte = 0xff;
	struct scene s;

	scene_init(&s, F446, BASE, 44388);
	scene_erase(&s, 0);
	s.plan.saved = (struct plan_run){BASE, 49152, &byte};
	check(&s, save, "49152 bytes first, 0x08000000-0x0800bfff");
	s.plan.saved.size = 0; /* laid out, read, and found to be blank */
	check(&s, save, "nothing: what will be erased is blank");
	s.plan.saved.data = NULL;
	check(&s, save, "nothing, as Backup=no asks for");
	s.plan.can_read = false;
	check(&s, save, "nothing: the board cannot be read");
	s.plan.can_read = s.plan.unchanged = true;
	check(&s, save, "nothing: nothing is erased");
}

static void test_erase(void **state)
{
	struct scene s;

	scene_init(&s, F446, BASE, 400 * K);
	s.plan.unchanged = true;
	check(&s, erase, "nothing: the board holds the file already");
	s.plan.unchanged = false;
	scene_erase(&s, 0);
	check(&s, erase, "1 of 8 sectors, 16384 bytes: 0x08000000-0x08003fff");
	scene_erase(&s, 1);
	check(&s, erase, "2 of 8 sectors, 32768 bytes: 0x08000000-0x08007fff");
	scene_erase(&s, 3);
	scene_erase(&s, 4);
	scene_erase(&s, 6);
	check(&s, erase,
		"5 of 8 sectors, 245760 bytes: 0x08000000-0x08007fff, 0x0800c000-0x0801ffff, "
		"0x08040000-0x0805ffff");
}

static void test_erase_of_one_sector(void **state)
{
	struct scene s;

	scene_init(&s, "@Internal Flash  /0x08000000/01*064Kg", BASE, 100);
	scene_erase(&s, 0);
	check(&s, erase, "1 of 1 sector, 65536 bytes: 0x08000000-0x0800ffff");
}

/* Sectors that touch are one stretch, those on both sides of a gap are two. */
static void test_erase_on_both_sides_of_a_gap(void **state)
{
	struct scene s;

	scene_init(&s, "@Internal Flash  /0x08000000/01*016Kg,01*016Kg/0x08010000/01*016Kg", BASE,
		20000);
	s.sectors[2] = (struct plan_sector){0x08010000, 16384, false};
	s.plan.n_sectors = 3;
	for (size_t i = 0; i < 3; i++) {
		scene_erase(&s, i);
	}
	check(&s, erase,
		"3 of 3 sectors, 49152 bytes: 0x08000000-0x08007fff, 0x08010000-0x08013fff");
}

/* The last sector of all ends where 32 bits end. */
static void test_erase_at_the_end_of_the_space(void **state)
{
	struct scene s;

	scene_init(&s, "@Internal Flash  /0xffff0000/01*064Kg", 0xffff0000, 100);
	scene_erase(&s, 0);
	check(&s, erase, "1 of 1 sector, 65536 bytes: 0xffff0000-0xffffffff");
}

/* A list that does not fit says that it goes on; one that just fits is whole. */
static void test_erase_is_cut(void **state)
{
	struct scene s;
	char whole[320], cut[320];

	scene_init(&s, F446, BASE, 512 * K);
	scene_erase(&s, 0);
	scene_erase(&s, 2);
	scene_erase(&s, 4);
	scene_erase(&s, 6);
	outline_erase(&s.work, whole, sizeof(whole));
	for (size_t size = 40; size <= strlen(whole); size++) {
		memset(cut, 'x', sizeof(cut));
		outline_erase(&s.work, cut, size);
		assert_int_equal(strlen(cut), size - 1);
		assert_string_equal(cut + size - 5, " ...");
		assert_memory_equal(cut, whole, size - 5);
		assert_int_equal(cut[size], 'x');
	}
	outline_erase(&s.work, cut, strlen(whole) + 1);
	assert_string_equal(cut, whole);
}

static void test_write(void **state)
{
	struct plan_run bodies[] = {{BASE + 2048, 42340, NULL}};
	struct scene s;

	scene_init(&s, F446, BASE, 44388);
	scene_erase(&s, 0);
	s.plan.bytes_written = 44388;
	s.plan.bodies = bodies;
	s.plan.n_bodies = 1;
	check(&s, write, "44388 bytes from 0x08000000, read back and compared");
	s.plan.can_read = false;
	check(&s, write, "44388 bytes from 0x08000000, not read back: the board cannot be read");
	s.plan.unchanged = true;
	check(&s, write, "nothing");
}

/* What lies before the file in its first sector is written back, and that is where it begins. */
static void test_within_a_sector(void **state)
{
	struct plan_run bodies[] = {{BASE + 0x8000, 2048, NULL}};
	struct scene s;

	scene_init(&s, F446, BASE + 0x8800, 1000);
	s.plan.bodies = bodies;
	s.plan.n_bodies = 1;
	s.plan.bytes_written = 3048;
	check(&s, keep, "every sector that holds nothing of the file, or holds it already");
	scene_erase(&s, 0);
	check(&s, keep, "2048 bytes before the file are written back, 0x08008000-0x080087ff");
	check(&s, write, "3048 bytes from 0x08008000, read back and compared");
	s.plan.unchanged = true;
	check(&s, keep, "every sector that holds nothing of the file, or holds it already");
}

static void test_at_a_sector(void **state)
{
	struct scene s;

	scene_init(&s, F446, BASE + 0x8000, 1000);
	scene_erase(&s, 0);
	s.plan.bytes_written = 1000; /* one block: no body */
	check(&s, keep, "every sector that holds nothing of the file, or holds it already");
	check(&s, write, "1000 bytes from 0x08008000, read back and compared");
}

static void test_leave(void **state)
{
	struct scene s;

	scene_init(&s, F446, BASE + 0x8000, 1000);
	strcpy(s.base.about, "Katapult");
	check(&s, leave, "to 0x08008000, where the file begins");
	s.work.leave = BASE;
	check(&s, leave, "to 0x08000000, where the board starts after a reset (Katapult)");
	s.work.stay = true;
	check(&s, leave, "not: the board stays in DFU mode");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_board),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_of_several_stretches),
		cmocka_unit_test(test_save),
		cmocka_unit_test(test_erase),
		cmocka_unit_test(test_erase_of_one_sector),
		cmocka_unit_test(test_erase_on_both_sides_of_a_gap),
		cmocka_unit_test(test_erase_at_the_end_of_the_space),
		cmocka_unit_test(test_erase_is_cut),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_within_a_sector),
		cmocka_unit_test(test_at_a_sector),
		cmocka_unit_test(test_leave),
	};

	return cmocka_run_group_tests_name("outline", tests, NULL, NULL);
}
