/* SPDX-License-Identifier: MIT */
/*
 * Two datagram sockets, one thread, one growing list. A journal datagram is a row of "NAME=value\n"
 * and, for values with a line break, "NAME\n", the length as 64 bits little-endian, the bytes,
 * "\n"; an entry too large for a datagram comes as an empty one with a sealed memfd (systemd's
 * native journal protocol). A notification is a row of "NAME=value" lines.
 *
 * Entries are never freed or moved while the inbox lives: the list holds pointers to them.
 */

#include "inbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_MAX (8U << 20)

struct inbox {
	int journal, notify, stop;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct entry **entries;
	size_t n;
	struct timespec begin;
	char *buffer; /* DATAGRAM_MAX, the thread's */
};

static const char *entry_get_n(const struct entry *entry, const char *name, size_t length)
{
	for (size_t i = 0; i < entry->n; i++) {
		if (strncmp(entry->fields[i], name, length) == 0 &&
			entry->fields[i][length] == '=') {
			return entry->fields[i] + length + 1;
		}
	}
	return NULL;
}

const char *entry_get(const struct entry *entry, const char *name)
{
	return entry_get_n(entry, name, strlen(name));
}

static void entry_add(
	struct entry *entry, const char *name, size_t n_name, const char *value, size_t n_value)
{
	char *field = malloc(n_name + n_value + 2);
	char **fields = realloc(entry->fields, (entry->n + 1) * sizeof(*fields));

	if (!field || !fields) {
		abort();
	}
	memcpy(field, name, n_name);
	field[n_name] = '=';
	memcpy(field + n_name + 1, value, n_value);
	field[n_name + 1 + n_value] = 0;
	entry->fields = fields;
	entry->fields[entry->n++] = field;
}

/* One field at p; where the next begins, NULL where the bytes contradict themselves. */
static const char *entry_parse_field(struct entry *entry, const char *p, const char *end)
{
	const char *line = memchr(p, '\n', (size_t)(end - p));
	const char *sign;
	uint64_t length;

	if (!line) {
		line = end;
	}
	sign = memchr(p, '=', (size_t)(line - p));
	if (sign) {
		entry_add(entry, p, (size_t)(sign - p), sign + 1, (size_t)(line - sign - 1));
		return line < end ? line + 1 : end;
	}
	if (line == end || (size_t)(end - line - 1) < sizeof(length)) {
		return NULL;
	}
	memcpy(&length, line + 1, sizeof(length));
	if (length >= (uint64_t)(end - line - 1) - sizeof(length)) {
		return NULL;
	}
	entry_add(entry, p, (size_t)(line - p), line + 1 + sizeof(length), (size_t)length);
	return line + 1 + sizeof(length) + length + 1;
}

static struct entry *entry_free(struct entry *entry)
{
	for (size_t i = 0; i < entry->n; i++) {
		free(entry->fields[i]);
	}
	free(entry->fields);
	free(entry);
	return NULL;
}

static struct entry *entry_parse(const char *bytes, size_t size)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	const char *p = bytes;

	if (!entry) {
		abort();
	}
	while (p && p < bytes + size) {
		p = entry_parse_field(entry, p, bytes + size);
	}
	if (!p || entry->n == 0) {
		fprintf(stderr, "bed: a journal entry that is none (%zu bytes)\n", size);
		return entry_free(entry);
	}
	return entry;
}

/* One field of a list, as inbox_wait() tells. */
static bool entry_matches_field(const struct entry *entry, const char *field)
{
	size_t n_name = strcspn(field, "=!");
	const char *value = entry_get_n(entry, field, n_name);

	if (field[n_name] == '!') {
		return !value;
	}
	return value && (!field[n_name + 1] || strcmp(value, field + n_name + 1) == 0);
}

static bool entry_matches(const struct entry *entry, const char *const *fields)
{
	for (; *fields; fields++) {
		if (!entry_matches_field(entry, *fields)) {
			return false;
		}
	}
	return true;
}

static unsigned inbox_age_ms(const struct inbox *inbox)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)((now.tv_sec - inbox->begin.tv_sec) * 1000 +
			  (now.tv_nsec - inbox->begin.tv_nsec) / 1000000);
}

static void inbox_put(struct inbox *inbox, struct entry *entry)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->entries = realloc(inbox->entries, (inbox->n + 1) * sizeof(struct entry *));
	if (!inbox->entries) {
		abort();
	}
	entry->number = inbox->n;
	entry->at_ms = inbox_age_ms(inbox);
	inbox->entries[inbox->n++] = entry;
	pthread_cond_broadcast(&inbox->news);
	pthread_mutex_unlock(&inbox->lock);
}

/* The memfd that came with an empty datagram, -EBADF: none. */
static int message_fd(struct msghdr *message)
{
	int fd = -EBADF;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
		part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
			memcpy(&fd, CMSG_DATA(part), sizeof(fd));
		}
	}
	return fd;
}

static struct entry *inbox_read_memfd(int fd)
{
	struct entry *entry = NULL;
	struct stat info;
	void *bytes;

	if (fstat(fd, &info) == 0 && info.st_size > 0) {
		bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes != MAP_FAILED) {
			entry = entry_parse(bytes, (size_t)info.st_size);
			munmap(bytes, (size_t)info.st_size);
		}
	}
	close(fd);
	return entry;
}

static void inbox_receive(struct inbox *inbox, int socket)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(64)];
	} control;
	struct iovec part = {inbox->buffer, DATAGRAM_MAX};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct entry *entry = NULL;
	int fd;

	if (n < 0) {
		return;
	}
	fd = message_fd(&message);
	if (fd >= 0) {
		entry = inbox_read_memfd(fd);
	} else if (n > 0) {
		entry = entry_parse(inbox->buffer, (size_t)n);
	}
	if (entry) {
		inbox_put(inbox, entry);
	}
}

static void *inbox_run(void *user)
{
	struct inbox *inbox = user;
	struct pollfd fds[] = {
		{inbox->journal, POLLIN, 0}, {inbox->notify, POLLIN, 0}, {inbox->stop, POLLIN, 0}};

	while (!fds[2].revents) {
		if (poll(fds, 3, -1) < 0) {
			continue;
		}
		for (size_t i = 0; i < 2; i++) {
			if (fds[i].revents) {
				inbox_receive(inbox, fds[i].fd);
			}
		}
	}
	return NULL;
}

static int socket_bind(const char *folder, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, n;

	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);
	if (n >= (int)sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		n = -errno;
		close(fd);
		return n;
	}
	return fd;
}

static void inbox_done(struct inbox *inbox)
{
	for (size_t i = 0; i < inbox->n; i++) {
		entry_free(inbox->entries[i]);
	}
	free(inbox->entries);
	free(inbox->buffer);
	if (inbox->journal >= 0) {
		close(inbox->journal);
	}
	if (inbox->notify >= 0) {
		close(inbox->notify);
	}
	if (inbox->stop >= 0) {
		close(inbox->stop);
	}
	free(inbox);
}

static int inbox_open(struct inbox *inbox, const char *folder)
{
	pthread_condattr_t monotonic;

	inbox->journal = socket_bind(folder, "journal");
	inbox->notify = socket_bind(folder, "notify");
	inbox->stop = eventfd(0, EFD_CLOEXEC);
	inbox->buffer = malloc(DATAGRAM_MAX);
	if (inbox->journal < 0 || inbox->notify < 0 || inbox->stop < 0 || !inbox->buffer) {
		return inbox->journal < 0 ? inbox->journal : -ENOMEM;
	}
	clock_gettime(CLOCK_MONOTONIC, &inbox->begin);
	pthread_mutex_init(&inbox->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&inbox->news, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return -pthread_create(&inbox->thread, NULL, inbox_run, inbox);
}

int inbox_new(struct inbox **ret, const char *folder)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	int r;

	if (!inbox) {
		return -ENOMEM;
	}
	inbox->journal = inbox->notify = inbox->stop = -EBADF;
	r = inbox_open(inbox, folder);
	if (r < 0) {
		inbox_done(inbox);
		return r;
	}
	*ret = inbox;
	return 0;
}

struct inbox *inbox_free(struct inbox *inbox)
{
	if (inbox) {
		eventfd_write(inbox->stop, 1);
		pthread_join(inbox->thread, NULL);
		pthread_cond_destroy(&inbox->news);
		pthread_mutex_destroy(&inbox->lock);
		inbox_done(inbox);
	}
	return NULL;
}

const struct entry *inbox_wait(
	struct inbox *inbox, size_t from, unsigned timeout_ms, const char *const *fields)
{
	const struct entry *found = NULL;
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&inbox->lock);
	for (size_t i = from; !found && r == 0;) {
		for (; i < inbox->n && !found; i++) {
			found = entry_matches(inbox->entries[i], fields) ? inbox->entries[i] : NULL;
		}
		if (!found) {
			r = pthread_cond_timedwait(&inbox->news, &inbox->lock, &until);
		}
	}
	pthread_mutex_unlock(&inbox->lock);
	return found;
}

size_t inbox_count(struct inbox *inbox)
{
	size_t n;

	pthread_mutex_lock(&inbox->lock);
	n = inbox->n;
	pthread_mutex_unlock(&inbox->lock);
	return n;
}

size_t inbox_count_matching(struct inbox *inbox, size_t from, const char *const *fields)
{
	size_t n = 0;

	pthread_mutex_lock(&inbox->lock);
	for (size_t i = from; i < inbox->n; i++) {
		n += entry_matches(inbox->entries[i], fields);
	}
	pthread_mutex_unlock(&inbox->lock);
	return n;
}

const struct entry *inbox_at(struct inbox *inbox, size_t number)
{
	const struct entry *entry;

	pthread_mutex_lock(&inbox->lock);
	entry = number < inbox->n ? inbox->entries[number] : NULL;
	pthread_mutex_unlock(&inbox->lock);
	return entry;
}
