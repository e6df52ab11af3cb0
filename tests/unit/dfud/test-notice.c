/* SPDX-License-Identifier: MIT */
/* The sentences about files, choices and the daemon itself, word by word. Design 6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dfud/notice.h"
#include "said.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static int listen_to_journal(void **state)
{
	said_clear();
	journal_open();
	return 0;
}

static struct job make_job(const char *name)
{
	struct job job = {
		.id = 1,
		.file = {.size = 44388, .owner = 1000},
		.image = {.format = "raw binary",
			.about = "Klipper v0.13.0-730 for stm32f446xx",
			.certainty = "certain",
			.link = 0x08000000,
			.size = 44388},
	};

	snprintf(job.name, sizeof(job.name), "%s", name);
	strcpy(job.sha256, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
	return job;
}

static void check_line(
	const char *event, const char *priority, const char *reason, const char *sentence)
{
	const char *is = said_field(said_n() - 1, "DFUD_REASON");

	assert_string_equal(said_message(said_n() - 1), sentence);
	assert_string_equal(said_field(said_n() - 1, "DFUD_EVENT"), event);
	assert_string_equal(said_field(said_n() - 1, "PRIORITY"), priority);
	assert_string_equal(is != NULL ? is : "", reason);
}

static void test_daemon(void **state)
{
	notice_started(1);
	check_line("started", "6", "", "Started with 1 profile");
	notice_started(2);
	check_line("started", "6", "", "Started with 2 profiles");
	notice_reloaded(3);
	check_line("reloaded", "6", "", "Configuration read again: 3 profiles");
	notice_stopping(0);
	check_line("stopping", "6", "", "Stopping");
	notice_stopping(1);
	check_line("stopping", "6", "",
		"Stopping when 1 running attempt has ended: a flash is never cut");
	notice_stopping(2);
	check_line("stopping", "6", "",
		"Stopping when 2 running attempts have ended: a flash is never cut");
	notice_trouble(REASON_NO_SPACE, "the record cannot be written", -ENOSPC);
	check_line(
		"held", "3", "no-space", "the record cannot be written: No space left on device");
	notice_trouble(REASON_CONFIG, "no profile is left", 0);
	check_line("config-error", "3", "", "no profile is left");
	notice_trouble(REASON_NO_SPACE, "udev cannot be listened to", -EIO);
	check_line("held", "3", "", "udev cannot be listened to: Input/output error");
}

static void test_problems(void **state)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;

	config_problems_add(&problems, "/etc/dfud/boards.d/50-a.conf", 7, "Adress",
		"no such key; Address= is one");
	config_problems_add(&problems, "/etc/dfud/dfud.conf", 0, "", "cannot be read");
	problems.overflow = true;
	notice_problems(&problems);
	assert_int_equal(said_n(), 3);
	assert_string_equal(said_message(0),
		"/etc/dfud/boards.d/50-a.conf:7: Adress: no such key; Address= is one");
	assert_string_equal(said_field(0, "DFUD_CONFIG_FILE"), "/etc/dfud/boards.d/50-a.conf");
	assert_string_equal(said_field(0, "DFUD_CONFIG_LINE"), "7");
	assert_string_equal(said_field(0, "DFUD_CONFIG_KEY"), "Adress");
	assert_null(said_field(0, "DFUD_REASON")); /* its own entry in the catalog */
	assert_string_equal(said_message(1), "/etc/dfud/dfud.conf: cannot be read");
	assert_null(said_field(1, "DFUD_CONFIG_LINE"));
	assert_null(said_field(1, "DFUD_CONFIG_KEY"));
	assert_int_equal(said_count("DFUD_EVENT", "config-error"), 3);
	assert_int_equal(said_count("PRIORITY", "3"), 3);
	config_problems_done(&problems);
}

static void test_files(void **state)
{
	struct job job = make_job("klipper.bin");

	notice_queued(&job);
	check_line("queued", "6", "",
		"klipper.bin is queued (44388 bytes, raw binary, linked for 0x08000000, Klipper "
		"v0.13.0-730 for stm32f446xx)");
	strcpy(job.image.certainty, "likely");
	job.image.about[0] = '\0';
	notice_queued(&job);
	check_line("queued", "6", "",
		"klipper.bin is queued (44388 bytes, raw binary, probably linked for 0x08000000)");
	strcpy(job.signer, "EE26CBD9A9D5DA26");
	notice_queued(&job);
	check_line("queued", "6", "",
		"klipper.bin is queued (44388 bytes, raw binary, probably linked for 0x08000000, "
		"signed with key "
		"EE26CBD9A9D5DA26)");
	notice_unsigned(&job, "klipper.bin waits for its signature klipper.bin.minisig");
	check_line("held", "4", "signature",
		"klipper.bin waits for its signature klipper.bin.minisig");
	notice_cancelled(&job);
	check_line("cancelled", "6", "", "klipper.bin was taken out of the queue");
	notice_expired(&job, "/var/lib/dfud/failed/x");
	check_line("expired", "4", "expired",
		"klipper.bin waited longer than ExpireAfter= for its board and is now in "
		"/var/lib/dfud/failed/x; drop it again to flash it");
	job.state = JOB_UNSIGNED;
	notice_expired(&job, "/var/lib/dfud/failed/x");
	check_line("expired", "4", "expired",
		"klipper.bin waited longer than ExpireAfter= for its signature and is now in "
		"/var/lib/dfud/failed/x; drop it again to flash it");
	notice_refused_file(&job, "0123456789abcdef0123456789abcdef", REASON_TEXT,
		"klipper.bin is a text file");
	check_line("verdict", "3", "text",
		"klipper.bin: refused, nothing was erased: klipper.bin is a text file");
	for (size_t i = 0; i < said_n(); i++) {
		assert_string_equal(said_field(i, "DFUD_FILE"), "klipper.bin");
		assert_string_equal(said_field(i, "DFUD_SIZE"), "44388");
		assert_string_equal(said_field(i, "DFUD_SHA256"), job.sha256);
		assert_string_equal(said_field(i, "DFUD_QUEUED_BY_UID"), "1000");
	}
}

/* The verdict of a file that never had a board has the fields of any other. */
static void test_refused_file_fields(void **state)
{
	const struct job job = make_job("klipper.bin");

	notice_refused_file(&job, "0123456789abcdef0123456789abcdef", REASON_TEXT, "x");
	assert_string_equal(said_field(0, "DFUD_ATTEMPT"), "0123456789abcdef0123456789abcdef");
	assert_string_equal(said_field(0, "DFUD_VERDICT"), "refused");
	assert_string_equal(said_field(0, "DFUD_END"), "refused");
	assert_string_equal(said_field(0, "DFUD_FLASH"), "untouched");
	assert_string_equal(said_field(0, "DFUD_RETURN"), "none");
	assert_string_equal(said_field(0, "DFUD_VERIFIED"), "no");
}

static void test_ignored(void **state)
{
	notice_ignored("folder", REASON_NOT_REGULAR);
	check_line("ignored", "4", "not-regular",
		"folder is no regular file and stays where it is: drop the firmware file itself, "
		"without a folder around it");
	notice_ignored("a.bin", REASON_LINKED);
	check_line("ignored", "4", "linked",
		"a.bin is a link or has a second name and stays where it is: drop a copy (cp), or "
		"remove the other name");
	notice_ignored("a.bin", REASON_UNREADABLE);
	check_line("ignored", "4", "unreadable",
		"a.bin may not be read by dfud and stays where it is: chmod a+r it");
}

static void test_settled(void **state)
{
	notice_settled("0123456789abcdef0123456789abcdef", "a.bin", "/done/x", REASON_NONE, 1);
	check_line("settled", "6", "", "a.bin is now in /done/x");
	assert_string_equal(said_field(0, "DFUD_ATTEMPT"), "0123456789abcdef0123456789abcdef");
	assert_string_equal(said_field(0, "DFUD_FOLDER"), "/done/x");
	notice_settled("", "a.bin", "/failed/x", REASON_ATTEMPTS, 3);
	check_line("settled", "6", "attempts",
		"a.bin is given up after 3 attempts and is now in /failed/x");
	notice_settled("", "a.bin", "/failed/x", REASON_SUPERSEDED, 1);
	check_line("settled", "6", "superseded",
		"a.bin gives way to a newer file and is now in /failed/x");
}

/* Two boards, two files, two profiles. */
struct scene {
	struct profile one, two;
	struct match_board boards[2];
	struct match_job jobs[2];
	struct match_input input;
};

static void scene_init(struct scene *s)
{
	*s = (struct scene){
		.one = {.name = (char *)"octopus",
			.file = (char *)"/etc/dfud/boards.d/octopus.conf"},
		.two = {.name = (char *)"spider", .file = (char *)"/etc/dfud/boards.d/spider.conf"},
		.boards = {{.device = {.port = "1-1"}}, {.device = {.port = "1-2"}}},
		.jobs = {{.name = "a.bin"}, {.name = "b\n.bin"}},
	};
	s->input = (struct match_input){
		.boards = s->boards, .n_boards = 2, .jobs = s->jobs, .n_jobs = 2};
}

static struct match match_of(const struct scene *s, enum match_kind kind)
{
	struct match match = {.kind = kind,
		.profile = &s->one,
		.job = MATCH_NONE,
		.other_job = MATCH_NONE,
		.other_board = MATCH_NONE};

	if (kind == MATCH_TWO_FILES || kind == MATCH_TWO_BOARDS || kind == MATCH_TWO_PROFILES) {
		match.job = 0;
		match.other_job = kind == MATCH_TWO_FILES ? 1 : MATCH_NONE;
		match.other_board = 1;
		match.other_profile = &s->two;
	}
	return match;
}

static const struct row {
	enum match_kind kind;
	const char *sentence, *event, *priority, *reason;
} rows[] = {
	{MATCH_UNMATCHED,
		"no profile means the board on port 1-1; octopus comes closest and misses it by "
		"Port=",
		"unmatched", "6", ""},
	{MATCH_WAITING, "octopus: the board on port 1-1 waits for a file in the queue", "waiting",
		"6", ""},
	{MATCH_NO_FILE_MEANT,
		"octopus: the board on port 1-1 waits: no file in the queue is for it (they were "
		"tried on it or refused already)",
		"waiting", "6", ""},
	{MATCH_TWO_FILES,
		"octopus: the board on port 1-1 could get a.bin or b\\x0a.bin: take one out of the "
		"queue, or set Order=oldest in [Flash]",
		"held", "4", "two-files"},
	{MATCH_TWO_BOARDS,
		"octopus: a.bin could go to port 1-1 or to port 1-2: unplug one, or name the port "
		"in the profile (Port= or Path= in [Match])",
		"held", "4", "two-boards"},
	{MATCH_TWO_PROFILES,
		"the board on port 1-1 is meant by two profiles, octopus and spider: make their "
		"[Match] or File= differ",
		"held", "4", "config"},
	{MATCH_CONFIG,
		"the board on port 1-1 waits: /etc/dfud/boards.d/octopus.conf, which may mean it, "
		"has an error (dfud --check-config)",
		"held", "4", "config"},
	{MATCH_PORT_NOT_ALLOWED, "port 1-1 is not among [Ports] Allow=: no board is flashed there",
		"held", "4", "port-not-allowed"},
};

static void test_standing(void **state)
{
	struct tell tell = TELL_INIT;
	struct scene s;

	scene_init(&s);
	strcpy(tell.port, "1-1");
	strcpy(tell.usb_id, "0483:df11");
	for (size_t i = 0; i < N(rows); i++) {
		struct match match = match_of(&s, rows[i].kind);
		char text[512];

		match.missed =
			rows[i].kind == MATCH_UNMATCHED ? PROFILE_KEY_PORT : PROFILE_KEY_NONE;
		assert_true(notice_standing(&match, &s.input, 0, text, sizeof(text)));
		assert_string_equal(text, rows[i].sentence);
		notice_say_standing(&match, &s.input, &tell, text);
		check_line(rows[i].event, rows[i].priority, rows[i].reason, rows[i].sentence);
		assert_string_equal(said_field(i, "DFUD_PORT"), "1-1");
		assert_string_equal(said_field(i, "DFUD_USB_ID"), "0483:df11");
		assert_int_equal(said_field(i, "DFUD_FILE") != NULL, match.job != MATCH_NONE);
	}
	assert_int_equal(N(rows) + 2, _MATCH_KIND_MAX);
}

static void check_standing(const struct scene *s, const struct match *match, const char *sentence)
{
	char text[512];

	assert_true(notice_standing(match, &s->input, 0, text, sizeof(text)));
	assert_string_equal(text, sentence);
}

/* Which profile was missed, and by which key. */
static void test_missed(void **state)
{
	struct match match;
	struct scene s;

	scene_init(&s);
	match = match_of(&s, MATCH_UNMATCHED);
	match.profile = NULL;
	check_standing(&s, &match,
		"no profile means the board on port 1-1: write one into /etc/dfud/boards.d "
		"(dfud.conf(5))");
	match = match_of(&s, MATCH_NO_FILE_MEANT);
	match.other_profile = &s.one;
	match.missed = PROFILE_KEY_FILE;
	check_standing(&s, &match,
		"octopus: the board on port 1-1 waits: no file in the queue is for it (none has a "
		"name that File= asks for)");
	match.other_profile = &s.two;
	match.missed = PROFILE_KEY_SERIAL;
	check_standing(&s, &match,
		"octopus: the board on port 1-1 waits: no file in the queue is for it (spider "
		"names one, and misses this board by Serial=)");
}

#define UNPLUG "octopus: a.bin could go to port 1-1 or to port 1-2: unplug one, or name the "
#define PLACE  "port in the profile (Port= or Path= in [Match])"
#define BOARD  "board in the profile (Port=, Path= or Serial= in [Match])"

/* Serial= is offered where it helps, and named where it would not. */
static void test_serials(void **state)
{
	static const struct {
		const char *serials[2];
		const char *sentence;
	} pairs[] = {
		{{NULL, NULL}, UNPLUG PLACE},
		{{"", ""}, UNPLUG PLACE},
		{{"357236543131", NULL}, UNPLUG PLACE},
		{{"", "357236543131"}, UNPLUG PLACE},
		{{"357236543131", "357236543132"}, UNPLUG BOARD},
		{{"357236543131", "STM32FxSTM32"}, UNPLUG PLACE},
		{{"STM32FxSTM32", "STM32FxSTM32"},
			UNPLUG PLACE "; Serial= cannot tell them apart, both show STM32FxSTM32"},
		{{"1\n", "1\n"}, UNPLUG PLACE "; Serial= cannot tell them apart, both show 1\\x0a"},
	};
	struct scene s;

	scene_init(&s);
	for (size_t i = 0; i < N(pairs); i++) {
		const struct match match = match_of(&s, MATCH_TWO_BOARDS);

		s.boards[0].device.serial = pairs[i].serials[0];
		s.boards[1].device.serial = pairs[i].serials[1];
		check_standing(&s, &match, pairs[i].sentence);
	}
}

/* A board that is flashed or closed says nothing of waiting. */
static void test_not_standing(void **state)
{
	struct scene s;
	char text[512];

	scene_init(&s);
	for (int i = 0; i < 2; i++) {
		struct match match = match_of(&s, i ? MATCH_FLASH : MATCH_CLOSED);

		match.job = i ? 0 : MATCH_NONE;
		assert_false(notice_standing(&match, &s.input, 0, text, sizeof(text)));
	}
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

/* Bytes that a terminal would obey, in names and in what a worker says of a file. */
static void test_hostile(void **state)
{
	static const char hostile[] = "a\n\x1b[2J\x7f\x80\\x";
	struct job job = make_job(hostile);

	strcpy(job.image.about, hostile);
	strcpy(job.image.format, hostile);
	notice_queued(&job);
	notice_ignored(hostile, REASON_LINKED);
	notice_cancelled(&job);
	notice_expired(&job, "/failed");
	notice_settled("", hostile, "/failed", REASON_NONE, 1);
	notice_refused_file(&job, "", REASON_TEXT, hostile);
	assert_int_equal(said_n(), 6);
	check_printable();
	for (size_t i = 0; i < said_n(); i++) {
		assert_string_equal(said_field(i, "DFUD_FILE"), hostile);
		assert_non_null(strstr(said_message(i), "a\\x0a\\x1b[2J\\x7f\\x80\\x5cx"));
	}
}

/* All names at their limits: cut, and nothing is written behind the room for a sentence. */
static void test_limits(void **state)
{
	char name[256], profile[256];
	struct scene s;

	memset(name, 'n', 255);
	memset(profile, 'p', 255);
	name[255] = profile[255] = '\0';
	scene_init(&s);
	s.one.name = s.one.file = s.two.name = profile;
	s.jobs[0].name = s.jobs[1].name = name;
	for (int kind = 0; kind < _MATCH_KIND_MAX; kind++) {
		struct match match = match_of(&s, (enum match_kind)kind);
		struct {
			char text[512];
			char behind[8];
		} room;

		match.other_profile = &s.two;
		memset(&room, 'x', sizeof(room));
		if (kind == MATCH_CLOSED || kind == MATCH_FLASH) {
			continue;
		}
		assert_true(notice_standing(&match, &s.input, 0, room.text, sizeof(room.text)));
		assert_true(strlen(room.text) < sizeof(room.text));
		assert_memory_equal(room.behind, "xxxxxxxx", sizeof(room.behind));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_daemon, listen_to_journal),
		cmocka_unit_test_setup(test_problems, listen_to_journal),
		cmocka_unit_test_setup(test_files, listen_to_journal),
		cmocka_unit_test_setup(test_refused_file_fields, listen_to_journal),
		cmocka_unit_test_setup(test_ignored, listen_to_journal),
		cmocka_unit_test_setup(test_settled, listen_to_journal),
		cmocka_unit_test_setup(test_standing, listen_to_journal),
		cmocka_unit_test_setup(test_missed, listen_to_journal),
		cmocka_unit_test_setup(test_serials, listen_to_journal),
		cmocka_unit_test_setup(test_not_standing, listen_to_journal),
		cmocka_unit_test_setup(test_hostile, listen_to_journal),
		cmocka_unit_test_setup(test_limits, listen_to_journal),
	};

	return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}
