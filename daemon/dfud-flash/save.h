/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is to be erased, in a file, before it is erased. */

/* Nothing but erased bytes, or none. */
bool save_is_blank(const uint8_t *bytes, size_t size);

/*
 * Writes all of it and makes it durable. 0; -EBADF where there is no file (fd is negative); another
 * -errno. Blocks until the disk has it.
 */
int save_write(int fd, const uint8_t *bytes, size_t size);
