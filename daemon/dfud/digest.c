/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 by libsodium, in chunks: memory does not grow with the file.
 *
 * Invariant: at most max_size bytes and one chunk are read, so that a file that grows while it is
 * read cannot hold up the daemon's one thread.
 */
#include "dfud/digest.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include <sodium.h>

enum {
	DIGEST_CHUNK = 64 * 1024,
};

static_assert(DIGEST_SIZE == crypto_hash_sha256_BYTES * 2 + 1, "the digits fit with their NUL");

static ssize_t digest_read(int fd, unsigned char *ret, uint64_t at)
{
	ssize_t n;

	do {
		n = pread(fd, ret, DIGEST_CHUNK, (off_t)at);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int digest_update(int fd, uint64_t max_size, crypto_hash_sha256_state *hash)
{
	unsigned char chunk[DIGEST_CHUNK];
	uint64_t at = 0;
	ssize_t n;

	while ((n = digest_read(fd, chunk, at)) > 0) {
		if ((uint64_t)n > max_size - at) {
			return -EFBIG;
		}
		crypto_hash_sha256_update(hash, chunk, (unsigned long long)n);
		at += (uint64_t)n;
	}
	return (int)n;
}

int digest_take(int fd, uint64_t max_size, char ret[static DIGEST_SIZE])
{
	unsigned char bytes[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state hash;
	int r;

	assert(fd >= 0);
	if (sodium_init() < 0) {
		return -EIO;
	}
	crypto_hash_sha256_init(&hash);
	r = digest_update(fd, max_size, &hash);
	if (r < 0) {
		return r;
	}
	crypto_hash_sha256_final(&hash, bytes);
	sodium_bin2hex(ret, DIGEST_SIZE, bytes, sizeof(bytes));
	return 0;
}
