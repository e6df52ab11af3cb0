/* SPDX-License-Identifier: MIT */
/* The list of jobs. */
#include "dfud/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool job_is_waiting(const struct job *job)
{
	return job->state == JOB_READY || job->state == JOB_UNSIGNED;
}

bool job_is_lost_backup(const struct job *job, const char *certainty)
{
	const size_t digits = strlen(job->sha256);

	return !job->restores && strcmp(certainty, "certain") != 0 &&
	       strncmp(job->name, job->sha256, digits) == 0 &&
	       strcmp(job->name + digits, ".bin") == 0;
}

struct job *jobs_add(struct jobs *jobs, const struct queue_file *file)
{
	struct job *job = calloc(1, sizeof(*job));
	struct job **last = &jobs->first;

	if (job == NULL) {
		return NULL;
	}
	job->id = ++jobs->last_id;
	snprintf(job->name, sizeof(job->name), "%s", file->name);
	job->file = *file;
	job->file.name = job->name;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = job;
	jobs->n++;
	return job;
}

struct job *jobs_find(const struct jobs *jobs, const char *name, ino_t inode)
{
	for (struct job *job = jobs->first; job != NULL; job = job->next) {
		if (job->file.inode == inode && strcmp(job->name, name) == 0) {
			return job;
		}
	}
	return NULL;
}

struct job *jobs_find_id(const struct jobs *jobs, uint64_t id)
{
	for (struct job *job = jobs->first; job != NULL; job = job->next) {
		if (job->id == id) {
			return job;
		}
	}
	return NULL;
}

void jobs_remove(struct jobs *jobs, struct job *job)
{
	struct job **at = &jobs->first;

	while (*at != NULL && *at != job) {
		at = &(*at)->next;
	}
	if (*at != NULL) {
		*at = job->next;
		jobs->n--;
	}
	free(job);
}

void jobs_done(struct jobs *jobs)
{
	while (jobs->first != NULL) {
		jobs_remove(jobs, jobs->first);
	}
}
