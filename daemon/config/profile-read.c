/* SPDX-License-Identifier: MIT */
/*
 * Text to profile. What a line can say wrong is told at that line (profile-keys.c, schema.c); what
 * only the whole file shows (nobody meant by [Match], Address= inside Protect=) is told here at the
 * end. Then keys that decide which devices and files are meant are emptied where they are in doubt,
 * so that a void profile holds back every device that it may have meant. Section 5 of the design.
 */
#include "config/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/globs.h"
#include "config/profile-keys.h"
#include "config/schema.h"

static bool profile_asks_for_a_device(const struct profile *profile)
{
	return profile->n_ids + profile->paths.n + profile->ports.n + profile->serials.n +
		       profile->layouts.n >
	       0;
}

static void profile_check_match(struct schema *schema, const struct profile *profile)
{
	for (size_t i = PROFILE_ID; i <= PROFILE_LAYOUT; i++) {
		if (schema->doubtful[i]) {
			return;
		}
	}
	if (!profile_asks_for_a_device(profile)) {
		schema_complain(schema,
			"no key in [Match] says which devices are meant; Id=*:* means all of them");
	}
}

static void profile_check_address(struct schema *schema, const struct profile *profile)
{
	for (size_t i = 0; profile->has_address && i < profile->n_protects; i++) {
		const struct address_range *range = &profile->protects[i];

		if (profile->address >= range->first && profile->address <= range->last) {
			schema_complain_key(schema, PROFILE_ADDRESS,
				"0x%08x lies in Protect=0x%08x-0x%08x: no file could ever be "
				"flashed",
				profile->address, range->first, range->last);
			return;
		}
	}
}

static void profile_settle(struct schema *schema, struct profile *profile)
{
	struct strings *const globs[] = {
		[PROFILE_PATH] = &profile->paths,
		[PROFILE_PORT] = &profile->ports,
		[PROFILE_SERIAL] = &profile->serials,
		[PROFILE_LAYOUT] = &profile->layouts,
		[PROFILE_FILE] = &profile->files,
	};

	profile_check_match(schema, profile);
	profile_check_address(schema, profile);
	profile->is_void = schema->has_problems;
	profile->doubtful_ids = schema->doubtful[PROFILE_ID];
	profile->doubtful_files = schema->doubtful[PROFILE_FILE];
	if (schema->doubtful[PROFILE_ID]) {
		profile->n_ids = 0;
	}
	for (size_t i = PROFILE_PATH; i <= PROFILE_FILE; i++) {
		if (schema->doubtful[i]) {
			globs_clear(globs[i]);
		}
	}
}

/* "/etc/dfud/boards.d/50-octopus.conf" is "octopus". */
static char *profile_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	size_t digits = strspn(name, "0123456789");
	size_t n;

	if (digits > 0 && name[digits] == '-' && strcmp(name + digits, "-.conf") != 0) {
		name += digits + 1;
	}
	n = strlen(name);
	if (n > 5 && strcmp(name + n - 5, ".conf") == 0) {
		n -= 5;
	}
	return strndup(name, n);
}

static struct profile *profile_new(const char *file, enum profile_origin origin)
{
	struct profile *profile = calloc(1, sizeof(*profile));

	if (!profile) {
		return NULL;
	}
	profile->origin = origin;
	profile->backup = profile_default_backup(origin);
	profile->max_attempts = PROFILE_ATTEMPTS;
	profile->within_ms = PROFILE_WITHIN_MS;
	profile->name = profile_name(file);
	profile->file = strdup(file);
	return profile->name && profile->file ? profile : profile_free(profile);
}

int profile_unreadable(struct profile **ret, const char *file, enum profile_origin origin)
{
	struct profile *profile = profile_new(file, origin);

	if (!profile) {
		return -ENOMEM;
	}
	profile->is_void = true;
	profile->doubtful_ids = true;
	profile->doubtful_files = true;
	*ret = profile;
	return 0;
}

int profile_read(struct profile **ret, const char *file, enum profile_origin origin,
	const char *text, size_t size, struct config_problems *problems)
{
	struct profile *profile = profile_new(file, origin);
	struct schema schema = {
		.file = file,
		.problems = problems,
		.keys = profile_keys,
		.n_keys = _PROFILE_INDEX_MAX,
		.object = profile,
	};
	int r;

	if (!profile) {
		return -ENOMEM;
	}
	r = schema_read(&schema, text, size);
	if (r < 0) {
		profile_free(profile);
		return r;
	}
	if (!schema.has_keys && !schema.has_problems) {
		*ret = profile_free(profile);
		return 0;
	}
	profile_settle(&schema, profile);
	*ret = profile;
	return 0;
}
