/* SPDX-License-Identifier: MIT */
/* Moves between the folders: nothing lost, nothing twice, nothing replaced. */
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
#include <unistd.h>

#include "dfud/spool.h"

#define ID_A  "0123456789abcdef0123456789abcdef"
#define ID_B  "ffffffffffffffffffffffffffffffff"
#define STAMP "2026-11-22T091500Z"

struct bed {
	char root[64];
	struct spool spool;
};

/* What the file system does, or what somebody does at the worst moment. */
static struct {
	bool lacks_noreplace, lacks_links;
	void (*before_rename)(const struct bed *bed);
	const struct bed *bed;
} world;

int __real_renameat2(int from, const char *a, int to, const char *b, unsigned flags);
int __real_linkat(int from, const char *a, int to, const char *b, int flags);
int __wrap_renameat2(int from, const char *a, int to, const char *b, unsigned flags);
int __wrap_linkat(int from, const char *a, int to, const char *b, int flags);

int __wrap_renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	void (*before)(const struct bed *bed) = world.before_rename;

	if (before) {
		world.before_rename = NULL;
		before(world.bed);
	}
	if (world.lacks_noreplace) {
		errno = EINVAL;
		return -1;
	}
	return __real_renameat2(from, a, to, b, flags);
}

int __wrap_linkat(int from, const char *a, int to, const char *b, int flags)
{
	if (world.lacks_links) {
		errno = EPERM;
		return -1;
	}
	return __real_linkat(from, a, to, b, flags);
}

static int setup(void **state)
{
	static const char *const folders[] = {"queue", "active", "done", "failed", "backup"};
	struct bed *bed = calloc(1, sizeof(*bed));
	char path[128], problem[256];

	assert_non_null(bed);
	memset(&world, 0, sizeof(world));
	world.bed = bed;
	strcpy(bed->root, "/tmp/dfud-spool-XXXXXX");
	assert_non_null(mkdtemp(bed->root));
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", bed->root, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	bed->spool = (struct spool)SPOOL_INIT;
	assert_int_equal(spool_open(&bed->spool, bed->root, problem, sizeof(problem)), 0);
	*state = bed;
	return 0;
}

static int setup_without_noreplace(void **state)
{
	int r = setup(state);

	world.lacks_noreplace = true;
	return r;
}

static int setup_without_noreplace_and_links(void **state)
{
	int r = setup_without_noreplace(state);

	world.lacks_links = true;
	return r;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	pid_t pid;

	spool_done(&bed->spool);
	assert_int_equal(bed->spool.lock, -EBADF);
	assert_int_equal(bed->spool.backup, -EBADF);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", bed->root, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	free(bed);
	return 0;
}

static ino_t put(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fstat(fd, &st), 0);
	(void)close(fd);
	return st.st_ino;
}

static void assert_holds(int folder, const char *path, const char *text)
{
	char buffer[256] = "";
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fail_msg("%s: %s", path, strerror(errno));
	}
	assert_true(read(fd, buffer, sizeof(buffer) - 1) >= 0);
	(void)close(fd);
	assert_string_equal(buffer, text);
}

static void assert_none(int folder, const char *path)
{
	assert_int_equal(faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(errno, ENOENT);
}

static void begin(struct bed *bed, const char *id)
{
	int fd = spool_begin(&bed->spool, id);

	assert_true(fd >= 0);
	(void)put(fd, "record", "Format=1\n");
	(void)close(fd);
}

static void test_open_says_what_is_wrong(void **state)
{
	struct bed *bed = *state;
	struct spool other = SPOOL_INIT;
	char problem[256] = "", path[128], there[128];

	assert_int_equal(spool_open(&other, bed->root, problem, sizeof(problem)), -EWOULDBLOCK);
	assert_non_null(strstr(problem, "another dfud"));
	assert_int_equal(other.root, -EBADF);
	spool_done(&bed->spool);
	assert_int_equal(spool_open(&other, bed->root, problem, sizeof(problem)), 0);
	spool_done(&other);

	(void)snprintf(path, sizeof(path), "%s/done", bed->root);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(spool_open(&other, bed->root, problem, sizeof(problem)), -ENOENT);
	assert_non_null(strstr(problem, path));
	assert_int_equal(mkdir(path, 0555), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(bed->root, 65534, (gid_t)-1), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	assert_int_equal(spool_open(&other, bed->root, problem, sizeof(problem)), -EACCES);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(chown(bed->root, getuid(), (gid_t)-1), 0);

	strcpy(there, "/dev/shm/dfud-spool-XXXXXX");
	assert_int_equal(rmdir(path), 0);
	if (mkdtemp(there)) {
		struct stat a, b;

		assert_int_equal(symlink(there, path), 0);
		assert_int_equal(stat(bed->root, &a), 0);
		assert_int_equal(stat(there, &b), 0);
		assert_int_equal(spool_open(&other, bed->root, problem, sizeof(problem)),
			a.st_dev == b.st_dev ? 0 : -EXDEV);
		spool_done(&other);
		assert_int_equal(rmdir(there), 0);
	}
}

/* That backups have no place is said at start, not when a board waits. */
static void test_open_wants_backup(void **state)
{
	struct bed *bed = *state;
	char problem[256] = "", path[128];

	spool_done(&bed->spool);
	(void)snprintf(path, sizeof(path), "%s/backup", bed->root);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(spool_open(&bed->spool, bed->root, problem, sizeof(problem)), -ENOENT);
	assert_non_null(strstr(problem, path));
	assert_int_equal(bed->spool.queue, -EBADF);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(spool_open(&bed->spool, bed->root, problem, sizeof(problem)), 0);
	(void)put(bed->spool.backup, "a", "text");
	assert_holds(bed->spool.root, "backup/a", "text");
}

/* Nobody else may change what lies in the folders; the sentence names folder, fault and cure. */
static void test_sharing(void **state)
{
	static const struct {
		const char *folder;
		mode_t mode;
		const char *fault; /* NULL: good */
	} rows[] = {
		{"", 0755, NULL},
		{"", 0700, NULL},
		{"", 0775, ": mode 0775 lets others write to it"},
		{"", 01777, ": mode 1777 lets others write to it"},
		{"/active", 0700, NULL},
		{"/active", 0775, "/active: mode 0775 lets others write to it"},
		{"/active", 01775, "/active: mode 1775 lets others write to it"},
		{"/done", 0757, "/done: mode 0757 lets others write to it"},
		{"/failed", 02775, "/failed: mode 2775 lets others write to it"},
		{"/failed", 02755, NULL},
		{"/backup", 0757, "/backup: mode 0757 lets others write to it"},
		{"/backup", 0755, NULL},
		{"/queue", 0755, NULL},
		{"/queue", 03775, NULL},
		{"/queue", 01770, NULL},
		{"/queue", 02775, "/queue: mode 2775, without the sticky bit"},
		{"/queue", 01777, "/queue: mode 1777 lets others write to it"},
		{"/queue", 03777, "/queue: mode 3777 lets others write to it"},
	};
	struct bed *bed = *state;
	char problem[512], path[128], wanted[256];

	spool_done(&bed->spool);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int expected = rows[i].fault ? -EPERM : 0;
		int r;

		(void)snprintf(path, sizeof(path), "%s%s", bed->root, rows[i].folder);
		assert_int_equal(chmod(path, rows[i].mode), 0);
		r = spool_open(&bed->spool, bed->root, problem, sizeof(problem));
		if (r != expected) {
			fail_msg("%s %04o: %d", rows[i].folder, rows[i].mode, r);
		}
		if (rows[i].fault) {
			(void)snprintf(wanted, sizeof(wanted), "%s%s", bed->root, rows[i].fault);
			assert_memory_equal(problem, wanted, strlen(wanted));
			assert_non_null(strstr(problem, "; systemd-tmpfiles --create dfud.conf"));
			assert_int_equal(bed->spool.root, -EBADF);
		}
		spool_done(&bed->spool);
		assert_int_equal(chmod(path, 0755), 0);
	}
}

/* Folders of another user: only the root folder may be root's. */
static void test_owners(void **state)
{
	static const char *const folders[] = {
		"/queue", "/active", "/done", "/failed", "/backup", ""};
	const size_t n = sizeof(folders) / sizeof(folders[0]);
	struct bed *bed = *state;
	char problem[512], path[128], wanted[256];

	if (geteuid() != 0) {
		skip();
	}
	spool_done(&bed->spool);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", bed->root, folders[i]);
		assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
		assert_int_equal(
			spool_open(&bed->spool, bed->root, problem, sizeof(problem)), -EPERM);
		(void)snprintf(wanted, sizeof(wanted),
			"%s: belongs to uid 65534, not to uid 0 that dfud runs as; "
			"systemd-tmpfiles --create dfud.conf mends it",
			path);
		assert_string_equal(problem, wanted);
		assert_int_equal(chown(path, 0, (gid_t)-1), 0);
	}
	/* as user 65534 with all but the root folder its own */
	for (size_t i = 0; i + 1 < n; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", bed->root, folders[i]);
		assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
	}
	(void)snprintf(path, sizeof(path), "%s/lock", bed->root);
	assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
	assert_int_equal(chmod(bed->root, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(spool_open(&bed->spool, bed->root, problem, sizeof(problem)), 0);
	assert_int_equal(seteuid(0), 0);
}

/* The lock ends with its process, however it ends. */
static void test_lock_survives_nothing(void **state)
{
	struct bed *bed = *state;
	char problem[256];
	int ready[2];
	char c;
	pid_t pid;

	spool_done(&bed->spool);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct spool spool = SPOOL_INIT;

		if (spool_open(&spool, bed->root, problem, sizeof(problem)) == 0) {
			(void)!write(ready[1], "y", 1);
		}
		(void)pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(
		spool_open(&bed->spool, bed->root, problem, sizeof(problem)), -EWOULDBLOCK);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(spool_open(&bed->spool, bed->root, problem, sizeof(problem)), 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void test_ids(void **state)
{
	static const char *const bad[] = {"", "..", "0123456789ABCDEF0123456789abcdef",
		"0123456789abcdef0123456789abcde", ID_A "0", "../active/0123456789abcdef0123456"};
	struct bed *bed = *state;
	char path[300];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(spool_begin(&bed->spool, bad[i]), -EINVAL);
		assert_int_equal(spool_claim(&bed->spool, bad[i], "a", 1), -EINVAL);
		assert_int_equal(spool_give_back(&bed->spool, bad[i], "a"), -EINVAL);
		assert_int_equal(
			spool_settle(&bed->spool, bad[i], "a", STAMP, true, path, 300), -EINVAL);
		assert_int_equal(spool_forget(&bed->spool, bad[i]), -EINVAL);
	}
	begin(bed, ID_A);
	assert_int_equal(spool_begin(&bed->spool, ID_A), -EEXIST);
}

static void test_claim_settle(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;
	char path[300];
	ino_t inode = put(s->queue, "k.bin", "firmware");

	(void)put(s->queue, "k.bin.sha256", "sum");
	(void)put(s->queue, "k.bin.minisig", "signature");
	(void)put(s->queue, "other.bin.sha256", "stays");
	begin(bed, ID_A);
	assert_int_equal(spool_claim(s, ID_A, "k.bin", inode), 0);
	assert_none(s->queue, "k.bin");
	assert_none(s->queue, "k.bin.sha256");
	assert_holds(s->active, ID_A "/k.bin", "firmware");
	assert_holds(s->active, ID_A "/k.bin.minisig", "signature");
	assert_holds(s->queue, "other.bin.sha256", "stays");
	assert_int_equal(spool_write(s, ID_A, "report.txt", "old"), 0);
	assert_int_equal(spool_write(s, ID_A, "report.txt", "all is well\n"), 0);
	assert_int_equal(spool_write(s, ID_A, "k.bin", "oh no"), -EINVAL);
	assert_int_equal(spool_settle(s, ID_A, "k.bin", STAMP, true, path, 10), -ENAMETOOLONG);
	assert_int_equal(spool_settle(s, ID_A, "k.bin", STAMP, true, path, sizeof(path)), 0);
	assert_string_equal(path, "done/" STAMP "-k.bin");
	assert_none(s->active, ID_A);
	assert_holds(s->root, "done/" STAMP "-k.bin/k.bin", "firmware");
	assert_holds(s->root, "done/" STAMP "-k.bin/k.bin.sha256", "sum");
	assert_holds(s->root, "done/" STAMP "-k.bin/report.txt", "all is well\n");
	assert_holds(s->root, "done/" STAMP "-k.bin/record", "Format=1\n");
	assert_none(s->root, "done/" STAMP "-k.bin/.report.txt.new");
}

static void test_claim_of_another_file(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;
	ino_t inode = put(s->queue, "k.bin", "firmware");

	begin(bed, ID_A);
	(void)put(s->queue, "k.bin.sha256", "sum");
	assert_int_equal(spool_claim(s, ID_A, "k.bin", inode + 1), -ENOENT);
	assert_int_equal(spool_claim(s, ID_A, "none.bin", inode), -ENOENT);
	assert_int_equal(spool_claim(s, ID_A, "../queue/k.bin", inode), -EINVAL);
	assert_int_equal(spool_claim(s, ID_A, "record", inode), -EINVAL);
	assert_holds(s->queue, "k.bin", "firmware");
	assert_holds(s->queue, "k.bin.sha256", "sum");
}

static void replace_in_queue(const struct bed *bed)
{
	(void)put(bed->spool.queue, ".new", "newer");
	assert_int_equal(renameat(bed->spool.queue, ".new", bed->spool.queue, "k.bin"), 0);
}

static void test_claim_replaced_in_the_middle(void **state)
{
	struct bed *bed = *state;
	ino_t inode = put(bed->spool.queue, "k.bin", "firmware");

	begin(bed, ID_A);
	world.before_rename = replace_in_queue;
	assert_int_equal(spool_claim(&bed->spool, ID_A, "k.bin", inode), -ENOENT);
	assert_null(world.before_rename);
	assert_holds(bed->spool.queue, "k.bin", "newer");
	assert_none(bed->spool.active, ID_A "/k.bin");
}

static void claim(struct bed *bed, const char *id, const char *name, const char *text)
{
	char sidecar[300];

	(void)snprintf(sidecar, sizeof(sidecar), "%s.sha256", name);
	(void)put(bed->spool.queue, sidecar, "sum");
	begin(bed, id);
	assert_int_equal(spool_claim(&bed->spool, id, name, put(bed->spool.queue, name, text)), 0);
}

static void test_give_back(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;

	claim(bed, ID_A, "k.bin", "firmware");
	assert_int_equal(spool_give_back(s, ID_A, "k.bin"), 0);
	assert_holds(s->queue, "k.bin", "firmware");
	assert_holds(s->queue, "k.bin.sha256", "sum");
	assert_none(s->active, ID_A "/k.bin");
	assert_holds(s->active, ID_A "/record", "Format=1\n");
	assert_int_equal(spool_give_back(s, ID_A, "k.bin"), -ENOENT);
	assert_holds(s->queue, "k.bin.sha256", "sum");
}

static void test_give_back_replaces_nothing(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;

	claim(bed, ID_A, "k.bin", "firmware");
	(void)put(s->queue, "k.bin", "newer");
	assert_int_equal(spool_give_back(s, ID_A, "k.bin"), -EEXIST);
	assert_holds(s->queue, "k.bin", "newer");
	assert_holds(s->active, ID_A "/k.bin", "firmware");
	assert_holds(s->active, ID_A "/k.bin.sha256", "sum");
	assert_int_equal(unlinkat(s->queue, "k.bin", 0), 0);
	(void)put(s->queue, "k.bin.sha256", "newer sum");
	assert_int_equal(spool_give_back(s, ID_A, "k.bin"), -EEXIST);
	assert_holds(s->queue, "k.bin.sha256", "newer sum");
	assert_holds(s->active, ID_A "/k.bin", "firmware");
}

/* Somebody is quicker: the look found nothing in the way, the move does. */
static void test_give_back_overtaken(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;

	claim(bed, ID_A, "k.bin", "firmware");
	world.before_rename = replace_in_queue;
	assert_int_equal(spool_give_back(s, ID_A, "k.bin"), -EEXIST);
	assert_holds(s->queue, "k.bin", "newer");
	assert_holds(s->active, ID_A "/k.bin", "firmware");
	assert_holds(s->active, ID_A "/k.bin.sha256", "sum");
	assert_none(s->queue, "k.bin.sha256");
}

static void test_give_back_after_a_cut(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;

	/* after the sidecars */
	claim(bed, ID_A, "k.bin", "firmware");
	assert_int_equal(renameat(s->active, ID_A "/k.bin.sha256", s->queue, "k.bin.sha256"), 0);
	assert_int_equal(spool_give_back(s, ID_A, "k.bin"), 0);
	assert_holds(s->queue, "k.bin", "firmware");
	/* between link and unlink */
	claim(bed, ID_B, "l.bin", "firmware");
	assert_int_equal(__real_linkat(s->active, ID_B "/l.bin", s->queue, "l.bin", 0), 0);
	assert_int_equal(spool_give_back(s, ID_B, "l.bin"), 0);
	assert_holds(s->queue, "l.bin", "firmware");
	assert_none(s->active, ID_B "/l.bin");
}

static void test_settle_names(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;
	char path[300], name[256], id[SPOOL_ID_LENGTH + 1];
	const char *const expected[] = {"failed/" STAMP "-a_b____.bin",
		"failed/" STAMP "-a_b____.bin-2", "failed/" STAMP "-a_b____.bin-3"};

	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(id, sizeof(id), "%032x", i);
		claim(bed, id, "a\nb\xc3\xa4\x7f\x01.bin", "firmware");
		assert_int_equal(spool_settle(s, id, "a\nb\xc3\xa4\x7f\x01.bin", STAMP, false, path,
					 sizeof(path)),
			0);
		assert_string_equal(path, expected[i]);
	}
	assert_holds(
		s->root, "failed/" STAMP "-a_b____.bin-3/a\nb\xc3\xa4\x7f\x01.bin", "firmware");
	assert_holds(
		s->root, "failed/" STAMP "-a_b____.bin/a\nb\xc3\xa4\x7f\x01.bin.sha256", "sum");

	memset(name, 'n', 255);
	name[255] = '\0';
	for (unsigned i = 0; i < 2; i++) {
		size_t tail = i == 0 ? 0 : 2;
		int fd;

		begin(bed, ID_A);
		assert_int_equal(spool_claim(s, ID_A, name, put(s->queue, name, "long")), 0);
		assert_int_equal(spool_settle(s, ID_A, name, STAMP, false, path, sizeof(path)), 0);
		assert_int_equal(strlen(path), strlen("failed/") + 255);
		assert_string_equal(path + strlen(path) - tail, i == 0 ? "" : "-2");
		fd = openat(s->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_holds(fd, name, "long");
		(void)close(fd);
	}
}

static void test_done_quota(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;
	char path[300], name[64];

	for (unsigned i = 0; i < SPOOL_DONE_MAX + 2; i++) {
		(void)snprintf(name, sizeof(name), "2026-01-01T%06uZ-a", i);
		assert_int_equal(mkdirat(s->done, name, 0755), 0);
		(void)snprintf(path, sizeof(path), "%s/a", name);
		(void)put(s->done, path, "old");
	}
	assert_int_equal(mkdirat(s->done, "0-keep", 0755), 0);
	begin(bed, ID_A);
	/* a clock that has gone back: the newest by its stamp is the oldest */
	assert_int_equal(spool_settle(s, ID_A, "a", "1970-01-01T000000Z", true, path, 300), 0);
	assert_int_equal(faccessat(s->root, path, F_OK, 0), 0);
	assert_int_equal(faccessat(s->done, "0-keep", F_OK, 0), 0);
	for (unsigned i = 0; i < SPOOL_DONE_MAX + 2; i++) {
		(void)snprintf(name, sizeof(name), "2026-01-01T%06uZ-a", i);
		assert_int_equal(faccessat(s->done, name, F_OK, 0), i < 3 ? -1 : 0);
	}
	begin(bed, ID_A);
	assert_int_equal(spool_settle(s, ID_A, "a", STAMP, false, path, 300), 0);
	assert_int_equal(faccessat(s->done, "2026-01-01T000003Z-a", F_OK, 0), 0);
}

static void test_forget(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;

	claim(bed, ID_A, "k.bin", "firmware");
	assert_int_equal(spool_write(s, ID_A, "report.txt", "text"), 0);
	assert_int_equal(spool_forget(s, ID_A), -ENOTEMPTY);
	assert_holds(s->active, ID_A "/record", "Format=1\n");
	assert_int_equal(unlinkat(s->active, ID_A "/k.bin", 0), 0);
	assert_int_equal(spool_forget(s, ID_A), -ENOTEMPTY);
	assert_int_equal(unlinkat(s->active, ID_A "/k.bin.sha256", 0), 0);
	assert_int_equal(spool_forget(s, ID_A), 0);
	assert_none(s->active, ID_A);
	assert_int_equal(spool_forget(s, ID_A), -ENOENT);
}

/* What a worker saved is no firmware file, and may be the only copy: only an empty one goes. */
static void test_backup_of_an_attempt(void **state)
{
	struct bed *bed = *state;
	struct spool *s = &bed->spool;
	char path[512];

	begin(bed, ID_A);
	(void)put(s->active, ID_A "/.backup", "saved");
	assert_int_equal(spool_forget(s, ID_A), -ENOTEMPTY);
	assert_holds(s->active, ID_A "/.backup", "saved");
	assert_int_equal(unlinkat(s->active, ID_A "/.backup", 0), 0);
	(void)put(s->active, ID_A "/.backup", "");
	assert_int_equal(spool_forget(s, ID_A), 0);
	assert_none(s->active, ID_A);

	claim(bed, ID_A, "k.bin", "firmware");
	(void)put(s->active, ID_A "/.backup", "saved");
	assert_int_equal(spool_forget(s, ID_A), -ENOTEMPTY);
	assert_holds(s->active, ID_A "/.backup", "saved");
	assert_int_equal(
		spool_settle(s, ID_A, "k.bin", STAMP, true, path, sizeof(path)), -ENOTEMPTY);
	assert_int_equal(
		spool_settle(s, ID_A, "k.bin", STAMP, false, path, sizeof(path)), -ENOTEMPTY);
	assert_holds(s->active, ID_A "/k.bin", "firmware");
	assert_int_equal(spool_give_back(s, ID_A, ".backup"), -EINVAL);
	assert_int_equal(spool_give_back(s, ID_A, "k.bin"), 0);
	assert_int_equal(spool_forget(s, ID_A), -ENOTEMPTY);
	assert_int_equal(unlinkat(s->active, ID_A "/.backup", 0), 0);
	assert_int_equal(spool_forget(s, ID_A), 0);
	assert_none(s->active, ID_A);
}

struct seen {
	struct spool *spool;
	char text[256];
	int stop;
};

static int on_attempt(void *user, const char *id, const char *file)
{
	struct seen *seen = user;
	size_t n = strlen(seen->text);

	(void)snprintf(seen->text + n, sizeof(seen->text) - n, "%.4s %s;", id, file ? file : "-");
	if (!file && !seen->stop) {
		assert_int_equal(spool_forget(seen->spool, id), 0);
	}
	return seen->stop;
}

static void test_each(void **state)
{
	struct bed *bed = *state;
	struct seen seen = {.spool = &bed->spool, .stop = -ENOENT};

	claim(bed, ID_B, "k.bin", "firmware");
	assert_int_equal(spool_write(&bed->spool, ID_B, "report.txt", "text"), 0);
	begin(bed, ID_A);
	(void)put(bed->spool.active, ID_A "/.backup", "");
	(void)put(bed->spool.active, ID_B "/.backup", "no firmware");
	(void)put(bed->spool.active, "00000000000000000000000000000000", "no folder");
	assert_int_equal(mkdirat(bed->spool.active, "lost+found", 0755), 0);
	assert_int_equal(spool_each(&bed->spool, on_attempt, &seen), -ENOENT);
	assert_string_equal(seen.text, "0123 -;");
	seen = (struct seen){.spool = &bed->spool};
	assert_int_equal(spool_each(&bed->spool, on_attempt, &seen), 0);
	assert_string_equal(seen.text, "0123 -;ffff k.bin;");
	assert_none(bed->spool.active, ID_A);
}

#define BED_TEST(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)
#define POOR_TEST(f) cmocka_unit_test_setup_teardown(f, setup_without_noreplace, teardown)
#define POORER_TEST(f)                                                                             \
	cmocka_unit_test_setup_teardown(f, setup_without_noreplace_and_links, teardown)
#define ANYWHERE(f) BED_TEST(f), POOR_TEST(f), POORER_TEST(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_open_says_what_is_wrong),
		BED_TEST(test_open_wants_backup),
		BED_TEST(test_sharing),
		BED_TEST(test_owners),
		BED_TEST(test_lock_survives_nothing),
		BED_TEST(test_ids),
		ANYWHERE(test_claim_settle),
		ANYWHERE(test_claim_of_another_file),
		ANYWHERE(test_claim_replaced_in_the_middle),
		ANYWHERE(test_give_back),
		ANYWHERE(test_give_back_replaces_nothing),
		BED_TEST(test_give_back_overtaken),
		BED_TEST(test_give_back_after_a_cut),
		ANYWHERE(test_settle_names),
		BED_TEST(test_done_quota),
		BED_TEST(test_forget),
		BED_TEST(test_backup_of_an_attempt),
		BED_TEST(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
