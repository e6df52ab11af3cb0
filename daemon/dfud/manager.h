/* SPDX-License-Identifier: MIT */
#pragma once

#include <systemd/sd-event.h>

/*
 * The daemon's beginning and end, and its ears: wires queue, ports, signals and the timer to those
 * who work on the lists of daemon.h. What it decides stands in match.h (who gets what) and fate.h
 * (what becomes of it).
 */

struct daemon;
struct files_folder;

struct manager_options {
	const char *state;		    /* /var/lib/dfud */
	const char *worker;		    /* path of dfud-flash */
	const struct files_folder *folders; /* of the configuration */
};

/*
 * Loads the configuration, takes the lock, tells what was interrupted, begins to listen. 0; -errno;
 * an exit status above 0 (78: configuration) where the reason has been said already. manager_done
 * is called in every case.
 */
int manager_init(struct daemon *daemon, sd_event *event, const struct manager_options *options);
void manager_done(struct daemon *daemon);

/* SIGHUP: the configuration anew; the old one stays where the new one is unusable. */
void manager_reload(struct daemon *daemon);

/* SIGTERM: nothing new is begun; the loop ends when the last attempt has its verdict. */
void manager_stop(struct daemon *daemon);
