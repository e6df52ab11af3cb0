/* SPDX-License-Identifier: MIT */
/* The worker's socket and record. */
#include "dfud-flash/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void channel_send(const struct channel *channel, const struct message *message)
{
	char text[MESSAGE_MAX];
	const int n = message_write(message, text, sizeof(text));
	int flags = MSG_NOSIGNAL;

	if (n < 0) {
		return;
	}
	if (message->kind == MESSAGE_PHASE) {
		flags |= MSG_DONTWAIT; /* progress may be lost, the flash must not wait */
	}
	while (send(channel->socket, text, (size_t)n, flags) < 0 && errno == EINTR) {
	}
}

bool channel_wait(const struct channel *channel)
{
	struct message message;
	char text[MESSAGE_MAX];
	ssize_t n;

	do {
		n = recv(channel->socket, text, sizeof(text), 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0 || message_read(&message, text, (size_t)n) < 0) {
		return false;
	}
	return message.kind == MESSAGE_GO;
}

int channel_record(const struct channel *channel, const char *line)
{
	const size_t size = strlen(line);

	if (channel->record < 0) {
		return 0;
	}
	if (write(channel->record, line, size) != (ssize_t)size) {
		return errno != 0 ? -errno : -ENOSPC;
	}
	return fdatasync(channel->record) < 0 ? -errno : 0;
}
