/* SPDX-License-Identifier: MIT */
/* Values: what is one, what is none, and that a failure leaves the output alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/value.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define BAD	 0x5a5a5a5aU

struct test_value {
	const char *text;
	bool is_good;
	uint64_t value;
};

static void test_table(
	const struct test_value *rows, size_t n, bool (*read)(const char *, uint64_t *))
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = BAD;

		print_message("\"%s\"\n", rows[i].text);
		assert_int_equal(read(rows[i].text, &value), rows[i].is_good);
		assert_true(value == (rows[i].is_good ? rows[i].value : BAD));
	}
}

static void test_size(void **state)
{
	static const struct test_value rows[] = {
		{"0", true, 0},
		{"1", true, 1},
		{"1K", true, 1024},
		{"16M", true, 16777216},
		{"1G", true, 1073741824},
		{"1T", true, 1099511627776},
		{"18446744073709551615", true, UINT64_MAX},
		{"17179869183G", true, UINT64_MAX - 0x3fffffff},
		{"17179869184G", false, 0},
		{"16777216T", false, 0},
		{"18446744073709551616", false, 0},
		{"", false, 0},
		{"K", false, 0},
		{"16m", false, 0},
		{"16MB", false, 0},
		{"16 M", false, 0},
		{"1.5M", false, 0},
		{"-1", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"1 ", false, 0},
		{"010", false, 0},
		{"0x10", false, 0},
		{"1KK", false, 0},
	};

	test_table(rows, N(rows), value_size);
}

static void test_span(void **state)
{
	static const struct test_value rows[] = {
		{"10", true, 10000},
		{"0", true, 0},
		{"10s", true, 10000},
		{"10 s", true, 10000},
		{"500ms", true, 500},
		{"1min 30s", true, 90000},
		{"1min30s", true, 90000},
		{"24h", true, 86400000},
		{"2 days 1 hour", true, 176400000},
		{"1w", true, 604800000},
		{"3m", true, 180000},
		{"3 msec", true, 3},
		{"infinity", true, UINT64_MAX},
		{"18446744073709551614ms", true, UINT64_MAX - 1},
		{"18446744073709551615ms", false, 0},
		{"18446744073709551614ms 1ms", false, 0},
		{"18446744073709551614ms 2ms", false, 0},
		{"18446744073709551615", false, 0},
		{"", false, 0},
		{"s", false, 0},
		{"10 20", false, 0},
		{"10s 20", false, 0},
		{"10 20s", false, 0},
		{"10S", false, 0},
		{"1M", false, 0},
		{"1y", false, 0},
		{"1.5s", false, 0},
		{"-1s", false, 0},
		{"1 infinity", false, 0},
		{"infinity 1s", false, 0},
		{"Infinity", false, 0},
		{"010s", false, 0},
		{"5us", false, 0},
		{"5mss", false, 0},
	};

	test_table(rows, N(rows), value_span);
}

static void test_number(void **state)
{
	static const struct test_value rows[] = {
		{"0", true, 0},
		{"128", true, 128},
		{"0x10", true, 16},
		{"0xfF", true, 255},
		{"0x00000000000000000001", true, 1},
		{"0xffffffffffffffff", true, UINT64_MAX},
		{"0x10000000000000000", false, 0},
		{"", false, 0},
		{"0x", false, 0},
		{"0X10", false, 0},
		{"010", false, 0},
		{"00", false, 0},
		{"12a", false, 0},
		{"a", false, 0},
		{"1,000", false, 0},
		{"0x1 ", false, 0},
		{"-1", false, 0},
	};

	test_table(rows, N(rows), value_number);
}

static bool test_read_address(const char *text, uint64_t *ret)
{
	uint32_t address = BAD;
	bool is_good = value_address(text, &address);

	*ret = address;
	return is_good;
}

static void test_address(void **state)
{
	static const struct test_value rows[] = {
		{"0x08000000", true, 0x08000000},
		{"0x0", true, 0},
		{"0xffffffff", true, UINT32_MAX},
		{"0xFFFFFFFF", true, UINT32_MAX},
		{"0x100000000", false, 0},
		{"0x", false, 0},
		{"08000000", false, 0},
		{"8000000", false, 0},
		{"134217728", false, 0},
		{"0x0800_0000", false, 0},
		{"x08000000", false, 0},
		{"", false, 0},
	};

	test_table(rows, N(rows), test_read_address);
}

static bool test_read_boolean(const char *text, uint64_t *ret)
{
	bool value = false;
	bool is_good = value_boolean(text, &value);

	*ret = is_good ? value : BAD;
	return is_good;
}

static void test_boolean(void **state)
{
	static const struct test_value rows[] = {
		{"yes", true, 1},
		{"no", true, 0},
		{"true", true, 1},
		{"false", true, 0},
		{"on", true, 1},
		{"off", true, 0},
		{"1", true, 1},
		{"0", true, 0},
		{"y", true, 1},
		{"n", true, 0},
		{"t", true, 1},
		{"f", true, 0},
		{"", false, 0},
		{"2", false, 0},
		{"yes ", false, 0},
		{"maybe", false, 0},
	};

	test_table(rows, N(rows), test_read_boolean);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_boolean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
