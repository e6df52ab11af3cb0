/* SPDX-License-Identifier: MIT */

/*
 * DfuSe against the facts: what writing, erasing and reading do to the memories, what is refused
 * and how, the steps, and boards with other layouts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/dfu.h"
#include "test-rig.h"

#define BASE	 0x08000000u
#define N(array) (sizeof(array) / sizeof((array)[0]))

static int setup(void **state)
{
	static struct rig rig;
	const struct board_options options = {0};

	rig_init(&rig, &options);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	rig_done(*state);
	return 0;
}

static void use(struct rig *rig, const struct board_options *options)
{
	rig_done(rig);
	rig_init(rig, options);
}

static void assert_status(struct rig_status got, uint8_t status, uint8_t state, uint32_t poll_ms)
{
	assert_int_equal(got.status, status);
	assert_int_equal(got.state, state);
	assert_int_equal(got.poll_ms, poll_ms);
}

static const struct board_counts *counts(const struct rig *rig)
{
	return board_counts(rig->board);
}

/* A block of the transfer size with a pattern that differs from byte to byte. */
static const uint8_t *pattern(void)
{
	static uint8_t bytes[2048];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	}
	return bytes;
}

static void test_writing_clears_bits_only(void **state)
{
	const uint8_t first[4] = {0xf0, 0x0f, 0xaa, 0x00}, second[4] = {0x33, 0xff, 0x55, 0xff};
	struct rig *rig = *state;

	assert_int_equal(rig_write(rig, 2, first, 4).status, DFU_STATUS_OK);
	assert_int_equal(rig_write(rig, 2, second, 4).status, DFU_STATUS_OK);
	assert_memory_equal(rig_at(rig, BASE), "\x30\x0f\x00\x00", 4);
	assert_int_equal(*rig_at(rig, BASE + 4), 0xff);
}

static void test_block_addresses(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_command(rig, DFUSE_SET_ADDRESS, BASE + 0x8000).status, 0);
	assert_int_equal(rig_write(rig, 5, "three blocks on", 15).status, 0);
	assert_memory_equal(rig_at(rig, BASE + 0x8000 + 3 * 2048), "three blocks on", 15);
	assert_int_equal(rig_abort(rig), BOARD_ACK);
	assert_int_equal(rig_upload(rig, 5, 5), BOARD_ACK);
	assert_memory_equal(rig->data, "three", 5);
}

static void test_erases_take_the_sector_s_time(void **state)
{
	static const struct {
		uint32_t address, start, size, ms;
	} cases[] = {
		{BASE, BASE, 0x4000, 400},
		{BASE + 0xffff, BASE + 0xc000, 0x4000, 400},
		{BASE + 0x10000, BASE + 0x10000, 0x10000, 1200},
		{BASE + 0x7ffff, BASE + 0x60000, 0x20000, 2000},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(cases); i++) {
		const uint8_t erase[5] = {DFUSE_ERASE, (uint8_t)cases[i].address,
			(uint8_t)(cases[i].address >> 8), (uint8_t)(cases[i].address >> 16), 8};

		memset(rig_at(rig, BASE), 0, 512 * 1024);
		assert_int_equal(rig_dnload(rig, 0, erase, 5), BOARD_ACK);
		assert_status(rig_status(rig), DFU_STATUS_OK, DFU_DNBUSY, 100);
		assert_status(rig_status(rig), DFU_STATUS_OK, DFU_DNLOAD_IDLE, 0);
		assert_in_range(rig->took, cases[i].ms * 1000, cases[i].ms * 1000 + 1000);
		for (uint32_t at = 0; at < 512 * 1024; at++) {
			bool inside = BASE + at >= cases[i].start &&
				      BASE + at < cases[i].start + cases[i].size;

			assert_int_equal(*(rig_at(rig, BASE) + at), inside ? 0xff : 0);
		}
	}
	assert_int_equal(counts(rig)->erases, N(cases));
	assert_int_equal(counts(rig)->bytes_erased, 0x4000 + 0x4000 + 0x10000 + 0x20000);
	assert_int_equal(counts(rig)->busy_us, 4000000);
}

static void test_mass_erase(void **state)
{
	struct rig *rig = *state;
	const uint8_t *flash = board_flash(rig->board, NULL);

	memset(rig_at(rig, BASE), 0, 512 * 1024);
	assert_status(rig_mass_erase(rig), DFU_STATUS_OK, DFU_DNLOAD_IDLE, 0);
	assert_int_equal(rig_presence(rig), BOARD_DFU);
	assert_in_range(rig->took, 8800000, 8801000); /* 4 * 0.4 + 1.2 + 3 * 2.0 s */
	for (size_t i = 0; i < 512 * 1024; i++) {
		assert_int_equal(flash[i], 0xff);
	}
	assert_int_equal(counts(rig)->mass_erases, 1);
	assert_int_equal(counts(rig)->erases, 0);
	assert_int_equal(counts(rig)->bytes_erased, 512 * 1024);
}

static void test_outside_the_map(void **state)
{
	static const uint32_t outside[] = {BASE - 1, BASE + 512 * 1024, 0x20000000};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(outside); i++) {
		assert_status(
			rig_command(rig, DFUSE_ERASE, outside[i]), DFU_STATUS_TARGET, DFU_ERROR, 0);
		assert_int_equal(rig_clear(rig), BOARD_ACK);
		assert_status(rig_command(rig, DFUSE_SET_ADDRESS, outside[i]), DFU_STATUS_TARGET,
			DFU_ERROR, 0);
		assert_int_equal(rig_clear(rig), BOARD_ACK);
	}
	assert_int_equal(rig_command(rig, DFUSE_SET_ADDRESS, BASE + 511 * 1024).status, 0);
	assert_status(rig_write(rig, 2, pattern(), 2048), DFU_STATUS_TARGET, DFU_ERROR, 0);
	assert_int_equal(*rig_at(rig, BASE + 511 * 1024 + 1), 0xff);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_status(rig_write(rig, 2, pattern(), 1024), DFU_STATUS_OK, DFU_DNLOAD_IDLE, 0);
	assert_memory_equal(rig_at(rig, BASE + 511 * 1024), pattern(), 1024);
	assert_int_equal(counts(rig)->violations, 0);
}

static void test_what_the_rom_does_not_know(void **state)
{
	static const struct {
		uint16_t block;
		uint16_t length;
		uint8_t data[5];
	} cases[] = {
		{1, 4, {0}},
		{0, 5, {0x55, 0, 0, 0, 8}},
		{0, 3, {DFUSE_SET_ADDRESS, 0, 0}},
		{0, 2, {DFUSE_ERASE, 0}},
		{0, 5, {DFUSE_UNPROTECT, 0, 0, 0, 0}},
		{0, 1, {0x00}},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(cases); i++) {
		assert_int_equal(rig_dnload(rig, cases[i].block, cases[i].data, cases[i].length),
			BOARD_STALL);
		assert_status(rig_status(rig), DFU_STATUS_STALLEDPKT, DFU_ERROR, 0);
		assert_int_equal(rig_clear(rig), BOARD_ACK);
	}
	memset(rig->data, 0, 2049);
	assert_int_equal(rig_call(rig, DFU_TYPE_OUT, DFU_DNLOAD, 2, 0, 2049), BOARD_STALL);
	assert_status(rig_status(rig), DFU_STATUS_STALLEDPKT, DFU_ERROR, 0);
	assert_int_equal(counts(rig)->unprotects, 0);
}

static void test_upload(void **state)
{
	struct rig *rig = *state;

	memcpy(rig_at(rig, BASE), pattern(), 2048);
	assert_int_equal(rig_upload(rig, 2, 2048), BOARD_ACK);
	assert_in_range(rig->took, 2900, 3100);
	assert_int_equal(rig->length, 2048);
	assert_memory_equal(rig->data, pattern(), 2048);
	assert_int_equal(rig_state(rig), DFU_UPLOAD_IDLE);
	assert_int_equal(rig_upload(rig, 257, 2048), BOARD_ACK);
	assert_int_equal(rig->length, 2048);
	assert_int_equal(rig_upload(rig, 258, 2048), BOARD_STALL);
	assert_status(rig_status(rig), DFU_STATUS_TARGET, DFU_ERROR, 0);
	assert_int_equal(counts(rig)->bytes_read, 4096);
	assert_int_equal(counts(rig)->uploads, 3);
}

static void test_upload_at_the_end_is_short(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_command(rig, DFUSE_SET_ADDRESS, BASE + 512 * 1024 - 100).status, 0);
	assert_int_equal(rig_abort(rig), BOARD_ACK);
	assert_int_equal(rig_upload(rig, 2, 2048), BOARD_ACK);
	assert_int_equal(rig->length, 100);
	assert_int_equal(rig_state(rig), DFU_IDLE);
}

static void test_get_commands(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_upload(rig, 0, 64), BOARD_ACK);
	assert_int_equal(rig->length, 4);
	assert_memory_equal(rig->data, "\x00\x21\x41\x92", 4);
	assert_int_equal(rig_state(rig), DFU_IDLE);
	assert_int_equal(rig_upload(rig, 1, 64), BOARD_STALL);
	assert_status(rig_status(rig), DFU_STATUS_STALLEDPKT, DFU_ERROR, 0);
}

static void test_no_upload(void **state)
{
	struct rig *rig = *state;

	use(rig, &(struct board_options){.no_upload = true});
	assert_int_equal(rig_upload(rig, 2, 64), BOARD_STALL);
	assert_int_equal(rig_status(rig).state, DFU_ERROR);
}

static void test_read_protection(void **state)
{
	struct rig *rig = *state;

	use(rig, &(struct board_options){.read_protected = true});
	assert_int_equal(rig_command(rig, DFUSE_SET_ADDRESS, BASE).status, DFU_STATUS_OK);
	assert_status(rig_command(rig, DFUSE_ERASE, BASE), DFU_STATUS_VENDOR, DFU_ERROR, 0);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_status(rig_mass_erase(rig), DFU_STATUS_VENDOR, DFU_ERROR, 0);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_status(rig_write(rig, 2, pattern(), 64), DFU_STATUS_VENDOR, DFU_ERROR, 0);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_int_equal(rig_upload(rig, 2, 64), BOARD_STALL);
	assert_status(rig_status(rig), DFU_STATUS_VENDOR, DFU_ERROR, 0);
	assert_int_equal(*rig_at(rig, BASE), 0xff);
}

static void test_unprotect_erases_all_and_resets(void **state)
{
	const uint8_t command = DFUSE_UNPROTECT;
	struct rig *rig = *state;

	use(rig, &(struct board_options){.read_protected = true, .cold_error = true});
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	memset(rig_at(rig, BASE), 0, 512 * 1024);
	assert_int_equal(rig_dnload(rig, 0, &command, 1), BOARD_ACK);
	assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	assert_int_equal(rig_wait(rig), BOARD_ABSENT);
	assert_int_equal(*rig_at(rig, BASE + 512 * 1024 - 1), 0xff);
	assert_int_equal(rig_wait(rig), BOARD_DFU);
	assert_status(rig_status(rig), DFU_STATUS_FIRMWARE, DFU_ERROR, 0);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_int_equal(rig_upload(rig, 2, 64), BOARD_ACK);
	assert_int_equal(counts(rig)->unprotects, 1);
}

static void test_foreign_memories_are_seen(void **state)
{
	static const uint32_t foreign[] = {0x1fffc000, 0x1fff7800, 0xffff0000};
	struct rig *rig = *state;

	for (size_t i = 0; i < N(foreign); i++) {
		assert_int_equal(rig_command(rig, DFUSE_SET_ADDRESS, foreign[i]).status, 0);
		assert_status(
			rig_command(rig, DFUSE_ERASE, foreign[i]), DFU_STATUS_TARGET, DFU_ERROR, 0);
		assert_int_equal(rig_clear(rig), BOARD_ACK);
		assert_int_equal(counts(rig)->foreign_writes, i);
		assert_int_equal(rig_write(rig, 2, "\x12\x34", 2).status, DFU_STATUS_OK);
		assert_int_equal(counts(rig)->foreign_writes, i + 1);
		assert_int_equal(rig_abort(rig), BOARD_ACK);
		assert_int_equal(rig_upload(rig, 2, 2), BOARD_ACK);
		assert_memory_equal(rig->data, "\x12\x34", 2);
		assert_int_equal(rig_abort(rig), BOARD_ACK);
	}
}

/* --- steps --- */

static void test_steps_tell_the_order(void **state)
{
	static const struct board_step expected[] = {
		{BOARD_STEP_ERASE, BASE + 0x4000, 0x4000},
		{BOARD_STEP_WRITE, BASE + 0x4000, 4},
		{BOARD_STEP_READ, BASE + 0x4000, 16},
		{BOARD_STEP_LEAVE, BASE + 0x4000, 0},
	};
	struct rig *rig = *state;
	const struct board_step *steps;
	size_t n;

	assert_int_equal(rig_command(rig, DFUSE_ERASE, BASE + 0x5000).status, 0);
	assert_int_equal(rig_command(rig, DFUSE_SET_ADDRESS, BASE + 0x4000).status, 0);
	assert_int_equal(rig_write(rig, 2, "abcd", 4).status, 0);
	assert_int_equal(rig_abort(rig), BOARD_ACK);
	assert_int_equal(rig_upload(rig, 2, 16), BOARD_ACK);
	assert_int_equal(rig_abort(rig), BOARD_ACK);
	assert_int_equal(rig_leave(rig), BOARD_GONE);
	steps = board_steps(rig->board, &n);
	assert_int_equal(n, N(expected));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(steps[i].kind, expected[i].kind);
		assert_int_equal(steps[i].address, expected[i].address);
		assert_int_equal(steps[i].size, expected[i].size);
	}
	board_forget(rig->board);
	(void)board_steps(rig->board, &n);
	assert_int_equal(n, 0);
	assert_int_equal(counts(rig)->transfers, 0);
}

/* --- other layouts --- */

static void test_other_layout(void **state)
{
	struct rig *rig = *state;
	size_t size;

	use(rig, &(struct board_options){
			 .layout = "@Internal Flash  /0x08000000/02*001Ka,3*3 g/0x08100000/1*1Mg",
			 .transfer_size = 1024,
		 });
	(void)board_flash(rig->board, &size);
	assert_int_equal(size, 2048 + 9 + (1 << 20));
}

static void test_layout_with_read_only_sectors(void **state)
{
	struct rig *rig = *state;
	size_t size;

	use(rig, &(struct board_options){
			 .layout = "@Internal Flash  /0x08000000/04*002Ka,28*002Kg",
			 .transfer_size = 1024,
		 });
	(void)board_flash(rig->board, &size);
	assert_int_equal(size, 64 * 1024);
	assert_status(
		rig_command(rig, DFUSE_ERASE, BASE + 0x1fff), DFU_STATUS_TARGET, DFU_ERROR, 0);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_status(rig_write(rig, 2, "x", 1), DFU_STATUS_TARGET, DFU_ERROR, 0);
	assert_int_equal(rig_clear(rig), BOARD_ACK);
	assert_int_equal(rig_command(rig, DFUSE_ERASE, BASE + 0x2000).status, DFU_STATUS_OK);
	assert_in_range(rig->took, 50000, 51000);
	assert_int_equal(rig_write(rig, 2 + 8, "x", 1).status, DFU_STATUS_OK);
	assert_int_equal(*rig_at(rig, BASE + 0x2000), 'x');
	assert_int_equal(rig_dnload(rig, 2 + 9, pattern(), 1025), BOARD_STALL);
}

static void test_layout_that_cannot_be_read(void **state)
{
	struct rig *rig = *state;

	use(rig, &(struct board_options){.layout = "@F/0x08000000/1*16Kg,1*16Kf"});
	assert_int_equal(rig_upload(rig, 9, 2048), BOARD_ACK);
	assert_int_equal(rig_upload(rig, 10, 2048), BOARD_STALL);
	assert_status(rig_status(rig), DFU_STATUS_TARGET, DFU_ERROR, 0);
}

static void test_bad_layouts(void **state)
{
	static const char *const bad[] = {
		"",
		"Internal Flash/0x08000000/04*016Kg",
		"@Internal Flash",
		"@F/08000000/04*016Kg",
		"@F/0x08000000/",
		"@F/0x08000000/04*016K",
		"@F/0x08000000/04*016Kh",
		"@F/0x08000000/0*016Kg",
		"@F/0x08000000/4*0Kg",
		"@F/0x08000000/4*16Kg,",
		"@F/0xfffff000/8*16Kg",
		"@F/0x08000000/1*4096Mg",
		"@F/0x08000000/4*16Kgx",
		"@F/0x08000000/1*64Mg,1*64Mg",
	};

	for (size_t i = 0; i < N(bad); i++) {
		assert_null(board_new(&(struct board_options){.layout = bad[i]}));
	}
}

static void test_speedup(void **state)
{
	struct rig *rig = *state;

	use(rig, &(struct board_options){.speedup = 100});
	assert_status(rig_command(rig, DFUSE_ERASE, BASE), DFU_STATUS_OK, DFU_DNLOAD_IDLE, 0);
	assert_in_range(rig->took, 4000, 4010);
	assert_int_equal(rig_dnload(rig, 2, pattern(), 2048), BOARD_ACK);
	assert_int_equal(rig_status(rig).poll_ms, 1);
	assert_int_equal(rig_status(rig).state, DFU_DNLOAD_IDLE);
	assert_in_range(rig->took, 327, 340);
	assert_memory_equal(rig_at(rig, BASE), pattern(), 2048);
	assert_int_equal(rig_leave(rig), BOARD_GONE);
	assert_int_equal(rig_wait(rig), BOARD_DFU);
	assert_int_equal(rig->took, 6000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_writing_clears_bits_only),
		TEST(test_block_addresses),
		TEST(test_erases_take_the_sector_s_time),
		TEST(test_mass_erase),
		TEST(test_outside_the_map),
		TEST(test_what_the_rom_does_not_know),
		TEST(test_upload),
		TEST(test_upload_at_the_end_is_short),
		TEST(test_get_commands),
		TEST(test_no_upload),
		TEST(test_read_protection),
		TEST(test_unprotect_erases_all_and_resets),
		TEST(test_foreign_memories_are_seen),
		TEST(test_steps_tell_the_order),
		TEST(test_other_layout),
		TEST(test_layout_with_read_only_sectors),
		TEST(test_layout_that_cannot_be_read),
		TEST(test_bad_layouts),
		TEST(test_speedup),
	};

	return cmocka_run_group_tests_name("board-dfuse", tests, NULL, NULL);
}
