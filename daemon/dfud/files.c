/* SPDX-License-Identifier: MIT */
/*
 * Configuration files in several folders, after the habit of systemd's own (systemd.unit(5), "load
 * path"): the folders are listed from the highest to the lowest, a name that is already known is
 * masked. Names that are switched off (an empty file, /dev/null) are kept until the end of the
 * search, so that they mask too, and dropped then.
 *
 * A file that is there but cannot be inspected counts as there: leaving it out would bring back the
 * one that it masks.
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void files_close(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

static void files_free(char **text)
{
	free(*text);
}

static const char *files_name(const struct files_entry *entry)
{
	return strrchr(entry->path, '/') + 1;
}

static int files_compare(const void *a, const void *b)
{
	return strcmp(files_name(a), files_name(b));
}

static bool files_has(const struct files *files, const char *name)
{
	for (size_t i = 0; i < files->n; i++) {
		if (strcmp(files_name(&files->items[i]), name) == 0) {
			return true;
		}
	}
	return false;
}

static int files_add(struct files *files, const char *folder, const char *name, bool is_written)
{
	struct files_entry *items = realloc(files->items, (files->n + 1) * sizeof(*items));
	char *path;

	if (!items) {
		return -ENOMEM;
	}
	files->items = items;
	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		return -ENOMEM;
	}
	items[files->n++] = (struct files_entry){.path = path, .is_written = is_written};
	return 0;
}

static bool files_is_off(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		return false;
	}
	return S_ISREG(st.st_mode) ? st.st_size == 0
				   : S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static void files_drop_off(struct files *files)
{
	size_t n = 0;

	for (size_t i = 0; i < files->n; i++) {
		if (files_is_off(files->items[i].path)) {
			free(files->items[i].path);
		} else {
			files->items[n++] = files->items[i];
		}
	}
	files->n = n;
}

static bool files_is_name(const char *name)
{
	size_t n = strlen(name), n_end = strlen(".conf");

	return *name != '.' && n > n_end && strcmp(name + n - n_end, ".conf") == 0;
}

static int files_add_names(struct files *files, DIR *folder, const char *path, bool is_written)
{
	const struct dirent *entry;
	int r = 0;

	for (errno = 0; r == 0 && (entry = readdir(folder)); errno = 0) {
		if (files_is_name(entry->d_name) && !files_has(files, entry->d_name)) {
			r = files_add(files, path, entry->d_name, is_written);
		}
	}
	return r < 0 ? r : -errno;
}

static int files_add_folder(struct files *files, const char *path, bool is_written)
{
	DIR *folder = opendir(path);
	int r;

	if (!folder) {
		return errno == ENOENT ? 0 : -errno;
	}
	r = files_add_names(files, folder, path, is_written);
	closedir(folder);
	return r;
}

int files_find_all(struct files *ret, const struct files_folder *folders, const char *subfolder,
	char **ret_problem)
{
	struct files files __attribute__((cleanup(files_done))) = FILES_INIT;

	for (; folders->path; folders++) {
		char *path __attribute__((cleanup(files_free))) = NULL;
		int r;

		if (asprintf(&path, "%s/%s", folders->path, subfolder) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = files_add_folder(&files, path, folders->is_written);
		if (r < 0) {
			*ret_problem = r == -ENOMEM ? NULL : path;
			path = r == -ENOMEM ? path : NULL;
			return r;
		}
	}
	files_drop_off(&files);
	if (files.n > 0) {
		qsort(files.items, files.n, sizeof(*files.items), files_compare);
	}
	*ret = files;
	files = (struct files)FILES_INIT;
	return 0;
}

static bool files_exists(const char *folder, const char *name)
{
	char *path __attribute__((cleanup(files_free))) = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return true;
	}
	return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int files_find_first(struct files *ret, const struct files_folder *folders, const char *name)
{
	struct files files = FILES_INIT;
	int r;

	while (folders->path && !files_exists(folders->path, name)) {
		folders++;
	}
	if (folders->path) {
		r = files_add(&files, folders->path, name, folders->is_written);
		if (r < 0) {
			files_done(&files);
			return r;
		}
		files_drop_off(&files);
	}
	*ret = files;
	return 0;
}

void files_done(struct files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->items[i].path);
	}
	free(files->items);
	*files = (struct files)FILES_INIT;
}

/* A descriptor or -errno. */
static int files_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = 0;

	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &st) < 0) {
		r = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		r = S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
	} else if (st.st_size > (off_t)FILES_SIZE_MAX) {
		r = -EFBIG;
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* Reads up to size bytes; their number or -errno. */
static ssize_t files_fill(int fd, char *text, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, text + n, size - n);

		if (r < 0 && errno == EINTR) {
			continue;
		}
		if (r < 0) {
			return -errno;
		}
		if (r == 0) {
			break;
		}
		n += (size_t)r;
	}
	return (ssize_t)n;
}

int files_read(const char *path, char **ret_text, size_t *ret_size)
{
	int fd __attribute__((cleanup(files_close))) = files_open(path);
	char *text __attribute__((cleanup(files_free))) = NULL;
	ssize_t n;

	if (fd < 0) {
		return fd;
	}
	text = malloc(FILES_SIZE_MAX + 1);
	if (!text) {
		return -ENOMEM;
	}
	n = files_fill(fd, text, FILES_SIZE_MAX + 1);
	if (n < 0) {
		return (int)n;
	}
	if ((size_t)n > FILES_SIZE_MAX) {
		return -EFBIG;
	}
	text[n] = '\0';
	*ret_text = text;
	*ret_size = (size_t)n;
	text = NULL;
	return 0;
}
