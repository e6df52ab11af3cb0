/* SPDX-License-Identifier: MIT */
/* The backup's file, as the worker fills it: whole and synced, or not at all. */
#include "dfud-flash/save.h"

#include <errno.h>
#include <unistd.h>

bool save_is_blank(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != 0xff) {
			return false;
		}
	}
	return true;
}

int save_write(int fd, const uint8_t *bytes, size_t size)
{
	size_t done = 0;

	if (fd < 0) {
		return -EBADF;
	}
	while (done < size) {
		const ssize_t n = pwrite(fd, bytes + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -ENOSPC;
		}
		done += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}
