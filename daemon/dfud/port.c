/* SPDX-License-Identifier: MIT */
/*
 * Ports and visits. A visit is counted, not timed: what ends it is the absence of the device, what
 * continues it is only dfud's own leave (design 2, amendment 2).
 */
#include "dfud/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct port *port_find(const struct ports *ports, const char *name)
{
	for (struct port *p = ports->first; p != NULL; p = p->next) {
		if (strcmp(p->device.port, name) == 0) {
			return p;
		}
	}
	return NULL;
}

struct port *port_get(struct ports *ports, const char *name)
{
	struct port *p = port_find(ports, name);

	if (p != NULL) {
		return p;
	}
	p = calloc(1, sizeof(*p));
	if (p != NULL) {
		snprintf(p->device.port, sizeof(p->device.port), "%s", name);
		p->next = ports->first;
		ports->first = p;
	}
	return p;
}

void ports_done(struct ports *ports)
{
	while (ports->first != NULL) {
		struct port *next = ports->first->next;

		free(ports->first->memories);
		free(ports->first);
		ports->first = next;
	}
}

static bool port_continues(const struct port *p, uint64_t now_us)
{
	return p->left_us != 0 && !p->seen_run_time && now_us < p->left_us + p->within_us;
}

static void port_begin_visit(struct port *p)
{
	p->visit++;
	p->closed = false;
	p->n_memories = 0;
	p->announced = false;
	p->said[0] = '\0';
	p->left_us = 0;
	p->seen_run_time = false;
}

bool port_take_present(struct port *p, const struct hotplug_device *device, uint64_t now_us)
{
	const bool again =
		p->present && p->device.number == device->number && p->device.dfu == device->dfu;

	p->device = *device;
	p->present = true;
	if (again) {
		return false;
	}
	p->appeared_us = now_us;
	if (!device->dfu) {
		p->seen_run_time = true;
		return false;
	}
	if (p->visit > 0 && port_continues(p, now_us)) {
		return false;
	}
	port_begin_visit(p);
	return true;
}

void port_take_absent(struct port *p)
{
	p->present = false;
}

void port_note_left(struct port *p, uint64_t now_us, uint64_t within_us)
{
	p->closed = true;
	p->left_us = now_us;
	p->within_us = within_us;
	p->seen_run_time = p->present && !p->device.dfu;
}

/* What is remembered of the job, or room for it; NULL without memory. */
static struct port_memory *port_memory_of(struct port *p, uint64_t job)
{
	struct port_memory *memories;

	for (size_t i = 0; i < p->n_memories; i++) {
		if (p->memories[i].job == job) {
			return &p->memories[i];
		}
	}
	memories = realloc(p->memories, (p->n_memories + 1) * sizeof(*memories));
	if (memories == NULL) {
		return NULL;
	}
	p->memories = memories;
	memories[p->n_memories] = (struct port_memory){.job = job};
	return &memories[p->n_memories++];
}

void port_remember(struct port *p, uint64_t job, enum port_again again, uint64_t now_us)
{
	struct port_memory *memory = port_memory_of(p, job);

	if (memory == NULL) { /* better nothing more than something twice */
		p->closed = true;
		return;
	}
	memory->again = again;
	memory->since_us = now_us;
	memory->times += again == PORT_ONCE_MORE;
}

void port_forget_refusals(struct port *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_memories; i++) {
		if (p->memories[i].again != PORT_AFTER_RELOAD) {
			p->memories[kept++] = p->memories[i];
		}
	}
	p->n_memories = kept;
}

bool port_is_open(const struct port *p)
{
	return p->present && p->device.dfu && !p->closed;
}

static bool port_memory_allows(const struct port_memory *m, uint64_t now_us)
{
	switch (m->again) {
	case PORT_NEVER:
	case PORT_AFTER_RELOAD:
		return false;
	case PORT_AFTER_PAUSE:
		return now_us - m->since_us >= PORT_PAUSE_US;
	case PORT_ONCE_MORE:
		return m->times <= 1;
	}
	return false;
}

bool port_may(const struct port *p, uint64_t job, uint64_t now_us)
{
	if (!port_is_open(p)) {
		return false;
	}
	for (size_t i = 0; i < p->n_memories; i++) {
		if (p->memories[i].job == job) {
			return port_memory_allows(&p->memories[i], now_us);
		}
	}
	return true;
}

uint64_t port_next_pause_end(const struct port *p)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; port_is_open(p) && i < p->n_memories; i++) {
		const struct port_memory *m = &p->memories[i];

		if (m->again == PORT_AFTER_PAUSE && m->since_us + PORT_PAUSE_US < next) {
			next = m->since_us + PORT_PAUSE_US;
		}
	}
	return next;
}
