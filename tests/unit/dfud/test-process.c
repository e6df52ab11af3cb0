/* SPDX-License-Identifier: MIT */
/* Workers as processes, with a worker that does as it is told (worker.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dfud/process.h"

#define MESSAGES 64

struct bed {
	sd_event *event;
	struct process *process;
	int image, record, backup;
	bool with_backup;
	struct message messages[MESSAGES];
	size_t n;
	unsigned ended;
	enum process_end end;
	bool keep;  /* do not free in `ended` */
	int answer; /* to a plan: 0 stop, 1 go, -1 none */
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	assert_true(sd_event_new(&bed->event) >= 0);
	bed->image = memfd_create("image", MFD_CLOEXEC);
	bed->record = memfd_create("record", MFD_CLOEXEC);
	bed->backup = memfd_create("backup", MFD_CLOEXEC);
	assert_int_equal(write(bed->backup, "BACKUP", 6), 6);
	assert_int_equal(write(bed->image, "IMAGE", 5), 5);
	assert_int_equal(write(bed->record, "RECORD", 6), 6);
	bed->answer = -1;
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	process_free(bed->process);
	sd_event_unref(bed->event);
	close(bed->image);
	close(bed->record);
	close(bed->backup);
	free(bed);
	return 0;
}

static void on_message(void *user, const struct message *message)
{
	struct bed *bed = user;

	assert_int_equal(bed->ended, 0);
	if (bed->n < MESSAGES) {
		bed->messages[bed->n++] = *message;
	}
	if (message->kind == MESSAGE_PLAN && bed->answer >= 0) {
		process_answer(bed->process, bed->answer == 1);
	}
}

static void on_ended(void *user, enum process_end end)
{
	struct bed *bed = user;

	bed->ended++;
	bed->end = end;
	if (!bed->keep) {
		bed->process = process_free(bed->process);
	}
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int start(struct bed *bed, const char *program, const char *const *args, int record,
	uint64_t deadline_ms)
{
	static const struct process_events events = {.message = on_message, .ended = on_ended};
	const struct process_start start = {
		.program = program,
		.args = args,
		.image_fd = bed->image,
		.record_fd = record,
		.backup_fd = bed->with_backup ? bed->backup : -EBADF,
		.deadline_ms = deadline_ms,
	};

	return process_start(&bed->process, bed->event, &start, &events, bed);
}

/* Runs the loop until the worker has ended, or for so many milliseconds. */
static void run(struct bed *bed, uint64_t ms)
{
	const uint64_t end = now_ms() + ms;

	while (bed->ended == 0 && now_ms() < end) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
}

/* Runs the loop that long, whatever happens. */
static void linger(struct bed *bed, uint64_t ms)
{
	const uint64_t end = now_ms() + ms;

	while (now_ms() < end) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
}

static void work(struct bed *bed, const char *const *args)
{
	assert_int_equal(start(bed, WORKER, args, bed->record, 20000), 0);
	run(bed, 30000);
	assert_int_equal(bed->ended, 1);
}

static bool has_children(void)
{
	siginfo_t si = {0};

	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/* The loop reaps what has ended, sooner or later. */
static void check_reaped(struct bed *bed)
{
	const uint64_t end = now_ms() + 10000;

	while (has_children() && now_ms() < end) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
	assert_false(has_children());
}

static void test_messages(void **state)
{
	static const char *const args[] = {"say", "image", "say", "phase write 37 100", "say",
		"mark erasing", "say", "outcome completed written read-back", NULL};
	struct bed *bed = *state;

	work(bed, args);
	assert_int_equal(bed->end, PROCESS_EXITED);
	assert_int_equal(bed->n, 4);
	assert_int_equal(bed->messages[0].kind, MESSAGE_IMAGE);
	assert_int_equal(bed->messages[0].size, 44388);
	assert_int_equal(bed->messages[1].kind, MESSAGE_PHASE);
	assert_int_equal(bed->messages[1].done, 37);
	assert_string_equal(bed->messages[2].mark, "erasing");
	assert_string_equal(bed->messages[3].flash, "written");
	assert_false(has_children());
}

static void test_nonsense(void **state)
{
	static const char *const args[] = {"text", "nonsense", "text", "", "text", "Version=1\n",
		"text", "Version=2\nMessage=image\n", "text",
		"Version=1\nMessage=mark\nMark=done\n", "say", "mark erasing", "text",
		"Version=1\nMessage=image", "say", "outcome failed partly no stall", NULL};
	struct bed *bed = *state;

	work(bed, args);
	assert_int_equal(bed->n, 2);
	assert_string_equal(bed->messages[0].mark, "erasing");
	assert_string_equal(bed->messages[1].reason, "stall");
}

/* The outcome lies in the socket when the exit is known. */
static void test_outcome_before_exit(void **state)
{
	static const char *const args[] = {"say", "mark erasing", "say", "mark written", "say",
		"mark verified", "say", "outcome completed written read-back", "exit", "3", NULL};
	struct bed *bed = *state;

	for (int i = 0; i < 20; i++) {
		siginfo_t si;

		bed->ended = 0;
		bed->n = 0;
		assert_int_equal(start(bed, WORKER, args, bed->record, 20000), 0);
		assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT), 0);
		run(bed, 10000);
		assert_int_equal(bed->ended, 1);
		assert_int_equal(bed->n, 4);
		assert_int_equal(bed->messages[3].kind, MESSAGE_OUTCOME);
	}
}

static void test_death(void **state)
{
	static const char *const args[] = {"say", "mark erasing", "abort", NULL};
	struct bed *bed = *state;

	work(bed, args);
	assert_int_equal(bed->n, 1);
	assert_int_equal(bed->end, PROCESS_CRASHED);
	assert_false(has_children());
}

static void test_no_program(void **state)
{
	static const char *const args[] = {NULL};
	struct bed *bed = *state;
	const int r = start(bed, "/nonexistent/dfud-flash", args, bed->record, 20000);

	if (r == 0) { /* told by the child's end, or at once */
		run(bed, 10000);
		assert_int_equal(bed->ended, 1);
		assert_int_equal(bed->end, PROCESS_UNABLE);
		assert_int_equal(bed->n, 0);
	}
	assert_false(has_children());
}

static void test_deadline(void **state)
{
	static const char *const args[] = {"say", "mark erasing", "sleep", "60000", NULL};
	struct bed *bed = *state;
	const uint64_t begun = now_ms();

	assert_int_equal(start(bed, WORKER, args, bed->record, 300), 0);
	run(bed, 10000);
	assert_int_equal(bed->ended, 1);
	assert_int_equal(bed->end, PROCESS_DEADLINE);
	assert_int_equal(bed->n, 1);
	assert_true(now_ms() - begun >= 300);
	assert_true(now_ms() - begun < 5000);
	check_reaped(bed);
	assert_int_equal(bed->ended, 1);
}

/* The same where the owner keeps it for a while: told once, reaped all the same. */
static void test_deadline_kept(void **state)
{
	static const char *const args[] = {"sleep", "60000", NULL};
	struct bed *bed = *state;

	bed->keep = true;
	assert_int_equal(start(bed, WORKER, args, bed->record, 100), 0);
	run(bed, 10000);
	check_reaped(bed);
	assert_int_equal(bed->ended, 1);
}

static void test_extend(void **state)
{
	static const char *const args[] = {
		"sleep", "1800", "say", "outcome completed written read-back", NULL};
	struct bed *bed = *state;

	assert_int_equal(start(bed, WORKER, args, bed->record, 100), 0);
	process_extend(bed->process, 20000);
	run(bed, 15000);
	assert_int_equal(bed->ended, 1);
	assert_int_equal(bed->end, PROCESS_EXITED);
	assert_int_equal(bed->n, 1);
}

/* A deadline that is drawn in counts too. */
static void test_shorten(void **state)
{
	static const char *const args[] = {"sleep", "60000", NULL};
	struct bed *bed = *state;

	assert_int_equal(start(bed, WORKER, args, bed->record, 60000), 0);
	process_extend(bed->process, 100);
	run(bed, 10000);
	assert_int_equal(bed->ended, 1);
	assert_int_equal(bed->end, PROCESS_DEADLINE);
	check_reaped(bed);
}

/* A worker that never stops talking is killed at its deadline like a silent one. */
static void test_flood(void **state)
{
	static const char *const args[] = {"flood", "0", NULL};
	struct bed *bed = *state;
	const uint64_t begun = now_ms();

	(void)alarm(60); /* a loop that starves would never come back */
	assert_int_equal(start(bed, WORKER, args, bed->record, 500), 0);
	run(bed, 20000);
	(void)alarm(0);
	assert_int_equal(bed->ended, 1);
	assert_int_equal(bed->end, PROCESS_DEADLINE);
	assert_true(now_ms() - begun < 10000);
	check_reaped(bed);
}

static void test_answers(void **state)
{
	static const char *const args[] = {"say", "plan 3 8", "wait", NULL};
	struct bed *bed = *state;

	for (int go = 0; go < 2; go++) {
		bed->answer = go;
		bed->ended = 0;
		bed->n = 0;
		work(bed, args);
		assert_int_equal(bed->n, 2);
		assert_string_equal(bed->messages[1].about, go ? "go" : "stop");
	}
}

/* A worker that is gone does not hear the answer, and nothing comes of it. */
static void test_answer_to_nobody(void **state)
{
	static const char *const args[] = {"exit", "0", NULL};
	struct bed *bed = *state;
	siginfo_t si;

	assert_int_equal(start(bed, WORKER, args, bed->record, 20000), 0);
	assert_int_equal(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT), 0);
	process_answer(bed->process, true);
	run(bed, 10000);
	assert_int_equal(bed->ended, 1);
}

static void check_fds(struct bed *bed, bool with_record, bool with_backup)
{
	static const char *const args[] = {"fds", NULL};
	char expected[64];

	bed->ended = 0;
	bed->n = 0;
	bed->with_backup = with_backup;
	assert_int_equal(start(bed, WORKER, args, with_record ? bed->record : -EBADF, 20000), 0);
	run(bed, 10000);
	assert_int_equal(bed->n, 1);
	snprintf(expected, sizeof(expected), "0 1 2 3 4 %s%s| IMAGE| %s| %s",
		with_record ? "5 " : "", with_backup ? "6 " : "", with_record ? "RECORD" : "",
		with_backup ? "BACKUP" : "");
	assert_string_equal(bed->messages[0].about, expected);
}

/* Image, socket, record and backup lie at 3, 4, 5 and 6, and nothing else is open there. */
static void test_fds(void **state)
{
	struct bed *bed = *state;

	check_fds(bed, true, true);
	check_fds(bed, true, false);
	check_fds(bed, false, true);
	check_fds(bed, false, false);
}

/* Whatever the numbers are here, also where they are the places themselves, crossed. */
static void test_fds_wherever(void **state)
{
	static const int places[][2] = {
		{3, 5}, {5, 3}, {4, 3}, {3, 4}, {5, 4}, {4, 5}, {60, 61}, {61, 3}};
	struct bed *bed = *state;

	bed->event = sd_event_unref(bed->event);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const int image = fcntl(bed->image, F_DUPFD_CLOEXEC, 100);
		const int record = fcntl(bed->record, F_DUPFD_CLOEXEC, 100);

		close(bed->image);
		close(bed->record);
		bed->image = dup3(image, places[i][0], O_CLOEXEC);
		bed->record = dup3(record, places[i][1], O_CLOEXEC);
		close(image);
		close(record);
		assert_true(sd_event_new(&bed->event) >= 0);
		check_fds(bed, true, false);
		check_fds(bed, true, true);
		bed->event = sd_event_unref(bed->event);
	}
	assert_true(sd_event_new(&bed->event) >= 0);
}

/* Also what the daemon got from elsewhere without O_CLOEXEC. */
static void test_nothing_inherited(void **state)
{
	struct bed *bed = *state;
	const int low = fcntl(STDIN_FILENO, F_DUPFD, 20);
	const int high = fcntl(STDIN_FILENO, F_DUPFD, 900);

	assert_true(low >= 20 && high >= 900);
	check_fds(bed, true, true);
	check_fds(bed, true, false);
	check_fds(bed, false, true);
	check_fds(bed, false, false);
	close(low);
	close(high);
}

/* Nothing but those that would cut a flash short; whatever is blocked here. */
static void test_signals(void **state)
{
	static const char *const args[] = {"signals", NULL};
	struct bed *bed = *state;

	work(bed, args);
	assert_int_equal(bed->n, 1);
	assert_string_equal(bed->messages[0].about, "HUP INT ABRT TERM ");
}

static void test_args(void **state)
{
	const char *args[400];
	struct bed *bed = *state;

	for (size_t i = 0; i < 399; i++) {
		args[i] = "wait";
	}
	args[399] = NULL;
	assert_true(start(bed, WORKER, args, bed->record, 20000) < 0);
	assert_false(has_children());
}

/* The daemon forgets a worker that still runs: it goes on, and leaves no zombie behind. */
static void test_free_while_it_runs(void **state)
{
	static const char *const args[] = {"sleep", "700", NULL};
	struct bed *bed = *state;

	assert_int_equal(start(bed, WORKER, args, bed->record, 100), 0);
	bed->process = process_free(bed->process);
	linger(bed, 300);
	assert_true(has_children()); /* not even killed at its deadline */
	check_reaped(bed);
	assert_int_equal(bed->ended, 0);
	assert_int_equal(bed->n, 0);
}

/* The loop may end first. */
static void test_free_and_no_loop(void **state)
{
	static const char *const args[] = {"sleep", "50", NULL};
	struct bed *bed = *state;

	assert_int_equal(start(bed, WORKER, args, bed->record, 20000), 0);
	bed->process = process_free(bed->process);
	bed->event = sd_event_unref(bed->event);
	assert_true(waitpid(-1, NULL, 0) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outcome_before_exit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extend, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shorten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_to_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fds_wherever, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_inherited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_args, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_while_it_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_and_no_loop, setup, teardown),
	};
	sigset_t set;

	(void)close_range(3, ~0U, 0); /* the tests need the low numbers */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD); /* as main does */
	sigaddset(&set, SIGUSR1); /* not for the worker */
	sigprocmask(SIG_BLOCK, &set, NULL);
	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
