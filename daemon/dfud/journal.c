/* SPDX-License-Identifier: MIT */
/*
 * Journal lines. A line carries the most particular MESSAGE_ID that it has: its reason's, else its
 * verdict's, else its event's (journal-ids.h). A line never fails: what does not fit is left out,
 * the sentence last.
 */
#include "dfud/journal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION 1
#include <systemd/sd-journal.h>

#include "dfud/journal-ids.h"

#define JOURNAL_SOCKET	     "/run/systemd/journal/socket"
#define JOURNAL_SENTENCE_MAX 1536
#define JOURNAL_LAST_FIELDS  4 /* the sentence and what journald needs with it */
#define JOURNAL_LAST_ROOM    (JOURNAL_SENTENCE_MAX + 128)

struct journal_word {
	const char *word, *id;
};

static const struct journal_word journal_events[_EVENT_MAX] = {
#define JOURNAL_ROW(name, word, id) [EVENT_##name] = {word, id},
	JOURNAL_EVENTS(JOURNAL_ROW)
#undef JOURNAL_ROW
};

static const char *const journal_verdict_ids[_VERDICT_MAX] = {
#define JOURNAL_ROW(name, word, id) [VERDICT_##name] = id,
	JOURNAL_VERDICTS(JOURNAL_ROW)
#undef JOURNAL_ROW
};

static const char *const journal_reason_ids[_REASON_MAX] = {
#define JOURNAL_ROW(name, word, id) [REASON_##name] = id,
	JOURNAL_REASONS(JOURNAL_ROW)
#undef JOURNAL_ROW
};

static bool journal_listens;

void journal_open(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	journal_listens =
		fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	if (fd >= 0) {
		close(fd);
	}
}

static void journal_put_within(
	struct journal_line *line, const char *name, const char *value, int n_max, size_t room)
{
	const size_t left = room > line->used ? room - line->used : 0;
	char *at = line->room + line->used;
	const size_t n = (size_t)snprintf(at, left, "%s=%s", name, value);

	if (n >= left || line->n >= n_max) {
		return;
	}
	line->fields[line->n++] = (struct iovec){.iov_base = at, .iov_len = n};
	line->used += n + 1;
}

/* A field; leaves room for the last ones. */
static void journal_put(struct journal_line *line, const char *name, const char *value)
{
	journal_put_within(line, name, value, JOURNAL_MAX_FIELDS - JOURNAL_LAST_FIELDS,
		sizeof(line->room) - JOURNAL_LAST_ROOM);
}

static void journal_put_last(struct journal_line *line, const char *name, const char *value)
{
	journal_put_within(line, name, value, JOURNAL_MAX_FIELDS, sizeof(line->room));
}

void journal_begin(struct journal_line *line, enum journal_event event, int priority)
{
	assert(event >= 0 && event < _EVENT_MAX);
	line->event = event;
	line->priority = priority;
	line->id = journal_events[event].id;
	line->n = 0;
	line->used = 0;
	journal_put(line, "DFUD_EVENT", journal_events[event].word);
}

void journal_add(struct journal_line *line, const char *name, const char *format, ...)
{
	char full[64];
	char value[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(value, sizeof(value), format, list);
	va_end(list);
	if (value[0] != '\0') {
		snprintf(full, sizeof(full), "DFUD_%s", name);
		journal_put(line, full, value);
	}
}

void journal_add_reason(struct journal_line *line, enum reason reason)
{
	if (reason > REASON_NONE) {
		journal_put(line, "DFUD_REASON", reason_to_string(reason));
		line->id = journal_reason_ids[reason];
	}
}

void journal_add_verdict(struct journal_line *line, enum verdict verdict)
{
	journal_put(line, "DFUD_VERDICT", verdict_to_string(verdict));
	line->priority = verdict_priority(verdict);
	if (line->id == journal_events[line->event].id) {
		line->id = journal_verdict_ids[verdict];
	}
}

void journal_say(struct journal_line *line, const char *format, ...)
{
	char sentence[JOURNAL_SENTENCE_MAX];
	char text[8];
	va_list list;

	va_start(list, format);
	vsnprintf(sentence, sizeof(sentence), format, list);
	va_end(list);
	if (!journal_listens) {
		if (line->priority < LOG_DEBUG) {
			fprintf(stderr, "%s\n", sentence);
		}
		return;
	}
	snprintf(text, sizeof(text), "%d", line->priority);
	journal_put_last(line, "MESSAGE", sentence);
	journal_put_last(line, "PRIORITY", text);
	journal_put_last(line, "MESSAGE_ID", line->id);
	journal_put_last(line, "SYSLOG_IDENTIFIER", "dfud");
	(void)sd_journal_sendv(line->fields, line->n);
}

const char *journal_event_to_string(enum journal_event event)
{
	assert(event >= 0 && event < _EVENT_MAX);
	return journal_events[event].word;
}
