/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/ini.h"
#include "config/settings.h"
#include "files.h"

struct profile;

/*
 * All that the person said, read as a whole: dfud.conf, its drop-ins, the profiles. A reload reads
 * anew and then takes the old one's place.
 */

struct configuration {
	struct settings settings;
	struct profile **profiles; /* owned; by file name, void ones among them */
	size_t n_profiles;
};

#define CONFIGURATION_INIT                                                                         \
	{                                                                                          \
		0                                                                                  \
	}

enum configuration_state {
	CONFIGURATION_GOOD,
	CONFIGURATION_VOID_PROFILES, /* usable; devices of the void profiles wait */
	CONFIGURATION_UNUSABLE, /* dfud.conf, a drop-in or a whole folder: keep the old, or exit 78
				 */
	_CONFIGURATION_STATE_MAX,
};

/* /etc/dfud and /run/dfud (written), /usr/lib/dfud (shipped). */
extern const struct files_folder configuration_folders[];

/*
 * Reads everything, also behind a problem, so that all of them are told at once. 0 and *ret_state
 * set, *ret too unless unusable; -ENOMEM. problems begins empty and is filled unless the state is
 * good. Blocks while the files are read.
 */
int configuration_load(struct configuration *ret, const struct files_folder *folders,
	struct config_problems *problems, enum configuration_state *ret_state);
void configuration_done(struct configuration *configuration);
