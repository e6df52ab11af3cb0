/* SPDX-License-Identifier: MIT */
/*
 * Loading the configuration: which files there are (files.h) and what they say (config/).
 *
 * The settings come first, so that any problem that is listed by then is one of the settings; what
 * the profiles add later makes devices wait but stops nothing. A profile that cannot be read is
 * void and every device is its own, since nobody knows which it names. A folder that cannot be
 * listed may hold any profile: that is no smaller harm than a faulty dfud.conf. Section 5 of the
 * design.
 */
#include "configuration.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/profile.h"

#ifndef DFUD_SHIPPED_FOLDER
#define DFUD_SHIPPED_FOLDER "/usr/lib/dfud"
#endif

const struct files_folder configuration_folders[] = {
	{"/etc/dfud", true},
	{"/run/dfud", true},
	{DFUD_SHIPPED_FOLDER, false},
	{NULL, false},
};

static bool configuration_has_problems(const struct config_problems *problems)
{
	return problems->n > 0 || problems->overflow;
}

static void configuration_complain(struct config_problems *problems, const char *path, int error)
{
	switch (error) {
	case -EFBIG:
		config_problems_add(
			problems, path, 0, "", "the file is larger than %zu bytes", FILES_SIZE_MAX);
		break;
	case -EISDIR:
	case -ENXIO:
		config_problems_add(problems, path, 0, "", "this is no regular file");
		break;
	case -ENOENT:
		config_problems_add(
			problems, path, 0, "", "this is a link to nothing, or it is gone");
		break;
	default:
		config_problems_add(problems, path, 0, "", "cannot be read: %s", strerror(-error));
		break;
	}
}

static int configuration_find(struct files *ret, const struct files_folder *folders,
	const char *subfolder, struct config_problems *problems, bool *ret_is_found)
{
	char *folder = NULL;
	int r = files_find_all(ret, folders, subfolder, &folder);

	*ret_is_found = r == 0;
	if (r < 0 && folder) {
		configuration_complain(problems, folder, r);
		free(folder);
		return 0;
	}
	return r;
}

/* *demanding becomes the file that asks for signatures. */
static int configuration_read_settings(struct settings *settings, const struct files *files,
	struct config_problems *problems, const char **demanding)
{
	for (size_t i = 0; i < files->n; i++) {
		const char *path = files->items[i].path;
		bool was_required = settings->require_signature;
		size_t size;
		char *text;
		int r = files_read(path, &text, &size);

		if (r == -ENOMEM) {
			return r;
		}
		if (r < 0) {
			configuration_complain(problems, path, r);
			continue;
		}
		r = settings_read(settings, path, text, size, problems);
		free(text);
		if (r < 0) {
			return r;
		}
		*demanding = was_required ? *demanding : path;
	}
	return 0;
}

static int configuration_load_settings(
	struct settings *ret, const struct files_folder *folders, struct config_problems *problems)
{
	struct files first __attribute__((cleanup(files_done))) = FILES_INIT;
	struct files drop_ins __attribute__((cleanup(files_done))) = FILES_INIT;
	const char *demanding = "";
	bool is_found;
	int r;

	settings_init(ret);
	r = files_find_first(&first, folders, "dfud.conf");
	if (r == 0) {
		r = configuration_read_settings(ret, &first, problems, &demanding);
	}
	if (r == 0) {
		r = configuration_find(&drop_ins, folders, "dfud.conf.d", problems, &is_found);
	}
	if (r == 0) {
		r = configuration_read_settings(ret, &drop_ins, problems, &demanding);
	}
	if (r == 0 && !configuration_has_problems(problems)) {
		settings_check(ret, demanding, problems);
	}
	return r;
}

/* *ret is NULL where the file says nothing. */
static int configuration_read_profile(
	struct profile **ret, const struct files_entry *entry, struct config_problems *problems)
{
	enum profile_origin origin = entry->is_written ? PROFILE_WRITTEN : PROFILE_SHIPPED;
	size_t size;
	char *text;
	int r = files_read(entry->path, &text, &size);

	if (r == -ENOMEM) {
		return r;
	}
	if (r < 0) {
		configuration_complain(problems, entry->path, r);
		return profile_unreadable(ret, entry->path, origin);
	}
	r = profile_read(ret, entry->path, origin, text, size, problems);
	free(text);
	return r;
}

/* Two profiles of one name: the journal could not tell them apart. */
static void configuration_check_name(const struct configuration *configuration,
	struct profile *profile, struct config_problems *problems)
{
	for (size_t i = 0; i < configuration->n_profiles; i++) {
		const struct profile *other = configuration->profiles[i];

		if (strcmp(other->name, profile->name) == 0) {
			config_problems_add(problems, profile->file, 0, "",
				"%.100s makes a profile named %.60s too; rename one of them",
				other->file, profile->name);
			profile->is_void = true;
			return;
		}
	}
}

static int configuration_read_profiles(struct configuration *configuration,
	const struct files *files, struct config_problems *problems)
{
	configuration->profiles = calloc(files->n + 1, sizeof(*configuration->profiles));
	if (!configuration->profiles) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < files->n; i++) {
		struct profile *profile;
		int r = configuration_read_profile(&profile, &files->items[i], problems);

		if (r < 0) {
			return r;
		}
		if (profile) {
			configuration_check_name(configuration, profile, problems);
			configuration->profiles[configuration->n_profiles++] = profile;
		}
	}
	return 0;
}

static int configuration_load_profiles(struct configuration *configuration,
	const struct files_folder *folders, struct config_problems *problems, bool *ret_is_found)
{
	struct files files __attribute__((cleanup(files_done))) = FILES_INIT;
	int r = configuration_find(&files, folders, "boards.d", problems, ret_is_found);

	return r < 0 ? r : configuration_read_profiles(configuration, &files, problems);
}

int configuration_load(struct configuration *ret, const struct files_folder *folders,
	struct config_problems *problems, enum configuration_state *ret_state)
{
	struct configuration new __attribute__((cleanup(configuration_done))) = CONFIGURATION_INIT;
	bool is_unusable, is_found;
	int r;

	assert(!configuration_has_problems(problems));
	r = configuration_load_settings(&new.settings, folders, problems);
	if (r < 0) {
		return r;
	}
	is_unusable = configuration_has_problems(problems);
	r = configuration_load_profiles(&new, folders, problems, &is_found);
	if (r < 0) {
		return r;
	}
	if (is_unusable || !is_found) {
		*ret_state = CONFIGURATION_UNUSABLE;
		return 0;
	}
	*ret_state = configuration_has_problems(problems) ? CONFIGURATION_VOID_PROFILES
							  : CONFIGURATION_GOOD;
	*ret = new;
	new = (struct configuration)CONFIGURATION_INIT;
	return 0;
}

void configuration_done(struct configuration *configuration)
{
	for (size_t i = 0; i < configuration->n_profiles; i++) {
		profile_free(configuration->profiles[i]);
	}
	free(configuration->profiles);
	settings_done(&configuration->settings);
	*configuration = (struct configuration)CONFIGURATION_INIT;
}
