/* SPDX-License-Identifier: MIT */
/* Stands where sd_journal_sendv(3) stands; keeps each line as a row of "NAME=value". */
#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SAID_LINES  128
#define SAID_FIELDS 64
#define SAID_ROOM   8192

struct said_line {
	char room[SAID_ROOM];
	const char *fields[SAID_FIELDS];
	size_t n;
};

bool said_listens = true;

static struct said_line said_lines[SAID_LINES];
static size_t said_used;

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_sd_journal_sendv(const struct iovec *iov, int n);

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	(void)fd;
	(void)address;
	(void)size;
	return said_listens ? 0 : -1;
}

/* journald refuses a line with a field that is no field, or with one twice that must be once. */
int __wrap_sd_journal_sendv(const struct iovec *iov, int n)
{
	struct said_line *line = &said_lines[said_used];
	size_t used = 0;

	assert_true(said_used < SAID_LINES && n > 0 && n <= SAID_FIELDS);
	line->n = 0;
	for (int i = 0; i < n; i++) {
		const char *equals = memchr(iov[i].iov_base, '=', iov[i].iov_len);

		assert_non_null(equals);
		assert_true(equals > (const char *)iov[i].iov_base);
		assert_true(used + iov[i].iov_len < SAID_ROOM);
		assert_null(memchr(iov[i].iov_base, '\0', iov[i].iov_len));
		line->fields[line->n++] =
			memcpy(line->room + used, iov[i].iov_base, iov[i].iov_len);
		used += iov[i].iov_len;
		line->room[used++] = '\0';
	}
	said_used++;
	return 0;
}

void said_clear(void)
{
	said_used = 0;
}

size_t said_n(void)
{
	return said_used;
}

const char *said_field(size_t line, const char *name)
{
	const size_t n = strlen(name);
	const char *value = NULL;

	assert_true(line < said_used);
	for (size_t i = 0; i < said_lines[line].n; i++) {
		const char *field = said_lines[line].fields[i];

		if (strncmp(field, name, n) == 0 && field[n] == '=') {
			assert_null(value);
			value = field + n + 1;
		}
	}
	return value;
}

const char *said_message(size_t line)
{
	const char *message = said_field(line, "MESSAGE");

	return message != NULL ? message : "";
}

size_t said_n_fields(size_t line)
{
	assert_true(line < said_used);
	return said_lines[line].n;
}

size_t said_count(const char *name, const char *value)
{
	size_t n = 0;

	for (size_t i = 0; i < said_used; i++) {
		const char *is = said_field(i, name);

		n += is != NULL && strcmp(is, value) == 0;
	}
	return n;
}
