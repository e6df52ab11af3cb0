/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/* A board and a clock for its tests: each call waits for its answer. */

struct rig {
	struct board *board;
	uint64_t now;
	uint64_t took; /* by the last call, us */
	uint8_t data[4096];
	uint16_t length; /* of the last answer */
};

struct rig_status {
	uint8_t status, state;
	uint32_t poll_ms;
};

void rig_init(struct rig *rig, const struct board_options *options);
void rig_done(struct rig *rig);

enum board_answer rig_call(struct rig *rig, uint8_t type, uint8_t request, uint16_t value,
	uint16_t index, uint16_t length);

/* DFU requests; data goes through rig->data. */
enum board_answer rig_dnload(struct rig *rig, uint16_t block, const void *data, uint16_t length);
enum board_answer rig_upload(struct rig *rig, uint16_t block, uint16_t length);
enum board_answer rig_abort(struct rig *rig);
enum board_answer rig_clear(struct rig *rig);
/* Asserts that there is an answer of six bytes. */
struct rig_status rig_status(struct rig *rig);
uint8_t rig_state(struct rig *rig);

/* A whole operation; gives the status in which it ended, after the second GETSTATUS. */
struct rig_status rig_command(struct rig *rig, uint8_t command, uint32_t address);
struct rig_status rig_mass_erase(struct rig *rig);
struct rig_status rig_write(struct rig *rig, uint16_t block, const void *data, uint16_t length);
/* The empty DNLOAD and the GETSTATUS after it. */
enum board_answer rig_leave(struct rig *rig);

enum board_presence rig_presence(struct rig *rig);
/* Waits for the next change by itself; asserts that there is one. */
enum board_presence rig_wait(struct rig *rig);

/* The byte of the flash at an address, now. */
uint8_t *rig_at(struct rig *rig, uint32_t address);
/* A vector table that the model takes for a program. */
void rig_put_program(struct rig *rig, uint32_t address);
