/* SPDX-License-Identifier: MIT */
/*
 * A file and a board meet, in every order, and the board comes back as expected (design, sections 4
 * and 6).
 */

#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "scene.h"

static void expect_returned(struct bed *bed, struct host_port *port, const struct firmware *image)
{
	scene_verdict(bed, "DFUD_VERDICT=returned");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image->bytes, image->size));
	scene_settled(bed, "done", "klipper.bin");
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
	assert_int_equal(bed_counts(bed, port).violations, 0);
	assert_int_equal(bed_counts(bed, port).leaves, 1);
}

static void test_board_first(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;

	scene_start(bed);
	port = scene_board(bed, "1-1", NULL);
	scene_entry(bed, "DFUD_EVENT=appeared", "DFUD_PORT=1-1");
	scene_drop(bed, "klipper.bin", &image);
	expect_returned(bed, port, &image);
}

static void test_file_first(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	port = scene_board(bed, "1-1.2", NULL);
	expect_returned(bed, port, &image);
}

static void test_both_before_the_daemon(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_drop(bed, "klipper.bin", &image);
	scene_start(bed);
	expect_returned(bed, port, &image);
}

/* One verdict entry is a row of a database. */
static void test_verdict_has_its_fields(void **state)
{
	static const char *const numbers[] = {"DFUD_BYTES_ERASED", "DFUD_BYTES_WRITTEN",
		"DFUD_ERASE_MS", "DFUD_WRITE_MS", "DFUD_VERIFY_MS", "DFUD_RETURN_MS",
		"DFUD_TOTAL_MS"};
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *verdict;
	char by_id[256], *end;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=returned");
	scene_field(verdict, "PRIORITY", "5");
	scene_field(verdict, "DFUD_PROFILE", "octopus");
	scene_field(verdict, "DFUD_PORT", "1-1");
	scene_field(verdict, "DFUD_PATH", "pci-0000:00:14.0-usb-0:1");
	scene_field(verdict, "DFUD_USB_ID", "0483:df11");
	scene_field(verdict, "DFUD_USB_SERIAL", "STM32FxSTM32");
	scene_field(verdict, "DFUD_FILE", "klipper.bin");
	scene_field(verdict, "DFUD_ADDRESS", "0x08000000");
	scene_field(verdict, "DFUD_SIZE", "44388");
	scene_field(verdict, "DFUD_FLASH", "written");
	scene_field(verdict, "DFUD_RETURN", "as-expected");
	scene_field(verdict, "DFUD_END", "completed");
	scene_field(verdict, "DFUD_VERIFIED", "read-back");
	scene_field(verdict, "DFUD_RETURN_ID", "1d50:614e");
	host_by_id(bed->host, port, by_id, sizeof(by_id));
	scene_field(verdict, "DFUD_TTY", by_id);
	assert_int_equal(strlen(entry_get(verdict, "DFUD_ATTEMPT")), 32);
	assert_int_equal(strlen(entry_get(verdict, "DFUD_SHA256")), 64);
	assert_int_equal(strlen(entry_get(verdict, "MESSAGE_ID")), 32);
	assert_null(entry_get(verdict, "DFUD_REASON"));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const char *value = entry_get(verdict, numbers[i]);

		assert_non_null(value);
		strtoull(value, &end, 10);
		assert_true(end > value && *end == 0);
	}
}

/* Each line of an attempt carries its id. */
static void test_attempt_is_one_id(void **state)
{
	static const char *const events[] = {"flashing", "flashed", "verdict", "settled"};
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	char id[64];

	scene_board(bed, "1-1", NULL);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	snprintf(id, sizeof(id), "DFUD_ATTEMPT=%s",
		entry_get(scene_verdict(bed, "DFUD_ATTEMPT="), "DFUD_ATTEMPT"));
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		char event[64];

		snprintf(event, sizeof(event), "DFUD_EVENT=%s", events[i]);
		scene_entry(bed, event, id);
		assert_int_equal(bed_count(bed, event), 1);
	}
}

static void test_board_that_holds_it_is_unchanged(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = bed_board(bed, "1-1", NULL, false);
	const struct entry *verdict;

	scene_preload(bed, port, SCENE_FLASH, &image);
	host_plug(bed->host, port, true);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	verdict = scene_verdict(bed, "DFUD_VERDICT=unchanged");
	scene_field(verdict, "DFUD_FLASH", "unchanged");
	scene_field(verdict, "DFUD_RETURN", "as-expected");
	scene_untouched(bed, port);
	scene_settled(bed, "done", "klipper.bin");
	assert_int_equal(host_presence(bed->host, port), BOARD_RUNTIME);
}

/* What the shipped profile is there for: no configuration at all. */
static void test_shipped_profile_flashes_what_is_certain(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	expect_returned(bed, port, &image);
}

static void test_image_at_an_offset_keeps_what_is_before_it(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware loader = scene_image(SCENE_FLASH, 2);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port;

	loader.size = SCENE_OFFSET - SCENE_FLASH;
	scene_profile(bed, SCENE_MATCH "[Image]\nAddress=0x08008000\n[Flash]\n"
				       "Protect=0x08000000-0x08007fff\n" SCENE_RETURN);
	port = scene_board(bed, "1-1", NULL);
	scene_preload(bed, port, SCENE_FLASH, &loader);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_ADDRESS=0x08008000");
	assert_true(bed_flash_equals(bed, port, SCENE_OFFSET, image.bytes, image.size));
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, loader.bytes, loader.size));
}

/* A board serves one file after the other, each on a visit of its own. */
static void test_second_file_on_a_second_visit(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware first = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_FLASH, 2);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &first);
	scene_entry(bed, "DFUD_EVENT=settled");
	bed_forget(bed);
	host_unplug(bed->host, port);
	scene_drop(bed, "klipper.bin", &second);
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=returned");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, second.bytes, second.size));
}

static void test_other_devices_are_never_opened(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options vendor = {.plain = true, .vendor = 0x2e8a, .product = 0x0003};
	struct board_options foreign = {.vendor = 0x1eaf, .product = 0x0003};
	struct host_port *plain, *other, *port;

	plain = scene_board(bed, "1-3", &vendor);
	other = scene_board(bed, "1-2", &foreign);
	scene_start(bed);
	port = scene_board(bed, "1-1", NULL);
	scene_drop(bed, "klipper.bin", &image);
	expect_returned(bed, port, &image);
	assert_int_equal(host_opens(bed->host, plain), 0);
	assert_int_equal(host_opens(bed->host, other), 0);
}

/* A golden line as a pattern: <PLACEHOLDER> is anything, all else is itself. */
static void golden_pattern(const char *line, char *ret)
{
	for (; *line && *line != '\n'; line++) {
		if (*line == '<') {
			line = strchr(line, '>');
			assert_non_null(line);
			*ret++ = '*';
			continue;
		}
		if (strchr("[]*?\\", *line)) {
			*ret++ = '\\';
		}
		*ret++ = *line;
	}
	*ret = 0;
}

/* The next thing said of the octopus from entry *number on; NULL: nothing more. */
static const char *octopus_says(struct bed *bed, size_t *number)
{
	const struct entry *entry;

	while ((entry = inbox_at(bed->inbox, (*number)++))) {
		const char *message = entry_get(entry, "MESSAGE");

		if (message && strcmp(entry_get(entry, "PRIORITY"), "7") != 0 &&
			strncmp(message, "octopus: ", strlen("octopus: ")) == 0) {
			return message;
		}
	}
	return NULL;
}

/* The evening of the thread, word for word, as the virtual machine tests it too. */
static void test_golden_text(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware stock =
		scene_program(IMAGE_STYLE_STOCK, SCENE_FLASH, 32464, 1);
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = bed_board(bed, "1-1", NULL, false);
	FILE *golden = fopen(BED_GOLDEN, "re");
	char line[512], pattern[1024];
	size_t number = 0;

	assert_non_null(golden);
	scene_preload(bed, port, SCENE_FLASH, &stock);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued");
	host_plug(bed->host, port, true);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_COLD_BOOT=yes");
	while (fgets(line, sizeof(line), golden)) {
		const char *said = octopus_says(bed, &number);

		golden_pattern(line, pattern);
		if (!said || fnmatch(pattern, said, 0) != 0) {
			bed_print_journal(bed);
			fail_msg("said: %s; golden: %s", said ? said : "nothing", line);
		}
	}
	fclose(golden);
	assert_null(octopus_says(bed, &number));
}

static void test_daemon_ends_cleanly(void **state)
{
	struct bed *bed = *state;
	int status;

	scene_start(bed);
	scene_entry(bed, "DFUD_EVENT=started");
	status = bed_stop(bed, SIGTERM);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	scene_entry(bed, "DFUD_EVENT=stopping");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_board_first),
		SCENE(test_file_first),
		SCENE(test_both_before_the_daemon),
		SCENE(test_verdict_has_its_fields),
		SCENE(test_attempt_is_one_id),
		SCENE(test_board_that_holds_it_is_unchanged),
		SCENE_BARE(test_shipped_profile_flashes_what_is_certain),
		SCENE(test_image_at_an_offset_keeps_what_is_before_it),
		SCENE(test_second_file_on_a_second_visit),
		SCENE(test_other_devices_are_never_opened),
		SCENE(test_golden_text),
		SCENE(test_daemon_ends_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
