/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * What usb-board.c asks and the bed answers, one datagram each way (SOCK_SEQPACKET), one connection
 * for each open device. The bed answers when the simulated bus would have, or when the time-out of
 * the request is over, so that the asker only waits.
 */

#define WIRE_ENVIRONMENT "DFUD_BED_SOCKET" /* path of the bed's socket */
#define WIRE_MAX_DATA	 4096

enum wire_ask {
	WIRE_OPEN,	  /* data: the node, /dev/bus/usb/BBB/DDD */
	WIRE_DESCRIPTORS, /* length: room for the answer */
	WIRE_CLAIM,
	WIRE_CONTROL, /* OUT: data follows */
	WIRE_RESET,
};

struct wire_request {
	uint32_t ask; /* enum wire_ask */
	uint32_t timeout_ms;
	uint8_t type, request;
	uint16_t value, index, length;
	uint8_t data[WIRE_MAX_DATA];
};

struct wire_answer {
	int32_t result; /* bytes, or -errno as daemon/dfud-flash/usb.h defines them */
	uint8_t data[WIRE_MAX_DATA];
};
