/* SPDX-License-Identifier: MIT */

/* Any text as dfud.conf and as a profile: whatever is accepted keeps the promises of the headers.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/profile.h"
#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static unsigned count_lines(const char *text, size_t size)
{
	unsigned n = 1;

	for (size_t i = 0; i < size; i++) {
		n += text[i] == '\n';
	}
	return n;
}

static void check_problems(const struct config_problems *problems, unsigned n_lines)
{
	MUST(problems->n <= CONFIG_PROBLEMS_MAX);
	MUST(!problems->overflow || problems->n == CONFIG_PROBLEMS_MAX);
	for (size_t i = 0; i < problems->n; i++) {
		const struct config_problem *problem = &problems->items[i];

		MUST(strcmp(problem->file, "50-x.conf") == 0);
		MUST(problem->line <= n_lines);
		MUST(memchr(problem->key, '\0', sizeof(problem->key)));
		MUST(problem->text[0] && memchr(problem->text, '\0', sizeof(problem->text)));
	}
}

static void check_settings(const char *text, size_t size)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct settings settings;

	settings_init(&settings);
	MUST(settings_read(&settings, "50-x.conf", text, size, &problems) == 0);
	MUST(settings.max_file_size >= 1 << 10 && settings.max_file_size <= 1 << 30);
	MUST(settings.expire_after_ms == 0 || settings.expire_after_ms >= 1000);
	MUST(settings.quiet_ms >= 100 && settings.quiet_ms <= 3600000);
	MUST(settings.max_workers >= 1 && settings.max_workers <= 1024);
	MUST(settings.backup_max_size >= 1 << 20 && settings.backup_max_size <= 1ULL << 40);
	MUST(settings.backup_max_count >= 1 && settings.backup_max_count <= 100000);
	(void)globs_match(&settings.allowed_ports, "1-1.2");
	check_problems(&problems, count_lines(text, size));
	config_problems_done(&problems);
	settings_done(&settings);
}

static void check_values(const struct profile *profile)
{
	MUST(strcmp(profile->name, "x") == 0);
	MUST(profile->max_attempts >= 1 && profile->max_attempts <= 100);
	MUST(profile->within_ms >= 1000 && profile->within_ms <= 3600000);
	MUST(profile->has_address || profile->address == 0);
	MUST(!profile->return_none || profile->n_return_ids == 0);
	for (size_t i = 0; i < profile->n_protects; i++) {
		const struct address_range *range = &profile->protects[i];

		MUST(range->first <= range->last);
		MUST(profile->is_void || !profile->has_address || profile->address < range->first ||
			profile->address > range->last);
	}
}

static void check_questions(const struct profile *profile)
{
	static const struct profile_device bare = {.vendor = 0x0483, .product = 0xdf11};
	static const struct profile_device board = {0x0483, 0xdf11, "platform-x-usb-0:1.2", "1-1.2",
		"STM32FxSTM32", "@Internal Flash  /0x08000000/04*016Kg"};
	bool asks = profile->n_ids + profile->paths.n + profile->ports.n + profile->serials.n +
			    profile->layouts.n >
		    0;

	MUST(asks || profile->is_void);
	MUST(asks || profile_misses_device(profile, &bare) == PROFILE_KEY_NONE);
	MUST(profile_misses_device(profile, &board) < PROFILE_KEY_FILE);
	MUST(profile_names_files(profile) || profile_matches_file(profile, "klipper.bin"));
	(void)profile_matches_file(profile, "klipper.bin");
	(void)profile_expects(profile, 0x1d50, 0x614e);
}

static void check_profile(const char *text, size_t size)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct profile *profile;

	MUST(profile_read(&profile, "50-x.conf", PROFILE_WRITTEN, text, size, &problems) == 0);
	MUST((profile && profile->is_void) == (problems.n > 0));
	if (profile) {
		check_values(profile);
		check_questions(profile);
		profile_free(profile);
	}
	check_problems(&problems, count_lines(text, size));
	config_problems_done(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_settings((const char *)data, size);
	check_profile((const char *)data, size);
	return 0;
}
