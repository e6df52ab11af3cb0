/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A simulated DFU board: flash, DfuSe boot loader, timing, faults, and what it boots into after it
 * left. One model for every front (in process, behind the worker's USB table, USB/IP in the virtual
 * machine). It has no clock and no I/O: time comes in with each call, in microseconds.
 *
 * The truth modelled is that of an STM32F446 ROM as real devices show it: 512 KiB at 0x08000000 in
 * 4x16K 1x64K 3x128K, four alternates, transfer size 2048, SET_ADDRESS and each block advertised
 * with 104 ms and erases with 100 ms while the work takes 16 us a byte and the sector's typical
 * erase time, an early GETSTATUS held until the work is done, serial "STM32FxSTM32".
 */

enum board_presence {
	BOARD_ABSENT,
	BOARD_DFU,
	BOARD_RUNTIME,
};

/* What the board does after it left DFU mode. */
enum board_boot {
	BOARD_BOOTS_FLASH, /* a valid vector table at the leave address: run-time mode; else DFU
			      again */
	BOARD_BOOTS_DFU,   /* boot pins strapped: DFU mode again whatever the flash holds */
	BOARD_BOOTS_GONE,  /* the program runs and shows no USB */
	BOARD_STAYS,	   /* ignores the leave and remains in DFU mode */
	BOARD_FLAPS,	   /* comes up in run-time mode and drops again, over and over */
	BOARD_BOOTS_DEAF,  /* attaches, but answers no request (fronts: enumeration fails) */
};

/* A fault, armed for the n-th transfer (from 0) that its filter matches. */
enum board_fault_kind {
	BOARD_FAULT_NONE,
	BOARD_FAULT_STALL,
	BOARD_FAULT_SILENCE, /* never answers that transfer */
	BOARD_FAULT_SHORT,   /* one byte less than asked for */
	BOARD_FAULT_VANISH,  /* off the bus at that transfer */
	BOARD_FAULT_STATE,   /* GETSTATUS tells state `value` */
	BOARD_FAULT_STATUS,  /* the operation ends in dfuERROR with status `value` */
	BOARD_FAULT_BUSY,    /* dfuDNBUSY for ever */
	BOARD_FAULT_CORRUPT, /* one bit of that block is stored wrongly */
	BOARD_FAULT_IGNORE,  /* the operation says OK and does nothing (write protection) */
	BOARD_FAULT_TIMEOUT, /* advertises a poll timeout of `value` ms */
	_BOARD_FAULT_MAX,
	_BOARD_FAULT_INVALID = -1,
};

/* The empty DNLOAD that leaves DFU mode, where a command byte is asked for. */
#define BOARD_COMMAND_LEAVE 0x100

/*
 * What a kind means depends on the transfer that it hits. STATUS, BUSY, IGNORE, CORRUPT and TIMEOUT
 * on a DNLOAD hold for that operation and show in the GETSTATUS that follow; BUSY lets the flash do
 * its work, and CLRSTATUS twice gets out of it. STATUS, BUSY, STATE and TIMEOUT on a GETSTATUS
 * change that answer, STATUS on an UPLOAD stalls it into dfuERROR. STALL and SILENCE change no
 * state: the request is lost. SHORT on a DNLOAD takes one byte less.
 */
struct board_fault {
	enum board_fault_kind kind;
	int request; /* enum dfu_request, or -1 for any DFU request */
	/*
	 * For DNLOAD: the DfuSe command byte of wValue 0, BOARD_COMMAND_LEAVE, 0 for data blocks,
	 * -1 any. For GETSTATUS: the command that the status is about, 0 and -1 any. Not looked at
	 * for others.
	 */
	int command;
	uint32_t nth;	/* how many matching transfers pass unharmed first */
	uint32_t times; /* how many are hit, 0 means all from then on */
	uint32_t value;
};

#define BOARD_MAX_FAULTS 4

struct board_options {
	const char *layout;		  /* alternate 0's string; NULL: the F446's */
	const char *serial;		  /* NULL: "STM32FxSTM32" */
	uint16_t vendor, product;	  /* 0: 0483:df11 */
	uint16_t run_vendor, run_product; /* of the booted program; 0: 1d50:614e */
	const char *run_product_name;	  /* NULL: "stm32f446xx" */
	const char *run_serial;		  /* NULL: "3E0036000851313339353335" */
	uint16_t transfer_size;		  /* 0: 2048 */
	bool cold_error;		  /* starts in dfuERROR with status 10, as this ROM does */
	bool answers_leave;  /* answers the GETSTATUS of the leave (dfuMANIFEST) before it goes */
	bool no_upload;	     /* bitCanUpload is clear */
	bool read_protected; /* erase, write and read end in dfuERROR/errVENDOR */
	bool runs_at_start; /* begins in run-time mode if the flash is bootable, judged at the first
			       call with a time; else in DFU mode */
	bool plain; /* another vendor's device: one vendor-specific interface, no DFU, always
		       BOARD_RUNTIME while plugged in, with the ids of vendor and product */
	enum board_boot boot;
	uint32_t boot_ms; /* from leaving the bus to coming back; 0: 600 */
	uint32_t speedup; /* divides every duration, advertised poll timeouts and boot_ms too; 0: 1
			   */
	struct board_fault faults[BOARD_MAX_FAULTS];
};

/* What was asked of the board, counted. */
struct board_counts {
	uint64_t transfers; /* DFU class requests */
	uint64_t get_status, clear_status, aborts, uploads, blocks;
	uint64_t set_address, erases, mass_erases, leaves;
	uint64_t bytes_written, bytes_read, bytes_erased;
	uint64_t busy_us;	 /* time in which the flash worked */
	uint64_t early_status;	 /* GETSTATUS that came while the flash worked */
	uint64_t violations;	 /* requests that DFU 1.1 forbids in the state they came in */
	uint64_t unprotects;	 /* 0x92: must stay 0 */
	uint64_t foreign_writes; /* data blocks for option bytes, OTP or features: must stay 0 */
};

/*
 * What was done to the memories, in order, for tests of the write order. A refused or ignored
 * operation is no step; an interrupted one has the size that it reached; a mass erase is one step.
 */
enum board_step_kind {
	BOARD_STEP_ERASE,
	BOARD_STEP_WRITE,
	BOARD_STEP_READ,
	BOARD_STEP_LEAVE,
};
struct board_step {
	enum board_step_kind kind;
	uint32_t address, size; /* LEAVE: the address pointer, 0 */
};

/* A setup packet (USB 2.0, table 9-2), in host order. */
struct board_setup {
	uint8_t type, request;
	uint16_t value, index, length;
};

enum board_answer {
	BOARD_ACK,
	BOARD_STALL,
	BOARD_SILENT, /* no answer, ever */
	BOARD_GONE,   /* the board is off the bus */
};

struct board;

struct board *board_new(const struct board_options *options); /* NULL: out of memory, bad layout */
struct board *board_free(struct board *board);

/*
 * Control endpoint: class requests of DFU, and the standard requests a host needs (descriptors,
 * strings, SET_CONFIGURATION, SET_INTERFACE, GET_CONFIGURATION; in run-time mode also CDC-ACM's
 * SET_LINE_CODING, GET_LINE_CODING, SET_CONTROL_LINE_STATE). data: OUT payload in, IN payload out
 * (room for setup->length). *ret_length: bytes transferred. *ret_at_us: when the answer is on the
 * wire, never before now_us: a front delivers it then.
 */
enum board_answer board_control(struct board *board, uint64_t now_us,
	const struct board_setup *setup, uint8_t *data, uint16_t *ret_length, uint64_t *ret_at_us);

/* A USB bus reset. */
void board_reset(struct board *board, uint64_t now_us);

/*
 * What is on the bus now; call it with growing times. A re-attachment is a new value of visits.
 * Brings the flash up to now_us too: call it before a look at board_flash().
 */
enum board_presence board_presence(struct board *board, uint64_t now_us, uint32_t *ret_visits);
/* Attached, but answering nothing: for fronts that have no kernel to find that out. */
bool board_is_deaf(const struct board *board);
/* When the presence changes next, UINT64_MAX for never by itself. */
uint64_t board_next_change(const struct board *board, uint64_t now_us);

/*
 * Person's hands: pull the plug (work in flight stops where it is), plug in again, into DFU mode
 * (boot pins strapped) or not. Not: a power-on start from flash base, as `boot` says; without a
 * valid vector table there an F446 shows nothing on the bus.
 */
void board_unplug(struct board *board, uint64_t now_us);
void board_plug(struct board *board, uint64_t now_us, bool dfu);

/* Device and configuration descriptors as the host's kernel would hold them now. Bytes. */
size_t board_descriptors(
	const struct board *board, enum board_presence presence, uint8_t *ret, size_t size);
/* A string by index, as text; NULL for none. */
const char *board_string(const struct board *board, enum board_presence presence, uint8_t index);

/* The internal flash: alternate 0's first region onwards, layout order. Owned by the board. */
uint8_t *board_flash(struct board *board, size_t *ret_size);
uint32_t board_flash_base(const struct board *board);

const struct board_counts *board_counts(const struct board *board);
const struct board_step *board_steps(const struct board *board, size_t *ret_n);
void board_forget(struct board *board); /* counts and steps back to zero */
void board_set_fault(struct board *board, size_t slot, const struct board_fault *fault);
void board_set_boot(struct board *board, enum board_boot boot);
