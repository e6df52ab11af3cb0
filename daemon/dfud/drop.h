/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "dfud/arrival.h"

/* The names in the queue folder that could be jobs, found by name and by inode. Used by queue.c
 * only. */

struct drop {
	struct queue *queue;
	TAILQ_ENTRY(drop) link;	  /* drops: all */
	TAILQ_ENTRY(drop) marked; /* drops: marked, if is_marked */
	bool is_marked;
	enum arrival_sign sign; /* since the last look */
	struct arrival arrival;
	ino_t inode; /* 0: not found by it */
	sd_event_source *timer;
	sd_event_source *link_watch;
	const char *name;
	char name_bytes[];
};

TAILQ_HEAD(drop_list, drop);

struct drops {
	struct drop_list all, marked;
	void *by_name, *by_inode;
	unsigned n_link_watches;
};

void drops_init(struct drops *drops);
void drops_done(struct drops *drops); /* frees every drop */

struct drop *drops_find(const struct drops *drops, const char *name);
struct drop *drops_find_inode(const struct drops *drops, ino_t inode);

int drop_new(struct drop **ret, struct drops *drops, struct queue *queue, const char *name);
struct drop *drop_free(struct drop *drop, struct drops *drops);

/* Makes it the one to be found by this inode; several names of one inode may be. 0 or -ENOMEM. */
int drop_index(struct drop *drop, struct drops *drops, ino_t inode);

/* Puts it at the end of the marked ones, or joins the sign where it is among them. */
void drop_mark(struct drop *drop, struct drops *drops, enum arrival_sign sign);
struct drop *drops_pop_marked(struct drops *drops); /* NULL: none */

/* Calls handler at due (CLOCK_MONOTONIC), once; UINT64_MAX: never. userdata is the drop. */
int drop_arm(struct drop *drop, sd_event *event, uint64_t due_us, sd_event_time_handler_t handler);

/* Calls handler when the file's number of names changes, as far as that can be watched. */
void drop_watch_links(struct drop *drop, struct drops *drops, sd_event *event, int folder_fd,
	sd_event_inotify_handler_t handler);
void drop_unwatch_links(struct drop *drop, struct drops *drops);
