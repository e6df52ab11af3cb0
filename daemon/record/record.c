/* SPDX-License-Identifier: MIT */
/*
 * Attempt records as text. The table is the format, and its keys are a closed list: a key that is
 * added means a new Format.
 */
#include "record/record.h"

#include <errno.h>
#include <string.h>

#include "record/fields.h"

static const struct field record_table[] = {
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
	FIELD(record, "Address", FIELD_HEX, address),
	FIELD(record, "Expect", FIELD_STRING, expect),
	FIELD(record, "WithinMs", FIELD_NUMBER, within_ms),
	FIELD(record, "Number", FIELD_NUMBER, number),
	FIELD(record, "MaxAttempts", FIELD_NUMBER, max_attempts),
	FIELD(record, "Begun", FIELD_NUMBER, begun_us),
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

#define RECORD_FIELDS (sizeof(record_table) / sizeof(*record_table))

int record_write(const struct record *record, char *ret, size_t ret_size)
{
	return fields_write(record_table, RECORD_FIELDS, record, ret, ret_size);
}

int record_read(struct record *ret, const char *text, size_t size)
{
	struct record record = {0};
	const char *newline = memchr(text, '\n', size);
	int r;

	if (size > RECORD_MAX || newline == NULL) {
		return -EBADMSG;
	}
	r = fields_read(record_table, 1, &record, text, (size_t)(newline + 1 - text));
	if (r < 0 || record.format == 0) {
		return -EBADMSG;
	}
	if (record.format != RECORD_FORMAT) {
		return -EPROTONOSUPPORT;
	}
	r = fields_read(record_table, RECORD_FIELDS, &record, text, size);
	if (r < 0) {
		return r;
	}
	if (record.format != RECORD_FORMAT) { /* told twice, and differently */
		return -EBADMSG;
	}
	*ret = record;
	return 0;
}
