/* SPDX-License-Identifier: MIT */
/*
 * Messages between worker and daemon. The first two lines are Version= and Message=; the rest
 * follows one table. The words that the daemon acts on (end, flash, reason, mark) are checked
 * against their closed lists here, so that nobody behind has to.
 */
#include "message/message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "record/fields.h"
#include "record/finding.h"
#include "record/reason.h"
#include "record/verdict.h"

struct message_text {
	uint64_t version;
	char kind[16];
	struct message m;
};

#define MESSAGE_FIELD(key_, kind_, member_)                                                        \
	{                                                                                          \
		.key = (key_), .type = (kind_),                                                    \
		.offset = offsetof(struct message_text, m.member_),                                \
		.size = sizeof(((struct message_text *)0)->m.member_)                              \
	}

static const struct field message_table[] = {
	FIELD(message_text, "Version", FIELD_NUMBER, version),
	FIELD(message_text, "Message", FIELD_STRING, kind),
	MESSAGE_FIELD("Format", FIELD_STRING, format),
	MESSAGE_FIELD("About", FIELD_STRING, about),
	MESSAGE_FIELD("Certainty", FIELD_STRING, certainty),
	MESSAGE_FIELD("Link", FIELD_HEX, link),
	MESSAGE_FIELD("Expects", FIELD_STRING, expects),
	MESSAGE_FIELD("Size", FIELD_NUMBER, size),
	MESSAGE_FIELD("NoUsb", FIELD_FLAG, no_usb),
	MESSAGE_FIELD("Program", FIELD_STRING, program),
	MESSAGE_FIELD("ProgramVersion", FIELD_STRING, version),
	MESSAGE_FIELD("Mcu", FIELD_STRING, mcu),
	MESSAGE_FIELD("Segments", FIELD_NUMBER, segments),
	MESSAGE_FIELD("Stack", FIELD_HEX, stack),
	MESSAGE_FIELD("Topic", FIELD_STRING, topic),
	MESSAGE_FIELD("Result", FIELD_STRING, result),
	MESSAGE_FIELD("Address", FIELD_HEX, address),
	MESSAGE_FIELD("Alternate", FIELD_NUMBER, alternate),
	MESSAGE_FIELD("FromImage", FIELD_FLAG, from_image),
	MESSAGE_FIELD("Layout", FIELD_STRING, layout),
	MESSAGE_FIELD("Sectors", FIELD_NUMBER, sectors),
	MESSAGE_FIELD("SectorsErase", FIELD_NUMBER, sectors_erase),
	MESSAGE_FIELD("BytesErase", FIELD_NUMBER, bytes_erase),
	MESSAGE_FIELD("BytesWrite", FIELD_NUMBER, bytes_write),
	MESSAGE_FIELD("Unchanged", FIELD_FLAG, unchanged),
	MESSAGE_FIELD("ColdStart", FIELD_FLAG, cold_start),
	MESSAGE_FIELD("FirstState", FIELD_NUMBER, first_state),
	MESSAGE_FIELD("FirstStatus", FIELD_NUMBER, first_status),
	MESSAGE_FIELD("WorstMs", FIELD_NUMBER, worst_ms),
	MESSAGE_FIELD("Unverifiable", FIELD_FLAG, unverifiable),
	MESSAGE_FIELD("Base", FIELD_STRING, base),
	MESSAGE_FIELD("Map", FIELD_STRING, map),
	MESSAGE_FIELD("Saved", FIELD_STRING, saved),
	MESSAGE_FIELD("Leave", FIELD_HEX, leave),
	MESSAGE_FIELD("Stay", FIELD_FLAG, stay),
	MESSAGE_FIELD("SavedAddress", FIELD_HEX, saved_address),
	MESSAGE_FIELD("SavedSize", FIELD_NUMBER, saved_size),
	MESSAGE_FIELD("Phase", FIELD_STRING, phase),
	MESSAGE_FIELD("Done", FIELD_NUMBER, done),
	MESSAGE_FIELD("Total", FIELD_NUMBER, total),
	MESSAGE_FIELD("Mark", FIELD_STRING, mark),
	MESSAGE_FIELD("End", FIELD_STRING, end),
	MESSAGE_FIELD("Reason", FIELD_STRING, reason),
	MESSAGE_FIELD("Flash", FIELD_STRING, flash),
	MESSAGE_FIELD("CheckedBy", FIELD_STRING, checked_by),
	MESSAGE_FIELD("Left", FIELD_FLAG, left),
	MESSAGE_FIELD("LeaveAnswered", FIELD_FLAG, leave_answered),
	MESSAGE_FIELD("At", FIELD_HEX, at),
	MESSAGE_FIELD("Text", FIELD_STRING, text),
	MESSAGE_FIELD("SectorsErased", FIELD_NUMBER, sectors_erased),
	MESSAGE_FIELD("BytesErased", FIELD_NUMBER, bytes_erased),
	MESSAGE_FIELD("BytesWritten", FIELD_NUMBER, bytes_written),
	MESSAGE_FIELD("EraseMs", FIELD_NUMBER, erase_ms),
	MESSAGE_FIELD("WriteMs", FIELD_NUMBER, write_ms),
	MESSAGE_FIELD("VerifyMs", FIELD_NUMBER, verify_ms),
};

#define MESSAGE_FIELDS (sizeof(message_table) / sizeof(*message_table))

static const char *const message_kinds[_MESSAGE_KIND_MAX] = {
	[MESSAGE_IMAGE] = "image",
	[MESSAGE_FINDING] = "finding",
	[MESSAGE_PLAN] = "plan",
	[MESSAGE_PHASE] = "phase",
	[MESSAGE_MARK] = "mark",
	[MESSAGE_OUTCOME] = "outcome",
	[MESSAGE_GO] = "go",
	[MESSAGE_STOP] = "stop",
};

const char *message_kind_to_string(enum message_kind kind)
{
	assert(kind >= 0 && kind < _MESSAGE_KIND_MAX);
	return message_kinds[kind];
}

int message_write(const struct message *message, char *ret, size_t ret_size)
{
	struct message_text text = {.version = MESSAGE_VERSION, .m = *message};

	strcpy(text.kind, message_kind_to_string(message->kind));
	return fields_write(message_table, MESSAGE_FIELDS, &text, ret, ret_size);
}

static bool message_is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcmp(word, *words) == 0) {
			return true;
		}
	}
	return false;
}

/* An outcome that does not contradict itself. */
static bool message_is_outcome(const struct message *m)
{
	const enum attempt_end end = attempt_end_from_string(m->end);
	const enum reason reason = reason_from_string(m->reason);
	const enum flash_state flash = flash_state_from_string(m->flash);
	const bool touched = flash == FLASH_ERASED || flash == FLASH_PARTLY;

	if (reason < 0 || flash < 0 || verified_by_from_string(m->checked_by) < 0) {
		return false;
	}
	switch (end) {
	case END_COMPLETED:
		return !touched;
	case END_REFUSED:
		return reason != REASON_NONE && !touched && flash != FLASH_WRITTEN;
	case END_FAILED:
		return reason != REASON_NONE;
	case END_CANCELLED:
		return !touched && flash != FLASH_WRITTEN;
	case END_INTERRUPTED:
		return true;
	case _END_MAX:
	case _END_INVALID:
		break;
	}
	return false;
}

/* What is saved is a stretch of a 32-bit memory, and what is told to start is where it says. */
static bool message_is_plan(const struct message *m)
{
	static const char *const bases[] = {"", MESSAGE_BASE_IMAGE, MESSAGE_BASE_LOADER,
		MESSAGE_BASE_OTHER, MESSAGE_BASE_NO_TABLE, MESSAGE_BASE_NOTHING, NULL};

	return m->sectors_erase <= m->sectors && m->worst_ms <= MESSAGE_WORST_MAX_MS &&
	       m->saved_size <= MESSAGE_SAVED_MAX &&
	       m->saved_address + m->saved_size <= (uint64_t)UINT32_MAX + 1 &&
	       message_is_one_of(m->base, bases);
}

/* The words that decide something are of their closed lists. */
static bool message_is_sound(const struct message *m)
{
	static const char *const marks[] = {"erasing", "written", "verified", "left", NULL};
	static const char *const phases[] = {"read", "erase", "write", "verify", "leave", NULL};
	/* of vector_certainty_to_string; "" where nothing is said of an address */
	static const char *const certainties[] = {
		"", "no-table", "unknown", "likely", "certain", NULL};

	switch (m->kind) {
	case MESSAGE_MARK:
		return message_is_one_of(m->mark, marks);
	case MESSAGE_PHASE:
		return message_is_one_of(m->phase, phases);
	case MESSAGE_OUTCOME:
		return message_is_outcome(m) &&
		       (m->phase[0] == '\0' || message_is_one_of(m->phase, phases));
	case MESSAGE_PLAN:
		return message_is_plan(m);
	case MESSAGE_FINDING:
		return finding_topic_from_string(m->topic) >= 0 &&
		       finding_result_from_string(m->result) >= 0;
	case MESSAGE_IMAGE:
		return message_is_one_of(m->certainty, certainties);
	case MESSAGE_GO:
	case MESSAGE_STOP:
	case _MESSAGE_KIND_MAX:
	case _MESSAGE_KIND_INVALID:
		break;
	}
	return true;
}

int message_read(struct message *ret, const char *text, size_t size)
{
	struct message_text read = {0};
	int r;

	if (size == 0 || size > MESSAGE_MAX || text[size - 1] != '\n') {
		return -EBADMSG;
	}
	r = fields_read(message_table, MESSAGE_FIELDS, &read, text, size);
	if (r < 0 || read.version != MESSAGE_VERSION) {
		return -EBADMSG;
	}
	read.m.kind = _MESSAGE_KIND_INVALID;
	for (int i = 0; i < _MESSAGE_KIND_MAX; i++) {
		if (strcmp(message_kinds[i], read.kind) == 0) {
			read.m.kind = (enum message_kind)i;
		}
	}
	if (read.m.kind == _MESSAGE_KIND_INVALID || !message_is_sound(&read.m)) {
		return -EBADMSG;
	}
	*ret = read.m;
	return 0;
}
