/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "dfu/session.h"

/* Carries out what a session asks for, on a device. Blocks. */

struct usb;

/*
 * Steps the session until it asks, marks or ends, and returns which. progress (may be NULL) is
 * called after each transfer; it must not block.
 */
enum session_turn carry(struct session *session, struct usb *usb, uint8_t interface,
	void (*progress)(void *user, const struct session *session), void *user);
