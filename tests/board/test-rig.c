/* SPDX-License-Identifier: MIT */

/* See test-rig.h. */

#include "test-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/dfu.h"

void rig_init(struct rig *rig, const struct board_options *options)
{
	*rig = (struct rig){.board = board_new(options), .now = 1000000};
	assert_non_null(rig->board);
}

void rig_done(struct rig *rig)
{
	rig->board = board_free(rig->board);
}

enum board_answer rig_call(struct rig *rig, uint8_t type, uint8_t request, uint16_t value,
	uint16_t index, uint16_t length)
{
	const struct board_setup setup = {
		.type = type,
		.request = request,
		.value = value,
		.index = index,
		.length = length,
	};
	uint64_t at = 0;
	enum board_answer answer =
		board_control(rig->board, rig->now, &setup, rig->data, &rig->length, &at);

	assert_true(at >= rig->now);
	rig->took = at - rig->now;
	rig->now = at;
	return answer;
}

enum board_answer rig_dnload(struct rig *rig, uint16_t block, const void *data, uint16_t length)
{
	if (length > 0) {
		memcpy(rig->data, data, length);
	}
	return rig_call(rig, DFU_TYPE_OUT, DFU_DNLOAD, block, 0, length);
}

enum board_answer rig_upload(struct rig *rig, uint16_t block, uint16_t length)
{
	return rig_call(rig, DFU_TYPE_IN, DFU_UPLOAD, block, 0, length);
}

enum board_answer rig_abort(struct rig *rig)
{
	return rig_call(rig, DFU_TYPE_OUT, DFU_ABORT, 0, 0, 0);
}

enum board_answer rig_clear(struct rig *rig)
{
	return rig_call(rig, DFU_TYPE_OUT, DFU_CLRSTATUS, 0, 0, 0);
}

struct rig_status rig_status(struct rig *rig)
{
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 6), BOARD_ACK);
	assert_int_equal(rig->length, 6);
	return (struct rig_status){
		.status = rig->data[0],
		.state = rig->data[4],
		.poll_ms =
			rig->data[1] | (uint32_t)rig->data[2] << 8 | (uint32_t)rig->data[3] << 16,
	};
}

uint8_t rig_state(struct rig *rig)
{
	assert_int_equal(rig_call(rig, DFU_TYPE_IN, DFU_GETSTATE, 0, 0, 1), BOARD_ACK);
	assert_int_equal(rig->length, 1);
	return rig->data[0];
}

static struct rig_status rig_finish(struct rig *rig)
{
	assert_int_equal(rig_status(rig).state, DFU_DNBUSY);
	return rig_status(rig);
}

struct rig_status rig_command(struct rig *rig, uint8_t command, uint32_t address)
{
	const uint8_t bytes[5] = {command, (uint8_t)address, (uint8_t)(address >> 8),
		(uint8_t)(address >> 16), (uint8_t)(address >> 24)};

	assert_int_equal(rig_dnload(rig, 0, bytes, sizeof(bytes)), BOARD_ACK);
	return rig_finish(rig);
}

struct rig_status rig_mass_erase(struct rig *rig)
{
	const uint8_t command = DFUSE_ERASE;

	assert_int_equal(rig_dnload(rig, 0, &command, 1), BOARD_ACK);
	return rig_finish(rig);
}

struct rig_status rig_write(struct rig *rig, uint16_t block, const void *data, uint16_t length)
{
	assert_int_equal(rig_dnload(rig, block, data, length), BOARD_ACK);
	return rig_finish(rig);
}

enum board_answer rig_leave(struct rig *rig)
{
	assert_int_equal(rig_dnload(rig, 2, NULL, 0), BOARD_ACK);
	return rig_call(rig, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, 6);
}

enum board_presence rig_presence(struct rig *rig)
{
	return board_presence(rig->board, rig->now, NULL);
}

enum board_presence rig_wait(struct rig *rig)
{
	uint64_t at = board_next_change(rig->board, rig->now);

	assert_true(at != UINT64_MAX);
	assert_true(at >= rig->now);
	rig->took = at - rig->now;
	rig->now = at;
	return rig_presence(rig);
}

uint8_t *rig_at(struct rig *rig, uint32_t address)
{
	size_t size;
	uint8_t *flash = board_flash(rig->board, &size);

	(void)rig_presence(rig);
	assert_true(address >= board_flash_base(rig->board));
	assert_true(address - board_flash_base(rig->board) < size);
	return flash + (address - board_flash_base(rig->board));
}

void rig_put_program(struct rig *rig, uint32_t address)
{
	const uint8_t table[8] = {0x00, 0x00, 0x02, 0x20, (uint8_t)(address + 0x201),
		(uint8_t)((address + 0x201) >> 8), (uint8_t)((address + 0x201) >> 16),
		(uint8_t)((address + 0x201) >> 24)};

	memcpy(rig_at(rig, address), table, sizeof(table));
}
