/* SPDX-License-Identifier: MIT */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The commands of board-control.h over a Unix stream socket, for fronts with a poll loop: a
 * connection sends one line, gets the answer, and is closed. One connection is served at a time.
 */

struct board;
struct board_socket;

#define BOARD_SOCKET_FDS 2

/* Replaces a socket that is left at the path. */
int board_socket_new(struct board_socket **ret, const char *path);
struct board_socket *board_socket_free(
	struct board_socket *server); /* removes the path; NULL is fine */

/* What to poll for: always BOARD_SOCKET_FDS entries, unused ones with fd -1. */
void board_socket_watch(const struct board_socket *server, struct pollfd fds[BOARD_SOCKET_FDS]);
/* After poll. True once a `quit` came. */
bool board_socket_serve(struct board_socket *server, const struct pollfd fds[BOARD_SOCKET_FDS],
	struct board *board, uint64_t now_us);

/* The client: sends the words as one line, copies the answer to stdout. 0 for ok, else 1. Blocks.
 */
int board_socket_ask(const char *path, size_t n_words, char **words);
