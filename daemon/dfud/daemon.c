/* SPDX-License-Identifier: MIT */
/* The few things that everybody who works on the daemon's lists needs. */
#include "dfud/daemon.h"

#include <stdlib.h>
#include <time.h>

uint64_t daemon_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t daemon_realtime_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void daemon_wake(struct daemon *daemon)
{
	(void)sd_event_source_set_enabled(daemon->dispatch, SD_EVENT_ONESHOT);
}

void daemon_set_alarm(struct daemon *daemon, uint64_t at_us)
{
	if (at_us == UINT64_MAX) {
		(void)sd_event_source_set_enabled(daemon->alarm, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(daemon->alarm, at_us);
	(void)sd_event_source_set_enabled(daemon->alarm, SD_EVENT_ONESHOT);
}

void daemon_check_end(struct daemon *daemon)
{
	if (daemon->stopping && daemon->n_assignments == 0 && daemon->n_inspecting == 0) {
		(void)sd_event_exit(daemon->event, EXIT_SUCCESS);
	}
}
