/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "record/backup.h"

#define DIGEST	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define N(array) (sizeof(array) / sizeof(*(array)))

static const struct backup plain = {
	.format = BACKUP_FORMAT,
	.sha256 = DIGEST,
	.address = 0x08000000,
	.size = 49152,
	.when_us = 1790000000123456u,
	.usb_id = "0483:df11",
	.serial = "STM32FxSTM32",
	.port = "1-1.2",
	.path = "platform-xhci-usb-0:1.2",
	.profile = "octopus",
	.layout = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg",
	.found = "Katapult v0.0.1-75",
	.attempt = "0123456789abcdef0123456789abcdef",
	.file = "klipper\n.bin",
};

/* What stands in the file, once in full: other programs read it too. */
static void test_text(void **state)
{
	static const char expected[] =
		"Format=1\n"
		"Address=0x08000000\n"
		"Size=49152\n"
		"When=1790000000123456\n"
		"UsbId=0483:df11\n"
		"Serial=STM32FxSTM32\n"
		"Port=1-1.2\n"
		"Path=platform-xhci-usb-0:1.2\n"
		"Profile=octopus\n"
		"Layout=@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg\n"
		"Found=Katapult v0.0.1-75\n"
		"Attempt=0123456789abcdef0123456789abcdef\n"
		"File=klipper\\x0a.bin\n"
		"Sha256=" DIGEST "\n";
	struct backup back;
	char text[BACKUP_MAX];

	(void)state;
	assert_int_equal(backup_write(&plain, text, sizeof(text)), sizeof(expected) - 1);
	assert_string_equal(text, expected);
	memset(&back, 0x5a, sizeof(back));
	assert_int_equal(backup_read(&back, expected, sizeof(expected) - 1), 0);
	assert_memory_equal(&back, &plain, sizeof(plain));
}

/* The longest note there can be fits, and each member comes back. */
static void test_largest(void **state)
{
	struct backup full = BACKUP_INIT, back = BACKUP_INIT;
	char text[BACKUP_MAX];
	int n;

	(void)state;
	full.address = UINT32_MAX - BACKUP_SIZE_MAX + 1;
	full.size = BACKUP_SIZE_MAX;
	full.when_us = UINT64_MAX;
	full.alternate = UINT64_MAX;
	strcpy(full.sha256, DIGEST);
#define FILL(member) memset(full.member, '\xff', sizeof(full.member) - 1)
	FILL(usb_id);
	FILL(serial);
	FILL(port);
	FILL(path);
	FILL(profile);
	FILL(layout);
	FILL(found);
	FILL(attempt);
	FILL(file);
	n = backup_write(&full, text, sizeof(text));
	assert_true(n > 0);
	assert_int_equal(backup_read(&back, text, (size_t)n), 0);
	assert_memory_equal(&back, &full, sizeof(full));
	assert_int_equal(backup_write(&full, text, (size_t)n), -ENOBUFS);
}

/* The memory that is not the internal flash; of that, nothing is said. */
static void test_alternate(void **state)
{
	struct backup other = plain, back = BACKUP_INIT;
	char text[BACKUP_MAX];
	int n;

	(void)state;
	other.alternate = 2;
	n = backup_write(&other, text, sizeof(text));
	assert_true(n > 0);
	assert_non_null(strstr(text, "\nAddress=0x08000000\nAlternate=2\nSize=49152\n"));
	assert_int_equal(backup_read(&back, text, (size_t)n), 0);
	assert_memory_equal(&back, &other, sizeof(other));
}

/* Nothing known but what must be. */
static void test_smallest(void **state)
{
	static const char text[] = "Format=1\nSize=1\nSha256=" DIGEST "\n";
	struct backup back;

	(void)state;
	assert_int_equal(backup_read(&back, text, sizeof(text) - 1), 0);
	assert_int_equal(back.address, 0);
	assert_int_equal(back.size, 1);
	assert_string_equal(back.usb_id, "");
	assert_string_equal(back.file, "");
}

/* Cut anywhere, it is refused: what is left could speak of another address. */
static void test_cut(void **state)
{
	struct backup back;
	char text[BACKUP_MAX];
	const int n = backup_write(&plain, text, sizeof(text));

	(void)state;
	assert_true(n > 0);
	for (int cut = 0; cut < n; cut++) {
		assert_int_equal(backup_read(&back, text, (size_t)cut), -EBADMSG);
	}
	assert_int_equal(backup_read(&back, text, (size_t)n), 0);
}

static int read_text(const char *text)
{
	struct backup before, back;
	int r;

	memset(&back, 0x5a, sizeof(back));
	before = back;
	r = backup_read(&back, text, strlen(text));
	if (r < 0) {
		assert_memory_equal(&back, &before, sizeof(back));
	}
	return r;
}

static int read_with(const char *lines)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "Format=1\nSize=16\nSha256=" DIGEST "\n%s", lines);
	return read_text(text);
}

static void test_formats(void **state)
{
	(void)state;
	assert_int_equal(read_with(""), 0);
	assert_int_equal(read_text("Format=2\n"), -EPROTONOSUPPORT);
	assert_int_equal(read_text("Format=2\nNobody=knows\nthis"), -EPROTONOSUPPORT);
	assert_int_equal(read_text("Format=18446744073709551615\n"), -EPROTONOSUPPORT);
	assert_int_equal(read_text("Format=0\n"), -EBADMSG);
	assert_int_equal(read_text("Format=\n"), -EBADMSG);
	assert_int_equal(read_text("Format=2"), -EBADMSG);
	assert_int_equal(read_text(""), -EBADMSG);
	assert_int_equal(read_text("\n"), -EBADMSG);
	assert_int_equal(read_text("Size=16\nFormat=1\nSha256=" DIGEST "\n"), -EBADMSG);
	assert_int_equal(read_with("Format=2\n"), -EBADMSG);
	assert_int_equal(read_with("Format=0\n"), -EBADMSG);
	assert_int_equal(read_with("Nobody=knows\n"), -EBADMSG);
	assert_int_equal(read_with("nonsense\n"), -EBADMSG);
	assert_int_equal(read_with("\n"), -EBADMSG);
}

static void test_unsound(void **state)
{
	static const char *const bad[] = {
		"Sha256=\n",
		"Sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85\n",
		"Sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555\n",
		"Sha256=E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\n",
		"Sha256=g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
		"Sha256=../../../../../../../../../../../../../../../../../../../etc/pass\n",
		"Size=0\n",
		"Size=-1\n",
		"Size=67108865\n",
		"Size=18446744073709551615\n",
		"Size=18446744073709551616\n",
		"Address=0xfffffff1\n",
		"Address=0xffffffff\n",
		"Address=0x100000000\n",
		"Address=0xfc000001\nSize=67108864\n",
		"When=now\n",
		"Alternate=\n",
		"Alternate=-1\n",
		"Alternate=0x1\n",
		"Alternate=one\n",
		"UsbId=0483:df11 and more\n",
		"Attempt=0123456789abcdef0123456789abcdef0\n",
		"File=a\tb\n",
		"Found=\\x00\n",
	};
	static const char *const good[] = {"Size=1\n", "Size=67108864\n", "Address=0xfffffff0\n",
		"Address=0xfc000000\nSize=67108864\n", "Address=0xffffffff\nSize=1\n", "When=0\n",
		"Alternate=0\n", "Alternate=255\n"};

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		if (read_with(bad[i]) != -EBADMSG) {
			fail_msg("taken: %s", bad[i]);
		}
	}
	for (size_t i = 0; i < N(good); i++) {
		if (read_with(good[i]) != 0) {
			fail_msg("not taken: %s", good[i]);
		}
	}
	assert_int_equal(read_text("Format=1\nSize=16\n"), -EBADMSG);
	assert_int_equal(read_text("Format=1\nSha256=" DIGEST "\n"), -EBADMSG);
}

static void test_too_long(void **state)
{
	static char text[BACKUP_MAX + 64];
	struct backup back;
	size_t n = (size_t)sprintf(text, "Format=1\nSha256=" DIGEST "\n");

	(void)state;
	while (n + 7 <= BACKUP_MAX) {
		n += (size_t)sprintf(text + n, "Size=1\n");
	}
	assert_int_equal(backup_read(&back, text, n), 0);
	while (n <= BACKUP_MAX) {
		n += (size_t)sprintf(text + n, "Size=1\n");
	}
	assert_int_equal(backup_read(&back, text, n), -EBADMSG);
}

/* What the same bytes of two boards share stays; what tells them apart goes. */
static void test_merge(void **state)
{
	struct backup first = plain, second = plain;

	(void)state;
	backup_merge(&second, &first);
	assert_memory_equal(&second, &plain, sizeof(plain));

	strcpy(first.profile, "left/middle");
	strcpy(first.serial, "another");
	strcpy(first.file, "first.bin");
	backup_merge(&second, &first);
	assert_string_equal(second.profile, "octopus/left/middle");
	assert_string_equal(second.serial, "");
	assert_string_equal(second.port, plain.port);
	assert_string_equal(second.file, plain.file);
	backup_merge(&second, &first);
	assert_string_equal(second.profile, "octopus/left/middle");
}

/* Another place or another memory: one note cannot speak of both, and the newest counts. */
static void test_merge_of_what_is_not_the_same(void **state)
{
	struct backup first = plain, second = plain;

	(void)state;
	strcpy(first.profile, "left");
	first.address = 0x08004000;
	backup_merge(&second, &first);
	first.address = plain.address;
	first.alternate = 1;
	backup_merge(&second, &first);
	first.alternate = 0;
	strcpy(first.layout, "@Internal Flash  /0x08000000/04*016Kg");
	backup_merge(&second, &first);
	assert_memory_equal(&second, &plain, sizeof(plain));
}

/* A name that does not fit is left out, never cut. */
static void test_merge_of_many(void **state)
{
	struct backup first = plain, second = plain;

	(void)state;
	memset(first.profile, 'a', 200);
	first.profile[200] = '\0';
	memset(second.profile, 'b', 55);
	second.profile[55] = '\0';
	backup_merge(&second, &first);
	assert_int_equal(strlen(second.profile), 55);
	second.profile[54] = '\0';
	backup_merge(&second, &first);
	assert_int_equal(strlen(second.profile), 255);
	assert_true(backup_is_of_profile(second.profile, first.profile));
}

static void test_profiles(void **state)
{
	(void)state;
	assert_true(backup_is_of_profile("octopus", "octopus"));
	assert_true(backup_is_of_profile("left/octopus", "octopus"));
	assert_true(backup_is_of_profile("octopus/left", "octopus"));
	assert_false(backup_is_of_profile("octopus2/left", "octopus"));
	assert_false(backup_is_of_profile("left", "lef"));
	assert_false(backup_is_of_profile("", "octopus"));
	assert_false(backup_is_of_profile("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_alternate),
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_of_what_is_not_the_same),
		cmocka_unit_test(test_merge_of_many),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_unsound),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
