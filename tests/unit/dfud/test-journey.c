/* SPDX-License-Identifier: MIT */
/*
 * A journey from the worker's start to the verdict, with a worker that does as it is told
 * (worker.c), and with a port that this test plays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dfud/journal.h"
#include "dfud/journey.h"
#include "record/record.h"
#include "said.h"

#define TTY "/dev/serial/by-id/usb-Klipper_stm32f446xx_3E00-if00"

enum answer {
	ANSWER_GO,
	ANSWER_STOP,
	ANSWER_PAUSE, /* the first time; then GO */
};

struct bed {
	sd_event *event;
	struct journey *journey;
	int image;
	enum answer answer;
	unsigned judged, moved, ended;
	bool comes_back;	/* as run-time device as soon as the board has left */
	bool goes;		/* at the leave */
	struct attempt attempt; /* as it ended */
	char progress[256];	/* of the last move while flashing */
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	assert_true(sd_event_new(&bed->event) >= 0);
	bed->image = memfd_create("image", MFD_CLOEXEC);
	assert_true(bed->image >= 0);
	*state = bed;
	said_clear();
	journal_open();
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	journey_free(bed->journey);
	sd_event_unref(bed->event);
	close(bed->image);
	free(bed);
	return 0;
}

static void on_judge(void *user, struct journey *journey)
{
	struct bed *bed = user;

	bed->judged++;
	if (bed->answer == ANSWER_PAUSE && bed->judged == 1) {
		journey_pause(journey, 300000);
	} else if (bed->answer == ANSWER_STOP) {
		journey_stop(journey, END_REFUSED, REASON_TWO_BOARDS, "there are two boards");
	} else {
		journey_go(journey);
	}
}

static bool on_expects(void *user, const struct journey *journey, uint16_t vendor, uint16_t product)
{
	return vendor == 0x1d50 && product == 0x614e;
}

static void on_moved(void *user, struct journey *journey)
{
	const struct hotplug_device device = {.port = "1-1",
		.vendor = 0x1d50,
		.product = 0x614e,
		.name = "Klipper stm32f446xx",
		.number = 2};
	struct bed *bed = user;
	const struct attempt *a = journey_attempt(journey);

	bed->moved++;
	if (a->state == ATTEMPT_FLASHING && !a->left) {
		journey_progress(journey, bed->progress, sizeof(bed->progress));
	}
	if (!a->left) {
		return;
	}
	if (bed->goes || bed->comes_back) {
		journey_take_absent(journey);
	}
	if (bed->comes_back) {
		journey_take_present(journey, &device);
		journey_take_tty(journey, TTY);
	}
}

static void on_ended(void *user, struct journey *journey)
{
	struct bed *bed = user;

	bed->ended++;
	bed->attempt = *journey_attempt(journey);
	bed->journey = journey_free(journey);
}

static const struct journey_events events = {
	.judge = on_judge,
	.expects = on_expects,
	.moved = on_moved,
	.ended = on_ended,
};

static void make_options(const struct bed *bed, struct tell *tell, struct journey_options *ret)
{
	*tell = (struct tell)TELL_INIT;
	strcpy(tell->label, "octopus");
	strcpy(tell->profile, "octopus");
	strcpy(tell->port, "1-1");
	strcpy(tell->id, "0123456789abcdef0123456789abcdef");
	tell_set_file(tell, "klipper.bin");
	*ret = (struct journey_options){
		.tell = tell,
		.attempt = {.within_ms = 1500},
		.worker = WORKER,
		.command = "dfud-flash --port 1-1 klipper.bin",
		.image_fd = bed->image,
		.record_fd = -EBADF,
		.check_deadline_ms = 20000,
	};
}

static void begin(struct bed *bed, const char *const *args, uint64_t check_deadline_ms)
{
	struct journey_options options;
	struct tell tell;

	make_options(bed, &tell, &options);
	options.args = args;
	options.check_deadline_ms = check_deadline_ms;
	assert_int_equal(journey_new(&bed->journey, bed->event, &options, &events, bed), 0);
	memset(&tell, 'x', sizeof(tell)); /* it was copied */
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void linger(struct bed *bed, uint64_t ms)
{
	const uint64_t end = now_ms() + ms;

	while (now_ms() < end) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
}

/* To the end, and a while longer: nothing is told twice, and no child is left. */
static void finish(struct bed *bed)
{
	const uint64_t end = now_ms() + 20000;
	siginfo_t si = {0};

	while (bed->ended == 0 && now_ms() < end) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
	while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && now_ms() < end) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
	linger(bed, 100);
	assert_int_equal(bed->ended, 1);
	assert_int_equal(said_count("DFUD_EVENT", "verdict"), 1);
	assert_true(waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD);
}

static void check_verdict(const struct bed *bed, enum verdict verdict, enum reason reason)
{
	const size_t last = said_n() - 1;
	const char *is = said_field(last, "DFUD_REASON");

	assert_string_equal(said_field(last, "DFUD_EVENT"), "verdict");
	assert_string_equal(said_field(last, "DFUD_VERDICT"), verdict_to_string(verdict));
	assert_string_equal(is != NULL ? is : "", reason_to_string(reason));
	assert_int_equal(bed->attempt.verdict, verdict);
	assert_int_equal(bed->attempt.state, ATTEMPT_ENDED);
}

#define CHECKED "say", "image", "say", "plan 3 8", "wait"
#define FLASHED                                                                                    \
	"say", "mark erasing", "say", "phase write 37 100", "say", "mark written", "say",          \
		"mark verified"
#define LEFT "say", "mark left", "say", "outcome completed written read-back"

static void test_story(void **state)
{
	static const char *const args[] = {CHECKED, FLASHED, LEFT, NULL};
	static const char *const story[] = {
		"checked", "flashing", "erased", "flashed", "leaving", "verdict"};
	struct bed *bed = *state;

	bed->comes_back = true;
	begin(bed, args, 20000);
	finish(bed);
	check_verdict(bed, VERDICT_RETURNED, REASON_NONE);
	assert_int_equal(said_n(), sizeof(story) / sizeof(*story));
	for (size_t i = 0; i < said_n(); i++) {
		assert_string_equal(said_field(i, "DFUD_EVENT"), story[i]);
		assert_string_equal(said_field(i, "DFUD_PROFILE"), "octopus");
	}
	assert_int_equal(bed->judged, 1);
	assert_string_equal(bed->progress, "octopus: write klipper.bin, 37 %");
	assert_string_equal(said_field(5, "DFUD_TTY"), TTY);
	assert_string_equal(said_field(5, "DFUD_RETURN"), "as-expected");
	assert_string_equal(said_field(1, "DFUD_COMMAND"), "dfud-flash --port 1-1 klipper.bin");
}

static void test_gone(void **state)
{
	static const char *const args[] = {CHECKED, FLASHED, LEFT, NULL};
	struct bed *bed = *state;

	bed->goes = true;
	begin(bed, args, 20000);
	finish(bed);
	check_verdict(bed, VERDICT_GONE, REASON_NONE);
}

static void test_stayed(void **state)
{
	static const char *const args[] = {CHECKED, FLASHED, LEFT, NULL};
	struct bed *bed = *state;

	begin(bed, args, 20000);
	finish(bed);
	check_verdict(bed, VERDICT_STAYED, REASON_NONE);
}

/* Killed between the leave and its outcome: the marks have told what is on the board. */
static void test_death_after_leave(void **state)
{
	static const char *const args[] = {CHECKED, FLASHED, "say", "mark left", "abort", NULL};
	struct bed *bed = *state;

	bed->comes_back = true;
	begin(bed, args, 20000);
	finish(bed);
	check_verdict(bed, VERDICT_RETURNED, REASON_NONE);
}

static void test_death_while_writing(void **state)
{
	static const char *const args[] = {CHECKED, "say", "mark erasing", "abort", NULL};
	struct bed *bed = *state;

	begin(bed, args, 20000);
	finish(bed);
	check_verdict(bed, VERDICT_INTERRUPTED, REASON_WORKER_CRASHED);
	assert_int_equal(bed->attempt.flash, FLASH_PARTLY);
}

static void test_deadline_of_the_check(void **state)
{
	static const char *const args[] = {"sleep", "60000", NULL};
	struct bed *bed = *state;

	begin(bed, args, 200);
	finish(bed);
	check_verdict(bed, VERDICT_INTERRUPTED, REASON_WORKER_DEADLINE);
	assert_int_equal(bed->attempt.flash, FLASH_UNTOUCHED);
}

/* The check's deadline is not the flash's. */
static void test_deadline_is_extended(void **state)
{
	static const char *const args[] = {CHECKED, "sleep", "2500", FLASHED, LEFT, NULL};
	struct bed *bed = *state;

	bed->comes_back = true;
	begin(bed, args, 1000);
	finish(bed);
	check_verdict(bed, VERDICT_RETURNED, REASON_NONE);
}

static void test_stop(void **state)
{
	static const char *const args[] = {CHECKED, "sleep", "500", NULL};
	struct bed *bed = *state;

	bed->answer = ANSWER_STOP;
	begin(bed, args, 20000);
	finish(bed);
	check_verdict(bed, VERDICT_REFUSED, REASON_TWO_BOARDS);
	assert_string_equal(said_message(said_n() - 1),
		"octopus: refused, nothing was erased: there are two boards");
	assert_int_equal(said_count("DFUD_EVENT", "flashing"), 0);
}

static void test_pause(void **state)
{
	static const char *const args[] = {CHECKED, FLASHED, LEFT, NULL};
	struct bed *bed = *state;
	const uint64_t begun = now_ms();

	bed->answer = ANSWER_PAUSE;
	bed->comes_back = true;
	begin(bed, args, 20000);
	finish(bed);
	assert_int_equal(bed->judged, 2);
	assert_true(now_ms() - begun >= 300);
	check_verdict(bed, VERDICT_RETURNED, REASON_NONE);
}

/* A worker that is slow to close the board holds its verdict back, so that the next one finds it
 * free. */
static void test_slow_to_close(void **state)
{
	static const char *const args[] = {"say", "image", "say",
		"outcome refused untouched no link-address", "sleep", "1000", NULL};
	struct bed *bed = *state;
	const uint64_t begun = now_ms();

	begin(bed, args, 20000);
	while (bed->ended == 0 && now_ms() < begun + 20000) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
	assert_true(now_ms() - begun >= 1000);
	finish(bed);
	check_verdict(bed, VERDICT_REFUSED, REASON_LINK_ADDRESS);
	assert_int_equal(bed->judged, 0);
}

/* Whatever a worker says after its outcome, or without having been asked to flash. */
static void test_liars(void **state)
{
	static const char *const late[] = {"say", "outcome refused untouched no busy", "say",
		"outcome completed written read-back", "say", "plan 1 2", "say", "mark left", NULL};
	static const char *const unasked[] = {
		"say", "image", "say", "outcome completed written read-back", NULL};
	struct bed *bed = *state;

	begin(bed, late, 20000);
	finish(bed);
	check_verdict(bed, VERDICT_REFUSED, REASON_BUSY);
	bed->ended = 0;
	said_clear();
	begin(bed, unasked, 20000);
	finish(bed);
	assert_false(verdict_is_flashed(bed->attempt.verdict));
	assert_int_equal(said_count("DFUD_EVENT", "flashing"), 0);
}

static void test_silent(void **state)
{
	static const char *const args[] = {"exit", "0", NULL};
	struct bed *bed = *state;

	begin(bed, args, 20000);
	finish(bed);
	check_verdict(bed, VERDICT_INTERRUPTED, REASON_WORKER_CRASHED);
}

/* The owner gives up in the middle: no verdict, no callback, no zombie. */
static void test_given_up(void **state)
{
	static const char *const args[] = {CHECKED, "sleep", "300", NULL};
	struct bed *bed = *state;
	siginfo_t si = {0};

	begin(bed, args, 20000);
	while (bed->judged == 0) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
	bed->journey = journey_free(bed->journey);
	while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0) {
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	}
	assert_int_equal(bed->ended, 0);
	assert_int_equal(said_count("DFUD_EVENT", "verdict"), 0);
}

static void resume(struct bed *bed, const struct record *record)
{
	struct journey_options options;
	struct journey *journey = NULL;
	struct tell tell;

	make_options(bed, &tell, &options);
	assert_int_equal(journey_resume(&journey, bed->event, &options, record, &events, bed), 0);
	if (bed->ended == 0) {
		bed->journey = journey;
	}
}

/* What an earlier daemon began and nobody finished. */
static void test_resume_interrupted(void **state)
{
	const struct record record = {.format = RECORD_FORMAT, .erasing = true};
	struct bed *bed = *state;

	resume(bed, &record);
	finish(bed);
	check_verdict(bed, VERDICT_INTERRUPTED, REASON_NONE);
	assert_int_equal(bed->attempt.flash, FLASH_PARTLY);
}

static void test_resume_left(void **state)
{
	const struct hotplug_device device = {
		.port = "1-1", .vendor = 0x1d50, .product = 0x614e, .number = 2};
	const struct record record = {.format = RECORD_FORMAT,
		.address = 0x08000000,
		.erasing = true,
		.written = true,
		.verified = true,
		.left = true};
	struct bed *bed = *state;

	resume(bed, &record);
	assert_int_equal(bed->ended, 0);
	journey_take_present(bed->journey, &device);
	finish(bed);
	check_verdict(bed, VERDICT_RETURNED, REASON_NONE);
	assert_string_equal(said_field(said_n() - 1, "DFUD_ADDRESS"), "0x08000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_story, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stayed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death_after_leave, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death_while_writing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline_of_the_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline_is_extended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pause, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_to_close, setup, teardown),
		cmocka_unit_test_setup_teardown(test_liars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resume_interrupted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resume_left, setup, teardown),
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD); /* as main does */
	sigprocmask(SIG_BLOCK, &set, NULL);
	return cmocka_run_group_tests_name("journey", tests, NULL, NULL);
}
