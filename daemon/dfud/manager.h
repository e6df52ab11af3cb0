/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "dfud/configuration.h"
#include "dfud/jobs.h"
#include "dfud/port.h"
#include "dfud/spool.h"

/*
 * The daemon as a whole: ties queue, ports, profiles and workers together on one event loop. What
 * it decides stands in match.h (who gets what) and fate.h (what becomes of it); here are only the
 * hands. The struct is open to the daemon's own files: inspect, assignment, dispatch, settle,
 * recover, status.
 */

struct assignment;
struct hotplug;
struct queue;

/* An attempt that failed or was interrupted, remembered by its record in active/ for a job to come.
 */
struct remembered {
	struct remembered *next;
	char id[33];
	uint64_t inode, mtime_ns, size;
	unsigned attempts;
};

struct manager {
	sd_event *event;
	const char *worker;		    /* path of dfud-flash */
	const struct files_folder *folders; /* of the configuration */
	struct configuration configuration;
	struct spool spool;
	struct queue *queue;
	struct hotplug *hotplug;
	struct ports ports;
	struct jobs jobs;
	struct assignment *assignments;
	struct remembered *remembered;
	unsigned n_inspecting;
	unsigned n_assignments;
	sd_event_source *dispatch; /* deferred: look at everything again */
	sd_event_source *alarm;	   /* the next expiry or the end of a pause */
	sd_event_source *recover;  /* workers of an earlier daemon that still run */
	sd_event_source *status;
	bool stopping;
	char boot[37];
	unsigned n_flashed, n_failed; /* verdicts since the start */
};

struct manager_options {
	const char *state; /* /var/lib/dfud */
	const char *worker;
	const struct files_folder *folders;
};

/*
 * Loads the configuration, takes the lock, tells what was interrupted, begins to listen. 0; -errno;
 * an exit status above 0 (78: configuration) where the reason has been said already.
 */
int manager_init(struct manager *manager, sd_event *event, const struct manager_options *options);
void manager_done(struct manager *manager);

/* Look at boards and files again, at the next turn of the loop. */
void manager_wake(struct manager *manager);

/* SIGHUP: the configuration anew; the old one stays where the new one is unusable. */
void manager_reload(struct manager *manager);

/* SIGTERM: nothing new is begun; the loop ends when the last attempt has its verdict. */
void manager_stop(struct manager *manager);

/* Looks again at that time (monotonic microseconds; UINT64_MAX: never). */
void manager_set_alarm(struct manager *manager, uint64_t at_us);

/* A device is on a port, as hotplug tells it. */
struct hotplug_device;
void manager_take_present(struct manager *manager, const struct hotplug_device *device);

/* Keeps the record of a failed attempt in active/ID for when its file is told by the queue. */
void manager_remember(struct manager *manager, const char *id);

/* Ends the loop if it is time to. */
void manager_check_end(struct manager *manager);

/* The status line (sd_notify(3)), at most twice a second. */
void manager_show_status(struct manager *manager);

uint64_t manager_now_us(void);	    /* CLOCK_MONOTONIC */
uint64_t manager_realtime_us(void); /* CLOCK_REALTIME */
