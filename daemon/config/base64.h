/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Base64 with padding (RFC 4648, section 4), n characters that make exactly size bytes. False for
 * anything else: another alphabet, blanks, bits that are left over. Pure.
 */
bool base64_read(const char *text, size_t n, uint8_t *ret, size_t size);
