/* SPDX-License-Identifier: MIT */
/* Copies are whole, hashed and sealed, or there are none. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dfud/snapshot.h"

#define MAX (16 * 1024 * 1024)

struct bed {
	char root[64];
	int fd;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	strcpy(bed->root, "/tmp/dfud-snapshot-XXXXXX");
	assert_non_null(mkdtemp(bed->root));
	bed->fd = open(bed->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(bed->fd >= 0);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"a", "b", "link", "fifo"};
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)unlinkat(bed->fd, names[i], 0);
	}
	(void)unlinkat(bed->fd, "folder", AT_REMOVEDIR);
	(void)close(bed->fd);
	assert_int_equal(rmdir(bed->root), 0);
	free(bed);
	return 0;
}

static void bed_put(const struct bed *bed, const void *bytes, size_t n)
{
	int fd = openat(bed->fd, "a", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	(void)close(fd);
}

/* A failure leaves what the caller had. */
static void assert_refused(const struct bed *bed, const char *name, uint64_t max, int error)
{
	struct snapshot snapshot = {.fd = 12345, .size = 678};

	assert_int_equal(snapshot_take(&snapshot, bed->fd, name, max), error);
	assert_int_equal(snapshot.fd, 12345);
	assert_int_equal(snapshot.size, 678);
}

static void test_known_hashes(void **state)
{
	static const struct {
		const char *text, *sha256;
	} known[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	};
	struct bed *bed = *state;

	for (size_t i = 0; i < 2; i++) {
		struct snapshot snapshot = SNAPSHOT_INIT;

		bed_put(bed, known[i].text, strlen(known[i].text));
		assert_int_equal(snapshot_take(&snapshot, bed->fd, "a", 3), 0);
		assert_string_equal(snapshot.sha256, known[i].sha256);
		assert_int_equal(snapshot.size, strlen(known[i].text));
		snapshot_done(&snapshot);
		assert_int_equal(snapshot.fd, -EBADF);
	}
}

static void test_copy_is_whole_and_stays(void **state)
{
	struct bed *bed = *state;
	struct snapshot snapshot = SNAPSHOT_INIT;
	size_t n = 1000003; /* many chunks and a rest */
	unsigned char *bytes = malloc(n), *copy = malloc(n + 1);
	struct stat st;

	assert_true(bytes && copy);
	for (size_t i = 0; i < n; i++) {
		bytes[i] = (unsigned char)(i * 31 + i / 251);
	}
	bed_put(bed, bytes, n);
	assert_int_equal(fstatat(bed->fd, "a", &st, 0), 0);
	assert_int_equal(snapshot_take(&snapshot, bed->fd, "a", n), 0);
	bed_put(bed, "other", 5);

	assert_int_equal(snapshot.inode, st.st_ino);
	assert_int_equal(snapshot.device, st.st_dev);
	assert_int_equal(snapshot.mtime_ns, st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	assert_int_equal(lseek(snapshot.fd, 0, SEEK_CUR), 0);
	assert_int_equal(read(snapshot.fd, copy, n + 1), n);
	assert_memory_equal(copy, bytes, n);
	snapshot_done(&snapshot);
	free(bytes);
	free(copy);
}

static void test_sealed(void **state)
{
	struct bed *bed = *state;
	struct snapshot snapshot = SNAPSHOT_INIT;

	bed_put(bed, "abc", 3);
	assert_int_equal(snapshot_take(&snapshot, bed->fd, "a", MAX), 0);
	assert_int_equal(write(snapshot.fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(snapshot.fd, 0), -1);
	assert_int_equal(ftruncate(snapshot.fd, 10), -1);
	assert_ptr_equal(
		mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, snapshot.fd, 0), MAP_FAILED);
	assert_int_equal(fcntl(snapshot.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_true(fcntl(snapshot.fd, F_GETFD) & FD_CLOEXEC);
	snapshot_done(&snapshot);
}

static void test_what_is_no_file(void **state)
{
	struct bed *bed = *state;

	assert_refused(bed, "a", MAX, -ENOENT);
	bed_put(bed, "abc", 3);
	assert_refused(bed, "a", 2, -EFBIG);
	assert_int_equal(symlinkat("a", bed->fd, "link"), 0);
	assert_refused(bed, "link", MAX, -ELOOP);
	assert_int_equal(mkdirat(bed->fd, "folder", 0755), 0);
	assert_refused(bed, "folder", MAX, -EISDIR);
	assert_int_equal(mkfifoat(bed->fd, "fifo", 0666), 0);
	assert_refused(bed, "fifo", MAX, -ENXIO);
	assert_int_equal(linkat(bed->fd, "a", bed->fd, "b", 0), 0);
	assert_refused(bed, "a", MAX, -EMLINK);
	assert_int_equal(unlinkat(bed->fd, "b", 0), 0);
	assert_int_equal(fchmodat(bed->fd, "a", 0, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(chmod(bed->root, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	assert_refused(bed, "a", MAX, -EACCES);
	assert_int_equal(seteuid(getuid()), 0);
}

/* A writer at work the whole time: the change is noticed. */
static void test_written_meanwhile(void **state)
{
	enum { SIZE = 4 * 1024 * 1024, TRIES = 40 };
	struct bed *bed = *state;
	unsigned char *bytes = calloc(1, SIZE);
	unsigned n_again = 0;
	pid_t pid;

	assert_non_null(bytes);
	bed_put(bed, bytes, SIZE);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = openat(bed->fd, "a", O_WRONLY | O_APPEND | O_CLOEXEC);

		for (;;) {
			(void)!write(fd, "x", 1);
			(void)!ftruncate(fd, SIZE);
		}
	}
	for (unsigned i = 0; i < TRIES; i++) {
		struct snapshot snapshot = SNAPSHOT_INIT;
		int r = snapshot_take(&snapshot, bed->fd, "a", MAX);

		assert_true(r == 0 || r == -EAGAIN);
		n_again += r == -EAGAIN;
		snapshot_done(&snapshot);
	}
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(n_again > 0);
	free(bytes);
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_known_hashes),
		BED_TEST(test_copy_is_whole_and_stays),
		BED_TEST(test_sealed),
		BED_TEST(test_what_is_no_file),
		BED_TEST(test_written_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
