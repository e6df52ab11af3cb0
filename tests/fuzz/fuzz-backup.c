/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the note beside a backup: what is taken could be flashed back, and is written again
 * to the same members.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "record/backup.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_sound(const struct backup *backup)
{
	assert(backup->format == BACKUP_FORMAT);
	assert(strlen(backup->sha256) == 64);
	assert(strspn(backup->sha256, "0123456789abcdef") == 64);
	assert(backup->size >= 1 && backup->size <= BACKUP_SIZE_MAX);
	assert(backup->address + backup->size <= (uint64_t)1 << 32);
}

static void check_same(const struct backup *a, const struct backup *b)
{
	assert(a->address == b->address && a->size == b->size && a->when_us == b->when_us);
	assert(strcmp(a->sha256, b->sha256) == 0 && strcmp(a->usb_id, b->usb_id) == 0);
	assert(strcmp(a->serial, b->serial) == 0 && strcmp(a->port, b->port) == 0);
	assert(strcmp(a->path, b->path) == 0 && strcmp(a->profile, b->profile) == 0);
	assert(strcmp(a->layout, b->layout) == 0 && strcmp(a->found, b->found) == 0);
	assert(strcmp(a->attempt, b->attempt) == 0 && strcmp(a->file, b->file) == 0);
}

/* A note that somebody wrote beside the bytes that are saved again. */
static void check_merge(const struct backup *earlier)
{
	struct backup backup = *earlier;

	strcpy(backup.profile, "octopus");
	strcpy(backup.port, "1-1");
	backup_merge(&backup, earlier);
	assert(backup_is_of_profile(backup.profile, "octopus"));
	assert(strlen(backup.profile) < sizeof(backup.profile));
	assert(backup.port[0] == '\0' || strcmp(earlier->port, "1-1") == 0);
	check_sound(&backup);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct backup read;
	struct backup again;
	char written[BACKUP_MAX];
	int n;

	if (backup_read(&read, (const char *)bytes, size) < 0) {
		return 0;
	}
	check_sound(&read);
	n = backup_write(&read, written, sizeof(written));
	assert(n > 0);
	assert(backup_read(&again, written, (size_t)n) == 0);
	check_same(&read, &again);
	check_merge(&read);
	return 0;
}
