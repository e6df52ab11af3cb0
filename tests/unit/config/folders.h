/* SPDX-License-Identifier: MIT */
#pragma once

#include "files.h"

/* Three folders like those of the system: bed->folders[0] is etc, 1 is run, 2 is lib. */
struct bed {
	char root[64];
	char paths[3][96];
	struct files_folder folders[4];
};

/* For cmocka: *state is the bed. */
int bed_set_up(void **state);
int bed_tear_down(void **state);

#define BED_TEST(test) cmocka_unit_test_setup_teardown(test, bed_set_up, bed_tear_down)

/* All names are below the bed's root; the path is good until the next call. */
const char *bed_path(const struct bed *bed, const char *name);
void bed_write(const struct bed *bed, const char *name, const char *text);
void bed_link(const struct bed *bed, const char *name, const char *target);
void bed_folder(const struct bed *bed, const char *name);
