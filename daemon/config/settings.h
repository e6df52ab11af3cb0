/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/ini.h"

/* dfud.conf and its drop-ins: the daemon's own settings. dfud.conf(5). Pure. */

struct settings {
	uint64_t max_file_size;	  /* [Queue] MaxFileSize=16M, bytes, 1K..1G */
	uint64_t expire_after_ms; /* [Queue] ExpireAfter=24h, 0 for never ("infinity") */
	uint64_t quiet_ms;	  /* [Queue] Quiet=1s, 100 ms..1 h */
	unsigned max_workers;	  /* [Workers] Max=128, 1..1024 */
};

/* The values without any file. */
void settings_init(struct settings *settings);

/* Lays one file over what is there. 0 also where problems were added; -ENOMEM. */
int settings_read(struct settings *settings, const char *file, const char *text, size_t size,
	struct config_problems *problems);
