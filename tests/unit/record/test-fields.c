/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/fields.h"

struct thing {
	char name[16];
	uint64_t number;
	uint32_t address;
	bool flag;
	char last[4];
};

static const struct field table[] = {
	FIELD(thing, "Name", FIELD_STRING, name),
	FIELD(thing, "Number", FIELD_NUMBER, number),
	FIELD(thing, "Address", FIELD_HEX, address),
	FIELD(thing, "Flag", FIELD_FLAG, flag),
	FIELD(thing, "Last", FIELD_STRING, last),
};

#define N (sizeof(table) / sizeof(*table))

static int read_text(struct thing *ret, const char *text)
{
	*ret = (struct thing){0};
	return fields_read(table, N, ret, text, strlen(text));
}

static void test_write(void **state)
{
	const struct thing thing = {
		.name = "a=b c", .number = UINT64_MAX, .address = 0x08000000, .flag = true};
	char text[256] = "";
	int n;

	(void)state;
	n = fields_write(table, N, &thing, text, sizeof(text));
	assert_int_equal(n, strlen(text));
	assert_string_equal(
		text, "Name=a=b c\nNumber=18446744073709551615\nAddress=0x08000000\nFlag=yes\n");
	/* what is empty, zero or false is not written */
	assert_int_equal(fields_write(table, N, &(struct thing){0}, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void test_no_room(void **state)
{
	const struct thing thing = {.name = "abc\n", .number = 12345, .flag = true};
	char text[64], small[64];
	int n;

	(void)state;
	n = fields_write(table, N, &thing, text, sizeof(text));
	assert_true(n > 0);
	for (size_t size = 1; size < sizeof(small); size++) {
		memset(small, 'z', sizeof(small));
		assert_int_equal(fields_write(table, N, &thing, small, size),
			size > (size_t)n ? n : -ENOBUFS);
		assert_true(memchr(small, '\0', size) != NULL);
		assert_true(size + 1 >= sizeof(small) || small[size + 1] == 'z');
	}
}

/* Every byte but NUL survives, and on disk there are printable ones only. */
static void test_bytes(void **state)
{
	char text[256];

	(void)state;
	for (int c = 1; c < 256; c++) {
		const struct thing thing = {.name = {'x', (char)c, 'y'}};
		struct thing back;

		assert_true(fields_write(table, N, &thing, text, sizeof(text)) > 0);
		assert_int_equal(strcspn(text, "\n"), strlen(text) - 1); /* one line */
		for (const char *p = text; *p != '\n'; p++) {
			assert_in_range((unsigned char)*p, 0x20, 0x7e);
		}
		assert_int_equal(read_text(&back, text), 0);
		assert_memory_equal(&back, &thing, sizeof(thing));
	}
	assert_int_equal(
		fields_write(table, N, &(struct thing){.name = "\\\n\x7f\xff"}, text, sizeof(text)),
		22);
	assert_string_equal(text, "Name=\\x5c\\x0a\\x7f\\xff\n");
}

static void test_read(void **state)
{
	struct thing t;

	(void)state;
	assert_int_equal(read_text(&t, ""), 0);
	assert_int_equal(read_text(&t, "Flag=yes\nFlag=no\nNumber=1\nNumber=2\n"), 0);
	assert_false(t.flag);
	assert_int_equal(t.number, 2); /* the last one wins */
	assert_int_equal(read_text(&t, "Address=0xffffffff\n"), 0);
	assert_int_equal(t.address, 0xffffffff);
	assert_int_equal(read_text(&t, "Name=\n"), 0);
	assert_string_equal(t.name, "");
	assert_int_equal(read_text(&t, "Name=123456789012345\n"), 0);
	assert_string_equal(t.name, "123456789012345");
	assert_int_equal(read_text(&t, "Last=\\x41\\x42\\x43\n"), 0);
	assert_string_equal(t.last, "ABC");
}

/* A write that was cut: what is whole counts, the rest does not. */
static void test_cut(void **state)
{
	const char *whole = "Name=abc\nNumber=42\nFlag=yes\n";

	(void)state;
	for (size_t size = 0; size <= strlen(whole); size++) {
		struct thing t = {0};

		assert_int_equal(fields_read(table, N, &t, whole, size), 0);
		assert_string_equal(t.name, size >= 9 ? "abc" : "");
		assert_int_equal(t.number, size >= 19 ? 42 : 0);
		assert_int_equal(t.flag, size >= 28);
	}
}

static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"nonsense\n",
		"\n",
		"=\n",
		"=1\n",
		"Unknown=1\n",
		"name=x\n",
		"Name =x\n",
		" Name=x\n",
		"Nam=x\n",
		"Names=x\n",
		"Number=\n",
		"Number=-1\n",
		"Number=+1\n",
		"Number= 1\n",
		"Number=1 \n",
		"Number=1x\n",
		"Number=0x10\n",
		"Number=18446744073709551616\n",
		"Number=99999999999999999999999999999999999999\n",
		"Address=0x100000000\n",
		"Address=0xfg\n",
		"Address=0x\n",
		"Address=-1\n",
		"Address=\n",
		"Flag=\n",
		"Flag=true\n",
		"Flag=YES\n",
		"Flag=yes \n",
		"Name=1234567890123456\n",
		"Last=\\x41\\x42\\x43\\x44\n",
		"Name=tab\there\n",
		"Name=\x7f\n",
		"Name=\xc3\xa4\n",
		"Name=a\rb\n",
		"Name=\\x00\n",
		"Name=a\\x00b\n",
		"Name=\\x4\n",
		"Name=\\\n",
		"Name=\\x\n",
		"Name=\\n\n",
		"Name=\\\\\n",
		"Name=\\xg0\n",
	};
	struct thing t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (read_text(&t, bad[i]) != -EBADMSG) {
			fail_msg("taken: %s", bad[i]);
		}
	}
	/* a NUL in key and value */
	t = (struct thing){0};
	assert_int_equal(fields_read(table, N, &t, "Name=a\0b\n", 9), -EBADMSG);
	assert_int_equal(fields_read(table, N, &t, "Na\0me=ab\n", 9), -EBADMSG);
	assert_int_equal(fields_read(table, N, &t, "\0\n", 2), -EBADMSG);
	/* the lines before the bad one are read */
	assert_int_equal(read_text(&t, "Number=7\nbad\nNumber=8\n"), -EBADMSG);
	assert_int_equal(t.number, 7);
}

/* Random bytes never leave a member behind that has no end. */
static void test_random(void **state)
{
	static const char alphabet[] = "NameNumberFlagLastyesno=\n\\x0f1 \x01\xff";
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct thing t = {0};
		char text[24];

		for (size_t k = 0; k < sizeof(text); k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			text[k] = alphabet[(x >> 20) % sizeof(alphabet)];
		}
		if (i % 2) {
			memcpy(text, "Name=", 5);
		}
		(void)fields_read(table, N, &t, text, sizeof(text));
		assert_true(memchr(t.name, '\0', sizeof(t.name)) != NULL);
		assert_true(memchr(t.last, '\0', sizeof(t.last)) != NULL);
	}
}

static void check_show(const char *text, size_t limit, const char *expected)
{
	char shown[80];

	memset(shown, 'z', sizeof(shown));
	fields_show(text, shown, limit);
	assert_string_equal(shown, expected);
	assert_true(strlen(shown) <= limit);
	assert_int_equal(shown[limit + 1], 'z');
}

static void test_show(void **state)
{
	(void)state;
	check_show("", 8, "");
	check_show("klipper.bin", 64, "klipper.bin");
	check_show("12345678", 8, "12345678");
	check_show("123456789", 8, "12345...");
	check_show("a\nb", 64, "a\\x0ab");
	check_show("\x1b[31m", 64, "\\x1b[31m");
	check_show("\xc3\xa4\\", 64, "\\xc3\\xa4\\x5c");
	check_show("1234\n", 8, "1234\\x0a");
	check_show("12345\n", 8, "12345...");
	check_show("\n\n\n", 8, "\\x0a...");
	check_show("\n\n", 8, "\\x0a\\x0a");
	check_show("abcde", 4, "a...");
	check_show("\n\n", 4, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
