/* SPDX-License-Identifier: MIT */

/*
 * Which of the armed faults hit a transfer. Every slot counts the transfers that its filter
 * matches, lets the first `nth` pass, and hits the next `times` of them.
 */

#include "board-internal.h"

#include "dfu/dfu.h"

static bool fault_matches(const struct board_fault *fault, int request, int command)
{
	if (fault->request != -1 && fault->request != request) {
		return false;
	}
	if (request == DFU_DNLOAD) {
		return fault->command == -1 || fault->command == command;
	}
	if (request == DFU_GETSTATUS) {
		return fault->command == -1 || fault->command == 0 || fault->command == command;
	}
	return true;
}

static bool fault_hits(struct board_armed *armed)
{
	uint32_t index = armed->seen++;

	return index >= armed->fault.nth &&
	       (armed->fault.times == 0 || index - armed->fault.nth < armed->fault.times);
}

void board_fault_match(struct board *board, int request, int command, struct board_hits *ret)
{
	*ret = (struct board_hits){0};
	for (size_t i = 0; i < BOARD_MAX_FAULTS; i++) {
		struct board_armed *armed = &board->faults[i];

		if (armed->fault.kind == BOARD_FAULT_NONE ||
			!fault_matches(&armed->fault, request, command) || !fault_hits(armed)) {
			continue;
		}
		ret->hit[armed->fault.kind] = true;
		ret->value[armed->fault.kind] = armed->fault.value;
	}
}

void board_set_fault(struct board *board, size_t slot, const struct board_fault *fault)
{
	if (slot < BOARD_MAX_FAULTS) {
		board->faults[slot] = (struct board_armed){.fault = *fault};
	}
}
