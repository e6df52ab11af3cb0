/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "firmware/image.h"

/* What kind of file some bytes are, by content alone. Pure; never fails; kind is static text. */
struct sniff {
	enum image_fault fault;
	const char *kind;
};

struct sniff sniff_bytes(const uint8_t *bytes, size_t size);
