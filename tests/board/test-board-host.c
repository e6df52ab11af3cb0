/* SPDX-License-Identifier: MIT */

/* What a host reads: descriptors, strings, standard requests; run-time mode and the plain device.
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

static const struct board_counts *counts(const struct rig *rig)
{
	return board_counts(rig->board);
}

static void test_dfu_descriptors(void **state)
{
	static const uint8_t device[18] = {
		18, 1, 0x00, 0x01, 0, 0, 0, 64, 0x83, 0x04, 0x11, 0xdf, 0x00, 0x22, 1, 2, 3, 1};
	static const uint8_t functional[9] = {9, 0x21, 0x0b, 255, 0, 0x00, 0x08, 0x1a, 0x01};
	struct rig *rig = *state;
	uint8_t bytes[256], part[20];

	assert_int_equal(board_descriptors(rig->board, BOARD_DFU, bytes, sizeof(bytes)), 18 + 54);
	assert_memory_equal(bytes, device, sizeof(device));
	assert_memory_equal(bytes + 18, "\x09\x02\x36\x00\x01\x01", 6);
	for (uint8_t i = 0; i < 4; i++) {
		const uint8_t interface[9] = {9, 4, 0, i, 0, 0xfe, 1, 2, (uint8_t)(4 + i)};

		assert_memory_equal(bytes + 27 + 9 * i, interface, 9);
	}
	assert_memory_equal(bytes + 63, functional, 9);
	assert_int_equal(board_descriptors(rig->board, BOARD_DFU, part, sizeof(part)), 20);
	assert_memory_equal(part, bytes, sizeof(part));
	assert_int_equal(rig_call(rig, 0x80, 6, 0x2100, 0, 64), BOARD_ACK);
	assert_int_equal(rig->length, 9);
	assert_memory_equal(rig->data, functional, 9);
	assert_int_equal(board_descriptors(rig->board, BOARD_ABSENT, bytes, sizeof(bytes)), 0);
}

static void test_strings(void **state)
{
	struct rig *rig = *state;

	assert_string_equal(board_string(rig->board, BOARD_DFU, 1), "STMicroelectronics");
	assert_string_equal(board_string(rig->board, BOARD_DFU, 2), "STM32  BOOTLOADER");
	assert_string_equal(board_string(rig->board, BOARD_DFU, 3), "STM32FxSTM32");
	assert_string_equal(board_string(rig->board, BOARD_DFU, 4),
		"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg");
	assert_string_equal(
		board_string(rig->board, BOARD_DFU, 7), "@Device Feature/0xFFFF0000/01*004 e");
	assert_null(board_string(rig->board, BOARD_DFU, 8));
	assert_string_equal(board_string(rig->board, BOARD_RUNTIME, 1), "Klipper");
	assert_string_equal(board_string(rig->board, BOARD_RUNTIME, 2), "stm32f446xx");
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0300, 0, 255), BOARD_ACK);
	assert_memory_equal(rig->data, "\x04\x03\x09\x04", 4);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0303, 0x0409, 255), BOARD_ACK);
	assert_int_equal(rig->length, 2 + 2 * 12);
	assert_memory_equal(rig->data, "\x1a\x03S\0T\0M\0", 8);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0309, 0x0409, 255), BOARD_STALL);
}

static void test_standard_requests(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_call(rig, 0x80, 6, 0x0100, 0, 8), BOARD_ACK);
	assert_int_equal(rig->length, 8);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0200, 0, 4096), BOARD_ACK);
	assert_int_equal(rig->length, 54);
	assert_int_equal(rig_call(rig, 0x80, 6, 0x0600, 0, 10), BOARD_STALL);
	assert_int_equal(rig_call(rig, 0x00, 9, 1, 0, 0), BOARD_ACK);
	assert_int_equal(rig_call(rig, 0x80, 8, 0, 0, 1), BOARD_ACK);
	assert_int_equal(rig->data[0], 1);
	assert_int_equal(rig_call(rig, 0x01, 11, 3, 0, 0), BOARD_ACK);
	assert_int_equal(rig_call(rig, 0x81, 10, 0, 0, 1), BOARD_ACK);
	assert_int_equal(rig->data[0], 3);
	assert_int_equal(rig_call(rig, 0x01, 11, 4, 0, 0), BOARD_STALL);
	assert_int_equal(rig_call(rig, 0x01, 11, 0, 1, 0), BOARD_STALL);
	assert_int_equal(rig_state(rig), DFU_IDLE);
}

static void test_run_time_mode(void **state)
{
	static const uint8_t coding[7] = {0x80, 0x25, 0, 0, 0, 0, 8};
	struct rig *rig = *state;
	uint8_t bytes[256];
	size_t size, at = 18;

	rig_put_program(rig, BASE);
	board_plug(rig->board, rig->now, false);
	size = board_descriptors(rig->board, BOARD_RUNTIME, bytes, sizeof(bytes));
	assert_memory_equal(bytes, "\x12\x01\x00\x02\x02\x00\x00\x10\x50\x1d\x4e\x61", 12);
	assert_int_equal(bytes[at + 2] | bytes[at + 3] << 8, size - 18);
	while (at < size) {
		assert_in_range(bytes[at], 2, size - at);
		at += bytes[at];
	}
	memcpy(rig->data, coding, 7);
	assert_int_equal(rig_call(rig, 0x21, 0x20, 0, 0, 7), BOARD_ACK);
	memset(rig->data, 0, 7);
	assert_int_equal(rig_call(rig, 0xa1, 0x21, 0, 0, 7), BOARD_ACK);
	assert_memory_equal(rig->data, coding, 7);
	assert_int_equal(rig_call(rig, 0x21, 0x22, 3, 0, 0), BOARD_ACK);
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 6), BOARD_STALL);
	assert_int_equal(counts(rig)->transfers, 0);
}

static void test_plain_device(void **state)
{
	struct rig *rig = *state;
	uint8_t bytes[256];
	size_t size;

	use(rig, &(struct board_options){.plain = true, .vendor = 0x2e8a, .product = 0x0003});
	assert_int_equal(rig_presence(rig), BOARD_RUNTIME);
	size = board_descriptors(rig->board, BOARD_RUNTIME, bytes, sizeof(bytes));
	assert_memory_equal(bytes + 8, "\x8a\x2e\x03\x00", 4);
	for (size_t at = 18; at < size; at += bytes[at]) {
		assert_false(bytes[at + 1] == 4 && bytes[at + 5] == 0xfe);
	}
	assert_int_equal(rig_call(rig, DFU_TYPE_OUT, DFU_DETACH, 0, 0, 0), BOARD_STALL);
	board_unplug(rig->board, rig->now);
	assert_int_equal(rig_presence(rig), BOARD_ABSENT);
	board_plug(rig->board, rig->now, true);
	assert_int_equal(rig_presence(rig), BOARD_RUNTIME);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dfu_descriptors),
		TEST(test_strings),
		TEST(test_standard_requests),
		TEST(test_run_time_mode),
		TEST(test_plain_device),
	};

	return cmocka_run_group_tests_name("board-host", tests, NULL, NULL);
}
