/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dfu/plan.h"

/*
 * What the command line asks for. By hand a person names a port and a file; the daemon adds
 * descriptors that it opened itself. dfud-flash(1).
 */

#define JOB_MAX_PROTECTS 32
#define JOB_MAX_EXPECTS	 16

enum job_mode {
	JOB_FLASH,   /* by hand */
	JOB_PLAN,    /* by hand: say what would be done, touch nothing */
	JOB_LIST,    /* boards that are in DFU mode */
	JOB_INSPECT, /* what the file is, without a board */
	JOB_WORK,    /* for the daemon */
	JOB_SHOWN,   /* --help or --version: done already */
};

struct job_expect {
	bool any_product;
	uint16_t vendor, product;
};

struct job {
	enum job_mode mode;
	const char *port; /* sysfs name, checked for its form */
	const char *file; /* path by hand; the name to show for the daemon */
	bool has_address;
	uint32_t address;
	uint8_t alternate;
	bool certain; /* flash only what is certain, as the shipped profiles do */
	struct plan_range protects[JOB_MAX_PROTECTS];
	size_t n_protects;
	struct job_expect expects[JOB_MAX_EXPECTS]; /* by hand */
	size_t n_expects;
	bool expects_none;
	uint64_t within_ms;
	int image_fd, record_fd, channel_fd; /* for the daemon, else -EBADF */
};

/*
 * Parses the command line; strings are borrowed from argv. 0, or an exit status (64 usage) with the
 * message already on stderr. --help and --version print and give JOB_SHOWN.
 */
int job_parse(struct job *ret, int argc, char **argv);
