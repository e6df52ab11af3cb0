/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * An event as udevd multicasts it, to every libudev monitor under the umockdev preload: a datagram
 * to each socket FOLDER/event* with the header of libudev's monitor protocol, so that the monitor's
 * own filters (subsystem, devtype, tag) work as on a real machine.
 */

#define UEVENT_MAX 8192

struct uevent {
	char text[UEVENT_MAX]; /* NUL-terminated KEY=VALUE strings, one behind the other */
	size_t size;
};

#define UEVENT_INIT                                                                                \
	{                                                                                          \
		.size = 0                                                                          \
	}

__attribute__((format(printf, 2, 3))) void uevent_add(
	struct uevent *uevent, const char *format, ...);
/* The value of a property; NULL: not there. */
const char *uevent_get(const struct uevent *uevent, const char *key);
/* Adds SEQNUM and sends. Blocks up to 10 s for each listener whose queue is full. 0 or -errno. */
int uevent_send(struct uevent *uevent, const char *folder);
