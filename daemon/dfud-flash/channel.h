/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "message/message.h"

/*
 * The worker's two ways out: the socket to the daemon and the attempt's record. A daemon that died
 * does not end a flash that has begun: what cannot be sent is dropped, the record is kept all the
 * same.
 */

struct channel {
	int socket; /* SOCK_SEQPACKET; borrowed */
	int record; /* O_APPEND; borrowed; negative: none is kept */
};

/* Waits 2 s at most and never fails: a socket that stays full, or is closed, loses the message. */
void channel_send(const struct channel *channel, const struct message *message);

/* Blocks until GO (true) or STOP, nonsense or the daemon's end (false). */
bool channel_wait(const struct channel *channel);

/*
 * Appends a line to the record and makes it durable. 0 or -errno.
 */
int channel_record(const struct channel *channel, const char *line);
