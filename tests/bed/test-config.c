/* SPDX-License-Identifier: MIT */
/*
 * Configuration (design, section 5): an error names file, line and key; a bad profile is void and
 * its devices wait; a bad dfud.conf ends the start with 78 and is left aside at a reload.
 */

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "scene.h"

static void test_bad_profile_is_void(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *problem;
	const char *message;

	scene_profile(bed, SCENE_MATCH "[Flash]\nProtekt=0x08000000-0x08007fff\n");
	scene_start(bed);
	problem = scene_entry(bed, "DFUD_EVENT=config-error");
	message = entry_get(problem, "MESSAGE");
	assert_non_null(strstr(message, "50-octopus.conf:4"));
	assert_non_null(strstr(message, "Protekt"));
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_REASON=config", "DFUD_PORT=1-1");
	scene_untouched(bed, port);

	/* mended and reloaded, the board that waited is served */
	bed_forget(bed);
	scene_profile(bed, SCENE_OCTOPUS);
	assert_int_equal(kill(bed->daemon, SIGHUP), 0);
	scene_entry(bed, "DFUD_EVENT=reloaded");
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_PROFILE=octopus");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image.bytes, image.size));
}

static void test_bad_settings_end_the_start(void **state)
{
	struct bed *bed = *state;
	const struct entry *problem;
	int status;

	assert_int_equal(bed_configure(bed, "etc", "dfud.conf", "[Queue]\n\nQuiet=soon\n"), 0);
	status = bed_run(bed);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 78);
	problem = scene_entry(bed, "DFUD_EVENT=config-error");
	assert_non_null(strstr(entry_get(problem, "MESSAGE"), "dfud.conf:3"));
	assert_non_null(strstr(entry_get(problem, "MESSAGE"), "Quiet"));
}

static void test_bad_settings_at_reload_change_nothing(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	scene_start(bed);
	assert_int_equal(bed_configure(bed, "etc", "dfud.conf", "[Queue]\nMaxFileSize=lots\n"), 0);
	assert_int_equal(kill(bed->daemon, SIGHUP), 0);
	scene_entry(bed, "DFUD_EVENT=config-error");
	scene_board(bed, "1-1", NULL);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=returned");
}

/* A new profile takes a board that was refused under the old one, on the same visit. */
static void test_reload_opens_the_visit_again(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_OFFSET, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_verdict(bed, "DFUD_VERDICT=refused", "DFUD_REASON=link-address");
	bed_forget(bed);
	scene_profile(bed, SCENE_MATCH "[Image]\nAddress=0x08008000\n[Return]\nWithin=1s\n");
	assert_int_equal(kill(bed->daemon, SIGHUP), 0);
	scene_verdict(bed, "DFUD_FLASH=written", "DFUD_ADDRESS=0x08008000");
	assert_true(bed_flash_equals(bed, port, SCENE_OFFSET, image.bytes, image.size));
}

/* A link to /dev/null of the same name masks a shipped profile. */
static void test_shipped_profile_can_be_masked(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_mask_shipped(bed);
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=unmatched", "DFUD_PORT=1-1");
	scene_untouched(bed, port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_bad_profile_is_void),
		SCENE(test_bad_settings_end_the_start),
		SCENE(test_bad_settings_at_reload_change_nothing),
		SCENE(test_reload_opens_the_visit_again),
		SCENE_BARE(test_shipped_profile_can_be_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
