/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* SHA-256 (FIPS 180-4) of what is behind a descriptor. */

#define DIGEST_SIZE 65 /* 64 hexadecimal digits and the NUL */

/*
 * Hashes from offset 0 to the end, wherever the descriptor's own offset is, which stays. ret:
 * lower-case. 0; -EFBIG as soon as there are more than max_size bytes (UINT64_MAX: any number),
 * however fast somebody appends; other -errno of reading, -EIO where libsodium cannot start. ret is
 * changed only on success. Blocks as long as reading takes.
 */
int digest_take(int fd, uint64_t max_size, char ret[static DIGEST_SIZE]);
