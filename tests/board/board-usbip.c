/* SPDX-License-Identifier: MIT */

/*
 * A simulated board as a USB/IP peer of the kernel's vhci_hcd: it attaches itself to a virtual
 * port, and from there on the kernel, udev and every program see a real device. Time is
 * CLOCK_MONOTONIC. What is on the bus follows the board's presence: a new visit is a new socket
 * pair, of which the kernel gets one end; closing ours is unplugging.
 *
 * `--attach-fd N` gives the kernel's end to a test instead, over a Unix socket, so that the
 * protocol can be tried where there is no vhci_hcd.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "board-control.h"
#include "board-socket.h"
#include "usbip-link.h"

#define USBIP_ATTACH	 "/sys/devices/platform/vhci_hcd.0/attach"
#define USBIP_SPEED_FULL 2
#define USBIP_RETRY_US	 50000
#define USBIP_NEVER	 UINT64_MAX
#define USBIP_EXIT_USAGE 64

struct usbip {
	struct board_arguments arguments;
	uint32_t port;
	int attach_fd; /* of a test; else -EBADF */
	struct board *board;
	struct board_watch watch;
	struct board_socket *control;
	int signals;
	struct usbip_link *link;
	uint32_t attached_visit; /* the last one that was given to the kernel */
	uint64_t retry_at;
	bool quit;
};

static uint64_t usbip_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- attaching --- */

static int usbip_attach_test(int to, const char *text, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec data = {.iov_base = (char *)text, .iov_len = strlen(text)};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int usbip_attach_kernel(const char *text)
{
	int fd = open(USBIP_ATTACH, O_WRONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0) {
		return -errno;
	}
	if (write(fd, text, strlen(text)) < 0) {
		r = -errno;
	}
	(void)close(fd);
	return r;
}

/* PORT FD DEVID SPEED; the kernel looks the descriptor up in our table. */
static int usbip_give_away(const struct usbip *usbip, int fd)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%" PRIu32 " %d %" PRIu32 " %d", usbip->port, fd,
		UINT32_C(1) << 16 | (usbip->port + 1), USBIP_SPEED_FULL);
	return usbip->attach_fd >= 0 ? usbip_attach_test(usbip->attach_fd, text, fd)
				     : usbip_attach_kernel(text);
}

static int usbip_attach(struct usbip *usbip)
{
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		return -errno;
	}
	r = usbip_give_away(usbip, pair[1]);
	(void)close(pair[1]);
	if (r < 0) {
		(void)close(pair[0]);
		return r;
	}
	r = usbip_link_new(&usbip->link, pair[0]);
	if (r < 0) {
		(void)close(pair[0]);
	}
	return r;
}

/* The port of a board that was unplugged is free a little later. */
static int usbip_try_attach(struct usbip *usbip, uint64_t now_us)
{
	int r = usbip_attach(usbip);

	if (r == -EBUSY) {
		usbip->retry_at = now_us + USBIP_RETRY_US;
		return 0;
	}
	if (r < 0) {
		fprintf(stderr, "attaching to port %" PRIu32 ": %s\n", usbip->port, strerror(-r));
		return r;
	}
	usbip->retry_at = USBIP_NEVER;
	usbip->attached_visit = usbip->watch.visits;
	return 0;
}

/* --- the loop --- */

/* Answers that were due before a change of presence go out first: the kernel reads them to the end.
 */
static int usbip_follow(struct usbip *usbip, uint64_t now_us)
{
	bool present, same;

	if (usbip->link && usbip_link_deliver(usbip->link, now_us) < 0) {
		usbip->link = usbip_link_free(usbip->link);
	}
	board_watch_look(&usbip->watch, usbip->board, now_us);
	present = usbip->watch.presence != BOARD_ABSENT;
	same = usbip->attached_visit == usbip->watch.visits;
	if (usbip->link && (!present || !same)) {
		usbip->link = usbip_link_free(usbip->link);
	}
	if (!present || same) {
		usbip->retry_at = USBIP_NEVER;
		return 0;
	}
	if (usbip->retry_at != USBIP_NEVER && now_us < usbip->retry_at) {
		return 0;
	}
	return usbip_try_attach(usbip, now_us);
}

static uint64_t usbip_wake_at(const struct usbip *usbip, uint64_t now_us)
{
	uint64_t at = board_next_change(usbip->board, now_us);
	uint64_t answer = usbip->link ? usbip_link_next(usbip->link) : USBIP_NEVER;

	at = answer < at ? answer : at;
	return usbip->retry_at < at ? usbip->retry_at : at;
}

static int usbip_wait(const struct usbip *usbip, struct pollfd *fds, size_t n_fds)
{
	uint64_t now = usbip_now(), at = usbip_wake_at(usbip, now);
	uint64_t us = at > now ? at - now : 0;
	const struct timespec timeout = {
		.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

	if (ppoll(fds, n_fds, at == USBIP_NEVER ? NULL : &timeout, NULL) < 0 && errno != EINTR) {
		return -errno;
	}
	return 0;
}

static int usbip_receive(struct usbip *usbip, uint64_t now_us)
{
	int r = usbip_link_receive(usbip->link, usbip->board, now_us);

	if (r == -ENOTCONN) {
		usbip->link = usbip_link_free(usbip->link);
		return 0;
	}
	if (r < 0) {
		fprintf(stderr, "port %" PRIu32 ": %s\n", usbip->port, strerror(-r));
	}
	return r;
}

static int usbip_turn(struct usbip *usbip)
{
	struct pollfd fds[2 + BOARD_SOCKET_FDS] = {
		{.fd = usbip->signals, .events = POLLIN},
		{.fd = usbip->link ? usbip_link_fd(usbip->link) : -1, .events = POLLIN},
		{.fd = -1},
		{.fd = -1},
	};
	int r;

	if (usbip->control) {
		board_socket_watch(usbip->control, fds + 2);
	}
	r = usbip_wait(usbip, fds, sizeof(fds) / sizeof(fds[0]));
	if (r < 0) {
		return r;
	}
	if (fds[1].revents) {
		r = usbip_receive(usbip, usbip_now());
	}
	if (usbip->control &&
		board_socket_serve(usbip->control, fds + 2, usbip->board, usbip_now())) {
		usbip->quit = true;
	}
	usbip->quit = usbip->quit || fds[0].revents;
	return r;
}

static int usbip_run(struct usbip *usbip)
{
	int r = 0;

	while (r >= 0 && !usbip->quit) {
		r = usbip_follow(usbip, usbip_now());
		if (r >= 0) {
			r = usbip_turn(usbip);
		}
	}
	return r;
}

/* --- beginning and end --- */

static int usbip_signals(void)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return -errno;
	}
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int usbip_init(struct usbip *usbip)
{
	int r = board_arguments_build(&usbip->arguments, usbip_now(), &usbip->board);

	if (r < 0) {
		return r;
	}
	r = board_watch_init(&usbip->watch, &usbip->arguments);
	if (r < 0) {
		return r;
	}
	usbip->signals = usbip_signals();
	if (usbip->signals < 0) {
		return usbip->signals;
	}
	return usbip->arguments.control
		       ? board_socket_new(&usbip->control, usbip->arguments.control)
		       : 0;
}

static void usbip_done(struct usbip *usbip)
{
	usbip->link = usbip_link_free(usbip->link);
	usbip->control = board_socket_free(usbip->control);
	if (usbip->board) {
		board_watch_done(&usbip->watch, usbip->board, usbip_now());
	}
	usbip->board = board_free(usbip->board);
	if (usbip->signals >= 0) {
		(void)close(usbip->signals);
	}
}

static int usbip_number(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = text ? strtoul(text, &end, 10) : 0;
	if (!text || text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
		value > INT32_MAX) {
		return -EINVAL;
	}
	*ret = (uint32_t)value;
	return 0;
}

/* As board_arguments_take(). */
static int usbip_take(struct usbip *usbip, int argc, char **argv, int *index)
{
	const char *value = *index + 1 < argc ? argv[*index + 1] : NULL;
	uint32_t number = 0;
	int r;

	if (strcmp(argv[*index], "--port") == 0) {
		r = usbip_number(value, &usbip->port);
	} else if (strcmp(argv[*index], "--attach-fd") == 0) {
		r = usbip_number(value, &number);
		usbip->attach_fd = (int)number;
	} else {
		return 0;
	}
	*index += 2;
	return r < 0 ? r : 1;
}

static int usbip_arguments(struct usbip *usbip, int argc, char **argv)
{
	int index = 1;

	while (index < argc) {
		int r = usbip_take(usbip, argc, argv, &index);

		if (r == 0) {
			r = board_arguments_take(&usbip->arguments, argc, argv, &index);
		}
		if (r <= 0) {
			return -EINVAL;
		}
	}
	return 0;
}

static int usbip_usage(void)
{
	fprintf(stderr,
		"usage: board-usbip [--port N] [OPTION...]\n"
		"       board-usbip --ask PATH COMMAND...\n"
		"  --port N             of vhci_hcd: controller * 30 + 0..14\n"
		"  --attach-fd N        Unix socket of a test that takes the kernel's part\n%s",
		board_arguments_usage);
	return USBIP_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct usbip usbip = {
		.arguments = BOARD_ARGUMENTS_INIT,
		.attach_fd = -EBADF,
		.watch = BOARD_WATCH_INIT,
		.signals = -EBADF,
		.retry_at = USBIP_NEVER,
	};
	int r;

	if (argc > 3 && strcmp(argv[1], "--ask") == 0) {
		return board_socket_ask(argv[2], (size_t)argc - 3, argv + 3);
	}
	if (usbip_arguments(&usbip, argc, argv) < 0) {
		return usbip_usage();
	}
	r = usbip_init(&usbip);
	if (r < 0) {
		fprintf(stderr, "board-usbip: %s\n", strerror(-r));
	} else {
		r = usbip_run(&usbip);
	}
	usbip_done(&usbip);
	return r < 0 ? 1 : 0;
}
