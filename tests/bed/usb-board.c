/* SPDX-License-Identifier: MIT */
/*
 * The worker's USB table with a simulated board behind it: each call becomes one request to the
 * test bed (wire.h), which holds the boards and their time. What the bed no longer answers is a
 * device that is gone. The contract is that of daemon/dfud-flash/usb.h.
 */

#include "dfud-flash/usb.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

/* USB 2.0, 9.4.10 */
#define SET_INTERFACE_TYPE    0x01
#define SET_INTERFACE_REQUEST 0x0b

#define HEADER	  offsetof(struct wire_request, data)
#define DIRECTION 0x80

struct usb {
	int fd;
	struct wire_request request;
	struct wire_answer answer;
};

/* The bed's result; its data, if any, lies in usb->answer. */
static int usb_ask(struct usb *usb, size_t n_data)
{
	ssize_t n;

	if (send(usb->fd, &usb->request, HEADER + n_data, MSG_NOSIGNAL) < 0) {
		return -ENODEV;
	}
	do {
		n = recv(usb->fd, &usb->answer, sizeof(usb->answer), 0);
	} while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(usb->answer.result)) {
		return -ENODEV;
	}
	return usb->answer.result;
}

static int usb_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv(WIRE_ENVIRONMENT);
	int fd;

	if (!path || strlen(path) >= sizeof(address.sun_path)) {
		return -ENXIO;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -ENODEV;
	}
	return fd;
}

int usb_open(struct usb **ret, const char *node)
{
	struct usb *usb;
	int r;

	if (strlen(node) >= WIRE_MAX_DATA) {
		return -ENAMETOOLONG;
	}
	usb = calloc(1, sizeof(*usb));
	if (!usb) {
		return -ENOMEM;
	}
	usb->fd = r = usb_connect();
	if (r >= 0) {
		usb->request.ask = WIRE_OPEN;
		strcpy((char *)usb->request.data, node);
		r = usb_ask(usb, strlen(node) + 1);
	}
	if (r < 0) {
		usb_free(usb);
		return r;
	}
	*ret = usb;
	return 0;
}

/* The bed shows no device to look at: its descriptors come with the first request for them. */
int usb_begin(struct usb *usb)
{
	return 0;
}

struct usb *usb_free(struct usb *usb)
{
	if (usb) {
		if (usb->fd >= 0) {
			close(usb->fd);
		}
		free(usb);
	}
	return NULL;
}

int usb_descriptors(struct usb *usb, uint8_t *ret, size_t size)
{
	int r;

	usb->request.ask = WIRE_DESCRIPTORS;
	usb->request.length = size < WIRE_MAX_DATA ? (uint16_t)size : WIRE_MAX_DATA;
	r = usb_ask(usb, 0);
	if (r > 0) {
		memcpy(ret, usb->answer.data, (size_t)r);
	}
	return r;
}

int usb_claim(struct usb *usb, uint8_t interface)
{
	usb->request.ask = WIRE_CLAIM;
	usb->request.index = interface;
	return usb_ask(usb, 0);
}

int usb_set_alternate(struct usb *usb, uint8_t interface, uint8_t alternate)
{
	int r = usb_control(usb, SET_INTERFACE_TYPE, SET_INTERFACE_REQUEST, alternate, interface,
		NULL, 0, 5000);

	return r < 0 ? r : 0;
}

int usb_control(struct usb *usb, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
	uint8_t *data, uint16_t length, uint32_t timeout_ms)
{
	bool in = type & DIRECTION;
	int r;

	assert(length <= WIRE_MAX_DATA);
	usb->request.ask = WIRE_CONTROL;
	usb->request.timeout_ms = timeout_ms;
	usb->request.type = type;
	usb->request.request = request;
	usb->request.value = value;
	usb->request.index = index;
	usb->request.length = length;
	if (!in && length > 0) {
		memcpy(usb->request.data, data, length);
	}
	r = usb_ask(usb, in ? 0 : length);
	if (in && r > 0) {
		memcpy(data, usb->answer.data, (size_t)r);
	}
	return r;
}

int usb_reset(struct usb *usb)
{
	usb->request.ask = WIRE_RESET;
	return usb_ask(usb, 0);
}
