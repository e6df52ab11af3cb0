/* SPDX-License-Identifier: MIT */
/* The list of jobs: order, names, ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dfud/jobs.h"

static struct job *add(struct jobs *jobs, const char *name)
{
	char copy[300];
	const struct queue_file file = {.name = copy, .inode = 5, .size = 44388, .owner = 1000};
	struct job *job;

	strcpy(copy, name);
	job = jobs_add(jobs, &file);
	assert_non_null(job);
	memset(copy, 'x', sizeof(copy)); /* only borrowed for the call */
	return job;
}

static void test_add(void **state)
{
	struct jobs jobs = JOBS_INIT;
	struct job *a = add(&jobs, "a.bin");
	struct job *b = add(&jobs, "b.bin");

	assert_int_equal(jobs.n, 2);
	assert_int_equal(a->id, 1);
	assert_int_equal(b->id, 2);
	assert_int_equal(a->state, JOB_NEW);
	assert_string_equal(a->name, "a.bin");
	assert_ptr_equal(a->file.name, a->name);
	assert_int_equal(a->file.size, 44388);
	assert_int_equal(a->file.owner, 1000);
	assert_ptr_equal(jobs.first, a);
	assert_ptr_equal(a->next, b);
	assert_null(b->next);
	assert_ptr_equal(jobs_find(&jobs, "b.bin", b->file.inode), b);
	assert_null(jobs_find(&jobs, "B.BIN", b->file.inode));
	assert_null(jobs_find(&jobs, "b.bin", b->file.inode + 1)); /* a newer file of that name */
	assert_ptr_equal(jobs_find_id(&jobs, 1), a);
	assert_null(jobs_find_id(&jobs, 3));
	jobs_done(&jobs);
	assert_null(jobs.first);
	assert_int_equal(jobs.n, 0);
}

static void test_remove(void **state)
{
	struct jobs jobs = JOBS_INIT;
	struct job *a = add(&jobs, "a.bin");
	struct job *b = add(&jobs, "b.bin");
	struct job *c = add(&jobs, "c.bin");
	const ino_t inode = b->file.inode;

	jobs_remove(&jobs, b);
	assert_ptr_equal(a->next, c);
	assert_int_equal(jobs.n, 2);
	assert_null(jobs_find(&jobs, "b.bin", inode));
	jobs_remove(&jobs, c);
	jobs_remove(&jobs, a);
	assert_null(jobs.first);
	assert_int_equal(jobs.n, 0);
	assert_int_equal(add(&jobs, "a.bin")->id, 4); /* never used again */
	jobs_done(&jobs);
}

/* The longest name that a file can have. */
static void test_long_name(void **state)
{
	struct jobs jobs = JOBS_INIT;
	char name[256];
	struct job *job;

	memset(name, 'n', 255);
	name[255] = '\0';
	job = add(&jobs, name);
	assert_string_equal(job->name, name);
	assert_ptr_equal(jobs_find(&jobs, name, job->file.inode), job);
	jobs_done(&jobs);
}

/* Only what waits may expire: what somebody works on may not. */
static void test_waiting(void **state)
{
	static const bool waits[] = {
		[JOB_NEW] = false,
		[JOB_UNSIGNED] = true,
		[JOB_INSPECTING] = false,
		[JOB_READY] = true,
		[JOB_TAKEN] = false,
	};

	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		const struct job job = {.state = (enum job_state)i};

		assert_int_equal(job_is_waiting(&job), waits[i]);
	}
}

static void test_lost_backup(void **state)
{
	struct job job = {.sha256 = "3f2a", .name = "3f2a.bin"};

	(void)state;
	assert_true(job_is_lost_backup(&job, "unknown"));
	assert_true(job_is_lost_backup(&job, "likely"));
	assert_false(job_is_lost_backup(&job, "certain"));
	job.restores = true;
	assert_false(job_is_lost_backup(&job, "unknown"));
	job.restores = false;
	strcpy(job.name, "3f2b.bin");
	assert_false(job_is_lost_backup(&job, "unknown"));
	strcpy(job.name, "3f2a.bin2");
	assert_false(job_is_lost_backup(&job, "unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_lost_backup),
	};

	return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
