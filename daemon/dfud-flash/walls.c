/* SPDX-License-Identifier: MIT */
#include "walls.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What the worker parses comes from a stranger's device and a downloaded file. If one of them gets
 * to run its own code here, that code shall find nothing: no file, no socket, no other process.
 *
 * Four walls, in this order: not dumpable; no new privileges, which the next two need; Landlock
 * with every access to files handled and none allowed (the kernel's userspace-api/landlock); the
 * system call filter (seccomp(2), classic BPF), last because it forbids raising walls.
 *
 * The filter is assembled at run time from three tables, and asks in this order:
 *
 *	another architecture	kill: the numbers would mean other calls
 *	walls_allowed		allow
 *	walls_deadly		kill
 *	walls_guarded, tgkill	allow if (argument & mask) == value for one rule of the call,
 *				else EPERM, or kill for socketcall
 *	anything else		ENOSYS, so that libc falls back to older calls
 *
 * Numbers differ between architectures and some calls do not exist on all: each entry that is not
 * everywhere has its guard. Arguments are compared by their lower 32 bits: file descriptors, flags,
 * protections and ioctl numbers have no more.
 */

#if defined(__x86_64__)
#define WALLS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define WALLS_ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define WALLS_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define WALLS_ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define WALLS_ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#error "walls: this architecture's number for seccomp is not known here"
#endif

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define WALLS_LOW_HALF 0
#else
#define WALLS_LOW_HALF 4
#endif

#ifdef DFUD_LOOSE_WALLS
#define WALLS_ON_DEADLY	 SECCOMP_RET_ALLOW
#define WALLS_ON_GUARDED SECCOMP_RET_ALLOW
#define WALLS_ON_UNKNOWN SECCOMP_RET_ALLOW
#else
#define WALLS_ON_DEADLY	 SECCOMP_RET_KILL_PROCESS
#define WALLS_ON_GUARDED (SECCOMP_RET_ERRNO | EPERM)
#define WALLS_ON_UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#endif

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* The most frequent first: the kernel walks the filter at every call. */
static const uint32_t walls_allowed[] = {
#ifdef __NR_poll
	__NR_poll,
#endif
	__NR_ppoll,
#ifdef __NR_ppoll_time64
	__NR_ppoll_time64,
#endif
#ifdef __NR_clock_gettime
	__NR_clock_gettime,
#endif
#ifdef __NR_clock_gettime64
	__NR_clock_gettime64,
#endif
#ifdef __NR_gettimeofday
	__NR_gettimeofday,
#endif
#ifdef __NR_timerfd_settime
	__NR_timerfd_settime,
#endif
#ifdef __NR_timerfd_settime64
	__NR_timerfd_settime64,
#endif
	__NR_read,
	__NR_write,
	__NR_pread64,
	__NR_pwrite64,
	__NR_writev,
	__NR_lseek,
#ifdef __NR__llseek
	__NR__llseek,
#endif
	__NR_fsync,
	__NR_fdatasync,
	__NR_close,
#ifdef __NR_fstat
	__NR_fstat,
#endif
#ifdef __NR_fstat64
	__NR_fstat64,
#endif
#ifdef __NR_futex
	__NR_futex,
#endif
#ifdef __NR_futex_time64
	__NR_futex_time64,
#endif
#ifdef __NR_epoll_wait
	__NR_epoll_wait,
#endif
	__NR_epoll_pwait,
	__NR_epoll_ctl,
	__NR_epoll_create1,
#ifdef __NR_eventfd
	__NR_eventfd,
#endif
	__NR_eventfd2,
#ifdef __NR_nanosleep
	__NR_nanosleep,
#endif
#ifdef __NR_clock_nanosleep
	__NR_clock_nanosleep,
#endif
#ifdef __NR_clock_nanosleep_time64
	__NR_clock_nanosleep_time64,
#endif
	__NR_sched_yield,
	__NR_restart_syscall,

	__NR_munmap,
	__NR_mremap,
	__NR_brk,
	__NR_madvise,
	__NR_getrandom,

/* on sockets that are inherited; libc of i386 may go through socketcall instead */
#ifdef __NR_sendmsg
	__NR_sendmsg,
	__NR_recvmsg,
	__NR_sendto,
	__NR_recvfrom,
#endif
#ifdef __NR_send
	__NR_send,
	__NR_recv,
#endif

	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
#ifdef __NR_sigreturn
	__NR_sigreturn,
#endif
	__NR_getpid,
	__NR_gettid,
	__NR_exit,
	__NR_exit_group,
};

static const uint32_t walls_deadly[] = {
	__NR_execve,
	__NR_execveat,
#ifdef __NR_fork
	__NR_fork,
	__NR_vfork,
#endif
	__NR_clone,
#ifdef __NR_clone3
	__NR_clone3,
#endif
#ifdef __NR_open
	__NR_open,
	__NR_creat,
#endif
	__NR_openat,
#ifdef __NR_openat2
	__NR_openat2,
#endif
	__NR_open_by_handle_at,
	__NR_socket,
	__NR_socketpair,
	__NR_connect,
	__NR_bind,
	__NR_listen,
#ifdef __NR_accept
	__NR_accept,
#endif
	__NR_accept4,
	__NR_ptrace,
	__NR_process_vm_readv,
	__NR_process_vm_writev,
#ifdef __NR_pidfd_getfd
	__NR_pidfd_getfd,
#endif
	__NR_kill,
	__NR_tkill,
	__NR_bpf,
	__NR_perf_event_open,
	__NR_userfaultfd,
#ifdef __NR_io_uring_setup
	__NR_io_uring_setup,
#endif
	__NR_unshare,
	__NR_setns,
	__NR_mount,
	__NR_chroot,
	__NR_init_module,
	__NR_finit_module,
	__NR_keyctl,
};

struct walls_guard {
	uint32_t call;
	uint32_t argument; /* which, from 0 */
	uint32_t mask, value;
};

/* The type of an ioctl number stands in its second byte; usbfs is 'U'. */
#define WALLS_IOCTL_TYPE 0xff00

static const struct walls_guard walls_guarded[] = {
	{__NR_ioctl, 1, WALLS_IOCTL_TYPE, 'U' << 8},
	/* libc asks once whether a stream is a terminal; TIOCSTI would type into it */
	{__NR_ioctl, 1, UINT32_MAX, TCGETS},
/* where both exist, the older one takes its arguments from memory, out of the filter's sight */
#ifdef __NR_mmap2
	{__NR_mmap2, 2, PROT_EXEC, 0},
#else
	{__NR_mmap, 2, PROT_EXEC, 0},
#endif
/* libc's fstat(); a path is not looked up where this flag stands and the path is empty */
#ifdef __NR_newfstatat
	{__NR_newfstatat, 3, UINT32_MAX, AT_EMPTY_PATH},
#endif
#ifdef __NR_fstatat64
	{__NR_fstatat64, 3, UINT32_MAX, AT_EMPTY_PATH},
#endif
	{__NR_fcntl, 1, UINT32_MAX, F_GETFL},
	{__NR_fcntl, 1, UINT32_MAX, F_GET_SEALS},
#ifdef __NR_fcntl64
	{__NR_fcntl64, 1, UINT32_MAX, F_GETFL},
	{__NR_fcntl64, 1, UINT32_MAX, F_GET_SEALS},
#endif
#if defined(__NR_socketcall)
	{__NR_socketcall, 0, UINT32_MAX, SYS_SEND},
	{__NR_socketcall, 0, UINT32_MAX, SYS_RECV},
	{__NR_socketcall, 0, UINT32_MAX, SYS_SENDTO},
	{__NR_socketcall, 0, UINT32_MAX, SYS_RECVFROM},
	{__NR_socketcall, 0, UINT32_MAX, SYS_SENDMSG},
	{__NR_socketcall, 0, UINT32_MAX, SYS_RECVMSG},
#endif
};

#define WALLS_MAX_STEPS                                                                            \
	(6 + 2 * N_ELEMENTS(walls_allowed) + 2 * N_ELEMENTS(walls_deadly) +                        \
		8 * (N_ELEMENTS(walls_guarded) + 1))

struct walls_filter {
	struct sock_filter steps[WALLS_MAX_STEPS];
	unsigned short n_steps;
};

static void walls_add(struct walls_filter *filter, struct sock_filter step)
{
	filter->steps[filter->n_steps++] = step;
}

static void walls_add_load(struct walls_filter *filter, size_t offset)
{
	walls_add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void walls_add_return(struct walls_filter *filter, uint32_t action)
{
	walls_add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Goes on with the next step if the loaded word is the value, else skips some. */
static void walls_add_unless_skip(struct walls_filter *filter, uint32_t value, uint8_t n_skipped)
{
	walls_add(filter,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n_skipped));
}

static void walls_add_call(struct walls_filter *filter, uint32_t call, uint32_t action)
{
	walls_add_unless_skip(filter, call, 1);
	walls_add_return(filter, action);
}

static void walls_add_guard(struct walls_filter *filter, const struct walls_guard *guard)
{
	walls_add_load(filter, offsetof(struct seccomp_data, nr));
	walls_add_unless_skip(filter, guard->call, 4);
	walls_add_load(filter, offsetof(struct seccomp_data, args) +
				       guard->argument * sizeof(uint64_t) + WALLS_LOW_HALF);
	walls_add(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, guard->mask));
	walls_add_call(filter, guard->value, SECCOMP_RET_ALLOW);
}

/* What becomes of a guarded call that no rule allows. */
static uint32_t walls_refusal(uint32_t call)
{
#ifdef __NR_socketcall
	if (call == __NR_socketcall) {
		return WALLS_ON_DEADLY;
	}
#endif
	return WALLS_ON_GUARDED;
}

static void walls_assemble(struct walls_filter *filter)
{
	/* for abort(); other processes of this user include the daemon */
	const struct walls_guard signal_to_self = {__NR_tgkill, 0, UINT32_MAX, (uint32_t)getpid()};

	walls_add_load(filter, offsetof(struct seccomp_data, arch));
	walls_add(filter,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WALLS_ARCHITECTURE, 1, 0));
	walls_add_return(filter, SECCOMP_RET_KILL_PROCESS);

	walls_add_load(filter, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N_ELEMENTS(walls_allowed); i++) {
		walls_add_call(filter, walls_allowed[i], SECCOMP_RET_ALLOW);
	}
	for (size_t i = 0; i < N_ELEMENTS(walls_deadly); i++) {
		walls_add_call(filter, walls_deadly[i], WALLS_ON_DEADLY);
	}

	walls_add_guard(filter, &signal_to_self);
	for (size_t i = 0; i < N_ELEMENTS(walls_guarded); i++) {
		walls_add_guard(filter, &walls_guarded[i]);
	}
	walls_add_load(filter, offsetof(struct seccomp_data, nr));
	walls_add_call(filter, signal_to_self.call, WALLS_ON_GUARDED);
	for (size_t i = 0; i < N_ELEMENTS(walls_guarded); i++) {
		uint32_t call = walls_guarded[i].call;

		walls_add_call(filter, call, walls_refusal(call));
	}
	walls_add_return(filter, WALLS_ON_UNKNOWN);
}

static int walls_raise_filter(void)
{
	struct walls_filter filter = {.n_steps = 0};
	struct sock_fprog program = {.filter = filter.steps};

	walls_assemble(&filter);
	program.len = filter.n_steps;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		return -errno;
	}
	return 0;
}

/*
 * Every right of the running kernel's Landlock version. Version 1 has the rights up to MAKE_SYM; 2
 * added one (REFER), 3 one (TRUNCATE), 5 one (IOCTL_DEV), which build-time headers may not name.
 */
static uint64_t walls_file_rights(long version)
{
	uint64_t last = LANDLOCK_ACCESS_FS_MAKE_SYM;
	uint64_t rights;

	last <<= (version >= 2) + (version >= 3) + (version >= 5);
	rights = last | (last - 1);
#ifdef DFUD_LOOSE_WALLS
	rights &= ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
			      LANDLOCK_ACCESS_FS_READ_DIR);
#endif
	return rights;
}

static int walls_raise_landlock(bool *ret_landlocked)
{
	struct landlock_ruleset_attr attributes = {0};
	long version, r;
	int ruleset;

	version = syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 0) {
		*ret_landlocked = false;
		/* EPERM: a container's own filter does not know the call */
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? 0 : -errno;
	}
	attributes.handled_access_fs = walls_file_rights(version);
	ruleset = (int)syscall(
		__NR_landlock_create_ruleset, &attributes, sizeof(attributes.handled_access_fs), 0);
	if (ruleset < 0) {
		return -errno;
	}
	r = syscall(__NR_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
	(void)close(ruleset);
	*ret_landlocked = r == 0;
	return (int)r;
}

int walls_raise(bool *ret_landlocked)
{
	int r;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		return -errno;
	}
	r = walls_raise_landlock(ret_landlocked);
	if (r < 0) {
		return r;
	}
	return walls_raise_filter();
}
