/* SPDX-License-Identifier: MIT */
/*
 * The status line of `systemctl status dfud` and the daemon's word to systemd while it stops. Sent
 * when something moved, at most twice a second; while nothing moves no timer runs.
 */
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "dfud/assignment.h"
#include "dfud/journey.h"
#include "dfud/manager.h"

#define STATUS_EVERY_US 500000
/* While it stops, systemd is asked again and again for that much more time. */
#define STATUS_EXTEND_US 30000000
#define STATUS_AGAIN_US	 10000000

static void status_describe(const struct manager *m, char *ret, size_t size)
{
	unsigned boards = 0;
	size_t n = 0;

	if (m->n_assignments == 0) {
		for (const struct port *p = m->ports.first; p != NULL; p = p->next) {
			boards += port_is_open(p);
		}
		snprintf(ret, size, "Waiting: %zu file%s, %u board%s in DFU mode", m->jobs.n,
			m->jobs.n == 1 ? "" : "s", boards, boards == 1 ? "" : "s");
		return;
	}
	n = (size_t)snprintf(ret, size, "%s%u board%s: ", m->stopping ? "Stopping after " : "",
		m->n_assignments, m->n_assignments == 1 ? "" : "s");
	for (const struct assignment *a = m->assignments; a != NULL && n + 2 < size; a = a->next) {
		char one[256];

		if (a->journey == NULL) {
			continue;
		}
		journey_progress(a->journey, one, sizeof(one));
		n += (size_t)snprintf(ret + n, size - n, "%s%s", one, a->next != NULL ? "; " : "");
	}
}

static void status_send(struct manager *m)
{
	char text[1024];

	status_describe(m, text, sizeof(text));
	(void)sd_notifyf(0, "STATUS=%s", text);
	if (m->stopping && m->n_assignments > 0) {
		(void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", STATUS_EXTEND_US);
	}
}

static int status_on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct manager *m = user;

	(void)usec;
	status_send(m);
	if (m->stopping && m->n_assignments > 0) {
		(void)sd_event_source_set_time(source, manager_now_us() + STATUS_AGAIN_US);
		(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	return 0;
}

void manager_show_status(struct manager *m)
{
	int enabled = SD_EVENT_OFF;

	if (m->status == NULL) {
		(void)sd_event_add_time(m->event, &m->status, CLOCK_MONOTONIC,
			manager_now_us() + STATUS_EVERY_US, 0, status_on_timer, m);
		return;
	}
	if (sd_event_source_get_enabled(m->status, &enabled) >= 0 && enabled != SD_EVENT_OFF &&
		!m->stopping) {
		return; /* will be sent with the others */
	}
	(void)sd_event_source_set_time(m->status, manager_now_us() + STATUS_EVERY_US);
	(void)sd_event_source_set_enabled(m->status, SD_EVENT_ONESHOT);
}
