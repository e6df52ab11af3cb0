/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * dfud --plan: which board would get a file now, under which profile, and what would be done with
 * it; nothing is changed. The choice is the daemon's own (match.h); the plan is printed by the
 * worker, run by hand with the arguments that the daemon would give it, so that both say the same.
 */

struct files_folder;

struct rehearsal_options {
	const char *state; /* /var/lib/dfud: backups are known by it; need not be there */
	const char *worker;
	const struct files_folder *folders; /* of the configuration */
	const char *file;		    /* path */
	const char *port;		    /* only this one; NULL: all */
};

/* An exit status as of dfud-flash(1); what it means is on stdout or stderr. */
int rehearsal_run(const struct rehearsal_options *options);
