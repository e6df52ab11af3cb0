/* SPDX-License-Identifier: MIT */
/*
 * Who gets what (design 4.2 and 4.4). Tables of scenes with one board in question, then random
 * scenes against the rules said a second time, the long way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dfud/match.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define MANY	 4
#define LAYOUT	 "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"
#define STM32	 "[Match]\nId=0483:df11\nLayout=*Internal Flash*\n"
#define ANY	 "[Match]\nId=*:*\n"
#define BROKEN	 "[Match]\nId=0483:df11\n[Flash]\nMaxAttempts=many\n"

/* "name" is written, "/name" is shipped. */
struct text {
	const char *name, *text;
};

struct scene {
	struct profile *profiles[MANY];
	size_t n_profiles;
	struct match_board boards[MANY];
	size_t n_boards;
	struct match_job jobs[MANY];
	size_t n_jobs;
	bool forbidden[MANY][MANY]; /* board, job */
};

static struct profile *make_profile(const struct text *text)
{
	const bool shipped = text->name[0] == '/';
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct profile *profile = NULL;
	char file[64];

	snprintf(file, sizeof(file), "%s/%s.conf", shipped ? "/usr/lib" : "/etc",
		text->name + shipped);
	assert_int_equal(profile_read(&profile, file, shipped ? PROFILE_SHIPPED : PROFILE_WRITTEN,
				 text->text, strlen(text->text), &problems),
		0);
	assert_non_null(profile);
	config_problems_done(&problems);
	return profile;
}

static void scene_add_profile(struct scene *scene, const struct text *text)
{
	assert_true(scene->n_profiles < MANY);
	scene->profiles[scene->n_profiles++] = make_profile(text);
}

static void scene_add_board(struct scene *scene, const char *port)
{
	assert_true(scene->n_boards < MANY);
	scene->boards[scene->n_boards++] = (struct match_board){
		.device = {.vendor = 0x0483,
			.product = 0xdf11,
			.path = "platform-usb-0:1",
			.port = port,
			.serial = "STM32FxSTM32",
			.layout = LAYOUT},
		.open = true,
	};
}

static void scene_add_job(struct scene *scene, const char *name, uint64_t arrived_us)
{
	assert_true(scene->n_jobs < MANY);
	scene->jobs[scene->n_jobs++] =
		(struct match_job){.name = name, .arrived_us = arrived_us, .open = true};
}

static void scene_done(struct scene *scene)
{
	for (size_t i = 0; i < scene->n_profiles; i++) {
		profile_free(scene->profiles[i]);
	}
	*scene = (struct scene){0};
}

static bool scene_may(const void *user, size_t board, size_t job)
{
	const struct scene *scene = user;

	return !scene->forbidden[board][job];
}

static struct match_input scene_input(const struct scene *scene)
{
	return (struct match_input){
		.profiles = scene->profiles,
		.n_profiles = scene->n_profiles,
		.boards = scene->boards,
		.n_boards = scene->n_boards,
		.jobs = scene->jobs,
		.n_jobs = scene->n_jobs,
		.may = scene_may,
		.user = scene,
	};
}

static struct match scene_judge(const struct scene *scene, size_t board)
{
	const struct match_input input = scene_input(scene);
	struct match match;

	memset(&match, 0x5a, sizeof(match));
	match_judge(&input, board, &match);
	return match;
}

static void names_of(const struct match *match, char *ret, size_t size)
{
	const char *other = match->other_profile != NULL ? match->other_profile->name : "";

	snprintf(ret, size, "%s%s%s", match->profile != NULL ? match->profile->name : "",
		match->kind == MATCH_NO_FILE_MEANT ? "/" : "",
		match->kind == MATCH_NO_FILE_MEANT ? other : "");
}

/* One board, some profiles, some files: the kind, the profile that is named, the key missed. */
static const struct row {
	const char *what;
	struct text profiles[MANY];
	const char *files[MANY];
	enum match_kind kind;
	const char *profile; /* of NO_FILE_MEANT: "who means the board/who was missed" */
	enum profile_key missed;
	int job; /* -1: none */
} rows[] = {
	{"nothing at all", {{0}}, {0}, MATCH_UNMATCHED, "", PROFILE_KEY_NONE, -1},
	{"no profile", {{0}}, {"a.bin"}, MATCH_UNMATCHED, "", PROFILE_KEY_NONE, -1},
	{"shipped, no file", {{"/rom", STM32}}, {0}, MATCH_WAITING, "rom", PROFILE_KEY_NONE, -1},
	{"written, no file", {{"w", STM32}}, {0}, MATCH_WAITING, "w", PROFILE_KEY_NONE, -1},
	{"shipped", {{"/rom", STM32}}, {"a.bin"}, MATCH_FLASH, "rom", PROFILE_KEY_NONE, 0},
	{"written", {{"w", STM32}}, {"a.bin"}, MATCH_FLASH, "w", PROFILE_KEY_NONE, 0},
	{"written before shipped", {{"/rom", STM32}, {"w", "[Match]\nPort=1-1\n"}}, {"a.bin"},
		MATCH_FLASH, "w", PROFILE_KEY_NONE, 0},
	{"written before shipped, the other way round",
		{{"w", "[Match]\nPort=1-1\n"}, {"/rom", STM32}}, {"a.bin"}, MATCH_FLASH, "w",
		PROFILE_KEY_NONE, 0},
	{"File= before none", {{"w", STM32}, {"named", STM32 "[Image]\nFile=a*.bin\n"}}, {"a.bin"},
		MATCH_FLASH, "named", PROFILE_KEY_NONE, 0},
	{"File= matches not, so the one without",
		{{"w", STM32}, {"named", STM32 "[Image]\nFile=b*.bin\n"}}, {"a.bin"}, MATCH_FLASH,
		"w", PROFILE_KEY_NONE, 0},
	{"two lines of File= are alternatives", {{"w", STM32 "[Image]\nFile=b.bin\nFile=a.bin\n"}},
		{"a.bin"}, MATCH_FLASH, "w", PROFILE_KEY_NONE, 0},
	{"Id= by another product", {{"w", "[Match]\nId=0483:5740\n"}}, {"a.bin"}, MATCH_UNMATCHED,
		"w", PROFILE_KEY_ID, -1},
	{"Id= of the vendor", {{"w", "[Match]\nId=0483:*\n"}}, {"a.bin"}, MATCH_FLASH, "w",
		PROFILE_KEY_NONE, 0},
	{"Port= elsewhere", {{"w", "[Match]\nId=0483:df11\nPort=1-2\n"}}, {"a.bin"},
		MATCH_UNMATCHED, "w", PROFILE_KEY_PORT, -1},
	{"Path= elsewhere", {{"w", "[Match]\nId=0483:df11\nPath=pci-*\n"}}, {"a.bin"},
		MATCH_UNMATCHED, "w", PROFILE_KEY_PATH, -1},
	{"Serial= other", {{"w", "[Match]\nId=0483:df11\nSerial=A*\n"}}, {"a.bin"}, MATCH_UNMATCHED,
		"w", PROFILE_KEY_SERIAL, -1},
	{"Layout= other", {{"w", "[Match]\nId=0483:df11\nLayout=*Option*\n"}}, {"a.bin"},
		MATCH_UNMATCHED, "w", PROFILE_KEY_LAYOUT, -1},
	{"the nearest of several is named",
		{{"far", "[Match]\nId=1209:*\n"}, {"near", "[Match]\nId=0483:df11\nSerial=A*\n"}},
		{"a.bin"}, MATCH_UNMATCHED, "near", PROFILE_KEY_SERIAL, -1},

	/* an id that is written down is nobody else's, wherever the profile stands */
	{"a named id is not served by a shipped one",
		{{"/rom", STM32}, {"w", "[Match]\nId=0483:df11\nPort=1-2\n"}}, {"a.bin"},
		MATCH_UNMATCHED, "w", PROFILE_KEY_PORT, -1},
	{"nor the other way round", {{"w", "[Match]\nId=0483:df11\nPort=1-2\n"}, {"/rom", STM32}},
		{"a.bin"}, MATCH_UNMATCHED, "w", PROFILE_KEY_PORT, -1},
	{"nor without a file", {{"/rom", STM32}, {"w", "[Match]\nId=0483:df11\nPort=1-2\n"}}, {0},
		MATCH_UNMATCHED, "w", PROFILE_KEY_PORT, -1},
	{"but by another written one",
		{{"w", "[Match]\nId=0483:df11\nPort=1-2\n"}, {"v", "[Match]\nPort=1-1\n"}},
		{"a.bin"}, MATCH_FLASH, "v", PROFILE_KEY_NONE, 0},
	{"a named id with File= for another file",
		{{"/rom", STM32}, {"w", "[Match]\nId=0483:df11\n[Image]\nFile=b*\n"}}, {"a.bin"},
		MATCH_NO_FILE_MEANT, "w/w", PROFILE_KEY_FILE, -1},
	{"an id is not named by Port= alone",
		{{"/rom", STM32}, {"w", "[Match]\nPort=1-2\n[Image]\nFile=b*\n"}}, {"a.bin"},
		MATCH_FLASH, "rom", PROFILE_KEY_NONE, 0},

	{"the one that bars the way is told, not a shipped one that came closer",
		{{"/rom", "[Match]\nId=0483:df11\nLayout=*Option*\n"},
			{"w", "[Match]\nId=0483:df11\nPort=1-2\n"}},
		{"a.bin"}, MATCH_UNMATCHED, "w", PROFILE_KEY_PORT, -1},

	/* a file that is written down is nobody else's */
	{"a named file is not served by a shipped one",
		{{"/rom", STM32}, {"w", "[Match]\nId=1209:*\n[Image]\nFile=a*\n"}}, {"a.bin"},
		MATCH_NO_FILE_MEANT, "rom/w", PROFILE_KEY_ID, -1},
	{"and the key that was missed is told",
		{{"w", "[Match]\nPath=pci-*\n[Image]\nFile=a*\n"}, {"/rom", STM32}}, {"a.bin"},
		MATCH_NO_FILE_MEANT, "rom/w", PROFILE_KEY_PATH, -1},
	{"nor by a written one without File=",
		{{"v", STM32}, {"w", "[Match]\nPort=1-2\n[Image]\nFile=a*\n"}}, {"a.bin"},
		MATCH_NO_FILE_MEANT, "v/w", PROFILE_KEY_PORT, -1},
	{"another file is", {{"/rom", STM32}, {"w", "[Match]\nId=1209:*\n[Image]\nFile=a*\n"}},
		{"a.bin", "b.bin"}, MATCH_FLASH, "rom", PROFILE_KEY_NONE, 1},

	/* void profiles */
	{"a void profile holds its devices", {{"w", BROKEN}}, {"a.bin"}, MATCH_CONFIG, "w",
		PROFILE_KEY_NONE, -1},
	{"also from a shipped one", {{"/rom", STM32}, {"w", BROKEN}}, {"a.bin"}, MATCH_CONFIG, "w",
		PROFILE_KEY_NONE, -1},
	{"also from a written one", {{"v", STM32}, {"w", BROKEN}}, {"a.bin"}, MATCH_CONFIG, "w",
		PROFILE_KEY_NONE, -1},
	{"also without a file", {{"/rom", STM32}, {"w", BROKEN}}, {0}, MATCH_CONFIG, "w",
		PROFILE_KEY_NONE, -1},
	{"a void shipped one too", {{"v", STM32}, {"/rom", BROKEN}}, {"a.bin"}, MATCH_CONFIG, "rom",
		PROFILE_KEY_NONE, -1},
	{"a void profile for another device is no matter",
		{{"/rom", STM32}, {"w", "[Match]\nId=1209:*\n[Flash]\nOrder=?\n"}}, {"a.bin"},
		MATCH_FLASH, "rom", PROFILE_KEY_NONE, 0},
	{"but the file that it names is nobody else's",
		{{"/rom", STM32},
			{"w", "[Match]\nId=1209:*\n[Image]\nFile=a*\n[Flash]\nOrder=?\n"}},
		{"a.bin"}, MATCH_NO_FILE_MEANT, "rom/w", PROFILE_KEY_ID, -1},
	{"and the id, where it names that",
		{{"/rom", STM32}, {"w", "[Match]\nId=0483:df11\nPort=1-2\n[Flash]\nOrder=?\n"}},
		{"a.bin"}, MATCH_UNMATCHED, "w", PROFILE_KEY_PORT, -1},

	/* choices */
	{"two written profiles", {{"v", STM32}, {"w", "[Match]\nPort=1-1\n"}}, {"a.bin"},
		MATCH_TWO_PROFILES, "v", PROFILE_KEY_NONE, 0},
	{"two written ones with File=",
		{{"v", STM32 "[Image]\nFile=a*\n"}, {"/rom", STM32},
			{"w", "[Match]\nPort=1-1\n[Image]\nFile=*.bin\n"}},
		{"a.bin"}, MATCH_TWO_PROFILES, "v", PROFILE_KEY_NONE, 0},
	{"two written ones, both without a file, wait",
		{{"v", STM32}, {"w", "[Match]\nPort=1-1\n"}}, {0}, MATCH_WAITING, "v",
		PROFILE_KEY_NONE, -1},
	{"two shipped ones after which a written one comes",
		{{"/a", STM32}, {"/b", STM32}, {"w", "[Match]\nPort=1-1\n"}}, {"a.bin"},
		MATCH_FLASH, "w", PROFILE_KEY_NONE, 0},
	{"two files", {{"/rom", STM32}}, {"a.bin", "b.bin"}, MATCH_TWO_FILES, "rom",
		PROFILE_KEY_NONE, 0},
	{"three files", {{"/rom", STM32}}, {"a.bin", "b.bin", "c.bin"}, MATCH_TWO_FILES, "rom",
		PROFILE_KEY_NONE, 0},
	{"two files under two profiles",
		{{"v", STM32 "[Image]\nFile=a*\n[Flash]\nOrder=oldest\n"},
			{"w", STM32 "[Image]\nFile=b*\n[Flash]\nOrder=oldest\n"}},
		{"a.bin", "b.bin"}, MATCH_TWO_FILES, "v", PROFILE_KEY_NONE, 0},
	{"two files, one of them for this board", {{"w", STM32 "[Image]\nFile=b*\n"}},
		{"a.bin", "b.bin"}, MATCH_FLASH, "w", PROFILE_KEY_NONE, 1},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < N(rows); i++) {
		const struct row *row = &rows[i];
		struct scene scene = {0};
		struct match match;
		char names[64];

		for (size_t k = 0; k < MANY && row->profiles[k].name != NULL; k++) {
			scene_add_profile(&scene, &row->profiles[k]);
		}
		for (size_t k = 0; k < MANY && row->files[k] != NULL; k++) {
			scene_add_job(&scene, row->files[k], k);
		}
		scene_add_board(&scene, "1-1");
		match = scene_judge(&scene, 0);
		names_of(&match, names, sizeof(names));
		if (match.kind != row->kind || match.missed != row->missed ||
			strcmp(names, row->profile) != 0 ||
			match.job != (row->job < 0 ? MATCH_NONE : (size_t)row->job)) {
			fail_msg("%s: %s, profile \"%s\", missed %s, job %zd", row->what,
				match_kind_to_string(match.kind), names,
				profile_key_to_string(match.missed), (ssize_t)match.job);
		}
		scene_done(&scene);
	}
}

#define NAMED  STM32 "[Image]\nFile=octopus*.bin\n"
#define MOVED  "[Match]\nId=0483:df11\nPort=1-2\n[Image]\nFile=octopus*.bin\n"
#define ANYONE "[Match]\nPort=1-1\n[Image]\nFile=*.bin\n"

/* Rule 7: a backup a.bin and the profile under which it was saved. */
static const struct saved_row {
	const char *what;
	struct text profiles[MANY];
	const char *saved_by;
	enum match_kind kind;
	const char *profile; /* as of struct row */
} saved_rows[] = {
	{"a file that is no backup", {{"w", NAMED}}, NULL, MATCH_NO_FILE_MEANT, "w/w"},
	{"its own profile, whatever File= says", {{"w", NAMED}}, "w", MATCH_FLASH, "w"},
	{"though another names the file", {{"v", ANYONE}, {"w", NAMED}}, "w", MATCH_FLASH, "w"},
	{"the other way round", {{"w", NAMED}, {"v", ANYONE}}, "w", MATCH_FLASH, "w"},
	{"one of two that fit", {{"v", STM32}, {"w", STM32}}, "w", MATCH_FLASH, "w"},
	{"a shipped one", {{"/rom", STM32}}, "rom", MATCH_FLASH, "rom"},
	{"a shipped one, and the id is written down by now", {{"/rom", STM32}, {"w", STM32}}, "rom",
		MATCH_FLASH, "w"},
	{"a shipped one, and the id is written down for other files",
		{{"/rom", STM32}, {"w", NAMED}}, "rom", MATCH_NO_FILE_MEANT, "w/w"},
	{"a profile that is gone", {{"v", STM32}}, "w", MATCH_FLASH, "v"},
	{"a profile that is gone, and no other serves the file", {{"v", NAMED}}, "w",
		MATCH_NO_FILE_MEANT, "v/v"},
	{"a profile that means another port by now", {{"w", MOVED}, {"v", ANYONE}}, "w",
		MATCH_NO_FILE_MEANT, "v/w"},
	{"a profile that is void by now", {{"w", BROKEN}, {"v", ANYONE}}, "w", MATCH_CONFIG, "w"},
	{"a void profile that means the board, too", {{"v", BROKEN}, {"w", NAMED}}, "w",
		MATCH_CONFIG, "v"},
	{"saved under two, and the board is the second's", {{"v", STM32}, {"w", NAMED}}, "x/w",
		MATCH_FLASH, "w"},
	{"saved under two that both mean the board", {{"v", NAMED}, {"w", NAMED}}, "v/w",
		MATCH_TWO_PROFILES, "v"},
	{"saved under two, one of which means another port", {{"v", MOVED}, {"w", NAMED}}, "v/w",
		MATCH_FLASH, "w"},
	{"saved by hand, under no profile", {{"w", NAMED}}, "", MATCH_NO_FILE_MEANT, "w/w"},
	{"saved by hand, and a profile takes any file", {{"w", STM32}}, "", MATCH_FLASH, "w"},
};

static void test_saved(void **state)
{
	for (size_t i = 0; i < N(saved_rows); i++) {
		const struct saved_row *row = &saved_rows[i];
		struct scene scene = {0};
		struct match match;
		char names[64];

		for (size_t k = 0; k < MANY && row->profiles[k].name != NULL; k++) {
			scene_add_profile(&scene, &row->profiles[k]);
		}
		scene_add_job(&scene, "a.bin", 1);
		scene.jobs[0].saved_by = row->saved_by;
		scene_add_board(&scene, "1-1");
		match = scene_judge(&scene, 0);
		names_of(&match, names, sizeof(names));
		if (match.kind != row->kind || strcmp(names, row->profile) != 0) {
			fail_msg("%s: %s, profile \"%s\"", row->what,
				match_kind_to_string(match.kind), names);
		}
		scene_done(&scene);
	}
}

/* The choice is as clear as for any file, or it is none. */
static void test_saved_and_others(void **state)
{
	const struct text named = {"w", NAMED};
	struct scene scene = {0};

	scene_add_profile(&scene, &named);
	scene_add_board(&scene, "1-1");
	scene_add_job(&scene, "3f2a9c01.bin", 1);
	scene.jobs[0].saved_by = "w";
	scene_add_job(&scene, "klipper.bin", 2);
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_FLASH);
	assert_int_equal(scene_judge(&scene, 0).job, 0);
	scene_add_job(&scene, "octopus.bin", 3);
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_TWO_FILES);
	scene.jobs[2].open = false;
	scene_add_board(&scene, "1-2");
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_TWO_BOARDS);
	assert_int_equal(scene_judge(&scene, 1).kind, MATCH_TWO_BOARDS);
	scene_done(&scene);
}

/* A scene of one shipped profile, boards on 1-1 and 1-2 and the files a.bin and b.bin. */
static struct scene two_of_each(const char *text)
{
	const struct text profile = {"/rom", text};
	struct scene scene = {0};

	scene_add_profile(&scene, &profile);
	scene_add_board(&scene, "1-1");
	scene_add_board(&scene, "1-2");
	scene_add_job(&scene, "a.bin", 20);
	scene_add_job(&scene, "b.bin", 10);
	return scene;
}

static void test_both_are_named(void **state)
{
	const struct text texts[] = {{"v", STM32}, {"w", ANY}};
	struct scene scene = {0};
	struct match match;

	scene_add_profile(&scene, &texts[0]);
	scene_add_profile(&scene, &texts[1]);
	scene_add_board(&scene, "1-1");
	scene_add_job(&scene, "a.bin", 0);
	match = scene_judge(&scene, 0);
	assert_int_equal(match.kind, MATCH_TWO_PROFILES);
	assert_string_equal(match.profile->name, "v");
	assert_string_equal(match.other_profile->name, "w");
	assert_int_equal(match.job, 0);
	scene_done(&scene);
}

static void test_two_files(void **state)
{
	struct scene scene = two_of_each(STM32);
	struct match match;

	scene.n_boards = 1;
	match = scene_judge(&scene, 0);
	assert_int_equal(match.kind, MATCH_TWO_FILES);
	assert_int_equal(match.job, 0);
	assert_int_equal(match.other_job, 1);
	scene.jobs[0].open = false;
	match = scene_judge(&scene, 0);
	assert_int_equal(match.kind, MATCH_FLASH);
	assert_int_equal(match.job, 1);
	scene_done(&scene);
}

static void test_oldest(void **state)
{
	struct scene scene = two_of_each(STM32 "[Flash]\nOrder=oldest\n");
	struct match match;

	scene_add_job(&scene, "c.bin", 15);
	scene.n_boards = 1;
	match = scene_judge(&scene, 0);
	assert_int_equal(match.kind, MATCH_FLASH);
	assert_int_equal(match.job, 1);
	scene.forbidden[0][1] = true;
	match = scene_judge(&scene, 0);
	assert_int_equal(match.kind, MATCH_FLASH);
	assert_int_equal(match.job, 2);
	scene_done(&scene);
}

/* A line of files does not make a choice between boards. */
static void test_oldest_two_boards(void **state)
{
	struct scene scene = two_of_each(STM32 "[Flash]\nOrder=oldest\n");

	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_TWO_BOARDS);
	assert_int_equal(scene_judge(&scene, 1).kind, MATCH_TWO_BOARDS);
	scene_done(&scene);
}

static void test_two_boards(void **state)
{
	struct scene scene = two_of_each(STM32);
	struct match match;

	scene.n_jobs = 1;
	match = scene_judge(&scene, 0);
	assert_int_equal(match.kind, MATCH_TWO_BOARDS);
	assert_int_equal(match.job, 0);
	assert_int_equal(match.other_board, 1);
	assert_string_equal(match.profile->name, "rom");
	match = scene_judge(&scene, 1);
	assert_int_equal(match.kind, MATCH_TWO_BOARDS);
	assert_int_equal(match.other_board, 0);
	scene_done(&scene);
}

/* The second board does not count where it is no candidate. */
static void test_other_board_is_none(void **state)
{
	static const char *const why[] = {"closed", "busy", "may not", "other id", "void profile"};

	for (size_t i = 0; i < N(why); i++) {
		const struct text held = {"w", "[Match]\nPort=1-2\n[Flash]\nOrder=?\n"};
		struct scene scene = two_of_each(STM32);
		struct match match;

		scene.n_jobs = 1;
		scene.boards[1].open = i != 0;
		scene.boards[1].busy = i == 1;
		scene.forbidden[1][0] = i == 2;
		scene.boards[1].device.product = i == 3 ? 0x5740 : 0xdf11;
		if (i == 4) {
			scene_add_profile(&scene, &held);
		}
		match = scene_judge(&scene, 0);
		if (match.kind != MATCH_FLASH) {
			fail_msg("%s: %s", why[i], match_kind_to_string(match.kind));
		}
		scene_done(&scene);
	}
}

static void test_closed(void **state)
{
	struct scene scene = two_of_each(STM32);

	scene.boards[0].open = false;
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_CLOSED);
	scene.boards[0].open = true;
	scene.boards[0].busy = true;
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_CLOSED);
	scene_done(&scene);
}

/* A board on a port that may not be used is not flashed, whatever means it, and is no rival. */
static void test_port_not_allowed(void **state)
{
	struct scene scene = two_of_each(STM32);

	scene.n_jobs = 1;
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_TWO_BOARDS);
	scene.boards[1].forbidden = true;
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_FLASH);
	assert_int_equal(scene_judge(&scene, 1).kind, MATCH_PORT_NOT_ALLOWED);
	assert_null(scene_judge(&scene, 1).profile);
	scene.n_jobs = 0;
	assert_int_equal(scene_judge(&scene, 1).kind, MATCH_PORT_NOT_ALLOWED);
	scene.boards[1].open = false;
	assert_int_equal(scene_judge(&scene, 1).kind, MATCH_CLOSED);
	scene_done(&scene);
}

/* A file that is being inspected is none yet; one that was refused in this visit is there. */
static void test_may(void **state)
{
	struct scene scene = two_of_each(STM32);

	scene.n_boards = scene.n_jobs = 1;
	scene.jobs[0].open = false;
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_WAITING);
	scene.jobs[0].open = true;
	scene.forbidden[0][0] = true;
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_NO_FILE_MEANT);
	assert_int_equal(scene_judge(&scene, 0).missed, PROFILE_KEY_NONE);
	assert_null(scene_judge(&scene, 0).other_profile);
	scene.forbidden[0][0] = false;
	assert_int_equal(scene_judge(&scene, 0).kind, MATCH_FLASH);
	scene_done(&scene);
}

static void test_may_is_optional(void **state)
{
	struct scene scene = two_of_each(STM32);
	struct match_input input;
	struct match match;

	scene.n_boards = scene.n_jobs = 1;
	input = scene_input(&scene);
	input.may = NULL;
	match_judge(&input, 0, &match);
	assert_int_equal(match.kind, MATCH_FLASH);
	scene_done(&scene);
}

static void test_could_be_another(void **state)
{
	static const struct {
		const char *text;
		bool could;
	} places[] = {
		{STM32, true},
		{"[Match]\nPort=1-1\n", false},
		{"[Match]\nPort=1-*\n", true},
		{"[Match]\nPort=1-[12]\n", true},
		{"[Match]\nPort=1-?\n", true},
		{"[Match]\nPort=1-1\nPort=1-2\n", true},
		{"[Match]\nPath=platform-usb-0:1.2\n", false},
		{"[Match]\nPath=platform-*-usb-0:1.2\n", true},
		{"[Match]\nPath=platform-*-usb-0:1.2\nPort=1-1\n", false},
		{"[Match]\nSerial=0123\n", false},
		{"[Match]\nSerial=0123\nSerial=4567\n", true},
		{"[Match]\nSerial=012?\n", true},
		{"[Match]\nSerial=*\n", true},
		{"[Match]\nSerial=STM32FxSTM32\n", true},
		{"[Match]\nSerial=STM32FxSTM32\nPort=1-1\n", false},
		{"[Match]\nSerial=FFFFFFFEFFFF\n", true},
		{"[Match]\nSerial=200364500000\n", true},
		{"[Match]\nSerial=STM32\n", true},
		{"[Match]\nSerial=STM32-7\n", false},
	};

	for (size_t i = 0; i < N(places); i++) {
		const struct text text = {"w", places[i].text};
		struct profile *profile = make_profile(&text);

		if (match_could_be_another(profile) != places[i].could) {
			fail_msg("%s", places[i].text);
		}
		profile_free(profile);
	}
}

static void test_words(void **state)
{
	for (int i = 0; i < _MATCH_KIND_MAX; i++) {
		assert_true(strlen(match_kind_to_string((enum match_kind)i)) > 0);
	}
}

/* The rules again, for the random scenes. */

static bool rule_is_named(const struct scene *s, const char *file)
{
	bool named = false;

	for (size_t i = 0; i < s->n_profiles; i++) {
		const struct profile *p = s->profiles[i];

		named |= p->origin == PROFILE_WRITTEN && p->files.n > 0 &&
			 profile_matches_file(p, file);
	}
	return named;
}

static bool rule_serves(const struct scene *s, const struct profile *p,
	const struct profile_device *device, const char *file)
{
	bool id_is_named = false;

	for (size_t i = 0; i < s->n_profiles; i++) {
		id_is_named |= profile_names_id(s->profiles[i], device->vendor, device->product);
	}
	if (p->is_void || profile_misses_device(p, device) != PROFILE_KEY_NONE ||
		!profile_matches_file(p, file)) {
		return false;
	}
	if (p->origin == PROFILE_SHIPPED) {
		return !id_is_named && !rule_is_named(s, file);
	}
	return p->files.n > 0 || !rule_is_named(s, file);
}

static bool rule_is_held(const struct scene *s, const struct profile_device *device)
{
	bool held = false;

	for (size_t i = 0; i < s->n_profiles; i++) {
		held |= s->profiles[i]->is_void &&
			profile_misses_device(s->profiles[i], device) == PROFILE_KEY_NONE;
	}
	return held;
}

/* How many profiles fit the pair, of the origin that counts; *ret is one of them. */
static size_t rule_pair(const struct scene *s, size_t board, size_t job, const struct profile **ret)
{
	const struct match_board *b = &s->boards[board];
	size_t n[2] = {0, 0};

	*ret = NULL;
	if (!b->open || b->busy || b->forbidden || !s->jobs[job].open || s->forbidden[board][job] ||
		rule_is_held(s, &b->device)) {
		return 0;
	}
	for (size_t i = 0; i < s->n_profiles; i++) {
		const struct profile *p = s->profiles[i];

		if (rule_serves(s, p, &b->device, s->jobs[job].name)) {
			n[p->origin]++;
			if (*ret == NULL || p->origin > (*ret)->origin) {
				*ret = p;
			}
		}
	}
	return n[PROFILE_WRITTEN] > 0 ? n[PROFILE_WRITTEN] : n[PROFILE_SHIPPED];
}

/* Whether exactly this pair may be flashed. */
static bool rule_flashes(const struct scene *s, size_t board, size_t job)
{
	const struct profile *mine;
	const struct profile *other;

	if (rule_pair(s, board, job, &mine) != 1) {
		return false;
	}
	for (size_t i = 0; i < s->n_boards; i++) {
		if (i != board && rule_pair(s, i, job, &other) > 0) {
			return false;
		}
	}
	for (size_t i = 0; i < s->n_jobs; i++) {
		const size_t n = i == job ? 0 : rule_pair(s, board, i, &other);

		if (n > 1 || (n == 1 && (other != mine || !mine->oldest_first ||
						s->jobs[i].arrived_us < s->jobs[job].arrived_us))) {
			return false;
		}
	}
	return true;
}

static unsigned dice(uint64_t *seed, unsigned sides)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % sides;
}

static void scene_roll(struct scene *s, uint64_t *seed)
{
	static const char *const matches[] = {"Id=0483:df11\n", "Id=*:*\n",
		"Id=0483:df11\nPort=1-1\n", "Port=1-2\n", "Id=1209:*\n", "Port=1-*\nId=0483:*\n"};
	static const char *const files[] = {"", "[Image]\nFile=a*\n", "[Image]\nFile=*.bin\n"};
	static const char *const flashes[] = {
		"", "[Flash]\nOrder=oldest\n", "", "", "[Flash]\nOrder=?\n"};
	static const char *const names[] = {"a.bin", "b.bin", "c.hex", "ab.bin"};
	static const char *const ports[] = {"1-1", "1-2", "1-3"};
	const size_t n_profiles = dice(seed, MANY + 1);
	const size_t n_boards = 1 + dice(seed, 3);
	const size_t n_jobs = dice(seed, MANY + 1);

	for (size_t i = 0; i < n_profiles; i++) {
		char text[256];
		const struct text profile = {dice(seed, 2) ? "w" : "/s", text};

		snprintf(text, sizeof(text), "[Match]\n%s%s%s", matches[dice(seed, N(matches))],
			files[dice(seed, N(files))], flashes[dice(seed, N(flashes))]);
		scene_add_profile(s, &profile);
	}
	for (size_t i = 0; i < n_boards; i++) {
		scene_add_board(s, ports[i]);
		s->boards[i].open = dice(seed, 8) != 0;
		s->boards[i].busy = dice(seed, 8) == 0;
		s->boards[i].forbidden = dice(seed, 8) == 0;
		s->boards[i].device.vendor = dice(seed, 3) ? 0x0483 : 0x1209;
	}
	for (size_t i = 0; i < n_jobs; i++) {
		scene_add_job(s, names[i], 1 + i * 7 % 5);
		s->jobs[i].open = dice(seed, 8) != 0;
		for (size_t k = 0; k < n_boards; k++) {
			s->forbidden[k][i] = dice(seed, 8) == 0;
		}
	}
}

static void check_random(const struct scene *s, uint64_t seed, size_t *n_flashes)
{
	size_t given[MANY] = {0};

	for (size_t i = 0; i < s->n_boards; i++) {
		const struct match match = scene_judge(s, i);
		bool any = false;

		for (size_t k = 0; k < s->n_jobs; k++) {
			any |= rule_flashes(s, i, k);
		}
		if (any != (match.kind == MATCH_FLASH)) {
			fail_msg("seed %llu, board %zu: %s", (unsigned long long)seed, i,
				match_kind_to_string(match.kind));
		}
		if (match.kind == MATCH_FLASH) {
			const struct profile *profile;

			assert_true(rule_flashes(s, i, match.job));
			(void)rule_pair(s, i, match.job, &profile);
			assert_ptr_equal(match.profile, profile);
			assert_false(match.profile->is_void);
			assert_int_equal(given[match.job]++, 0);
			(*n_flashes)++;
		}
		assert_true(
			(match.kind == MATCH_CLOSED) == (!s->boards[i].open || s->boards[i].busy));
		assert_true((match.kind == MATCH_PORT_NOT_ALLOWED) ==
			    (s->boards[i].open && !s->boards[i].busy && s->boards[i].forbidden));
	}
}

static void test_random(void **state)
{
	size_t n_flashes = 0;

	for (uint64_t round = 1; round <= 20000; round++) {
		struct scene scene = {0};
		uint64_t seed = round * 977;

		scene_roll(&scene, &seed);
		check_random(&scene, round, &n_flashes);
		scene_done(&scene);
	}
	assert_true(n_flashes > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_saved),
		cmocka_unit_test(test_saved_and_others),
		cmocka_unit_test(test_both_are_named),
		cmocka_unit_test(test_two_files),
		cmocka_unit_test(test_oldest),
		cmocka_unit_test(test_oldest_two_boards),
		cmocka_unit_test(test_two_boards),
		cmocka_unit_test(test_other_board_is_none),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_port_not_allowed),
		cmocka_unit_test(test_may),
		cmocka_unit_test(test_may_is_optional),
		cmocka_unit_test(test_could_be_another),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
