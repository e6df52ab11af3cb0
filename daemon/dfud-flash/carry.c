/* SPDX-License-Identifier: MIT */
/* The worker's loop: ask the session, do it, feed back what happened. */
#include "dfud-flash/carry.h"

#include <errno.h>
#include <time.h>

#include "dfu/dfu.h"
#include "dfud-flash/usb.h"

static uint64_t carry_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void carry_sleep(uint32_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
	}
}

static enum dfu_event_kind carry_event_of(int r)
{
	if (r >= 0) {
		return DFU_EVENT_ANSWERED;
	}
	switch (r) {
	case -EPIPE:
		return DFU_EVENT_STALLED;
	case -ETIMEDOUT:
		return DFU_EVENT_TIMED_OUT;
	case -ENODEV:
		return DFU_EVENT_GONE;
	default:
		return DFU_EVENT_BROKEN;
	}
}

static int carry_out(struct usb *usb, uint8_t interface, const struct dfu_action *a)
{
	switch (a->kind) {
	case DFU_ACTION_OUT:
		return usb_control(usb, DFU_TYPE_OUT, a->request, a->value, interface, a->data,
			a->length, a->ms);
	case DFU_ACTION_IN:
		return usb_control(usb, DFU_TYPE_IN, a->request, a->value, interface, a->data,
			a->length, a->ms);
	case DFU_ACTION_SET_ALTERNATE:
		return usb_set_alternate(usb, interface, (uint8_t)a->value);
	case DFU_ACTION_NONE:
	case DFU_ACTION_SLEEP:
	case _DFU_ACTION_MAX:
		break;
	}
	return 0;
}

enum session_turn carry(struct session *session, struct usb *usb, uint8_t interface,
	void (*progress)(void *user, const struct session *session), void *user)
{
	struct dfu_event event = {.kind = DFU_EVENT_SLEPT, .now_us = carry_now_us()};
	struct dfu_action action;
	enum session_turn turn;

	while ((turn = session_step(session, &event, &action)) == SESSION_DO) {
		if (action.kind == DFU_ACTION_SLEEP) {
			carry_sleep(action.ms);
			event.kind = DFU_EVENT_SLEPT;
		} else {
			const int r = carry_out(usb, interface, &action);

			event.kind = carry_event_of(r);
			event.length = r >= 0 ? (uint32_t)r : 0;
		}
		event.now_us = carry_now_us();
		if (progress != NULL) {
			progress(user, session);
		}
	}
	return turn;
}
