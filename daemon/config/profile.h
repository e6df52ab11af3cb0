/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/globs.h"
#include "config/ini.h"
#include "config/policy.h"
#include "config/usb-id.h"

/*
 * A profile: which devices are meant and how to treat them. One file of boards.d, read strictly.
 * Keys and their meaning: dfud.conf(5). Several lines of one key are alternatives, different keys
 * must all hold, an empty value clears what stood before. Pure.
 */

enum profile_origin {
	PROFILE_SHIPPED, /* /usr/lib: flashes only what is certain */
	PROFILE_WRITTEN, /* /etc or /run: a person said so */
};

/* Lines of Protect= in one profile. */
#define PROFILE_MAX_PROTECTS 32

struct address_range {
	uint32_t first, last; /* inclusive */
};

struct profile {
	char *name; /* file name without ".conf", and without a leading "NN-" */
	char *file; /* path, for messages */
	enum profile_origin origin;
	bool doubtful_ids, doubtful_files; /* void, and nobody knows which it names */
	bool is_void;			   /* has a problem: its devices wait, it flashes nothing */

	/* [Match] */
	struct usb_id_pattern *ids;
	size_t n_ids;
	struct strings paths, ports, serials, layouts; /* shell globs (fnmatch) */

	/* [Image] */
	struct strings files; /* shell globs on the file's name */
	bool has_address;
	uint32_t address;

	/* [Flash] */
	uint8_t alternate; /* default 0 */
	struct address_range *protects;
	size_t n_protects;
	bool keep_bootloader;	   /* default no */
	enum backup_policy backup; /* default yes, required where shipped */
	enum leave_policy leave;   /* default auto */
	unsigned max_attempts;	   /* default 3, 1..100 */
	bool oldest_first;	   /* Order=oldest: several files for one board form a line */

	/* [Return] */
	bool return_none; /* Id=none: the program shows no USB */
	struct usb_id_pattern *return_ids;
	size_t n_return_ids; /* 0: the image may say, else any */
	uint64_t within_ms;  /* default 10 s, 1 s..1 h */
};

/* What a device shows, as far as a profile can ask for it. NULL: not known. */
struct profile_device {
	uint16_t vendor, product;
	const char *path; /* udev's ID_PATH */
	const char *port; /* sysfs name */
	const char *serial;
	const char *layout; /* string of alternate 0 */
};

enum profile_key {
	PROFILE_KEY_NONE, /* everything holds */
	PROFILE_KEY_ID,
	PROFILE_KEY_PATH,
	PROFILE_KEY_PORT,
	PROFILE_KEY_SERIAL,
	PROFILE_KEY_LAYOUT,
	PROFILE_KEY_FILE,
	_PROFILE_KEY_MAX,
};

/*
 * Reads one file. 0 and *ret set, void where the problems say so; NULL where the file holds no key
 * at all (it disables, as an empty file does). -ENOMEM, *ret untouched.
 *
 * A void profile keeps whatever [Match] could be read, so that its devices wait instead of falling
 * to another profile. A key of [Match] or File= that a faulty line may have belonged to asks for
 * nothing any more: rather too many devices wait than one too few.
 */
int profile_read(struct profile **ret, const char *file, enum profile_origin origin,
	const char *text, size_t size, struct config_problems *problems);
/* The profile of a file that could not be read at all: void, every device and every file is its. */
int profile_unreadable(struct profile **ret, const char *file, enum profile_origin origin);
struct profile *profile_free(struct profile *profile);

/* The first key that does not hold for the device, PROFILE_KEY_NONE where all do. */
enum profile_key profile_misses_device(
	const struct profile *profile, const struct profile_device *device);
/* Whether File= is there at all, and whether it matches (true where it is not there). */
bool profile_names_files(const struct profile *profile);
bool profile_matches_file(const struct profile *profile, const char *name);
/* Whether a person wrote Id= lines of which one matches: such a device is nobody else's. */
bool profile_names_id(const struct profile *profile, uint16_t vendor, uint16_t product);
/* Whether the run-time identity is what [Return] expects; true where it expects nothing particular.
 */
bool profile_expects(const struct profile *profile, uint16_t vendor, uint16_t product);

const char *profile_key_to_string(enum profile_key key); /* "Id=", ... */
