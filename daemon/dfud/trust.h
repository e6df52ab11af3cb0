/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dfud/sidecar.h"
#include "record/reason.h"

/*
 * Whether a queued file may be flashed as far as its sidecars say: a checksum beside it must agree,
 * and under [Trust] of dfud.conf a signature must hold, and be there where one is required.
 */

struct settings;
struct snapshot;

enum trust_state {
	TRUST_GIVEN,
	TRUST_SOON,    /* not yet: ask again at again_us, or when a sidecar changes */
	TRUST_AWAITED, /* something is missing: ask again when a sidecar changes */
	TRUST_REFUSED, /* the file is wrong, for a reason */
	_TRUST_STATE_MAX,
};

struct trust_question {
	const struct settings *settings;
	int folder_fd;			 /* of the queue */
	const char *name;		 /* of the file in it */
	const struct snapshot *snapshot; /* its bytes */
};

struct trust {
	enum trust_state state;
	enum reason reason;
	int error; /* SOON because of a failure of our own: -errno; else 0 */
	uint64_t again_us;
	char key[17];	/* GIVEN: who signed it, "" where no signature was asked for */
	char text[512]; /* AWAITED, REFUSED: the sentence, with what to do */
};

/* As things are now; SOON only with an error. Blocks as long as hashing takes. */
void trust_judge(struct trust *ret, const struct trust_question *question);

/*
 * The same with patience: sidecars may be on their way or half written, so what does not hold
 * counts only when they have looked the same for Quiet=. seen is what judgements of this file have
 * seen of them so far; times are CLOCK_MONOTONIC.
 */
void trust_judge_patiently(struct trust *ret, const struct trust_question *question,
	struct sidecars *seen, uint64_t now_us);

/* Whether what lies beside the file is not as it was seen. The snapshot is not asked for. */
bool trust_is_news(const struct trust_question *question, const struct sidecars *seen);
