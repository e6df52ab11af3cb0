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
#include <time.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "dfud/assignment.h"
#include "dfud/dispatch.h"
#include "dfud/hotplug.h"
#include "dfud/journey.h"
#include "dfud/notice.h"
#include "dfud/queue.h"
#include "dfud/recover.h"
#include "record/record.h"

#define MANAGER_EXIT_CONFIG 78 /* EX_CONFIG */

uint64_t manager_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t manager_realtime_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int manager_on_dispatch(sd_event_source *source, void *user)
{
	struct manager *m = user;

	(void)source;
	if (m->recover == NULL) {
		dispatch(m);
	}
	return 0;
}

void manager_wake(struct manager *m)
{
	(void)sd_event_source_set_enabled(m->dispatch, SD_EVENT_ONESHOT);
}

static int manager_on_alarm(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	manager_wake(user);
	return 0;
}

void manager_set_alarm(struct manager *m, uint64_t at_us)
{
	if (at_us == UINT64_MAX) {
		(void)sd_event_source_set_enabled(m->alarm, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(m->alarm, at_us);
	(void)sd_event_source_set_enabled(m->alarm, SD_EVENT_ONESHOT);
}

/* A failed attempt of an earlier daemon speaks of this file. */
static void manager_recall(struct manager *m, struct job *job)
{
	for (struct remembered **at = &m->remembered; *at != NULL; at = &(*at)->next) {
		struct remembered *r = *at;

		if (r->inode == job->file.inode && r->size == job->file.size &&
			r->mtime_ns == (uint64_t)job->file.mtime_ns) {
			job->attempts = r->attempts;
			snprintf(job->memory, sizeof(job->memory), "%s", r->id);
			*at = r->next;
			free(r);
			return;
		}
	}
}

static bool manager_is_same(const struct job *job, const struct queue_file *file)
{
	return job->file.inode == file->inode && job->file.mtime_ns == file->mtime_ns &&
	       job->file.size == file->size;
}

static void manager_on_arrived(void *user, const struct queue_file *file)
{
	struct manager *m = user;
	struct job *job = jobs_find(&m->jobs, file->name);

	if (job != NULL && job->state != JOB_NEW && manager_is_same(job, file)) {
		job->absent = false; /* given back by us */
		return;
	}
	if (job != NULL && job->state != JOB_TAKEN) {
		jobs_remove(&m->jobs, job);
	}
	job = jobs_add(&m->jobs, file);
	if (job == NULL) {
		notice_trouble(REASON_NO_SPACE, "a file cannot be taken as a job", -ENOMEM);
		return;
	}
	manager_recall(m, job);
	manager_wake(m);
}

static void manager_on_left(void *user, const char *name, ino_t inode)
{
	struct manager *m = user;
	struct job *job = jobs_find(&m->jobs, name);

	if (job == NULL || job->file.inode != inode) {
		return;
	}
	if (job->state == JOB_TAKEN) {
		job->absent = true;
		return;
	}
	if (job->memory[0] != '\0') {
		(void)spool_forget(&m->spool, job->memory);
	}
	notice_cancelled(job);
	jobs_remove(&m->jobs, job);
	manager_wake(m);
}

static void manager_on_refused(void *user, const char *name, enum queue_fault fault)
{
	(void)user;
	notice_ignored(name, reason_from_string(queue_fault_to_string(fault)));
}

static void manager_on_queue_failed(void *user, int error)
{
	struct manager *m = user;

	notice_trouble(REASON_NO_SPACE,
		"the queue folder cannot be watched any more (removed, moved or unmounted?); dfud "
		"ends "
		"and begins anew",
		error);
	(void)sd_event_exit(m->event, EXIT_FAILURE);
}

void manager_take_present(struct manager *m, const struct hotplug_device *device)
{
	struct port *port = port_get(&m->ports, device->port);
	struct assignment *a;
	bool is_news;

	if (port == NULL) {
		notice_trouble(REASON_NO_SPACE, "a board cannot be taken note of", -ENOMEM);
		return;
	}
	is_news = !port->present || port->device.number != device->number;
	(void)port_take_present(port, device, manager_now_us());
	a = port->attempt;
	if (a != NULL && a->journey != NULL && is_news) {
		journey_take_present(a->journey, device);
	}
	manager_wake(m);
}

static void manager_on_present(void *user, const struct hotplug_device *device)
{
	manager_take_present(user, device);
}

static void manager_on_absent(void *user, const char *name)
{
	struct manager *m = user;
	struct port *port = port_find(&m->ports, name);
	struct assignment *a;

	if (port == NULL || !port->present) {
		return;
	}
	port_take_absent(port);
	a = port->attempt;
	if (a != NULL && a->journey != NULL) {
		journey_take_absent(a->journey);
	}
	manager_wake(m);
}

static void manager_on_tty(void *user, const char *name, const char *link)
{
	struct manager *m = user;
	struct port *port = port_find(&m->ports, name);
	struct assignment *a = port != NULL ? port->attempt : NULL;

	if (a != NULL && a->journey != NULL) {
		journey_take_tty(a->journey, link);
	}
}

/* Events were lost: each port that was known is looked at by itself. */
static void manager_on_lost(void *user)
{
	struct manager *m = user;
	struct hotplug_device device;

	for (struct port *p = m->ports.first; p != NULL; p = p->next) {
		if (hotplug_look(m->hotplug, p->device.port, &device) > 0) {
			manager_take_present(m, &device);
		} else {
			manager_on_absent(m, p->device.port);
		}
	}
}

void manager_remember(struct manager *m, const char *id)
{
	struct remembered *r = calloc(1, sizeof(*r));
	struct record record;

	if (r == NULL || recover_read(m, id, &record) < 0) {
		free(r);
		return;
	}
	snprintf(r->id, sizeof(r->id), "%s", id);
	r->inode = record.inode;
	r->mtime_ns = record.mtime_ns;
	r->size = record.size;
	r->attempts = (unsigned)record.number;
	r->next = m->remembered;
	m->remembered = r;
}

static int manager_load(struct manager *m, struct configuration *ret, bool *ret_usable)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	enum configuration_state state = CONFIGURATION_GOOD;
	int r = configuration_load(ret, m->folders, &problems, &state);

	notice_problems(&problems);
	config_problems_done(&problems);
	*ret_usable = state != CONFIGURATION_UNUSABLE;
	return r;
}

void manager_reload(struct manager *m)
{
	struct configuration fresh = CONFIGURATION_INIT;
	bool usable = false;

	(void)sd_notifyf(
		0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)manager_now_us());
	if (manager_load(m, &fresh, &usable) >= 0 && usable) {
		configuration_done(&m->configuration);
		m->configuration = fresh;
		queue_set_quiet(m->queue, m->configuration.settings.quiet_ms);
		for (struct port *p = m->ports.first; p != NULL; p = p->next) {
			port_forget_refusals(p);
			p->said[0] = '\0';
		}
		notice_reloaded(m->configuration.n_profiles);
		manager_wake(m);
	} else {
		notice_trouble(REASON_CONFIG,
			"the configuration has errors; what was read before stays in force", 0);
	}
	(void)sd_notify(0, "READY=1");
}

void manager_stop(struct manager *m)
{
	if (m->stopping) {
		return;
	}
	m->stopping = true;
	(void)sd_notify(0, "STOPPING=1");
	notice_stopping(m->n_assignments);
	manager_show_status(m);
	manager_check_end(m);
}

void manager_check_end(struct manager *m)
{
	if (m->stopping && m->n_assignments == 0 && m->n_inspecting == 0) {
		(void)sd_event_exit(m->event, EXIT_SUCCESS);
	}
}

static int manager_add_sources(struct manager *m)
{
	int r = sd_event_add_defer(m->event, &m->dispatch, manager_on_dispatch, m);

	if (r >= 0) { /* after everything else that is ready, so that one look serves it all */
		r = sd_event_source_set_priority(m->dispatch, SD_EVENT_PRIORITY_IDLE);
	}
	if (r >= 0) {
		r = sd_event_source_set_enabled(m->dispatch, SD_EVENT_OFF);
	}
	if (r >= 0) {
		r = sd_event_add_time(
			m->event, &m->alarm, CLOCK_MONOTONIC, UINT64_MAX, 0, manager_on_alarm, m);
	}
	return r < 0 ? r : sd_event_source_set_enabled(m->alarm, SD_EVENT_OFF);
}

static int manager_listen(struct manager *m)
{
	static const struct queue_events queue_events = {
		.arrived = manager_on_arrived,
		.left = manager_on_left,
		.refused = manager_on_refused,
		.failed = manager_on_queue_failed,
	};
	static const struct hotplug_events hotplug_events = {
		.present = manager_on_present,
		.absent = manager_on_absent,
		.tty = manager_on_tty,
		.lost = manager_on_lost,
	};
	int r = hotplug_new(&m->hotplug, m->event, &hotplug_events, m);

	if (r < 0) {
		notice_trouble(REASON_NO_ACCESS, "udev cannot be listened to", r);
		return r;
	}
	r = recover(m);
	if (r >= 0) {
		r = queue_new(&m->queue, m->event, m->spool.queue,
			m->configuration.settings.quiet_ms, &queue_events, m);
	}
	if (r < 0) {
		notice_trouble(REASON_NO_ACCESS, "the folders cannot be read", r);
	}
	return r;
}

static void manager_read_boot_id(struct manager *m)
{
	sd_id128_t boot;

	if (sd_id128_get_boot(&boot) >= 0) {
		sd_id128_to_string(boot, m->boot);
	}
}

int manager_init(struct manager *m, sd_event *event, const struct manager_options *options)
{
	char problem[512];
	bool usable = false;
	int r;

	*m = (struct manager){
		.event = event,
		.worker = options->worker,
		.folders = options->folders,
	};
	m->spool = (struct spool)SPOOL_INIT;
	manager_read_boot_id(m);
	r = manager_load(m, &m->configuration, &usable);
	if (r >= 0 && !usable) {
		return MANAGER_EXIT_CONFIG;
	}
	if (r >= 0) {
		r = spool_open(&m->spool, options->state, problem, sizeof(problem));
		if (r < 0) {
			notice_trouble(REASON_NO_ACCESS, problem, 0);
			return r;
		}
		r = manager_add_sources(m);
	}
	if (r >= 0) {
		(void)sd_notify(
			0, "READY=1"); /* before the ports: a deaf device may hold them up */
		notice_started(m->configuration.n_profiles, 0);
		r = manager_listen(m);
	}
	return r < 0 ? r : 0;
}

void manager_done(struct manager *m)
{
	while (m->assignments != NULL) {
		assignment_free(m->assignments);
	}
	while (m->remembered != NULL) {
		struct remembered *next = m->remembered->next;

		free(m->remembered);
		m->remembered = next;
	}
	queue_free(m->queue);
	hotplug_free(m->hotplug);
	sd_event_source_disable_unref(m->dispatch);
	sd_event_source_disable_unref(m->alarm);
	sd_event_source_disable_unref(m->recover);
	sd_event_source_disable_unref(m->status);
	jobs_done(&m->jobs);
	ports_done(&m->ports);
	spool_done(&m->spool);
	configuration_done(&m->configuration);
}
