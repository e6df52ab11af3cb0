/* SPDX-License-Identifier: MIT */
/*
 * Folders by descriptor: moves that replace nothing, lists, removal, whole writes.
 *
 * renameat2(2) with RENAME_NOREPLACE answers EINVAL where the file system does not know the flag
 * and ENOSYS where the kernel does not.
 */
#include "dfud/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_open(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int folder_inode(int folder, const char *name, ino_t *ret)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return -errno;
	}
	*ret = st.st_ino;
	return 0;
}

static int folder_names_add(struct folder_names *names, const char *name)
{
	size_t n = names->n_names;

	/* Room doubles at each power of two. */
	if ((n & (n - 1)) == 0) {
		char **more = reallocarray(names->names, n == 0 ? 1 : n * 2, sizeof(char *));

		if (!more) {
			return -ENOMEM;
		}
		names->names = more;
	}
	names->names[n] = strdup(name);
	if (!names->names[n]) {
		return -ENOMEM;
	}
	names->n_names++;
	return 0;
}

static int folder_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int folder_names_fill(struct folder_names *names, DIR *dir)
{
	const struct dirent *found;

	while ((errno = 0, found = readdir(dir))) {
		int r;

		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0) {
			continue;
		}
		r = folder_names_add(names, found->d_name);
		if (r < 0) {
			return r;
		}
	}
	return -errno;
}

int folder_names_read(struct folder_names *ret, int folder)
{
	__attribute__((cleanup(folder_names_done))) struct folder_names names = FOLDER_NAMES_INIT;
	int fd = folder_open(folder, ".");
	DIR *dir;
	int r;

	if (fd < 0) {
		return fd;
	}
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	r = folder_names_fill(&names, dir);
	(void)closedir(dir);
	if (r < 0) {
		return r;
	}
	if (names.n_names > 1) {
		qsort(names.names, names.n_names, sizeof(char *), folder_compare);
	}
	*ret = names;
	names = (struct folder_names)FOLDER_NAMES_INIT;
	return 0;
}

void folder_names_done(struct folder_names *names)
{
	for (size_t i = 0; i < names->n_names; i++) {
		free(names->names[i]);
	}
	free(names->names);
	*names = (struct folder_names)FOLDER_NAMES_INIT;
}

static bool folder_lacks_noreplace(int r)
{
	return r == -EINVAL || r == -ENOSYS;
}

static int folder_rename(int from, const char *old_name, int to, const char *new_name)
{
	return renameat2(from, old_name, to, new_name, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static int folder_look_and_rename(int from, const char *old_name, int to, const char *new_name)
{
	ino_t taken;
	int r = folder_inode(to, new_name, &taken);

	if (r != -ENOENT) {
		return r < 0 ? r : -EEXIST;
	}
	return renameat(from, old_name, to, new_name) < 0 ? -errno : 0;
}

int folder_move(int from, const char *old_name, int to, const char *new_name)
{
	int r = folder_rename(from, old_name, to, new_name);

	return folder_lacks_noreplace(r) ? folder_look_and_rename(from, old_name, to, new_name) : r;
}

int folder_move_shared(int from, const char *old_name, int to, const char *new_name)
{
	int r = folder_rename(from, old_name, to, new_name);

	if (!folder_lacks_noreplace(r)) {
		return r;
	}
	if (linkat(from, old_name, to, new_name, 0) >= 0) {
		return unlinkat(from, old_name, 0) < 0 ? -errno : 0;
	}
	if (errno != EPERM && errno != EOPNOTSUPP) {
		return -errno;
	}
	return folder_look_and_rename(from, old_name, to, new_name);
}

int folder_remove(int at, const char *name)
{
	__attribute__((cleanup(folder_names_done))) struct folder_names names = FOLDER_NAMES_INIT;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0) {
		return -errno;
	}
	r = folder_names_read(&names, fd);
	for (size_t i = 0; i < names.n_names; i++) {
		(void)unlinkat(fd, names.names[i], 0);
	}
	(void)close(fd);
	if (r < 0) {
		return r;
	}
	return unlinkat(at, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int folder_write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

int folder_write(int folder, const char *name, const char *text)
{
	char draft[NAME_MAX + 1];
	int fd, r, n;

	n = snprintf(draft, sizeof(draft), ".%s.new", name);
	if (n < 0 || (size_t)n >= sizeof(draft)) {
		return -ENAMETOOLONG;
	}
	(void)unlinkat(folder, draft, 0);
	fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) {
		return -errno;
	}
	r = folder_write_all(fd, text);
	if (close(fd) < 0 && r >= 0) {
		r = -errno;
	}
	if (r >= 0 && renameat(folder, draft, folder, name) < 0) {
		r = -errno;
	}
	if (r < 0) {
		(void)unlinkat(folder, draft, 0);
		return r;
	}
	return 0;
}
