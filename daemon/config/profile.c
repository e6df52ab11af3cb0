/* SPDX-License-Identifier: MIT */
/*
 * What a profile says about a device and a file. Each key is a question of its own; a key that is
 * not there asks for nothing, several lines of one key are alternatives, and all keys that are
 * there must hold. What a device does not show (NULL) is taken as empty: Serial=* is any serial
 * number and none.
 *
 * A void profile answers like any other. Who asks decides what void means: its devices wait.
 */
#include "config/profile.h"

#include <stdlib.h>

struct profile *profile_free(struct profile *profile)
{
	if (!profile) {
		return NULL;
	}
	globs_done(&profile->paths);
	globs_done(&profile->ports);
	globs_done(&profile->serials);
	globs_done(&profile->layouts);
	globs_done(&profile->files);
	free(profile->ids);
	free(profile->protects);
	free(profile->return_ids);
	free(profile->name);
	free(profile->file);
	free(profile);
	return NULL;
}

static bool profile_asks_and_misses(const struct strings *globs, const char *text)
{
	return globs->n > 0 && !globs_match(globs, text);
}

enum profile_key profile_misses_device(
	const struct profile *profile, const struct profile_device *device)
{
	if (profile->n_ids > 0 &&
		!usb_id_fits_any(profile->ids, profile->n_ids, device->vendor, device->product)) {
		return PROFILE_KEY_ID;
	}
	if (profile_asks_and_misses(&profile->paths, device->path)) {
		return PROFILE_KEY_PATH;
	}
	if (profile_asks_and_misses(&profile->ports, device->port)) {
		return PROFILE_KEY_PORT;
	}
	if (profile_asks_and_misses(&profile->serials, device->serial)) {
		return PROFILE_KEY_SERIAL;
	}
	if (profile_asks_and_misses(&profile->layouts, device->layout)) {
		return PROFILE_KEY_LAYOUT;
	}
	return PROFILE_KEY_NONE;
}

bool profile_names_files(const struct profile *profile)
{
	return profile->files.n > 0 || profile->doubtful_files;
}

bool profile_matches_file(const struct profile *profile, const char *name)
{
	return !profile_asks_and_misses(&profile->files, name);
}

bool profile_names_id(const struct profile *profile, uint16_t vendor, uint16_t product)
{
	return profile->origin == PROFILE_WRITTEN &&
	       (profile->doubtful_ids ||
		       usb_id_fits_any(profile->ids, profile->n_ids, vendor, product));
}

bool profile_expects(const struct profile *profile, uint16_t vendor, uint16_t product)
{
	return profile->n_return_ids == 0 ||
	       usb_id_fits_any(profile->return_ids, profile->n_return_ids, vendor, product);
}

const char *profile_key_to_string(enum profile_key key)
{
	static const char *const names[_PROFILE_KEY_MAX] = {
		[PROFILE_KEY_NONE] = "none",
		[PROFILE_KEY_ID] = "Id=",
		[PROFILE_KEY_PATH] = "Path=",
		[PROFILE_KEY_PORT] = "Port=",
		[PROFILE_KEY_SERIAL] = "Serial=",
		[PROFILE_KEY_LAYOUT] = "Layout=",
		[PROFILE_KEY_FILE] = "File=",
	};

	return (unsigned)key < _PROFILE_KEY_MAX ? names[key] : "unknown";
}
