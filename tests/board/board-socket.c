/* SPDX-License-Identifier: MIT */

/*
 * The command socket of a front. Reading never blocks the board; the answer is written in one go,
 * and a client that does not take it within a second loses it.
 */

#include "board-socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "board-control.h"

#define SOCKET_LINE 1024

struct board_socket {
	int listener, client;
	char line[SOCKET_LINE];
	size_t n_line;
	char *path;
};

static int socket_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path)) {
		return -ENAMETOOLONG;
	}
	strcpy(ret->sun_path, path);
	return 0;
}

/* The path comes into being when connections are possible: who waits for it need not try. */
static int socket_listen(struct board_socket *server)
{
	struct sockaddr_un address;
	char fresh[sizeof(address.sun_path)];
	int r = snprintf(fresh, sizeof(fresh), "%s.new", server->path);

	r = (size_t)r < sizeof(fresh) ? socket_address(fresh, &address) : -ENAMETOOLONG;
	if (r < 0) {
		return r;
	}
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener < 0) {
		return -errno;
	}
	(void)unlink(fresh);
	if (bind(server->listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(server->listener, 16) < 0 || rename(fresh, server->path) < 0) {
		return -errno;
	}
	return 0;
}

int board_socket_new(struct board_socket **ret, const char *path)
{
	struct board_socket *server = calloc(1, sizeof(*server));
	int r;

	if (!server) {
		return -ENOMEM;
	}
	server->listener = -EBADF;
	server->client = -EBADF;
	server->path = strdup(path);
	r = server->path ? socket_listen(server) : -ENOMEM;
	if (r < 0) {
		board_socket_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

static void socket_hang_up(struct board_socket *server)
{
	if (server->client >= 0) {
		(void)close(server->client);
	}
	server->client = -EBADF;
	server->n_line = 0;
}

struct board_socket *board_socket_free(struct board_socket *server)
{
	if (!server) {
		return NULL;
	}
	socket_hang_up(server);
	if (server->listener >= 0) {
		(void)unlink(server->path);
		(void)close(server->listener);
	}
	free(server->path);
	free(server);
	return NULL;
}

void board_socket_watch(const struct board_socket *server, struct pollfd fds[BOARD_SOCKET_FDS])
{
	fds[0] = (struct pollfd){
		.fd = server->client >= 0 ? -1 : server->listener, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = server->client, .events = POLLIN};
}

static void socket_accept(struct board_socket *server)
{
	const struct timeval patience = {.tv_sec = 1};

	server->client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
	if (server->client >= 0) {
		(void)setsockopt(
			server->client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
}

static bool socket_send(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0) {
			return false;
		}
		text += n;
		size -= (size_t)n;
	}
	return true;
}

static bool socket_answer(struct board_socket *server, struct board *board, uint64_t now_us)
{
	char *text = NULL;
	size_t size = 0;
	FILE *answer = open_memstream(&text, &size);
	bool quit;

	if (!answer) {
		return false;
	}
	quit = board_command(board, now_us, server->line, answer);
	if (fclose(answer) == 0) {
		(void)socket_send(server->client, text, size);
	}
	free(text);
	return quit;
}

/* True when a line is complete; hangs up on an end without one. */
static bool socket_read(struct board_socket *server)
{
	ssize_t n = recv(server->client, server->line + server->n_line,
		sizeof(server->line) - 1 - server->n_line, MSG_DONTWAIT);
	char *end;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN) {
			socket_hang_up(server);
		}
		return false;
	}
	server->n_line += (size_t)n;
	server->line[server->n_line] = '\0';
	end = strchr(server->line, '\n');
	if (end) {
		*end = '\0';
	}
	return end;
}

bool board_socket_serve(struct board_socket *server, const struct pollfd fds[BOARD_SOCKET_FDS],
	struct board *board, uint64_t now_us)
{
	bool quit = false;

	if (fds[0].fd >= 0 && fds[0].revents) {
		socket_accept(server);
	}
	if (fds[1].fd >= 0 && fds[1].revents && socket_read(server)) {
		quit = socket_answer(server, board, now_us);
		socket_hang_up(server);
	}
	return quit;
}

static int socket_connect(const char *path)
{
	struct sockaddr_un address;
	int r = socket_address(path, &address);
	int fd;

	if (r < 0) {
		return r;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}

/* Copies the answer; true if its last line is "ok". */
static bool socket_copy_answer(int fd)
{
	FILE *answer = fdopen(fd, "r");
	char line[SOCKET_LINE] = "";
	bool ok = false;

	if (!answer) {
		(void)close(fd);
		return false;
	}
	while (fgets(line, sizeof(line), answer)) {
		ok = strcmp(line, "ok\n") == 0;
		(void)fputs(line, stdout);
	}
	(void)fclose(answer);
	return ok;
}

int board_socket_ask(const char *path, size_t n_words, char **words)
{
	char line[SOCKET_LINE] = "";
	size_t size = 0;
	int fd;

	for (size_t i = 0; i < n_words; i++) {
		int n = snprintf(line + size, sizeof(line) - size, "%s%s", words[i],
			i + 1 < n_words ? " " : "\n");

		if (n < 0 || (size_t)n >= sizeof(line) - size) {
			return 1;
		}
		size += (size_t)n;
	}
	fd = socket_connect(path);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-fd));
		return 1;
	}
	if (!socket_send(fd, line, size)) {
		(void)close(fd);
		return 1;
	}
	return socket_copy_answer(fd) ? 0 : 1;
}
