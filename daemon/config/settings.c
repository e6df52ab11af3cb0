/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own settings: the table of their keys, their defaults and their limits. Files are
 * laid one over the other; a faulty line leaves what stood before it, and the caller gives up the
 * whole because of its problem. The keys of dfud.conf(5), section 5 of the design.
 */
#include "config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "config/value.h"

#define SETTINGS_SECOND 1000ULL
#define SETTINGS_HOUR	(3600 * SETTINGS_SECOND)

static const struct settings settings_defaults = {
	.max_file_size = 16ULL << 20,
	.expire_after_ms = 24 * SETTINGS_HOUR,
	.quiet_ms = SETTINGS_SECOND,
	.max_workers = 128,
	.backup_max_size = 1ULL << 30,
	.backup_max_count = 200,
};

static int settings_take_max_file_size(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;
	uint64_t bytes = settings_defaults.max_file_size;

	if (*value != '\0' &&
		(!value_size(value, &bytes) || bytes < 1ULL << 10 || bytes > 1ULL << 30)) {
		schema_complain(schema, "\"%.60s\" is no size from 1K to 1G, such as 16M", value);
		return 0;
	}
	settings->max_file_size = bytes;
	return 0;
}

static int settings_take_expire_after(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;
	uint64_t ms = settings_defaults.expire_after_ms;

	if (*value != '\0' && (!value_span(value, &ms) || ms < SETTINGS_SECOND ||
				      (ms != UINT64_MAX && ms > 366 * 24 * SETTINGS_HOUR))) {
		schema_complain(schema,
			"\"%.60s\" is neither a time from 1s to 366d, such as 24h, nor infinity "
			"(never)",
			value);
		return 0;
	}
	settings->expire_after_ms = ms == UINT64_MAX ? 0 : ms;
	return 0;
}

static int settings_take_quiet(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;
	uint64_t ms = settings_defaults.quiet_ms;

	if (*value != '\0' && (!value_span(value, &ms) || ms < 100 || ms > SETTINGS_HOUR)) {
		schema_complain(schema, "\"%.60s\" is no time from 100ms to 1h, such as 1s", value);
		return 0;
	}
	settings->quiet_ms = ms;
	return 0;
}

static int settings_take_max_workers(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;
	uint64_t number = settings_defaults.max_workers;

	if (*value != '\0' && (!value_number(value, &number) || number < 1 || number > 1024)) {
		schema_complain(schema, "\"%.60s\" is no number from 1 to 1024", value);
		return 0;
	}
	settings->max_workers = (unsigned)number;
	return 0;
}

static int settings_take_backup_max_size(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;
	uint64_t bytes = settings_defaults.backup_max_size;

	if (*value != '\0' &&
		(!value_size(value, &bytes) || bytes < 1ULL << 20 || bytes > 1ULL << 40)) {
		schema_complain(schema, "\"%.60s\" is no size from 1M to 1T, such as 1G", value);
		return 0;
	}
	settings->backup_max_size = bytes;
	return 0;
}

static int settings_take_backup_max_count(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;
	uint64_t number = settings_defaults.backup_max_count;

	if (*value != '\0' && (!value_number(value, &number) || number < 1 || number > 100000)) {
		schema_complain(schema, "\"%.60s\" is no number from 1 to 100000", value);
		return 0;
	}
	settings->backup_max_count = (unsigned)number;
	return 0;
}

static int settings_take_allow(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;

	return globs_take_place(schema, &settings->allowed_ports, value);
}

static int settings_take_require_signature(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;
	bool is_required = false;

	if (*value != '\0' && !value_boolean(value, &is_required)) {
		schema_complain(schema, "\"%.60s\" is neither yes nor no", value);
		return 0;
	}
	settings->require_signature = is_required;
	return 0;
}

static int settings_take_key(struct schema *schema, void *object, const char *value)
{
	struct settings *settings = object;
	struct public_key key, *keys;

	if (*value == '\0') {
		settings->n_keys = 0;
		return 0;
	}
	if (!public_key_parse(value, &key)) {
		schema_complain(schema,
			"\"%.60s\" is no public key of minisign; expected are the %d characters of "
			"its .pub file that begin with RW",
			value, PUBLIC_KEY_TEXT);
		return 0;
	}
	keys = realloc(settings->keys, (settings->n_keys + 1) * sizeof(*keys));
	if (!keys) {
		return -ENOMEM;
	}
	keys[settings->n_keys++] = key;
	settings->keys = keys;
	return 0;
}

static const struct schema_key settings_keys[] = {
	{"Queue", "MaxFileSize", false, settings_take_max_file_size},
	{"Queue", "ExpireAfter", false, settings_take_expire_after},
	{"Queue", "Quiet", false, settings_take_quiet},
	{"Workers", "Max", false, settings_take_max_workers},
	{"Backup", "MaxSize", false, settings_take_backup_max_size},
	{"Backup", "MaxCount", false, settings_take_backup_max_count},
	{"Ports", "Allow", true, settings_take_allow},
	{"Trust", "RequireSignature", false, settings_take_require_signature},
	{"Trust", "Keys", true, settings_take_key},
};

void settings_init(struct settings *settings)
{
	*settings = settings_defaults;
}

int settings_read(struct settings *settings, const char *file, const char *text, size_t size,
	struct config_problems *problems)
{
	struct schema schema = {
		.file = file,
		.problems = problems,
		.keys = settings_keys,
		.n_keys = sizeof(settings_keys) / sizeof(*settings_keys),
		.object = settings,
	};

	return schema_read(&schema, text, size);
}

void settings_check(
	const struct settings *settings, const char *file, struct config_problems *problems)
{
	if (settings->require_signature && settings->n_keys == 0) {
		config_problems_add(problems, file, 0, "RequireSignature",
			"signatures are required, but no Keys= in [Trust] says whose; no file "
			"could ever be flashed");
	}
}

bool settings_trust_is_same(const struct settings *a, const struct settings *b)
{
	if (a->require_signature != b->require_signature || a->n_keys != b->n_keys) {
		return false;
	}
	return a->n_keys == 0 || memcmp(a->keys, b->keys, a->n_keys * sizeof(*a->keys)) == 0;
}

void settings_done(struct settings *settings)
{
	globs_done(&settings->allowed_ports);
	free(settings->keys);
	*settings = (struct settings)SETTINGS_INIT;
}
