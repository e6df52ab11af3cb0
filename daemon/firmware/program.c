/* SPDX-License-Identifier: MIT */

/*
 * Three ways in which a program says what it is.
 *
 * A data dictionary is Klipper's, whatever name its "app" has; builds of 2021 have none, and are
 * told by their MCU and version (dfu.md 7.6).
 *
 * A text that the program has to hold for others to read: the answer to M115 of Marlin (M115.cpp)
 * and RepRapFirmware (GCodes2.cpp), the file INFO_UF2.TXT of a UF2 boot loader (the UF2 format,
 * "files exposed by bootloaders"), the banner of MCUboot (boot_banner.c of Zephyr). A program that
 * looks for such a text in others has a piece of it, never all pieces in one text, so they are
 * asked for.
 *
 * Katapult has eight bytes before its reset handler, so that applications can find it
 * (armcm_canboot.c). Applications that look for it hold the same bytes, elsewhere.
 */

#include "firmware/program.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "firmware/dictionary.h"
#include "firmware/vector.h"

#define PROGRAM_MARK_TEXT     256
#define PROGRAM_MARK_N_REST   2
#define PROGRAM_KATAPULT      "CanBoot!"
#define PROGRAM_KATAPULT_SIZE 8

struct program_mark {
	const char *opening;		       /* right before the version */
	const char *ends;		       /* characters that end the version */
	const char *rest[PROGRAM_MARK_N_REST]; /* later in the same text, in this order */
	const char *name;
	enum program_kind kind;
};

static const struct program_mark program_marks[] = {
	{"UF2 Bootloader ", " \r\n", {"\nModel: ", "\nBoard-ID: "}, "UF2 boot loader",
		PROGRAM_LOADER},
	{"*** Booting MCUboot ", " \r\n", {" ***"}, "MCUboot", PROGRAM_LOADER},
	{"FIRMWARE_NAME:Marlin ", "(\r\n", {" SOURCE_CODE_URL:"}, "Marlin", PROGRAM_APPLICATION},
	{"FIRMWARE_NAME: %s FIRMWARE_VERSION: %s", " ", {" ELECTRONICS: %s"}, "RepRapFirmware",
		PROGRAM_APPLICATION},
};

static bool program_is_visible(char c)
{
	return c >= ' ' && c <= '~';
}

/* The text at the start of bytes, up to the first byte that is none. */
static void program_read_text(char ret[static PROGRAM_MARK_TEXT], const uint8_t *bytes, size_t size)
{
	size_t n;

	for (n = 0; n < size && n + 1 < PROGRAM_MARK_TEXT; n++) {
		if (!program_is_visible(bytes[n]) && bytes[n] != '\r' && bytes[n] != '\n') {
			break;
		}
		ret[n] = bytes[n];
	}
	ret[n] = '\0';
}

/* Where the version ends at the latest; NULL where a further piece is missing. */
static const char *program_find_rest(const struct program_mark *mark, const char *text)
{
	const char *first = text + strlen(text);
	const char *at = text;

	for (size_t i = 0; i < PROGRAM_MARK_N_REST && mark->rest[i]; i++) {
		at = strstr(at, mark->rest[i]);
		if (!at) {
			return NULL;
		}
		first = i == 0 ? at : first;
	}
	return first;
}

static bool program_take_mark(
	struct program *ret, const struct program_mark *mark, const uint8_t *bytes, size_t size)
{
	char text[PROGRAM_MARK_TEXT];
	const char *rest;
	size_t n;

	program_read_text(text, bytes, size);
	rest = program_find_rest(mark, text);
	if (!rest) {
		return false;
	}
	n = strcspn(text, mark->ends);
	n = n < (size_t)(rest - text) ? n : (size_t)(rest - text);
	while (n > 0 && text[n - 1] == ' ') {
		n--;
	}
	ret->kind = mark->kind;
	snprintf(ret->name, sizeof(ret->name), "%s", mark->name);
	n = n < sizeof(ret->version) ? n : sizeof(ret->version) - 1;
	memcpy(ret->version, text, n);
	return true;
}

static bool program_find_mark(
	struct program *ret, const struct program_mark *mark, const uint8_t *bytes, size_t size)
{
	size_t n = strlen(mark->opening);
	const uint8_t *end = bytes + size;
	const uint8_t *at = bytes;

	while ((at = memmem(at, end - at, mark->opening, n))) {
		at += n;
		if (program_take_mark(ret, mark, at, end - at)) {
			return true;
		}
	}
	return false;
}

static bool program_find_text(struct program *ret, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < sizeof(program_marks) / sizeof(*program_marks); i++) {
		if (program_find_mark(ret, &program_marks[i], bytes, size)) {
			return true;
		}
	}
	return false;
}

static bool program_find_dictionary(struct program *ret, const uint8_t *bytes, size_t size)
{
	struct dictionary found;

	if (!dictionary_find(&found, bytes, size) || (!found.app[0] && !found.mcu[0])) {
		return false;
	}
	ret->kind = PROGRAM_APPLICATION;
	snprintf(ret->name, sizeof(ret->name), "%s", found.app[0] ? found.app : "Klipper");
	snprintf(ret->version, sizeof(ret->version), "%s", found.version);
	snprintf(ret->mcu, sizeof(ret->mcu), "%s", found.mcu);
	return true;
}

static bool program_find_katapult(
	struct program *ret, const uint8_t *bytes, size_t size, uint32_t reset)
{
	if (reset < PROGRAM_KATAPULT_SIZE || reset > size ||
		memcmp(bytes + reset - PROGRAM_KATAPULT_SIZE, PROGRAM_KATAPULT,
			PROGRAM_KATAPULT_SIZE) != 0) {
		return false;
	}
	ret->kind = PROGRAM_LOADER;
	snprintf(ret->name, sizeof(ret->name), "Katapult");
	return true;
}

/* Reset is the offset of the reset handler; 0 where it is not known. */
static void program_find(struct program *ret, const uint8_t *bytes, size_t size, uint32_t reset)
{
	memset(ret, 0, sizeof(*ret));
	if (size == 0) {
		return;
	}
	(void)(program_find_dictionary(ret, bytes, size) ||
		program_find_katapult(ret, bytes, size, reset) ||
		program_find_text(ret, bytes, size));
}

void program_identify(struct program *ret, const uint8_t *bytes, size_t size)
{
	struct vector_facts facts;
	uint32_t reset = 0;

	assert(ret);
	assert(bytes || size == 0);

	vector_judge(bytes, size, &facts);
	if (facts.certainty == VECTOR_CERTAIN || facts.certainty == VECTOR_LIKELY) {
		reset = (facts.reset & ~1u) - facts.base;
	}
	program_find(ret, bytes, size, reset);
}

void program_identify_at(struct program *ret, const uint8_t *bytes, size_t size, uint32_t address)
{
	uint32_t reset = 0;

	assert(ret);
	assert(bytes || size == 0);

	if (size >= 8 && vector_bootable(bytes)) {
		reset = vector_offset(vector_reset(bytes)) - vector_offset(address);
	}
	program_find(ret, bytes, size, reset);
}

void program_describe(const struct program *program, char *ret, size_t size)
{
	assert(program && ret && size > 0);

	snprintf(ret, size, "%s%s%s%s%s", program->name, program->version[0] ? " " : "",
		program->version, program->mcu[0] ? " for " : "", program->mcu);
}

const char *program_kind_to_string(enum program_kind kind)
{
	switch (kind) {
	case PROGRAM_UNKNOWN:
		return "unknown";
	case PROGRAM_APPLICATION:
		return "application";
	case PROGRAM_LOADER:
		return "loader";
	case _PROGRAM_KIND_MAX:
	case _PROGRAM_KIND_INVALID:
		break;
	}
	return NULL;
}
