/* SPDX-License-Identifier: MIT */
/*
 * Values of configuration files: text to numbers, all or nothing. Grammar after systemd.syntax(7)
 * and systemd.time(7), narrowed as the header says. The readers below move *at behind what they
 * took and leave it where it was if they fail.
 */
#include "config/value.h"

#include <stddef.h>
#include <string.h>

static const struct value_unit {
	const char *name;
	uint64_t ms;
} value_units[] = {
	{"ms", 1},
	{"msec", 1},
	{"s", 1000},
	{"sec", 1000},
	{"second", 1000},
	{"seconds", 1000},
	{"m", 60000},
	{"min", 60000},
	{"minute", 60000},
	{"minutes", 60000},
	{"h", 3600000},
	{"hr", 3600000},
	{"hour", 3600000},
	{"hours", 3600000},
	{"d", 86400000},
	{"day", 86400000},
	{"days", 86400000},
	{"w", 604800000},
	{"week", 604800000},
	{"weeks", 604800000},
};

static const char *value_skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static bool value_digit(char c, unsigned base, unsigned *ret)
{
	unsigned digit;

	if (c >= '0' && c <= '9') {
		digit = (unsigned)(c - '0');
	} else if (c >= 'a' && c <= 'f') {
		digit = (unsigned)(c - 'a') + 10;
	} else if (c >= 'A' && c <= 'F') {
		digit = (unsigned)(c - 'A') + 10;
	} else {
		return false;
	}
	*ret = digit;
	return digit < base;
}

static bool value_digits(const char **at, unsigned base, uint64_t *ret)
{
	const char *p = *at;
	uint64_t number = 0;
	unsigned digit;

	for (; value_digit(*p, base, &digit); p++) {
		if (__builtin_mul_overflow(number, base, &number) ||
			__builtin_add_overflow(number, digit, &number)) {
			return false;
		}
	}
	if (p == *at) {
		return false;
	}
	*at = p;
	*ret = number;
	return true;
}

static bool value_decimal(const char **at, uint64_t *ret)
{
	const char *p = *at;
	uint64_t number;

	if (!value_digits(&p, 10, &number) || (**at == '0' && p - *at > 1)) {
		return false;
	}
	*at = p;
	*ret = number;
	return true;
}

static bool value_hexadecimal(const char **at, uint64_t *ret)
{
	const char *p = *at + 2;

	if (strncmp(*at, "0x", 2) != 0 || !value_digits(&p, 16, ret)) {
		return false;
	}
	*at = p;
	return true;
}

bool value_number(const char *text, uint64_t *ret)
{
	uint64_t number;

	if (!value_hexadecimal(&text, &number) && !value_decimal(&text, &number)) {
		return false;
	}
	if (*text != '\0') {
		return false;
	}
	*ret = number;
	return true;
}

bool value_address(const char *text, uint32_t *ret)
{
	uint64_t number;

	if (!value_hexadecimal(&text, &number) || *text != '\0' || number > UINT32_MAX) {
		return false;
	}
	*ret = (uint32_t)number;
	return true;
}

bool value_boolean(const char *text, bool *ret)
{
	static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"},
		{"0", "1"}, {"n", "y"}, {"f", "t"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		for (int j = 0; j < 2; j++) {
			if (strcmp(text, words[i][j]) == 0) {
				*ret = j == 1;
				return true;
			}
		}
	}
	return false;
}

bool value_size(const char *text, uint64_t *ret_bytes)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	uint64_t number;
	unsigned shift = 0;

	if (!value_decimal(&text, &number)) {
		return false;
	}
	if (*text != '\0') {
		suffix = strchr(suffixes, *text);
		if (!suffix || text[1] != '\0') {
			return false;
		}
		shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (number > UINT64_MAX >> shift) {
		return false;
	}
	*ret_bytes = number << shift;
	return true;
}

static bool value_unit(const char **at, uint64_t *ret_ms)
{
	size_t n = strspn(*at, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < sizeof(value_units) / sizeof(*value_units); i++) {
		if (strlen(value_units[i].name) == n && memcmp(value_units[i].name, *at, n) == 0) {
			*at += n;
			*ret_ms = value_units[i].ms;
			return true;
		}
	}
	return false;
}

/* "1min", "30 s", and a number without unit where nothing else stands. */
static bool value_span_part(const char **at, bool alone, uint64_t *ret_ms)
{
	uint64_t number, unit = 1000;
	const char *p = *at;

	if (!value_decimal(&p, &number)) {
		return false;
	}
	if (!alone || *p != '\0') {
		p = value_skip_blanks(p);
		if (!value_unit(&p, &unit)) {
			return false;
		}
	}
	*at = value_skip_blanks(p);
	return !__builtin_mul_overflow(number, unit, ret_ms);
}

bool value_span(const char *text, uint64_t *ret_ms)
{
	uint64_t total = 0, part;
	const char *at = text;

	if (strcmp(text, "infinity") == 0) {
		*ret_ms = UINT64_MAX;
		return true;
	}
	do {
		if (!value_span_part(&at, at == text, &part) ||
			__builtin_add_overflow(total, part, &total)) {
			return false;
		}
	} while (*at != '\0');
	if (total == UINT64_MAX) {
		return false;
	}
	*ret_ms = total;
	return true;
}
