/* SPDX-License-Identifier: MIT */
/*
 * The queue folder: inotify(7) and scans on one side, jobs on the other.
 *
 *	inotify, timer, scan ──► drop is marked with a sign ──► stat, arrival_see ──► callback
 *
 * Each name that could be a job has a `struct drop`. Nothing is concluded from an event: it marks
 * the drop, and a deferred source that runs after all pending events looks at one marked drop in
 * each turn. So a burst of writes costs one stat, an event that is stale by the time it is read
 * cannot make a job of its successor, and a callback is the last thing that a turn does: it may
 * forget drops or free the queue.
 *
 * A file made by O_TMPFILE and linkat(2) is closed under the name "#INODE" that the kernel gave it
 * before it had one; drops are indexed by inode for that. The removal of a folder that we hold
 * open is told to its parent only.
 *
 * Invariants: a drop has a timer only while it waits; without marked or waiting drops nothing is
 * armed. A drop is found in O(log n), so n files cost O(n log n).
 */
#include "dfud/queue.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dfud/arrival.h"
#include "dfud/drop.h"

enum {
	/* Looks come after all events that are there to be read. */
	QUEUE_LOOK_PRIORITY = SD_EVENT_PRIORITY_NORMAL + 1,
};

static const uint32_t queue_gone_mask = IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED;
static const uint32_t queue_folder_mask = IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE |
					  IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MOVE_SELF |
					  IN_DELETE_SELF | IN_ONLYDIR;

enum queue_scan_kind {
	QUEUE_SCAN_NONE,
	QUEUE_SCAN_AGAIN,      /* events are complete: what is known stays known */
	QUEUE_SCAN_AFTER_LOSS, /* events may be missing */
};

struct queue {
	sd_event *event;
	int folder_fd;
	uint64_t quiet_us;
	struct queue_events events;
	void *user;
	sd_event_source *folder_watch, *parent_watch, *work;
	struct drops drops;
	enum queue_scan_kind scan;
};

static uint64_t queue_now_us(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int64_t queue_ns(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static int queue_wake(struct queue *queue)
{
	return sd_event_source_set_enabled(queue->work, SD_EVENT_ON);
}

static int queue_mark(struct drop *drop, enum arrival_sign sign)
{
	drop_mark(drop, &drop->queue->drops, sign);
	return queue_wake(drop->queue);
}

static void queue_stop(struct queue *queue)
{
	drops_done(&queue->drops);
	queue->folder_watch = sd_event_source_disable_unref(queue->folder_watch);
	queue->parent_watch = sd_event_source_disable_unref(queue->parent_watch);
	queue->work = sd_event_source_disable_unref(queue->work);
}

/* Ends a turn: a failure of ours is told and nothing more is watched. */
static int queue_end_turn(struct queue *queue, int r)
{
	if (r < 0) {
		queue_stop(queue);
		if (queue->events.failed) {
			queue->events.failed(queue->user, r);
		}
	}
	return 0;
}

static int queue_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct drop *drop = userdata;

	return queue_end_turn(drop->queue, queue_mark(drop, ARRIVAL_LOOKED));
}

static int queue_on_link(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct drop *drop = userdata;

	return queue_end_turn(drop->queue, queue_mark(drop, ARRIVAL_LOOKED));
}

static enum queue_fault queue_judge(
	const struct queue *queue, const char *name, const struct stat *st)
{
	if (S_ISLNK(st->st_mode)) {
		return QUEUE_LINKED;
	}
	if (!S_ISREG(st->st_mode)) {
		return QUEUE_NOT_REGULAR;
	}
	if (st->st_nlink > 1) {
		return QUEUE_LINKED;
	}
	if (faccessat(queue->folder_fd, name, R_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0) {
		return QUEUE_UNREADABLE;
	}
	return _QUEUE_FAULT_MAX;
}

/* The name is copied: the callback may forget the drop while it uses it. */
static void queue_tell(struct queue *queue, enum arrival_effect effect, const struct drop *drop,
	const struct stat *st, ino_t inode_before)
{
	uint64_t now = queue_now_us(CLOCK_REALTIME);
	uint64_t changed = (uint64_t)(queue_ns(&st->st_ctim) / 1000);
	bool was_there = drop->arrival.way == ARRIVAL_FOUND && changed < now;
	char name[NAME_MAX + 1];
	struct queue_file file = {
		.name = strcpy(name, drop->name),
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = queue_ns(&st->st_mtim),
		.owner = st->st_uid,
		.arrived_us = was_there ? changed : now,
	};

	switch (effect) {
	case ARRIVAL_BECAME_JOB:
		queue->events.arrived(queue->user, &file);
		return;
	case ARRIVAL_WAS_REFUSED:
		queue->events.refused(queue->user, name, drop->arrival.look.fault);
		return;
	case ARRIVAL_LEFT:
		queue->events.left(queue->user, name, inode_before);
		return;
	case ARRIVAL_NOTHING:
	case _ARRIVAL_EFFECT_MAX:
		return;
	}
}

static void queue_lose(struct drop *drop)
{
	struct queue *queue = drop->queue;
	ino_t inode = drop->arrival.look.inode;
	bool was_job = arrival_gone(&drop->arrival) == ARRIVAL_LEFT;
	char name[NAME_MAX + 1];

	strcpy(name, drop->name);
	drop_free(drop, &queue->drops);
	if (was_job) {
		queue->events.left(queue->user, name, inode);
	}
}

static int queue_keep(struct drop *drop, const struct stat *st)
{
	struct queue *queue = drop->queue;
	int r = drop_index(drop, &queue->drops, st->st_ino);

	if (S_ISREG(st->st_mode) && st->st_nlink > 1) {
		drop_watch_links(
			drop, &queue->drops, queue->event, queue->folder_fd, queue_on_link);
	} else {
		drop_unwatch_links(drop, &queue->drops);
	}
	return r < 0 ? r
		     : drop_arm(drop, queue->event, arrival_due(&drop->arrival, queue->quiet_us),
			       queue_on_timer);
}

static int queue_look(struct drop *drop)
{
	struct queue *queue = drop->queue;
	ino_t inode_before = drop->arrival.look.inode;
	struct arrival_look look = {.fault = QUEUE_UNREADABLE};
	enum arrival_effect effect;
	struct stat st = {0};
	int r;

	if (fstatat(queue->folder_fd, drop->name, &st, AT_SYMLINK_NOFOLLOW) >= 0) {
		look = (struct arrival_look){
			.device = st.st_dev,
			.inode = st.st_ino,
			.size = (uint64_t)st.st_size,
			.mtime_ns = queue_ns(&st.st_mtim),
			.ctime_ns = queue_ns(&st.st_ctim),
			.fault = queue_judge(queue, drop->name, &st),
		};
	} else if (errno == ENOENT) {
		queue_lose(drop);
		return 0;
	}
	effect = arrival_see(
		&drop->arrival, drop->sign, &look, queue->quiet_us, queue_now_us(CLOCK_MONOTONIC));
	r = queue_keep(drop, &st);
	if (r >= 0) {
		queue_tell(queue, effect, drop, &st, inode_before);
	}
	return r;
}

static int queue_note(struct queue *queue, const char *name, enum arrival_sign sign)
{
	struct drop *drop = drops_find(&queue->drops, name);
	int r;

	if (!drop) {
		if (!arrival_name_is_job(name) || strlen(name) > NAME_MAX) {
			return 0;
		}
		r = drop_new(&drop, &queue->drops, queue, name);
		if (r < 0) {
			return r;
		}
	}
	return queue_mark(drop, sign);
}

static int queue_read_folder(struct queue *queue, enum arrival_sign sign_of_known)
{
	int fd = openat(queue->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *found;
	int r = 0;

	if (!folder) {
		r = -errno;
		if (fd >= 0) {
			(void)close(fd);
		}
		return r;
	}
	while (r >= 0 && (errno = 0, found = readdir(folder))) {
		bool is_known = drops_find(&queue->drops, found->d_name);

		r = queue_note(queue, found->d_name, is_known ? sign_of_known : ARRIVAL_FOUND);
	}
	if (r >= 0 && errno != 0) {
		r = -errno;
	}
	(void)closedir(folder);
	return r;
}

static int queue_check_folder(const struct queue *queue)
{
	struct stat st;

	if (fstat(queue->folder_fd, &st) < 0) {
		return -errno;
	}
	return st.st_nlink == 0 ? -ESTALE : 0;
}

static int queue_scan_now(struct queue *queue)
{
	bool is_lossy = queue->scan == QUEUE_SCAN_AFTER_LOSS;
	struct drop *drop;
	int r = queue_check_folder(queue);

	queue->scan = QUEUE_SCAN_NONE;
	TAILQ_FOREACH (drop, &queue->drops.all, link) {
		if (r >= 0) {
			r = queue_mark(drop, ARRIVAL_LOOKED);
		}
	}
	return r < 0 ? r : queue_read_folder(queue, is_lossy ? ARRIVAL_FOUND : ARRIVAL_LOOKED);
}

static int queue_on_scan(struct queue *queue)
{
	const bool is_lossy = queue->scan == QUEUE_SCAN_AFTER_LOSS;
	const int r = queue_scan_now(queue);

	if (r < 0) {
		return queue_end_turn(queue, r);
	}
	if (is_lossy && queue->events.companion) {
		queue->events.companion(queue->user, NULL);
	}
	return 0;
}

static int queue_on_work(sd_event_source *source, void *userdata)
{
	struct queue *queue = userdata;
	struct drop *drop;
	int r;

	if (queue->scan != QUEUE_SCAN_NONE) {
		return queue_on_scan(queue);
	}
	drop = drops_pop_marked(&queue->drops);
	if (!drop) {
		return queue_end_turn(queue, sd_event_source_set_enabled(source, SD_EVENT_OFF));
	}
	r = queue_look(drop);
	return r < 0 ? queue_end_turn(queue, r) : 0; /* queue may be gone where it went well */
}

static enum arrival_sign queue_sign(uint32_t mask)
{
	if (mask & (IN_CREATE | IN_MODIFY)) {
		return ARRIVAL_WRITTEN;
	}
	if (mask & IN_CLOSE_WRITE) {
		return ARRIVAL_CLOSED;
	}
	return mask & IN_MOVED_TO ? ARRIVAL_MOVED : ARRIVAL_LOOKED;
}

/* An inode that is closed later under its number: its name must be known by then. */
static int queue_note_created(struct queue *queue, const char *name)
{
	struct drop *drop = drops_find(&queue->drops, name);
	struct stat st;

	if (!drop || fstatat(queue->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return 0;
	}
	return drop_index(drop, &queue->drops, st.st_ino);
}

/* The drop that has its name since; NULL where none has, or where a file really is called that. */
static struct drop *queue_find_nameless(const struct queue *queue, const char *name)
{
	unsigned long long inode = name[0] == '#' ? strtoull(name + 1, NULL, 10) : 0;
	struct stat st;

	if (inode == 0 || fstatat(queue->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0) {
		return NULL;
	}
	return drops_find_inode(&queue->drops, (ino_t)inode);
}

static int queue_note_event(struct queue *queue, const struct inotify_event *event)
{
	enum arrival_sign sign = queue_sign(event->mask);
	struct drop *nameless = queue_find_nameless(queue, event->name);
	int r;

	if (nameless) {
		return queue_mark(nameless, sign);
	}
	r = queue_note(queue, event->name, sign);
	return r >= 0 && event->mask & IN_CREATE ? queue_note_created(queue, event->name) : r;
}

/* False where the name is no sidecar's. The queue may be gone where it is. */
static bool queue_tell_companion(const struct queue *queue, const char *name)
{
	const size_t n = arrival_sidecar_of(name);
	char file[NAME_MAX + 1];

	if (n == 0 || n > NAME_MAX) {
		return false;
	}
	memcpy(file, name, n);
	file[n] = '\0';
	if (queue->events.companion) {
		queue->events.companion(queue->user, file);
	}
	return true;
}

static int queue_on_folder(
	sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct queue *queue = userdata;
	int r = 0;

	if (event->mask & IN_Q_OVERFLOW) {
		queue->scan = QUEUE_SCAN_AFTER_LOSS;
		r = queue_wake(queue);
	} else if (event->mask & queue_gone_mask) {
		r = -ESTALE;
	} else if (event->len > 0) {
		if (queue_tell_companion(queue, event->name)) {
			return 0;
		}
		r = queue_note_event(queue, event);
	}
	return queue_end_turn(queue, r);
}

static int queue_on_parent(
	sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct queue *queue = userdata;

	return queue_end_turn(
		queue, event->mask & IN_MOVE_SELF ? -ESTALE : queue_check_folder(queue));
}

/* A parent that we may not watch costs only that the removal of the folder is told by a scan. */
static void queue_watch_parent(struct queue *queue)
{
	int fd = openat(queue->folder_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)sd_event_add_inotify_fd(queue->event, &queue->parent_watch, fd,
			IN_DELETE | IN_MOVE_SELF | IN_ONLYDIR, queue_on_parent, queue);
		(void)close(fd);
	}
}

static int queue_start(struct queue *queue)
{
	int r = sd_event_add_inotify_fd(queue->event, &queue->folder_watch, queue->folder_fd,
		queue_folder_mask, queue_on_folder, queue);

	if (r < 0) {
		return r;
	}
	queue_watch_parent(queue);
	r = sd_event_add_defer(queue->event, &queue->work, queue_on_work, queue);
	if (r < 0) {
		return r;
	}
	(void)sd_event_source_set_description(queue->folder_watch, "queue-folder");
	(void)sd_event_source_set_description(queue->work, "queue-work");
	r = sd_event_source_set_priority(queue->work, QUEUE_LOOK_PRIORITY);
	return r < 0 ? r : queue_wake(queue);
}

static uint64_t queue_quiet_us(uint64_t quiet_ms)
{
	uint64_t us;

	return __builtin_mul_overflow(quiet_ms, UINT64_C(1000), &us) ? UINT64_MAX : us;
}

int queue_new(struct queue **ret, sd_event *event, int folder_fd, uint64_t quiet_ms,
	const struct queue_events *events, void *user)
{
	struct queue *queue;
	int r;

	assert(ret && event && folder_fd >= 0);
	assert(events && events->arrived && events->left && events->refused);

	queue = calloc(1, sizeof(*queue));
	if (!queue) {
		return -ENOMEM;
	}
	*queue = (struct queue){
		.event = sd_event_ref(event),
		.folder_fd = folder_fd,
		.quiet_us = queue_quiet_us(quiet_ms),
		.events = *events,
		.user = user,
		.scan = QUEUE_SCAN_AGAIN,
	};
	drops_init(&queue->drops);
	r = queue_start(queue);
	if (r < 0) {
		queue_free(queue);
		return r;
	}
	*ret = queue;
	return 0;
}

struct queue *queue_free(struct queue *queue)
{
	if (queue) {
		queue_stop(queue);
		sd_event_unref(queue->event);
		free(queue);
	}
	return NULL;
}

void queue_scan(struct queue *queue)
{
	if (queue->work && queue->scan == QUEUE_SCAN_NONE) {
		queue->scan = QUEUE_SCAN_AGAIN;
		(void)queue_wake(queue);
	}
}

void queue_set_quiet(struct queue *queue, uint64_t quiet_ms)
{
	struct drop *drop;

	queue->quiet_us = queue_quiet_us(quiet_ms);
	TAILQ_FOREACH (drop, &queue->drops.all, link) {
		(void)queue_mark(drop, ARRIVAL_LOOKED);
	}
}

void queue_forget(struct queue *queue, const char *name)
{
	struct drop *drop = drops_find(&queue->drops, name);

	if (drop) {
		drop_free(drop, &queue->drops);
	}
}

const char *queue_fault_to_string(enum queue_fault fault)
{
	static const char *const words[_QUEUE_FAULT_MAX] = {
		[QUEUE_NOT_REGULAR] = "not-regular",
		[QUEUE_LINKED] = "linked",
		[QUEUE_UNREADABLE] = "unreadable",
	};

	return fault < _QUEUE_FAULT_MAX ? words[fault] : NULL;
}
