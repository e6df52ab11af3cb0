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
#include "firmware/program.h"
#include "firmware/resident.h"
#include "firmware/vector.h"
#include "firmware/wrapper.h"

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

static void fuzz_wrapper(const uint8_t *bytes, size_t size)
{
	enum wrapper wrapper = wrapper_find(bytes, size);
	struct vector_facts facts;

	assert((wrapper == WRAPPER_NONE) == !wrapper_to_string(wrapper));
	vector_judge(bytes, size, &facts);
	assert(wrapper == WRAPPER_NONE || facts.certainty == VECTOR_NO_TABLE);
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
	assert(dictionary_usb_identity(bytes, size, &vendor, &product) != DICTIONARY_USB_ONE ||
		vendor != 0);
}

static void fuzz_text(const struct program *program)
{
	char text[PROGRAM_TEXT_MAX];

	assert(memchr(program->name, 0, sizeof(program->name)));
	assert(memchr(program->version, 0, sizeof(program->version)));
	assert(memchr(program->mcu, 0, sizeof(program->mcu)));
	assert(program_kind_to_string(program->kind));
	assert((program->kind == PROGRAM_UNKNOWN) == (program->name[0] == '\0'));
	program_describe(program, text, sizeof(text));
	assert(strlen(text) < sizeof(text) - 1);
}

/* A file whose address is known is what the same bytes are at that address. */
static void fuzz_program(const uint8_t *bytes, size_t size)
{
	struct program program, at;
	struct vector_facts facts;

	program_identify(&program, bytes, size);
	fuzz_text(&program);
	vector_judge(bytes, size, &facts);
	if (facts.certainty >= VECTOR_LIKELY && facts.base >= 0x08000000) {
		program_identify_at(&at, bytes, size, facts.base);
		assert(memcmp(&program, &at, sizeof(at)) == 0);
	}
}

static void fuzz_next(const struct resident *resident, size_t size, uint32_t address)
{
	size_t n, i;
	const uint32_t *places = vector_places(&n);

	assert(resident->size == resident->next);
	assert(resident->next > 0 && resident->next + 64 <= size);
	for (i = 0; i < n; i++) {
		if (places[i] == vector_offset(address + resident->next)) {
			break;
		}
	}
	assert(i < n);
	fuzz_text(&resident->next_program);
}

static void fuzz_kind(const struct resident *resident, bool starts)
{
	enum program_kind program = resident->program.kind;

	switch (resident->kind) {
	case RESIDENT_NONE:
		assert(!starts && program == PROGRAM_UNKNOWN);
		return;
	case RESIDENT_PROGRAM:
		assert(starts && program == PROGRAM_APPLICATION);
		return;
	case RESIDENT_LOADER:
		assert(starts && program != PROGRAM_APPLICATION);
		assert(program == PROGRAM_LOADER || resident->has_next);
		return;
	case RESIDENT_FOREIGN:
		assert(starts && program == PROGRAM_UNKNOWN && !resident->has_next);
		return;
	case _RESIDENT_KIND_MAX:
	case _RESIDENT_KIND_INVALID:
		break;
	}
	abort();
}

static void fuzz_resident(const uint8_t *bytes, size_t size)
{
	static const uint32_t addresses[] = {
		0x08000000, 0, 0x00200000, 0x08000800, 0x08020000, 0x90000000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct resident resident;
		char text[RESIDENT_TEXT_MAX];

		resident_judge(&resident, bytes, size, addresses[i]);
		fuzz_kind(&resident, size >= 8 && vector_bootable(bytes));
		fuzz_text(&resident.program);
		if (resident.has_next) {
			fuzz_next(&resident, size, addresses[i]);
		} else {
			assert(resident.size == size);
		}
		assert(!resident.blank || resident.kind == RESIDENT_NONE);
		resident_describe(&resident, text, sizeof(text));
		assert(text[0] != '\0' && strlen(text) < sizeof(text) - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	fuzz_image(bytes, size);
	fuzz_wrapper(bytes, size);
	fuzz_program(bytes, size);
	fuzz_resident(bytes, size);
	fuzz_vector(bytes, size);
	fuzz_dictionary(bytes, size);
	return 0;
}
