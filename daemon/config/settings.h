/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/globs.h"
#include "config/ini.h"
#include "config/public-key.h"

/* dfud.conf and its drop-ins: the daemon's own settings. dfud.conf(5). Pure. */

struct settings {
	uint64_t max_file_size;	      /* [Queue] MaxFileSize=16M, bytes, 1K..1G */
	uint64_t expire_after_ms;     /* [Queue] ExpireAfter=24h, 0 for never ("infinity") */
	uint64_t quiet_ms;	      /* [Queue] Quiet=1s, 100 ms..1 h */
	unsigned max_workers;	      /* [Workers] Max=128, 1..1024 */
	uint64_t backup_max_size;     /* [Backup] MaxSize=1G, bytes, 1M..1T */
	unsigned backup_max_count;    /* [Backup] MaxCount=200, 1..100000 */
	struct strings allowed_ports; /* [Ports] Allow=, port or ID_PATH; none: every port */
	bool require_signature;	      /* [Trust] RequireSignature=no */
	struct public_key *keys;      /* [Trust] Keys=, owned */
	size_t n_keys;
};

/* What a destructor takes before settings_init(). */
#define SETTINGS_INIT                                                                              \
	{                                                                                          \
		0                                                                                  \
	}

/* The values without any file. */
void settings_init(struct settings *settings);

/*
 * Lays one file over what is there: a value takes the place of the one before, a line of Allow= or
 * Keys= joins those before. 0 also where problems were added; -ENOMEM.
 */
int settings_read(struct settings *settings, const char *file, const char *text, size_t size,
	struct config_problems *problems);

/* What only all files together show; file is the one that last asked for signatures. */
void settings_check(
	const struct settings *settings, const char *file, struct config_problems *problems);

/* Whether [Trust] says the same. */
bool settings_trust_is_same(const struct settings *a, const struct settings *b);

void settings_done(struct settings *settings);
