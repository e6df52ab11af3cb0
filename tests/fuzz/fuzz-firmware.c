/* SPDX-License-Identifier: MIT */

/*
 * Everything that reads a firmware file, on any bytes. What must hold for all of them is asserted.
 * Built with libFuzzer it searches (tests/fuzz/soak); with replay.c it replays its corpus, so that
 * what was once found stays an ordinary test.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
