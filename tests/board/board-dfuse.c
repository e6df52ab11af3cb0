/* SPDX-License-Identifier: MIT */

/*
 * What the commands and data blocks of DfuSe mean (AN3156), seen from the ROM. A DNLOAD becomes an
 * operation that already knows how it will end; nothing is done to the flash here. The ROM goes by
 * addresses, not by alternate settings: whatever alternate is set, an address of the option bytes
 * is one.
 */

#include "board-internal.h"

#include "dfu/dfu.h"

#include <string.h>

#define DFUSE_POLL_ADDRESS 104
#define DFUSE_POLL_WRITE   104
#define DFUSE_POLL_ERASE   100

static uint32_t dfuse_address(const uint8_t *data)
{
	return data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16 | (uint32_t)data[4] << 24;
}

/* Block n of the current pointer; false beyond the address space. */
static bool dfuse_block_address(const struct board *board, uint16_t block, uint32_t *ret)
{
	uint64_t address = board->dfu.pointer +
			   (uint64_t)(block - DFUSE_FIRST_BLOCK) * board->options.transfer_size;

	*ret = (uint32_t)address;
	return address <= UINT32_MAX;
}

static uint32_t dfuse_poll_ms(const struct board *board, uint32_t ms)
{
	uint64_t scaled = board_duration(board, ms);

	return scaled > 0 ? (uint32_t)scaled : 1;
}

static void dfuse_set_address(struct board *board, const uint8_t *data, struct board_operation *ret)
{
	ret->kind = BOARD_WORK_ADDRESS;
	ret->poll_ms = dfuse_poll_ms(board, DFUSE_POLL_ADDRESS);
	ret->address = dfuse_address(data);
	ret->status = board_memory_find(board, ret->address) ? DFU_STATUS_OK : DFU_STATUS_TARGET;
	board->counts.set_address++;
}

static void dfuse_erase(struct board *board, const uint8_t *data, struct board_operation *ret)
{
	struct board_sector sector;

	ret->kind = BOARD_WORK_ERASE;
	ret->poll_ms = dfuse_poll_ms(board, DFUSE_POLL_ERASE);
	ret->address = dfuse_address(data);
	board->counts.erases++;
	if (board->options.read_protected) {
		ret->status = DFU_STATUS_VENDOR;
	} else if (!board_memory_sector(&board->memories[0], ret->address, &sector) ||
		   !(sector.access & BOARD_ERASABLE)) {
		ret->status = DFU_STATUS_TARGET;
	}
}

static void dfuse_mass_erase(struct board *board, struct board_operation *ret)
{
	ret->kind = BOARD_WORK_MASS_ERASE;
	ret->poll_ms = dfuse_poll_ms(board, DFUSE_POLL_ERASE);
	ret->status = board->options.read_protected ? DFU_STATUS_VENDOR : DFU_STATUS_OK;
	board->counts.mass_erases++;
}

static void dfuse_unprotect(struct board *board, struct board_operation *ret)
{
	ret->kind = BOARD_WORK_UNPROTECT;
	ret->poll_ms = dfuse_poll_ms(board, DFUSE_POLL_ERASE);
	board->counts.unprotects++;
}

static void dfuse_write(
	struct board *board, uint16_t block, uint32_t size, struct board_operation *ret)
{
	const struct board_memory *memory = NULL;

	ret->kind = BOARD_WORK_WRITE;
	ret->poll_ms = dfuse_poll_ms(board, DFUSE_POLL_WRITE);
	ret->size = size;
	board->counts.blocks++;
	if (dfuse_block_address(board, block, &ret->address)) {
		memory = board_memory_find(board, ret->address);
	}
	if (memory && memory != &board->memories[0]) {
		board->counts.foreign_writes++;
	}
	if (board->options.read_protected) {
		ret->status = DFU_STATUS_VENDOR;
	} else if (!memory ||
		   board_memory_reach(memory, ret->address, size, BOARD_WRITEABLE) < size) {
		ret->status = DFU_STATUS_TARGET;
	}
}

bool board_dfuse_download(struct board *board, uint16_t block, const uint8_t *data, uint32_t size,
	struct board_operation *ret)
{
	bool addressed = size == 5, bare = size == 1;

	if (block >= DFUSE_FIRST_BLOCK) {
		dfuse_write(board, block, size, ret);
	} else if (block == 1) {
		return false;
	} else if (data[0] == DFUSE_SET_ADDRESS && addressed) {
		dfuse_set_address(board, data, ret);
	} else if (data[0] == DFUSE_ERASE && addressed) {
		dfuse_erase(board, data, ret);
	} else if (data[0] == DFUSE_ERASE && bare) {
		dfuse_mass_erase(board, ret);
	} else if (data[0] == DFUSE_UNPROTECT && bare) {
		dfuse_unprotect(board, ret);
	} else {
		return false;
	}
	return true;
}

static uint16_t dfuse_commands(uint8_t *ret, uint16_t size)
{
	static const uint8_t commands[] = {0x00, DFUSE_SET_ADDRESS, DFUSE_ERASE, DFUSE_UNPROTECT};

	size = size < sizeof(commands) ? size : sizeof(commands);
	memcpy(ret, commands, size);
	return size;
}

/* What lies there as far as it goes in one piece: the last block of a region is short. */
static uint8_t dfuse_read(
	struct board *board, uint16_t block, uint8_t *ret, uint16_t size, uint16_t *ret_size)
{
	const struct board_memory *memory = NULL;
	uint32_t address, reach;

	if (dfuse_block_address(board, block, &address)) {
		memory = board_memory_find(board, address);
	}
	if (!memory) {
		return DFU_STATUS_TARGET;
	}
	reach = board_memory_reach(memory, address, size, BOARD_READABLE);
	if (reach == 0 && size > 0) {
		return DFU_STATUS_TARGET;
	}
	board_memory_read(memory, address, ret, reach);
	board_step_add(board, BOARD_STEP_READ, address, reach);
	board->counts.bytes_read += reach;
	*ret_size = (uint16_t)reach;
	return DFU_STATUS_OK;
}

uint8_t board_dfuse_upload(
	struct board *board, uint16_t block, uint8_t *ret, uint16_t size, uint16_t *ret_size)
{
	if (size > board->options.transfer_size) {
		size = board->options.transfer_size;
	}
	if (block == 0) {
		*ret_size = dfuse_commands(ret, size);
		return DFU_STATUS_OK;
	}
	if (block == 1) {
		return DFU_STATUS_STALLEDPKT;
	}
	if (board->options.read_protected) {
		return DFU_STATUS_VENDOR;
	}
	return dfuse_read(board, block, ret, size, ret_size);
}
