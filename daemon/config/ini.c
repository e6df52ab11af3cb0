/* SPDX-License-Identifier: MIT */
/*
 * Strict ini text on top of inih.
 *
 * inih asks for one line after the other; our reader is the one who hands them out, so it knows the
 * line's number, which inih does not tell, and inspects each line before inih sees it. A refused
 * line, a comment and an empty line reach inih as an empty line. What is left is so plain that
 * inih's build options (multi-line values, inline comments, ':') cannot make a difference.
 *
 * Invariants: every line is either told to the callee or has no meaning; after a section line that
 * was refused no key is told until the next good one, since nobody knows where it would belong.
 * inih asks for line n + 1 only after the key of line n has been told, so that the calls come in
 * order.
 */
#include "config/ini.h"

#include <errno.h>
#include <string.h>

#include <ini.h>

struct ini_source {
	const char *file;
	const char *text;
	size_t size, at;
	unsigned line;
	char section[INI_NAME_MAX + 1];
	bool lost; /* keys here belong to no section, and that has been said */
	ini_line_fn fn;
	void *user;
	struct config_problems *problems;
	int result;
};

enum ini_fault {
	INI_FINE,
	INI_TOO_LONG,
	INI_CONTROL,
	INI_INDENTED,
	INI_SECTION_OPEN,
	INI_SECTION_TAIL,
	INI_SECTION_NAME,
	INI_NO_EQUALS,
	INI_COLON,
	INI_NO_KEY,
	INI_INLINE_COMMENT,
	INI_NO_SECTION,
	_INI_FAULT_MAX,
};

static const char *const ini_fault_texts[_INI_FAULT_MAX] = {
	[INI_TOO_LONG] = "the line is too long, 190 characters are the limit",
	[INI_CONTROL] =
		"the line holds a NUL or another control character; this must be plain text",
	[INI_INDENTED] = "the line is indented; every line begins at the left edge",
	[INI_SECTION_OPEN] = "the section has no ']'",
	[INI_SECTION_TAIL] = "there is text behind the ']' of the section; "
			     "comments and keys stand on lines of their own",
	[INI_SECTION_NAME] = "this is no name of a section",
	[INI_NO_EQUALS] = "there is no '=' in the line; comments begin with '#' or ';'",
	[INI_COLON] = "write '=' between key and value, not ':'",
	[INI_NO_KEY] = "there is no key before the '='",
	[INI_INLINE_COMMENT] = "a '#' or ';' after a blank: comments stand on lines of their own",
	[INI_NO_SECTION] = "the key stands before the first section",
};

static bool ini_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool ini_is_comment(char c)
{
	return c == '#' || c == ';';
}

static bool ini_has_control(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return true;
		}
	}
	return false;
}

static bool ini_has_inline_comment(const char *line, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (ini_is_comment(line[i]) && ini_is_blank(line[i - 1])) {
			return true;
		}
	}
	return false;
}

static enum ini_fault ini_check_section(const char *line, size_t n)
{
	const char *end = memchr(line, ']', n);

	if (!end) {
		return INI_SECTION_OPEN;
	}
	if (end != line + n - 1) {
		return INI_SECTION_TAIL;
	}
	if (n <= 2 || n - 2 > INI_NAME_MAX) {
		return INI_SECTION_NAME;
	}
	return ini_has_inline_comment(line, n) ? INI_INLINE_COMMENT : INI_FINE;
}

static enum ini_fault ini_check_key(const char *line, size_t n)
{
	const char *equals = memchr(line, '=', n);
	const char *colon = memchr(line, ':', n);

	if (ini_has_inline_comment(line, n)) {
		return INI_INLINE_COMMENT;
	}
	if (colon && (!equals || colon < equals)) {
		return INI_COLON;
	}
	if (!equals) {
		return INI_NO_EQUALS;
	}
	return equals == line ? INI_NO_KEY : INI_FINE;
}

/* line has no blanks at its end and at least one character. */
static enum ini_fault ini_check(const char *line, size_t n, size_t max)
{
	if (n > max) {
		return INI_TOO_LONG;
	}
	if (ini_has_control(line, n)) {
		return INI_CONTROL;
	}
	if (ini_is_blank(*line)) {
		return INI_INDENTED;
	}
	if (ini_is_comment(*line)) {
		return INI_FINE;
	}
	return *line == '[' ? ini_check_section(line, n) : ini_check_key(line, n);
}

/* The key that a refused line may be about, for the problem. */
static void ini_guess_key(const char *line, size_t n, char ret[static 64])
{
	size_t length = 0;

	while (length < n && length < 63 &&
		((line[length] >= 'A' && line[length] <= 'Z') ||
			(line[length] >= 'a' && line[length] <= 'z'))) {
		length++;
	}
	if (length == n || !strchr("=: \t", line[length]) || !memchr(line, '=', n)) {
		length = 0;
	}
	memcpy(ret, line, length);
	ret[length] = '\0';
}

static void ini_tell(struct ini_source *source, enum ini_kind kind, const char *section,
	const char *key, const char *value)
{
	const struct ini_line line = {
		.kind = kind,
		.number = source->line,
		.section = section,
		.key = key,
		.value = value,
	};

	if (source->result == 0) {
		source->result = source->fn(source->user, &line);
	}
}

static void ini_refuse(struct ini_source *source, enum ini_fault fault, const char *line, size_t n)
{
	char key[64];

	ini_guess_key(line, n, key);
	config_problems_add(
		source->problems, source->file, source->line, key, "%s", ini_fault_texts[fault]);
	if (*line == '[') {
		source->section[0] = '\0';
		source->lost = true;
	}
	ini_tell(source, INI_REFUSED, source->section, NULL, NULL);
}

static void ini_enter(struct ini_source *source, const char *line, size_t n)
{
	memcpy(source->section, line + 1, n - 2);
	source->section[n - 2] = '\0';
	source->lost = false;
	ini_tell(source, INI_SECTION, source->section, NULL, NULL);
}

/* Whether inih may see the line. */
static bool ini_admit(struct ini_source *source, const char *line, size_t n, size_t max)
{
	enum ini_fault fault = n > 0 ? ini_check(line, n, max) : INI_FINE;

	if (fault != INI_FINE) {
		ini_refuse(source, fault, line, n);
		return false;
	}
	if (n == 0 || ini_is_comment(*line)) {
		return false;
	}
	if (*line == '[') {
		ini_enter(source, line, n);
		return true;
	}
	if (source->section[0] == '\0') {
		if (!source->lost) {
			ini_refuse(source, INI_NO_SECTION, line, n);
			source->lost = true;
		}
		return false;
	}
	return true;
}

/* The next line without its end and the blanks before that. */
static const char *ini_next(struct ini_source *source, size_t *ret_n)
{
	const char *line = source->text + source->at;
	size_t left = source->size - source->at;
	const char *end = memchr(line, '\n', left);
	size_t n = end ? (size_t)(end - line) : left;

	source->at += n + (end ? 1 : 0);
	source->line++;
	if (n > 0 && line[n - 1] == '\r') {
		n--;
	}
	while (n > 0 && ini_is_blank(line[n - 1])) {
		n--;
	}
	*ret_n = n;
	return line;
}

/* inih's ini_reader, as fgets(): size counts the line, its end and the NUL. */
static char *ini_on_read(char *buffer, int size, void *stream)
{
	struct ini_source *source = stream;
	size_t max = size > 2 ? (size_t)size - 2 : 0;
	const char *line;
	size_t n;

	if (size < 2 || source->at >= source->size || source->result != 0) {
		return NULL;
	}
	line = ini_next(source, &n);
	if (!ini_admit(source, line, n, max < INI_LINE_MAX ? max : INI_LINE_MAX)) {
		n = 0;
	}
	memcpy(buffer, line, n);
	memcpy(buffer + n, "\n", 2);
	return buffer;
}

/* inih's ini_handler: not 0 is success. */
static int ini_on_key(void *user, const char *section, const char *key, const char *value)
{
	struct ini_source *source = user;

	ini_tell(source, INI_KEY, section, key, value);
	return 1;
}

static bool ini_has_mark(const char *text, size_t size)
{
	return size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
}

int ini_read(const char *file, const char *text, size_t size, ini_line_fn fn, void *user,
	struct config_problems *problems)
{
	struct ini_source source = {
		.file = file,
		.text = text,
		.size = size,
		.at = ini_has_mark(text, size) ? 3 : 0,
		.fn = fn,
		.user = user,
		.problems = problems,
	};
	int r = ini_parse_stream(ini_on_read, &source, ini_on_key, &source);

	if (source.result != 0) {
		return source.result;
	}
	if (r < 0) {
		return -ENOMEM;
	}
	if (r > 0) {
		source.line = (unsigned)r;
		config_problems_add(
			problems, file, source.line, "", "inih does not read this line");
		ini_tell(&source, INI_REFUSED, "", NULL, NULL);
	}
	return source.result;
}
