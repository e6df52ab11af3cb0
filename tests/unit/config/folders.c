/* SPDX-License-Identifier: MIT */
/* A tree of configuration folders below /tmp, made for each test and removed after it. */
#include "folders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int bed_set_up(void **state)
{
	static const char *const names[] = {"etc", "run", "lib"};
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	strcpy(bed->root, "/tmp/dfud-files-XXXXXX");
	assert_non_null(mkdtemp(bed->root));
	for (size_t i = 0; i < 3; i++) {
		char path[160];

		snprintf(bed->paths[i], sizeof(bed->paths[i]), "%s/%s", bed->root, names[i]);
		assert_int_equal(mkdir(bed->paths[i], 0755), 0);
		snprintf(path, sizeof(path), "%s/boards.d", bed->paths[i]);
		assert_int_equal(mkdir(path, 0755), 0);
		bed->folders[i] = (struct files_folder){bed->paths[i], i < 2};
	}
	*state = bed;
	return 0;
}

static int bed_on_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int bed_tear_down(void **state)
{
	struct bed *bed = *state;
	int r = nftw(bed->root, bed_on_remove, 16, FTW_DEPTH | FTW_PHYS);

	free(bed);
	return r;
}

const char *bed_path(const struct bed *bed, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", bed->root, name);
	return path;
}

void bed_write(const struct bed *bed, const char *name, const char *text)
{
	FILE *file = fopen(bed_path(bed, name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void bed_link(const struct bed *bed, const char *name, const char *target)
{
	assert_int_equal(symlink(target, bed_path(bed, name)), 0);
}

void bed_folder(const struct bed *bed, const char *name)
{
	assert_int_equal(mkdir(bed_path(bed, name), 0755), 0);
}
