/* SPDX-License-Identifier: MIT */

/*
 * Descriptors and strings (USB 2.0 chapter 9, DFU 1.1 section 4.2, CDC PSTN 1.2) of the three
 * devices that a board can be: the ROM in DFU mode, a program with a CDC-ACM interface, and another
 * vendor's device with an interface that nobody drives. In DFU mode the functional descriptor
 * stands once, after the last alternate setting, as in ST's ROMs.
 */

#include "board-internal.h"

#include "dfu/dfu.h"

#include <string.h>

struct descriptor_writer {
	uint8_t *bytes;
	size_t size, room;
};

static void descriptor_put(struct descriptor_writer *writer, const uint8_t *bytes, size_t size)
{
	if (size <= writer->room - writer->size) {
		memcpy(writer->bytes + writer->size, bytes, size);
		writer->size += size;
	}
}

#define DESCRIPTOR_PUT(writer, ...)                                                                \
	descriptor_put(                                                                            \
		writer, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define DESCRIPTOR_WORD(value) (uint8_t)(value), (uint8_t)((value) >> 8)

static void descriptor_configuration(
	struct descriptor_writer *writer, uint8_t interfaces, uint8_t attributes)
{
	DESCRIPTOR_PUT(writer, 9, 2, 0, 0, interfaces, 1, 0, attributes, 50);
}

static void descriptor_close(struct descriptor_writer *writer, size_t start)
{
	size_t total = writer->size - start;

	writer->bytes[start + 2] = (uint8_t)total;
	writer->bytes[start + 3] = (uint8_t)(total >> 8);
}

static void descriptor_dfu(const struct board *board, struct descriptor_writer *writer)
{
	const struct board_options *options = &board->options;
	uint8_t attributes = options->no_upload ? 0x09 : 0x0b;
	size_t start;

	DESCRIPTOR_PUT(writer, 18, 1, 0x00, 0x01, 0, 0, 0, 64, DESCRIPTOR_WORD(options->vendor),
		DESCRIPTOR_WORD(options->product), 0x00, 0x22, 1, 2, 3, 1);
	start = writer->size;
	descriptor_configuration(writer, 1, 0xc0);
	for (uint8_t i = 0; i < BOARD_ALTERNATES; i++) {
		DESCRIPTOR_PUT(writer, 9, 4, 0, i, 0, 0xfe, 1, 2, (uint8_t)(4 + i));
	}
	DESCRIPTOR_PUT(writer, 9, 0x21, attributes, 255, 0, DESCRIPTOR_WORD(options->transfer_size),
		DESCRIPTOR_WORD(DFU_BCD_DFUSE));
	descriptor_close(writer, start);
}

static void descriptor_runtime(const struct board *board, struct descriptor_writer *writer)
{
	const struct board_options *options = &board->options;
	size_t start;

	DESCRIPTOR_PUT(writer, 18, 1, 0x00, 0x02, 2, 0, 0, 16, DESCRIPTOR_WORD(options->run_vendor),
		DESCRIPTOR_WORD(options->run_product), 0x00, 0x01, 1, 2, 3, 1);
	start = writer->size;
	descriptor_configuration(writer, 2, 0xc0);
	DESCRIPTOR_PUT(writer, 9, 4, 0, 0, 1, 2, 2, 1, 0);
	DESCRIPTOR_PUT(writer, 5, 0x24, 0x00, 0x10, 0x01); /* CDC header */
	DESCRIPTOR_PUT(writer, 4, 0x24, 0x02, 0x06);	   /* ACM: line coding, break */
	DESCRIPTOR_PUT(writer, 5, 0x24, 0x06, 0, 1);	   /* union of the two interfaces */
	DESCRIPTOR_PUT(writer, 7, 5, 0x83, 3, 8, 0, 255);
	DESCRIPTOR_PUT(writer, 9, 4, 1, 0, 2, 0x0a, 0, 0, 0);
	DESCRIPTOR_PUT(writer, 7, 5, 0x02, 2, 64, 0, 0);
	DESCRIPTOR_PUT(writer, 7, 5, 0x81, 2, 64, 0, 0);
	descriptor_close(writer, start);
}

static void descriptor_plain(const struct board *board, struct descriptor_writer *writer)
{
	const struct board_options *options = &board->options;
	size_t start;

	DESCRIPTOR_PUT(writer, 18, 1, 0x00, 0x02, 0, 0, 0, 64, DESCRIPTOR_WORD(options->vendor),
		DESCRIPTOR_WORD(options->product), 0x00, 0x01, 1, 2, 3, 1);
	start = writer->size;
	descriptor_configuration(writer, 1, 0x80);
	DESCRIPTOR_PUT(writer, 9, 4, 0, 0, 2, 0xff, 0, 0, 0);
	DESCRIPTOR_PUT(writer, 7, 5, 0x01, 2, 64, 0, 0);
	DESCRIPTOR_PUT(writer, 7, 5, 0x81, 2, 64, 0, 0);
	descriptor_close(writer, start);
}

size_t board_descriptors(
	const struct board *board, enum board_presence presence, uint8_t *ret, size_t size)
{
	uint8_t bytes[256];
	struct descriptor_writer writer = {.bytes = bytes, .room = sizeof(bytes)};

	switch (presence) {
	case BOARD_ABSENT:
		return 0;
	case BOARD_DFU:
		descriptor_dfu(board, &writer);
		break;
	case BOARD_RUNTIME:
		if (board->options.plain) {
			descriptor_plain(board, &writer);
		} else {
			descriptor_runtime(board, &writer);
		}
		break;
	}
	if (writer.size < size) {
		size = writer.size;
	}
	memcpy(ret, bytes, size);
	return size;
}

static const char *descriptor_dfu_string(const struct board *board, uint8_t index)
{
	switch (index) {
	case 1:
		return "STMicroelectronics";
	case 2:
		return "STM32  BOOTLOADER";
	case 3:
		return board->options.serial;
	default:
		return index >= 4 && index < 4 + BOARD_ALTERNATES
			       ? board->memories[index - 4].layout
			       : NULL;
	}
}

static const char *descriptor_program_string(const struct board *board, uint8_t index)
{
	bool plain = board->options.plain;

	switch (index) {
	case 1:
		return plain ? "Another vendor" : "Klipper";
	case 2:
		return plain ? "Plain device" : board->options.run_product_name;
	case 3:
		return plain ? board->options.serial : board->options.run_serial;
	default:
		return NULL;
	}
}

const char *board_string(const struct board *board, enum board_presence presence, uint8_t index)
{
	switch (presence) {
	case BOARD_ABSENT:
		return NULL;
	case BOARD_DFU:
		return descriptor_dfu_string(board, index);
	case BOARD_RUNTIME:
		return descriptor_program_string(board, index);
	}
	return NULL;
}
