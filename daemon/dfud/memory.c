/* SPDX-License-Identifier: MIT */
/* What records remember of files: identity is inode, size and mtime, which a rename keeps. */
#include "dfud/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "dfud/daemon.h"
#include "record/record.h"

int memory_read(const struct daemon *daemon, const char *id, struct record *ret)
{
	char path[64];
	char text[RECORD_MAX];
	ssize_t n = -1;
	int r = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/record", id);
	fd = openat(daemon->spool.active, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		return errno == ENOENT ? -EBADMSG : -errno;
	}
	n = read(fd, text, sizeof(text));
	r = n < 0 ? -errno : record_read(ret, text, (size_t)n);
	if (r == 0 && strcmp(ret->id, id) != 0) {
		r = -EBADMSG;
	}
	if (r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
	}
	close(fd);
	return r;
}

int memory_append(const struct daemon *daemon, const char *id, const char *lines)
{
	const size_t size = strlen(lines);
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/record", id);
	fd = openat(daemon->spool.active, path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return -errno;
	}
	n = write(fd, lines, size);
	close(fd);
	return n < 0 ? -errno : (size_t)n < size ? -ENOSPC : 0;
}

void memory_keep(
	struct daemon *daemon, const char *id, const struct port *port, enum port_again again)
{
	struct remembered *r = calloc(1, sizeof(*r));
	struct record record;

	if (r == NULL || memory_read(daemon, id, &record) < 0) {
		free(r);
		return;
	}
	snprintf(r->id, sizeof(r->id), "%s", id);
	r->inode = record.inode;
	r->mtime_ns = record.mtime_ns;
	r->size = record.size;
	r->attempts = (unsigned)record.number;
	snprintf(r->first_backup, sizeof(r->first_backup), "%s",
		record.first_backup[0] ? record.first_backup : record.backup);
	r->again = again;
	snprintf(r->port, sizeof(r->port), "%s", port != NULL ? port->device.port : "");
	r->next = daemon->remembered;
	daemon->remembered = r;
}

/* The visit in which it failed goes on. */
static void memory_recall_port(
	struct daemon *daemon, const struct job *job, const struct remembered *r)
{
	struct port *port = port_find(&daemon->ports, r->port);

	if (port != NULL) {
		port_remember(port, job->id, r->again, daemon_now_us());
	}
}

/* A failed attempt of an earlier daemon speaks of this file. */
void memory_recall(struct daemon *daemon, struct job *job)
{
	for (struct remembered **at = &daemon->remembered; *at != NULL; at = &(*at)->next) {
		struct remembered *r = *at;

		if (r->inode == job->file.inode && r->size == job->file.size &&
			r->mtime_ns == (uint64_t)job->file.mtime_ns) {
			job->attempts = r->attempts;
			snprintf(job->first_backup, sizeof(job->first_backup), "%s",
				r->first_backup);
			snprintf(job->memory, sizeof(job->memory), "%s", r->id);
			memory_recall_port(daemon, job, r);
			*at = r->next;
			free(r);
			return;
		}
	}
}
