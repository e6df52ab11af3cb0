/* SPDX-License-Identifier: MIT */

/*
 * Everything that reads a firmware file, on any bytes. What must hold for all of them is asserted.
 * Built with a fuzzer's own main it searches; with the main below it replays files and folders, so
 * that what was once found stays an ordinary test. To search, from the top of the tree:
 *
 *   clang -g -O1 -D_GNU_SOURCE -DFUZZ_HAS_MAIN -fsanitize=fuzzer,address,undefined -Idaemon \
 *           tests/fuzz/fuzz-firmware.c daemon/firmware/[a-z]*.c -lz -ljson-c -o fuzz
 */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "firmware/dictionary.h"
#include "firmware/image.h"
#include "firmware/vector.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void fuzz_image(const uint8_t *bytes, size_t size)
{
	struct image image = IMAGE_INIT;
	enum image_fault fault = _IMAGE_FAULT_INVALID;
	int r = image_parse(&image, bytes, size, &fault);

	assert(r == 0);
	assert(image_fault_to_string(fault));
	assert(image.kind);
	assert((fault == IMAGE_GOOD) == (image.n_segments == 1));
	if (fault == IMAGE_GOOD) {
		assert(image.segments[0].data == bytes && image.segments[0].size == size);
		assert(image_place(&image, 0x08000000));
		assert(!image_place(&image, UINT32_MAX));
	}
	image_done(&image);
}

static void fuzz_certain(const struct vector_facts *facts, size_t size)
{
	assert(facts->base % 0x100 == 0);
	assert(facts->lowest >= facts->base && facts->highest - facts->base < size);
	assert(!facts->truncated);
	assert(vector_fit(facts, size, facts->base) == VECTOR_FITS);
	assert(vector_fit(facts, size, facts->base + 0x100) == VECTOR_MISMATCH);
}

static void fuzz_vector(const uint8_t *bytes, size_t size)
{
	static const uint32_t addresses[] = {
		0, 0x08000000, 0x08008000, 0x00200000, 0x90000000, UINT32_MAX};
	struct vector_facts facts;

	vector_judge(bytes, size, &facts);
	if (facts.certainty == VECTOR_CERTAIN) {
		fuzz_certain(&facts, size);
	}
	if (facts.certainty != VECTOR_NO_TABLE) {
		assert(vector_bootable(bytes));
		assert(facts.lowest <= facts.highest);
	}
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		enum vector_fit fit = vector_fit(&facts, size, addresses[i]);

		assert(vector_fit_to_string(fit));
		assert(fit != VECTOR_FITS || facts.base == addresses[i]);
		assert(fit == VECTOR_UNDECIDED || facts.certainty != VECTOR_NO_TABLE);
	}
}

static void fuzz_dictionary(const uint8_t *bytes, size_t size)
{
	struct dictionary found;
	uint16_t vendor = 0, product;

	if (dictionary_find(&found, bytes, size)) {
		assert(found.end > 0 && found.end <= size);
		assert(found.version[0] != '\0' && !found.truncated);
	} else {
		assert(found.end == 0 && found.version[0] == '\0');
	}
	assert(!dictionary_usb_identity(bytes, size, &vendor, &product) || vendor != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	fuzz_image(bytes, size);
	fuzz_vector(bytes, size);
	fuzz_dictionary(bytes, size);
	return 0;
}

#ifndef FUZZ_HAS_MAIN

static int fuzz_replay_file(const char *path)
{
	FILE *stream = fopen(path, "rbe");
	size_t most = 1 << 20;
	uint8_t *bytes = malloc(most);
	size_t size;

	if (!stream || !bytes) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	size = fread(bytes, 1, most, stream);
	(void)fclose(stream);
	bytes = realloc(bytes, size ? size : 1);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return 1;
}

/* How many files were replayed. */
static int fuzz_replay(const char *path)
{
	struct dirent **names;
	struct stat st;
	int n_files = 0, n;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		return fuzz_replay_file(path);
	}
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char file[4096];

		(void)snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			n_files += fuzz_replay(file);
		}
		free(names[i]);
	}
	if (n >= 0) {
		free(names);
	}
	return n_files;
}

int main(int argc, char **argv)
{
	int n_files = 0;

	for (int i = 1; i < argc; i++) {
		n_files += fuzz_replay(argv[i]);
	}
	printf("%d files replayed\n", n_files);
	return n_files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
