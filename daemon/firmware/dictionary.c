/* SPDX-License-Identifier: MIT */

/*
 * Finds the data dictionary: every place that has a zlib header (RFC 1950) is tried, and what
 * inflates to a JSON object with a version and a configuration is one. The bytes are anybody's, so
 * all work has a limit: the first byte must inflate to a brace before more is inflated, a stream
 * may fill the buffer once, and places and inflated bytes are counted over the whole image. Real
 * images have a header by accident every 16 KiB; the limits lie far above that.
 *
 * A stream that inflates to the beginning of such an object and runs into the end of the image
 * without an error was cut off with it. The buffer must hold DICTIONARY_MIN_CUT plausible
 * characters by then, which no accident does.
 */

#include "firmware/dictionary.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define DICTIONARY_MAX_PLACES 32768
#define DICTIONARY_MAX_TOTAL  (16 * DICTIONARY_MAX_INFLATED)
#define DICTIONARY_MAX_DEPTH  16
#define DICTIONARY_MIN_CUT    48

enum dictionary_stream {
	DICTIONARY_ALIEN, /* no zlib stream, or not of an object */
	DICTIONARY_WHOLE,
	DICTIONARY_CUT, /* ends with the image */
};

struct dictionary_search {
	const uint8_t *bytes;
	size_t size;
	z_stream zlib;
	uint8_t *text;
	size_t n_text;
	size_t n_places;
	size_t n_inflated;
};

static bool dictionary_is_header(const uint8_t *bytes)
{
	return bytes[0] == 0x78 && (bytes[1] & 0x20) == 0 && (bytes[0] << 8 | bytes[1]) % 31 == 0;
}

static enum dictionary_stream dictionary_inflate(struct dictionary_search *search, size_t offset)
{
	z_stream *zlib = &search->zlib;
	int r;

	search->n_text = 0;
	if (inflateReset(zlib) != Z_OK || search->size - offset > UINT32_MAX) {
		return DICTIONARY_ALIEN;
	}
	zlib->next_in = (uint8_t *)search->bytes + offset;
	zlib->avail_in = search->size - offset;
	zlib->next_out = search->text;
	zlib->avail_out = 1;
	r = inflate(zlib, Z_SYNC_FLUSH);
	if (zlib->avail_out == 0 && search->text[0] != '{') {
		return DICTIONARY_ALIEN;
	}
	if (r == Z_OK) {
		zlib->avail_out += DICTIONARY_MAX_INFLATED - 1;
		r = inflate(zlib, Z_SYNC_FLUSH);
	}
	search->n_text = zlib->next_out - search->text;
	search->n_inflated += search->n_text;
	if (r == Z_STREAM_END) {
		return DICTIONARY_WHOLE;
	}
	return (r == Z_OK || r == Z_BUF_ERROR) && zlib->avail_in == 0 && zlib->avail_out > 0
		       ? DICTIONARY_CUT
		       : DICTIONARY_ALIEN;
}

static bool dictionary_is_beginning(const struct dictionary_search *search)
{
	if (search->n_text < DICTIONARY_MIN_CUT || memcmp(search->text, "{\"", 2) != 0) {
		return false;
	}
	for (size_t i = 0; i < search->n_text; i++) {
		if (search->text[i] < ' ' || search->text[i] > '~') {
			return false;
		}
	}
	return true;
}

/* The printable beginning of a string value; "" where there is none. */
static void dictionary_copy(char *ret, size_t size, json_object *parent, const char *key)
{
	json_object *value;
	const char *text;
	size_t n;

	ret[0] = '\0';
	if (!json_object_object_get_ex(parent, key, &value) ||
		!json_object_is_type(value, json_type_string)) {
		return;
	}
	text = json_object_get_string(value);
	for (n = 0; n + 1 < size && text[n] >= ' ' && text[n] <= '~'; n++) {
		ret[n] = text[n];
	}
	ret[n] = '\0';
}

static bool dictionary_read_object(struct dictionary *ret, json_object *root)
{
	json_object *config;

	if (!json_object_is_type(root, json_type_object) ||
		!json_object_object_get_ex(root, "config", &config) ||
		!json_object_is_type(config, json_type_object)) {
		return false;
	}
	dictionary_copy(ret->app, sizeof(ret->app), root, "app");
	dictionary_copy(ret->version, sizeof(ret->version), root, "version");
	dictionary_copy(ret->mcu, sizeof(ret->mcu), config, "MCU");
	return ret->version[0] != '\0';
}

static bool dictionary_read_text(struct dictionary *ret, const uint8_t *text, size_t size)
{
	json_tokener *tokener = json_tokener_new_ex(DICTIONARY_MAX_DEPTH);
	json_object *root;
	bool found = false;

	if (!tokener) {
		return false;
	}
	root = json_tokener_parse_ex(tokener, (const char *)text, (int)size);
	if (root) {
		found = dictionary_read_object(ret, root);
		json_object_put(root);
	}
	json_tokener_free(tokener);
	return found;
}

/* Tries one place. True ends the search. */
static bool dictionary_try(struct dictionary *ret, struct dictionary_search *search, size_t offset)
{
	switch (dictionary_inflate(search, offset)) {
	case DICTIONARY_WHOLE:
		if (dictionary_read_text(ret, search->text, search->n_text)) {
			ret->end = offset + search->zlib.total_in;
			return true;
		}
		memset(ret, 0, sizeof(*ret));
		return false;
	case DICTIONARY_CUT:
		ret->truncated = dictionary_is_beginning(search);
		return ret->truncated;
	case DICTIONARY_ALIEN:
		break;
	}
	return false;
}

static void dictionary_scan(struct dictionary *ret, struct dictionary_search *search)
{
	for (size_t at = 0; at + 2 <= search->size; at++) {
		if (!dictionary_is_header(search->bytes + at)) {
			continue;
		}
		if (search->n_places++ == DICTIONARY_MAX_PLACES ||
			search->n_inflated >= DICTIONARY_MAX_TOTAL) {
			return;
		}
		if (dictionary_try(ret, search, at)) {
			return;
		}
	}
}

bool dictionary_find(struct dictionary *ret, const uint8_t *bytes, size_t size)
{
	struct dictionary_search search = {.bytes = bytes, .size = size};

	assert(ret);
	assert(bytes || size == 0);

	memset(ret, 0, sizeof(*ret));
	search.text = malloc(DICTIONARY_MAX_INFLATED);
	if (!search.text) {
		return false;
	}
	if (inflateInit(&search.zlib) == Z_OK) {
		dictionary_scan(ret, &search);
		(void)inflateEnd(&search.zlib);
	}
	free(search.text);
	return ret->end > 0;
}
