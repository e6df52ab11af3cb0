/* SPDX-License-Identifier: MIT */
/*
 * Settling. The verdict is in the record before the file moves, so that a daemon that dies between
 * the two settles at its next start without telling the verdict a second time.
 */
#include "dfud/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "dfud/custody.h"
#include "dfud/daemon.h"
#include "dfud/fate.h"
#include "dfud/journey.h"
#include "dfud/memory.h"
#include "dfud/notice.h"
#include "dfud/queue.h"
#include "record/fields.h"

#define SETTLE_PLAN_MAX	  8192
#define SETTLE_REPORT_MAX (SETTLE_PLAN_MAX + 4096)

void settle_stamp(char *ret, size_t size)
{
	const time_t now = (time_t)(daemon_realtime_us() / 1000000);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(ret, size, "%Y-%m-%dT%H%M%SZ", &tm);
}

/* "3f2a9c01..., restore with: ...", or "none"; what a first attempt found is worth more. */
static void settle_backup_line(const struct assignment *a, char *ret, size_t size)
{
	const bool again = a->first_backup[0] != '\0' && strcmp(a->first_backup, a->backup) != 0;
	const char *best = again ? a->first_backup : a->backup;
	int n;

	if (best[0] == '\0') {
		snprintf(ret, size, "none");
		return;
	}
	n = snprintf(ret, size, "%s%s, restore with: dfud-flash --restore %.8s", best,
		again ? " of what the first attempt found" : "", best);
	if (again && a->backup[0] != '\0' && n > 0 && (size_t)n < size) {
		snprintf(ret + n, size - (size_t)n, "; %.8s of what the last one found", a->backup);
	}
}

static void settle_report(const struct assignment *a, const struct attempt *t)
{
	const struct tell *tell = journey_tell(a->journey);
	char verdict[1200];
	char report[SETTLE_REPORT_MAX];
	char plan[SETTLE_PLAN_MAX];
	char stamp[32];
	char backup[256];

	settle_stamp(stamp, sizeof(stamp));
	settle_backup_line(a, backup, sizeof(backup));
	tell_verdict_text(tell, t, verdict, sizeof(verdict));
	findings_write(&t->findings, plan, sizeof(plan));
	snprintf(report, sizeof(report),
		"Format=1\n"
		"%s: %s\n\n"
		"Verdict:  %s%s%s\n"
		"When:     %s\n"
		"File:     %s (%" PRIu64 " bytes, SHA-256 %s)\n"
		"Queued by: uid %u\n"
		"Board:    %s on port %s %s\n"
		"Profile:  %s\n"
		"Address:  0x%08" PRIx32 "\n"
		"Flash:    %s, verified: %s\n"
		"Return:   %s %s %s\n"
		"Backup:   %s\n"
		"Times:    erase %" PRIu64 " ms, write %" PRIu64 " ms, verify %" PRIu64 " ms\n"
		"Attempt:  %s, number %u (journalctl DFUD_ATTEMPT=%s)\n"
		"%s%s",
		tell->label, verdict, verdict_to_string(t->verdict), t->reason ? ", " : "",
		reason_to_string(t->reason), stamp, tell->shown, tell->size, tell->sha256,
		(unsigned)tell->owner, tell->usb_id, tell->port, tell->path, a->profile,
		t->plan.address, flash_state_to_string(t->flash),
		verified_by_to_string(t->checked_by), return_kind_to_string(t->back),
		t->has_device ? t->device.id : "", t->tty, backup, t->outcome.erase_ms,
		t->outcome.write_ms, t->outcome.verify_ms, a->id, a->number, a->id,
		plan[0] ? "\nThe plan:\n" : "", plan);
	(void)spool_write(&a->daemon->spool, a->id, "report.txt", report);
}

/* What an earlier attempt of the job left as a memory is no longer needed. */
static void settle_forget_memory(struct daemon *daemon, struct job *job)
{
	if (job->memory[0] != '\0') {
		(void)spool_forget(&daemon->spool, job->memory);
		job->memory[0] = '\0';
	}
}

/* The claimed file's folder to done/ or failed/. */
static void settle_move(struct assignment *a, bool good, enum reason reason, unsigned attempts)
{
	struct daemon *daemon = a->daemon;
	char stamp[32];
	char where[512];
	int r;

	settle_stamp(stamp, sizeof(stamp));
	r = spool_settle(&daemon->spool, a->id, a->file, stamp, good, where, sizeof(where));
	if (r < 0) {
		notice_unmoved(r);
		return;
	}
	notice_settled(a->id, a->file, where, reason, attempts);
}

/* Takes a file that was never claimed out of the queue, so that it can be settled. */
static bool settle_claim(struct assignment *a)
{
	if (!a->claimed && spool_claim(&a->daemon->spool, a->id, a->file, a->inode) == 0) {
		a->claimed = true;
		queue_forget(a->daemon->queue, a->file);
	}
	return a->claimed;
}

/* Back into the queue; a newer file of that name makes the old one give way. */
static bool settle_give_back(struct assignment *a)
{
	const int r = a->claimed ? spool_give_back(&a->daemon->spool, a->id, a->file) : 0;

	if (r == -EEXIST) {
		settle_report(a, journey_attempt(a->journey));
		settle_move(a, false, REASON_SUPERSEDED, 0);
		return false;
	}
	if (r < 0) {
		notice_trouble(REASON_NO_SPACE,
			"a file cannot be moved back into the queue; it stays in active/ until the "
			"next start",
			r);
	}
	return r >= 0;
}

static void settle_stay(struct assignment *a, struct job *job, const struct fate_output *fate)
{
	struct daemon *daemon = a->daemon;

	if (!settle_give_back(a)) {
		if (job != NULL) {
			settle_forget_memory(daemon, job);
			jobs_remove(&daemon->jobs, job);
		}
		return;
	}
	if (job == NULL) { /* of an earlier daemon: the queue will tell it, the record remembers */
		if (fate->counts) {
			memory_keep(daemon, a->id,
				fate->remembers && a->port->visit == a->visit ? a->port : NULL,
				fate->again);
		} else {
			(void)spool_forget(&daemon->spool, a->id);
		}
		return;
	}
	job->state = JOB_READY;
	if (!fate->counts) {
		(void)spool_forget(&daemon->spool, a->id);
		return;
	}
	settle_forget_memory(daemon, job);
	job->attempts = a->number;
	snprintf(job->first_backup, sizeof(job->first_backup), "%s",
		a->first_backup[0] ? a->first_backup : a->backup);
	snprintf(job->memory, sizeof(job->memory), "%s", a->id);
}

/* The file has its place, done/ or failed/. */
static void settle_end(struct assignment *a, struct job *job, const struct fate_output *fate)
{
	if (settle_claim(a)) {
		settle_report(a, journey_attempt(a->journey));
		settle_move(a, fate->fate == FATE_DONE,
			fate->counts ? REASON_ATTEMPTS : REASON_NONE, a->number);
	}
	if (job != NULL) {
		settle_forget_memory(a->daemon, job);
		jobs_remove(&a->daemon->jobs, job);
	}
}

static void settle_remove(struct assignment *a, struct job *job)
{
	struct daemon *daemon = a->daemon;

	(void)spool_forget(&daemon->spool, a->id);
	if (job != NULL) {
		notice_cancelled(job);
		settle_forget_memory(daemon, job);
		jobs_remove(&daemon->jobs, job);
	}
}

static bool settle_file_is_there(const struct assignment *a, const struct job *job)
{
	struct stat st;

	if (a->claimed || job != NULL) {
		return a->claimed || !job->absent;
	}
	return fstatat(a->daemon->spool.queue, a->file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == a->inode;
}

void settle_attempt(struct assignment *a)
{
	struct daemon *daemon = a->daemon;
	const struct attempt *t = journey_attempt(a->journey);
	struct job *job = jobs_find_id(&daemon->jobs, a->job);
	const struct fate_input input = {
		.verdict = t->verdict,
		.reason = t->reason,
		.flash = t->flash,
		.attempts = a->number,
		.max_attempts = a->max_attempts,
		.file_is_there = settle_file_is_there(a, job),
	};
	const struct fate_output fate = fate_of(&input);
	char line[64];

	custody_end(a);
	snprintf(line, sizeof(line), "Verdict=%s\n", verdict_to_string(t->verdict));
	(void)memory_append(daemon, a->id, line);
	if (verdict_is_flashed(t->verdict)) {
		daemon->n_flashed++;
		if (a->port->visit == a->visit) {
			a->port->closed = true;
		}
	} else {
		daemon->n_failed++;
	}
	if (fate.remembers && job != NULL && a->port->visit == a->visit) {
		port_remember(a->port, job->id, fate.again, daemon_now_us());
	}
	switch (fate.fate) {
	case FATE_DONE:
	case FATE_FAILED:
		settle_end(a, job, &fate);
		break;
	case FATE_STAYS:
		settle_stay(a, job, &fate);
		break;
	case FATE_GONE:
		settle_remove(a, job);
		break;
	}
}

int settle_job(struct daemon *daemon, struct job *job, enum reason reason, const char *text,
	char *ret_id, char *ret_where, size_t where_size)
{
	sd_id128_t id;
	char stamp[32];
	char shown[68];
	char report[1536];
	int r = sd_id128_randomize(&id);
	int folder;

	if (r < 0) {
		return r;
	}
	sd_id128_to_string(id, ret_id);
	settle_stamp(stamp, sizeof(stamp));
	folder = spool_begin(&daemon->spool, ret_id);
	r = folder < 0 ? folder : spool_claim(&daemon->spool, ret_id, job->name, job->file.inode);
	if (folder >= 0) {
		close(folder);
	}
	if (r < 0) {
		(void)spool_forget(&daemon->spool, ret_id);
		if (r != -ENOENT) {
			notice_trouble(REASON_NO_SPACE, "a file cannot be moved to failed/", r);
		}
		return r;
	}
	queue_forget(daemon->queue, job->name);
	settle_forget_memory(daemon, job);
	fields_show(job->name, shown, sizeof(shown) - 4);
	snprintf(report, sizeof(report),
		"Format=1\n%s: %s\n\nReason:   %s\nWhen:     %s\nFile:     %s (%" PRIu64
		" bytes, SHA-256 %s)\nQueued by: uid %u\nAttempt:  %s\n",
		shown, text, reason_to_string(reason), stamp, shown, job->file.size, job->sha256,
		(unsigned)job->file.owner, ret_id);
	(void)spool_write(&daemon->spool, ret_id, "report.txt", report);
	return spool_settle(&daemon->spool, ret_id, job->name, stamp, false, ret_where, where_size);
}
