/* SPDX-License-Identifier: MIT */
/*
 * Attempt records as text. The table is the format, and its keys are a closed list: a key that is
 * added means a new Format.
 */
#include "record/record.h"

#include <errno.h>
#include <string.h>

#include "record/fields.h"

/* The daemon writes these before the worker starts. */
static const struct field record_head[] = {
	FIELD(record, "Format", FIELD_NUMBER, format),
	FIELD(record, "Attempt", FIELD_STRING, id),
	FIELD(record, "Profile", FIELD_STRING, profile),
	FIELD(record, "Port", FIELD_STRING, port),
	FIELD(record, "Boot", FIELD_STRING, boot),
	FIELD(record, "Path", FIELD_STRING, path),
	FIELD(record, "UsbId", FIELD_STRING, usb_id),
	FIELD(record, "Serial", FIELD_STRING, serial),
	FIELD(record, "File", FIELD_STRING, file),
	FIELD(record, "Inode", FIELD_NUMBER, inode),
	FIELD(record, "Mtime", FIELD_NUMBER, mtime_ns),
	FIELD(record, "Size", FIELD_NUMBER, size),
	FIELD(record, "Owner", FIELD_NUMBER, owner),
	FIELD(record, "Sha256", FIELD_STRING, sha256),
	FIELD(record, "Expect", FIELD_STRING, expect),
	FIELD(record, "WithinMs", FIELD_NUMBER, within_ms),
	FIELD(record, "Stay", FIELD_FLAG, stay),
	FIELD(record, "Number", FIELD_NUMBER, number),
	FIELD(record, "MaxAttempts", FIELD_NUMBER, max_attempts),
	FIELD(record, "FirstBackup", FIELD_STRING, first_backup),
	FIELD(record, "Begun", FIELD_NUMBER, begun_us),
	FIELD(record, "Device", FIELD_NUMBER, device),
};

/* Appended later; what a worker appends cannot change the head. */
static const struct field record_rest[] = {
	FIELD(record, "Address", FIELD_HEX, address),
	FIELD(record, "LeaveAddress", FIELD_HEX, leave_address),
	FIELD(record, "Base", FIELD_STRING, base),
	FIELD(record, "Backup", FIELD_STRING, backup),
	FIELD(record, "BackupAddress", FIELD_HEX, backup_address),
	FIELD(record, "BackupSize", FIELD_NUMBER, backup_size),
	FIELD(record, "BackupAlternate", FIELD_NUMBER, backup_alternate),
	FIELD(record, "BackupMap", FIELD_STRING, backup_map),
	FIELD(record, "BackupFound", FIELD_STRING, backup_found),
	FIELD(record, "Erasing", FIELD_FLAG, erasing),
	FIELD(record, "Written", FIELD_FLAG, written),
	FIELD(record, "Verified", FIELD_FLAG, verified),
	FIELD(record, "Left", FIELD_FLAG, left),
	FIELD(record, "End", FIELD_STRING, end),
	FIELD(record, "Reason", FIELD_STRING, reason),
	FIELD(record, "Flash", FIELD_STRING, flash),
	FIELD(record, "CheckedBy", FIELD_STRING, checked_by),
	FIELD(record, "EraseMs", FIELD_NUMBER, erase_ms),
	FIELD(record, "WriteMs", FIELD_NUMBER, write_ms),
	FIELD(record, "VerifyMs", FIELD_NUMBER, verify_ms),
	FIELD(record, "BytesErased", FIELD_NUMBER, bytes_erased),
	FIELD(record, "BytesWritten", FIELD_NUMBER, bytes_written),
	FIELD(record, "Verdict", FIELD_STRING, verdict),
};

#define RECORD_HEAD (sizeof(record_head) / sizeof(*record_head))
#define RECORD_REST (sizeof(record_rest) / sizeof(*record_rest))

int record_write(const struct record *record, char *ret, size_t ret_size)
{
	const int head = fields_write(record_head, RECORD_HEAD, record, ret, ret_size);
	const int rest = head < 0 ? head
				  : fields_write(record_rest, RECORD_REST, record, ret + head,
					    ret_size - (size_t)head);

	return rest < 0 ? rest : head + rest;
}

/* Where the first line stands that is not of the head; size where all are. */
static size_t record_tail(const char *text, size_t size)
{
	size_t at = 0;

	while (at < size) {
		const char *line = text + at;
		const char *newline = memchr(line, '\n', size - at);
		const char *equals = memchr(line, '=', size - at);
		bool is_head = false;

		for (size_t i = 0; equals != NULL && i < RECORD_HEAD; i++) {
			const size_t length = strlen(record_head[i].key);

			is_head = is_head || ((size_t)(equals - line) == length &&
						     memcmp(line, record_head[i].key, length) == 0);
		}
		if (!is_head || newline == NULL) {
			break;
		}
		at += (size_t)(newline + 1 - line);
	}
	return at;
}

int record_read(struct record *ret, const char *text, size_t size)
{
	struct record record = {0};
	const char *newline = memchr(text, '\n', size);
	size_t tail;
	int r;

	if (size > RECORD_MAX || newline == NULL) {
		return -EBADMSG;
	}
	r = fields_read(record_head, 1, &record, text, (size_t)(newline + 1 - text));
	if (r < 0 || record.format == 0) {
		return -EBADMSG;
	}
	if (record.format != RECORD_FORMAT) {
		return -EPROTONOSUPPORT;
	}
	tail = record_tail(text, size);
	r = fields_read(record_head, RECORD_HEAD, &record, text, tail);
	if (r >= 0) {
		r = fields_read(record_rest, RECORD_REST, &record, text + tail, size - tail);
	}
	if (r < 0) {
		return r;
	}
	if (record.format != RECORD_FORMAT) { /* told twice, and differently */
		return -EBADMSG;
	}
	*ret = record;
	return 0;
}
