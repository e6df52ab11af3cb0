/* SPDX-License-Identifier: MIT */
/*
 * What a worker may say and what lies on disk as a record: any bytes, and the daemon believes
 * nothing that it could not have written itself.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "message/message.h"
#include "record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void fuzz_message(const char *text, size_t size)
{
	struct message read;
	struct message again;
	char written[MESSAGE_MAX];
	int n;

	if (message_read(&read, text, size) < 0) {
		return;
	}
	n = message_write(&read, written, sizeof(written));
	if (n > 0) { /* escapes may need more room than they took */
		assert(message_read(&again, written, (size_t)n) == 0);
		assert(again.kind == read.kind && again.size == read.size);
		assert(strcmp(again.text, read.text) == 0 && strcmp(again.end, read.end) == 0);
	}
}

static void fuzz_record(const char *text, size_t size)
{
	struct record read;
	struct record again;
	char written[RECORD_MAX];
	int n;

	if (record_read(&read, text, size) < 0) {
		return;
	}
	n = record_write(&read, written, sizeof(written));
	if (n > 0) {
		assert(record_read(&again, written, (size_t)n) == 0);
		assert(strcmp(again.file, read.file) == 0 && again.inode == read.inode);
		assert(again.erasing == read.erasing && again.left == read.left);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	fuzz_message((const char *)bytes, size);
	fuzz_record((const char *)bytes, size);
	return 0;
}
