/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * NAME.sha256 beside a queued file: what the person who made the file says its SHA-256 is, as
 * sha256sum(1) writes it. Only the first 64 digits count.
 */

/*
 * False where there is such a file, it can be read, and it names another sum or none. sha256 is
 * lower-case hexadecimal.
 */
bool sidecar_agrees(int folder_fd, const char *name, const char *sha256);
