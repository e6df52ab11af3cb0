/* SPDX-License-Identifier: MIT */
/*
 * The keys of a profile, one function for each: what its value may be and where it goes. An empty
 * value brings back what holds without the key; a bad one is complained about and leaves nothing
 * behind. A value that could never have an effect (a file that is never a job) is a slip, and is
 * told as one. The table is at the end; the words are those of dfud.conf(5).
 */
#include "config/profile-keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/globs.h"
#include "config/profile.h"
#include "config/usb-id.h"
#include "config/value.h"

#define PROFILE_WITHIN_MIN 1000
#define PROFILE_WITHIN_MAX 3600000

static int profile_take_path(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	return globs_take_path(schema, &profile->paths, value);
}

static int profile_take_port(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	return globs_take_port(schema, &profile->ports, value);
}

static int profile_take_serial(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	return globs_take(schema, &profile->serials, value);
}

static int profile_take_layout(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	return globs_take(schema, &profile->layouts, value);
}

static bool profile_ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), n_end = strlen(end);

	return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static int profile_take_file(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	if (strchr(value, '/')) {
		schema_complain(schema,
			"\"%.60s\" has a '/'; this is the name of a file in the queue", value);
		return 0;
	}
	if (*value == '.' || profile_ends_with(value, ".part") ||
		profile_ends_with(value, ".tmp") || profile_ends_with(value, "~")) {
		schema_complain(schema, "\"%.60s\": files of such names are never flashed", value);
		return 0;
	}
	return globs_take(schema, &profile->files, value);
}

static int profile_add_id(
	struct schema *schema, struct usb_id_pattern **ids, size_t *n, const char *value)
{
	struct usb_id_pattern id, *items;

	if (!usb_id_parse(value, &id)) {
		schema_complain(schema,
			"\"%.60s\" is no id; write VID:PID as 0483:df11, 0483:* or *:*", value);
		return 0;
	}
	items = realloc(*ids, (*n + 1) * sizeof(*items));
	if (!items) {
		return -ENOMEM;
	}
	items[(*n)++] = id;
	*ids = items;
	return 0;
}

static int profile_take_id(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	if (*value == '\0') {
		profile->n_ids = 0;
		return 0;
	}
	return profile_add_id(schema, &profile->ids, &profile->n_ids, value);
}

static int profile_take_return_id(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;
	bool is_none = strcmp(value, "none") == 0;

	if (*value == '\0') {
		profile->n_return_ids = 0;
		profile->return_none = false;
		return 0;
	}
	if (profile->return_none != is_none &&
		(profile->return_none || profile->n_return_ids > 0)) {
		schema_complain(schema, "none and an id contradict each other");
		return 0;
	}
	if (is_none) {
		profile->return_none = true;
		return 0;
	}
	return profile_add_id(schema, &profile->return_ids, &profile->n_return_ids, value);
}

static int profile_take_address(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	profile->has_address = false;
	profile->address = 0;
	if (*value == '\0') {
		return 0;
	}
	profile->has_address = value_address(value, &profile->address);
	if (!profile->has_address) {
		schema_complain(
			schema, "\"%.60s\" is no address; write it with 0x, as 0x08000000", value);
	}
	return 0;
}

static int profile_take_alternate(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;
	uint64_t number = 0;

	if (*value != '\0' && (!value_number(value, &number) || number > UINT8_MAX)) {
		schema_complain(schema, "\"%.60s\" is no number from 0 to 255", value);
		return 0;
	}
	profile->alternate = (uint8_t)number;
	return 0;
}

static bool profile_parse_range(const char *text, struct address_range *ret)
{
	char first[16] = "";
	const char *dash = strchr(text, '-');

	if (!dash || (size_t)(dash - text) >= sizeof(first)) {
		return false;
	}
	memcpy(first, text, (size_t)(dash - text));
	return value_address(first, &ret->first) && value_address(dash + 1, &ret->last);
}

static int profile_take_protect(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;
	struct address_range range, *items;

	if (*value == '\0') {
		profile->n_protects = 0;
		return 0;
	}
	if (!profile_parse_range(value, &range)) {
		schema_complain(
			schema, "\"%.60s\" is no range; write it as 0x08000000-0x08007fff", value);
		return 0;
	}
	if (range.first > range.last) {
		schema_complain(schema, "the range \"%.60s\" ends before it begins", value);
		return 0;
	}
	if (profile->n_protects == PROFILE_MAX_PROTECTS) {
		schema_complain(
			schema, "more than %d ranges; join neighbours", PROFILE_MAX_PROTECTS);
		return 0;
	}
	items = realloc(profile->protects, (profile->n_protects + 1) * sizeof(*items));
	if (!items) {
		return -ENOMEM;
	}
	items[profile->n_protects++] = range;
	profile->protects = items;
	return 0;
}

static int profile_take_keep_bootloader(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	profile->keep_bootloader = false;
	if (*value != '\0' && !value_boolean(value, &profile->keep_bootloader)) {
		schema_complain(schema, "\"%.60s\" is neither yes nor no", value);
	}
	return 0;
}

enum backup_policy profile_default_backup(enum profile_origin origin)
{
	return origin == PROFILE_SHIPPED ? BACKUP_REQUIRED : BACKUP_YES;
}

static int profile_take_backup(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;
	enum backup_policy policy = *value == '\0' ? profile_default_backup(profile->origin)
						   : backup_policy_from_string(value);

	if (policy < 0) {
		schema_complain(schema, "\"%.60s\" is none of yes, required, no, whole", value);
		return 0;
	}
	profile->backup = policy;
	return 0;
}

static int profile_take_leave(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;
	enum leave_policy policy = *value == '\0' ? LEAVE_AUTO : leave_policy_from_string(value);

	if (policy < 0) {
		schema_complain(schema, "\"%.60s\" is none of auto, image, base, no", value);
		return 0;
	}
	profile->leave = policy;
	return 0;
}

static int profile_take_max_attempts(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;
	uint64_t number = PROFILE_ATTEMPTS;

	if (*value != '\0' && (!value_number(value, &number) || number < 1 || number > 100)) {
		schema_complain(schema, "\"%.60s\" is no number from 1 to 100", value);
		return 0;
	}
	profile->max_attempts = (unsigned)number;
	return 0;
}

static int profile_take_order(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;

	profile->oldest_first = strcmp(value, "oldest") == 0;
	if (*value != '\0' && !profile->oldest_first) {
		schema_complain(schema, "\"%.60s\" is no order; the one there is: oldest", value);
	}
	return 0;
}

static int profile_take_within(struct schema *schema, void *object, const char *value)
{
	struct profile *profile = object;
	uint64_t ms = PROFILE_WITHIN_MS;

	if (*value != '\0' &&
		(!value_span(value, &ms) || ms < PROFILE_WITHIN_MIN || ms > PROFILE_WITHIN_MAX)) {
		schema_complain(schema, "\"%.60s\" is no time from 1s to 1h, such as 10s", value);
		return 0;
	}
	profile->within_ms = ms;
	return 0;
}

const struct schema_key profile_keys[_PROFILE_INDEX_MAX] = {
	[PROFILE_ID] = {"Match", "Id", true, profile_take_id},
	[PROFILE_PATH] = {"Match", "Path", true, profile_take_path},
	[PROFILE_PORT] = {"Match", "Port", true, profile_take_port},
	[PROFILE_SERIAL] = {"Match", "Serial", true, profile_take_serial},
	[PROFILE_LAYOUT] = {"Match", "Layout", true, profile_take_layout},
	[PROFILE_FILE] = {"Image", "File", true, profile_take_file},
	[PROFILE_ADDRESS] = {"Image", "Address", false, profile_take_address},
	[PROFILE_ALTERNATE] = {"Flash", "Alternate", false, profile_take_alternate},
	[PROFILE_PROTECT] = {"Flash", "Protect", true, profile_take_protect},
	[PROFILE_KEEP_BOOTLOADER] = {"Flash", "KeepBootloader", false,
		profile_take_keep_bootloader},
	[PROFILE_BACKUP] = {"Flash", "Backup", false, profile_take_backup},
	[PROFILE_LEAVE] = {"Flash", "Leave", false, profile_take_leave},
	[PROFILE_MAX_ATTEMPTS] = {"Flash", "MaxAttempts", false, profile_take_max_attempts},
	[PROFILE_ORDER] = {"Flash", "Order", false, profile_take_order},
	[PROFILE_RETURN_ID] = {"Return", "Id", true, profile_take_return_id},
	[PROFILE_WITHIN] = {"Return", "Within", false, profile_take_within},
};
