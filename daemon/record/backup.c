/* SPDX-License-Identifier: MIT */
/*
 * Notes beside backups as text. The table is the format, and its keys are a closed list: a key that
 * is added means a new Format.
 *
 * The digest stands last and must be there: a note that was cut has none, so nobody takes bytes for
 * the contents of address 0 because the line with their address was lost.
 */
#include "record/backup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "record/fields.h"

#define BACKUP_DIGITS	 64
#define BACKUP_SPACE_END ((uint64_t)1 << 32) /* the first address that 32 bits cannot name */

static const struct field backup_fields[] = {
	FIELD(backup, "Format", FIELD_NUMBER, format),
	FIELD(backup, "Address", FIELD_HEX, address),
	FIELD(backup, "Alternate", FIELD_NUMBER, alternate),
	FIELD(backup, "Size", FIELD_NUMBER, size),
	FIELD(backup, "When", FIELD_NUMBER, when_us),
	FIELD(backup, "UsbId", FIELD_STRING, usb_id),
	FIELD(backup, "Serial", FIELD_STRING, serial),
	FIELD(backup, "Port", FIELD_STRING, port),
	FIELD(backup, "Path", FIELD_STRING, path),
	FIELD(backup, "Profile", FIELD_STRING, profile),
	FIELD(backup, "Layout", FIELD_STRING, layout),
	FIELD(backup, "Found", FIELD_STRING, found),
	FIELD(backup, "Attempt", FIELD_STRING, attempt),
	FIELD(backup, "File", FIELD_STRING, file),
	FIELD(backup, "Sha256", FIELD_STRING, sha256),
};

#define BACKUP_FIELDS (sizeof(backup_fields) / sizeof(*backup_fields))

/* Whether one of the names in a list is that one. */
static bool backup_is_listed(const char *list, const char *name, size_t length)
{
	while (*list != '\0') {
		const size_t n = strcspn(list, BACKUP_PROFILES);

		if (n == length && memcmp(list, name, n) == 0) {
			return true;
		}
		list += n + strspn(list + n, BACKUP_PROFILES);
	}
	return false;
}

/* Adds the earlier names that are missing and fit; a name is never cut. */
static void backup_merge_profiles(char *list, size_t size, const char *earlier)
{
	while (*earlier != '\0') {
		const size_t n = strcspn(earlier, BACKUP_PROFILES);
		const size_t used = strlen(list);

		if (!backup_is_listed(list, earlier, n) && used + 1 + n < size) {
			snprintf(list + used, size - used, "%s%.*s",
				used > 0 ? BACKUP_PROFILES : "", (int)n, earlier);
		}
		earlier += n + strspn(earlier + n, BACKUP_PROFILES);
	}
}

static void backup_keep_shared(char *value, const char *earlier)
{
	if (strcmp(value, earlier) != 0) {
		value[0] = '\0';
	}
}

bool backup_is_of_profile(const char *profiles, const char *name)
{
	return backup_is_listed(profiles, name, strlen(name));
}

void backup_merge(struct backup *backup, const struct backup *earlier)
{
	if (earlier->address != backup->address || earlier->alternate != backup->alternate ||
		strcmp(earlier->layout, backup->layout) != 0) {
		return;
	}
	backup_merge_profiles(backup->profile, sizeof(backup->profile), earlier->profile);
	backup_keep_shared(backup->port, earlier->port);
	backup_keep_shared(backup->path, earlier->path);
	backup_keep_shared(backup->serial, earlier->serial);
}

int backup_write(const struct backup *backup, char *ret, size_t ret_size)
{
	return fields_write(backup_fields, BACKUP_FIELDS, backup, ret, ret_size);
}

/* The first line alone: of a newer format nothing else is understood. */
static int backup_read_format(const char *text, size_t size)
{
	struct backup backup = {0};
	const char *newline = memchr(text, '\n', size);

	if (newline == NULL ||
		fields_read(backup_fields, 1, &backup, text, (size_t)(newline + 1 - text)) < 0 ||
		backup.format == 0) {
		return -EBADMSG;
	}
	return backup.format == BACKUP_FORMAT ? 0 : -EPROTONOSUPPORT;
}

static bool backup_is_sound(const struct backup *backup)
{
	return backup->format == BACKUP_FORMAT && strlen(backup->sha256) == BACKUP_DIGITS &&
	       strspn(backup->sha256, "0123456789abcdef") == BACKUP_DIGITS && backup->size > 0 &&
	       backup->size <= BACKUP_SIZE_MAX &&
	       backup->size <= BACKUP_SPACE_END - backup->address;
}

int backup_read(struct backup *ret, const char *text, size_t size)
{
	struct backup backup = {0};
	int r = size > BACKUP_MAX ? -EBADMSG : backup_read_format(text, size);

	if (r < 0) {
		return r;
	}
	r = fields_read(backup_fields, BACKUP_FIELDS, &backup, text, size);
	if (r < 0) {
		return r;
	}
	if (!backup_is_sound(&backup)) {
		return -EBADMSG;
	}
	*ret = backup;
	return 0;
}
