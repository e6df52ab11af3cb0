/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * Whether the signature beside a queued file, NAME.minisig, holds for its bytes under one of the
 * keys that a person trusts ([Trust] Keys= of dfud.conf).
 */

struct settings;
struct snapshot;

enum signature_state {
	SIGNATURE_GOOD,
	SIGNATURE_MISSING,     /* no sidecar */
	SIGNATURE_MALFORMED,   /* a sidecar that minisign did not write */
	SIGNATURE_UNKNOWN_KEY, /* made with a key that is none of ours */
	SIGNATURE_WRONG,       /* file, signature or trusted comment were altered */
	_SIGNATURE_STATE_MAX,
};

struct signature {
	enum signature_state state;
	uint8_t key_id[8]; /* that the sidecar names; unset for MISSING and MALFORMED */
};

/*
 * Checks the very bytes of the snapshot. 0; -EACCES where the sidecar may not be read; another
 * -errno for failures of our own. Blocks as long as hashing takes.
 */
int signature_check(struct signature *ret, const struct snapshot *snapshot, int folder_fd,
	const char *name, const struct settings *settings);
