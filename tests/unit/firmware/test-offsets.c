/* SPDX-License-Identifier: MIT */

/*
 * Where each build may be written: offsets.matrix says it for every image and every address of its
 * chip, and is held against vector_fit cell by cell. A row that is missing, or of no image, fails.
 * Then what no matrix can hold: more seeds, and vendors' wrappers.
 *
 * usage: test-offsets MATRIX
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/vector.h"
#include "image-builds.h"
#include "image-wrap.h"

#define TEST_LINE   512
#define TEST_SEEDS  6
#define TEST_BASE   0x08000000u
#define TEST_ABSENT "-"

static const char *test_matrix;

struct test_row {
	const struct image_build *build;
	uint32_t offset; /* where it is linked */
	struct vector_facts facts;
};

static bool test_is_offered(const struct image_build *build, uint32_t offset)
{
	for (size_t i = 0; i < image_build_n_offsets(build); i++) {
		if (build->offsets[i] == offset) {
			return true;
		}
	}
	return false;
}

static uint8_t *test_make(const struct image_recipe *recipe)
{
	uint8_t *bytes = image_make(recipe);

	assert_non_null(bytes);
	return bytes;
}

static void test_judge(struct test_row *row)
{
	struct image_recipe recipe = image_build_recipe(row->build, row->offset);
	uint8_t *bytes = test_make(&recipe);

	vector_judge(bytes, recipe.size, &row->facts);
	free(bytes);
}

static uint32_t test_number(const char *word)
{
	char *end;
	unsigned long number;

	assert_non_null(word);
	number = strtoul(word, &end, 0);
	assert_true(end > word && *end == '\0');
	return number;
}

/* The first line names a column for each place where boot loaders end. */
static void test_read_heading(char *line)
{
	size_t n;
	const uint32_t *places = vector_places(&n);
	char *rest;

	assert_string_equal(strtok_r(line, " \n", &rest), "image");
	assert_string_equal(strtok_r(NULL, " \n", &rest), "link");
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(test_number(strtok_r(NULL, " \n", &rest)), places[i]);
	}
	assert_null(strtok_r(NULL, " \n", &rest));
}

static void test_cell(const struct test_row *row, uint32_t offset, const char *cell)
{
	enum vector_fit fit = vector_fit(&row->facts, row->build->size, TEST_BASE + offset);
	const char *expected = vector_fit_to_string(fit);

	if (!test_is_offered(row->build, offset)) {
		expected = TEST_ABSENT;
	}
	if (!cell || strcmp(cell, expected) != 0) {
		fail_msg("%s linked for 0x%x at 0x%x: %s, the matrix says %s", row->build->name,
			row->offset, offset, expected, cell ? cell : "nothing");
	}
}

/* What every row must be, whatever the matrix says. */
static void test_row_is_safe(const struct test_row *row)
{
	uint32_t link = TEST_BASE + row->offset;
	enum vector_fit fit = vector_fit(&row->facts, row->build->size, link);

	if (row->facts.certainty == VECTOR_CERTAIN) {
		assert_int_equal(row->facts.base, link);
		assert_int_equal(fit, VECTOR_FITS);
	} else {
		assert_int_equal(fit, VECTOR_UNDECIDED);
	}
	assert_false(row->facts.truncated || row->facts.cut);
}

static void test_read_row(struct test_row *ret, char *line)
{
	size_t n;
	const uint32_t *places = vector_places(&n);
	char *rest;
	const char *name = strtok_r(line, " \n", &rest);

	assert_non_null(name);
	ret->build = image_build_find(name);
	if (!ret->build) {
		fail_msg("no image is called %s", name);
	}
	ret->offset = test_number(strtok_r(NULL, " \n", &rest));
	assert_true(test_is_offered(ret->build, ret->offset));
	test_judge(ret);
	test_row_is_safe(ret);
	for (size_t i = 0; i < n; i++) {
		test_cell(ret, places[i], strtok_r(NULL, " \n", &rest));
	}
	assert_null(strtok_r(NULL, " \n", &rest));
}

/* Rows stand in the order of the builds and their offsets, so none is missing or told twice. */
static void test_rows(FILE *stream)
{
	size_t n;
	const struct image_build *builds = image_builds(&n);
	char line[TEST_LINE];
	unsigned int n_certain = 0, n_rows = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < image_build_n_offsets(&builds[i]); j++) {
			struct test_row row;

			if (!fgets(line, sizeof(line), stream)) {
				fail_msg("no row for %s at 0x%x", builds[i].name,
					builds[i].offsets[j]);
			}
			test_read_row(&row, line);
			assert_string_equal(row.build->name, builds[i].name);
			assert_int_equal(row.offset, builds[i].offsets[j]);
			n_certain += row.facts.certainty == VECTOR_CERTAIN;
			n_rows++;
		}
	}
	print_message("# %u of %u rows certain\n", n_certain, n_rows);
	assert_in_range(n_certain, n_rows * 85 / 100, n_rows);
}

static void test_the_matrix_holds(void **state)
{
	FILE *stream = fopen(test_matrix, "re");
	char line[TEST_LINE];

	assert_non_null(stream);
	do {
		assert_non_null(fgets(line, sizeof(line), stream));
	} while (line[0] == '#');
	test_read_heading(line);
	test_rows(stream);
	assert_null(fgets(line, sizeof(line), stream));
	fclose(stream);
}

/* All builds at all their offsets, other programs each time: none is refused where it belongs. */
static void test_right_images_are_not_refused(void **state)
{
	size_t n;
	const struct image_build *builds = image_builds(&n);

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < image_build_n_offsets(&builds[i]); j++) {
			for (uint64_t seed = 1; seed <= TEST_SEEDS; seed++) {
				struct test_row row = {
					&builds[i], builds[i].offsets[j], VECTOR_FACTS_INIT};
				struct image_recipe recipe =
					image_build_recipe(row.build, row.offset);
				uint8_t *bytes;

				recipe.seed += 7919 * seed;
				bytes = test_make(&recipe);
				vector_judge(bytes, recipe.size, &row.facts);
				test_row_is_safe(&row);
				free(bytes);
			}
		}
	}
}

/* A wrapper hides every table; that of a header in front is right behind it. */
static void test_wrapped_builds_say_nothing(void **state)
{
	size_t n;
	const struct image_build *builds = image_builds(&n);

	for (size_t i = 0; i < n; i++) {
		struct image_recipe recipe = image_build_recipe(&builds[i], 0);
		uint8_t *bytes = test_make(&recipe);

		for (enum image_wrap wrap = IMAGE_WRAP_NONE + 1; wrap < _IMAGE_WRAP_MAX; wrap++) {
			struct vector_facts facts;
			size_t size;
			uint8_t *wrapped = image_wrap(wrap, bytes, recipe.size, 1 + i, &size);

			assert_non_null(wrapped);
			vector_judge(wrapped, size, &facts);
			assert_int_equal(facts.certainty, VECTOR_NO_TABLE);
			assert_int_equal(vector_fit(&facts, size, TEST_BASE), VECTOR_UNDECIDED);
			if (wrap == IMAGE_WRAP_HEADER) {
				vector_judge(wrapped + 512, size - 512, &facts);
				assert_int_not_equal(facts.certainty, VECTOR_NO_TABLE);
			}
			free(wrapped);
		}
		free(bytes);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_matrix_holds),
		cmocka_unit_test(test_right_images_are_not_refused),
		cmocka_unit_test(test_wrapped_builds_say_nothing),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s MATRIX\n", argv[0]);
		return 64;
	}
	test_matrix = argv[1];
	return cmocka_run_group_tests_name("offsets", tests, NULL, NULL);
}
