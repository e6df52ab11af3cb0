/* SPDX-License-Identifier: MIT */
/* The worker's arguments and its record: made from the profile as it is now, kept as they were. */
#include "dfud/brief.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "config/profile.h"
#include "dfud/daemon.h"
#include "dfud/tell.h"
#include "record/record.h"

static void __attribute__((format(printf, 2, 0)))
brief_vadd(struct brief_args *args, const char *format, va_list list)
{
	char *at = args->room + args->used;
	const size_t left = sizeof(args->room) - args->used;
	const size_t n = (size_t)vsnprintf(at, left, format, list);

	if (n >= left || args->n + 1 >= BRIEF_MAX_ARGS) {
		args->n = BRIEF_MAX_ARGS; /* does not fit: brief_make_args says so */
		return;
	}
	args->list[args->n++] = at;
	args->used += n + 1;
}

static void brief_add_arg(struct brief_args *args, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For the worker, and for a person who repeats it. */
static void brief_add_arg(struct brief_args *args, const char *format, ...)
{
	const size_t typed = strlen(args->command);
	va_list list;

	va_start(list, format);
	brief_vadd(args, format, list);
	va_end(list);
	if (args->n < BRIEF_MAX_ARGS) {
		snprintf(args->command + typed, sizeof(args->command) - typed, " %s",
			args->list[args->n - 1]);
	}
}

static void brief_add_hidden(struct brief_args *args, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For the worker alone: by hand dfud-flash finds it out itself. */
static void brief_add_hidden(struct brief_args *args, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	brief_vadd(args, format, list);
	va_end(list);
}

/* A file goes where the profile says, and only as certainly as that asks for. */
static void brief_add_place(struct brief_args *args, const struct profile *profile)
{
	if (profile->has_address) {
		brief_add_arg(args, "--address=0x%08" PRIx32, profile->address);
	}
	if (profile->alternate != 0) {
		brief_add_arg(args, "--alternate=%u", profile->alternate);
	}
	if (profile->origin == PROFILE_SHIPPED) {
		brief_add_arg(args, "--certain");
	}
}

/* A backup goes where it came from, to a board with the same memory. */
static void brief_add_backup(struct brief_args *args, const struct backup *backup)
{
	brief_add_arg(args, "--restore=%s", backup->sha256);
	brief_add_hidden(args, "--address=0x%08" PRIx32, backup->address);
	if (backup->alternate != 0) {
		brief_add_hidden(args, "--alternate=%u", (unsigned)backup->alternate);
	}
	if (backup->layout[0] != '\0') {
		brief_add_hidden(args, "--layout=%s", backup->layout);
	}
}

static void brief_add_treatment(struct brief_args *args, const struct profile *profile)
{
	if (profile->keep_bootloader) {
		brief_add_arg(args, "--keep-bootloader");
	}
	if (profile->backup != BACKUP_YES) {
		brief_add_arg(args, "--backup=%s", backup_policy_to_string(profile->backup));
	}
	if (profile->leave != LEAVE_AUTO) {
		brief_add_arg(args, "--leave=%s", leave_policy_to_string(profile->leave));
	}
	for (size_t i = 0; i < profile->n_protects && args->n < BRIEF_MAX_ARGS; i++) {
		brief_add_arg(args, "--protect=0x%08" PRIx32 "-0x%08" PRIx32,
			profile->protects[i].first, profile->protects[i].last);
	}
}

/* The name is for the worker's sentences; a backup is no file that a person would name. */
static void brief_add_file(struct brief_args *args, const struct job *job)
{
	if (job->restores) {
		brief_add_hidden(args, "--");
		brief_add_hidden(args, "%s", job->name);
	} else {
		brief_add_arg(args, "--");
		brief_add_arg(args, "%s", job->name);
	}
}

int brief_make_args(struct brief_args *args, const char *port, const struct job *job,
	const struct profile *profile)
{
	*args = (struct brief_args){.command = "dfud-flash"};
	brief_add_arg(args, "--port=%s", port);
	if (job->restores) {
		brief_add_backup(args, &job->backup);
	} else {
		brief_add_place(args, profile);
	}
	brief_add_treatment(args, profile);
	if (args->n < BRIEF_MAX_ARGS) {
		brief_add_file(args, job);
	}
	return args->n < BRIEF_MAX_ARGS ? 0 : -E2BIG;
}

/* The expectation as one field of the record. */
static void brief_write_expects(const struct assignment *a, bool none, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	if (none) {
		snprintf(ret, size, "none");
		return;
	}
	for (size_t i = 0; i < a->n_expects && n + USB_ID_TEXT < size; i++) {
		char id[USB_ID_TEXT];

		usb_id_write(&a->expects[i], id);
		n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? " " : "", id);
	}
	if (a->n_expects == 0) {
		snprintf(ret, size, "%s", a->image_expects);
	}
}

int brief_read_expects(struct assignment *a, const char *text)
{
	char copy[256];
	char *rest = copy;

	snprintf(copy, sizeof(copy), "%s", text);
	a->expects = calloc(sizeof(copy) / 2, sizeof(*a->expects));
	if (a->expects == NULL) {
		return -ENOMEM;
	}
	for (const char *word; (word = strsep(&rest, " ")) != NULL;) {
		a->n_expects += usb_id_parse(word, &a->expects[a->n_expects]);
	}
	return 0;
}

int brief_write_record(
	const struct assignment *a, const struct tell *t, const struct job *job, bool none)
{
	struct record record = RECORD_INIT;
	char text[RECORD_MAX];
	const int folder = spool_begin(&a->daemon->spool, a->id);
	int fd;
	int n;

	if (folder < 0) {
		return folder;
	}
	snprintf(record.id, sizeof(record.id), "%s", a->id);
	snprintf(record.profile, sizeof(record.profile), "%s", a->profile);
	snprintf(record.port, sizeof(record.port), "%s", t->port);
	snprintf(record.boot, sizeof(record.boot), "%s", a->daemon->boot);
	snprintf(record.path, sizeof(record.path), "%s", t->path);
	snprintf(record.usb_id, sizeof(record.usb_id), "%s", t->usb_id);
	snprintf(record.serial, sizeof(record.serial), "%s", t->serial);
	snprintf(record.file, sizeof(record.file), "%s", job->name);
	snprintf(record.sha256, sizeof(record.sha256), "%s", t->sha256);
	record.inode = job->file.inode;
	record.mtime_ns = (uint64_t)job->file.mtime_ns;
	record.size = job->file.size;
	record.owner = job->file.owner;
	record.within_ms = a->within_ms;
	record.stay = a->stays;
	record.number = a->number;
	record.max_attempts = a->max_attempts;
	snprintf(record.first_backup, sizeof(record.first_backup), "%s", a->first_backup);
	record.begun_us = daemon_realtime_us();
	record.device = a->port->device.number;
	brief_write_expects(a, none, record.expect, sizeof(record.expect));
	n = record_write(&record, text, sizeof(text));
	fd = openat(folder, "record", O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || n < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
		write(fd, text, (size_t)n) != (ssize_t)n) {
		n = n < 0 ? n : errno != 0 ? -errno : -ENOSPC;
		if (fd >= 0) {
			close(fd);
		}
		close(folder);
		return n;
	}
	close(folder);
	return fd;
}
