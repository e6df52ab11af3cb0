/* SPDX-License-Identifier: MIT */

/*
 * Any bytes, read as a device's descriptors and as a string descriptor: what is accepted keeps the
 * promises of descriptor.h.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dfu/descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void check_function(const struct dfu_function *function)
{
	MUST(function->n_alternates > 0 && function->n_alternates <= DESCRIPTOR_MAX_ALTERNATES);
	for (size_t i = 0; i < function->n_alternates; i++) {
		for (size_t j = 0; j < i; j++) {
			MUST(function->alternates[i].number != function->alternates[j].number);
		}
	}
	if (!function->has_functional) {
		MUST(!function->can_download && !function->can_upload && function->bcd_dfu == 0);
	}
}

static void try_descriptors(const uint8_t *data, size_t size)
{
	struct dfu_function before, function;
	int r;

	memset(&before, 0x5a, sizeof(before));
	function = before;
	r = descriptor_parse(&function, data, size);
	if (r == 0) {
		check_function(&function);
		return;
	}
	MUST(r == -ENOENT || r == -EBADMSG);
	MUST(memcmp(&function, &before, sizeof(function)) == 0);
}

static void try_string(const uint8_t *data, size_t size, size_t room)
{
	char *text = malloc(room);
	size_t n;

	MUST(text);
	n = descriptor_string(data, size, text, room);
	MUST(n < room && strlen(text) == n && 2 * n <= size);
	for (size_t i = 0; i < n; i++) {
		MUST(text[i] >= 0x20 && text[i] <= 0x7e);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_descriptors(data, size);
	try_string(data, size, 1);
	try_string(data, size, 9);
	try_string(data, size, 128);
	return 0;
}
