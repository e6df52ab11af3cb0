/* SPDX-License-Identifier: MIT */
/*
 * Signatures of minisign, by libsodium: Ed25519 over the bytes (legacy) or over their BLAKE2b-512,
 * and once more over that signature and the trusted comment, so that neither can be put beside
 * another file. Only what holds in both counts as good. minisign(1), "signature format".
 */
#include "dfud/signature.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <sodium.h>

#include "config/minisign.h"
#include "config/settings.h"
#include "dfud/sidecar.h"
#include "dfud/snapshot.h"

static_assert(sizeof(((struct public_key *)0)->key) == crypto_sign_PUBLICKEYBYTES, "Ed25519");
static_assert(sizeof(((struct minisign *)0)->signature) == crypto_sign_BYTES, "Ed25519");

/* The bytes that the signature is over: the file's own, or in hash their digest. */
struct signature_message {
	const uint8_t *bytes;
	size_t size;
	uint8_t hash[crypto_generichash_BYTES_MAX];
};

static bool signature_fits(const struct minisign *m, const struct signature_message *message,
	const struct public_key *key)
{
	uint8_t global[sizeof(m->signature) + MINISIGN_MAX];

	memcpy(global, m->signature, sizeof(m->signature));
	memcpy(global + sizeof(m->signature), m->trusted_comment, m->n_trusted_comment);
	return crypto_sign_verify_detached(m->signature, message->bytes, message->size, key->key) ==
		       0 &&
	       crypto_sign_verify_detached(m->global_signature, global,
		       sizeof(m->signature) + m->n_trusted_comment, key->key) == 0;
}

static enum signature_state signature_judge(
	const struct minisign *m, const struct settings *settings, const void *bytes, size_t size)
{
	struct signature_message message = {.bytes = bytes, .size = size};
	enum signature_state state = SIGNATURE_UNKNOWN_KEY;

	if (m->is_prehashed) {
		crypto_generichash(message.hash, sizeof(message.hash), bytes, size, NULL, 0);
		message.bytes = message.hash;
		message.size = sizeof(message.hash);
	}
	for (size_t i = 0; i < settings->n_keys && state != SIGNATURE_GOOD; i++) {
		const struct public_key *key = &settings->keys[i];

		if (memcmp(key->id, m->key_id, sizeof(m->key_id)) == 0) {
			state = signature_fits(m, &message, key) ? SIGNATURE_GOOD : SIGNATURE_WRONG;
		}
	}
	return state;
}

/* A file of no bytes cannot be mapped. */
static int signature_judge_snapshot(struct signature *ret, const struct snapshot *snapshot,
	const struct minisign *m, const struct settings *settings)
{
	const size_t size = (size_t)snapshot->size;
	void *bytes;

	if (size == 0) {
		ret->state = signature_judge(m, settings, "", 0);
		return 0;
	}
	bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, snapshot->fd, 0);
	if (bytes == MAP_FAILED) {
		return -errno;
	}
	ret->state = signature_judge(m, settings, bytes, size);
	(void)munmap(bytes, size);
	return 0;
}

int signature_check(struct signature *ret, const struct snapshot *snapshot, int folder_fd,
	const char *name, const struct settings *settings)
{
	char text[MINISIGN_MAX + 1];
	const ssize_t n = sidecar_read(folder_fd, name, ".minisig", text, sizeof(text));
	struct minisign m;

	if (n == -ENOENT) {
		ret->state = SIGNATURE_MISSING;
		return 0;
	}
	if (n == -ENXIO || (n >= 0 && !minisign_parse(text, (size_t)n, &m))) {
		ret->state = SIGNATURE_MALFORMED;
		return 0;
	}
	if (n < 0) {
		return (int)n;
	}
	if (sodium_init() < 0) {
		return -EIO;
	}
	memcpy(ret->key_id, m.key_id, sizeof(ret->key_id));
	return signature_judge_snapshot(ret, snapshot, &m, settings);
}
