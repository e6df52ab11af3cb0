/* SPDX-License-Identifier: MIT */

/* The words of the fronts: options, commands, the log and the flash in files. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "board-control.h"
#include "dfu/dfu.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Takes all words; what board_arguments_take() said last. */
static int take(struct board_arguments *arguments, int argc, const char *const *words)
{
	int index = 0, r = 1;

	*arguments = (struct board_arguments)BOARD_ARGUMENTS_INIT;
	while (index < argc && r == 1) {
		r = board_arguments_take(arguments, argc, (char **)words, &index);
	}
	assert_true(r != 1 || index == argc);
	return r;
}

static void test_options(void **state)
{
	static const char *const words[] = {"--id", "28e9:0189", "--run-id=1209:ABCD", "--layout",
		"@F/0x0/1*1Kg", "--serial", "S1", "--cold-error", "--answers-leave", "--no-upload",
		"--read-protected", "--boot", "flaps", "--boot-ms", "50", "--speedup=8", "--start",
		"runtime", "--fault", "status,dnload,erase,2,1,4", "--fault", "busy",
		"--transfer-size", "0x400", "--flash", "a", "--dump", "b", "--log", "c",
		"--control", "d"};
	struct board_arguments arguments;
	const struct board_options *options = &arguments.options;

	assert_int_equal(take(&arguments, N(words), words), 1);
	assert_int_equal(options->vendor, 0x28e9);
	assert_int_equal(options->product, 0x0189);
	assert_int_equal(options->run_product, 0xabcd);
	assert_string_equal(options->layout, "@F/0x0/1*1Kg");
	assert_string_equal(options->serial, "S1");
	assert_true(options->cold_error && options->answers_leave && options->no_upload);
	assert_true(options->read_protected && options->runs_at_start);
	assert_int_equal(options->boot, BOARD_FLAPS);
	assert_int_equal(options->boot_ms, 50);
	assert_int_equal(options->speedup, 8);
	assert_int_equal(options->transfer_size, 1024);
	assert_int_equal(arguments.start, BOARD_START_RUNTIME);
	assert_int_equal(options->faults[0].kind, BOARD_FAULT_STATUS);
	assert_int_equal(options->faults[0].request, DFU_DNLOAD);
	assert_int_equal(options->faults[0].command, DFUSE_ERASE);
	assert_int_equal(options->faults[0].nth, 2);
	assert_int_equal(options->faults[0].times, 1);
	assert_int_equal(options->faults[0].value, 4);
	assert_int_equal(options->faults[1].kind, BOARD_FAULT_BUSY);
	assert_int_equal(options->faults[1].request, -1);
	assert_int_equal(options->faults[1].command, -1);
	assert_string_equal(arguments.flash, "a");
	assert_string_equal(arguments.dump, "b");
	assert_string_equal(arguments.log, "c");
	assert_string_equal(arguments.control, "d");
}

static void test_bad_options(void **state)
{
	static const char *const bad[][2] = {
		{"--boot", "nowhere"},
		{"--start", ""},
		{"--id", "483"},
		{"--id", "0483:df11x"},
		{"--speedup", "-1"},
		{"--speedup", "1x"},
		{"--speedup", "99999999999"},
		{"--transfer-size", "65536"},
		{"--fault", "stall,nothing"},
		{"--fault", "stall,any,any,0,0,0,0"},
		{"--fault", "explode"},
	};
	static const char *const no_value[] = {"--serial"};
	static const char *const foreign[] = {"--port", "1"};
	struct board_arguments arguments;

	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(take(&arguments, 2, bad[i]), -EINVAL);
	}
	assert_int_equal(take(&arguments, 1, no_value), -EINVAL);
	assert_int_equal(take(&arguments, 2, foreign), 0);
}

/* --- commands --- */

struct desk {
	struct board *board;
	uint64_t now;
	char folder[64], path[128];
	bool quit;
};

static int setup(void **state)
{
	static struct desk desk;
	const struct board_options options = {0};

	desk = (struct desk){.board = board_new(&options), .folder = "/tmp/test-control-XXXXXX"};
	if (!desk.board || !mkdtemp(desk.folder)) {
		return -1;
	}
	(void)snprintf(desk.path, sizeof(desk.path), "%s/file", desk.folder);
	*state = &desk;
	return 0;
}

static int teardown(void **state)
{
	struct desk *desk = *state;

	board_free(desk->board);
	(void)unlink(desk->path);
	return rmdir(desk->folder);
}

/* The answer; valid until the next call. */
static const char *say(struct desk *desk, const char *line)
{
	static char text[4096];
	FILE *answer = fmemopen(text, sizeof(text), "w");

	assert_non_null(answer);
	memset(text, 0, sizeof(text));
	desk->quit = board_command(desk->board, desk->now, line, answer);
	(void)fclose(answer);
	return text;
}

static void test_hands(void **state)
{
	struct desk *desk = *state;

	assert_string_equal(say(desk, "presence"), "dfu visits=1\nok\n");
	assert_string_equal(say(desk, "unplug"), "ok\n");
	assert_string_equal(say(desk, "presence"), "absent visits=1\nok\n");
	assert_string_equal(say(desk, "plug dfu"), "ok\n");
	assert_string_equal(say(desk, "presence"), "dfu visits=2\nok\n");
	assert_string_equal(say(desk, "boot deaf"), "ok\n");
	assert_string_equal(say(desk, "plug run"), "ok\n");
	assert_string_equal(say(desk, "presence"), "run-time visits=3 deaf\nok\n");
	assert_false(desk->quit);
	assert_string_equal(say(desk, "quit"), "ok\n");
	assert_true(desk->quit);
}

static void test_bad_commands(void **state)
{
	static const char *const bad[] = {"", " ", "dance", "plug", "plug in", "unplug now",
		"boot moon", "fault", "fault dance", "fault stall 4", "fault stall -1",
		"fault stall 0 0", "dump", "load /nonexistent/file", "dump /nonexistent/file"};
	struct desk *desk = *state;

	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(strncmp(say(desk, bad[i]), "error ", 6), 0);
		assert_false(desk->quit);
	}
	assert_string_equal(say(desk, "presence"), "dfu visits=1\nok\n");
}

static enum board_answer get_state(struct desk *desk, uint8_t request)
{
	const struct board_setup setup = {.type = DFU_TYPE_IN, .request = request, .length = 6};
	uint8_t data[6];
	uint16_t length;
	enum board_answer answer =
		board_control(desk->board, desk->now, &setup, data, &length, &desk->now);

	return answer;
}

static void test_faults_and_counts(void **state)
{
	struct desk *desk = *state;

	assert_string_equal(say(desk, "fault stall,getstatus,any,0,1 3"), "ok\n");
	assert_int_equal(get_state(desk, DFU_GETSTATUS), BOARD_STALL);
	assert_int_equal(get_state(desk, DFU_GETSTATUS), BOARD_ACK);
	assert_non_null(strstr(say(desk, "counts"), "transfers=2\nget_status=2\n"));
	assert_non_null(strstr(say(desk, "counts"), "\nforeign_writes=0\nok\n"));
	assert_string_equal(say(desk, "fault stall,any 3"), "ok\n");
	assert_string_equal(say(desk, "fault none 3"), "ok\n");
	assert_int_equal(get_state(desk, DFU_GETSTATUS), BOARD_ACK);
	assert_string_equal(say(desk, "forget"), "ok\n");
	assert_non_null(strstr(say(desk, "counts"), "transfers=0\n"));
}

static void test_steps(void **state)
{
	const struct board_setup upload = {
		.type = DFU_TYPE_IN, .request = DFU_UPLOAD, .value = 3, .length = 16};
	struct desk *desk = *state;
	uint8_t data[16];
	uint16_t length;

	assert_int_equal(board_control(desk->board, desk->now, &upload, data, &length, &desk->now),
		BOARD_ACK);
	assert_string_equal(say(desk, "steps"), "read 0x08000800 16\nok\n");
}

static void test_flash_in_files(void **state)
{
	struct desk *desk = *state;
	size_t size;
	uint8_t *flash = board_flash(desk->board, &size);
	char line[256];
	FILE *file;

	flash[0] = 1;
	flash[size - 1] = 2;
	(void)snprintf(line, sizeof(line), "dump %s", desk->path);
	assert_string_equal(say(desk, line), "ok\n");
	flash[0] = 0;
	flash[size - 1] = 0;
	(void)snprintf(line, sizeof(line), "load %s", desk->path);
	assert_string_equal(say(desk, line), "ok\n");
	assert_int_equal(flash[0], 1);
	assert_int_equal(flash[size - 1], 2);

	file = fopen(desk->path, "a");
	assert_non_null(file);
	(void)fputc('x', file);
	(void)fclose(file);
	assert_string_equal(say(desk, line), "error File too large\n");
}

static void test_watch(void **state)
{
	struct desk *desk = *state;
	struct board_arguments arguments = BOARD_ARGUMENTS_INIT;
	struct board_watch watch = BOARD_WATCH_INIT;
	char text[1024] = "";
	FILE *file;

	arguments.log = desk->path;
	assert_int_equal(board_watch_init(&watch, &arguments), 0);
	board_watch_look(&watch, desk->board, 1000000);
	board_watch_look(&watch, desk->board, 1500000);
	board_unplug(desk->board, 2000000);
	board_watch_look(&watch, desk->board, 2000000);
	board_plug(desk->board, 2500001, true);
	board_watch_look(&watch, desk->board, 2500001);
	board_watch_done(&watch, desk->board, 3000000);
	file = fopen(desk->path, "r");
	assert_non_null(file);
	(void)fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	assert_non_null(strstr(text, "1.000000 attached dfu visit=1\n"
				     "2.000000 detached\n"
				     "2.500001 attached dfu visit=2\n"
				     "3.000000 counts transfers=0 get_status=0 "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_bad_options),
		TEST(test_hands),
		TEST(test_bad_commands),
		TEST(test_faults_and_counts),
		TEST(test_steps),
		TEST(test_flash_in_files),
		TEST(test_watch),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
