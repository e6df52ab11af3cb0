/* SPDX-License-Identifier: MIT */

/*
 * The device's side of USB/IP. A control transfer goes to the board at once; its answer waits in a
 * list ordered by time until it is due, while other transfers go on. An IN transfer of another
 * endpoint has no data and waits for the host to unlink it; an OUT transfer there is taken and
 * forgotten. An unlink of a transfer that waits is answered with -ECONNRESET and ends it; one that
 * comes too late is answered with 0, the transfer's own answer is already on its way.
 */

#include "usbip-link.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "board.h"

#define LINK_HEADER   48
#define LINK_MAX_DATA (1u << 20)
#define LINK_NEVER    UINT64_MAX

enum link_command {
	LINK_CMD_SUBMIT = 1,
	LINK_CMD_UNLINK = 2,
	LINK_RET_SUBMIT = 3,
	LINK_RET_UNLINK = 4,
};

/* Offsets of 32-bit words in the header; after the first five they depend on the command. */
enum link_word {
	LINK_COMMAND = 0,
	LINK_SEQNUM = 4,
	LINK_DIRECTION = 12,
	LINK_ENDPOINT = 16,
	LINK_SUBMIT_LENGTH = 24,
	LINK_SUBMIT_SETUP = 40,
	LINK_UNLINK_SEQNUM = 20,
	LINK_RET_STATUS = 20,
	LINK_RET_LENGTH = 24,
};

struct link_transfer {
	struct link_transfer *next; /* usbip_link: waiting, by time */
	uint64_t due;
	uint32_t seqnum;
	int32_t status;
	uint32_t actual; /* bytes transferred */
	uint32_t n_in;	 /* bytes of data that go with the answer */
	uint8_t data[];
};

struct usbip_link {
	int fd;
	struct link_transfer *waiting;
	uint8_t *buffer;
	size_t n_buffer;
};

static uint32_t link_get(const uint8_t *header, enum link_word at)
{
	uint32_t word;

	memcpy(&word, header + at, sizeof(word));
	return be32toh(word);
}

static void link_put(uint8_t *header, enum link_word at, uint32_t value)
{
	uint32_t word = htobe32(value);

	memcpy(header + at, &word, sizeof(word));
}

int usbip_link_new(struct usbip_link **ret, int fd)
{
	struct usbip_link *link = calloc(1, sizeof(*link));

	if (!link) {
		return -ENOMEM;
	}
	link->buffer = malloc(LINK_HEADER + LINK_MAX_DATA);
	if (!link->buffer) {
		free(link);
		return -ENOMEM;
	}
	link->fd = fd;
	*ret = link;
	return 0;
}

struct usbip_link *usbip_link_free(struct usbip_link *link)
{
	if (!link) {
		return NULL;
	}
	while (link->waiting) {
		struct link_transfer *transfer = link->waiting;

		link->waiting = transfer->next;
		free(transfer);
	}
	(void)close(link->fd);
	free(link->buffer);
	free(link);
	return NULL;
}

int usbip_link_fd(const struct usbip_link *link)
{
	return link->fd;
}

uint64_t usbip_link_next(const struct usbip_link *link)
{
	return link->waiting ? link->waiting->due : LINK_NEVER;
}

static int link_send(const struct usbip_link *link, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = send(link->fd, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return errno == EPIPE || errno == ECONNRESET ? -ENOTCONN : -errno;
		}
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

static int link_send_answer(const struct usbip_link *link, enum link_command command,
	uint32_t seqnum, int32_t status, uint32_t actual)
{
	uint8_t header[LINK_HEADER] = {0};

	link_put(header, LINK_COMMAND, command);
	link_put(header, LINK_SEQNUM, seqnum);
	link_put(header, LINK_RET_STATUS, (uint32_t)status);
	link_put(header, LINK_RET_LENGTH, actual);
	return link_send(link, header, sizeof(header));
}

int usbip_link_deliver(struct usbip_link *link, uint64_t now_us)
{
	while (link->waiting && link->waiting->due <= now_us) {
		struct link_transfer *transfer = link->waiting;
		int r = link_send_answer(link, LINK_RET_SUBMIT, transfer->seqnum, transfer->status,
			transfer->actual);

		if (r == 0) {
			r = link_send(link, transfer->data, transfer->n_in);
		}
		link->waiting = transfer->next;
		free(transfer);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* Behind those that are due at the same time: in the order of asking. */
static void link_wait(struct usbip_link *link, struct link_transfer *transfer)
{
	struct link_transfer **at = &link->waiting;

	while (*at && (*at)->due <= transfer->due) {
		at = &(*at)->next;
	}
	transfer->next = *at;
	*at = transfer;
}

static void link_read_setup(const uint8_t *bytes, struct board_setup *ret)
{
	*ret = (struct board_setup){
		.type = bytes[0],
		.request = bytes[1],
		.value = (uint16_t)(bytes[2] | bytes[3] << 8),
		.index = (uint16_t)(bytes[4] | bytes[5] << 8),
		.length = (uint16_t)(bytes[6] | bytes[7] << 8),
	};
}

/* The transfer's data has room for wLength and for what the host announced. */
static void link_control(struct link_transfer *transfer, const struct board_setup *setup,
	uint32_t room, struct board *board, uint64_t now_us)
{
	uint16_t length = 0;

	transfer->due = LINK_NEVER;
	switch (board_control(board, now_us, setup, transfer->data, &length, &transfer->due)) {
	case BOARD_ACK:
		transfer->actual = length < room ? length : room;
		transfer->n_in = setup->type & 0x80 ? transfer->actual : 0;
		return;
	case BOARD_STALL:
		transfer->status = -EPIPE;
		return;
	case BOARD_SILENT:
	case BOARD_GONE:
		transfer->due = LINK_NEVER;
		return;
	}
}

static int link_submit(
	struct usbip_link *link, const uint8_t *header, struct board *board, uint64_t now_us)
{
	bool in = link_get(header, LINK_DIRECTION) == 1;
	uint32_t length = link_get(header, LINK_SUBMIT_LENGTH);
	struct board_setup setup;
	struct link_transfer *transfer;

	link_read_setup(header + LINK_SUBMIT_SETUP, &setup);
	transfer = calloc(1, sizeof(*transfer) + (length > setup.length ? length : setup.length));
	if (!transfer) {
		return -ENOMEM;
	}
	transfer->seqnum = link_get(header, LINK_SEQNUM);
	if (!in) {
		memcpy(transfer->data, header + LINK_HEADER, length);
	}
	if (link_get(header, LINK_ENDPOINT) == 0) {
		link_control(transfer, &setup, length, board, now_us);
	} else if (in) {
		transfer->due = LINK_NEVER;
	} else {
		transfer->due = now_us;
		transfer->actual = length;
	}
	link_wait(link, transfer);
	return 0;
}

static int link_unlink(struct usbip_link *link, const uint8_t *header)
{
	uint32_t seqnum = link_get(header, LINK_UNLINK_SEQNUM);
	int32_t status = 0;

	for (struct link_transfer **at = &link->waiting; *at; at = &(*at)->next) {
		struct link_transfer *transfer = *at;

		if (transfer->seqnum == seqnum) {
			*at = transfer->next;
			free(transfer);
			status = -ECONNRESET;
			break;
		}
	}
	return link_send_answer(link, LINK_RET_UNLINK, link_get(header, LINK_SEQNUM), status, 0);
}

/* The size of the message that the buffer begins with; 0 while its header is not complete. */
static int link_message_size(const struct usbip_link *link, size_t *ret)
{
	const uint8_t *header = link->buffer;
	uint32_t data = 0;

	*ret = 0;
	if (link->n_buffer < LINK_HEADER) {
		return 0;
	}
	if (link_get(header, LINK_COMMAND) == LINK_CMD_SUBMIT) {
		data = link_get(header, LINK_SUBMIT_LENGTH);
		if (data > LINK_MAX_DATA) {
			return -EBADMSG;
		}
		data = link_get(header, LINK_DIRECTION) == 1 ? 0 : data;
	} else if (link_get(header, LINK_COMMAND) != LINK_CMD_UNLINK) {
		return -EBADMSG;
	}
	*ret = LINK_HEADER + data;
	return 0;
}

/* 1: a message was there and is done. */
static int link_next_message(struct usbip_link *link, struct board *board, uint64_t now_us)
{
	size_t size;
	int r = link_message_size(link, &size);

	if (r < 0 || size == 0 || link->n_buffer < size) {
		return r;
	}
	if (link_get(link->buffer, LINK_COMMAND) == LINK_CMD_SUBMIT) {
		r = link_submit(link, link->buffer, board, now_us);
	} else {
		r = link_unlink(link, link->buffer);
	}
	link->n_buffer -= size;
	memmove(link->buffer, link->buffer + size, link->n_buffer);
	return r < 0 ? r : 1;
}

int usbip_link_receive(struct usbip_link *link, struct board *board, uint64_t now_us)
{
	ssize_t n = recv(link->fd, link->buffer + link->n_buffer,
		LINK_HEADER + LINK_MAX_DATA - link->n_buffer, MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	if (n <= 0) {
		return -ENOTCONN;
	}
	link->n_buffer += (size_t)n;
	do {
		r = link_next_message(link, board, now_us);
	} while (r > 0);
	return r;
}
