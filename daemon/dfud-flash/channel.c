/* SPDX-License-Identifier: MIT */
/* The worker's socket and record. */
#include "dfud-flash/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long a daemon that does not listen is waited for, in steps. */
#define CHANNEL_STEP_MS 10
#define CHANNEL_STEPS	200

void channel_send(const struct channel *channel, const struct message *message)
{
	char text[MESSAGE_MAX];
	const int n = message_write(message, text, sizeof(text));
	/* progress may be lost at once: the flash must not wait */
	int steps = message->kind == MESSAGE_PHASE ? 0 : CHANNEL_STEPS;

	while (n > 0 && send(channel->socket, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		const struct timespec step = {.tv_nsec = CHANNEL_STEP_MS * 1000000};

		if (errno != EINTR && (errno != EAGAIN || steps-- == 0)) {
			return;
		}
		(void)nanosleep(&step, NULL);
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
