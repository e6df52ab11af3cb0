/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "record/record.h"

static const struct record plain = {
	.format = RECORD_FORMAT,
	.id = "0123456789abcdef0123456789abcdef",
	.profile = "octopus",
	.port = "1-1.2",
	.boot = "6f9619ff-8b86-d011-b42d-00c04fc964ff",
	.path = "platform-xhci-usb-0:1.2",
	.usb_id = "0483:df11",
	.serial = "STM32FxSTM32",
	.file = "klipper\n.bin",
	.inode = 12,
	.mtime_ns = 1790000000123456789u,
	.size = 44388,
	.owner = 1000,
	.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	.address = 0x08008000,
	.expect = "1d50:614e",
	.within_ms = 10000,
	.number = 2,
	.begun_us = 1790000000123456u,
};

static void test_round_trip(void **state)
{
	struct record full = plain, back = RECORD_INIT;
	char text[RECORD_MAX];
	int n;

	(void)state;
	full.erasing = full.written = full.verified = full.left = true;
	strcpy(full.end, "completed");
	strcpy(full.reason, "write-protected");
	strcpy(full.flash, "written");
	strcpy(full.checked_by, "read-back");
	full.erase_ms = 1;
	full.write_ms = 2;
	full.verify_ms = 3;
	full.bytes_erased = 4;
	full.bytes_written = 5;
	strcpy(full.verdict, "returned");
	n = record_write(&full, text, sizeof(text));
	assert_true(n > 0);
	assert_memory_equal(text, "Format=1\n", 9);
	assert_int_equal(record_read(&back, text, (size_t)n), 0);
	assert_memory_equal(&back, &full, sizeof(full));
}

/* The longest record there can be fits, and comes back. */
static void test_largest(void **state)
{
	struct record full, back = RECORD_INIT;
	char text[RECORD_MAX];
	int n;

	(void)state;
	memset(&full, 0, sizeof(full));
	full = (struct record){.format = 1,
		.inode = UINT64_MAX,
		.mtime_ns = UINT64_MAX,
		.size = UINT64_MAX,
		.owner = UINT64_MAX,
		.stay = true,
		.address = UINT32_MAX,
		.leave_address = UINT32_MAX,
		.backup_address = UINT32_MAX,
		.backup_size = UINT64_MAX,
		.backup_alternate = UINT64_MAX,
		.within_ms = UINT64_MAX,
		.number = UINT64_MAX,
		.max_attempts = UINT64_MAX,
		.device = UINT64_MAX,
		.begun_us = UINT64_MAX,
		.erasing = true,
		.written = true,
		.verified = true,
		.left = true,
		.erase_ms = UINT64_MAX,
		.write_ms = UINT64_MAX,
		.verify_ms = UINT64_MAX,
		.bytes_erased = UINT64_MAX,
		.bytes_written = UINT64_MAX};
#define FILL(member) memset(full.member, '\xff', sizeof(full.member) - 1)
	FILL(id);
	FILL(profile);
	FILL(port);
	FILL(boot);
	FILL(path);
	FILL(usb_id);
	FILL(serial);
	FILL(file);
	FILL(sha256);
	FILL(expect);
	FILL(base);
	FILL(backup);
	FILL(backup_map);
	FILL(backup_found);
	FILL(end);
	FILL(reason);
	FILL(flash);
	FILL(checked_by);
	FILL(verdict);
	n = record_write(&full, text, sizeof(text));
	assert_true(n > 0);
	assert_int_equal(record_read(&back, text, (size_t)n), 0);
	assert_memory_equal(&back, &full, sizeof(full));
	assert_int_equal(record_write(&full, text, (size_t)n), -ENOBUFS);
}

/* What the daemon notes of the plan and of the backup before GO. */
static const struct record planned = {
	.format = RECORD_FORMAT,
	.stay = true,
	.max_attempts = 3,
	.device = 0x00010007,
	.address = 0x08008000,
	.leave_address = 0x08000000,
	.base = "loader",
	.backup = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	.backup_address = 0x08004000,
	.backup_size = 49152,
	.backup_alternate = 1,
	.backup_map = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg",
	.backup_found = "Katapult\tv0.0.1",
};

#define PLANNED                                                                                    \
	"Format=1\nStay=yes\nMaxAttempts=3\nDevice=65543\nAddress=0x08008000\n"                    \
	"LeaveAddress=0x08000000\nBase=loader\nBackup="                                            \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"                       \
	"BackupAddress=0x08004000\nBackupSize=49152\nBackupAlternate=1\n"                          \
	"BackupMap=@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg\n"                      \
	"BackupFound=Katapult\\x09v0.0.1\n"

static void test_plan(void **state)
{
	struct record back;
	char text[RECORD_MAX];

	(void)state;
	assert_int_equal(record_write(&planned, text, sizeof(text)), sizeof(PLANNED) - 1);
	assert_string_equal(text, PLANNED);
	memset(&back, 0x5a, sizeof(back));
	assert_int_equal(record_read(&back, PLANNED, sizeof(PLANNED) - 1), 0);
	assert_memory_equal(&back, &planned, sizeof(planned));
}

/* A record of before has none of this; what is appended is read, and the last word holds. */
static void test_plan_appended(void **state)
{
	static const char lines[] = "LeaveAddress=0x08000000\nBase=other\nBase=nothing\n"
				    "Backup=ab\nBackupAlternate=2\nErasing=yes\n";
	char text[RECORD_MAX];
	const int head = record_write(&plain, text, sizeof(text));
	struct record back = RECORD_INIT;

	(void)state;
	assert_int_equal(record_read(&back, text, (size_t)head), 0);
	assert_string_equal(back.base, "");
	assert_int_equal(back.leave_address, 0);
	assert_false(back.stay);
	memcpy(text + head, lines, sizeof(lines));
	assert_int_equal(record_read(&back, text, (size_t)head + sizeof(lines) - 1), 0);
	assert_string_equal(back.base, "nothing");
	assert_string_equal(back.backup, "ab");
	assert_int_equal(back.backup_alternate, 2);
	assert_int_equal(back.address, 0x08008000);
	assert_true(back.erasing);
}

/* The worker's lines behind the daemon's; the last of them cut by a power failure. */
static void test_appended(void **state)
{
	static const char lines[] = "Erasing=yes\nVerified=yes\nLeft=yes\nEnd=completed\n";
	char text[RECORD_MAX];
	const int head = record_write(&plain, text, sizeof(text));

	(void)state;
	memcpy(text + head, lines, sizeof(lines));
	for (size_t cut = 0; cut < sizeof(lines); cut++) {
		struct record r = RECORD_INIT;

		assert_int_equal(record_read(&r, text, (size_t)head + cut), 0);
		assert_string_equal(r.file, "klipper\n.bin");
		assert_int_equal(r.erasing, cut >= 12);
		assert_int_equal(r.verified, cut >= 25);
		assert_int_equal(r.left, cut >= 34);
		assert_string_equal(r.end, cut >= 48 ? "completed" : "");
	}
}

static int read_text(const char *text)
{
	struct record before, r;
	int ret;

	memset(&r, 0x5a, sizeof(r));
	before = r;
	ret = record_read(&r, text, strlen(text));
	if (ret != 0) {
		assert_memory_equal(&r, &before, sizeof(r));
	}
	return ret;
}

static void test_formats(void **state)
{
	(void)state;
	assert_int_equal(read_text("Format=1\n"), 0);
	assert_int_equal(read_text("Format=1\nPort=1-1\n"), 0);
	assert_int_equal(read_text("Format=2\n"), -EPROTONOSUPPORT);
	assert_int_equal(read_text("Format=2\nNobody=knows\nthis"), -EPROTONOSUPPORT);
	assert_int_equal(read_text("Format=18446744073709551615\n"), -EPROTONOSUPPORT);
	assert_int_equal(read_text("Format=0\n"), -EBADMSG);
	assert_int_equal(read_text("Format=\n"), -EBADMSG);
	assert_int_equal(read_text("Format=1"), -EBADMSG);
	assert_int_equal(read_text(""), -EBADMSG);
	assert_int_equal(read_text("\n"), -EBADMSG);
	assert_int_equal(read_text("Port=1-1\nFormat=1\n"), -EBADMSG);
	assert_int_equal(read_text("format=1\n"), -EBADMSG);
	assert_int_equal(read_text("Format=1\nNobody=knows\n"), -EBADMSG);
	assert_int_equal(read_text("Format=1\nSize=many\n"), -EBADMSG);
	assert_int_equal(read_text("Format=1\nErasing=1\n"), -EBADMSG);
	assert_int_equal(read_text("\x7f"
				   "ELF\n"),
		-EBADMSG);
}

/* A value that its key cannot have makes it no record, and so does a head that comes again. */
static void test_bad_values(void **state)
{
	static const char *const bad[] = {
		"Stay=1",
		"Stay=true",
		"Stay=",
		"Address=08008000 ",
		"Address=0x108008000",
		"LeaveAddress=base",
		"LeaveAddress=",
		"LeaveAddress=-1",
		"Base=a-word-of-16-chars",
		"Base=a\tb",
		"Backup=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
		"BackupAddress=0x",
		"BackupSize=48K",
		"BackupSize=18446744073709551616",
		"BackupAlternate=0x1",
		"BackupAlternate=-1",
		"BackupMap=\\x00",
		"BackupFound=\\",
		"backup=ab",
		"Erasing=yes\nStay=yes",
		"Backup=ab\nAttempt=0123456789abcdef0123456789abcdef",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[256];

		snprintf(text, sizeof(text), "Format=1\n%s\n", bad[i]);
		if (read_text(text) != -EBADMSG) {
			fail_msg("taken: %s", bad[i]);
		}
	}
}

static void test_too_long(void **state)
{
	static char text[RECORD_MAX + 64];
	struct record r = RECORD_INIT;
	size_t n = (size_t)sprintf(text, "Format=1\n");

	(void)state;
	while (n + 7 <= RECORD_MAX) {
		n += (size_t)sprintf(text + n, "Size=1\n");
	}
	assert_int_equal(record_read(&r, text, n), 0);
	while (n <= RECORD_MAX) {
		n += (size_t)sprintf(text + n, "Size=1\n");
	}
	assert_int_equal(record_read(&r, text, n), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_plan_appended),
		cmocka_unit_test(test_appended),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
