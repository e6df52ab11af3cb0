/* SPDX-License-Identifier: MIT */
/* Sentences about files, choices and the daemon. File names are shown safely and cut. */
#include "dfud/notice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "config/profile.h"
#include "dfud/serial.h"
#include "record/fields.h"

#define NOTICE_SHOWN 64

struct notice_name {
	char text[NOTICE_SHOWN + 4];
};

static struct notice_name notice_show(const char *name)
{
	struct notice_name shown;

	fields_show(name, shown.text, NOTICE_SHOWN);
	return shown;
}

void notice_started(size_t n_profiles)
{
	struct journal_line line;

	journal_begin(&line, EVENT_STARTED, LOG_INFO);
	journal_say(&line, "Started with %zu profile%s", n_profiles, n_profiles == 1 ? "" : "s");
}

void notice_reloaded(size_t n_profiles)
{
	struct journal_line line;

	journal_begin(&line, EVENT_RELOADED, LOG_INFO);
	journal_say(&line, "Configuration read again: %zu profile%s", n_profiles,
		n_profiles == 1 ? "" : "s");
}

void notice_stopping(size_t n_running)
{
	struct journal_line line;

	journal_begin(&line, EVENT_STOPPING, LOG_INFO);
	if (n_running == 0) {
		journal_say(&line, "Stopping");
	} else {
		journal_say(&line,
			"Stopping when %zu running attempt%s ended: a flash is never cut",
			n_running, n_running == 1 ? " has" : "s have");
	}
}

void notice_problems(const struct config_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		const struct config_problem *p = &problems->items[i];
		struct journal_line line;
		char at[32] = "";

		if (p->line > 0) {
			snprintf(at, sizeof(at), ":%u", p->line);
		}
		journal_begin(&line, EVENT_CONFIG_ERROR, LOG_ERR);
		journal_add(&line, "CONFIG_FILE", "%s", p->file);
		if (p->line > 0) {
			journal_add(&line, "CONFIG_LINE", "%u", p->line);
		}
		journal_add(&line, "CONFIG_KEY", "%s", p->key);
		journal_say(
			&line, "%s%s: %s%s%s", p->file, at, p->key, p->key[0] ? ": " : "", p->text);
	}
	if (problems->overflow) {
		struct journal_line line;

		journal_begin(&line, EVENT_CONFIG_ERROR, LOG_ERR);
		journal_say(&line, "More problems in the configuration are not listed; mend these "
				   "and look again (dfud --check-config)");
	}
}

/* A reason that the error itself gives; what it does not is said without one. */
static enum reason notice_reason_of_error(int error)
{
	switch (-error) {
	case ENOSPC:
	case EDQUOT:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return REASON_NO_SPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return REASON_NO_ACCESS;
	default:
		return REASON_NONE;
	}
}

void notice_trouble(enum reason reason, const char *what, int error)
{
	struct journal_line line;

	journal_begin(&line, reason == REASON_CONFIG ? EVENT_CONFIG_ERROR : EVENT_HELD, LOG_ERR);
	journal_add_reason(&line, error < 0 && reason != REASON_NO_BACKUP
					  ? notice_reason_of_error(error)
				  : reason == REASON_CONFIG ? REASON_NONE
							    : reason);
	journal_say(
		&line, "%s%s%s", what, error < 0 ? ": " : "", error < 0 ? strerror(-error) : "");
}

void notice_unmoved(int error)
{
	if (error == -ENOTEMPTY) {
		notice_trouble(REASON_NO_BACKUP,
			"a file stays in active/ until the next start, with a backup that is not "
			"in its folder yet",
			0);
	} else {
		notice_trouble(REASON_NO_SPACE,
			"a file cannot be moved out of active/; it stays there until the next "
			"start",
			error);
	}
}

static void notice_begin_job(
	struct journal_line *line, const struct job *job, enum journal_event event, int priority)
{
	journal_begin(line, event, priority);
	journal_add(line, "FILE", "%s", job->name);
	journal_add(line, "SIZE", "%" PRIu64, job->file.size);
	journal_add(line, "SHA256", "%s", job->sha256);
	journal_add(line, "QUEUED_BY_UID", "%u", (unsigned)job->file.owner);
}

void notice_queued(const struct job *job)
{
	const struct message *m = &job->image;
	struct journal_line line;
	char linked[64] = "";
	char about[NOTICE_SHOWN + 4] = "";
	const bool is_signed = job->signer[0] != '\0';

	fields_show(m->about, about, NOTICE_SHOWN);
	if (strcmp(m->certainty, "certain") == 0) {
		snprintf(linked, sizeof(linked), ", linked for 0x%08" PRIx32, m->link);
	} else if (strcmp(m->certainty, "likely") == 0) {
		snprintf(linked, sizeof(linked), ", probably linked for 0x%08" PRIx32, m->link);
	}
	notice_begin_job(&line, job, EVENT_QUEUED, LOG_INFO);
	if (job->restores) {
		journal_add(&line, "BACKUP", "%s", job->backup.sha256);
		journal_say(&line,
			"%s is queued (backup %.8s: %" PRIu64 " bytes for 0x%08" PRIx32
			", where they were on the board that was on port %s)",
			notice_show(job->name).text, job->backup.sha256, job->backup.size,
			job->backup.address, notice_show(job->backup.port).text);
		return;
	}
	journal_say(&line, "%s is queued (%" PRIu64 " bytes, %s%s%s%s%s%s)",
		notice_show(job->name).text, job->file.size, notice_show(m->format).text, linked,
		about[0] ? ", " : "", about, is_signed ? ", signed with key " : "", job->signer);
}

void notice_unsigned(const struct job *job, const char *sentence)
{
	struct journal_line line;

	notice_begin_job(&line, job, EVENT_HELD, LOG_WARNING);
	journal_add_reason(&line, REASON_SIGNATURE);
	journal_say(&line, "%s", sentence);
}

void notice_ignored(const char *name, enum reason reason)
{
	struct journal_line line;
	const char *text = "cannot be a job";

	if (reason == REASON_NOT_REGULAR) {
		text = "is no regular file and stays where it is: drop the firmware file itself, "
		       "without a folder around it";
	} else if (reason == REASON_LINKED) {
		text = "is a link or has a second name and stays where it is: drop a copy (cp), or "
		       "remove the other name";
	} else if (reason == REASON_UNREADABLE) {
		text = "may not be read by dfud and stays where it is: chmod a+r it";
	}
	journal_begin(&line, EVENT_IGNORED, LOG_WARNING);
	journal_add(&line, "FILE", "%s", name);
	journal_add_reason(&line, reason);
	journal_say(&line, "%s %s", notice_show(name).text, text);
}

void notice_cancelled(const struct job *job)
{
	struct journal_line line;

	notice_begin_job(&line, job, EVENT_CANCELLED, LOG_INFO);
	journal_say(&line, "%s was taken out of the queue", notice_show(job->name).text);
}

void notice_expired(const struct job *job, const char *where)
{
	struct journal_line line;

	notice_begin_job(&line, job, EVENT_EXPIRED, LOG_WARNING);
	journal_add_reason(&line, REASON_EXPIRED);
	journal_say(&line,
		"%s waited longer than ExpireAfter= for its %s and is now in %s; drop it again to "
		"flash it",
		notice_show(job->name).text, job->state == JOB_UNSIGNED ? "signature" : "board",
		where);
}

void notice_settled(
	const char *id, const char *name, const char *where, enum reason reason, unsigned attempts)
{
	struct journal_line line;

	journal_begin(&line, EVENT_SETTLED, LOG_INFO);
	journal_add(&line, "ATTEMPT", "%s", id);
	journal_add(&line, "FILE", "%s", name);
	journal_add(&line, "FOLDER", "%s", where);
	journal_add_reason(&line, reason);
	if (reason == REASON_ATTEMPTS) {
		journal_say(&line, "%s is given up after %u attempt%s and is now in %s",
			notice_show(name).text, attempts, attempts == 1 ? "" : "s", where);
	} else if (reason == REASON_SUPERSEDED) {
		journal_say(&line, "%s gives way to a newer file and is now in %s",
			notice_show(name).text, where);
	} else {
		journal_say(&line, "%s is now in %s", notice_show(name).text, where);
	}
}

void notice_refused_file(
	const struct job *job, const char *id, enum reason reason, const char *text)
{
	struct journal_line line;
	char worker[640];

	fields_clean(text, worker, sizeof(worker));
	notice_begin_job(&line, job, EVENT_VERDICT, LOG_ERR);
	journal_add(&line, "ATTEMPT", "%s", id);
	journal_add_reason(&line, reason);
	journal_add_verdict(&line, VERDICT_REFUSED);
	journal_add(&line, "END", "%s", attempt_end_to_string(END_REFUSED));
	journal_add(&line, "FLASH", "%s", flash_state_to_string(FLASH_UNTOUCHED));
	journal_add(&line, "RETURN", "%s", return_kind_to_string(RETURN_NONE));
	journal_add(&line, "VERIFIED", "%s", verified_by_to_string(VERIFIED_NO));
	journal_say(
		&line, "%s: refused, nothing was erased: %s", notice_show(job->name).text, worker);
}

static void notice_unmatched(const struct match *m, const char *port, char *ret, size_t size)
{
	if (m->profile == NULL) {
		snprintf(ret, size,
			"no profile means the board on port %s: write one into /etc/dfud/boards.d "
			"(dfud.conf(5))",
			port);
		return;
	}
	snprintf(ret, size,
		"no profile means the board on port %s; %s comes closest and misses it by %s", port,
		m->profile->name, profile_key_to_string(m->missed));
}

static void notice_no_file(const struct match *m, const char *port, char *ret, size_t size)
{
	char why[400] = "they were tried on it or refused already";

	if (m->other_profile == m->profile) {
		snprintf(why, sizeof(why), "none has a name that File= asks for");
	} else if (m->other_profile != NULL) {
		snprintf(why, sizeof(why), "%s names one, and misses this board by %s",
			m->other_profile->name, profile_key_to_string(m->missed));
	}
	snprintf(ret, size, "%s: the board on port %s waits: no file in the queue is for it (%s)",
		m->profile->name, port, why);
}

/* How a person can tell two boards apart; shows what Serial= is good for. */
static void notice_two_boards(
	const struct match *m, const struct match_input *in, size_t board, char *ret, size_t size)
{
	const struct profile_device *a = &in->boards[board].device;
	const struct profile_device *b = &in->boards[m->other_board].device;
	const char *serial_a = a->serial != NULL ? a->serial : "";
	const char *serial_b = b->serial != NULL ? b->serial : "";
	const bool is_same = serial_a[0] != '\0' && strcmp(serial_a, serial_b) == 0;
	const bool differs = serial_a[0] != '\0' && serial_b[0] != '\0' && !is_same &&
			     !serial_is_shared(serial_a) && !serial_is_shared(serial_b);

	snprintf(ret, size,
		"%s: %s could go to port %s or to port %s: unplug one, or name the %s%s%s",
		m->profile->name, notice_show(in->jobs[m->job].name).text, a->port, b->port,
		differs ? "board in the profile (Port=, Path= or Serial= in [Match])"
			: "port in the profile (Port= or Path= in [Match])",
		is_same ? "; Serial= cannot tell them apart, both show " : "",
		is_same ? notice_show(serial_a).text : "");
}

bool notice_standing(
	const struct match *m, const struct match_input *in, size_t board, char *ret, size_t size)
{
	const char *port = in->boards[board].device.port;

	switch (m->kind) {
	case MATCH_UNMATCHED:
		notice_unmatched(m, port, ret, size);
		return true;
	case MATCH_WAITING:
		snprintf(ret, size, "%s: the board on port %s waits for a file in the queue",
			m->profile->name, port);
		return true;
	case MATCH_NO_FILE_MEANT:
		notice_no_file(m, port, ret, size);
		return true;
	case MATCH_TWO_FILES:
		snprintf(ret, size,
			"%s: the board on port %s could get %s or %s: take one out of the queue, "
			"or set Order=oldest in [Flash]",
			m->profile->name, port, notice_show(in->jobs[m->job].name).text,
			notice_show(in->jobs[m->other_job].name).text);
		return true;
	case MATCH_TWO_BOARDS:
		notice_two_boards(m, in, board, ret, size);
		return true;
	case MATCH_TWO_PROFILES:
		snprintf(ret, size,
			"the board on port %s is meant by two profiles, %s and %s: make their "
			"[Match] or File= differ",
			port, m->profile->name, m->other_profile->name);
		return true;
	case MATCH_CONFIG:
		snprintf(ret, size,
			"the board on port %s waits: %s, which may mean it, has an error (dfud "
			"--check-config)",
			port, m->profile->file);
		return true;
	case MATCH_PORT_NOT_ALLOWED:
		snprintf(ret, size,
			"port %s is not among [Ports] Allow=: no board is flashed there", port);
		return true;
	case MATCH_CLOSED:
	case MATCH_FLASH:
	case _MATCH_KIND_MAX:
		break;
	}
	return false;
}

static enum reason notice_reason_of(enum match_kind kind)
{
	if (kind == MATCH_TWO_FILES) {
		return REASON_TWO_FILES;
	}
	if (kind == MATCH_TWO_BOARDS) {
		return REASON_TWO_BOARDS;
	}
	if (kind == MATCH_PORT_NOT_ALLOWED) {
		return REASON_PORT_NOT_ALLOWED;
	}
	return kind == MATCH_CONFIG || kind == MATCH_TWO_PROFILES ? REASON_CONFIG : REASON_NONE;
}

void notice_say_standing(const struct match *m, const struct match_input *in,
	const struct tell *tell, const char *sentence)
{
	const enum reason reason = notice_reason_of(m->kind);
	const enum journal_event event = m->kind == MATCH_UNMATCHED ? EVENT_UNMATCHED
					 : reason == REASON_NONE    ? EVENT_WAITING
								    : EVENT_HELD;
	struct journal_line line;

	journal_begin(&line, event, reason == REASON_NONE ? LOG_INFO : LOG_WARNING);
	journal_add(&line, "PROFILE", "%s", tell->profile);
	journal_add(&line, "PORT", "%s", tell->port);
	journal_add(&line, "PATH", "%s", tell->path);
	journal_add(&line, "USB_ID", "%s", tell->usb_id);
	journal_add(&line, "USB_SERIAL", "%s", tell->serial);
	if (m->job != MATCH_NONE) {
		journal_add(&line, "FILE", "%s", in->jobs[m->job].name);
	}
	journal_add_reason(&line, reason);
	journal_say(&line, "%s", sentence);
}
