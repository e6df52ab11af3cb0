/* SPDX-License-Identifier: MIT */

/*
 * The requests that a host needs to enumerate and configure a device (USB 2.0 section 9.4) and
 * those of a CDC-ACM interface (PSTN 1.2 section 6.3). What is not listed stalls.
 */

#include "board-internal.h"

#include <string.h>

enum standard_request {
	STANDARD_GET_STATUS = 0,
	STANDARD_CLEAR_FEATURE = 1,
	STANDARD_SET_FEATURE = 3,
	STANDARD_SET_ADDRESS = 5,
	STANDARD_GET_DESCRIPTOR = 6,
	STANDARD_GET_CONFIGURATION = 8,
	STANDARD_SET_CONFIGURATION = 9,
	STANDARD_GET_INTERFACE = 10,
	STANDARD_SET_INTERFACE = 11,
};

enum standard_descriptor {
	STANDARD_DEVICE = 1,
	STANDARD_CONFIGURATION = 2,
	STANDARD_STRING = 3,
	STANDARD_DFU_FUNCTIONAL = 0x21,
};

enum standard_cdc {
	STANDARD_SET_LINE_CODING = 0x20,
	STANDARD_GET_LINE_CODING = 0x21,
	STANDARD_SET_CONTROL_LINE_STATE = 0x22,
	STANDARD_SEND_BREAK = 0x23,
};

#define STANDARD_DEVICE_SIZE	 18
#define STANDARD_FUNCTIONAL_SIZE 9

static enum board_answer standard_give(const struct board_setup *setup, uint8_t *data,
	const uint8_t *bytes, size_t size, uint16_t *ret_length)
{
	if (size > setup->length) {
		size = setup->length;
	}
	memmove(data, bytes, size);
	*ret_length = (uint16_t)size;
	return BOARD_ACK;
}

static enum board_answer standard_string(const struct board *board, const struct board_setup *setup,
	uint8_t *data, uint16_t *ret_length)
{
	static const uint8_t languages[] = {4, STANDARD_STRING, 0x09, 0x04};
	uint8_t index = (uint8_t)setup->value, bytes[254] = {0};
	const char *text = board_string(board, board->presence, index);
	size_t size = 2;

	if (index == 0) {
		return standard_give(setup, data, languages, sizeof(languages), ret_length);
	}
	if (!text) {
		return BOARD_STALL;
	}
	for (size_t i = 0; text[i] && size + 2 <= sizeof(bytes); i++) {
		bytes[size] = (uint8_t)text[i];
		size += 2;
	}
	bytes[0] = (uint8_t)size;
	bytes[1] = STANDARD_STRING;
	return standard_give(setup, data, bytes, size, ret_length);
}

static enum board_answer standard_descriptor(const struct board *board,
	const struct board_setup *setup, uint8_t *data, uint16_t *ret_length)
{
	uint8_t bytes[256];
	size_t size = board_descriptors(board, board->presence, bytes, sizeof(bytes));

	switch (setup->value >> 8) {
	case STANDARD_DEVICE:
		return standard_give(setup, data, bytes, STANDARD_DEVICE_SIZE, ret_length);
	case STANDARD_CONFIGURATION:
		return (uint8_t)setup->value == 0
			       ? standard_give(setup, data, bytes + STANDARD_DEVICE_SIZE,
					 size - STANDARD_DEVICE_SIZE, ret_length)
			       : BOARD_STALL;
	case STANDARD_STRING:
		return standard_string(board, setup, data, ret_length);
	case STANDARD_DFU_FUNCTIONAL:
		return board->presence == BOARD_DFU
			       ? standard_give(setup, data, bytes + size - STANDARD_FUNCTIONAL_SIZE,
					 STANDARD_FUNCTIONAL_SIZE, ret_length)
			       : BOARD_STALL;
	default:
		return BOARD_STALL;
	}
}

static enum board_answer standard_set_configuration(struct board *board, uint16_t value)
{
	if (value > 1) {
		return BOARD_STALL;
	}
	board->configuration = (uint8_t)value;
	board->alternate = 0;
	return BOARD_ACK;
}

static enum board_answer standard_set_interface(
	struct board *board, const struct board_setup *setup)
{
	uint16_t alternates = board->presence == BOARD_DFU ? BOARD_ALTERNATES : 1;
	uint16_t interfaces = board->presence == BOARD_DFU || board->options.plain ? 1 : 2;

	if (setup->index >= interfaces || setup->value >= alternates) {
		return BOARD_STALL;
	}
	board->alternate = (uint8_t)setup->value;
	return BOARD_ACK;
}

static enum board_answer standard_chapter_9(
	struct board *board, const struct board_setup *setup, uint8_t *data, uint16_t *ret_length)
{
	static const uint8_t no_status[2] = {0};

	switch (setup->request) {
	case STANDARD_GET_STATUS:
		return standard_give(setup, data, no_status, sizeof(no_status), ret_length);
	case STANDARD_CLEAR_FEATURE:
	case STANDARD_SET_FEATURE:
	case STANDARD_SET_ADDRESS:
		return BOARD_ACK;
	case STANDARD_GET_DESCRIPTOR:
		return standard_descriptor(board, setup, data, ret_length);
	case STANDARD_GET_CONFIGURATION:
		return standard_give(setup, data, &board->configuration, 1, ret_length);
	case STANDARD_SET_CONFIGURATION:
		return standard_set_configuration(board, setup->value);
	case STANDARD_GET_INTERFACE:
		return standard_give(setup, data, &board->alternate, 1, ret_length);
	case STANDARD_SET_INTERFACE:
		return standard_set_interface(board, setup);
	default:
		return BOARD_STALL;
	}
}

static enum board_answer standard_cdc(
	struct board *board, const struct board_setup *setup, uint8_t *data, uint16_t *ret_length)
{
	switch (setup->request) {
	case STANDARD_SET_LINE_CODING:
		if (setup->length != sizeof(board->line_coding)) {
			return BOARD_STALL;
		}
		memcpy(board->line_coding, data, sizeof(board->line_coding));
		*ret_length = setup->length;
		return BOARD_ACK;
	case STANDARD_GET_LINE_CODING:
		return standard_give(
			setup, data, board->line_coding, sizeof(board->line_coding), ret_length);
	case STANDARD_SET_CONTROL_LINE_STATE:
	case STANDARD_SEND_BREAK:
		return BOARD_ACK;
	default:
		return BOARD_STALL;
	}
}

enum board_answer board_standard_control(
	struct board *board, const struct board_setup *setup, uint8_t *data, uint16_t *ret_length)
{
	switch (setup->type & 0x60) {
	case 0x00:
		return standard_chapter_9(board, setup, data, ret_length);
	case 0x20:
		return board->presence == BOARD_RUNTIME && !board->options.plain
			       ? standard_cdc(board, setup, data, ret_length)
			       : BOARD_STALL;
	default:
		return BOARD_STALL;
	}
}
