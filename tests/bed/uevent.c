/* SPDX-License-Identifier: MIT */
/*
 * The monitor protocol, as libudev 252 reads it: "libudev\0", a magic number in network order, the
 * sizes in host order, then MurmurHash2 of SUBSYSTEM and DEVTYPE and a 64-bit Bloom filter of the
 * tags in network order (the monitor's socket filter compares these), then the properties.
 * The umockdev preload binds a monitor to FOLDER/eventN, N being its descriptor.
 */

#include "uevent.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define MAGIC 0xfeedcafe

struct header {
	char prefix[8];
	uint32_t magic;
	uint32_t header_size, properties_offset, properties_size;
	uint32_t subsystem_hash, devtype_hash, tags_high, tags_low;
};

void uevent_add(struct uevent *uevent, const char *format, ...)
{
	size_t room = sizeof(uevent->text) - uevent->size;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(uevent->text + uevent->size, room, format, arguments);
	va_end(arguments);
	assert(n >= 0 && (size_t)n < room);
	uevent->size += (size_t)n + 1;
}

const char *uevent_get(const struct uevent *uevent, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; i < uevent->size; i += strlen(uevent->text + i) + 1) {
		if (strncmp(uevent->text + i, key, length) == 0 &&
			uevent->text[i + length] == '=') {
			return uevent->text + i + length + 1;
		}
	}
	return NULL;
}

/* MurmurHash2, 32 bit, seed 0. */
static uint32_t uevent_hash(const char *text, size_t length)
{
	const uint32_t factor = 0x5bd1e995;
	uint32_t hash = (uint32_t)length;
	size_t i = 0;

	for (; length - i >= 4; i += 4) {
		uint32_t word;

		memcpy(&word, text + i, sizeof(word));
		word *= factor;
		word ^= word >> 24;
		hash = (hash * factor) ^ (word * factor);
	}
	if (i < length) {
		for (size_t j = length; j > i; j--) {
			hash ^= (uint32_t)(uint8_t)text[j - 1] << (8 * (j - 1 - i));
		}
		hash *= factor;
	}
	hash = (hash ^ (hash >> 13)) * factor;
	return hash ^ (hash >> 15);
}

static uint32_t uevent_hash_of(const struct uevent *uevent, const char *key)
{
	const char *value = uevent_get(uevent, key);

	return value ? htonl(uevent_hash(value, strlen(value))) : 0;
}

/* TAGS=:a:b: */
static uint64_t uevent_bloom(const char *tags)
{
	uint64_t bits = 0;

	while (tags && *tags) {
		size_t length = strcspn(tags, ":");

		if (length > 0) {
			uint32_t hash = uevent_hash(tags, length);

			for (unsigned shift = 0; shift < 24; shift += 6) {
				bits |= UINT64_C(1) << ((hash >> shift) & 63);
			}
		}
		tags += length;
		tags += *tags == ':';
	}
	return bits;
}

static int uevent_deliver(const struct uevent *uevent, struct header *header, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct iovec parts[] = {{header, sizeof(*header)}, {(void *)uevent->text, uevent->size}};
	struct msghdr message = {.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = parts,
		.msg_iovlen = 2};
	struct timeval patience = {.tv_sec = 10};
	int fd, r = 0;

	if (strlen(path) >= sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) {
		r = -errno;
	}
	close(fd);
	/* a monitor that went away left its name behind */
	return r == -ECONNREFUSED || r == -ENOENT ? 0 : r;
}

int uevent_send(struct uevent *uevent, const char *folder)
{
	static atomic_ulong seqnum = 1000;
	struct header header = {
		"libudev", htonl(MAGIC), sizeof(header), sizeof(header), 0, 0, 0, 0, 0};
	struct dirent *entry;
	char path[300];
	uint64_t bloom;
	DIR *dir;
	int r = 0;

	uevent_add(uevent, "SEQNUM=%lu", atomic_fetch_add(&seqnum, 1));
	bloom = uevent_bloom(uevent_get(uevent, "TAGS"));
	header.properties_size = (uint32_t)uevent->size;
	header.subsystem_hash = uevent_hash_of(uevent, "SUBSYSTEM");
	header.devtype_hash = uevent_hash_of(uevent, "DEVTYPE");
	header.tags_high = htonl((uint32_t)(bloom >> 32));
	header.tags_low = htonl((uint32_t)bloom);

	dir = opendir(folder);
	if (!dir) {
		return -errno;
	}
	while (r == 0 && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "event", 5) == 0) {
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
			r = uevent_deliver(uevent, &header, path);
		}
	}
	closedir(dir);
	return r;
}
