/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A signature file of minisign, NAME.minisig: an untrusted comment, base64 of algorithm, key id and
 * signature, a trusted comment, base64 of the global signature; a line each. Nothing is verified
 * here. Pure.
 */

/* A larger file is none: minisign(1) gives its comments 1024 and 8192 bytes at most. */
#define MINISIGN_MAX 10240

struct minisign {
	bool is_prehashed; /* the signature is over the BLAKE2b-512 of the bytes, else over these */
	uint8_t key_id[8];
	uint8_t signature[64];
	uint8_t global_signature[64]; /* over the signature and the trusted comment */
	const char *trusted_comment;  /* within the text; without prefix, not terminated */
	size_t n_trusted_comment;
};

/* False for anything else; *ret is untouched then. The text must outlive *ret. */
bool minisign_parse(const char *text, size_t size, struct minisign *ret);
