/* SPDX-License-Identifier: MIT */
/*
 * The sentences of an attempt, word by word, and their fields (design 6): the golden text of the
 * thread's case, each verdict, hostile names, inputs at their limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dfud/journal.h"
#include "dfud/tell.h"
#include "record/backup.h"
#include "said.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define TTY	 "/dev/serial/by-id/usb-Klipper_stm32f446xx_3E0036000B51383133353932-if00"
#define DIGEST	 "3f2a9c0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
#define BACK	 "back as 1d50:614e \"Klipper stm32f446xx\" on port 1-1 after 0.6 s: " TTY

static int listen_to_journal(void **state)
{
	said_clear();
	journal_open();
	return 0;
}

static struct tell make_tell(void)
{
	struct tell t = TELL_INIT;

	strcpy(t.label, "octopus");
	strcpy(t.id, "0123456789abcdef0123456789abcdef");
	strcpy(t.profile, "octopus");
	strcpy(t.port, "1-1");
	strcpy(t.path, "platform-usb-0:1");
	strcpy(t.usb_id, "0483:df11");
	strcpy(t.serial, "STM32FxSTM32");
	strcpy(t.sha256, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
	t.size = 44388;
	t.owner = 1000;
	tell_set_file(&t, "klipper.bin");
	return t;
}

/* The thread's case as it stands when the verdict is told. */
static struct attempt make_attempt(enum verdict verdict)
{
	const struct attempt_options options = {.within_ms = 10000, .expects_identity = true};
	struct attempt a;

	attempt_init(&a, &options);
	a.image = (struct message){.kind = MESSAGE_IMAGE,
		.about = "Klipper v0.13.0-730 for stm32f446xx",
		.certainty = "certain",
		.link = 0x08000000,
		.size = 44388};
	a.plan = (struct message){.kind = MESSAGE_PLAN,
		.address = 0x08000000,
		.layout = "Internal Flash",
		.sectors = 8,
		.sectors_erase = 3,
		.cold_start = true,
		.base = MESSAGE_BASE_IMAGE};
	a.outcome = (struct message){.kind = MESSAGE_OUTCOME,
		.sectors_erased = 3,
		.bytes_erased = 49152,
		.bytes_written = 44388,
		.erase_ms = 700,
		.write_ms = 900,
		.verify_ms = 500};
	a.device = (struct attempt_device){.vendor = 0x1d50,
		.product = 0x614e,
		.expected = true,
		.id = "1d50:614e",
		.name = "Klipper stm32f446xx"};
	a.has_device = true;
	strcpy(a.tty, TTY);
	a.left_us = 5000000;
	a.back_us = 5600000;
	a.verified = true;
	a.end = END_COMPLETED;
	a.flash = FLASH_WRITTEN;
	a.back = RETURN_AS_EXPECTED;
	a.checked_by = VERIFIED_READ_BACK;
	a.verdict = verdict;
	return a;
}

static void test_golden(void **state)
{
	static const char *const golden[] = {
		"octopus: 0483:df11 on port 1-1 is in DFU mode",
		"octopus: status \"firmware is corrupt\" is how this ROM starts; it says nothing "
		"about the flash",
		"octopus: saved 49152 bytes as backup 3f2a9c01; restore with: dfud-flash --restore "
		"3f2a9c01",
		"octopus: flashing klipper.bin (44388 bytes, linked for 0x08000000, Klipper "
		"v0.13.0-730 for stm32f446xx): 3 of 8 sectors to erase",
		"octopus: klipper.bin written and verified: 3 sectors erased, 44388 bytes written "
		"in 2.1 s",
		"octopus: left DFU mode without an answer, as this ROM does",
		"octopus: " BACK ". All is well.",
	};
	struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);

	strcpy(t.backup, DIGEST);
	a.plan.saved_size = 49152;
	tell_appeared(&t);
	tell_checked(&t, &a);
	tell_saved(&t, &a);
	tell_flashing(&t, &a, "dfud-flash --port 1-1 klipper.bin");
	tell_flashed(&t, &a);
	tell_leaving(&t, &a);
	tell_verdict(&t, &a, 9000000);
	assert_int_equal(said_n(), N(golden));
	for (size_t i = 0; i < N(golden); i++) {
		assert_string_equal(said_message(i), golden[i]);
		assert_string_equal(said_field(i, "DFUD_ATTEMPT"), t.id);
	}
	assert_string_equal(said_field(3, "DFUD_COMMAND"), "dfud-flash --port 1-1 klipper.bin");
}

static void test_events(void **state)
{
	static const char *const events[] = {"appeared", "checked", "saved", "flashing", "erased",
		"flashed", "leaving", "verdict"};
	const struct tell t = make_tell();
	const struct attempt a = make_attempt(VERDICT_RETURNED);

	tell_appeared(&t);
	tell_checked(&t, &a);
	tell_saved(&t, &a);
	tell_flashing(&t, &a, "");
	tell_erased(&t, &a);
	tell_flashed(&t, &a);
	tell_leaving(&t, &a);
	tell_verdict(&t, &a, 0);
	for (size_t i = 0; i < N(events); i++) {
		assert_string_equal(said_field(i, "DFUD_EVENT"), events[i]);
	}
}

/* What else these lines can say. */
static void test_other_words(void **state)
{
	struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);

	a.plan.cold_start = false;
	tell_checked(&t, &a);
	assert_string_equal(said_message(0), "octopus: klipper.bin fits the board: 0x08000000 in "
					     "\"Internal Flash\", where it was linked");
	a.plan.unverifiable = true;
	tell_checked(&t, &a);
	assert_string_equal(said_message(1), "octopus: klipper.bin fits the board: 0x08000000 in "
					     "\"Internal Flash\", where it was linked; this board "
					     "cannot be read, so nothing can be verified");
	a.verified = false;
	tell_flashed(&t, &a);
	assert_string_equal(said_message(2),
		"octopus: klipper.bin written, not verified: 3 sectors erased, 44388 bytes written "
		"in 2.1 s");
	assert_string_equal(said_field(2, "DFUD_VERIFIED"), "no");
	a.outcome.leave_answered = true;
	tell_leaving(&t, &a);
	assert_string_equal(said_message(3), "octopus: told to leave DFU mode, and it answered");
	strcpy(a.image.certainty, "likely");
	a.image.about[0] = '\0';
	tell_flashing(&t, &a, "");
	assert_string_equal(said_message(4),
		"octopus: flashing klipper.bin (44388 bytes, probably linked for 0x08000000): 3 of "
		"8 sectors to erase");
	strcpy(a.image.certainty, "unknown");
	a.plan.unchanged = true;
	tell_flashing(&t, &a, "");
	assert_string_equal(said_message(5),
		"octopus: klipper.bin (44388 bytes, link address unknown) is on the board already: "
		"nothing to erase");
	t.profile[0] = '\0';
	tell_appeared(&t);
	assert_string_equal(said_message(6), "0483:df11 on port 1-1 is in DFU mode");
}

static const struct row {
	enum verdict verdict;
	enum flash_state flash;
	enum return_kind back;
	enum verified_by by;
	const char *text; /* of the worker */
	const char *sentence;
} rows[] = {
	{VERDICT_RETURNED, FLASH_WRITTEN, RETURN_AS_EXPECTED, VERIFIED_READ_BACK, "",
		BACK ". All is well."},
	{VERDICT_RETURNED, FLASH_WRITTEN, RETURN_AS_EXPECTED, VERIFIED_NO, "",
		BACK ". What it holds could not be verified."},
	{VERDICT_UNCHANGED, FLASH_UNCHANGED, RETURN_AS_EXPECTED, VERIFIED_READ_BACK, "",
		BACK ". It held klipper.bin already: nothing was erased."},
	{VERDICT_NOT_EXPECTED, FLASH_WRITTEN, RETURN_NOT_EXPECTED, VERIFIED_READ_BACK, "",
		"klipper.bin is verified and the board is off the bus; nothing is expected to come "
		"back"},
	{VERDICT_RETURNED_OTHER, FLASH_WRITTEN, RETURN_OTHER, VERIFIED_READ_BACK, "",
		BACK
		", which is not the identity that was expected; klipper.bin is verified. Is it "
		"the right file, or Id= in [Return] wrong?"},
	{VERDICT_BACK_IN_DFU, FLASH_WRITTEN, RETURN_DFU, VERIFIED_READ_BACK, "",
		"klipper.bin is verified, but the board is in DFU mode again after 0.6 s: the boot "
		"pins hold it there (take the BOOT0 jumper off and reset), or the program does not "
		"start at 0x08000000"},
	{VERDICT_NOT_ENUMERATING, FLASH_WRITTEN, RETURN_NOT_ENUMERATING, VERIFIED_READ_BACK, "",
		"klipper.bin is verified and runs, but its USB does not work: is the program built "
		"for this board's crystal?"},
	{VERDICT_GONE, FLASH_WRITTEN, RETURN_NONE, VERIFIED_READ_BACK, "",
		"klipper.bin is verified and the board left DFU mode, but nothing came back within "
		"10 s: reset it or cut its power once; if it stays away, the program does not run "
		"or has no USB"},
	{VERDICT_STAYED, FLASH_WRITTEN, RETURN_STAYED, VERIFIED_NO, "",
		"klipper.bin is written, not verified, but the board did not leave DFU mode: reset "
		"it or cut its power"},
	{VERDICT_REFUSED, FLASH_UNTOUCHED, RETURN_NONE, VERIFIED_NO, "klipper.bin is a text file",
		"refused, nothing was erased: klipper.bin is a text file"},
	{VERDICT_REFUSED, FLASH_UNTOUCHED, RETURN_NONE, VERIFIED_NO, "",
		"refused, nothing was erased: stall"},
	{VERDICT_FAILED, FLASH_PARTLY, RETURN_NONE, VERIFIED_NO, "the board stalled",
		"failed: the board stalled; the board holds no whole program and must be "
		"flashed again"},
	{VERDICT_FAILED, FLASH_ERASED, RETURN_NONE, VERIFIED_NO, "",
		"failed: stall; the board is erased and holds no program"},
	{VERDICT_FAILED, FLASH_UNTOUCHED, RETURN_NONE, VERIFIED_NO, "",
		"failed: stall; nothing on the board was changed"},
	{VERDICT_INTERRUPTED, FLASH_PARTLY, RETURN_NONE, VERIFIED_NO, "",
		"interrupted while flashing klipper.bin; the board holds no whole program and must "
		"be flashed again"},
	{VERDICT_INTERRUPTED, FLASH_WRITTEN, RETURN_NONE, VERIFIED_NO, "it was unplugged",
		"interrupted while flashing klipper.bin: it was unplugged; the file is on the "
		"board"},
	{VERDICT_CANCELLED, FLASH_UNTOUCHED, RETURN_NONE, VERIFIED_NO, "dfud is being stopped",
		"cancelled before anything was erased: dfud is being stopped"},
};

static struct attempt attempt_of_row(const struct row *row)
{
	struct attempt a = make_attempt(row->verdict);

	a.flash = row->flash;
	a.back = row->back;
	a.checked_by = row->by;
	a.reason = row->verdict >= VERDICT_REFUSED ? REASON_STALL : REASON_NONE;
	strcpy(a.text, row->text);
	return a;
}

static void test_verdicts(void **state)
{
	const struct tell t = make_tell();

	for (size_t i = 0; i < N(rows); i++) {
		const struct attempt a = attempt_of_row(&rows[i]);
		char text[1024];
		char line[1100];

		tell_verdict_text(&t, &a, text, sizeof(text));
		assert_string_equal(text, rows[i].sentence);
		said_clear();
		tell_verdict(&t, &a, 0);
		snprintf(line, sizeof(line), "octopus: %s", text);
		assert_int_equal(said_n(), 1);
		assert_string_equal(said_message(0), line);
		assert_string_equal(
			said_field(0, "DFUD_VERDICT"), verdict_to_string(rows[i].verdict));
	}
}

/* A board that comes and goes is not told to be away. */
static void test_flaps(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_GONE);
	char text[1024];

	a.flaps = 3;
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_non_null(strstr(text, "it comes and goes within 10 s"));
	assert_null(strstr(text, "nothing came back"));
}

static void check_field(const char *name, const char *value)
{
	const char *is = said_field(0, name);

	if ((is == NULL) != (value == NULL) || (value != NULL && strcmp(is, value) != 0)) {
		fail_msg("%s is %s, not %s", name, is ? is : "missing", value ? value : "missing");
	}
}

static void test_saved(void **state)
{
	struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);

	strcpy(t.backup, DIGEST);
	a.plan.saved_size = 49152;
	tell_saved(&t, &a);
	tell_flashing(&t, &a, "");
	tell_verdict(&t, &a, 0);
	assert_string_equal(said_message(0),
		"octopus: saved 49152 bytes as backup 3f2a9c01; restore with: dfud-flash --restore "
		"3f2a9c01");
	assert_string_equal(said_field(0, "DFUD_EVENT"), "saved");
	assert_string_equal(said_field(0, "PRIORITY"), "6");
	assert_string_equal(said_field(0, "DFUD_ADDRESS"), "0x08000000");
	assert_int_equal(said_count("DFUD_BACKUP", DIGEST), 3);
}

static void add_finding(
	struct attempt *a, enum finding_topic topic, enum finding_result result, const char *text)
{
	struct finding *f = &a->findings.items[a->findings.n++];

	*f = (struct finding){.topic = topic, .result = result};
	snprintf(f->text, sizeof(f->text), "%s", text);
}

/* What is probably wrong is said behind the checks, a line each; nothing else of the plan is. */
static void test_warnings(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);

	add_finding(&a, FINDING_BOARD, FINDING_GOOD, "0483:df11");
	add_finding(&a, FINDING_ADDRESS, FINDING_WARNING,
		"0x08000000, but it was probably linked for 0x08008000");
	add_finding(&a, FINDING_CHIP, FINDING_UNKNOWN, "which chip this is cannot be told");
	add_finding(&a, FINDING_BOOTLOADER, FINDING_WARNING, "0x08000000 holds Katapult");
	add_finding(&a, FINDING_LEAVE, FINDING_PLAN, "to 0x08000000");
	tell_checked(&t, &a);
	assert_int_equal(said_n(), 3);
	assert_string_equal(said_field(0, "PRIORITY"), "6");
	assert_string_equal(said_message(1), "octopus: klipper.bin goes to 0x08000000, but it was "
					     "probably linked for 0x08008000");
	assert_string_equal(said_message(2), "octopus: 0x08000000 holds Katapult");
	for (size_t i = 1; i < 3; i++) {
		assert_string_equal(said_field(i, "DFUD_EVENT"), "checked");
		assert_string_equal(said_field(i, "PRIORITY"), "4");
		assert_string_equal(said_field(i, "DFUD_ATTEMPT"), t.id);
		assert_string_equal(said_field(i, "DFUD_ADDRESS"), "0x08000000");
	}
}

/* Where the file itself says the address, that is said: behind the check, before what is wrong. */
static void test_an_address_of_the_image(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);

	tell_checked(&t, &a);
	assert_int_equal(said_n(), 1);
	said_clear();
	a.plan.from_image = true;
	a.plan.address = a.image.link = 0x08008000;
	add_finding(&a, FINDING_BOOTLOADER, FINDING_WARNING, "0x08000000 holds Katapult");
	tell_checked(&t, &a);
	assert_int_equal(said_n(), 3);
	assert_string_equal(said_message(1),
		"octopus: klipper.bin goes to 0x08008000, where it was linked for certain: no "
		"address is set");
	assert_string_equal(said_field(1, "DFUD_EVENT"), "checked");
	assert_string_equal(said_field(1, "PRIORITY"), "6");
	assert_string_equal(said_field(1, "DFUD_ADDRESS"), "0x08008000");
	assert_string_equal(said_field(1, "DFUD_ATTEMPT"), t.id);
	assert_string_equal(said_message(2), "octopus: 0x08000000 holds Katapult");
}

/* Also where the check has another sentence, as for a board that did not start cold. */
static void test_an_address_of_the_image_without_a_cold_start(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);

	a.plan.cold_start = false;
	a.plan.from_image = true;
	tell_checked(&t, &a);
	assert_int_equal(said_n(), 2);
	assert_non_null(strstr(said_message(1), "no address is set"));
}

/* Whose board a backup is of: by the serial number where that names one board, else by the place.
 */
static const struct origin_row {
	const char *path, *serial;	   /* of the backup */
	const char *path_now, *serial_now; /* of the board */
	bool other;
} origin_rows[] = {
	{"usb-0:1", "A", "usb-0:1", "A", false},
	{"usb-0:1", "A", "usb-0:2", "A", false}, /* moved to another socket */
	{"usb-0:1", "A", "usb-0:1", "B", true},	 /* another board in the same socket */
	{"usb-0:1", "STM32FxSTM32", "usb-0:1", "STM32FxSTM32", false},
	{"usb-0:1", "STM32FxSTM32", "usb-0:2", "STM32FxSTM32", true},
	{"usb-0:1", "STM32FxSTM32", "usb-0:1", "B", false},
	{"usb-0:1", "", "usb-0:1", "B", false},
	{"usb-0:1", "", "usb-0:2", "B", true},
	{"usb-0:1", "A", "usb-0:2", "", true},
	{"", "", "usb-0:2", "B", false}, /* the note says nothing */
	{"usb-0:1", "", "", "", false},	 /* the board shows nothing */
	{"", "A", "", "B", true},
	{"", "A", "", "A", false},
};

static void test_origin(void **state)
{
	struct tell t = make_tell();

	for (size_t i = 0; i < N(origin_rows); i++) {
		const struct origin_row *row = &origin_rows[i];
		struct backup b = BACKUP_INIT;

		strcpy(b.path, row->path);
		strcpy(b.serial, row->serial);
		strcpy(t.path, row->path_now);
		strcpy(t.serial, row->serial_now);
		said_clear();
		tell_origin(&t, &b);
		if (said_n() != row->other) {
			fail_msg("row %zu: %zu lines", i, said_n());
		}
	}
}

static void test_origin_text(void **state)
{
	const struct tell t = make_tell();
	struct backup b = BACKUP_INIT;

	strcpy(b.sha256, DIGEST);
	strcpy(b.port, "1-2");
	strcpy(b.path, "platform-usb-0:2");
	strcpy(b.serial, "STM32FxSTM32");
	tell_origin(&t, &b);
	assert_int_equal(said_n(), 1);
	assert_string_equal(said_message(0),
		"octopus: backup 3f2a9c01 is of a board that was on port 1-2 (serial number "
		"\"STM32FxSTM32\"), and this is another one or another place");
	assert_string_equal(said_field(0, "DFUD_EVENT"), "checked");
	assert_string_equal(said_field(0, "PRIORITY"), "4");
	assert_string_equal(said_field(0, "DFUD_PORT"), "1-1");
	assert_string_equal(said_field(0, "DFUD_ATTEMPT"), t.id);
}

/* All strings at their limits: the sentence is whole. */
static void test_a_long_warning(void **state)
{
	struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);
	char text[sizeof(a.findings.items[0].text)], expected[1024];

	memset(text, 'm', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memset(t.label, 'l', sizeof(t.label) - 1);
	memset(t.shown, 's', sizeof(t.shown) - 1);
	for (size_t i = 0; i < FINDINGS_MAX; i++) {
		add_finding(&a, FINDING_ADDRESS, FINDING_WARNING, text);
	}
	tell_checked(&t, &a);
	assert_int_equal(said_n(), 1 + FINDINGS_MAX);
	snprintf(expected, sizeof(expected), "%s: %s goes to %s", t.label, t.shown, text);
	for (size_t i = 1; i < said_n(); i++) {
		assert_string_equal(said_message(i), expected);
	}
}

/* To where a reset starts the board, if that is not where the file lies. */
static void test_leaving(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_BACK_IN_DFU);
	char text[1024];

	a.plan.address = 0x08008000;
	a.plan.leave = 0x08008000;
	tell_leaving(&t, &a);
	assert_string_equal(
		said_message(0), "octopus: left DFU mode without an answer, as this ROM does");
	a.plan.leave = 0x08000000;
	tell_leaving(&t, &a);
	assert_string_equal(said_message(1),
		"octopus: left DFU mode to 0x08000000, where a reset starts it, without an answer, "
		"as this ROM does");
	a.outcome.leave_answered = true;
	tell_leaving(&t, &a);
	assert_string_equal(said_message(2),
		"octopus: told to leave DFU mode to 0x08000000, where a reset starts it, and it "
		"answered");
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_string_equal(text,
		"klipper.bin is verified, but the board is in DFU mode again after 0.6 s: the boot "
		"pins hold it there (take the BOOT0 jumper off and reset), or the file is not run "
		"by what a reset starts at 0x08000000");
}

#define NOT_COLD                                                                                   \
	"But it will not start after a power cycle: nothing that starts lies at the start of its " \
	"flash; put a boot loader there, or build for that address."
#define OTHER_COLD                                                                                 \
	"But after a power cycle another program starts, which lies at the start of its flash; "   \
	"put a boot loader there, or build for that address."

#define NO_TABLE                                                                                   \
	"But it will not start after a power cycle: what lies at the start of its flash now does " \
	"not begin with a vector table. Was this the right file?"

/* All is well only where it will be well tomorrow. */
static void test_stranded(void **state)
{
	static const struct {
		const char *base, *returned, *unchanged;
	} rows_of_base[] = {
		{MESSAGE_BASE_IMAGE, "All is well.", ""},
		{MESSAGE_BASE_LOADER, "All is well.", ""},
		{"", "All is well.", ""},
		{MESSAGE_BASE_NOTHING, NOT_COLD, " " NOT_COLD},
		{MESSAGE_BASE_NO_TABLE, NO_TABLE, " " NO_TABLE},
		{MESSAGE_BASE_OTHER, OTHER_COLD, " " OTHER_COLD},
	};
	const struct tell t = make_tell();

	for (size_t i = 0; i < N(rows_of_base); i++) {
		struct attempt a = make_attempt(VERDICT_RETURNED);
		char text[1024], expected[1024];

		strcpy(a.plan.base, rows_of_base[i].base);
		tell_verdict_text(&t, &a, text, sizeof(text));
		snprintf(expected, sizeof(expected), BACK ". %s", rows_of_base[i].returned);
		assert_string_equal(text, expected);
		a.verdict = VERDICT_UNCHANGED;
		a.flash = FLASH_UNCHANGED;
		tell_verdict_text(&t, &a, text, sizeof(text));
		snprintf(expected, sizeof(expected),
			BACK ". It held klipper.bin already: nothing was erased.%s",
			rows_of_base[i].unchanged);
		assert_string_equal(text, expected);
	}
}

/* What DFUD_COLD_BOOT=no says is said in words, too, where nothing could be verified. */
static void test_stranded_and_not_verified(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);
	char text[1024];

	strcpy(a.plan.base, MESSAGE_BASE_NOTHING);
	a.checked_by = VERIFIED_NO;
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_string_equal(text, BACK ". What it holds could not be verified. " NOT_COLD);
}

/* What a reset starts came back. That it is the file can only be said where its identity is known.
 */
static void test_doubt(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);
	char text[1024];

	strcpy(a.plan.base, MESSAGE_BASE_LOADER);
	a.plan.address = 0x08008000;
	a.plan.leave = 0x08000000;
	a.back = RETURN_AS_EXPECTED;
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_string_equal(text, BACK ". All is well.");
	a.options.expects_identity = false;
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_string_equal(text,
		BACK ". It is what a reset starts; whether the file runs is not known, because "
		     "nothing says which USB identity it has: name it, Id= in [Return].");
	said_clear();
	tell_verdict(&t, &a, 0);
	check_field("DFUD_COLD_BOOT", NULL);
	a.plan.leave = a.plan.address; /* the file itself was started */
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_string_equal(text, BACK ". All is well.");
}

static void test_stays(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_NOT_EXPECTED);
	char text[1024];

	a.options.stays = true;
	a.back = RETURN_NOT_EXPECTED;
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_string_equal(
		text, "klipper.bin is verified; the board stays in DFU mode, as Leave=no asks for");
	a.checked_by = VERIFIED_NO;
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_string_equal(text, "klipper.bin is written, not verified; the board stays in DFU "
				  "mode, as Leave=no asks for");
}

/* Said only where it is certain. */
static const struct cold_row {
	const char *base;
	uint32_t leave;
	enum verdict verdict;
	enum return_kind back;
	const char *cold; /* NULL: not there */
} cold_rows[] = {
	{MESSAGE_BASE_IMAGE, 0x08008000, VERDICT_RETURNED, RETURN_AS_EXPECTED, "yes"},
	{MESSAGE_BASE_IMAGE, 0x08008000, VERDICT_UNCHANGED, RETURN_AS_EXPECTED, "yes"},
	{MESSAGE_BASE_IMAGE, 0x08008000, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED, "yes"},
	{MESSAGE_BASE_IMAGE, 0x08008000, VERDICT_REFUSED, RETURN_NONE, NULL},
	{MESSAGE_BASE_IMAGE, 0x08008000, VERDICT_FAILED, RETURN_NONE, NULL},
	{MESSAGE_BASE_IMAGE, 0x08008000, VERDICT_INTERRUPTED, RETURN_NONE, NULL},
	{MESSAGE_BASE_IMAGE, 0x08008000, VERDICT_CANCELLED, RETURN_NONE, NULL},
	/* what a reset starts was started, and the program came up */
	{MESSAGE_BASE_LOADER, 0x08000000, VERDICT_RETURNED, RETURN_AS_EXPECTED, "yes"},
	{MESSAGE_BASE_LOADER, 0x08000000, VERDICT_UNCHANGED, RETURN_AS_EXPECTED, "yes"},
	{MESSAGE_BASE_LOADER, 0x08000000, VERDICT_RETURNED_OTHER, RETURN_OTHER, NULL},
	{MESSAGE_BASE_LOADER, 0x08000000, VERDICT_BACK_IN_DFU, RETURN_DFU, NULL},
	{MESSAGE_BASE_LOADER, 0x08000000, VERDICT_GONE, RETURN_NONE, NULL},
	{MESSAGE_BASE_LOADER, 0x08000000, VERDICT_STAYED, RETURN_STAYED, NULL},
	{MESSAGE_BASE_LOADER, 0x08000000, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED, NULL},
	/* the program was started past it */
	{MESSAGE_BASE_LOADER, 0x08008000, VERDICT_RETURNED, RETURN_AS_EXPECTED, NULL},
	{MESSAGE_BASE_OTHER, 0x08008000, VERDICT_RETURNED, RETURN_AS_EXPECTED, "no"},
	{MESSAGE_BASE_OTHER, 0x08008000, VERDICT_GONE, RETURN_NONE, "no"},
	{MESSAGE_BASE_OTHER, 0x08008000, VERDICT_REFUSED, RETURN_NONE, NULL},
	{MESSAGE_BASE_NOTHING, 0x08008000, VERDICT_RETURNED, RETURN_AS_EXPECTED, "no"},
	{MESSAGE_BASE_NOTHING, 0x08000000, VERDICT_BACK_IN_DFU, RETURN_DFU, "no"},
	{MESSAGE_BASE_NOTHING, 0x08008000, VERDICT_NOT_EXPECTED, RETURN_NOT_EXPECTED, "no"},
	{MESSAGE_BASE_NOTHING, 0x08008000, VERDICT_FAILED, RETURN_NONE, NULL},
	{"", 0x08008000, VERDICT_RETURNED, RETURN_AS_EXPECTED, NULL},
	{"", 0, VERDICT_RETURNED, RETURN_AS_EXPECTED, NULL},
};

static void test_cold_boot(void **state)
{
	const struct tell t = make_tell();

	for (size_t i = 0; i < N(cold_rows); i++) {
		const struct cold_row *row = &cold_rows[i];
		struct attempt a = make_attempt(row->verdict);
		const char *is;

		strcpy(a.plan.base, row->base);
		a.plan.address = 0x08008000;
		a.plan.leave = row->leave;
		a.back = row->back;
		a.reason = row->verdict >= VERDICT_REFUSED ? REASON_STALL : REASON_NONE;
		said_clear();
		tell_verdict(&t, &a, 0);
		is = said_field(0, "DFUD_COLD_BOOT");
		if ((is == NULL) != (row->cold == NULL) || (is && strcmp(is, row->cold) != 0)) {
			fail_msg("row %zu (base \"%s\", %s): %s", i, row->base,
				verdict_to_string(row->verdict), is ? is : "not there");
		}
	}
}

/* A board that was not told to leave has not shown that it starts, and may be known not to. */
static void test_cold_boot_of_a_board_that_stays(void **state)
{
	static const struct {
		const char *base, *cold;
	} rows_of_base[] = {
		{MESSAGE_BASE_IMAGE, NULL},
		{MESSAGE_BASE_LOADER, NULL},
		{"", NULL},
		{MESSAGE_BASE_NOTHING, "no"},
		{MESSAGE_BASE_OTHER, "no"},
	};
	const struct tell t = make_tell();

	for (size_t i = 0; i < N(rows_of_base); i++) {
		struct attempt a = make_attempt(VERDICT_NOT_EXPECTED);

		strcpy(a.plan.base, rows_of_base[i].base);
		a.options.stays = true;
		a.back = RETURN_NOT_EXPECTED;
		said_clear();
		tell_verdict(&t, &a, 0);
		check_field("DFUD_COLD_BOOT", rows_of_base[i].cold);
	}
}

/* All fields of design 6 that a verdict has. */
static void test_fields(void **state)
{
	const struct tell t = make_tell();
	const struct attempt a = make_attempt(VERDICT_RETURNED);

	tell_verdict(&t, &a, 9123456);
	check_field("DFUD_EVENT", "verdict");
	check_field("DFUD_ATTEMPT", t.id);
	check_field("DFUD_PROFILE", "octopus");
	check_field("DFUD_PORT", "1-1");
	check_field("DFUD_PATH", "platform-usb-0:1");
	check_field("DFUD_USB_ID", "0483:df11");
	check_field("DFUD_USB_SERIAL", "STM32FxSTM32");
	check_field("DFUD_FILE", "klipper.bin");
	check_field("DFUD_SHA256", t.sha256);
	check_field("DFUD_ADDRESS", "0x08000000");
	check_field("DFUD_SIZE", "44388");
	check_field("DFUD_VERDICT", "returned");
	check_field("DFUD_REASON", NULL);
	check_field("DFUD_END", "completed");
	check_field("DFUD_FLASH", "written");
	check_field("DFUD_RETURN", "as-expected");
	check_field("DFUD_VERIFIED", "read-back");
	check_field("DFUD_COLD_BOOT", "yes");
	check_field("DFUD_RETURN_ID", "1d50:614e");
	check_field("DFUD_RETURN_PORT", "1-1");
	check_field("DFUD_TTY", TTY);
	check_field("DFUD_BYTES_ERASED", "49152");
	check_field("DFUD_BYTES_WRITTEN", "44388");
	check_field("DFUD_ERASE_MS", "700");
	check_field("DFUD_WRITE_MS", "900");
	check_field("DFUD_VERIFY_MS", "500");
	check_field("DFUD_RETURN_MS", "600");
	check_field("DFUD_TOTAL_MS", "9123");
	check_field("DFUD_QUEUED_BY_UID", "1000");
	check_field("PRIORITY", "5");
}

/* Nothing is said of a return that was none. */
static void test_fields_of_failure(void **state)
{
	struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_FAILED);

	t.owner = (uid_t)-1;
	a.end = END_FAILED;
	a.flash = FLASH_PARTLY;
	a.back = RETURN_NONE;
	a.back_us = 0;
	a.has_device = false;
	a.checked_by = VERIFIED_NO;
	a.reason = REASON_STALL;
	tell_verdict(&t, &a, 1000);
	check_field("DFUD_VERDICT", "failed");
	check_field("DFUD_REASON", "stall");
	check_field("DFUD_END", "failed");
	check_field("DFUD_FLASH", "partly");
	check_field("DFUD_RETURN", "none");
	check_field("DFUD_VERIFIED", "no");
	check_field("DFUD_COLD_BOOT", NULL);
	check_field("DFUD_RETURN_ID", NULL);
	check_field("DFUD_RETURN_PORT", NULL);
	check_field("DFUD_TTY", NULL);
	check_field("DFUD_RETURN_MS", NULL);
	check_field("DFUD_QUEUED_BY_UID", NULL);
	check_field("PRIORITY", "3");
}

static void check_printable(void)
{
	for (size_t i = 0; i < said_n(); i++) {
		for (const char *c = said_message(i); *c != '\0'; c++) {
			if (*c < 0x20 || *c > 0x7e) {
				fail_msg("byte %02x in: %s", (unsigned char)*c, said_message(i));
			}
		}
	}
}

static void say_everything(const struct tell *t, struct attempt *a)
{
	tell_appeared(t);
	for (int i = 0; i < 2; i++) {
		a->plan.cold_start = i;
		tell_checked(t, a);
	}
	tell_flashing(t, a, "command");
	tell_erased(t, a);
	tell_flashed(t, a);
	tell_leaving(t, a);
	for (int verdict = 0; verdict < _VERDICT_MAX; verdict++) {
		a->verdict = (enum verdict)verdict;
		tell_verdict(t, a, UINT64_MAX);
	}
}

/* Bytes that a terminal would obey, in all that a file or a device can name. */
static void test_hostile(void **state)
{
	static const char hostile[] = "a\n\x1b[2J\x7f\x80\\x";
	struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);

	tell_set_file(&t, hostile);
	assert_string_equal(t.shown, "a\\x0a\\x1b[2J\\x7f\\x80\\x5cx");
	strcpy(t.serial, hostile);
	strcpy(a.device.name, hostile);
	strcpy(a.image.about, hostile);
	strcpy(a.plan.layout, hostile);
	strcpy(a.text, hostile);
	say_everything(&t, &a);
	check_printable();
	assert_string_equal(said_field(0, "DFUD_FILE"), hostile);
	assert_string_equal(said_field(0, "DFUD_USB_SERIAL"), hostile);
	assert_non_null(strstr(said_message(7), "\"a\\x0a\\x1b[2J\\x7f\\x80\\x5cx\""));
}

/* A note is a file that people copy about: what it names is shown as harmlessly. */
static void test_hostile_note(void **state)
{
	const struct tell t = make_tell();
	struct backup b = BACKUP_INIT;

	strcpy(b.sha256, DIGEST);
	strcpy(b.path, "elsewhere");
	strcpy(b.port, "1-2\n\x1b[2J");
	strcpy(b.serial, "a\n\x1b[2J\x7f\x80");
	tell_origin(&t, &b);
	assert_int_equal(said_n(), 1);
	check_printable();
}

/* A sentence of the worker names files that are safe to print already: they stay as they are. */
static void test_shown_once(void **state)
{
	const struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_REFUSED);
	char text[1024];

	strcpy(a.text, "a\\x0ab.bin is a text file");
	tell_verdict_text(&t, &a, text, sizeof(text));
	assert_string_equal(text, "refused, nothing was erased: a\\x0ab.bin is a text file");
}

static void test_cut(void **state)
{
	struct tell t = make_tell();
	char name[300];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	tell_set_file(&t, name);
	assert_int_equal(strlen(t.shown), 64);
	assert_string_equal(t.shown + 61, "...");
	memset(name, '\n', sizeof(name) - 1);
	tell_set_file(&t, name);
	assert_true(strlen(t.shown) <= 64);
	assert_string_equal(t.shown + strlen(t.shown) - 3, "...");
}

#define FILL(array)                                                                                \
	do {                                                                                       \
		memset((array), 'm', sizeof(array) - 1);                                           \
		(array)[sizeof(array) - 1] = '\0';                                                 \
	} while (0)

/* All strings at their limits, all numbers too: no line loses its sentence, id or a field. */
static void test_limits(void **state)
{
	struct tell t = make_tell();
	struct attempt a = make_attempt(VERDICT_RETURNED);
	char file[256];

	FILL(t.label);
	FILL(t.profile);
	FILL(t.port);
	FILL(t.path);
	FILL(t.usb_id);
	FILL(t.serial);
	FILL(file);
	tell_set_file(&t, file);
	FILL(a.device.id);
	FILL(a.device.name);
	FILL(a.tty);
	FILL(a.text);
	FILL(a.image.about);
	FILL(a.plan.layout);
	t.size = a.image.size = a.plan.sectors = a.plan.sectors_erase = UINT64_MAX;
	a.plan.address = a.image.link = UINT32_MAX;
	a.outcome.bytes_erased = a.outcome.bytes_written = a.outcome.sectors_erased = UINT64_MAX;
	a.outcome.erase_ms = a.outcome.write_ms = a.outcome.verify_ms = UINT64_MAX / 4;
	a.options.within_ms = UINT64_MAX;
	a.back_us = UINT64_MAX;
	a.reason = REASON_WOULD_OVERWRITE_BOOTLOADER;
	say_everything(&t, &a);
	check_printable();
	for (size_t i = 0; i < said_n(); i++) {
		assert_int_equal(strlen(said_field(i, "MESSAGE_ID")), 32);
		assert_non_null(said_field(i, "PRIORITY"));
		assert_string_equal(said_field(i, "DFUD_FILE"), file);
		assert_true(strlen(said_message(i)) > 68);
	}
	assert_int_equal(said_count("DFUD_TTY", a.tty), _VERDICT_MAX);
	assert_non_null(strstr(said_message(7), ". All is well."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_golden, listen_to_journal),
		cmocka_unit_test_setup(test_events, listen_to_journal),
		cmocka_unit_test_setup(test_other_words, listen_to_journal),
		cmocka_unit_test_setup(test_verdicts, listen_to_journal),
		cmocka_unit_test_setup(test_flaps, listen_to_journal),
		cmocka_unit_test_setup(test_saved, listen_to_journal),
		cmocka_unit_test_setup(test_warnings, listen_to_journal),
		cmocka_unit_test_setup(test_an_address_of_the_image, listen_to_journal),
		cmocka_unit_test_setup(
			test_an_address_of_the_image_without_a_cold_start, listen_to_journal),
		cmocka_unit_test_setup(test_origin, listen_to_journal),
		cmocka_unit_test_setup(test_origin_text, listen_to_journal),
		cmocka_unit_test_setup(test_a_long_warning, listen_to_journal),
		cmocka_unit_test_setup(test_leaving, listen_to_journal),
		cmocka_unit_test_setup(test_stranded, listen_to_journal),
		cmocka_unit_test_setup(test_stranded_and_not_verified, listen_to_journal),
		cmocka_unit_test_setup(test_doubt, listen_to_journal),
		cmocka_unit_test_setup(test_stays, listen_to_journal),
		cmocka_unit_test_setup(test_cold_boot, listen_to_journal),
		cmocka_unit_test_setup(test_cold_boot_of_a_board_that_stays, listen_to_journal),
		cmocka_unit_test_setup(test_fields, listen_to_journal),
		cmocka_unit_test_setup(test_fields_of_failure, listen_to_journal),
		cmocka_unit_test_setup(test_hostile, listen_to_journal),
		cmocka_unit_test_setup(test_hostile_note, listen_to_journal),
		cmocka_unit_test_setup(test_shown_once, listen_to_journal),
		cmocka_unit_test_setup(test_cut, listen_to_journal),
		cmocka_unit_test_setup(test_limits, listen_to_journal),
	};

	return cmocka_run_group_tests_name("tell", tests, NULL, NULL);
}
