/* SPDX-License-Identifier: MIT */
/*
 * The status line of `systemctl status dfud` and the daemon's word to systemd while it stops. Sent
 * when something moved, at most twice a second; while nothing moves no timer runs.
 */
#include "dfud/status.h"

#include <stdio.h>

#include <systemd/sd-daemon.h>

#include "dfud/daemon.h"
#include "dfud/journey.h"

#define STATUS_EVERY_US 500000
/* While it stops, systemd is asked again and again for that much more time. */
#define STATUS_EXTEND_US 30000000
#define STATUS_AGAIN_US	 10000000

static void status_describe(const struct daemon *daemon, char *ret, size_t size)
{
	unsigned boards = 0;
	size_t n = 0;

	if (daemon->n_assignments == 0) {
		for (const struct port *p = daemon->ports.first; p != NULL; p = p->next) {
			boards += port_is_open(p);
		}
		snprintf(ret, size, "Waiting: %zu file%s, %u board%s in DFU mode", daemon->jobs.n,
			daemon->jobs.n == 1 ? "" : "s", boards, boards == 1 ? "" : "s");
		return;
	}
	n = (size_t)snprintf(ret, size, "%s%u board%s: ", daemon->stopping ? "Stopping after " : "",
		daemon->n_assignments, daemon->n_assignments == 1 ? "" : "s");
	for (const struct assignment *a = daemon->assignments; a != NULL && n + 2 < size;
		a = a->next) {
		char one[256];

		if (a->journey == NULL) {
			continue;
		}
		journey_progress(a->journey, one, sizeof(one));
		n += (size_t)snprintf(ret + n, size - n, "%s%s", one, a->next != NULL ? "; " : "");
	}
}

static void status_send(struct daemon *daemon)
{
	char text[1024];

	status_describe(daemon, text, sizeof(text));
	(void)sd_notifyf(0, "STATUS=%s", text);
	if (daemon->stopping && daemon->n_assignments > 0) {
		(void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", STATUS_EXTEND_US);
	}
}

static int status_on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;

	(void)usec;
	status_send(daemon);
	if (daemon->stopping && daemon->n_assignments > 0) {
		(void)sd_event_source_set_time(source, daemon_now_us() + STATUS_AGAIN_US);
		(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	return 0;
}

void status_show(struct daemon *daemon)
{
	const uint64_t at = daemon_now_us() + STATUS_EVERY_US;
	uint64_t armed = 0;
	int enabled = SD_EVENT_OFF;

	if (daemon->status == NULL) {
		(void)sd_event_add_time(daemon->event, &daemon->status, CLOCK_MONOTONIC, at, 0,
			status_on_timer, daemon);
		return;
	}
	if (sd_event_source_get_enabled(daemon->status, &enabled) >= 0 && enabled != SD_EVENT_OFF &&
		sd_event_source_get_time(daemon->status, &armed) >= 0 && armed <= at) {
		return; /* will be sent soon enough */
	}
	(void)sd_event_source_set_time(daemon->status, at);
	(void)sd_event_source_set_enabled(daemon->status, SD_EVENT_ONESHOT);
}
