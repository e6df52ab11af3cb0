/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Values as systemd's own files write them (systemd.syntax(7), systemd.time(7)): sizes with K, M,
 * G, T (base 1024), time spans ("10s", "1min 30s", "500ms", "24h", "infinity"), booleans, numbers
 * (decimal, 0x hexadecimal). Narrower than systemd where a slip could pass for a value: whole
 * numbers only, no leading zeros (octal or not?), no months and years (M is not m), an address
 * always with 0x. Each returns false for anything else, for trailing text and on overflow, and
 * leaves *ret untouched then. Pure.
 */

bool value_size(const char *text, uint64_t *ret_bytes);
bool value_span(const char *text, uint64_t *ret_ms); /* "infinity": UINT64_MAX; no unit: seconds */
bool value_boolean(const char *text, bool *ret);
bool value_number(const char *text, uint64_t *ret);
bool value_address(const char *text, uint32_t *ret);
