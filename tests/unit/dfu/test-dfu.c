/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/dfu.h"

static void test_status(void **state)
{
	const uint8_t bytes[] = {0x0a, 0x68, 0x00, 0x01, 0x0a, 0x07};
	struct dfu_status status;

	assert_true(dfu_status_parse(&status, bytes, sizeof(bytes)));
	assert_int_equal(status.status, DFU_STATUS_FIRMWARE);
	assert_int_equal(status.state, DFU_ERROR);
	assert_int_equal(status.poll_timeout, 0x010068);
}

static void test_status_longest_timeout(void **state)
{
	const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xfe, 0xff};
	struct dfu_status status;

	assert_true(dfu_status_parse(&status, bytes, sizeof(bytes)));
	assert_int_equal(status.status, 0xff);
	assert_int_equal(status.state, 0xfe);
	assert_int_equal(status.poll_timeout, 0xffffff);
}

static void test_status_of_another_length(void **state)
{
	const uint8_t bytes[7] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07};
	const struct dfu_status before = {.status = 0x55, .state = 0x66, .poll_timeout = 0x77};

	for (uint32_t length = 0; length <= sizeof(bytes); length++) {
		struct dfu_status status = before;

		if (length == DFU_STATUS_LENGTH) {
			continue;
		}
		assert_false(dfu_status_parse(&status, bytes, length));
		assert_memory_equal(&status, &before, sizeof(status));
	}
}

static void test_state_names(void **state)
{
	assert_string_equal(dfu_state_to_string(DFU_APP_IDLE), "appIDLE");
	assert_string_equal(dfu_state_to_string(2), "dfuIDLE");
	assert_string_equal(dfu_state_to_string(4), "dfuDNBUSY");
	assert_string_equal(dfu_state_to_string(8), "dfuMANIFEST-WAIT-RESET");
	assert_string_equal(dfu_state_to_string(10), "dfuERROR");
	assert_string_equal(dfu_state_to_string(11), "unknown");
	assert_string_equal(dfu_state_to_string(15), "unknown");
	assert_string_equal(dfu_state_to_string(255), "unknown");
}

static void test_status_names(void **state)
{
	assert_string_equal(dfu_status_to_string(0), "no error");
	assert_string_equal(dfu_status_to_string(10), "firmware is corrupt");
	assert_string_equal(dfu_status_to_string(15), "unexpected request");
	assert_string_equal(dfu_status_to_string(16), "unknown");
	assert_string_equal(dfu_status_to_string(255), "unknown");
}

static void test_names_are_all_there_and_differ(void **state)
{
	for (uint8_t i = 0; i < _DFU_STATE_MAX; i++) {
		assert_non_null(dfu_state_to_string(i));
		for (uint8_t j = 0; j < i; j++) {
			assert_string_not_equal(dfu_state_to_string(i), dfu_state_to_string(j));
		}
	}
	for (uint8_t i = 0; i < _DFU_STATUS_MAX; i++) {
		assert_non_null(dfu_status_to_string(i));
		for (uint8_t j = 0; j < i; j++) {
			assert_string_not_equal(dfu_status_to_string(i), dfu_status_to_string(j));
		}
	}
}

/* The numbers are the standard's, not ours to choose. */
static void test_numbers(void **state)
{
	assert_int_equal(DFU_ABORT, 6);
	assert_int_equal(DFU_ERROR, 10);
	assert_int_equal(DFU_STATUS_NOTDONE, 9);
	assert_int_equal(DFU_STATUS_STALLEDPKT, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_longest_timeout),
		cmocka_unit_test(test_status_of_another_length),
		cmocka_unit_test(test_state_names),
		cmocka_unit_test(test_status_names),
		cmocka_unit_test(test_names_are_all_there_and_differ),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
