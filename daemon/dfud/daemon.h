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
 * What the daemon knows: its lists and its event sources, open to the files that work on them
 * (inspect, choice, assignment, dispatch, settle, recover, boards, memory, status, manager).
 */

struct journey;
struct usb_id_pattern;
struct hotplug;
struct queue;

/* A job assigned to a port: the attempt's folder, its record and its journey. */
struct assignment {
	struct assignment *next; /* daemon::assignments */
	struct daemon *daemon;
	/* The verdict is told; settle the file. The assignment is freed behind it. */
	void (*ended)(struct assignment *assignment);
	char id[33];
	uint64_t job; /* its id; the job itself may go while this lives */
	char file[256];
	ino_t inode; /* of the file */
	struct port *port;
	uint64_t visit;	     /* of the port, when this began */
	uint64_t generation; /* of the configuration, likewise */
	struct journey *journey;
	bool claimed;	 /* the file lies in active/ID */
	unsigned number; /* which attempt of this job */

	/* of the profile, which may be read anew meanwhile */
	char profile[256];
	struct usb_id_pattern *expects;
	size_t n_expects;
	char image_expects[16];
	unsigned max_attempts;
	uint64_t within_ms;
	bool stays; /* Leave=no */

	char backup[65];       /* digest of what was saved before the go, "" for nothing */
	char first_backup[65]; /* the same of an earlier attempt of the job */
};

/* An attempt that failed or was interrupted, remembered by its record in active/ for a job to come.
 */
struct remembered {
	struct remembered *next;
	char id[33];
	uint64_t inode, mtime_ns, size;
	unsigned attempts;
	char first_backup[65];
	char port[64]; /* where it failed in this boot, "" where it may be tried there again */
	enum port_again again;
};

struct daemon {
	sd_event *event;
	const char *worker;		    /* path of dfud-flash */
	const struct files_folder *folders; /* of the configuration */
	struct configuration configuration;
	uint64_t generation; /* counts how often the configuration was read */
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

/* Look at boards and files again, at the next turn of the loop. */
void daemon_wake(struct daemon *daemon);
/* Looks again at that time (monotonic microseconds; UINT64_MAX: never). */
void daemon_set_alarm(struct daemon *daemon, uint64_t at_us);
/* Ends the loop where a stop was asked for and nothing runs any more. */
void daemon_check_end(struct daemon *daemon);

uint64_t daemon_now_us(void);	   /* CLOCK_MONOTONIC */
uint64_t daemon_realtime_us(void); /* CLOCK_REALTIME */
