/* SPDX-License-Identifier: MIT */

/*
 * Recognises a file by content, in an order in which no earlier test can take what belongs to a
 * later one: blank, formats with a strong magic, the DFU suffix (DFU 1.1, appendix B), containers
 * and compressed files, other kinds of file, the line formats, web pages, text; what is left is
 * raw, with the name of its wrapper where it has one that can be told.
 *
 * A raw image must never be taken for anything else. Its first word is a stack pointer, a multiple
 * of four in a RAM window, which no magic below is: where the first byte of a magic is a multiple
 * of four its fourth byte is no RAM address. A vendor-encrypted image is random: a magic of four
 * bytes or more meets it once in 2^32, and shorter magics ask for further fields.
 *
 * The text test reads the whole file and wants not one control byte but tab, line feed, form feed,
 * carriage return and escape, and at most three bytes in ten above 0x7e. Every vector into flash
 * holds a zero or a backspace (0x08), so the first 16 bytes of a real image fail it. Random bytes
 * pass a byte with 0.9 and are above 0x7e every other time: below 2^-60 from 256 bytes on.
 * Containers that open with a header in ASCII have binary data behind it, which is why the
 * beginning alone is not asked. UTF-8 and Latin-1 pages stay well below three in ten; other scripts
 * carry a byte order mark or are valid UTF-8, which is the other way to pass.
 */

#include "firmware/sniff.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "firmware/wrapper.h"

#define SNIFF_SUFFIX_SIZE 16

struct sniff_magic {
	size_t offset;
	const char *bytes;
	size_t size;
	enum image_fault fault;
	const char *kind;
};

#define SNIFF_MAGIC(offset, text, fault, kind)                                                     \
	{                                                                                          \
		offset, text, sizeof(text) - 1, fault, kind                                        \
	}

static const struct sniff_magic sniff_magics[] = {
	SNIFF_MAGIC(0,
		"\x7f"
		"ELF",
		IMAGE_FORMAT, "ELF"),
	SNIFF_MAGIC(0, "UF2\n\x57\x51\x5d\x9e", IMAGE_FORMAT, "UF2"),
	SNIFF_MAGIC(0, "\x27\x05\x19\x56", IMAGE_FORMAT, "U-Boot image"),
	SNIFF_MAGIC(0, "\xd0\x0d\xfe\xed", IMAGE_FORMAT, "device tree or FIT image"),
	SNIFF_MAGIC(0, "\xcf\xfa\xed\xfe", IMAGE_FORMAT, "Mach-O"),
	SNIFF_MAGIC(0, "%PDF-", IMAGE_FORMAT, "PDF document"),
	SNIFF_MAGIC(0, "\x89PNG\r\n\x1a\n", IMAGE_FORMAT, "PNG picture"),
	SNIFF_MAGIC(0, "\xff\xd8\xff\xe0", IMAGE_FORMAT, "JPEG picture"),
	SNIFF_MAGIC(0, "\xff\xd8\xff\xe1", IMAGE_FORMAT, "JPEG picture"),
	SNIFF_MAGIC(0, "GIF8", IMAGE_FORMAT, "GIF picture"),
	SNIFF_MAGIC(0, "\x1f\x8b\x08", IMAGE_COMPRESSED, "gzip"),
	SNIFF_MAGIC(0, "PK\x03\x04", IMAGE_COMPRESSED, "zip archive"),
	SNIFF_MAGIC(0, "PK\x05\x06", IMAGE_COMPRESSED, "empty zip archive"),
	SNIFF_MAGIC(0,
		"\xfd"
		"7zXZ\0",
		IMAGE_COMPRESSED, "xz"),
	SNIFF_MAGIC(0, "\x28\xb5\x2f\xfd", IMAGE_COMPRESSED, "zstd"),
	SNIFF_MAGIC(4, "1AY&SY", IMAGE_COMPRESSED, "bzip2"),
	SNIFF_MAGIC(0, "7z\xbc\xaf\x27\x1c", IMAGE_COMPRESSED, "7z archive"),
	SNIFF_MAGIC(0, "Rar!\x1a\x07", IMAGE_COMPRESSED, "rar archive"),
	SNIFF_MAGIC(0, "\x04\x22\x4d\x18", IMAGE_COMPRESSED, "lz4"),
	SNIFF_MAGIC(0, "MSCF\0\0\0\0", IMAGE_COMPRESSED, "cabinet archive"),
	SNIFF_MAGIC(0, "!<arch>\n", IMAGE_COMPRESSED, "ar archive"),
	SNIFF_MAGIC(257, "ustar", IMAGE_COMPRESSED, "tar archive"),
};

static uint32_t sniff_u32(const uint8_t *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool sniff_is_blank(const uint8_t *bytes, size_t size)
{
	if (size == 0) {
		return true;
	}
	if (bytes[0] != 0x00 && bytes[0] != 0xff) {
		return false;
	}
	return memcmp(bytes, bytes + 1, size - 1) == 0;
}

static const struct sniff_magic *sniff_find_magic(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < sizeof(sniff_magics) / sizeof(*sniff_magics); i++) {
		const struct sniff_magic *magic = &sniff_magics[i];

		if (size >= magic->offset + magic->size &&
			memcmp(bytes + magic->offset, magic->bytes, magic->size) == 0) {
			return magic;
		}
	}
	return NULL;
}

static bool sniff_has_suffix(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = bytes + size;

	return size >= SNIFF_SUFFIX_SIZE && memcmp(end - 8, "UFD", 3) == 0 &&
	       end[-5] >= SNIFF_SUFFIX_SIZE && end[-5] <= size;
}

/* The suffix's CRC has no final inversion, and in a good file it is the CRC of all before it. */
static bool sniff_suffix_is_good(const uint8_t *bytes, size_t size)
{
	return sniff_has_suffix(bytes, size) &&
	       (uint32_t)~crc32_z(0, bytes, size - 4) == sniff_u32(bytes + size - 4);
}

/* An ESP8266 or ESP32 image: magic, segments, flash mode, and an entry in their instruction RAM. */
static bool sniff_is_esp(const uint8_t *bytes, size_t size)
{
	return size >= 24 && bytes[0] == 0xe9 && bytes[1] >= 1 && bytes[1] <= 16 && bytes[2] <= 5 &&
	       bytes[7] == 0x40;
}

static bool sniff_is_windows_program(const uint8_t *bytes, size_t size)
{
	uint32_t header;

	if (size < 64 || memcmp(bytes, "MZ", 2) != 0) {
		return false;
	}
	header = sniff_u32(bytes + 60);
	return header <= size - 4 && memcmp(bytes + header, "PE\0\0", 4) == 0;
}

static bool sniff_is_hex_digit(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'F') ||
	       (byte >= 'a' && byte <= 'f');
}

static bool sniff_is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Where the first visible character is, behind a UTF-8 byte order mark and blanks. */
static size_t sniff_skip_blanks(const uint8_t *bytes, size_t size)
{
	size_t at = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < size && sniff_is_space(bytes[at])) {
		at++;
	}
	return at;
}

static bool sniff_has_digits(const uint8_t *bytes, size_t size, size_t n)
{
	if (size < n) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (!sniff_is_hex_digit(bytes[i])) {
			return false;
		}
	}
	return true;
}

/* The shortest record, the end of file, is ":00000001FF". */
static bool sniff_is_intel_hex(const uint8_t *line, size_t size)
{
	return size > 1 && line[0] == ':' && sniff_has_digits(line + 1, size - 1, 10);
}

/* The shortest record, a count, is "S5030001FB". */
static bool sniff_is_s_record(const uint8_t *line, size_t size)
{
	return size > 2 && line[0] == 'S' && line[1] >= '0' && line[1] <= '9' &&
	       sniff_has_digits(line + 2, size - 2, 8);
}

static bool sniff_equals_nocase(const uint8_t *bytes, const char *lower, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i];

		if (byte != (uint8_t)lower[i]) {
			return false;
		}
	}
	return true;
}

/* A page may open with comments or an XML declaration, so "<html" may come later than first. */
static bool sniff_is_html(const uint8_t *bytes, size_t size)
{
	static const char *const tags[] = {"<!doctype html", "<html", "<head>", "<body"};
	size_t window = size < 1024 ? size : 1024;

	if (size == 0 || bytes[0] != '<') {
		return false;
	}
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		size_t n = strlen(tags[i]);

		for (size_t at = 0; at + n <= window; at++) {
			if (sniff_equals_nocase(bytes + at, tags[i], n)) {
				return true;
			}
		}
	}
	return false;
}

/* Length of the UTF-8 sequence of two bytes or more at the start of bytes, 0 where there is none.
 */
static size_t sniff_utf8_length(const uint8_t *bytes, size_t size)
{
	size_t n = bytes[0] >= 0xf5   ? 0
		   : bytes[0] >= 0xf0 ? 4
		   : bytes[0] >= 0xe0 ? 3
		   : bytes[0] >= 0xc2 ? 2
				      : 0;

	if (n == 0 || n > size) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return n;
}

static bool sniff_is_control(uint8_t byte)
{
	bool layout = byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r' || byte == 0x1b;

	return (byte < 0x20 && !layout) || byte == 0x7f;
}

static bool sniff_is_text(const uint8_t *bytes, size_t size)
{
	size_t n_high = 0;

	for (size_t at = 0; at < size;) {
		size_t n = bytes[at] < 0x80 ? 1 : sniff_utf8_length(bytes + at, size - at);

		if (sniff_is_control(bytes[at])) {
			return false;
		}
		if (n == 0) {
			n_high++;
			n = 1;
		}
		at += n;
	}
	return n_high <= size / 10 * 3;
}

/* UTF-16 as some editors write it: a byte order mark, then mostly characters below 256. */
static bool sniff_is_utf16(const uint8_t *bytes, size_t size)
{
	size_t n = size < 128 ? size / 2 : 64;
	size_t n_low = 0;
	bool little;

	if (n < 2 || (memcmp(bytes, "\xff\xfe", 2) != 0 && memcmp(bytes, "\xfe\xff", 2) != 0)) {
		return false;
	}
	little = bytes[0] == 0xff;
	for (size_t i = 1; i < n; i++) {
		n_low += bytes[2 * i + little] == 0 && bytes[2 * i + !little] != 0;
	}
	return n_low >= (n - 1) / 2 + 1;
}

static struct sniff sniff_dfu_files(const uint8_t *bytes, size_t size)
{
	bool good = sniff_suffix_is_good(bytes, size);
	enum image_fault fault = good ? IMAGE_FORMAT : IMAGE_DAMAGED;

	if (size >= 6 && memcmp(bytes, "DfuSe\x01", 6) == 0) {
		return (struct sniff){fault, "DfuSe file"};
	}
	if (sniff_has_suffix(bytes, size)) {
		return (struct sniff){fault, "file with a DFU suffix"};
	}
	return (struct sniff){IMAGE_GOOD, NULL};
}

static struct sniff sniff_words(const uint8_t *bytes, size_t size)
{
	size_t skipped = sniff_skip_blanks(bytes, size);
	const uint8_t *line = bytes + skipped;

	if (sniff_is_intel_hex(line, size - skipped)) {
		return (struct sniff){IMAGE_FORMAT, "Intel HEX"};
	}
	if (sniff_is_s_record(line, size - skipped)) {
		return (struct sniff){IMAGE_FORMAT, "Motorola S-record"};
	}
	if (sniff_is_html(line, size - skipped)) {
		return (struct sniff){IMAGE_HTML, "web page"};
	}
	if (sniff_is_text(bytes, size) || sniff_is_utf16(bytes, size)) {
		return (struct sniff){IMAGE_TEXT, "text file"};
	}
	return (struct sniff){IMAGE_GOOD, NULL};
}

struct sniff sniff_bytes(const uint8_t *bytes, size_t size)
{
	const struct sniff_magic *magic;
	const char *wrapper;
	struct sniff found;

	if (sniff_is_blank(bytes, size)) {
		return (struct sniff){IMAGE_EMPTY, size == 0 ? "empty file" : "blank file"};
	}
	found = sniff_dfu_files(bytes, size);
	if (found.kind) {
		return found;
	}
	magic = sniff_find_magic(bytes, size);
	if (magic) {
		return (struct sniff){magic->fault, magic->kind};
	}
	if (sniff_is_esp(bytes, size)) {
		return (struct sniff){IMAGE_FORMAT, "ESP image"};
	}
	if (sniff_is_windows_program(bytes, size)) {
		return (struct sniff){IMAGE_FORMAT, "Windows program"};
	}
	found = sniff_words(bytes, size);
	if (found.kind) {
		return found;
	}
	wrapper = wrapper_to_string(wrapper_find(bytes, size));
	return (struct sniff){IMAGE_GOOD, wrapper ? wrapper : "raw binary"};
}
