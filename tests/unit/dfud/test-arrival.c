/* SPDX-License-Identifier: MIT */
/* When a file is a job: every row a story with made-up times, one unit of quiet being 1000. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dfud/arrival.h"

#define QUIET 1000
#define NEVER UINT64_MAX

static const struct arrival_look look_a = {1, 10, 100, 50, 50, _QUEUE_FAULT_MAX};
static const struct arrival_look look_a_grown = {1, 10, 200, 60, 60, _QUEUE_FAULT_MAX};
static const struct arrival_look look_a_chmod = {1, 10, 100, 50, 70, _QUEUE_FAULT_MAX};
static const struct arrival_look look_a_linked = {1, 10, 100, 50, 80, QUEUE_LINKED};
static const struct arrival_look look_a_linked_grown = {1, 10, 300, 90, 90, QUEUE_LINKED};
static const struct arrival_look look_a_locked = {1, 10, 100, 50, 80, QUEUE_UNREADABLE};
static const struct arrival_look look_a_locked_grown = {1, 10, 300, 90, 90, QUEUE_UNREADABLE};
static const struct arrival_look look_b = {1, 11, 100, 50, 50, _QUEUE_FAULT_MAX};
static const struct arrival_look look_folder = {1, 12, 0, 50, 50, QUEUE_NOT_REGULAR};
static const struct arrival_look look_folder_filled = {1, 12, 9, 99, 99, QUEUE_NOT_REGULAR};

struct step {
	uint64_t now;
	enum arrival_sign sign;
	const struct arrival_look *look; /* NULL: gone */
	enum arrival_effect effect;
	uint64_t due; /* afterwards */
};

struct story {
	const char *name;
	struct step steps[8]; /* ends where now is 0 */
};

#define LOOKED	ARRIVAL_LOOKED
#define FOUND	ARRIVAL_FOUND
#define WRITTEN ARRIVAL_WRITTEN
#define CLOSED	ARRIVAL_CLOSED
#define MOVED	ARRIVAL_MOVED
#define NOTHING ARRIVAL_NOTHING
#define JOB	ARRIVAL_BECAME_JOB
#define REFUSED ARRIVAL_WAS_REFUSED
#define LEFT	ARRIVAL_LEFT

static const struct story stories[] = {
	{"moved in", {{5, MOVED, &look_a, JOB, NEVER}}},
	{"closed", {{5, CLOSED, &look_a, NOTHING, 1005}, {1004, LOOKED, &look_a, NOTHING, 1005},
			   {1005, LOOKED, &look_a, JOB, NEVER}}},
	{"found", {{5, FOUND, &look_a, NOTHING, 5005}, {5005, LOOKED, &look_a, JOB, NEVER}}},
	{"never closed",
		{{5, WRITTEN, &look_a, NOTHING, 60005}, {60004, LOOKED, &look_a, NOTHING, 60005},
			{60005, LOOKED, &look_a, JOB, NEVER}}},
	{"seen without a sign", {{5, LOOKED, &look_a, NOTHING, 5005}}},
	{"a writer pauses and goes on", {{5, WRITTEN, &look_a, NOTHING, 60005},
						{30000, WRITTEN, &look_a_grown, NOTHING, 90000},
						{30001, CLOSED, &look_a_grown, NOTHING, 31001},
						{31001, LOOKED, &look_a_grown, JOB, NEVER}}},
	{"closed, opened again, closed",
		{{5, CLOSED, &look_a, NOTHING, 1005}, {900, WRITTEN, &look_a_grown, NOTHING, 60900},
			{1000, CLOSED, &look_a_grown, NOTHING, 2000},
			{2000, LOOKED, &look_a_grown, JOB, NEVER}}},
	{"grows unseen", {{5, CLOSED, &look_a, NOTHING, 1005},
				 {1005, LOOKED, &look_a_grown, NOTHING, 2005}}},
	{"only ctime changes",
		{{5, CLOSED, &look_a, NOTHING, 1005}, {500, LOOKED, &look_a_chmod, NOTHING, 1500},
			{1500, LOOKED, &look_a_chmod, JOB, NEVER}}},
	{"ctime of a job changes",
		{{5, MOVED, &look_a, JOB, NEVER}, {6, LOOKED, &look_a_chmod, NOTHING, NEVER}}},
	{"a job is opened and closed unchanged",
		{{5, MOVED, &look_a, JOB, NEVER}, {6, CLOSED, &look_a, NOTHING, NEVER}}},
	{"a job is written to within a tick",
		{{5, MOVED, &look_a, JOB, NEVER}, {6, WRITTEN, &look_a, LEFT, 60006},
			{7, CLOSED, &look_a, NOTHING, 1007}, {1007, LOOKED, &look_a, JOB, NEVER}}},
	{"a job is changed, no event said how",
		{{5, MOVED, &look_a, JOB, NEVER}, {6, LOOKED, &look_a_grown, LEFT, 1006}}},
	{"another file is moved over a job",
		{{5, MOVED, &look_a, JOB, NEVER}, {6, MOVED, &look_b, LEFT, 6},
			{6, LOOKED, &look_b, JOB, NEVER}}},
	{"another file lies there, no event said how",
		{{5, MOVED, &look_a, JOB, NEVER}, {6, LOOKED, &look_b, LEFT, 5006}}},
	{"a job is removed", {{5, MOVED, &look_a, JOB, NEVER}, {6, LOOKED, NULL, LEFT, NEVER},
				     {7, LOOKED, NULL, NOTHING, NEVER}}},
	{"removed before it was one",
		{{5, CLOSED, &look_a, NOTHING, 1005}, {6, LOOKED, NULL, NOTHING, NEVER}}},
	{"scanned while being written",
		{{5, WRITTEN, &look_a, NOTHING, 60005}, {6, LOOKED, &look_a, NOTHING, 60005}}},
	{"the closing was lost",
		{{5, WRITTEN, &look_a, NOTHING, 60005}, {6, FOUND, &look_a, NOTHING, 5006}}},
	{"closed, then found",
		{{5, CLOSED, &look_a, NOTHING, 1005}, {6, FOUND, &look_a, NOTHING, 1005}}},
	{"closed, then found changed",
		{{5, CLOSED, &look_a, NOTHING, 1005}, {6, FOUND, &look_a_grown, NOTHING, 5006}}},
	{"a job is found", {{5, MOVED, &look_a, JOB, NEVER}, {6, FOUND, &look_a, NOTHING, NEVER}}},
	{"a folder is made", {{5, WRITTEN, &look_folder, NOTHING, 1005},
				     {1005, LOOKED, &look_folder, REFUSED, NEVER},
				     {1006, LOOKED, &look_folder_filled, NOTHING, NEVER},
				     {1007, WRITTEN, &look_folder, NOTHING, NEVER},
				     {1008, MOVED, &look_a, JOB, NEVER}}},
	{"a folder is moved in", {{5, MOVED, &look_folder, REFUSED, NEVER}}},
	{"linked in, the old name removed",
		{{5, WRITTEN, &look_a_linked, NOTHING, 1005}, {500, LOOKED, &look_a, NOTHING, 1500},
			{1500, LOOKED, &look_a, JOB, NEVER}}},
	{"linked, said once", {{5, WRITTEN, &look_a_linked, NOTHING, 1005},
				      {1005, LOOKED, &look_a_linked, REFUSED, NEVER},
				      {1006, WRITTEN, &look_a_linked_grown, NOTHING, NEVER},
				      {1007, LOOKED, &look_a, NOTHING, 2007},
				      {2007, LOOKED, &look_a, JOB, NEVER}}},
	{"a second name for a job",
		{{5, MOVED, &look_a, JOB, NEVER}, {6, LOOKED, &look_a_linked, LEFT, 1006},
			{1006, LOOKED, &look_a_linked, REFUSED, NEVER}}},
	{"unreadable, then allowed", {{5, CLOSED, &look_a_locked, NOTHING, 1005},
					     {1005, LOOKED, &look_a_locked, REFUSED, NEVER},
					     {1006, LOOKED, &look_a_chmod, NOTHING, 2006},
					     {2006, LOOKED, &look_a_chmod, JOB, NEVER}}},
	{"unreadable, said again when written anew",
		{{5, CLOSED, &look_a_locked, NOTHING, 1005},
			{1005, LOOKED, &look_a_locked, REFUSED, NEVER},
			{1006, CLOSED, &look_a_locked, NOTHING, NEVER},
			{1007, CLOSED, &look_a_locked_grown, NOTHING, 2007},
			{2007, LOOKED, &look_a_locked_grown, REFUSED, NEVER}}},
};

static void test_stories(void **state)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		struct arrival arrival = ARRIVAL_INIT;

		for (const struct step *s = stories[i].steps; s->now != 0; s++) {
			enum arrival_effect effect =
				s->look ? arrival_see(&arrival, s->sign, s->look, QUIET, s->now)
					: arrival_gone(&arrival);
			uint64_t due = arrival_due(&arrival, QUIET);

			if (effect != s->effect || due != s->due) {
				fail_msg("%s, at %ju: effect %d instead of %d, due %ju instead of "
					 "%ju",
					stories[i].name, (uintmax_t)s->now, (int)effect,
					(int)s->effect, (uintmax_t)due, (uintmax_t)s->due);
			}
		}
	}
}

static void test_quiet_of_nothing_and_of_ever(void **state)
{
	struct arrival arrival = ARRIVAL_INIT;

	assert_int_equal(arrival_see(&arrival, WRITTEN, &look_a, 0, 7), JOB);
	arrival_gone(&arrival);
	assert_int_equal(arrival_see(&arrival, CLOSED, &look_a, UINT64_MAX, 7), NOTHING);
	assert_true(arrival_due(&arrival, UINT64_MAX) == NEVER);
	assert_true(arrival_due(&arrival, UINT64_MAX / 2) == UINT64_MAX / 2 + 7);
}

static void test_signs_joined(void **state)
{
	for (int a = 0; a < _ARRIVAL_SIGN_MAX; a++) {
		for (int b = 0; b < _ARRIVAL_SIGN_MAX; b++) {
			int joined =
				(int)arrival_sign_join((enum arrival_sign)a, (enum arrival_sign)b);

			assert_int_equal(joined, b == LOOKED ? a : b);
		}
	}
}

static void test_names(void **state)
{
	static const char *const jobs[] = {"klipper.bin", "a", "#12", "-rf", " ", "\xff\xfe",
		"a\nb", "part", "x.part.bin", "sha256", "a.sha256.bin", "record.bin", "REPORT.TXT",
		"~a"};
	static const char *const others[] = {"", ".", "..", ".klipper.bin", "a.part", "a.tmp", "a~",
		"~", "a.sha256", "a.minisig", ".sha256", "record", "report.txt"};

	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		if (!arrival_name_is_job(jobs[i])) {
			fail_msg("\"%s\" is no job", jobs[i]);
		}
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (arrival_name_is_job(others[i])) {
			fail_msg("\"%s\" is a job", others[i]);
		}
	}
}

static void test_sidecars(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} rows[] = {
		{"a.sha256", 1},
		{"klipper.bin.minisig", 11},
		{"a.minisig.sha256", 9},
		{".minisig", 0},
		{".sha256", 0},
		{".a.minisig", 2},
		{"minisig", 0},
		{"a.minisig.part", 0},
		{"a.bin", 0},
		{"", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (arrival_sidecar_of(rows[i].name) != rows[i].n) {
			fail_msg("\"%s\"", rows[i].name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_quiet_of_nothing_and_of_ever),
		cmocka_unit_test(test_signs_joined),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sidecars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
