/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfud/hotplug.h"

/*
 * A port with what is on it, and its visit: from a device's appearance in DFU mode to its absence.
 * A device that dfud's own leave sent off and that is back in DFU mode within Within=, without
 * having been seen in run-time mode, continues its visit, so it is judged and never flashed twice.
 * Pure but for memory; time is a parameter (monotonic microseconds).
 */

/* What a visit remembers of a job that ended in it. */
enum port_again {
	PORT_NEVER,	   /* not in this visit */
	PORT_AFTER_RELOAD, /* when the configuration was read anew */
	PORT_AFTER_PAUSE,  /* when a minute has passed */
	PORT_ONCE_MORE,	   /* at once, if this was the first time */
};

struct port_memory {
	uint64_t job;
	enum port_again again;
	uint64_t since_us;
	unsigned times; /* how often it ended with PORT_ONCE_MORE */
};

#define PORT_PAUSE_US 60000000

struct port {
	struct port *next;	      /* ports::first */
	struct hotplug_device device; /* the last that was there */
	bool present;
	uint64_t appeared_us; /* of the device */

	uint64_t visit;		      /* counts visits of this port from 1 */
	bool closed;		      /* flashed and left: nothing more in this visit */
	struct port_memory *memories; /* owned */
	size_t n_memories;
	bool announced; /* `appeared` was said in this visit */
	char said[512]; /* the last standing sentence (waiting, held, unmatched) of this visit */

	uint64_t left_us;   /* dfud's own leave, 0: none lately */
	uint64_t within_us; /* Within= of that leave */
	bool seen_run_time; /* since that leave */

	bool foreign;  /* a worker of an earlier daemon still works here */
	void *attempt; /* the attempt that has this port, or NULL; borrowed */
};

struct ports {
	struct port *first;
};

#define PORTS_INIT                                                                                 \
	{                                                                                          \
		0                                                                                  \
	}

/* NULL where the name is unknown; port_get makes it: NULL only without memory. */
struct port *port_find(const struct ports *ports, const char *name);
struct port *port_get(struct ports *ports, const char *name);
void ports_done(struct ports *ports);

/*
 * What was told of the port. True where a new visit begins. A device that udev learns to be in DFU
 * mode only when it tells of it again appears there and then.
 */
bool port_take_present(struct port *port, const struct hotplug_device *device, uint64_t now_us);
void port_take_absent(struct port *port);

/* dfud left DFU mode on this port. */
void port_note_left(struct port *port, uint64_t now_us, uint64_t within_us);
/* A job ended on this port in this visit. Without memory the visit ends for every job. */
void port_remember(struct port *port, uint64_t job, enum port_again again, uint64_t now_us);
/* The configuration was read anew: what waited for that may be tried again. */
void port_forget_refusals(struct port *port);

/* In DFU mode, and this visit may still be flashed. */
bool port_is_open(const struct port *port);
bool port_may(const struct port *port, uint64_t job, uint64_t now_us);
/* When port_may becomes true by itself for some job; UINT64_MAX for never. */
uint64_t port_next_pause_end(const struct port *port);
