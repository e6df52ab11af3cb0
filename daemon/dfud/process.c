/* SPDX-License-Identifier: MIT */
/*
 * Workers as processes.
 *
 * Model: a SOCK_SEQPACKET pair carries messages, the child's end is known by SIGCHLD through
 * sd_event_add_child(3) (SIGCHLD is blocked by main). Messages are read to the end before `ended`
 * is told, so an OUTCOME is never lost behind the exit. A worker past its deadline gets SIGKILL
 * once; if it hangs in the kernel all the same nobody waits for it: `ended` is told at once.
 *
 * A worker that is forgotten while it runs is still reaped by the loop: the watch on its pid passes
 * to a source that the loop itself owns.
 *
 * Descriptors: 3 image, 4 socket, 5 record, 6 backup; the child closes those that are not given
 * and everything above.
 */
#include "dfud/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESS_MAX_ARGS  256
#define PROCESS_IMAGE_FD  3
#define PROCESS_SOCKET_FD 4
#define PROCESS_RECORD_FD 5
#define PROCESS_BACKUP_FD 6

/* A worker that never stops talking holds nobody up; what a socket holds at its end is less. */
#define PROCESS_PACKETS	     64
#define PROCESS_LAST_PACKETS 4096

struct process {
	sd_event *event;
	sd_event_source *io, *child, *timer;
	int socket;
	pid_t pid;
	bool ended, reaped;
	struct process_events events;
	void *user;
};

static uint64_t process_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The descriptors of a worker, by their places; copies that collide with no place. */
struct process_files {
	int image, socket, record, backup;
};

/* In the child: puts a descriptor where the worker looks for it, or nothing there. */
static int process_place(int fd, int where)
{
	if (fd >= 0) {
		return dup2(fd, where);
	}
	return close(where) < 0 && errno != EBADF ? -1 : 0;
}

/* In the child; only async-signal-safe calls. */
static void process_child(const char *program, char **argv, const struct process_files *files)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGABRT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (process_place(files->image, PROCESS_IMAGE_FD) < 0 ||
		process_place(files->socket, PROCESS_SOCKET_FD) < 0 ||
		process_place(files->record, PROCESS_RECORD_FD) < 0 ||
		process_place(files->backup, PROCESS_BACKUP_FD) < 0 ||
		close_range(PROCESS_BACKUP_FD + 1, ~0U, 0) < 0) {
		_exit(127);
	}
	execv(program, argv);
	_exit(127);
}

/* A copy of the descriptor that cannot collide with the child's places. */
static int process_above(int fd)
{
	return fd < 0 ? -EBADF : fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

static int process_argv(const struct process_start *start, char **argv)
{
	size_t n = 0;

	argv[n++] = (char *)start->program;
	argv[n++] = (char *)"--image-fd=3";
	argv[n++] = (char *)"--channel-fd=4";
	if (start->record_fd >= 0) {
		argv[n++] = (char *)"--record-fd=5";
	}
	if (start->backup_fd >= 0) {
		argv[n++] = (char *)"--backup-fd=6";
	}
	for (const char *const *arg = start->args; *arg != NULL; arg++) {
		if (n + 1 >= PROCESS_MAX_ARGS) {
			return -E2BIG;
		}
		argv[n++] = (char *)*arg;
	}
	argv[n] = NULL;
	return 0;
}

/* -EMFILE where a descriptor that is there could not be copied. */
static int process_copy_files(
	struct process_files *ret, const struct process_start *start, int socket)
{
	*ret = (struct process_files){
		.image = process_above(start->image_fd),
		.socket = process_above(socket),
		.record = process_above(start->record_fd),
		.backup = process_above(start->backup_fd),
	};
	return ret->image < 0 || ret->socket < 0 || (ret->record < 0 && start->record_fd >= 0) ||
			       (ret->backup < 0 && start->backup_fd >= 0)
		       ? -EMFILE
		       : 0;
}

static void process_close_files(const struct process_files *files)
{
	const int fds[] = {files->image, files->socket, files->record, files->backup};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
}

static int process_fork(struct process *p, const struct process_start *start, int socket)
{
	char *argv[PROCESS_MAX_ARGS];
	struct process_files files;
	int r = process_argv(start, argv);
	const int copied = process_copy_files(&files, start, socket);

	r = r < 0 ? r : copied;
	if (r == 0) {
		p->pid = fork();
		if (p->pid == 0) {
			process_child(start->program, argv, &files);
		}
		r = p->pid < 0 ? -errno : 0;
	}
	process_close_files(&files);
	return r;
}

/* Tells what has arrived, at most so many packets; true where the socket is dry. */
static bool process_drain(struct process *p, unsigned packets)
{
	char text[MESSAGE_MAX];

	for (; packets > 0; packets--) {
		struct message message;
		const ssize_t n = recv(p->socket, text, sizeof(text), MSG_DONTWAIT);

		if (n <= 0) {
			return true;
		}
		/* nonsense from a worker is dropped; its end will be judged by the record's marks
		 */
		if (message_read(&message, text, (size_t)n) == 0) {
			p->events.message(p->user, &message);
		}
	}
	return false;
}

/* What the kernel says of a child's end. */
static enum process_end process_end_of(const siginfo_t *si)
{
	if (si->si_code == CLD_EXITED) {
		switch (si->si_status) {
		case EXIT_SUCCESS:
			return PROCESS_EXITED;
		case 64:  /* EX_USAGE: its arguments */
		case 70:  /* EX_SOFTWARE: it could not begin */
		case 127: /* it could not be started */
			return PROCESS_UNABLE;
		default:
			return PROCESS_CRASHED;
		}
	}
	return si->si_status == SIGKILL ? PROCESS_UNABLE : PROCESS_CRASHED;
}

static void process_tell_end(struct process *p, enum process_end end)
{
	if (p->ended) {
		return;
	}
	p->ended = true;
	(void)process_drain(p, PROCESS_LAST_PACKETS);
	p->io = sd_event_source_unref(p->io);
	p->timer = sd_event_source_unref(p->timer);
	p->events.ended(p->user, end);
}

static int process_on_io(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct process *p = user;

	(void)fd;
	if (process_drain(p, PROCESS_PACKETS) && (revents & (EPOLLHUP | EPOLLERR))) {
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	}
	return 0;
}

static int process_on_child(sd_event_source *source, const siginfo_t *si, void *user)
{
	struct process *p = user;

	(void)source;
	p->reaped = true; /* by the loop, after this */
	process_tell_end(p, process_end_of(si));
	return 0;
}

static int process_on_forgotten(sd_event_source *source, const siginfo_t *si, void *user)
{
	(void)si;
	(void)user;
	(void)sd_event_source_set_floating(source, false); /* drops it */
	return 0;
}

/* Leaves the child to the loop. Without memory for that it stays a zombie until the daemon ends. */
static void process_leave_child(struct process *p)
{
	const bool runs = p->child != NULL && !p->reaped;

	p->child = sd_event_source_disable_unref(p->child);
	if (runs) {
		(void)sd_event_add_child(
			p->event, NULL, p->pid, WEXITED, process_on_forgotten, NULL);
	}
}

static int process_on_deadline(sd_event_source *source, uint64_t usec, void *user)
{
	struct process *p = user;

	(void)source;
	(void)usec;
	(void)kill(p->pid, SIGKILL);
	process_tell_end(p, PROCESS_DEADLINE);
	return 0;
}

static int process_watch(struct process *p, uint64_t deadline_ms)
{
	int r = sd_event_add_io(p->event, &p->io, p->socket, EPOLLIN, process_on_io, p);

	if (r >= 0) {
		r = sd_event_add_child(p->event, &p->child, p->pid, WEXITED, process_on_child, p);
	}
	if (r >= 0) {
		r = sd_event_add_time(p->event, &p->timer, CLOCK_MONOTONIC,
			process_now_us() + deadline_ms * 1000, 1000000, process_on_deadline, p);
	}
	if (r >= 0) {
		/* messages before the exit that follows them */
		r = sd_event_source_set_priority(p->child, SD_EVENT_PRIORITY_NORMAL + 1);
	}
	return r;
}

int process_start(struct process **ret, sd_event *event, const struct process_start *start,
	const struct process_events *events, void *user)
{
	struct process *p = calloc(1, sizeof(*p));
	int pair[2];
	int r;

	if (p == NULL) {
		return -ENOMEM;
	}
	p->event = sd_event_ref(event);
	p->events = *events;
	p->user = user;
	p->socket = -EBADF;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r = -errno;
		process_free(p);
		return r;
	}
	p->socket = pair[0];
	r = process_fork(p, start, pair[1]);
	close(pair[1]);
	if (r == 0) {
		r = process_watch(p, start->deadline_ms);
		if (r < 0) {
			(void)kill(p->pid, SIGKILL);
			(void)waitpid(p->pid, NULL, 0);
		}
	}
	if (r < 0) {
		process_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void process_answer(struct process *p, bool go)
{
	const struct message message = {.kind = go ? MESSAGE_GO : MESSAGE_STOP};
	char text[MESSAGE_MAX];
	const int n = message_write(&message, text, sizeof(text));

	assert(n > 0);
	(void)send(p->socket, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void process_extend(struct process *p, uint64_t deadline_ms)
{
	if (p->timer != NULL) {
		(void)sd_event_source_set_time(p->timer, process_now_us() + deadline_ms * 1000);
		(void)sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
	}
}

struct process *process_free(struct process *p)
{
	if (p == NULL) {
		return NULL;
	}
	sd_event_source_disable_unref(p->io);
	sd_event_source_disable_unref(p->timer);
	process_leave_child(p);
	if (p->socket >= 0) {
		close(p->socket);
	}
	sd_event_unref(p->event);
	free(p);
	return NULL;
}
