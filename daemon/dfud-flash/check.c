/* SPDX-License-Identifier: MIT */
/*
 * The file's side of the checks before the first erase (design 4.5): what the file is, and whether
 * its vector table agrees with the address. Only a certain mismatch refuses a file that a person's
 * profile asks for; under a shipped profile everything but a certain match does.
 */
#include "dfud-flash/check.h"

#include <inttypes.h>
#include <stdio.h>

#include "dfu/chip.h"

int check_read(
	struct check_file *ret, const char *name, const uint8_t *bytes, size_t size, bool as_saved)
{
	int r;

	*ret = (struct check_file)CHECK_FILE_INIT;
	ret->name = name;
	ret->as_saved = as_saved && size > 0;
	r = ret->as_saved ? image_take_raw(&ret->image, bytes, size)
			  : image_parse(&ret->image, bytes, size, &ret->fault);
	if (r < 0 || ret->fault != IMAGE_GOOD) {
		return r;
	}
	vector_judge(bytes, size, &ret->vector);
	(void)dictionary_find(&ret->dictionary, bytes, size);
	program_identify(&ret->program, bytes, size);
	ret->usb = dictionary_usb_identity(bytes, size, &ret->usb_vendor, &ret->usb_product);
	return 0;
}

void check_done(struct check_file *file)
{
	image_done(&file->image);
}

void check_about(const struct check_file *file, char *ret, size_t size)
{
	program_describe(&file->program, ret, size);
}

static const char *check_fault_advice(enum image_fault fault)
{
	switch (fault) {
	case IMAGE_EMPTY:
		return "holds nothing: build or download it again";
	case IMAGE_TEXT:
		return "is a text file, not firmware: look for the .bin that the build made";
	case IMAGE_HTML:
		return "is a web page: the download went wrong, get the file itself (\"raw\", "
		       "\"download\")";
	case IMAGE_COMPRESSED:
		return "cannot be flashed as it is: unpack it and drop the firmware file that is "
		       "inside";
	case IMAGE_DAMAGED:
		return "is damaged: its own check does not hold; get it again";
	case IMAGE_FORMAT:
		return "this version does not read: make a raw .bin of it (objcopy -O binary)";
	case IMAGE_GOOD:
	case _IMAGE_FAULT_MAX:
	case _IMAGE_FAULT_INVALID:
		break;
	}
	return "is good";
}

enum reason check_itself(const struct check_file *file, char *text, size_t size)
{
	if (file->fault == IMAGE_COMPRESSED || file->fault == IMAGE_FORMAT) {
		snprintf(text, size, "it is %s, which %s", file->image.kind,
			check_fault_advice(file->fault));
		return reason_from_string(image_fault_to_string(file->fault));
	}
	if (file->fault != IMAGE_GOOD) {
		snprintf(text, size, "it %s", check_fault_advice(file->fault));
		return reason_from_string(image_fault_to_string(file->fault));
	}
	if (file->as_saved) {
		return REASON_NONE;
	}
	if (file->vector.truncated) {
		snprintf(text, size,
			"%s is cut off: its vector table names code behind the end of the file (at "
			"0x%08" PRIx32 ", and there are only %zu bytes); copy it again",
			file->name, file->vector.highest, file->image.size);
		return REASON_TRUNCATED;
	}
	if (file->vector.cut || file->dictionary.truncated) {
		snprintf(text, size,
			"%s is cut off: %s behind the end of the file (%zu bytes); copy it again",
			file->name,
			file->vector.cut ? "its code calls functions"
					 : "its data dictionary runs on",
			file->image.size);
		return REASON_TRUNCATED;
	}
	return REASON_NONE;
}

static enum reason check_no_address(const struct check_file *file, char *text, size_t size)
{
	snprintf(text, size,
		"%s does not say where it belongs; set Address= in [Image] of a profile of your "
		"own in /etc/dfud/boards.d, or give --address",
		file->name);
	return REASON_UNKNOWN_IMAGE;
}

static enum reason check_mismatch(
	const struct check_file *file, uint32_t address, char *text, size_t size)
{
	const bool known = file->vector.certainty == VECTOR_CERTAIN;
	char linked[32] = "another address";

	if (known) {
		snprintf(linked, sizeof(linked), "0x%08" PRIx32, file->vector.base);
	}
	snprintf(text, size,
		"%s is linked for %s and would not start at 0x%08" PRIx32
		"; either write it where it belongs (Address=%s in a profile of your own in "
		"/etc/dfud/boards.d) or build it for "
		"0x%08" PRIx32,
		file->name, linked, address, known ? linked : "...", address);
	return REASON_LINK_ADDRESS;
}

static enum reason check_truncated(const struct check_file *file, char *text, size_t size)
{
	snprintf(text, size,
		"%s is cut off: its reset vector 0x%08" PRIx32
		" lies behind the end of the file (%zu bytes); copy it again",
		file->name, file->vector.reset, file->image.size);
	return REASON_TRUNCATED;
}

static enum reason check_unproven(
	const struct check_file *file, uint32_t address, char *text, size_t size)
{
	snprintf(text, size,
		"it is not certain that %s belongs at 0x%08" PRIx32
		" (%s); if you know that it does, say so in a profile of your own in "
		"/etc/dfud/boards.d: Id= and Port= in [Match], File=%s and "
		"Address=0x%08" PRIx32 " in [Image]",
		file->name, address,
		file->vector.certainty == VECTOR_NO_TABLE
			? "it has no vector table: encrypted, wrapped, or no Cortex-M program"
			: "its vector table does not tell",
		file->name, address);
	return REASON_UNKNOWN_IMAGE;
}

/* Whether what is known of the link address allows the address. */
static enum reason check_fit(
	const struct check_file *file, uint32_t address, bool certain, char *text, size_t size)
{
	switch (vector_fit(&file->vector, file->image.size, address)) {
	case VECTOR_MISMATCH:
		return check_mismatch(file, address, text, size);
	case VECTOR_TRUNCATED:
		return check_truncated(file, text, size);
	case VECTOR_UNDECIDED:
		if (certain) {
			return check_unproven(file, address, text, size);
		}
		break;
	case VECTOR_FITS:
	case _VECTOR_FIT_MAX:
	case _VECTOR_FIT_INVALID:
		break;
	}
	return REASON_NONE;
}

enum reason check_address(struct check_file *file, bool has_address, uint32_t address, bool certain,
	uint32_t *ret_address, char *text, size_t size)
{
	enum reason reason = REASON_NONE;

	if (!has_address && (file->as_saved || file->vector.certainty != VECTOR_CERTAIN)) {
		return check_no_address(file, text, size);
	}
	*ret_address = has_address ? address : file->vector.base;
	if (!file->as_saved) {
		reason = check_fit(file, *ret_address, certain, text, size);
	}
	if (reason == REASON_NONE && !image_place(&file->image, *ret_address)) {
		snprintf(text, size, "%s does not fit below 4 GiB at 0x%08" PRIx32, file->name,
			*ret_address);
		return REASON_OUTSIDE_MAP;
	}
	return reason;
}

/* What the vector table says of the address, where that is not certain. */
static enum finding_result check_guess_finding(
	const struct vector_facts *vector, uint32_t address, char *text, size_t size)
{
	switch (vector->certainty) {
	case VECTOR_CERTAIN: /* perhaps another name of the same place, as many chips have */
		snprintf(text, size,
			"0x%08" PRIx32 ", which is 0x%08" PRIx32
			", where it was linked, only if the chip shows its flash there, too",
			address, vector->base);
		return FINDING_UNKNOWN;
	case VECTOR_LIKELY:
		if (vector->base == address) {
			snprintf(text, size, "0x%08" PRIx32 ", where it was probably linked",
				address);
			return FINDING_GOOD;
		}
		snprintf(text, size,
			"0x%08" PRIx32 ", but it was probably linked for 0x%08" PRIx32
			" and would not start there; is Address= right?",
			address, vector->base);
		return FINDING_WARNING;
	case VECTOR_UNKNOWN:
		snprintf(text, size,
			"0x%08" PRIx32 "; its vector table does not tell where it was linked",
			address);
		return FINDING_UNKNOWN;
	case VECTOR_NO_TABLE:
	case _VECTOR_CERTAINTY_MAX:
	case _VECTOR_CERTAINTY_INVALID:
		break;
	}
	snprintf(text, size,
		"0x%08" PRIx32 "; it has no vector table that could tell where it was linked",
		address);
	return FINDING_UNKNOWN;
}

enum finding_result check_address_finding(
	const struct check_file *file, bool has_address, uint32_t address, char *text, size_t size)
{
	if (file->as_saved) {
		snprintf(text, size, "0x%08" PRIx32 ", where it was saved from", address);
		return FINDING_GOOD;
	}
	if (file->vector.certainty != VECTOR_CERTAIN || file->vector.base != address) {
		return check_guess_finding(&file->vector, address, text, size);
	}
	snprintf(text, size, "0x%08" PRIx32 ", where it was linked for certain%s", address,
		has_address ? "" : " (no address is set, so this one is taken)");
	return FINDING_GOOD;
}

static enum finding_result check_stack(
	const struct check_file *file, const struct chip *chip, char *text, size_t size)
{
	if (file->vector.certainty == VECTOR_NO_TABLE && file->program.mcu[0] != '\0') {
		snprintf(text, size, "%s; the file says that it was built for %s",
			chip->description, file->program.mcu);
		return FINDING_GOOD;
	}
	if (file->vector.certainty == VECTOR_NO_TABLE) {
		snprintf(text, size, "%s; nothing in the file says what it was built for",
			chip->description);
		return FINDING_UNKNOWN;
	}
	if (chip_has_stack(chip, file->vector.stack)) {
		snprintf(text, size, "%s; the file's stack (0x%08" PRIx32 ") lies in its RAM",
			chip->description, file->vector.stack);
		return FINDING_GOOD;
	}
	snprintf(text, size,
		"%s was built for another chip: its stack begins at 0x%08" PRIx32
		", which is beyond the RAM of this one (%s); build it for this board",
		file->name, file->vector.stack, chip->description);
	return FINDING_REFUSED;
}

enum finding_result check_chip(
	const struct check_file *file, const struct chip *chip, char *text, size_t size)
{
	if (chip == NULL) {
		snprintf(text, size, "which chip this is cannot be told from its memory");
		return FINDING_UNKNOWN;
	}
	if (file->program.mcu[0] != '\0' && !chip_is_mcu(chip, file->program.mcu)) {
		snprintf(text, size,
			"%s was built for %s, and this board is another chip (%s); build it for "
			"this board",
			file->name, file->program.mcu, chip->description);
		return FINDING_REFUSED;
	}
	return check_stack(file, chip, text, size);
}
