/* SPDX-License-Identifier: MIT */
/*
 * Where backups of flashes by hand go and are found: the folder that was named, else the daemon's,
 * else the caller's own. The daemon's folder of this machine is another one here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dfud-flash/hand-vault.h"

#define SYSTEM "/var/lib/dfud/backup"
#define ABC    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABCD   "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"

static char root[64]; /* of this test */
static char system_folder[96];

int __real_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode);

int __wrap_open64(const char *path, int flags, mode_t mode)
{
	return __real_open64(strcmp(path, SYSTEM) == 0 ? system_folder : path, flags, mode);
}

static int setup(void **state)
{
	strcpy(root, "/tmp/dfud-hand-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(system_folder, sizeof(system_folder), "%s/system", root);
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	return 0;
}

static int teardown(void **state)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", root, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return 0;
}

/* ROOT/NAME; valid until the next one. */
static const char *place(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void make_folder(const char *name)
{
	assert_int_equal(mkdir(place(name), 0755), 0);
}

static unsigned count_files(const char *name)
{
	DIR *dir = opendir(place(name));
	unsigned n = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	}
	closedir(dir);
	return n;
}

static bool is_there(const char *name)
{
	return access(place(name), F_OK) == 0;
}

static struct backup note_of(size_t size)
{
	struct backup note = BACKUP_INIT;

	note.address = 0x08000000;
	note.size = size;
	strcpy(note.file, "klipper.bin");
	return note;
}

/* What a worker saves is kept in the folder that is opened so: its digest. */
static void keep(const char *folder, const char *bytes, const char *digest)
{
	struct hand_vault vault = HAND_VAULT_INIT;
	struct backup note = note_of(strlen(bytes));
	char text[320] = "";

	assert_int_equal(hand_vault_open(&vault, folder), 0);
	assert_int_equal(write(vault.file, bytes, strlen(bytes)), strlen(bytes));
	assert_int_equal(fsync(vault.file), 0);
	if (hand_vault_keep(&vault, &note, "", text, sizeof(text)) != REASON_NONE) {
		fail_msg("%s", text);
	}
	assert_string_equal(note.sha256, digest);
	hand_vault_done(&vault);
}

/* --- opening --- */

static void check_open(const char *folder, const char *expected)
{
	struct hand_vault vault = HAND_VAULT_INIT;

	assert_int_equal(hand_vault_open(&vault, folder), 0);
	assert_string_equal(vault.path, expected);
	assert_true(vault.folder >= 0 && vault.file >= 0);
	assert_true(vault.draft[0] != '\0');
	assert_int_equal(faccessat(vault.folder, vault.draft, F_OK, 0), 0);
	hand_vault_done(&vault);
	assert_true(vault.folder < 0 && vault.file < 0 && vault.draft[0] == '\0');
}

static void check_open_fails(const char *folder, int error)
{
	struct hand_vault vault = HAND_VAULT_INIT;

	assert_int_equal(hand_vault_open(&vault, folder), error);
	assert_true(vault.file < 0);
	assert_true(vault.path[0] != '\0'); /* for the sentence */
	hand_vault_done(&vault);
}

/* It counts alone, and is not made. */
static void test_named(void **state)
{
	make_folder("system");
	make_folder("named");
	setenv("HOME", place("home"), 1);
	check_open(place("named"), place("named"));
	assert_int_equal(count_files("named"), 0);
	check_open_fails(place("nowhere"), -ENOENT);
	assert_false(is_there("nowhere"));
	assert_false(is_there("home"));
}

static void test_named_but_no_folder(void **state)
{
	const int fd = open(place("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
	check_open_fails(place("file"), -ENOTDIR);
}

static void test_of_the_daemon(void **state)
{
	make_folder("system");
	setenv("XDG_STATE_HOME", place("state"), 1);
	check_open(NULL, SYSTEM);
	assert_int_equal(count_files("system"), 0);
	assert_false(is_there("state"));
}

static void test_of_xdg(void **state)
{
	setenv("XDG_STATE_HOME", place("a/state"), 1);
	setenv("HOME", place("home"), 1);
	check_open(NULL, place("a/state/dfud/backup"));
	assert_false(is_there("home"));
	check_open(NULL, place("a/state/dfud/backup")); /* it is there by now */
}

static void test_of_home(void **state)
{
	setenv("HOME", place(""), 1);
	check_open(NULL, place("/.local/state/dfud/backup"));
}

/* A path that is none from everywhere does not count. */
static void test_relative(void **state)
{
	setenv("XDG_STATE_HOME", "state", 1);
	setenv("HOME", place("home"), 1);
	make_folder("home");
	check_open(NULL, place("home/.local/state/dfud/backup"));
	setenv("HOME", "home", 1);
	check_open_fails(NULL, -ENOENT);
	setenv("HOME", "", 1);
	setenv("XDG_STATE_HOME", "", 1);
	check_open_fails(NULL, -ENOENT);
}

static void test_homeless(void **state)
{
	check_open_fails(NULL, -ENOENT);
}

static void test_home_cannot_be_made(void **state)
{
	const int fd = open(place("home"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
	setenv("HOME", place("home"), 1);
	check_open_fails(NULL, -ENOTDIR);
}

/* Never into a folder whose name was cut. */
static void test_a_path_that_is_too_long(void **state)
{
	char path[700];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s/s", root);

	while (n < 600) {
		n += (size_t)snprintf(
			path + n, sizeof(path) - n, "/ssssssssssssssssssssssssssssss");
	}
	setenv("XDG_STATE_HOME", path, 1);
	check_open_fails(NULL, -ENAMETOOLONG);
	assert_false(is_there("s"));
}

/* A file that an earlier process of this number left is no hindrance. */
static void test_an_old_draft(void **state)
{
	struct hand_vault first = HAND_VAULT_INIT, second = HAND_VAULT_INIT;
	struct stat st;

	make_folder("named");
	assert_int_equal(hand_vault_open(&first, place("named")), 0);
	assert_int_equal(write(first.file, "abc", 3), 3);
	assert_int_equal(hand_vault_open(&second, place("named")), 0);
	assert_int_equal(fstat(second.file, &st), 0);
	assert_int_equal(st.st_size, 0);
	hand_vault_done(&second);
	hand_vault_done(&first);
	assert_int_equal(count_files("named"), 0);
}

/* For a plan: the worker may write, and nothing is kept anywhere. */
static void test_pretend(void **state)
{
	struct hand_vault vault = HAND_VAULT_INIT;

	make_folder("system");
	setenv("HOME", place("home"), 1);
	assert_int_equal(hand_vault_pretend(&vault), 0);
	assert_int_equal(write(vault.file, "abc", 3), 3);
	assert_true(vault.folder < 0);
	hand_vault_done(&vault);
	assert_true(vault.file < 0);
	assert_int_equal(count_files("system"), 0);
	assert_false(is_there("home"));
}

/* --- keeping and finding --- */

static void check_found(const char *folder, const char *digits, const char *bytes)
{
	struct backup found = BACKUP_INIT;
	char text[320] = "", read_back[16];
	int fd = -EBADF;

	if (hand_vault_find(folder, digits, &found, &fd, text, sizeof(text)) != 0) {
		fail_msg("%s: %s", digits, text);
	}
	assert_int_equal(found.size, strlen(bytes));
	assert_int_equal(found.address, 0x08000000);
	assert_string_equal(found.file, "klipper.bin");
	assert_int_equal(read(fd, read_back, sizeof(read_back)), strlen(bytes));
	assert_memory_equal(read_back, bytes, strlen(bytes));
	close(fd);
}

static void check_not_found(const char *folder, const char *digits, int error, const char *sentence)
{
	struct backup found = BACKUP_INIT;
	char text[320] = "";
	int fd = -EBADF;

	assert_int_equal(hand_vault_find(folder, digits, &found, &fd, text, sizeof(text)), error);
	assert_string_equal(text, sentence);
	assert_true(fd < 0);
}

static void test_kept_and_found(void **state)
{
	make_folder("named");
	keep(place("named"), "abc", ABC);
	assert_int_equal(count_files("named"), 2); /* bytes and note, no draft */
	check_found(place("named"), "ba7816bf", "abc");
	check_found(place("named"), ABC, "abc");
	check_not_found(place("named"), "ba7816c0", -ENOENT,
		"there is no backup that begins with ba7816c0");
}

/* What is not what the note says is not kept, and the draft goes. */
static void test_not_kept(void **state)
{
	struct hand_vault vault = HAND_VAULT_INIT;
	struct backup note = note_of(4);
	char text[320] = "";

	make_folder("named");
	assert_int_equal(hand_vault_open(&vault, place("named")), 0);
	assert_int_equal(write(vault.file, "abc", 3), 3);
	assert_int_equal(hand_vault_keep(&vault, &note, "", text, sizeof(text)), REASON_NO_BACKUP);
	assert_non_null(strstr(text, "is not on the disk as it was read"));
	hand_vault_done(&vault);
	assert_int_equal(count_files("named"), 0);
}

/* In the daemon's folder, in one's own, in both, in the one that is named only. */
static void test_found_in_several(void **state)
{
	setenv("HOME", place("home"), 1);
	keep(NULL, "abc", ABC); /* no daemon here: in one's own */
	check_found(NULL, "ba7816bf", "abc");
	make_folder("system");
	check_found(NULL, "ba7816bf", "abc");
	keep(NULL, "abcd", ABCD);
	assert_int_equal(count_files("system"), 2);
	assert_int_equal(count_files("home/.local/state/dfud/backup"), 2);
	check_found(NULL, "88d4266f", "abcd");
	check_found(NULL, "ba7816bf", "abc");
	check_not_found(place("home/.local/state/dfud/backup"), "88d4266f", -ENOENT,
		"there is no backup that begins with 88d4266f");
	keep(NULL, "abc", ABC);
	assert_int_equal(count_files("system"), 4);
	check_found(NULL, "ba7816bf", "abc");
}

static void test_found_nowhere(void **state)
{
	check_not_found(NULL, "ba7816bf", -ENOENT, "there is no backup that begins with ba7816bf");
	make_folder("system");
	setenv("HOME", place("home"), 1);
	check_not_found(NULL, "ba7816bf", -ENOENT, "there is no backup that begins with ba7816bf");
	assert_false(is_there("home")); /* looking makes nothing */
	check_not_found(
		place("x"), "ba7816bf", -ENOENT, "there is no backup that begins with ba7816bf");
}

/* Two that begin alike: names of ours, whatever is in them. */
static void test_several_begin_so(void **state)
{
	static const char *const files[] = {
		"named/ba7816bf" /* and 56 more */
		"00000000000000000000000000000000000000000000000000000000.bin"};

	make_folder("named");
	keep(place("named"), "abc", ABC);
	close(open(place(files[0]), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	check_not_found(place("named"), "ba7816bf", -ENOTUNIQ,
		"several backups begin with ba7816bf: give more digits");
	check_found(place("named"), "ba7816bf8", "abc");
}

static void test_damaged(void **state)
{
	int fd;

	make_folder("named");
	keep(place("named"), "abc", ABC);
	fd = open(place("named/" ABC ".bin"), O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	check_not_found(place("named"), "ba7816bf", -EBADMSG,
		"the backup ba7816bf is damaged: its bytes are not those that were saved, or its "
		"note is missing");
	keep(place("named"), "abc", ABC); /* saved once more, it is whole again */
	check_found(place("named"), "ba7816bf", "abc");
	assert_int_equal(unlink(place("named/" ABC ".ini")), 0);
	check_not_found(place("named"), "ba7816bf", -EBADMSG,
		"the backup ba7816bf is damaged: its bytes are not those that were saved, or its "
		"note is missing");
}

static void test_of_a_newer_dfud(void **state)
{
	int fd;

	make_folder("named");
	keep(place("named"), "abc", ABC);
	fd = open(place("named/" ABC ".ini"), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "Format=2\n", 9), 9);
	close(fd);
	check_not_found(place("named"), "ba7816bf", -EPROTONOSUPPORT,
		"the backup ba7816bf was made by a newer dfud");
}

/* The usual quota holds in a person's own folder; one that is named has none. */
static void keep_many(const char *folder, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct hand_vault vault = HAND_VAULT_INIT;
		struct backup note = note_of(sizeof(i));
		char text[320];

		assert_int_equal(hand_vault_open(&vault, folder), 0);
		assert_int_equal(write(vault.file, &i, sizeof(i)), sizeof(i));
		assert_int_equal(
			hand_vault_keep(&vault, &note, "", text, sizeof(text)), REASON_NONE);
		hand_vault_done(&vault);
	}
}

static void test_quota(void **state)
{
	make_folder("named");
	keep_many(place("named"), 205);
	assert_int_equal(count_files("named"), 410);
	setenv("XDG_STATE_HOME", place("state"), 1);
	make_folder("state");
	keep_many(NULL, 205);
	assert_int_equal(count_files("state/dfud/backup"), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_named_but_no_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_the_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_xdg, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_home, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relative, setup, teardown),
		cmocka_unit_test_setup_teardown(test_homeless, setup, teardown),
		cmocka_unit_test_setup_teardown(test_home_cannot_be_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_path_that_is_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_old_draft, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pretend, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept_and_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_found_in_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_found_nowhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several_begin_so, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_a_newer_dfud, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quota, setup, teardown),
	};

	return cmocka_run_group_tests_name("hand-vault", tests, NULL, NULL);
}
