/* SPDX-License-Identifier: MIT */
/* Backups: what goes in comes out, or it is called damaged; whatever else lies in the folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dfud/vault.h"

#define ABC	 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define N(array) (sizeof(array) / sizeof(*(array)))

struct bed {
	char root[64];
	int vault, from, other;
};

/* What somebody does at the worst moment, and what was dropped from memory. */
static struct {
	void (*before_read)(const struct bed *bed);
	void (*before_rename)(const struct bed *bed);
	const struct bed *bed;
	ino_t dropped;
} world;

int __real_posix_fadvise64(int fd, off_t at, off_t n, int advice);
int __wrap_posix_fadvise64(int fd, off_t at, off_t n, int advice);
int __real_renameat(int from, const char *a, int to, const char *b);
int __wrap_renameat(int from, const char *a, int to, const char *b);

int __wrap_posix_fadvise64(int fd, off_t at, off_t n, int advice)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	if (at == 0 && n == 0 && advice == POSIX_FADV_DONTNEED) {
		world.dropped = st.st_ino;
	}
	if (world.before_read) {
		world.before_read(world.bed);
	}
	return __real_posix_fadvise64(fd, at, n, advice);
}

int __wrap_renameat(int from, const char *a, int to, const char *b)
{
	if (world.before_rename && from == world.bed->from) {
		world.before_rename(world.bed);
	}
	return __real_renameat(from, a, to, b);
}

static int bed_folder(const struct bed *bed, const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", bed->root, name);
	assert_int_equal(mkdir(path, 0755), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	memset(&world, 0, sizeof(world));
	world.bed = bed;
	strcpy(bed->root, "/tmp/dfud-vault-XXXXXX");
	assert_non_null(mkdtemp(bed->root));
	bed->vault = bed_folder(bed, "backup");
	bed->from = bed_folder(bed, "active");
	bed->other = bed_folder(bed, "other");
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	pid_t pid;

	(void)close(bed->vault);
	(void)close(bed->from);
	(void)close(bed->other);
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
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fstat(fd, &st), 0);
	(void)close(fd);
	return st.st_ino;
}

/* So many zeros, which take no room on the disk. */
static void put_size(int folder, const char *name, off_t size)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	(void)close(fd);
}

static void assert_holds(int folder, const char *name, const char *text)
{
	char buffer[1024] = "";
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fail_msg("%s: %s", name, strerror(errno));
	}
	assert_true(read(fd, buffer, sizeof(buffer) - 1) >= 0);
	(void)close(fd);
	assert_string_equal(buffer, text);
}

static bool is_there(int folder, const char *name)
{
	return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct stat look(int folder, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static const struct backup abc = {
	.address = 0x08000000,
	.size = 3,
	.when_us = 1790000000123456u,
	.usb_id = "0483:df11",
	.layout = "@Internal Flash  /0x08000000/04*016Kg",
	.attempt = "0123456789abcdef0123456789abcdef",
	.file = "klipper.bin",
};

#define NOTE_OF(digest, size_)                                                                     \
	"Format=1\nAddress=0x08000000\nSize=" size_ "\nWhen=1790000000123456\nUsbId=0483:df11\n"   \
	"Layout=@Internal Flash  /0x08000000/04*016Kg\n"                                           \
	"Attempt=0123456789abcdef0123456789abcdef\nFile=klipper.bin\nSha256=" digest "\n"
#define NOTE NOTE_OF(ABC, "3")

static void keep(const struct bed *bed, const char *text, struct backup *ret)
{
	*ret = abc;
	ret->size = strlen(text);
	(void)put(bed->from, ".backup", text);
	assert_int_equal(vault_keep(bed->vault, bed->from, ".backup", ret), 0);
	assert_false(is_there(bed->from, ".backup"));
}

static void assert_found(const struct bed *bed, const char *digits, const char *text)
{
	struct backup found;
	char buffer[64] = "";
	int fd = -EBADF;

	assert_int_equal(vault_find(bed->vault, digits, &found, &fd), 0);
	assert_int_equal(found.size, strlen(text));
	assert_int_equal(read(fd, buffer, sizeof(buffer)), strlen(text));
	assert_string_equal(buffer, text);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	(void)close(fd);
	assert_int_equal(vault_find(bed->vault, digits, &found, NULL), 0);
}

static void test_keep(void **state)
{
	struct bed *bed = *state;
	const mode_t mask = umask(077);
	struct backup note = abc, found;
	ino_t inode = put(bed->from, ".backup", "abc");

	assert_int_equal(vault_keep(bed->vault, bed->from, ".backup", &note), 0);
	(void)umask(mask);
	assert_int_equal(world.dropped, inode);
	assert_string_equal(note.sha256, ABC);
	assert_int_equal(note.format, BACKUP_FORMAT);
	assert_false(is_there(bed->from, ".backup"));
	assert_holds(bed->vault, ABC ".bin", "abc");
	assert_holds(bed->vault, ABC ".ini", NOTE);
	assert_int_equal(look(bed->vault, ABC ".bin").st_ino, inode);
	assert_int_equal(look(bed->vault, ABC ".bin").st_mode, S_IFREG | 0644);
	assert_int_equal(look(bed->vault, ABC ".ini").st_mode, S_IFREG | 0644);
	assert_false(is_there(bed->vault, "." ABC ".ini.new"));
	assert_found(bed, ABC, "abc");
	assert_int_equal(vault_find(bed->vault, ABC, &found, NULL), 0);
	assert_memory_equal(&found, &note, sizeof(note));
}

static void make_old(int folder, const char *name, time_t seconds)
{
	const struct timespec times[] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

	assert_int_equal(utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_keep_again(void **state)
{
	struct bed *bed = *state;
	struct backup note = abc, second = abc;
	const time_t now = time(NULL);
	ino_t inode;

	keep(bed, "abc", &note);
	inode = look(bed->vault, ABC ".bin").st_ino;
	make_old(bed->vault, ABC ".bin", 1000);
	(void)put(bed->from, ".backup", "abc");
	second.address = 0x08008000;
	strcpy(second.file, "second.bin");
	assert_int_equal(vault_keep(bed->vault, bed->from, ".backup", &second), 0);
	assert_false(is_there(bed->from, ".backup"));
	assert_int_equal(look(bed->vault, ABC ".bin").st_ino, inode);
	assert_true(look(bed->vault, ABC ".bin").st_mtim.tv_sec >= now - 1);
	assert_found(bed, ABC, "abc");
	assert_int_equal(vault_find(bed->vault, ABC, &note, NULL), 0);
	assert_int_equal(note.address, 0x08008000);
	assert_string_equal(note.file, "second.bin");
}

/* The same boot loader on two boards: a way back to either, and never to one alone. */
static void test_keep_of_two_boards(void **state)
{
	struct bed *bed = *state;
	struct backup left = abc, right = abc, found;

	strcpy(left.profile, "left");
	strcpy(left.port, "1-1");
	strcpy(left.path, "platform-usb-0:1");
	strcpy(right.profile, "right");
	strcpy(right.port, "1-2");
	strcpy(right.path, "platform-usb-0:2");
	strcpy(right.file, "second.bin");
	(void)put(bed->from, ".backup", "abc");
	assert_int_equal(vault_keep(bed->vault, bed->from, ".backup", &left), 0);
	(void)put(bed->from, ".backup", "abc");
	assert_int_equal(vault_keep(bed->vault, bed->from, ".backup", &right), 0);
	assert_int_equal(vault_find(bed->vault, ABC, &found, NULL), 0);
	assert_string_equal(found.profile, "right/left");
	assert_string_equal(found.port, "");
	assert_string_equal(found.path, "");
	assert_string_equal(found.file, "second.bin");
}

static void damage_byte(const struct bed *bed)
{
	(void)put(bed->vault, ABC ".bin", "abd");
}

static void damage_length(const struct bed *bed)
{
	(void)put(bed->vault, ABC ".bin", "abcd");
}

static void damage_all(const struct bed *bed)
{
	(void)put(bed->vault, ABC ".bin", "");
}

static void damage_by_link(const struct bed *bed)
{
	assert_int_equal(unlinkat(bed->vault, ABC ".bin", 0), 0);
	(void)put(bed->other, "target", "abc");
	assert_int_equal(symlinkat("../other/target", bed->vault, ABC ".bin"), 0);
}

static void damage_by_fifo(const struct bed *bed)
{
	assert_int_equal(unlinkat(bed->vault, ABC ".bin", 0), 0);
	assert_int_equal(mkfifoat(bed->vault, ABC ".bin", 0666), 0);
}

/* A second name is a second way to write to it. */
static void damage_by_name(const struct bed *bed)
{
	assert_int_equal(linkat(bed->vault, ABC ".bin", bed->other, "name", 0), 0);
}

static void test_keep_over_damage(void **state)
{
	static void (*const damages[])(const struct bed *bed) = {damage_byte, damage_length,
		damage_all, damage_by_link, damage_by_fifo, damage_by_name};
	struct bed *bed = *state;
	struct backup note;

	for (size_t i = 0; i < N(damages); i++) {
		ino_t inode;

		keep(bed, "abc", &note);
		damages[i](bed);
		inode = look(bed->vault, ABC ".bin").st_ino;
		keep(bed, "abc", &note);
		assert_true(look(bed->vault, ABC ".bin").st_ino != inode);
		assert_int_equal(look(bed->vault, ABC ".bin").st_mode, S_IFREG | 0644);
		assert_int_equal(look(bed->vault, ABC ".bin").st_nlink, 1);
		assert_found(bed, ABC, "abc");
	}
	assert_holds(bed->other, "target", "abc");
}

/* What root copied in cannot be made the newest by dfud: dfud's own takes its place. */
static void test_keep_over_files_of_root(void **state)
{
	enum { NOBODY = 65534 };
	struct bed *bed = *state;
	struct backup note;
	ino_t inode;

	if (geteuid() != 0) {
		skip();
	}
	keep(bed, "abc", &note);
	inode = look(bed->vault, ABC ".bin").st_ino;
	assert_int_equal(chmod(bed->root, 0755), 0);
	assert_int_equal(fchown(bed->vault, NOBODY, NOBODY), 0);
	assert_int_equal(fchown(bed->from, NOBODY, NOBODY), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	keep(bed, "abc", &note);
	assert_int_equal(seteuid(0), 0);
	assert_true(look(bed->vault, ABC ".bin").st_ino != inode);
	assert_int_equal(look(bed->vault, ABC ".bin").st_uid, NOBODY);
	assert_int_equal(look(bed->vault, ABC ".ini").st_uid, NOBODY);
	assert_found(bed, ABC, "abc");
}

/* Nothing goes in, and the caller keeps what it had. */
static void assert_not_kept(const struct bed *bed, const struct backup *note, int error)
{
	struct backup after = *note;

	assert_int_equal(vault_keep(bed->vault, bed->from, ".backup", &after), error);
	assert_memory_equal(&after, note, sizeof(after));
	assert_false(is_there(bed->vault, ABC ".bin"));
	assert_false(is_there(bed->vault, "." ABC ".ini.new"));
}

static void test_keep_what_is_no_file(void **state)
{
	struct bed *bed = *state;

	assert_not_kept(bed, &abc, -ENOENT);
	(void)put(bed->other, "target", "abc");
	assert_int_equal(symlinkat("../other/target", bed->from, ".backup"), 0);
	assert_not_kept(bed, &abc, -EBADMSG);
	assert_int_equal(unlinkat(bed->from, ".backup", 0), 0);
	assert_int_equal(mkfifoat(bed->from, ".backup", 0666), 0);
	assert_not_kept(bed, &abc, -EBADMSG);
	assert_int_equal(unlinkat(bed->from, ".backup", 0), 0);
	assert_int_equal(mkdirat(bed->from, ".backup", 0755), 0);
	assert_not_kept(bed, &abc, -EBADMSG);
	assert_int_equal(unlinkat(bed->from, ".backup", AT_REMOVEDIR), 0);
	assert_int_equal(linkat(bed->other, "target", bed->from, ".backup", 0), 0);
	assert_not_kept(bed, &abc, -EBADMSG);
	assert_false(is_there(bed->vault, ABC ".ini"));
}

static void test_keep_what_was_not_said(void **state)
{
	struct bed *bed = *state;
	struct backup note = abc;

	(void)put(bed->from, ".backup", "abc");
	note.size = 2;
	assert_not_kept(bed, &note, -EBADMSG);
	note.size = 4;
	assert_not_kept(bed, &note, -EBADMSG);
	note.size = 3;
	note.address = 0xfffffffe;
	assert_not_kept(bed, &note, -EBADMSG);
	(void)put(bed->from, ".backup", "");
	note.size = 0;
	assert_not_kept(bed, &note, -EBADMSG);
	world.dropped = 0;
	note = abc;
	note.size = BACKUP_SIZE_MAX + 1;
	put_size(bed->from, ".backup", (off_t)note.size);
	assert_not_kept(bed, &note, -EBADMSG);
	assert_int_equal(world.dropped, 0); /* not even read */
	assert_false(is_there(bed->vault, ABC ".ini"));
}

static void grow(const struct bed *bed)
{
	(void)put(bed->from, ".backup", "abcd");
}

static void shrink(const struct bed *bed)
{
	(void)put(bed->from, ".backup", "ab");
}

static void swap(const struct bed *bed)
{
	(void)put(bed->from, ".new", "abd");
	assert_int_equal(__real_renameat(bed->from, ".new", bed->from, ".backup"), 0);
}

static void test_keep_changed_meanwhile(void **state)
{
	struct bed *bed = *state;

	(void)put(bed->from, ".backup", "abc");
	world.before_read = grow;
	assert_not_kept(bed, &abc, -EBADMSG);
	(void)put(bed->from, ".backup", "abc");
	world.before_read = shrink;
	assert_not_kept(bed, &abc, -EBADMSG);
	world.before_read = NULL;
	(void)put(bed->from, ".backup", "abc");
	world.before_rename = swap;
	assert_not_kept(bed, &abc, -EBADMSG);
	world.before_rename = NULL;
	(void)put(bed->from, ".backup", "abc");
	assert_int_equal(
		vault_keep(bed->vault, bed->from, ".backup", &(struct backup){.size = 3}), 0);
}

static void test_keep_beside_folders(void **state)
{
	struct bed *bed = *state;

	(void)put(bed->from, ".backup", "abc");
	assert_int_equal(mkdirat(bed->vault, ABC ".ini", 0755), 0);
	assert_not_kept(bed, &abc, -EISDIR);
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(bed->vault, ABC ".bin", 0755), 0);
	assert_int_equal(
		vault_keep(bed->vault, bed->from, ".backup", &(struct backup){.size = 3}), -EISDIR);
	assert_holds(bed->from, ".backup", "abc");
}

/* Notes that are links or FIFOs give way, and nothing is written through them. */
static void test_keep_beside_strange_notes(void **state)
{
	struct bed *bed = *state;
	struct backup note;

	(void)put(bed->other, "target", "precious");
	assert_int_equal(symlinkat("../other/target", bed->vault, ABC ".ini"), 0);
	assert_int_equal(symlinkat("../other/target", bed->vault, "." ABC ".ini.new"), 0);
	keep(bed, "abc", &note);
	assert_holds(bed->other, "target", "precious");
	assert_found(bed, ABC, "abc");
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	assert_int_equal(mkfifoat(bed->vault, ABC ".ini", 0666), 0);
	keep(bed, "abc", &note);
	assert_holds(bed->vault, ABC ".ini", NOTE);
}

static void test_keep_beside_a_newer_note(void **state)
{
	struct bed *bed = *state;

	(void)put(bed->vault, ABC ".ini", "Format=2\nRegion=otp\n");
	(void)put(bed->from, ".backup", "abc");
	assert_not_kept(bed, &abc, -EPROTONOSUPPORT);
	assert_holds(bed->vault, ABC ".ini", "Format=2\nRegion=otp\n");
	assert_holds(bed->from, ".backup", "abc");
}

static void test_digits(void **state)
{
	static const char *const bad[] = {"", "ba7816b", "ba7816bg", "ba7816bf/", "../../..",
		"ba7816bf.bin", ABC "0", "ba7816bf ", "*ba7816bf"};
	static const char neighbour[] =
		"ba7816bf00000000000000000000000000000000000000000000000000000000";
	struct bed *bed = *state;
	struct backup note = abc;
	char digits[65] = ABC, name[80];

	assert_int_equal(vault_find(bed->vault, ABC, &note, NULL), -ENOENT);
	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(vault_find(bed->vault, bad[i], &note, NULL), -EINVAL);
	}
	keep(bed, "abc", &note);
	for (size_t n = 64; n >= 8; n--) {
		digits[n] = '\0';
		assert_found(bed, digits, "abc");
	}
	assert_found(bed, "BA7816BF", "abc");
	assert_int_equal(vault_find(bed->vault, "ba7816be", &note, NULL), -ENOENT);
	assert_int_equal(vault_find(bed->vault, neighbour, &note, NULL), -ENOENT);

	(void)snprintf(name, sizeof(name), "%s.bin", neighbour);
	(void)put(bed->vault, name, "abc");
	assert_int_equal(vault_find(bed->vault, "ba7816bf", &note, NULL), -ENOTUNIQ);
	assert_found(bed, "ba7816bf8", "abc");
	assert_int_equal(vault_find(bed->vault, neighbour, &note, NULL), -EBADMSG);
}

static void assert_lost(const struct bed *bed, int error)
{
	struct backup note = abc;
	int fd = 12345;

	assert_int_equal(vault_find(bed->vault, ABC, &note, &fd), error);
	assert_int_equal(fd, 12345);
	assert_memory_equal(&note, &abc, sizeof(note));
}

static void test_find_damaged_bytes(void **state)
{
	static void (*const damages[])(const struct bed *bed) = {
		damage_byte, damage_length, damage_all, damage_by_link, damage_by_fifo};
	struct bed *bed = *state;
	struct backup note;

	for (size_t i = 0; i < N(damages); i++) {
		keep(bed, "abc", &note);
		damages[i](bed);
		assert_lost(bed, -EBADMSG);
	}
	assert_int_equal(unlinkat(bed->vault, ABC ".bin", 0), 0);
	assert_lost(bed, -ENOENT);
	assert_int_equal(mkdirat(bed->vault, ABC ".bin", 0755), 0);
	assert_lost(bed, -EBADMSG);
}

static void test_find_damaged_note(void **state)
{
	static const char *const bad[] = {"", "Format=1\n",
		"\x7f"
		"ELF\n",
		NOTE_OF(ABC, "2"), NOTE_OF(ABC, "4"),
		NOTE_OF("ca7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "3"),
		NOTE "Nobody=knows\n"};
	struct bed *bed = *state;
	struct backup note;

	for (size_t i = 0; i < N(bad); i++) {
		keep(bed, "abc", &note);
		(void)put(bed->vault, ABC ".ini", bad[i]);
		assert_lost(bed, -EBADMSG);
	}
	(void)put(bed->vault, ABC ".ini", "Format=2\nRegion=otp\n");
	assert_lost(bed, -EPROTONOSUPPORT);
	(void)put(bed->vault, ABC ".ini", NOTE);
	assert_found(bed, ABC, "abc");
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	assert_lost(bed, -EBADMSG);
	(void)put(bed->other, "note", NOTE);
	assert_int_equal(symlinkat("../other/note", bed->vault, ABC ".ini"), 0);
	assert_lost(bed, -EBADMSG);
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	assert_int_equal(mkfifoat(bed->vault, ABC ".ini", 0666), 0);
	assert_lost(bed, -EBADMSG);
}

/* Endless notes are not read to their end. */
static void test_find_long_note(void **state)
{
	struct bed *bed = *state;
	struct backup note;
	char text[BACKUP_MAX + 64] = NOTE;
	size_t n = strlen(text);

	keep(bed, "abc", &note);
	while (n + 7 <= BACKUP_MAX) {
		n += (size_t)sprintf(text + n, "Size=3\n");
	}
	(void)put(bed->vault, ABC ".ini", text);
	assert_found(bed, ABC, "abc");
	while (n <= BACKUP_MAX) {
		n += (size_t)sprintf(text + n, "Size=3\n");
	}
	(void)put(bed->vault, ABC ".ini", text);
	assert_lost(bed, -EBADMSG);
}

static void test_find_unreadable(void **state)
{
	struct bed *bed = *state;
	struct backup note;

	keep(bed, "abc", &note);
	assert_int_equal(fchmodat(bed->vault, ABC ".bin", 0, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(chmod(bed->root, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	assert_lost(bed, -EACCES);
	assert_int_equal(seteuid(getuid()), 0);
}

static void test_has(void **state)
{
	struct bed *bed = *state;
	struct backup note, found = abc;

	assert_false(vault_has(bed->vault, ABC, &found));
	keep(bed, "abc", &note);
	assert_true(vault_has(bed->vault, ABC, &found));
	assert_memory_equal(&found, &note, sizeof(note));
	damage_byte(bed); /* the caller holds the bytes, these are not asked */
	assert_true(vault_has(bed->vault, ABC, &found));

	found = abc;
	assert_false(vault_has(bed->vault, "ba7816bf", &found));
	assert_false(vault_has(bed->vault, "", &found));
	damage_length(bed);
	assert_false(vault_has(bed->vault, ABC, &found));
	damage_by_link(bed);
	assert_false(vault_has(bed->vault, ABC, &found));
	keep(bed, "abc", &note);
	(void)put(bed->vault, ABC ".ini", "Format=2\n");
	assert_false(vault_has(bed->vault, ABC, &found));
	(void)put(bed->vault, ABC ".ini", NOTE_OF(ABC, "4"));
	assert_false(vault_has(bed->vault, ABC, &found));
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	assert_false(vault_has(bed->vault, ABC, &found));
	assert_memory_equal(&found, &abc, sizeof(abc));
}

/* The bytes are there and their note is lost; what the caller knows of them becomes the note. */
static void test_note(void **state)
{
	struct bed *bed = *state;
	const mode_t mask = umask(077);
	struct backup note, found;
	struct stat before;

	keep(bed, "abc", &note);
	make_old(bed->vault, ABC ".bin", 1000);
	before = look(bed->vault, ABC ".bin");
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	assert_int_equal(vault_note(bed->vault, &note), 0);
	(void)umask(mask);
	assert_holds(bed->vault, ABC ".ini", NOTE);
	assert_int_equal(look(bed->vault, ABC ".ini").st_mode, S_IFREG | 0644);
	assert_false(is_there(bed->vault, "." ABC ".ini.new"));
	assert_int_equal(look(bed->vault, ABC ".bin").st_ino, before.st_ino);
	assert_int_equal(look(bed->vault, ABC ".bin").st_mtim.tv_sec, 1000);
	assert_found(bed, ABC, "abc");
	assert_true(vault_has(bed->vault, ABC, &found));
	assert_memory_equal(&found, &note, sizeof(note));
}

/* Over a note that is damaged, a link or a FIFO; nothing is written through it. */
static void test_note_over_damage(void **state)
{
	struct bed *bed = *state;
	struct backup note;

	keep(bed, "abc", &note);
	(void)put(bed->vault, ABC ".ini", "Format=1\n");
	assert_int_equal(vault_note(bed->vault, &note), 0);
	assert_holds(bed->vault, ABC ".ini", NOTE);

	(void)put(bed->other, "target", "precious");
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	assert_int_equal(symlinkat("../other/target", bed->vault, ABC ".ini"), 0);
	assert_int_equal(vault_note(bed->vault, &note), 0);
	assert_holds(bed->other, "target", "precious");
	assert_int_equal(look(bed->vault, ABC ".ini").st_mode, S_IFREG | 0644);
}

/* Refused: no note comes into being, and what is there stays. */
static void assert_not_noted(const struct bed *bed, const struct backup *note, int error)
{
	assert_int_equal(vault_note(bed->vault, note), error);
	assert_false(is_there(bed->vault, ABC ".ini"));
	assert_false(is_there(bed->vault, "." ABC ".ini.new"));
}

static void test_note_of_what_is_not_there(void **state)
{
	static void (*const damages[])(const struct bed *bed) = {
		damage_byte, damage_length, damage_all, damage_by_link, damage_by_fifo};
	struct bed *bed = *state;
	struct backup note = abc;

	note.format = BACKUP_FORMAT;
	strcpy(note.sha256, ABC);
	assert_not_noted(bed, &note, -ENOENT);
	for (size_t i = 0; i < N(damages); i++) {
		keep(bed, "abc", &note);
		assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
		damages[i](bed);
		assert_not_noted(bed, &note, -EBADMSG);
	}
	assert_int_equal(unlinkat(bed->vault, ABC ".bin", 0), 0);
	assert_int_equal(mkdirat(bed->vault, ABC ".bin", 0755), 0);
	assert_not_noted(bed, &note, -EBADMSG);
}

static void test_note_that_is_none(void **state)
{
	struct bed *bed = *state;
	struct backup good, note;

	keep(bed, "abc", &good);
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	note = good;
	note.size = 2;
	assert_not_noted(bed, &note, -EBADMSG);
	note = good;
	note.address = 0xfffffffe;
	assert_not_noted(bed, &note, -EBADMSG);
	note = good;
	note.format = 0;
	assert_not_noted(bed, &note, -EBADMSG);
	assert_int_equal(mkdirat(bed->vault, ABC ".ini", 0755), 0);
	assert_int_equal(vault_note(bed->vault, &good), -EISDIR);
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", AT_REMOVEDIR), 0);
	(void)put(bed->vault, ABC ".ini", "Format=2\nRegion=otp\n");
	assert_int_equal(vault_note(bed->vault, &good), -EPROTONOSUPPORT);
	assert_holds(bed->vault, ABC ".ini", "Format=2\nRegion=otp\n");
}

/* A note that cannot be believed is as good as none; whatever is wrong with it. */
static void test_has_with_a_damaged_note(void **state)
{
	static const char *const bad[] = {"", "Format=1\n",
		"\x7f"
		"ELF\n",
		NOTE_OF(ABC, "2"),
		NOTE_OF("ca7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "3"),
		NOTE "Nobody=knows\n"};
	struct bed *bed = *state;
	struct backup note, found = abc;

	keep(bed, "abc", &note);
	for (size_t i = 0; i < N(bad); i++) {
		(void)put(bed->vault, ABC ".ini", bad[i]);
		if (vault_has(bed->vault, ABC, &found)) {
			fail_msg("believed: %s", bad[i]);
		}
	}
	(void)put(bed->other, "note", NOTE);
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	assert_int_equal(symlinkat("../other/note", bed->vault, ABC ".ini"), 0);
	assert_false(vault_has(bed->vault, ABC, &found));
	assert_int_equal(unlinkat(bed->vault, ABC ".ini", 0), 0);
	assert_int_equal(mkfifoat(bed->vault, ABC ".ini", 0666), 0);
	assert_false(vault_has(bed->vault, ABC, &found));
	assert_memory_equal(&found, &abc, sizeof(abc));
	assert_int_equal(vault_note(bed->vault, &note), 0);
	assert_true(vault_has(bed->vault, ABC, &found));
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_keep),
		BED_TEST(test_keep_again),
		BED_TEST(test_keep_of_two_boards),
		BED_TEST(test_keep_over_damage),
		BED_TEST(test_keep_over_files_of_root),
		BED_TEST(test_keep_what_is_no_file),
		BED_TEST(test_keep_what_was_not_said),
		BED_TEST(test_keep_changed_meanwhile),
		BED_TEST(test_keep_beside_folders),
		BED_TEST(test_keep_beside_strange_notes),
		BED_TEST(test_keep_beside_a_newer_note),
		BED_TEST(test_digits),
		BED_TEST(test_find_damaged_bytes),
		BED_TEST(test_find_damaged_note),
		BED_TEST(test_find_long_note),
		BED_TEST(test_find_unreadable),
		BED_TEST(test_has),
		BED_TEST(test_has_with_a_damaged_note),
		BED_TEST(test_note),
		BED_TEST(test_note_over_damage),
		BED_TEST(test_note_of_what_is_not_there),
		BED_TEST(test_note_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
