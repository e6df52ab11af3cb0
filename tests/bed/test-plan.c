/* SPDX-License-Identifier: MIT */
/*
 * The plan, everywhere the same: dfud --plan, dfud-flash --plan with the options that the profile
 * stands for, and the report of the flash say it in the same lines. Nothing is touched by asking.
 */

#include <signal.h>
#include <stdio.h>

#include "record/finding.h"
#include "scene.h"

#define OUTPUT	  16384
#define AT_OFFSET SCENE_MATCH "[Image]\nFile=*.bin\nAddress=0x08008000\n" SCENE_RETURN

struct said {
	int status;
	char all[OUTPUT];
	char plan[OUTPUT]; /* its lines alone */
};

/* "address     good     ..." */
static bool is_line(const char *line, enum finding_topic *ret_topic, enum finding_result *ret)
{
	char topic[16], result[16];

	if (sscanf(line, "%15[a-z] %15[a-z] ", topic, result) != 2) {
		return false;
	}
	*ret_topic = finding_topic_from_string(topic);
	*ret = finding_result_from_string(result);
	return *ret_topic >= 0 && *ret >= 0;
}

/* The lines of a plan in a text, in their order. */
static void take_plan(const char *text, char *ret)
{
	enum finding_topic topic, before = _FINDING_TOPIC_INVALID;
	enum finding_result result;

	*ret = '\0';
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		if (is_line(text, &topic, &result)) {
			assert_true(topic > before);
			before = topic;
			strncat(ret, text, (size_t)(end + 1 - text));
		}
	}
}

/* Nobody asks a board for a plan and changes it, nor keeps anything of it. */
static void run(struct bed *bed, const char *program, const char *const *args, struct said *ret)
{
	const unsigned n_backups = scene_count_backups(bed);

	ret->status = scene_run(bed, program, args, ret->all, sizeof(ret->all));
	take_plan(ret->all, ret->plan);
	assert_int_equal(scene_count_backups(bed), n_backups);
}

static void write_file(
	struct bed *bed, const char *name, const struct firmware *image, char *ret, size_t size)
{
	assert_int_equal(bed_write(bed, "drop", name, image->bytes, image->size), 0);
	snprintf(ret, size, "%s/drop/%s", bed->root, name);
}

/* dfud --plan, on the bed's configuration. */
static void ask_daemon(struct bed *bed, const char *file, const char *port, struct said *ret)
{
	char state[160], written[128], plan[256], option[64];
	const char *const args[] = {"--worker=" BED_WORKER, state, written,
		"--config-dir=" BED_CONF, plan, port ? option : NULL, NULL};

	snprintf(state, sizeof(state), "--state-dir=%s/state", bed->root);
	snprintf(written, sizeof(written), "--config-dir=%s/etc", bed->root);
	snprintf(plan, sizeof(plan), "--plan=%s", file);
	snprintf(option, sizeof(option), "--port=%s", port ? port : "");
	run(bed, BED_DAEMON, args, ret);
}

static void ask_worker_with(
	struct bed *bed, const char *file, const char *const *options, struct said *ret)
{
	const char *args[16] = {"--plan"};
	size_t n = 1;

	for (; *options; options++) {
		args[n++] = *options;
	}
	args[n++] = file;
	args[n] = NULL;
	run(bed, BED_WORKER, args, ret);
}
#define ask_worker(bed, file, ret, ...)                                                            \
	ask_worker_with(bed, file, (const char *const[]){__VA_ARGS__, NULL}, ret)

static void check_same(struct bed *bed, struct host_port *port, const struct said *daemon,
	const struct said *worker, int status)
{
	assert_int_equal(daemon->status, status);
	assert_int_equal(worker->status, status);
	assert_string_equal(daemon->plan, worker->plan);
	scene_untouched(bed, port);
	assert_int_equal(bed_counts(bed, port).leaves, 0);
	assert_int_equal(bed_counts(bed, port).violations, 0);
	assert_int_equal(host_presence(bed->host, port), BOARD_DFU);
}

/* Every line of it, as a person reads it. */
static void test_every_line(void **state)
{
	static const char lines[] =
		"board       good     0483:df11, \"Internal Flash\" of 524288 bytes in 8 sectors "
		"from 0x08000000; STM32F2, F4 or F72/F73\n"
		"file        good     klipper.bin: raw binary, 44388 bytes, Klipper v0.13.0-730 "
		"for stm32f446xx\n"
		"address     good     0x08008000, where it was linked for certain\n"
		"chip        good     STM32F2, F4 or F72/F73; the file's stack (0x20020000) lies "
		"in its RAM\n"
		"memory      good     0x08008000-0x08012d63 lies in 3 writable sectors of "
		"\"Internal Flash\"\n"
		"protect     good     no sector concerned holds a byte of the 1 protected range\n"
		"bootloader  good     0x08000000 holds Katapult, which stays\n"
		"start       good     after a power cycle the board starts at 0x08000000, which "
		"holds Katapult\n"
		"save        plan     98304 bytes first, 0x08008000-0x0801ffff\n"
		"erase       plan     3 of 8 sectors, 98304 bytes: 0x08008000-0x0801ffff\n"
		"write       plan     44388 bytes from 0x08008000, read back and compared\n"
		"keep        plan     every sector that holds nothing of the file, or holds it "
		"already\n"
		"leave       plan     to 0x08000000, where the board starts after a reset "
		"(Katapult)\n";
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_KATAPULT, SCENE_FLASH, 6000, 7);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon, worker;
	char file[256];

	scene_fill(bed, port);
	scene_preload(bed, port, SCENE_FLASH, &loader);
	scene_profile(bed, AT_OFFSET "[Flash]\nProtect=0x08000000-0x08007fff\n");
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--port=1-1", "--address=0x08008000",
		"--protect=0x08000000-0x08007fff");
	check_same(bed, port, &daemon, &worker, 0);
	assert_string_equal(daemon.plan, lines);
	assert_non_null(strstr(daemon.all, "octopus: the board on port 1-1 would get "));
}

/* A board that holds the file already, under the shipped profile. */
static void test_nothing_to_do(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon, worker;
	char file[256];

	scene_preload(bed, port, SCENE_FLASH, &image);
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--port=1-1", "--address=0x08000000", "--certain");
	check_same(bed, port, &daemon, &worker, 0);
	assert_non_null(
		strstr(daemon.plan, "erase       plan     nothing: the board holds the file"));
	assert_non_null(strstr(daemon.plan, "write       plan     nothing\n"));
	assert_non_null(strstr(daemon.plan, "save        plan     nothing: nothing is erased"));
}

/* What a profile asks for beyond an address. */
static void test_other_treatment(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 9);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon, worker;
	char file[256];

	scene_fill(bed, port);
	scene_preload(bed, port, SCENE_FLASH, &old);
	scene_profile(bed, SCENE_OCTOPUS "[Flash]\nKeepBootloader=yes\nBackup=whole\nLeave=no\n");
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--port=1-1", "--address=0x08000000", "--keep-bootloader",
		"--backup=whole", "--leave=no");
	check_same(bed, port, &daemon, &worker, 0);
	assert_non_null(strstr(
		daemon.plan, "save        plan     524288 bytes first, 0x08000000-0x0807ffff\n"));
	assert_non_null(
		strstr(daemon.plan, "leave       plan     not: the board stays in DFU mode\n"));
	scene_profile(bed, SCENE_OCTOPUS "[Flash]\nBackup=no\nLeave=image\n");
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--port=1-1", "--address=0x08000000", "--backup=no",
		"--leave=image");
	check_same(bed, port, &daemon, &worker, 0);
	assert_non_null(strstr(daemon.plan, "save        plan     nothing"));
}

/* A blank board: what is said of it is said before the flash, too. */
static void test_a_warning_is_no_refusal(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon, worker;
	char file[256];

	scene_profile(bed, AT_OFFSET);
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--port=1-1", "--address=0x08008000");
	check_same(bed, port, &daemon, &worker, 0);
	assert_non_null(strstr(daemon.plan, "start       warning  nothing at 0x08000000 starts"));
}

/* --- refused --- */

/* The check that fails is the last line, and the only one of its kind. */
static void check_refused(const struct said *said, const char *topic, const char *words)
{
	const char *last = said->plan;
	char begin[32];

	assert_true(said->plan[0] != '\0');
	for (const char *next; (next = strchr(last, '\n')) && next[1] != '\0'; last = next + 1) {
		assert_null(memmem(last, (size_t)(next - last), "refused", 7));
	}
	snprintf(begin, sizeof(begin), "%-10s  refused  ", topic);
	assert_int_equal(strncmp(last, begin, strlen(begin)), 0);
	assert_non_null(strstr(last, words));
}

static void check_file(struct bed *bed, const struct firmware *image, const char *const *options,
	const char *topic, const char *words)
{
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon, worker;
	char file[256];

	write_file(bed, "klipper.bin", image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker_with(bed, file, options, &worker);
	check_same(bed, port, &daemon, &worker, 2);
	check_refused(&daemon, topic, words);
}
#define OPTIONS(...) ((const char *const[]){"--port=1-1", __VA_ARGS__, NULL})

static void test_refused_as_a_file(void **state)
{
	uint8_t text[] = "The firmware can be found on our web page, together with its manual.\n";
	const struct firmware image = {text, sizeof(text) - 1};

	check_file(*state, &image, OPTIONS("--address=0x08000000"), "file", "text file");
}

static void test_refused_for_its_address(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);

	check_file(*state, &image, OPTIONS("--address=0x08000000"), "address",
		"linked for 0x08008000 and would not start at 0x08000000");
}

/* Under the shipped profile what is not certain is refused. */
static void test_refused_as_unknown(void **state)
{
	FIRMWARE_CLEANUP struct firmware image =
		scene_program(IMAGE_STYLE_NUTTX, SCENE_FLASH, SCENE_SIZE, 1);

	check_file(*state, &image, OPTIONS("--address=0x08000000", "--certain"), "address",
		"it is not certain that klipper.bin belongs at 0x08000000");
}

static void test_refused_for_its_chip(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	FIRMWARE_CLEANUP struct firmware image = {.size = recipe.size};

	recipe.mcu = "stm32g0b1xx";
	image.bytes = image_make(&recipe);
	assert_non_null(image.bytes);
	check_file(*state, &image, OPTIONS("--address=0x08000000"), "chip",
		"klipper.bin was built for stm32g0b1xx, and this board is another chip (STM32F2, "
		"F4 or F72/F73)");
}

/* A chip with more RAM than any that this board can be. */
static void test_refused_for_its_stack(void **state)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	FIRMWARE_CLEANUP struct firmware image = {.size = recipe.size};

	recipe.style = IMAGE_STYLE_CMSIS;
	recipe.stack = 0x20080000;
	image.bytes = image_make(&recipe);
	assert_non_null(image.bytes);
	check_file(*state, &image, OPTIONS("--address=0x08000000"), "chip",
		"its stack begins at 0x20080000");
}

static void test_refused_for_its_size(void **state)
{
	FIRMWARE_CLEANUP struct firmware image =
		scene_program(IMAGE_STYLE_KLIPPER, SCENE_FLASH, 520 << 10, 1);

	check_file(*state, &image, OPTIONS("--address=0x08000000"), "memory", "does not fit");
}

static void test_refused_for_a_protected_range(void **state)
{
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	scene_profile(*state, SCENE_OCTOPUS "[Flash]\nProtect=0x08008000-0x0800bfff\n");
	check_file(*state, &image,
		OPTIONS("--address=0x08000000", "--protect=0x08008000-0x0800bfff"), "protect",
		"0x08008000");
}

static void test_refused_for_the_loader(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_KATAPULT, SCENE_FLASH, 6000, 7);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon, worker;
	char file[256];

	scene_preload(bed, port, SCENE_FLASH, &loader);
	scene_profile(bed, SCENE_OCTOPUS "[Flash]\nKeepBootloader=yes\n");
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--port=1-1", "--address=0x08000000", "--keep-bootloader");
	check_same(bed, port, &daemon, &worker, 2);
	check_refused(&daemon, "bootloader", "would erase Katapult at 0x08000000");
}

static void test_refused_for_want_of_a_backup(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options blind = {.cold_error = true, .no_upload = true};
	struct host_port *port = scene_board(bed, "1-1", &blind);
	struct said daemon, worker;
	char file[256];

	scene_profile(bed, SCENE_OCTOPUS "[Flash]\nBackup=required\n");
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--port=1-1", "--address=0x08000000", "--backup=required");
	check_same(bed, port, &daemon, &worker, 2);
	check_refused(&daemon, "save", "cannot be read");
}

/* --- the flash itself --- */

static void read_report(struct bed *bed, char *ret, size_t size)
{
	char path[512];
	FILE *file;

	assert_true(bed_wait_file(bed, "done", "report.txt"));
	assert_true(bed_has_file(bed, "done", "report.txt", path, sizeof(path)));
	file = fopen(path, "re");
	assert_non_null(file);
	ret[fread(ret, 1, size - 1, file)] = '\0';
	fclose(file);
}

/* What was announced was done: the report has the same lines. */
static void test_the_report_holds_the_plan(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader =
		scene_program(IMAGE_STYLE_STOCK, SCENE_FLASH, 32464, 7);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon;
	char file[256], report[OUTPUT], plan[OUTPUT];

	scene_fill(bed, port);
	scene_preload(bed, port, SCENE_FLASH, &loader);
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	assert_int_equal(daemon.status, 0);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	scene_settled(bed, "done", "klipper.bin");
	read_report(bed, report, sizeof(report));
	take_plan(report, plan);
	assert_string_equal(plan, daemon.plan);
	assert_int_equal(scene_count_backups(bed), 1);
}

/* Its words up to "--"; they point into the line. */
static void split_command(char *line, const char *ret[static 16])
{
	char *rest = line;
	size_t n = 0;

	assert_string_equal(strsep(&rest, " "), "dfud-flash");
	while (n < 15 && (ret[n] = strsep(&rest, " ")) && strcmp(ret[n], "--") != 0) {
		n++;
	}
	ret[n] = NULL;
	assert_non_null(rest);
	assert_string_equal(rest, "klipper.bin");
}

/* The command that the journal names plans by hand what the daemon had planned. */
static void test_the_command_of_the_journal(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	FIRMWARE_CLEANUP struct firmware before = scene_flash(bed, port);
	struct said daemon, worker;
	const char *words[16];
	char file[256], command[512];

	scene_profile(bed, AT_OFFSET "[Flash]\nBackup=whole\nLeave=no\nKeepBootloader=yes\n"
				     "Protect=0x08000000-0x08003fff\n");
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	assert_int_equal(daemon.status, 0);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=not-expected");
	snprintf(command, sizeof(command), "%s",
		entry_get(scene_entry(bed, "DFUD_EVENT=flashing"), "DFUD_COMMAND"));
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	host_unplug(bed->host, port);
	scene_preload(bed, port, SCENE_FLASH, &before);
	host_plug(bed->host, port, true);
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	split_command(command, words);
	ask_worker_with(bed, file, words, &worker);
	assert_int_equal(worker.status, 0);
	assert_string_equal(worker.plan, daemon.plan);
}

/* --- which board --- */

static void test_two_boards(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *first = scene_board(bed, "1-1", NULL);
	struct host_port *second = scene_board(bed, "1-2", NULL);
	struct said daemon, worker;
	char file[256];

	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	assert_int_equal(daemon.status, 2);
	assert_string_equal(daemon.plan, "");
	assert_non_null(strstr(daemon.all, "1-1"));
	assert_non_null(strstr(daemon.all, "1-2"));
	ask_worker(bed, file, &worker, "--address=0x08000000");
	assert_int_equal(worker.status, 64);
	assert_int_equal(host_opens(bed->host, first) + host_opens(bed->host, second), 0);

	/* the other one is a rival, also where nobody asked about it */
	ask_daemon(bed, file, "1-2", &daemon);
	assert_int_equal(daemon.status, 2);
	assert_string_equal(daemon.plan, "");
	assert_non_null(strstr(daemon.all, "to port 1-2 or to port 1-1"));
	ask_worker(bed, file, &worker, "--port=1-2", "--address=0x08000000");
	assert_int_equal(worker.status, 0);
	assert_int_equal(host_opens(bed->host, first), 0);
}

static void test_no_board(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct said daemon, worker;
	char file[256];

	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--address=0x08000000");
	assert_int_equal(daemon.status, 2);
	assert_int_equal(worker.status, 2);
	assert_non_null(strstr(daemon.all, "no board is in DFU mode"));
	assert_non_null(strstr(worker.all, "no board is in DFU mode"));
	ask_daemon(bed, file, "1-1", &daemon);
	assert_int_equal(daemon.status, 2);
	assert_non_null(strstr(daemon.all, "no board is in DFU mode on port 1-1"));
}

static void test_no_file(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon;

	ask_daemon(bed, "/nowhere/klipper.bin", NULL, &daemon);
	assert_int_equal(daemon.status, 2);
	assert_non_null(strstr(daemon.all, "/nowhere/klipper.bin: No such file"));
	assert_int_equal(host_opens(bed->host, port), 0);
}

/* Nobody knows what it asks for: neither does the plan. */
static void test_a_void_profile(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon;
	char file[256];

	scene_profile(bed, SCENE_MATCH "[Flash]\nProtekt=0x08000000-0x08007fff\n");
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	assert_int_equal(daemon.status, 2);
	assert_string_equal(daemon.plan, "");
	assert_non_null(strstr(daemon.all, "the configuration has errors"));
	assert_non_null(strstr(daemon.all, "octopus"));
	assert_int_equal(host_opens(bed->host, port), 0);
}

/* Under a profile that means other files. */
static void test_another_file_is_meant(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	struct said daemon;
	char file[256];

	scene_profile(bed, SCENE_MATCH "[Image]\nFile=octopus*.bin\nAddress=0x08000000\n");
	write_file(bed, "klipper.bin", &image, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	assert_int_equal(daemon.status, 2);
	assert_non_null(strstr(daemon.all, "File="));
	assert_int_equal(host_opens(bed->host, port), 0);
}

/* Somebody works on it: asked again later. The work is not disturbed. */
static void test_a_board_that_is_busy(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	const struct board_options slow = {.cold_error = true, .speedup = 1};
	struct host_port *port;
	struct said daemon, worker;
	char file[256];

	write_file(bed, "other.bin", &image, file, sizeof(file));
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	port = scene_board(bed, "1-1", &slow);
	scene_wait_blocks(bed, port, 1);
	ask_daemon(bed, file, NULL, &daemon);
	ask_worker(bed, file, &worker, "--port=1-1", "--address=0x08000000");
	assert_int_equal(bed_count(bed, "DFUD_EVENT=flashed"), 0);
	assert_int_equal(daemon.status, 75);
	assert_int_equal(worker.status, 75);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_int_equal(bed_counts(bed, port).violations, 0);
}

/* --- a backup --- */

/* What the flash held before is saved; the digest of it. */
static void save_something(struct bed *bed, struct host_port *port, const struct firmware *image,
	char *ret, size_t size)
{
	scene_start(bed);
	scene_drop(bed, "klipper.bin", image);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	snprintf(ret, size, "%s", entry_get(scene_entry(bed, "DFUD_EVENT=saved"), "DFUD_BACKUP"));
	scene_settled(bed, "done", "klipper.bin");
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
}

/* Known by its bytes, whatever the file is called. */
static void test_a_backup(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware old = scene_image(SCENE_FLASH, 9);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	FIRMWARE_CLEANUP struct firmware before = {0};
	char file[256], folder[128], restore[128], digest[80];
	const char *const args[] = {"--plan", "--port=1-1", folder, restore, NULL};
	struct said daemon, worker;

	scene_preload(bed, port, SCENE_FLASH, &old);
	before = scene_flash(bed, port);
	before.size = 3 * 16384;
	save_something(bed, port, &image, digest, sizeof(digest));
	snprintf(folder, sizeof(folder), "--backup-dir=%s/state/backup", bed->root);
	snprintf(restore, sizeof(restore), "--restore=%.8s", digest);
	write_file(bed, "yesterday.bin", &before, file, sizeof(file));
	ask_daemon(bed, file, NULL, &daemon);
	run(bed, BED_WORKER, args, &worker);
	assert_int_equal(daemon.status, 0);
	assert_int_equal(worker.status, 0);
	assert_string_equal(daemon.plan, worker.plan);
	assert_non_null(
		strstr(daemon.plan, "address     good     0x08000000, where it was saved from\n"));
	assert_non_null(strstr(daemon.plan, ": a backup, 49152 bytes"));
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_every_line),
		SCENE_BARE(test_nothing_to_do),
		SCENE(test_other_treatment),
		SCENE(test_a_warning_is_no_refusal),
		SCENE(test_refused_as_a_file),
		SCENE(test_refused_for_its_address),
		SCENE_BARE(test_refused_as_unknown),
		SCENE(test_refused_for_its_chip),
		SCENE(test_refused_for_its_stack),
		SCENE(test_refused_for_its_size),
		SCENE(test_refused_for_a_protected_range),
		SCENE(test_refused_for_the_loader),
		SCENE(test_refused_for_want_of_a_backup),
		SCENE(test_the_report_holds_the_plan),
		SCENE(test_the_command_of_the_journal),
		SCENE(test_two_boards),
		SCENE(test_no_board),
		SCENE(test_no_file),
		SCENE(test_a_void_profile),
		SCENE(test_another_file_is_meant),
		SCENE(test_a_board_that_is_busy),
		SCENE(test_a_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
