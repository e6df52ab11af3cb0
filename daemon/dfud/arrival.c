/* SPDX-License-Identifier: MIT */
/*
 * When a file in the queue folder is a job.
 *
 * inotify tells that something happened to a name, not to which file, and a writer that was killed
 * closes its file like one that is done. So an event is only a reason to look, and what decides is
 * that the file stays as it is for a time. How long depends on how sure the way it came makes us:
 *
 *	moved in	0	rename is atomic: the file was complete elsewhere
 *	closed		1	a second open and write may follow
 *	found		5	nobody saw it come, a writer may pause
 *	written		60	a writer that holds it open, or one that will never say
 *
 * in units of the quiet time, since the last sign or change of size and ctime. What is no file or
 * has several names gets better by no writing, so it waits one unit at most.
 *
 *	      see			     due
 *	NEW ───────► WAITING ───────────────────────────► JOB, REFUSED
 *			▲  another file, written to, other fault │
 *			└────────────────────────────────────────┘
 *
 * Invariants: a job is the same device, inode, size and mtime from the moment it became one; what
 * changes these withdraws it first. A refusal is repeated only after it changed.
 */
#include "dfud/arrival.h"

#include <assert.h>
#include <string.h>

const char *const arrival_sidecars[] = {".sha256", ".minisig", NULL};

/* What dfud itself puts beside a job's file: moved back with it, these must not be flashed. */
static const char *const arrival_companions[] = {"record", "report.txt", NULL};
static const char *const arrival_temporary[] = {".part", ".tmp", "~", NULL};

/* What stands before the ending; the whole length where it has none of them. */
static size_t arrival_stem(const char *name, const char *const *endings)
{
	size_t length = strlen(name);

	for (; *endings; endings++) {
		size_t n = strlen(*endings);

		if (length >= n && memcmp(name + length - n, *endings, n) == 0) {
			return length - n;
		}
	}
	return length;
}

static bool arrival_ends_in(const char *name, const char *const *endings)
{
	return arrival_stem(name, endings) < strlen(name);
}

size_t arrival_sidecar_of(const char *name)
{
	const size_t stem = arrival_stem(name, arrival_sidecars);

	return name[stem] != '\0' ? stem : 0;
}

static bool arrival_name_is_companion(const char *name)
{
	for (const char *const *own = arrival_companions; *own; own++) {
		if (strcmp(name, *own) == 0) {
			return true;
		}
	}
	return false;
}

bool arrival_name_is_job(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && !arrival_ends_in(name, arrival_temporary) &&
	       !arrival_ends_in(name, arrival_sidecars) && !arrival_name_is_companion(name);
}

enum arrival_sign arrival_sign_join(enum arrival_sign sooner, enum arrival_sign later)
{
	return later == ARRIVAL_LOOKED ? sooner : later;
}

static bool arrival_fault_is_of_content(enum queue_fault fault)
{
	return fault == _QUEUE_FAULT_MAX || fault == QUEUE_UNREADABLE;
}

static bool arrival_look_is_same(const struct arrival_look *a, const struct arrival_look *b)
{
	if (a->device != b->device || a->inode != b->inode || a->fault != b->fault) {
		return false;
	}
	return !arrival_fault_is_of_content(a->fault) ||
	       (a->size == b->size && a->mtime_ns == b->mtime_ns);
}

static unsigned arrival_units(enum arrival_sign way, enum queue_fault fault)
{
	static const unsigned units[_ARRIVAL_SIGN_MAX] = {
		[ARRIVAL_LOOKED] = 5,
		[ARRIVAL_FOUND] = 5,
		[ARRIVAL_WRITTEN] = 60,
		[ARRIVAL_CLOSED] = 1,
		[ARRIVAL_MOVED] = 0,
	};

	return units[way] > 1 && !arrival_fault_is_of_content(fault) ? 1 : units[way];
}

uint64_t arrival_due(const struct arrival *arrival, uint64_t quiet_us)
{
	uint64_t due, wait;

	if (arrival->state != ARRIVAL_WAITING) {
		return UINT64_MAX;
	}
	if (__builtin_mul_overflow(
		    quiet_us, arrival_units(arrival->way, arrival->look.fault), &wait) ||
		__builtin_add_overflow(arrival->since_us, wait, &due)) {
		return UINT64_MAX;
	}
	return due;
}

/* The way of a file that lies there now, given how the one before it (or itself, before) had come.
 */
static enum arrival_sign arrival_next_way(
	const struct arrival *arrival, enum arrival_sign sign, const struct arrival_look *look)
{
	if (sign != ARRIVAL_LOOKED) {
		return sign;
	}
	if (arrival->look.device != look->device || arrival->look.inode != look->inode) {
		return ARRIVAL_FOUND;
	}
	return arrival->way == ARRIVAL_MOVED ? ARRIVAL_CLOSED : arrival->way;
}

static void arrival_wait(struct arrival *arrival, enum arrival_sign sign,
	const struct arrival_look *look, uint64_t now_us)
{
	arrival->way = arrival_next_way(arrival, sign, look);
	arrival->look = *look;
	arrival->since_us = now_us;
	arrival->state = ARRIVAL_WAITING;
}

static enum arrival_effect arrival_see_new(struct arrival *arrival, enum arrival_sign sign,
	const struct arrival_look *look, uint64_t now_us)
{
	if (sign == ARRIVAL_LOOKED) {
		sign = ARRIVAL_FOUND;
	} else if (sign == ARRIVAL_WRITTEN && look->fault == QUEUE_LINKED) {
		sign = ARRIVAL_CLOSED; /* link(2) makes a name for a file that was there before */
	}
	arrival_wait(arrival, sign, look, now_us);
	return ARRIVAL_NOTHING;
}

/* A scan makes a file that was seen closing no less closed, unless it changed unseen. */
static bool arrival_sign_tells(const struct arrival *arrival, enum arrival_sign sign)
{
	switch (sign) {
	case ARRIVAL_LOOKED:
		return false;
	case ARRIVAL_FOUND:
		return arrival->way == ARRIVAL_WRITTEN;
	case ARRIVAL_WRITTEN:
	case ARRIVAL_CLOSED:
	case ARRIVAL_MOVED:
	case _ARRIVAL_SIGN_MAX:
		return true;
	}
	return true;
}

static enum arrival_effect arrival_see_waiting(struct arrival *arrival, enum arrival_sign sign,
	const struct arrival_look *look, uint64_t now_us)
{
	if (arrival_sign_tells(arrival, sign) || !arrival_look_is_same(&arrival->look, look) ||
		(arrival_fault_is_of_content(look->fault) &&
			arrival->look.ctime_ns != look->ctime_ns)) {
		arrival_wait(arrival, sign, look, now_us);
	}
	return ARRIVAL_NOTHING;
}

static enum arrival_effect arrival_see_settled(struct arrival *arrival, enum arrival_sign sign,
	const struct arrival_look *look, uint64_t now_us)
{
	bool was_job = arrival->state == ARRIVAL_JOB;

	/* Two writes within one tick of the file system's clock leave the same mtime. */
	if (arrival_look_is_same(&arrival->look, look) &&
		(sign != ARRIVAL_WRITTEN || !arrival_fault_is_of_content(look->fault))) {
		return ARRIVAL_NOTHING;
	}
	arrival_wait(arrival, sign, look, now_us);
	return was_job ? ARRIVAL_LEFT : ARRIVAL_NOTHING;
}

static enum arrival_effect arrival_settle(struct arrival *arrival)
{
	bool is_job = arrival->look.fault == _QUEUE_FAULT_MAX;

	arrival->state = is_job ? ARRIVAL_JOB : ARRIVAL_REFUSED;
	return is_job ? ARRIVAL_BECAME_JOB : ARRIVAL_WAS_REFUSED;
}

enum arrival_effect arrival_see(struct arrival *arrival, enum arrival_sign sign,
	const struct arrival_look *look, uint64_t quiet_us, uint64_t now_us)
{
	enum arrival_effect effect = ARRIVAL_NOTHING;

	assert(sign < _ARRIVAL_SIGN_MAX);

	switch (arrival->state) {
	case ARRIVAL_NEW:
		effect = arrival_see_new(arrival, sign, look, now_us);
		break;
	case ARRIVAL_WAITING:
		effect = arrival_see_waiting(arrival, sign, look, now_us);
		break;
	case ARRIVAL_JOB:
	case ARRIVAL_REFUSED:
		effect = arrival_see_settled(arrival, sign, look, now_us);
		break;
	case _ARRIVAL_STATE_MAX:
		break;
	}
	if (effect == ARRIVAL_NOTHING && arrival->state == ARRIVAL_WAITING &&
		arrival_due(arrival, quiet_us) <= now_us) {
		return arrival_settle(arrival);
	}
	return effect;
}

enum arrival_effect arrival_gone(struct arrival *arrival)
{
	bool was_job = arrival->state == ARRIVAL_JOB;

	*arrival = (struct arrival)ARRIVAL_INIT;
	return was_job ? ARRIVAL_LEFT : ARRIVAL_NOTHING;
}
