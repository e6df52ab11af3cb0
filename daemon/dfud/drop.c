/* SPDX-License-Identifier: MIT */
/*
 * The names in the queue folder: two search trees (tsearch(3), O(log n)) over the same drops, and
 * the list of those that are to be looked at.
 *
 * A removed second name of a hard link is told to watchers of the inode only, not to those of the
 * folder, so a linked file has a watch of its own. Each holds a descriptor, so there are only a
 * few: anybody who may drop files could use up ours otherwise.
 */
#include "dfud/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	DROP_ACCURACY_US = 10000,
	DROP_LINK_WATCHES_MAX = 32,
};

static int drop_compare_name(const void *a, const void *b)
{
	return strcmp(((const struct drop *)a)->name, ((const struct drop *)b)->name);
}

static int drop_compare_inode(const void *a, const void *b)
{
	ino_t i = ((const struct drop *)a)->inode, j = ((const struct drop *)b)->inode;

	return (i > j) - (i < j);
}

/* Two names of one file are two drops. */
static int drop_compare_inode_and_name(const void *a, const void *b)
{
	int c = drop_compare_inode(a, b);

	return c != 0 ? c : drop_compare_name(a, b);
}

void drops_init(struct drops *drops)
{
	*drops = (struct drops){0};
	TAILQ_INIT(&drops->all);
	TAILQ_INIT(&drops->marked);
}

void drops_done(struct drops *drops)
{
	struct drop *drop;

	while ((drop = TAILQ_FIRST(&drops->all))) {
		drop_free(drop, drops);
	}
}

struct drop *drops_find(const struct drops *drops, const char *name)
{
	const struct drop key = {.name = name};
	struct drop *const *found = tfind(&key, &drops->by_name, drop_compare_name);

	return found ? *found : NULL;
}

struct drop *drops_find_inode(const struct drops *drops, ino_t inode)
{
	const struct drop key = {.inode = inode};
	struct drop *const *found = tfind(&key, &drops->by_inode, drop_compare_inode);

	return found ? *found : NULL;
}

int drop_new(struct drop **ret, struct drops *drops, struct queue *queue, const char *name)
{
	size_t size = strlen(name) + 1;
	struct drop *drop = malloc(sizeof(*drop) + size);

	if (!drop) {
		return -ENOMEM;
	}
	*drop = (struct drop){.queue = queue, .arrival = ARRIVAL_INIT};
	memcpy(drop->name_bytes, name, size);
	drop->name = drop->name_bytes;
	if (!tsearch(drop, &drops->by_name, drop_compare_name)) {
		free(drop);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&drops->all, drop, link);
	*ret = drop;
	return 0;
}

static void drop_unindex(struct drop *drop, struct drops *drops)
{
	if (drop->inode != 0) {
		tdelete(drop, &drops->by_inode, drop_compare_inode_and_name);
		drop->inode = 0;
	}
}

struct drop *drop_free(struct drop *drop, struct drops *drops)
{
	if (!drop) {
		return NULL;
	}
	drop_unwatch_links(drop, drops);
	sd_event_source_disable_unref(drop->timer);
	drop_unindex(drop, drops);
	tdelete(drop, &drops->by_name, drop_compare_name);
	TAILQ_REMOVE(&drops->all, drop, link);
	if (drop->is_marked) {
		TAILQ_REMOVE(&drops->marked, drop, marked);
	}
	free(drop);
	return NULL;
}

int drop_index(struct drop *drop, struct drops *drops, ino_t inode)
{
	if (drop->inode == inode) {
		return 0;
	}
	drop_unindex(drop, drops);
	drop->inode = inode;
	if (inode != 0 && !tsearch(drop, &drops->by_inode, drop_compare_inode_and_name)) {
		drop->inode = 0;
		return -ENOMEM;
	}
	return 0;
}

void drop_mark(struct drop *drop, struct drops *drops, enum arrival_sign sign)
{
	if (drop->is_marked) {
		drop->sign = arrival_sign_join(drop->sign, sign);
		return;
	}
	drop->sign = sign;
	drop->is_marked = true;
	TAILQ_INSERT_TAIL(&drops->marked, drop, marked);
}

struct drop *drops_pop_marked(struct drops *drops)
{
	struct drop *drop = TAILQ_FIRST(&drops->marked);

	if (drop) {
		TAILQ_REMOVE(&drops->marked, drop, marked);
		drop->is_marked = false;
	}
	return drop;
}

int drop_arm(struct drop *drop, sd_event *event, uint64_t due_us, sd_event_time_handler_t handler)
{
	int r;

	if (due_us == UINT64_MAX) {
		drop->timer = sd_event_source_disable_unref(drop->timer);
		return 0;
	}
	if (!drop->timer) {
		return sd_event_add_time(event, &drop->timer, CLOCK_MONOTONIC, due_us,
			DROP_ACCURACY_US, handler, drop);
	}
	r = sd_event_source_set_time(drop->timer, due_us);
	return r < 0 ? r : sd_event_source_set_enabled(drop->timer, SD_EVENT_ONESHOT);
}

void drop_watch_links(struct drop *drop, struct drops *drops, sd_event *event, int folder_fd,
	sd_event_inotify_handler_t handler)
{
	int fd;

	if (drop->link_watch || drops->n_link_watches >= DROP_LINK_WATCHES_MAX) {
		return;
	}
	fd = openat(folder_fd, drop->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return;
	}
	if (sd_event_add_inotify_fd(event, &drop->link_watch, fd, IN_ATTRIB, handler, drop) >= 0) {
		drops->n_link_watches++;
	}
	(void)close(fd);
}

void drop_unwatch_links(struct drop *drop, struct drops *drops)
{
	if (drop->link_watch) {
		drop->link_watch = sd_event_source_disable_unref(drop->link_watch);
		drops->n_link_watches--;
	}
}
