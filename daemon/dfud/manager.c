/* SPDX-License-Identifier: MIT */
/*
 * The daemon's hands: what the queue, the ports and the signals tell is put into the lists, and the
 * lists are looked at again by dispatch at the next turn of the loop. One thread; nothing in here
 * waits for a device or a disk.
 */
#include "dfud/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "dfud/assignment.h"
#include "dfud/boards.h"
#include "dfud/daemon.h"
#include "dfud/dispatch.h"
#include "dfud/hotplug.h"
#include "dfud/memory.h"
#include "dfud/notice.h"
#include "dfud/queue.h"
#include "dfud/recover.h"
#include "dfud/status.h"

#define MANAGER_EXIT_CONFIG 78 /* EX_CONFIG */

static int manager_on_dispatch(sd_event_source *source, void *user)
{
	struct daemon *daemon = user;

	(void)source;
	dispatch(daemon);
	return 0;
}

static int manager_on_alarm(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	daemon_wake(user);
	return 0;
}

static bool manager_is_same(const struct job *job, const struct queue_file *file)
{
	return job->file.inode == file->inode && job->file.mtime_ns == file->mtime_ns &&
	       job->file.size == file->size;
}

static void manager_on_arrived(void *user, const struct queue_file *file)
{
	struct daemon *daemon = user;
	struct job *job = jobs_find(&daemon->jobs, file->name, file->inode);

	if (job != NULL && manager_is_same(job, file)) {
		job->absent = false; /* given back by us */
		return;
	}
	if (job != NULL && job->state != JOB_TAKEN) {
		jobs_remove(&daemon->jobs, job);
	}
	job = jobs_add(&daemon->jobs, file);
	if (job == NULL) {
		notice_trouble(REASON_NO_SPACE, "a file cannot be taken as a job", -ENOMEM);
		return;
	}
	memory_recall(daemon, job);
	daemon_wake(daemon);
}

static void manager_on_left(void *user, const char *name, ino_t inode)
{
	struct daemon *daemon = user;
	struct job *job = jobs_find(&daemon->jobs, name, inode);

	if (job == NULL) {
		return;
	}
	if (job->state == JOB_TAKEN) {
		job->absent = true;
		return;
	}
	if (job->memory[0] != '\0') {
		(void)spool_forget(&daemon->spool, job->memory);
	}
	notice_cancelled(job);
	jobs_remove(&daemon->jobs, job);
	daemon_wake(daemon);
}

static void manager_on_refused(void *user, const char *name, enum queue_fault fault)
{
	(void)user;
	notice_ignored(name, reason_from_string(queue_fault_to_string(fault)));
}

static void manager_on_companion(void *user, const char *name)
{
	struct daemon *daemon = user;

	for (struct job *job = daemon->jobs.first; job != NULL; job = job->next) {
		if (name == NULL || strcmp(job->name, name) == 0) {
			job->has_news = true;
			daemon_wake(daemon);
		}
	}
}

static void manager_on_queue_failed(void *user, int error)
{
	struct daemon *daemon = user;

	notice_trouble(REASON_NO_SPACE,
		"the queue folder cannot be watched any more (removed, moved or unmounted?); dfud "
		"ends and begins anew",
		error);
	(void)sd_event_exit(daemon->event, EXIT_FAILURE);
}

static void manager_on_present(void *user, const struct hotplug_device *device)
{
	boards_take_present(user, device);
}

static void manager_on_absent(void *user, const char *port)
{
	boards_take_absent(user, port);
}

static void manager_on_tty(void *user, const char *port, const char *link)
{
	boards_take_tty(user, port, link);
}

static void manager_on_lost(void *user)
{
	boards_look_again(user);
}

static int manager_load(struct daemon *daemon, struct configuration *ret, bool *ret_usable)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	enum configuration_state state = CONFIGURATION_GOOD;
	int r = configuration_load(ret, daemon->folders, &problems, &state);

	notice_problems(&problems);
	config_problems_done(&problems);
	*ret_usable = state != CONFIGURATION_UNUSABLE;
	return r;
}

/* What was judged under other keys is judged anew. */
static void manager_take_trust(struct daemon *daemon, const struct settings *before)
{
	if (settings_trust_is_same(before, &daemon->configuration.settings)) {
		return;
	}
	for (struct job *job = daemon->jobs.first; job != NULL; job = job->next) {
		job->sidecars = (struct sidecars){0};
		job->has_news = true;
	}
}

static void manager_take(struct daemon *daemon, struct configuration *fresh)
{
	struct configuration before = daemon->configuration;

	daemon->configuration = *fresh;
	*fresh = (struct configuration)CONFIGURATION_INIT;
	daemon->generation++;
	manager_take_trust(daemon, &before.settings);
	configuration_done(&before);
	queue_set_quiet(daemon->queue, daemon->configuration.settings.quiet_ms);
	for (struct port *p = daemon->ports.first; p != NULL; p = p->next) {
		port_forget_refusals(p);
		p->said[0] = '\0';
	}
}

void manager_reload(struct daemon *daemon)
{
	struct configuration fresh = CONFIGURATION_INIT;
	bool usable = false;

	(void)sd_notifyf(
		0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)daemon_now_us());
	if (manager_load(daemon, &fresh, &usable) >= 0 && usable) {
		manager_take(daemon, &fresh);
		notice_reloaded(daemon->configuration.n_profiles);
		daemon_wake(daemon);
	} else {
		notice_trouble(REASON_CONFIG,
			"the configuration has errors; what was read before stays in force", 0);
	}
	(void)sd_notify(0, "READY=1");
}

void manager_stop(struct daemon *daemon)
{
	if (daemon->stopping) {
		return;
	}
	daemon->stopping = true;
	(void)sd_notify(0, "STOPPING=1");
	notice_stopping(daemon->n_assignments);
	status_show(daemon);
	daemon_check_end(daemon);
}

static int manager_add_sources(struct daemon *daemon)
{
	int r = sd_event_add_defer(daemon->event, &daemon->dispatch, manager_on_dispatch, daemon);

	if (r >= 0) { /* after everything else that is ready, so that one look serves it all */
		r = sd_event_source_set_priority(daemon->dispatch, SD_EVENT_PRIORITY_IDLE);
	}
	if (r >= 0) {
		r = sd_event_source_set_enabled(daemon->dispatch, SD_EVENT_OFF);
	}
	if (r >= 0) {
		r = sd_event_add_time(daemon->event, &daemon->alarm, CLOCK_MONOTONIC, UINT64_MAX, 0,
			manager_on_alarm, daemon);
	}
	return r < 0 ? r : sd_event_source_set_enabled(daemon->alarm, SD_EVENT_OFF);
}

static int manager_listen(struct daemon *daemon)
{
	static const struct queue_events queue_events = {
		.arrived = manager_on_arrived,
		.left = manager_on_left,
		.refused = manager_on_refused,
		.companion = manager_on_companion,
		.failed = manager_on_queue_failed,
	};
	static const struct hotplug_events hotplug_events = {
		.present = manager_on_present,
		.absent = manager_on_absent,
		.tty = manager_on_tty,
		.lost = manager_on_lost,
	};
	int r = hotplug_new(&daemon->hotplug, daemon->event, &hotplug_events, daemon);

	if (r < 0) {
		notice_trouble(REASON_NO_ACCESS, "udev cannot be listened to", r);
		return r;
	}
	r = queue_new(&daemon->queue, daemon->event, daemon->spool.queue,
		daemon->configuration.settings.quiet_ms, &queue_events, daemon);
	if (r < 0) {
		notice_trouble(REASON_NO_ACCESS, "the queue folder cannot be watched", r);
	}
	return r;
}

static void manager_read_boot_id(struct daemon *daemon)
{
	sd_id128_t boot;

	if (sd_id128_get_boot(&boot) >= 0) {
		sd_id128_to_string(boot, daemon->boot);
	}
}

int manager_init(struct daemon *daemon, sd_event *event, const struct manager_options *options)
{
	char problem[512];
	bool usable = false;
	int r;

	*daemon = (struct daemon){
		.event = event,
		.worker = options->worker,
		.folders = options->folders,
	};
	daemon->spool = (struct spool)SPOOL_INIT;
	manager_read_boot_id(daemon);
	r = manager_load(daemon, &daemon->configuration, &usable);
	if (r >= 0 && !usable) {
		return MANAGER_EXIT_CONFIG;
	}
	if (r >= 0) {
		r = spool_open(&daemon->spool, options->state, problem, sizeof(problem));
		if (r < 0) {
			notice_trouble(REASON_NO_ACCESS, problem, 0);
			return r;
		}
		r = manager_add_sources(daemon);
	}
	if (r >= 0) {
		r = manager_listen(daemon);
	}
	if (r >= 0) {
		/* before the first look at the ports, which a deaf device may hold up; behind the
		 * watch of the queue, so that what is moved in from now on counts as moved in */
		(void)sd_notify(0, "READY=1");
		notice_started(daemon->configuration.n_profiles);
		r = recover(daemon);
	}
	return r < 0 ? r : 0;
}

void manager_done(struct daemon *daemon)
{
	while (daemon->assignments != NULL) {
		assignment_free(daemon->assignments);
	}
	while (daemon->remembered != NULL) {
		struct remembered *next = daemon->remembered->next;

		free(daemon->remembered);
		daemon->remembered = next;
	}
	queue_free(daemon->queue);
	hotplug_free(daemon->hotplug);
	sd_event_source_disable_unref(daemon->dispatch);
	sd_event_source_disable_unref(daemon->alarm);
	sd_event_source_disable_unref(daemon->recover);
	sd_event_source_disable_unref(daemon->status);
	jobs_done(&daemon->jobs);
	ports_done(&daemon->ports);
	spool_done(&daemon->spool);
	configuration_done(&daemon->configuration);
}
