/* SPDX-License-Identifier: MIT */
/* The queue folder as people use it, in a real folder; the rules of time are test-arrival's. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dfud/queue.h"

#define QUIET_MS 20
#define LOG_MAX	 4096

struct told {
	char what; /* a, l, r, f */
	char name[256];
	ino_t inode;
	int detail; /* fault, or error */
	struct queue_file file;
};

struct bed {
	char root[64], folder[80];
	int fd;
	sd_event *event;
	struct queue *queue;
	struct told *log;
	unsigned n_log;
	unsigned n_companions;
	char companion[256]; /* the last one */
	bool forgets, frees;
};

static struct told *bed_log(struct bed *bed, char what, const char *name, ino_t inode, int detail)
{
	struct told *told = &bed->log[bed->n_log++];

	assert_true(bed->n_log < LOG_MAX);
	*told = (struct told){.what = what, .inode = inode, .detail = detail};
	(void)snprintf(told->name, sizeof(told->name), "%s", name);
	return told;
}

static void on_arrived(void *user, const struct queue_file *file)
{
	struct bed *bed = user;

	bed_log(bed, 'a', "", file->inode, 0)->file = *file;
	if (bed->forgets) {
		queue_forget(bed->queue, file->name);
	}
	if (bed->frees) {
		bed->queue = queue_free(bed->queue);
	}
	(void)snprintf(bed->log[bed->n_log - 1].name, 256, "%s", file->name);
}

static void on_left(void *user, const char *name, ino_t inode)
{
	bed_log(user, 'l', name, inode, 0);
}

static void on_refused(void *user, const char *name, enum queue_fault fault)
{
	bed_log(user, 'r', name, 0, (int)fault);
}

static void on_failed(void *user, int error)
{
	bed_log(user, 'f', "", 0, error);
}

static void on_companion(void *user, const char *name)
{
	struct bed *bed = user;

	bed->n_companions++;
	(void)snprintf(bed->companion, sizeof(bed->companion), "%s", name ? name : "(any)");
	if (bed->frees) {
		bed->queue = queue_free(bed->queue);
	}
}

static const struct queue_events events = {
	.arrived = on_arrived,
	.left = on_left,
	.refused = on_refused,
	.companion = on_companion,
	.failed = on_failed,
};

static void bed_watch(struct bed *bed, uint64_t quiet_ms)
{
	assert_int_equal(queue_new(&bed->queue, bed->event, bed->fd, quiet_ms, &events, bed), 0);
	assert_int_equal(bed->n_log, 0);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed->log = calloc(LOG_MAX, sizeof(*bed->log));
	assert_non_null(bed->log);
	strcpy(bed->root, "/tmp/dfud-queue-XXXXXX");
	assert_non_null(mkdtemp(bed->root));
	(void)snprintf(bed->folder, sizeof(bed->folder), "%s/queue", bed->root);
	assert_int_equal(mkdir(bed->folder, 0755), 0);
	bed->fd = open(bed->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(bed->fd >= 0);
	assert_true(sd_event_new(&bed->event) >= 0);
	*state = bed;
	return 0;
}

static void remove_all(const char *path)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", path, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	queue_free(bed->queue);
	sd_event_unref(bed->event);
	(void)close(bed->fd);
	remove_all(bed->root);
	free(bed->log);
	free(bed);
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Turns the loop until n more were told; not told in 10 s fails. */
static const struct told *bed_await(struct bed *bed, unsigned n)
{
	uint64_t end = now_ms() + 10000;

	n += bed->n_log;
	while (bed->n_log < n) {
		if (now_ms() > end) {
			fail_msg("only %u of %u told", bed->n_log, n);
		}
		assert_true(sd_event_run(bed->event, 100000) >= 0);
	}
	return &bed->log[bed->n_log - 1];
}

/* Turns the loop until there is nothing to do at once. */
static void bed_drain(struct bed *bed)
{
	while (sd_event_run(bed->event, 0) > 0) {
	}
}

static void assert_told(const struct told *told, char what, const char *name)
{
	if (told->what != what || strcmp(told->name, name) != 0) {
		fail_msg("told '%c' \"%s\" instead of '%c' \"%s\"", told->what, told->name, what,
			name);
	}
}

static int bed_open(const struct bed *bed, const char *name)
{
	int fd = openat(bed->fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	return fd;
}

static void bed_put(const struct bed *bed, const char *name, const char *text)
{
	int fd = bed_open(bed, name);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

/* As mv from elsewhere on the same file system. */
static void bed_move_in(const struct bed *bed, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/outside", bed->root);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	assert_int_equal(renameat(AT_FDCWD, path, bed->fd, name), 0);
}

static void test_moved_in_is_a_job_at_once(void **state)
{
	struct bed *bed = *state;
	const struct told *told;
	struct stat st;

	bed_watch(bed, 3600 * 1000);
	bed_drain(bed);
	bed_move_in(bed, "klipper.bin", "firmware");
	bed_drain(bed);
	assert_int_equal(bed->n_log, 1);
	told = &bed->log[0];
	assert_told(told, 'a', "klipper.bin");
	assert_int_equal(fstatat(bed->fd, "klipper.bin", &st, 0), 0);
	assert_int_equal(told->file.inode, st.st_ino);
	assert_int_equal(told->file.device, st.st_dev);
	assert_int_equal(told->file.size, 8);
	assert_int_equal(told->file.mtime_ns, st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	assert_int_equal(told->file.owner, getuid());
	assert_true(told->file.arrived_us / 1000000 >= (uint64_t)st.st_ctim.tv_sec);
}

static void test_written_in_place_waits_for_quiet(void **state)
{
	struct bed *bed = *state;
	uint64_t closed;
	int fd;

	bed_watch(bed, 200);
	bed_drain(bed);
	fd = bed_open(bed, "a.bin");
	assert_int_equal(write(fd, "x", 1), 1);
	bed_drain(bed);
	(void)close(fd);
	closed = now_ms();
	assert_told(bed_await(bed, 1), 'a', "a.bin");
	assert_true(now_ms() >= closed + 199);
	assert_true(now_ms() < closed + 5000); /* not as one that is never closed: 12 s */
}

static void test_killed_writer_is_like_a_good_one(void **state)
{
	struct bed *bed = *state;
	pid_t pid;

	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = openat(bed->fd, "half.bin", O_WRONLY | O_CREAT, 0644);

		(void)!write(fd, "half", 4);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_told(bed_await(bed, 1), 'a', "half.bin");
	assert_int_equal(bed->log[0].file.size, 4);
}

static void test_never_closed_waits_longest(void **state)
{
	struct bed *bed = *state;
	uint64_t start;
	int fd;

	bed_watch(bed, 5);
	bed_drain(bed);
	fd = bed_open(bed, "open.bin");
	start = now_ms();
	assert_told(bed_await(bed, 1), 'a', "open.bin");
	assert_true(now_ms() >= start + 299);
	(void)close(fd);
}

/* Made without a name, linked, closed: closed under a name that is none. */
static void test_tmpfile_is_closed_by_its_inode(void **state)
{
	struct bed *bed = *state;
	char path[64];
	uint64_t start;
	int fd;

	bed_watch(bed, 100);
	bed_drain(bed);
	fd = open(bed->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EOPNOTSUPP) {
		skip();
	}
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(linkat(AT_FDCWD, path, bed->fd, "tmp.bin", AT_SYMLINK_FOLLOW), 0);
	(void)close(fd);
	start = now_ms();
	assert_told(bed_await(bed, 1), 'a', "tmp.bin");
	assert_true(now_ms() < start + 3000); /* never closed would take 6 s */
}

static void test_there_at_start(void **state)
{
	struct bed *bed = *state;
	struct stat st;
	uint64_t start = now_ms();

	bed_put(bed, "old.bin", "old");
	bed_watch(bed, QUIET_MS);
	assert_told(bed_await(bed, 1), 'a', "old.bin");
	assert_true(now_ms() >= start + QUIET_MS * 5 - 1);
	assert_int_equal(fstatat(bed->fd, "old.bin", &st, 0), 0);
	assert_int_equal(bed->log[0].file.arrived_us,
		st.st_ctim.tv_sec * 1000000 + st.st_ctim.tv_nsec / 1000);
}

static void test_left_and_replaced(void **state)
{
	struct bed *bed = *state;
	ino_t first;

	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	bed_move_in(bed, "a.bin", "one");
	first = bed_await(bed, 1)->inode;
	bed_move_in(bed, "a.bin", "two");
	bed_await(bed, 2);
	assert_told(&bed->log[1], 'l', "a.bin");
	assert_int_equal(bed->log[1].inode, first);
	assert_told(&bed->log[2], 'a', "a.bin");
	assert_int_not_equal(bed->log[2].inode, first);
	bed_put(bed, "a.bin", "more");
	bed_await(bed, 2);
	assert_told(&bed->log[3], 'l', "a.bin");
	assert_told(&bed->log[4], 'a', "a.bin");
	assert_int_equal(bed->log[4].file.size, 7);
	assert_int_equal(renameat(bed->fd, "a.bin", bed->fd, "b.bin"), 0);
	bed_await(bed, 2);
	assert_told(&bed->log[5], 'l', "a.bin");
	assert_told(&bed->log[6], 'a', "b.bin");
	assert_int_equal(unlinkat(bed->fd, "b.bin", 0), 0);
	assert_told(bed_await(bed, 1), 'l', "b.bin");
}

static void test_what_is_no_file(void **state)
{
	struct bed *bed = *state;
	const struct told *told;

	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	assert_int_equal(mkdirat(bed->fd, "folder", 0755), 0);
	told = bed_await(bed, 1);
	assert_told(told, 'r', "folder");
	assert_int_equal(told->detail, QUEUE_NOT_REGULAR);
	assert_int_equal(mkfifoat(bed->fd, "fifo", 0666), 0);
	told = bed_await(bed, 1);
	assert_told(told, 'r', "fifo");
	assert_int_equal(told->detail, QUEUE_NOT_REGULAR);
	assert_int_equal(symlinkat("nowhere", bed->fd, "link"), 0);
	told = bed_await(bed, 1);
	assert_told(told, 'r', "link");
	assert_int_equal(told->detail, QUEUE_LINKED);
	queue_scan(bed->queue);
	bed_move_in(bed, "end.bin", "x");
	assert_told(bed_await(bed, 1), 'a', "end.bin"); /* and nothing was said twice */
}

static void test_linked_until_the_other_name_goes(void **state)
{
	struct bed *bed = *state;
	const struct told *told;
	char outside[128];

	(void)snprintf(outside, sizeof(outside), "%s/outside", bed->root);
	(void)close(open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	assert_int_equal(linkat(AT_FDCWD, outside, bed->fd, "ln.bin", 0), 0);
	told = bed_await(bed, 1);
	assert_told(told, 'r', "ln.bin");
	assert_int_equal(told->detail, QUEUE_LINKED);
	assert_int_equal(unlink(outside), 0);
	assert_told(bed_await(bed, 1), 'a', "ln.bin");
}

static void test_unreadable_until_allowed(void **state)
{
	struct bed *bed = *state;
	const struct told *told;
	bool is_root = geteuid() == 0;

	if (is_root) {
		assert_int_equal(chmod(bed->root, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	assert_int_equal(seteuid(getuid()), 0);
	bed_put(bed, "secret.bin", "x");
	assert_int_equal(fchmodat(bed->fd, "secret.bin", 0, 0), 0);
	if (is_root) {
		assert_int_equal(seteuid(65534), 0);
	}
	told = bed_await(bed, 1);
	assert_int_equal(seteuid(getuid()), 0);
	assert_told(told, 'r', "secret.bin");
	assert_int_equal(told->detail, QUEUE_UNREADABLE);
	assert_int_equal(fchmodat(bed->fd, "secret.bin", 0644, 0), 0);
	assert_told(bed_await(bed, 1), 'a', "secret.bin");
}

static void test_names_that_are_no_jobs(void **state)
{
	struct bed *bed = *state;
	static const char *const names[] = {".hidden", "a.part", "a.tmp", "a~", "a.sha256",
		"a.minisig", "record", "report.txt"};
	char longest[256];

	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bed_move_in(bed, names[i], "x");
	}
	memset(longest, 'n', 255);
	longest[255] = '\0';
	bed_move_in(bed, longest, "x");
	assert_told(bed_await(bed, 1), 'a', longest);
	bed_move_in(bed, "\xff\n\x1b[31m", "x");
	assert_told(bed_await(bed, 1), 'a', "\xff\n\x1b[31m");
	bed_move_in(bed, "#123456789", "x");
	assert_told(bed_await(bed, 1), 'a', "#123456789");
	assert_int_equal(renameat(bed->fd, "a.part", bed->fd, "a.bin"), 0);
	assert_told(bed_await(bed, 1), 'a', "a.bin");
}

/* At least once for what was done, and of that file. */
static void assert_companion(struct bed *bed, const char *name)
{
	bed_drain(bed);
	assert_true(bed->n_companions > 0);
	assert_string_equal(bed->companion, name);
	bed->n_companions = 0;
}

/* Whatever happens to a sidecar is told, and nothing is a job by it. */
static void test_companions(void **state)
{
	struct bed *bed = *state;

	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	bed_move_in(bed, "a.bin.minisig", "x");
	assert_companion(bed, "a.bin");
	bed_put(bed, "b.bin.sha256", "x");
	assert_companion(bed, "b.bin");
	bed_put(bed, "a.bin.minisig", "more");
	assert_companion(bed, "a.bin");
	assert_int_equal(fchmodat(bed->fd, "b.bin.sha256", 0600, 0), 0);
	assert_companion(bed, "b.bin");
	assert_int_equal(renameat(bed->fd, "a.bin.minisig", bed->fd, ".away"), 0);
	assert_companion(bed, "a.bin");
	assert_int_equal(unlinkat(bed->fd, "b.bin.sha256", 0), 0);
	assert_companion(bed, "b.bin");
	bed_move_in(bed, "c.minisig.sha256", "x");
	assert_companion(bed, "c.minisig");
	assert_int_equal(bed->n_log, 0);
}

static void test_what_is_no_companion(void **state)
{
	static const char *const names[] = {
		".minisig", "a.minisig.part", "minisig", "a.minisi", "report.txt", "a.bin"};
	struct bed *bed = *state;

	bed_put(bed, "there.bin.minisig", "x"); /* what was there is seen with its file */
	bed_watch(bed, 3600 * 1000);
	bed_drain(bed);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bed_put(bed, names[i], "x");
	}
	queue_scan(bed->queue);
	bed_drain(bed);
	assert_int_equal(bed->n_companions, 0);
}

static void test_free_in_the_callback_of_a_companion(void **state)
{
	struct bed *bed = *state;

	bed->frees = true;
	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	bed_put(bed, "a.bin.minisig", "x");
	assert_companion(bed, "a.bin");
	assert_null(bed->queue);
}

static void test_forget_and_free_in_a_callback(void **state)
{
	struct bed *bed = *state;

	bed->forgets = true;
	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	bed_move_in(bed, "a.bin", "x");
	assert_told(bed_await(bed, 1), 'a', "a.bin");
	assert_int_equal(unlinkat(bed->fd, "a.bin", 0), 0);
	bed_move_in(bed, "b.bin", "x");
	assert_told(bed_await(bed, 1), 'a', "b.bin"); /* no `left` for a.bin */
	bed->frees = true;
	bed_move_in(bed, "c.bin", "x");
	assert_told(bed_await(bed, 1), 'a', "c.bin");
	assert_null(bed->queue);
}

static void test_overflow_means_a_scan(void **state)
{
	struct bed *bed = *state;
	unsigned max = 0;
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &max), 1);
	(void)fclose(f);
	if (max > 100000) {
		skip();
	}
	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	bed_move_in(bed, "first.bin", "x");
	assert_told(bed_await(bed, 1), 'a', "first.bin");
	for (unsigned i = 0; i < max / 3 + 10; i++) {
		(void)close(bed_open(bed, ".noise"));
		assert_int_equal(unlinkat(bed->fd, ".noise", 0), 0);
	}
	assert_int_equal(unlinkat(bed->fd, "first.bin", 0), 0);
	bed_move_in(bed, "lost.bin", "x");
	bed_await(bed, 2);
	assert_told(&bed->log[1], 'l', "first.bin");
	assert_told(&bed->log[2], 'a', "lost.bin");
	assert_companion(bed, "(any)");
}

static void test_folder_is_removed(void **state)
{
	struct bed *bed = *state;
	const struct told *told;

	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	assert_int_equal(rmdir(bed->folder), 0);
	told = bed_await(bed, 1);
	assert_told(told, 'f', "");
	assert_int_equal(told->detail, -ESTALE);
	queue_scan(bed->queue);
	bed_drain(bed);
	assert_int_equal(bed->n_log, 1);
}

static void test_folder_is_moved(void **state)
{
	struct bed *bed = *state;
	char elsewhere[128];

	bed_put(bed, "waiting.bin", "x");
	bed_watch(bed, 3600 * 1000);
	bed_drain(bed);
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", bed->root);
	assert_int_equal(rename(bed->folder, elsewhere), 0);
	assert_int_equal(bed_await(bed, 1)->detail, -ESTALE);
}

static void test_quiet_changes_for_what_waits(void **state)
{
	struct bed *bed = *state;

	bed_watch(bed, 3600 * 1000);
	bed_drain(bed);
	bed_put(bed, "a.bin", "x");
	bed_drain(bed);
	assert_int_equal(bed->n_log, 0);
	queue_set_quiet(bed->queue, QUIET_MS);
	assert_told(bed_await(bed, 1), 'a', "a.bin");
}

/* With jobs and refusals lying there, the loop sleeps until its own time-out. */
static void test_idle_is_idle(void **state)
{
	struct bed *bed = *state;

	bed_watch(bed, QUIET_MS);
	bed_drain(bed);
	bed_move_in(bed, "a.bin", "x");
	assert_int_equal(symlinkat("nowhere", bed->fd, "link"), 0);
	bed_await(bed, 2);
	bed_drain(bed);
	assert_int_equal(sd_event_run(bed->event, 60 * QUIET_MS * 1000), 0);
}

/* Bounded work: turns of the loop for each file, not time. */
static void test_a_thousand_files(void **state)
{
	struct bed *bed = *state;
	unsigned n_turns = 0;
	char name[32];

	bed_watch(bed, 0);
	bed_drain(bed);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "%u.bin", i);
		bed_move_in(bed, name, "x");
	}
	while (bed->n_log < 1000 && n_turns < 10000) {
		assert_true(sd_event_run(bed->event, 100000) >= 0);
		n_turns++;
	}
	assert_int_equal(bed->n_log, 1000);
	assert_true(n_turns < 5000);
	queue_scan(bed->queue);
	bed_drain(bed);
	assert_int_equal(bed->n_log, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "%u.bin", i);
		assert_int_equal(unlinkat(bed->fd, name, 0), 0);
	}
	assert_told(bed_await(bed, 1000), 'l', "999.bin");
}

static void test_fault_words(void **state)
{
	assert_string_equal(queue_fault_to_string(QUEUE_NOT_REGULAR), "not-regular");
	assert_string_equal(queue_fault_to_string(QUEUE_LINKED), "linked");
	assert_string_equal(queue_fault_to_string(QUEUE_UNREADABLE), "unreadable");
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_moved_in_is_a_job_at_once),
		BED_TEST(test_written_in_place_waits_for_quiet),
		BED_TEST(test_killed_writer_is_like_a_good_one),
		BED_TEST(test_never_closed_waits_longest),
		BED_TEST(test_tmpfile_is_closed_by_its_inode),
		BED_TEST(test_there_at_start),
		BED_TEST(test_left_and_replaced),
		BED_TEST(test_what_is_no_file),
		BED_TEST(test_linked_until_the_other_name_goes),
		BED_TEST(test_unreadable_until_allowed),
		BED_TEST(test_names_that_are_no_jobs),
		BED_TEST(test_companions),
		BED_TEST(test_what_is_no_companion),
		BED_TEST(test_free_in_the_callback_of_a_companion),
		BED_TEST(test_forget_and_free_in_a_callback),
		BED_TEST(test_overflow_means_a_scan),
		BED_TEST(test_folder_is_removed),
		BED_TEST(test_folder_is_moved),
		BED_TEST(test_quiet_changes_for_what_waits),
		BED_TEST(test_idle_is_idle),
		BED_TEST(test_a_thousand_files),
		cmocka_unit_test(test_fault_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
