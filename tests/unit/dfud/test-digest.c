/* SPDX-License-Identifier: MIT */
/* The digest is of all bytes, from the first to the last, or there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dfud/digest.h"

/* What the next reads do. */
static struct {
	unsigned n_interrupted;
	size_t shortest; /* bytes in one read, 0: as many as asked for */
	bool fails, grows;
	unsigned n_reads;
} disk;

ssize_t __real_pread64(int fd, void *ret, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *ret, size_t n, off_t at);

ssize_t __wrap_pread64(int fd, void *ret, size_t n, off_t at)
{
	disk.n_reads++;
	if (disk.n_interrupted > 0) {
		disk.n_interrupted--;
		errno = EINTR;
		return -1;
	}
	if (disk.fails && at > 0) {
		errno = EIO;
		return -1;
	}
	if (disk.grows) {
		memset(ret, 0, n);
		return (ssize_t)n;
	}
	return __real_pread64(
		fd, ret, disk.shortest > 0 && disk.shortest < n ? disk.shortest : n, at);
}

static int setup(void **state)
{
	int *fd = malloc(sizeof(*fd));

	assert_non_null(fd);
	memset(&disk, 0, sizeof(disk));
	*fd = memfd_create("digest", MFD_CLOEXEC);
	assert_true(*fd >= 0);
	*state = fd;
	return 0;
}

static int teardown(void **state)
{
	int *fd = *state;

	(void)close(*fd);
	free(fd);
	return 0;
}

static void put(int fd, char c, size_t n)
{
	char *bytes = malloc(n + 1);

	assert_non_null(bytes);
	memset(bytes, c, n);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes, n, 0), n);
	free(bytes);
}

static void assert_digest(int fd, uint64_t max_size, const char *expected)
{
	char digest[DIGEST_SIZE];

	assert_int_equal(digest_take(fd, max_size, digest), 0);
	assert_string_equal(digest, expected);
}

/* From FIPS 180-4's examples: nothing, "abc", a million times "a" (many chunks and a rest). */
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MILLION "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void test_known(void **state)
{
	int fd = *(int *)*state;

	assert_digest(fd, 0, NOTHING);
	assert_int_equal(pwrite(fd, "abc", 3, 0), 3);
	assert_digest(fd, 3, ABC);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_digest(fd, UINT64_MAX, ABC);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 2);
	put(fd, 'a', 1000000);
	assert_digest(fd, UINT64_MAX, MILLION);
	assert_digest(fd, 1000000, MILLION);
}

static void test_interrupted_and_short(void **state)
{
	int fd = *(int *)*state;

	put(fd, 'a', 1000000);
	disk.n_interrupted = 3;
	disk.shortest = 4099;
	assert_digest(fd, 1000000, MILLION);
	assert_int_equal(disk.n_interrupted, 0);
}

static void assert_refused(int fd, uint64_t max_size, int error)
{
	char digest[DIGEST_SIZE] = "before";

	assert_int_equal(digest_take(fd, max_size, digest), error);
	assert_string_equal(digest, "before");
}

static void test_too_large(void **state)
{
	int fd = *(int *)*state;

	put(fd, 'a', 1000000);
	assert_refused(fd, 999999, -EFBIG);
	assert_refused(fd, 0, -EFBIG);
	disk.grows = true;
	disk.n_reads = 0;
	assert_refused(fd, 1000000, -EFBIG);
	assert_in_range(disk.n_reads, 1, 17);
}

static void test_bad_disk(void **state)
{
	int fd = *(int *)*state;
	int ends[2];

	put(fd, 'a', 1000000);
	disk.fails = true;
	assert_refused(fd, UINT64_MAX, -EIO);
	disk.fails = false;
	assert_int_equal(pipe(ends), 0);
	assert_refused(ends[0], UINT64_MAX, -ESPIPE);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

#define DISK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_TEST(test_known),
		DISK_TEST(test_interrupted_and_short),
		DISK_TEST(test_too_large),
		DISK_TEST(test_bad_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
