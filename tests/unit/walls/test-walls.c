/* SPDX-License-Identifier: MIT */

/*
 * Each case forks a child that raises the walls and then does one thing. The child tells by its
 * exit code: 0 as it should, any other number where it went wrong; SIGSYS is the filter's own word.
 * Built twice: with the walls as they are installed, and with the loose ones.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "dfud-flash/walls.h"

#define WALLS_FAILED 99 /* a child's exit code */

/* What the child holds when the walls go up. */
struct hands {
	int file;
	int socket[2];
	int timer;
	int event;
	pid_t parent;
};

typedef int (*deed)(const struct hands *hands);

static void child(const struct hands *hands, deed act)
{
	bool landlocked;

	if (walls_raise(&landlocked) < 0) {
		_exit(WALLS_FAILED);
	}
	_exit(act(hands));
}

/* The child's wait status. */
static int run(deed act)
{
	char path[] = "/tmp/test-walls-XXXXXX";
	struct hands hands = {.parent = getpid()};
	int status;
	pid_t pid;

	hands.file = mkstemp(path);
	assert_true(hands.file >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, hands.socket), 0);
	hands.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	hands.event = eventfd(0, EFD_CLOEXEC);
	assert_true(hands.timer >= 0 && hands.event >= 0);

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child(&hands, act);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(hands.file);
	close(hands.socket[0]);
	close(hands.socket[1]);
	close(hands.timer);
	close(hands.event);
	return status;
}

static void assert_allowed(deed act)
{
	int status = run(act);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int act_files(const struct hands *hands)
{
	struct iovec vector = {.iov_base = (char[]){"cd"}, .iov_len = 2};
	struct stat info;
	char bytes[8];

	if (write(hands->file, "ab", 2) != 2 || writev(hands->file, &vector, 1) != 2 ||
		pwrite(hands->file, "e", 1, 4) != 1 || fsync(hands->file) < 0 ||
		fdatasync(hands->file) < 0) {
		return 1;
	}
	if (lseek(hands->file, 0, SEEK_SET) != 0 || read(hands->file, bytes, sizeof(bytes)) != 5 ||
		pread(hands->file, bytes, 1, 4) != 1 || bytes[0] != 'e') {
		return 2;
	}
	if (fstat(hands->file, &info) < 0 || info.st_size != 5) {
		return 3;
	}
	if (fcntl(hands->file, F_GETFL) < 0 || close(hands->file) < 0) {
		return 4;
	}
	return 0;
}

static int act_wait(const struct hands *hands)
{
	const struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	const struct timespec blink = {.tv_nsec = 1000000};
	struct pollfd waits = {.fd = hands->timer, .events = POLLIN};
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0 ||
		syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) < 0) {
		return 1;
	}
	if (nanosleep(&blink, NULL) < 0 || clock_nanosleep(CLOCK_MONOTONIC, 0, &blink, NULL) != 0) {
		return 2;
	}
	if (timerfd_settime(hands->timer, 0, &soon, NULL) < 0 || poll(&waits, 1, 1000) != 1 ||
		ppoll(&waits, 1, &blink, NULL) != 1) {
		return 3;
	}
	return write(hands->event, &(uint64_t){1}, sizeof(uint64_t)) == sizeof(uint64_t) ? 0 : 4;
}

static int act_memory(const struct hands *hands)
{
	const size_t much = (size_t)64 << 20;
	uint8_t *bytes = malloc(much);

	(void)hands;
	if (!bytes) {
		return 1;
	}
	memset(bytes, 0x5a, much);
	bytes = realloc(bytes, 2 * much);
	if (!bytes || bytes[much - 1] != 0x5a) {
		return 2;
	}
	free(bytes);
	for (size_t size = 1; size < 1 << 18; size *= 2) {
		bytes = calloc(size, 3);
		if (!bytes || bytes[size] != 0) {
			return 3;
		}
		free(bytes);
	}
	return 0;
}

static int act_talk(const struct hands *hands)
{
	char bytes[8];
	struct iovec vector = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	if (send(hands->socket[0], "go", 2, MSG_NOSIGNAL) != 2 ||
		recv(hands->socket[1], bytes, sizeof(bytes), 0) != 2) {
		return 1;
	}
	if (sendmsg(hands->socket[0], &message, MSG_NOSIGNAL) != sizeof(bytes) ||
		recvmsg(hands->socket[1], &message, 0) != sizeof(bytes)) {
		return 2;
	}
	return 0;
}

/* A stream's first use asks for its file's kind and whether it is a terminal. */
static int act_print(const struct hands *hands)
{
	char bytes[32] = {0};
	FILE *stream;

	if (dprintf(hands->file, "%s\n", "direct") != 7) {
		return 1;
	}
	stream = fdopen(hands->file, "w");
	if (!stream || fprintf(stream, "%s\n", "buffered") != 9 || fflush(stream) != 0) {
		return 2;
	}
	if (pread(hands->file, bytes, sizeof(bytes), 0) != 16 ||
		strcmp(bytes, "direct\nbuffered\n") != 0) {
		return 3;
	}
	return printf("a line to the stdout that was inherited\n") > 0 && fflush(stdout) == 0 ? 0
											      : 4;
}

static void test_allowed(void **state)
{
	assert_allowed(act_files);
	assert_allowed(act_wait);
	assert_allowed(act_memory);
	assert_allowed(act_talk);
	assert_allowed(act_print);
}

/* The number of an ioctl of usbfs reaches the file: a regular one knows no such ioctl. */
static int act_ioctl_usbfs(const struct hands *hands)
{
	return ioctl(hands->file, _IO('U', 20)) < 0 && errno == ENOTTY ? 0 : 1;
}

static void test_ioctl_of_usbfs(void **state)
{
	assert_allowed(act_ioctl_usbfs);
}

static int act_abort(const struct hands *hands)
{
	abort();
}

static void test_abort_is_seen_as_abort(void **state)
{
	int status = run(act_abort);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_false(WCOREDUMP(status));
}

static long landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static int status_of_child(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_tells_of_landlock(void **state)
{
	const bool expected = landlock_version() > 0;
	bool landlocked = !expected;
	pid_t pid;
	int status;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(walls_raise(&landlocked) == 0 && landlocked == expected ? 0 : 1);
	}
	status = status_of_child(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#ifdef DFUD_LOOSE_WALLS

static int act_read(const struct hands *hands)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? 0 : 1;
}

static int act_process_state(const struct hands *hands)
{
	return prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
			       prctl(PR_GET_SECCOMP) == 2
		       ? 0
		       : 1;
}

/* Where this kernel has Landlock, making a file is refused even here. */
static int act_create(const struct hands *hands)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/test-walls-made-%d", (int)getpid());
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (landlock_version() > 0) {
		return fd < 0 && errno == EACCES ? 0 : 1;
	}
	return fd >= 0 && unlink(path) == 0 ? 0 : 2;
}

static void test_loose(void **state)
{
	assert_allowed(act_read);
	assert_allowed(act_process_state);
	assert_allowed(act_create);
}

#else

static void assert_deadly(deed act)
{
	int status = run(act);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int act_open(const struct hands *hands)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int act_openat_inherited(const struct hands *hands)
{
	return openat(hands->file, "x", O_RDONLY | O_CLOEXEC);
}

static int act_execute(const struct hands *hands)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int act_fork(const struct hands *hands)
{
	return fork() >= 0;
}

static int act_socket(const struct hands *hands)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int act_connect(const struct hands *hands)
{
	return connect(hands->socket[0], &(struct sockaddr){.sa_family = AF_UNSPEC},
		sizeof(struct sockaddr));
}

static int act_trace(const struct hands *hands)
{
	return (int)ptrace(PTRACE_ATTACH, hands->parent, NULL, NULL);
}

static int act_read_parent(const struct hands *hands)
{
	struct iovec vector = {.iov_base = &(char[8]){0}, .iov_len = 8};

	return (int)process_vm_readv(hands->parent, &vector, 1, &vector, 1, 0);
}

static int act_kill(const struct hands *hands)
{
	return kill(hands->parent, 0);
}

static void test_deadly(void **state)
{
	assert_deadly(act_open);
	assert_deadly(act_openat_inherited);
	assert_deadly(act_execute);
	assert_deadly(act_fork);
	assert_deadly(act_socket);
	assert_deadly(act_connect);
	assert_deadly(act_trace);
	assert_deadly(act_read_parent);
	assert_deadly(act_kill);
}

#ifdef __x86_64__
/* The 32-bit entry: number 5 is open there, fstat here. */
static int act_other_architecture(const struct hands *hands)
{
	long r = 5;

	__asm__ volatile("int $0x80" : "+a"(r) : "b"(0), "c"(0), "d"(0) : "memory");
	return r < 0;
}

static void test_other_architecture(void **state)
{
	assert_deadly(act_other_architecture);
}
#endif

static int act_map_executable(const struct hands *hands)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map != MAP_FAILED || errno != EPERM) {
		return 1;
	}
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED) {
		return 2;
	}
	return mprotect(map, 4096, PROT_READ | PROT_EXEC) < 0 && errno == ENOSYS ? 0 : 3;
}

static int act_type_into_terminal(const struct hands *hands)
{
	return ioctl(hands->file, TIOCSTI, "x") < 0 && errno == EPERM ? 0 : 1;
}

static int act_stat_path(const struct hands *hands)
{
	struct stat info;

	return stat("/etc/passwd", &info) < 0 && (errno == EPERM || errno == ENOSYS) ? 0 : 1;
}

static int act_change_flags(const struct hands *hands)
{
	return fcntl(hands->file, F_SETFL, O_NONBLOCK) < 0 && errno == EPERM ? 0 : 1;
}

static int act_signal_parent(const struct hands *hands)
{
	long r = syscall(SYS_tgkill, hands->parent, hands->parent, 0);

	return r < 0 && errno == EPERM && syscall(SYS_tgkill, getpid(), gettid(), 0) == 0 ? 0 : 1;
}

static void test_guarded(void **state)
{
	assert_allowed(act_map_executable);
	assert_allowed(act_type_into_terminal);
	assert_allowed(act_stat_path);
	assert_allowed(act_change_flags);
	assert_allowed(act_signal_parent);
}

static int act_unknown(const struct hands *hands)
{
	return syscall(SYS_getuid) < 0 && errno == ENOSYS && unlink("/tmp/nothing") < 0 &&
			       errno == ENOSYS && prctl(PR_SET_DUMPABLE, 1) < 0 && errno == ENOSYS
		       ? 0
		       : 1;
}

static void test_unknown_is_not_there(void **state)
{
	assert_allowed(act_unknown);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_ioctl_of_usbfs),
		cmocka_unit_test(test_abort_is_seen_as_abort),
		cmocka_unit_test(test_tells_of_landlock),
#ifdef DFUD_LOOSE_WALLS
		cmocka_unit_test(test_loose),
#else
		cmocka_unit_test(test_deadly),
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_unknown_is_not_there),
#ifdef __x86_64__
		cmocka_unit_test(test_other_architecture),
#endif
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
