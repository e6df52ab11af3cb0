/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "message/message.h"

#define OUTCOME "Version=1\nMessage=outcome\n"

static int read_text(const char *text)
{
	struct message before, m;
	int r;

	memset(&m, 0x5a, sizeof(m));
	before = m;
	r = message_read(&m, text, strlen(text));
	if (r != 0) {
		assert_int_equal(r, -EBADMSG);
		assert_memory_equal(&m, &before, sizeof(m));
	}
	return r;
}

static void check_good(const char *text)
{
	if (read_text(text) != 0) {
		fail_msg("not taken: %s", text);
	}
}

static void check_bad(const char *text)
{
	if (read_text(text) != -EBADMSG) {
		fail_msg("taken: %s", text);
	}
}

static void check_round_trip(const struct message *m)
{
	struct message back;
	char text[MESSAGE_MAX];
	const int n = message_write(m, text, sizeof(text));

	assert_true(n > 0);
	memset(&back, 0, sizeof(back));
	assert_int_equal(message_read(&back, text, (size_t)n), 0);
	assert_memory_equal(&back, m, sizeof(back));
}

static void test_round_trips(void **state)
{
	struct message m;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_IMAGE;
	strcpy(m.format, "raw binary");
	strcpy(m.about, "Klipper v0.13.0\n\xff for stm32f446xx");
	strcpy(m.certainty, "certain");
	m.link = 0x08008000;
	strcpy(m.expects, "1d50:614e");
	m.size = 44388;
	strcpy(m.program, "Klipper");
	strcpy(m.version, "v0.13.0");
	strcpy(m.mcu, "stm32f446xx");
	m.segments = 1;
	m.stack = 0x20020000;
	check_round_trip(&m);

	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_FINDING;
	strcpy(m.topic, "bootloader");
	strcpy(m.result, "warning");
	strcpy(m.text, "Katapult at 0x08000000 will be overwritten");
	check_round_trip(&m);

	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_PLAN;
	strcpy(m.base, MESSAGE_BASE_NOTHING);
	strcpy(m.saved, "Katapult");
	strcpy(m.map, "@Internal Flash  /0x08000000/04*016Kg");
	m.leave = 0x08000000;
	m.stay = true;
	m.saved_address = 0xffffc000;
	m.saved_size = 0x4000;
	m.address = 0xfffffff0;
	strcpy(m.layout, "Internal Flash");
	m.sectors = 8;
	m.sectors_erase = 8;
	m.bytes_erase = UINT64_MAX;
	m.bytes_write = 1;
	m.unchanged = m.cold_start = m.unverifiable = true;
	m.first_state = 10;
	m.first_status = 10;
	m.worst_ms = 12345;
	check_round_trip(&m);

	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_OUTCOME;
	strcpy(m.end, "failed");
	strcpy(m.reason, "write-protected");
	strcpy(m.flash, "partly");
	strcpy(m.checked_by, "no");
	m.left = m.leave_answered = true;
	m.at = 0x08001234;
	memset(m.text, '\x01', sizeof(m.text) - 1);
	m.sectors_erased = 3;
	m.bytes_erased = 4;
	m.bytes_written = 5;
	m.erase_ms = 6;
	m.write_ms = 7;
	m.verify_ms = 8;
	check_round_trip(&m);

	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_GO;
	check_round_trip(&m);
	m.kind = MESSAGE_STOP;
	check_round_trip(&m);
}

static void test_findings(void **state)
{
	(void)state;
	check_good("Version=1\nMessage=finding\nTopic=chip\nResult=good\nText=as it is\n");
	check_good("Version=1\nMessage=finding\nTopic=leave\nResult=plan\n");
	check_bad("Version=1\nMessage=finding\nTopic=weather\nResult=good\n");
	check_bad("Version=1\nMessage=finding\nTopic=chip\nResult=fine\n");
	check_bad("Version=1\nMessage=finding\nTopic=chip\n");
	check_bad("Version=1\nMessage=finding\nResult=good\n");
}

static void test_what_is_saved(void **state)
{
	(void)state;
	check_good("Version=1\nMessage=plan\nSavedAddress=0x08000000\nSavedSize=67108864\n");
	check_bad("Version=1\nMessage=plan\nSavedAddress=0x08000000\nSavedSize=67108865\n");
	check_good("Version=1\nMessage=plan\nSavedAddress=0xfffffff0\nSavedSize=16\n");
	check_bad("Version=1\nMessage=plan\nSavedAddress=0xfffffff0\nSavedSize=17\n");
	check_good("Version=1\nMessage=plan\nBase=nothing\n");
	check_bad("Version=1\nMessage=plan\nBase=something\n");
}

static void test_phases_and_marks(void **state)
{
	static const char *const phases[] = {"read", "erase", "write", "verify", "leave"};
	static const char *const marks[] = {"erasing", "written", "verified", "left"};
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		memset(&m, 0, sizeof(m));
		m.kind = MESSAGE_PHASE;
		strcpy(m.phase, phases[i]);
		m.done = 1;
		m.total = UINT64_MAX;
		check_round_trip(&m);
	}
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		memset(&m, 0, sizeof(m));
		m.kind = MESSAGE_MARK;
		strcpy(m.mark, marks[i]);
		check_round_trip(&m);
	}
}

/* The largest message of each kind that can come fits into a packet. */
static void test_largest(void **state)
{
	char text[MESSAGE_MAX + 1];
	struct message m;

	(void)state;
	for (int kind = 0; kind < _MESSAGE_KIND_MAX; kind++) {
		memset(&m, 0, sizeof(m));
		m.kind = (enum message_kind)kind;
		memset(m.format, '\xff', sizeof(m.format) - 1);
		memset(m.about, '\xff', sizeof(m.about) - 1);
		memset(m.layout, '\xff', sizeof(m.layout) - 1);
		memset(m.text, '\xff', sizeof(m.text) - 1);
		strcpy(m.certainty, "certain");
		strcpy(m.expects, "1d50:614e");
		strcpy(m.phase, "verify");
		strcpy(m.mark, "verified");
		strcpy(m.end, "interrupted");
		strcpy(m.reason, "would-overwrite-bootloader");
		strcpy(m.flash, "untouched");
		strcpy(m.checked_by, "read-back");
		strcpy(m.topic, "bootloader");
		strcpy(m.result, "warning");
		strcpy(m.base, MESSAGE_BASE_NOTHING);
		memset(m.program, '\xff', sizeof(m.program) - 1);
		memset(m.version, '\xff', sizeof(m.version) - 1);
		memset(m.mcu, '\xff', sizeof(m.mcu) - 1);
		memset(m.saved, '\xff', sizeof(m.saved) - 1);
		memset(m.map, '\xff', sizeof(m.map) - 1);
		m.stay = m.no_usb = m.from_image = true;
		m.segments = UINT64_MAX;
		m.saved_size = MESSAGE_SAVED_MAX;
		m.saved_address = UINT32_MAX - MESSAGE_SAVED_MAX + 1;
		m.stack = m.leave = UINT32_MAX;
		m.unchanged = m.cold_start = m.unverifiable = m.left = m.leave_answered = true;
		m.size = m.bytes_erase = m.bytes_write = m.sectors = m.sectors_erase = UINT64_MAX;
		m.first_state = m.first_status = m.done = m.total = UINT64_MAX;
		m.worst_ms = MESSAGE_WORST_MAX_MS;
		m.sectors_erased = m.bytes_erased = m.bytes_written = UINT64_MAX;
		m.erase_ms = m.write_ms = m.verify_ms = UINT64_MAX;
		m.link = m.address = m.at = UINT32_MAX;
		assert_in_range(message_write(&m, text, sizeof(text)), 1, MESSAGE_MAX);
		check_round_trip(&m);
		assert_int_equal(message_write(&m, text, 100), -ENOBUFS);
	}
}

static void test_version_and_kind(void **state)
{
	(void)state;
	check_good("Version=1\nMessage=go\n");
	check_bad("Version=2\nMessage=go\n");
	check_bad("Version=0\nMessage=go\n");
	check_bad("Version=\nMessage=go\n");
	check_bad("Message=go\n");
	check_bad("Version=1\n");
	check_bad("Version=1\nMessage=\n");
	check_bad("Version=1\nMessage=Go\n");
	check_bad("Version=1\nMessage=launch\n");
	check_bad("Version=1\nMessage=go\nNobody=knows\n");
	check_bad("Version=1\nMessage=go\n\n");
	check_bad("");
	check_bad("\n");
	check_bad("Version=1\nMessage=go"); /* a packet is whole, or it is none */
	check_bad("Version=1\nMessage=go\nSize=1");
}

static void test_limits(void **state)
{
	static char text[MESSAGE_MAX + 8];
	struct message m;
	size_t n = (size_t)sprintf(text, "Version=1\nMessage=go\n");

	(void)state;
	while (n < MESSAGE_MAX - 14) {
		n += (size_t)sprintf(text + n, "Size=1\n");
	}
	n += (size_t)sprintf(text + n, "Size=%0*d\n", (int)(MESSAGE_MAX - n - 6), 1);
	assert_int_equal(n, MESSAGE_MAX);
	assert_int_equal(message_read(&m, text, n), 0);
	strcpy(text + n - 1, "1\n");
	assert_int_equal(message_read(&m, text, n + 1), -EBADMSG);
	check_bad("Version=1\nMessage=image\nExpects=1234567890123456\n");
	check_bad("Version=1\nMessage=image\nSize=-1\n");
	check_bad("Version=1\nMessage=image\nSize=18446744073709551616\n");
	check_bad("Version=1\nMessage=image\nLink=0x100000000\n");
	check_bad("Version=1\nMessage=image\nAbout=\x1b[2J\n");
	check_bad("Version=1\nMessage=image\nAbout=a\\x00b\n");
}

/* Words that decide something are of a closed list. */
static void test_closed_words(void **state)
{
	(void)state;
	check_bad("Version=1\nMessage=mark\n");
	check_bad("Version=1\nMessage=mark\nMark=\n");
	check_bad("Version=1\nMessage=mark\nMark=Erasing\n");
	check_bad("Version=1\nMessage=mark\nMark=flashed\n");
	check_bad("Version=1\nMessage=phase\nPhase=sleep\n");
	check_bad("Version=1\nMessage=phase\n");
	check_bad("Version=1\nMessage=plan\nSectors=3\nSectorsErase=4\n");
	check_good("Version=1\nMessage=image\nCertainty=certain\n");
	check_good("Version=1\nMessage=image\nCertainty=likely\n");
	check_good("Version=1\nMessage=image\nCertainty=unknown\n");
	check_good("Version=1\nMessage=image\nCertainty=no-table\n");
	check_bad("Version=1\nMessage=image\nCertainty=surely\n");
	check_bad(OUTCOME);
	check_bad(OUTCOME "End=done\nReason=erase\nFlash=written\nCheckedBy=no\n");
	check_bad(OUTCOME "End=failed\nReason=bad-luck\nFlash=written\nCheckedBy=no\n");
	check_bad(OUTCOME "End=failed\nReason=erase\nFlash=full\nCheckedBy=no\n");
	check_bad(OUTCOME "End=failed\nReason=erase\nFlash=written\nCheckedBy=me\n");
	check_bad(OUTCOME "Reason=erase\nFlash=written\nCheckedBy=no\n");
	check_bad(OUTCOME "End=failed\nReason=erase\nCheckedBy=no\n");
	check_bad(OUTCOME "End=failed\nReason=erase\nFlash=written\n");
	check_good(OUTCOME "End=failed\nReason=erase\nFlash=erased\nCheckedBy=no\n");
}

/* Outcomes that contradict themselves: an owner that acts on them would act on nothing. */
static void test_contradictions(void **state)
{
	(void)state;
	check_good(OUTCOME "End=completed\nFlash=written\nCheckedBy=read-back\n");
	check_good(OUTCOME "End=completed\nFlash=unchanged\nCheckedBy=read-back\n");
	check_good(OUTCOME "End=completed\nFlash=untouched\nCheckedBy=no\n"); /* inspected */
	check_bad(OUTCOME "End=completed\nFlash=partly\nCheckedBy=read-back\n");
	check_bad(OUTCOME "End=completed\nFlash=erased\nCheckedBy=read-back\n");
	/* a refusal and a failure have a reason, a refusal has erased nothing */
	check_bad(OUTCOME "End=refused\nFlash=untouched\nCheckedBy=no\n");
	check_bad(OUTCOME "End=failed\nFlash=untouched\nCheckedBy=no\n");
	check_good(OUTCOME "End=refused\nReason=empty\nFlash=untouched\nCheckedBy=no\n");
	check_bad(OUTCOME "End=refused\nReason=empty\nFlash=erased\nCheckedBy=no\n");
	check_bad(OUTCOME "End=refused\nReason=empty\nFlash=partly\nCheckedBy=no\n");
	check_bad(OUTCOME "End=refused\nReason=empty\nFlash=written\nCheckedBy=no\n");
	check_good(OUTCOME "End=cancelled\nFlash=unchanged\nCheckedBy=read-back\n");
	check_good(OUTCOME "End=cancelled\nFlash=untouched\nCheckedBy=no\n");
	check_bad(OUTCOME "End=cancelled\nFlash=partly\nCheckedBy=no\n");
	check_good(OUTCOME "End=interrupted\nReason=vanished\nFlash=partly\nCheckedBy=no\n");
}

/* Every message with one byte changed or cut is one of the same kind or none; nothing breaks. */
static void test_one_byte(void **state)
{
	static const char text[] = OUTCOME
		"End=failed\nReason=erase\nFlash=partly\nCheckedBy=no\nLeft=yes\nAt=0x08000000\n"
		"Text=it\\x20is\n";
	const size_t n = sizeof(text) - 1;

	(void)state;
	check_good(text);
	for (size_t i = 0; i < n; i++) {
		struct message m;

		assert_int_equal(message_read(&m, text, i),
			i > 0 && text[i - 1] == '\n' && i >= strlen(OUTCOME) + 46 ? 0 : -EBADMSG);
		for (int c = 0; c < 256; c++) {
			char bent[sizeof(text)];

			memcpy(bent, text, sizeof(text));
			bent[i] = (char)c;
			if (message_read(&m, bent, n) == 0) {
				assert_int_equal(m.kind, MESSAGE_OUTCOME);
				assert_string_equal(m.end, "failed");
				assert_non_null(memchr(m.text, '\0', sizeof(m.text)));
			}
		}
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(message_kind_to_string(MESSAGE_IMAGE), "image");
	assert_string_equal(message_kind_to_string(MESSAGE_STOP), "stop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_what_is_saved),
		cmocka_unit_test(test_phases_and_marks),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_version_and_kind),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_closed_words),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_one_byte),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
