/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Keys and signatures as minisign(1) itself makes them: a judge that is not ours. Each function
 * runs the program in a folder and ends the test (abort) where it does not do what it should.
 */

/* False where there is no such program: then nothing here may be called. */
bool signer_is_there(void);

/* FOLDER/KEY.pub and FOLDER/KEY.key, without a password; ret_public is the text for Keys=. */
void signer_make_key(const char *folder, const char *key, char ret_public[static 57]);

/* FOLDER/FILE.minisig, with FOLDER/KEY.key; legacy: over the bytes, not over their hash. */
void signer_sign(const char *folder, const char *key, const char *file, bool legacy);
