/* SPDX-License-Identifier: MIT */
/* The checksum beside a file. A sidecar that is no small readable file says nothing. */
#include "dfud/sidecar.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SIDECAR_DIGITS 64

bool sidecar_agrees(int folder_fd, const char *name, const char *sha256)
{
	char path[NAME_MAX + 1];
	char text[SIDECAR_DIGITS + 1] = "";
	const int length = snprintf(path, sizeof(path), "%s.sha256", name);
	ssize_t n;
	int fd;

	if (length < 0 || (size_t)length >= sizeof(path)) {
		return true;
	}
	fd = openat(folder_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return true;
	}
	n = read(fd, text, SIDECAR_DIGITS);
	close(fd);
	return n < 0 || (n == SIDECAR_DIGITS && strncasecmp(text, sha256, SIDECAR_DIGITS) == 0);
}
