/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/policy.h"
#include "config/profile.h"
#include "dfu/plan.h"

/*
 * What the command line asks for. By hand a person names a port and a file; the daemon adds
 * descriptors that it opened itself. dfud-flash(1).
 */

#define OPTIONS_MAX_PROTECTS PROFILE_MAX_PROTECTS
#define OPTIONS_MAX_EXPECTS  16

enum options_mode {
	OPTIONS_FLASH,	 /* by hand */
	OPTIONS_PLAN,	 /* by hand: say what would be done, touch nothing */
	OPTIONS_LIST,	 /* boards that are in DFU mode */
	OPTIONS_INSPECT, /* what the file is, without a board */
	OPTIONS_WORK,	 /* for the daemon */
	OPTIONS_SHOWN,	 /* --help or --version: done already */
};

struct options {
	enum options_mode mode;
	const char *port;    /* sysfs name, checked for its form */
	const char *file;    /* path by hand, NULL with restore; the name to show for the daemon */
	const char *restore; /* digest of a backup, or its beginning: the bytes are that backup's */
	const char *layout;  /* refuse a board that shows another memory map; NULL: any */
	bool has_address;
	uint32_t address;
	uint8_t alternate;
	bool certain; /* flash only what is certain, as the shipped profiles do */
	struct plan_range protects[OPTIONS_MAX_PROTECTS];
	size_t n_protects;
	bool keep_bootloader;
	enum backup_policy backup;
	const char *backup_dir; /* by hand; NULL: the usual one */
	enum leave_policy leave;
	struct usb_id_pattern expects[OPTIONS_MAX_EXPECTS]; /* by hand */
	size_t n_expects;
	bool expects_none;
	uint64_t within_ms;
	int image_fd, record_fd, channel_fd, backup_fd; /* for the daemon, else -EBADF */
};

/*
 * Parses the command line; strings are borrowed from argv. 0, or an exit status (64 usage) with the
 * message already on stderr. --help and --version print and give OPTIONS_SHOWN.
 */
int options_parse(struct options *ret, int argc, char **argv);
