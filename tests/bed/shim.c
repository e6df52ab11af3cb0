/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into the daemon in front of the umockdev preload, which knows nothing of two places:
 *
 *  /run/systemd/journal/socket: becomes the bed's socket, or nothing at all where the bed has none
 *			         (DFUD_BED_JOURNAL), whatever runs on this machine;
 *  /run/udev: becomes DFUD_BED_RUN/udev, so that libudev finds a device by its tag and reads its
 *             properties.
 *
 * Both names and both variables are known to the bed only. Built without sanitizers, and with plain
 * file offsets, because open() and open64() are one symbol otherwise.
 */

#undef _FILE_OFFSET_BITS

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL "/run/systemd/journal/"
#define UDEV	"/run/udev"

#define EXPORT __attribute__((visibility("default")))

/* next: the function behind ours */
#define LOOK_UP(name)                                                                              \
	static __typeof__(&name) next;                                                             \
	if (!next) {                                                                               \
		*(void **)&next = dlsym(RTLD_NEXT, #name);                                         \
	}

struct path {
	char text[300];
};

/* The path to use instead; path itself where it is none of ours. */
static const char *path_translate(const char *path, struct path *room)
{
	const char *to;

	if (!path || strncmp(path, "/run/", 5) != 0) {
		return path;
	}
	if (strncmp(path, JOURNAL, strlen(JOURNAL)) == 0) {
		to = getenv("DFUD_BED_JOURNAL");
		return to ? to : "/nonexistent";
	}
	to = getenv("DFUD_BED_RUN");
	if (!to || strncmp(path, UDEV, strlen(UDEV)) != 0) {
		return path;
	}
	snprintf(room->text, sizeof(room->text), "%s/udev%s", to, path + strlen(UDEV));
	return room->text;
}

/* The address to use instead. */
static const struct sockaddr *address_translate(
	const struct sockaddr *address, socklen_t *size, struct sockaddr_un *room)
{
	const struct sockaddr_un *unix_address = (const struct sockaddr_un *)address;
	const char *to;
	struct path path;

	if (!address || *size <= offsetof(struct sockaddr_un, sun_path) ||
		address->sa_family != AF_UNIX || unix_address->sun_path[0] != '/') {
		return address;
	}
	to = path_translate(unix_address->sun_path, &path);
	if (to == unix_address->sun_path || strlen(to) >= sizeof(room->sun_path)) {
		return address;
	}
	room->sun_family = AF_UNIX;
	strcpy(room->sun_path, to);
	*size = sizeof(*room);
	return (const struct sockaddr *)room;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	LOOK_UP(sendmsg)
	struct msghdr copy = *message;
	struct sockaddr_un room;

	copy.msg_name = (void *)address_translate(message->msg_name, &copy.msg_namelen, &room);
	return next(fd, &copy, flags);
}

EXPORT ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
	__CONST_SOCKADDR_ARG address, socklen_t address_size)
{
	LOOK_UP(sendto)
	struct sockaddr_un room;

	address.__sockaddr__ = address_translate(address.__sockaddr__, &address_size, &room);
	return next(fd, bytes, size, flags, address, address_size);
}

EXPORT int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
	LOOK_UP(connect)
	struct sockaddr_un room;

	address.__sockaddr__ = address_translate(address.__sockaddr__, &size, &room);
	return next(fd, address, size);
}

EXPORT int access(const char *path, int mode)
{
	LOOK_UP(access)
	struct path room;

	return next(path_translate(path, &room), mode);
}

EXPORT int faccessat(int at, const char *path, int mode, int flags)
{
	LOOK_UP(faccessat)
	struct path room;

	return next(at, path_translate(path, &room), mode, flags);
}

EXPORT int stat(const char *restrict path, struct stat *restrict ret)
{
	LOOK_UP(stat)
	struct path room;

	return next(path_translate(path, &room), ret);
}

EXPORT int stat64(const char *restrict path, struct stat64 *restrict ret)
{
	LOOK_UP(stat64)
	struct path room;

	return next(path_translate(path, &room), ret);
}

EXPORT DIR *opendir(const char *path)
{
	LOOK_UP(opendir)
	struct path room;

	return next(path_translate(path, &room));
}

EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
	LOOK_UP(fopen)
	struct path room;

	return next(path_translate(path, &room), mode);
}

EXPORT FILE *fopen64(const char *restrict path, const char *restrict mode)
{
	LOOK_UP(fopen64)
	struct path room;

	return next(path_translate(path, &room), mode);
}

static mode_t mode_of(int flags, va_list arguments)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
	LOOK_UP(open)
	struct path room;
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return next(path_translate(path, &room), flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
	LOOK_UP(open64)
	struct path room;
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return next(path_translate(path, &room), flags, mode);
}

EXPORT int openat(int at, const char *path, int flags, ...)
{
	LOOK_UP(openat)
	struct path room;
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return next(at, path_translate(path, &room), flags, mode);
}

EXPORT int openat64(int at, const char *path, int flags, ...)
{
	LOOK_UP(openat64)
	struct path room;
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return next(at, path_translate(path, &room), flags, mode);
}
