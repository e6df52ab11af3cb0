/* SPDX-License-Identifier: MIT */
#pragma once

#include "board.h"

/* What the files of the model share. Not for fronts and tests. */

#define BOARD_NEVER	   UINT64_MAX
#define BOARD_ALTERNATES   4
#define BOARD_MAX_GROUPS   32
#define BOARD_MAX_MEMORY   (64u << 20)
#define BOARD_DFU_TYPE_IN  0xa1
#define BOARD_DFU_TYPE_OUT 0x21

/* Access letters of a layout string, as bits. */
enum board_access {
	BOARD_READABLE = 1,
	BOARD_ERASABLE = 2,
	BOARD_WRITEABLE = 4,
};

struct board_group {
	uint32_t start, size, count;
	uint8_t access;
	size_t offset; /* of the group's first byte in the memory */
};

/* One alternate setting's memory. */
struct board_memory {
	char *layout;
	struct board_group groups[BOARD_MAX_GROUPS];
	size_t n_groups;
	uint8_t *bytes;
	size_t size;
};

struct board_sector {
	uint32_t start, size;
	uint8_t access;
	size_t offset;
};

/*
 * Work of the flash. It is applied lazily: whenever time comes in, what was reached until then is
 * in the memory, so an unplugged board keeps exactly that.
 */
enum board_work_kind {
	BOARD_WORK_NONE,
	BOARD_WORK_ADDRESS,
	BOARD_WORK_ERASE,
	BOARD_WORK_MASS_ERASE,
	BOARD_WORK_UNPROTECT,
	BOARD_WORK_WRITE,
};

struct board_work {
	enum board_work_kind kind;
	uint32_t address, size;
	uint64_t start, end;
	bool corrupt;
	size_t step;	  /* index of its step, or SIZE_MAX */
	uint64_t counted; /* bytes of it that are in the counts */
};

/* What a DNLOAD asked for; the first GETSTATUS starts it. */
struct board_operation {
	enum board_work_kind kind;
	uint32_t address, size;
	uint8_t status; /* that it will end in */
	uint32_t poll_ms;
	bool ignored, corrupt, forever;
};

struct board_dfu {
	uint8_t state, status;
	uint32_t pointer;
	int last_command; /* as struct board_fault tells commands */
	bool stored;	  /* in dfuDNLOAD-SYNC: the operation waits for its GETSTATUS */
	struct board_operation operation;
};

/* What happens to the presence by itself. */
enum board_change {
	BOARD_CHANGE_NONE,
	BOARD_CHANGE_LEAVE,   /* drops off the bus to start the program at the pointer */
	BOARD_CHANGE_RESTRAP, /* drops off the bus and comes back in DFU mode */
	BOARD_CHANGE_BOOT,
	BOARD_CHANGE_DFU,
	BOARD_CHANGE_FLAP_DOWN,
	BOARD_CHANGE_FLAP_UP,
};

struct board_armed {
	struct board_fault fault;
	uint32_t seen;
};

/* The faults that hit one transfer. */
struct board_hits {
	bool hit[_BOARD_FAULT_MAX];
	uint32_t value[_BOARD_FAULT_MAX];
};

struct board {
	struct board_options options; /* its strings are copies */
	struct board_memory memories[BOARD_ALTERNATES];
	uint8_t *block; /* data of the operation, transfer size */

	bool started, deaf;
	enum board_presence presence;
	uint32_t visits;
	enum board_change change;
	uint64_t change_at;

	uint64_t ep0_free; /* when the control endpoint has given its last answer */
	uint8_t configuration, alternate;
	uint8_t line_coding[7];

	struct board_dfu dfu;
	struct board_work work;
	struct board_armed faults[BOARD_MAX_FAULTS];

	struct board_counts counts;
	struct board_step *steps;
	size_t n_steps, n_steps_room;
};

/* A duration under this board's speedup. */
uint64_t board_duration(const struct board *board, uint64_t us);
/* Off the bus now; work in flight is cut. */
void board_drop(struct board *board, uint64_t now_us);
void board_change_set(struct board *board, enum board_change change, uint64_t at_us);

/* board-memory.c */
bool board_memory_init(struct board_memory *memory, const char *layout);
void board_memory_done(struct board_memory *memory);
bool board_memory_sector(
	const struct board_memory *memory, uint32_t address, struct board_sector *ret);
/* How many bytes from the address on are in one piece and allow the access; at most size. */
uint32_t board_memory_reach(
	const struct board_memory *memory, uint32_t address, uint32_t size, uint8_t access);
void board_memory_read(
	const struct board_memory *memory, uint32_t address, uint8_t *ret, uint32_t size);
/* The memory of any alternate that holds the address: the ROM goes by addresses. NULL for none. */
struct board_memory *board_memory_find(struct board *board, uint32_t address);
bool board_memory_bootable(const struct board_memory *memory, uint32_t address);

/* board-work.c */
void board_work_start(
	struct board *board, const struct board_operation *operation, uint64_t now_us);
void board_work_settle(struct board *board, uint64_t now_us);
void board_work_cut(struct board *board, uint64_t now_us);
bool board_work_busy(const struct board *board, uint64_t now_us);
/* Index of the new step, SIZE_MAX where it could not be kept. */
size_t board_step_add(
	struct board *board, enum board_step_kind kind, uint32_t address, uint32_t size);

/* board-fault.c */
void board_fault_match(struct board *board, int request, int command, struct board_hits *ret);

/* board-dfuse.c: what a DNLOAD asks for; false for what the ROM does not know: other commands,
 * other lengths, the reserved block 1. */
bool board_dfuse_download(struct board *board, uint16_t block, const uint8_t *data, uint32_t size,
	struct board_operation *ret);
/* enum dfu_status_code: how the upload ends. */
uint8_t board_dfuse_upload(
	struct board *board, uint16_t block, uint8_t *ret, uint16_t size, uint16_t *ret_size);

/* board-dfu.c */
void board_dfu_start(struct board *board);
enum board_answer board_dfu_control(struct board *board, uint64_t now_us,
	const struct board_setup *setup, uint8_t *data, uint16_t *ret_length, uint64_t *ret_at_us);

/* board-standard.c: requests of chapter 9 and of CDC. */
enum board_answer board_standard_control(
	struct board *board, const struct board_setup *setup, uint8_t *data, uint16_t *ret_length);
