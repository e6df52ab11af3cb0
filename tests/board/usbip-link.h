/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * One attachment of a board to a USB/IP host: the device's end of the socket, and the transfers
 * that the host waits for. Messages as in the kernel's Documentation/usb/usbip_protocol.rst: 48
 * bytes of header in big-endian order, then data.
 */

struct board;
struct usbip_link;

/* Takes the socket over. */
int usbip_link_new(struct usbip_link **ret, int fd);
/* Closing is unplugging: what the host still waits for is lost. NULL is fine. */
struct usbip_link *usbip_link_free(struct usbip_link *link);

int usbip_link_fd(const struct usbip_link *link);

/* After POLLIN: reads what is there and gives it to the board. -ENOTCONN when the host hung up,
 * -EBADMSG for what is no USB/IP. */
int usbip_link_receive(struct usbip_link *link, struct board *board, uint64_t now_us);
/* Sends the answers whose time has come. -ENOTCONN as above. */
int usbip_link_deliver(struct usbip_link *link, uint64_t now_us);
/* When the next answer is due, UINT64_MAX for none. */
uint64_t usbip_link_next(const struct usbip_link *link);
