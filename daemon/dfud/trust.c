/* SPDX-License-Identifier: MIT */
/*
 * The judgement over a file by what lies beside it, written out as a policy.
 *
 *   1. A checksum that is there must agree.
 *   2. Without Keys= no signature is looked at. With Keys= one that is there must hold.
 *   3. With RequireSignature=yes a file waits for its signature until it is there and may be read.
 *
 * Patience: the look at the sidecars comes after they were read, so a sidecar that changed before
 * or while it was read looks new, and its time begins anew.
 */
#include "dfud/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config/settings.h"
#include "dfud/signature.h"
#include "dfud/snapshot.h"
#include "record/fields.h"

/* A failure of our own: rather late than often. */
#define TRUST_PAUSE_US 60000000
#define TRUST_SHOWN    64

static void trust_refuse(struct trust *ret, enum reason reason)
{
	ret->state = TRUST_REFUSED;
	ret->reason = reason;
}

static void trust_await(struct trust *ret)
{
	ret->state = TRUST_AWAITED;
	ret->reason = REASON_SIGNATURE;
}

static void trust_judge_missing(
	struct trust *ret, const struct trust_question *q, const char *shown)
{
	if (!q->settings->require_signature) {
		return;
	}
	trust_await(ret);
	if (strlen(q->name) + strlen(".minisig") > NAME_MAX) {
		snprintf(ret->text, sizeof(ret->text),
			"%s waits for its signature, but its name leaves no room for .minisig: "
			"give it a shorter one",
			shown);
		return;
	}
	snprintf(ret->text, sizeof(ret->text), "%s waits for its signature %s.minisig", shown,
		shown);
}

static void trust_judge_signature(struct trust *ret, const struct trust_question *q,
	const struct signature *signature, const char *shown)
{
	char key[PUBLIC_KEY_ID_TEXT] = "";

	switch (signature->state) {
	case SIGNATURE_GOOD:
		public_key_show_id(signature->key_id, ret->key);
		return;
	case SIGNATURE_MISSING:
		trust_judge_missing(ret, q, shown);
		return;
	case SIGNATURE_MALFORMED:
		trust_refuse(ret, REASON_SIGNATURE);
		snprintf(ret->text, sizeof(ret->text),
			"%s.minisig is no signature file of minisign: sign it with minisign -Sm "
			"and drop both again",
			shown);
		return;
	case SIGNATURE_UNKNOWN_KEY:
		trust_refuse(ret, REASON_SIGNATURE);
		public_key_show_id(signature->key_id, key);
		snprintf(ret->text, sizeof(ret->text),
			"%s.minisig was made with key %s, which is not among Keys= in [Trust]: "
			"sign it with one that is, or add that public key, and drop both again",
			shown, key);
		return;
	case SIGNATURE_WRONG:
		trust_refuse(ret, REASON_SIGNATURE);
		snprintf(ret->text, sizeof(ret->text),
			"%s.minisig does not fit it: one of the two was altered or belongs to "
			"another file; copy both again, or sign it anew",
			shown);
		return;
	case _SIGNATURE_STATE_MAX:
		return;
	}
}

static void trust_ask_signature(
	struct trust *ret, const struct trust_question *q, const char *shown)
{
	struct signature signature;
	const int r = signature_check(&signature, q->snapshot, q->folder_fd, q->name, q->settings);

	if (r == -EACCES) {
		trust_await(ret);
		snprintf(ret->text, sizeof(ret->text),
			"%s waits: its signature %s.minisig may not be read by dfud; chmod a+r it",
			shown, shown);
	} else if (r < 0) {
		ret->state = TRUST_SOON;
		ret->error = r;
	} else {
		trust_judge_signature(ret, q, &signature, shown);
	}
}

void trust_judge(struct trust *ret, const struct trust_question *q)
{
	char shown[TRUST_SHOWN + 4];

	*ret = (struct trust){.state = TRUST_GIVEN};
	fields_show(q->name, shown, TRUST_SHOWN);
	if (!sidecar_agrees(q->folder_fd, q->name, q->snapshot->sha256)) {
		trust_refuse(ret, REASON_DAMAGED);
		snprintf(ret->text, sizeof(ret->text),
			"its SHA-256 is not the one in the .sha256 file beside it; copy both "
			"again");
	} else if (q->settings->n_keys > 0) {
		trust_ask_signature(ret, q, shown);
	}
}

/* Only these are looked at, in the order of arrival_sidecars: the checksum, then the signature. */
static size_t trust_kinds(const struct trust_question *q)
{
	return q->settings->n_keys > 0 ? 2 : 1;
}

void trust_judge_patiently(
	struct trust *ret, const struct trust_question *q, struct sidecars *seen, uint64_t now_us)
{
	const uint64_t quiet_us = q->settings->quiet_ms * 1000;

	trust_judge(ret, q);
	(void)sidecars_look(seen, q->folder_fd, q->name, trust_kinds(q), now_us);
	if (ret->error < 0) {
		ret->again_us = now_us + TRUST_PAUSE_US;
	} else if (ret->state != TRUST_GIVEN && now_us - seen->since_us < quiet_us) {
		ret->state = TRUST_SOON;
		ret->again_us = seen->since_us + quiet_us;
	}
}

bool trust_is_news(const struct trust_question *q, const struct sidecars *seen)
{
	struct sidecars now = *seen;

	return sidecars_look(&now, q->folder_fd, q->name, trust_kinds(q), 1);
}
