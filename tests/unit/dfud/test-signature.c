/* SPDX-License-Identifier: MIT */
/*
 * Signatures made by minisign(1) itself, both ways, and every way to spoil one. Where both can say
 * something of a file, we and the program must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
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
#include <unistd.h>

#include "config/minisign.h"
#include "config/settings.h"
#include "dfud/signature.h"
#include "dfud/snapshot.h"
#include "signer.h"

#define MAX (16 * 1024 * 1024)

/* Two keys, a and b, and the file f; settings trust a. */
struct desk {
	char root[64];
	int fd;
	char public_a[57], public_b[57];
	struct settings settings;
};

static void desk_trust(struct desk *desk, const char *const *keys)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	char text[512] = "[Trust]\n";

	for (; *keys; keys++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "Keys=%s\n", *keys);
	}
	settings_done(&desk->settings);
	settings_init(&desk->settings);
	assert_int_equal(
		settings_read(&desk->settings, "dfud.conf", text, strlen(text), &problems), 0);
	assert_int_equal(problems.n, 0);
}

#define desk_trust_only(desk, ...) desk_trust(desk, (const char *const[]){__VA_ARGS__, NULL})

static int setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	assert_non_null(desk);
	strcpy(desk->root, "/tmp/dfud-signature-XXXXXX");
	assert_non_null(mkdtemp(desk->root));
	desk->fd = open(desk->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(desk->fd >= 0);
	signer_make_key(desk->root, "a", desk->public_a);
	signer_make_key(desk->root, "b", desk->public_b);
	desk_trust_only(desk, desk->public_a);
	*state = desk;
	return 0;
}

static int teardown(void **state)
{
	struct desk *desk = *state;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", desk->root, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(desk->fd);
	settings_done(&desk->settings);
	free(desk);
	return 0;
}

static void desk_put(const struct desk *desk, const char *name, const void *bytes, size_t size)
{
	int fd = openat(desk->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(close(fd), 0);
}

/* The file's text, NUL behind it; the caller frees it. */
static char *desk_get(const struct desk *desk, const char *name, size_t *ret_size)
{
	int fd = openat(desk->fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	(void)close(fd);
	*ret_size = (size_t)st.st_size;
	return text;
}

static struct signature desk_check(const struct desk *desk)
{
	struct snapshot snapshot = SNAPSHOT_INIT;
	struct signature signature = {.state = _SIGNATURE_STATE_MAX};

	assert_int_equal(snapshot_take(&snapshot, desk->fd, "f", MAX), 0);
	assert_int_equal(signature_check(&signature, &snapshot, desk->fd, "f", &desk->settings), 0);
	snapshot_done(&snapshot);
	return signature;
}

/* minisign's own judgement of the same. */
static bool desk_asks_minisign(const struct desk *desk, const char *public)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (chdir(desk->root) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2) {
			execl(MINISIGN, "minisign", "-V", "-P", public, "-m", "f", NULL);
		}
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 127);
	return status == 0;
}

static void assert_judged(const struct desk *desk, enum signature_state state, const char *what)
{
	const struct signature signature = desk_check(desk);

	if (signature.state != state) {
		fail_msg("%s: %d, not %d", what, (int)signature.state, (int)state);
	}
	if (desk_asks_minisign(desk, desk->public_a) != (state == SIGNATURE_GOOD)) {
		fail_msg("%s: minisign judges otherwise", what);
	}
}

static void desk_sign(const struct desk *desk, const char *bytes, bool legacy)
{
	desk_put(desk, "f", bytes, strlen(bytes));
	signer_sign(desk->root, "a", "f", legacy);
}

static void test_good(void **state)
{
	struct desk *desk = *state;
	struct public_key key;

	assert_true(public_key_parse(desk->public_a, &key));
	for (int legacy = 0; legacy < 2; legacy++) {
		desk_sign(desk, "firmware", legacy);
		assert_judged(desk, SIGNATURE_GOOD, legacy ? "legacy" : "prehashed");
		assert_memory_equal(desk_check(desk).key_id, key.id, sizeof(key.id));
	}
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 127, 128, 129, 4095, 4096, 4097, 3 << 20};
	struct desk *desk = *state;
	const size_t room = (3 << 20) + 1;
	char *bytes = malloc(room);

	assert_non_null(bytes);
	for (size_t i = 0; i < room; i++) {
		bytes[i] = (char)(i * 31 + (i >> 8));
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (int legacy = 0; legacy < 2; legacy++) {
			char what[32];

			snprintf(what, sizeof(what), "%zu bytes, %d", sizes[i], legacy);
			desk_put(desk, "f", bytes, sizes[i]);
			signer_sign(desk->root, "a", "f", legacy);
			assert_judged(desk, SIGNATURE_GOOD, what);
			desk_put(desk, "f", bytes, sizes[i] + 1);
			assert_judged(desk, SIGNATURE_WRONG, what);
		}
	}
	free(bytes);
}

static void test_altered_file(void **state)
{
	static const char *const others[] = {"firmwarf", "Firmware", "firmwar", "firmware\n", ""};
	struct desk *desk = *state;

	for (int legacy = 0; legacy < 2; legacy++) {
		desk_sign(desk, "firmware", legacy);
		for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
			desk_put(desk, "f", others[i], strlen(others[i]));
			assert_judged(desk, SIGNATURE_WRONG, others[i]);
		}
		desk_put(desk, "f", "firmware", 8);
		assert_judged(desk, SIGNATURE_GOOD, "as it was");
	}
}

/* Every character of the sidecar is changed once: only the untrusted comment may be. */
static void test_altered_sidecar(void **state)
{
	struct desk *desk = *state;

	for (int legacy = 0; legacy < 2; legacy++) {
		size_t size, n_good = 0, n_wrong = 0, n_unknown = 0;
		char *text;

		desk_sign(desk, "firmware", legacy);
		text = desk_get(desk, "f.minisig", &size);
		for (size_t i = 0; i < size; i++) {
			const char before = text[i];
			enum signature_state judged;

			text[i] = before == 'x' ? 'y' : 'x';
			desk_put(desk, "f.minisig", text, size);
			judged = desk_check(desk).state;
			n_good += judged == SIGNATURE_GOOD;
			n_wrong += judged == SIGNATURE_WRONG;
			n_unknown += judged == SIGNATURE_UNKNOWN_KEY;
			if (judged == SIGNATURE_GOOD) {
				assert_true(i >= strlen("untrusted comment: "));
				assert_true(i < strcspn(text, "\n"));
			}
			text[i] = before;
		}
		free(text);
		assert_int_equal(n_good, strlen("signature from minisign secret key"));
		assert_true(n_unknown >= 10 && n_unknown <= 12);
		assert_true(n_wrong > 170);
	}
}

/* Replaces the first place where it stands. */
static void desk_edit(const struct desk *desk, const char *from, const char *to)
{
	char edited[4096];
	size_t size;
	char *text = desk_get(desk, "f.minisig", &size);
	char *at = strstr(text, from);

	assert_non_null(at);
	snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	desk_put(desk, "f.minisig", edited, strlen(edited));
	free(text);
}

static void test_altered_comments(void **state)
{
	struct desk *desk = *state;

	for (int legacy = 0; legacy < 2; legacy++) {
		desk_sign(desk, "firmware", legacy);
		desk_edit(desk, "signature from minisign secret key", "anything");
		assert_judged(desk, SIGNATURE_GOOD, "untrusted comment");
		desk_edit(desk, "file:f", "file:g");
		assert_judged(desk, SIGNATURE_WRONG, "trusted comment");
		desk_edit(desk, "file:g", "file:f");
		assert_judged(desk, SIGNATURE_GOOD, "trusted comment as it was");
		desk_edit(desk, "file:f", "file:f ");
		assert_judged(desk, SIGNATURE_WRONG, "a blank in the trusted comment");
	}
}

/* The same signature, called the other way to sign. */
static void test_other_algorithm(void **state)
{
	struct desk *desk = *state;

	desk_sign(desk, "firmware", false);
	desk_edit(desk, "\nRU", "\nRW");
	assert_judged(desk, SIGNATURE_WRONG, "prehashed called legacy");
	desk_sign(desk, "firmware", true);
	desk_edit(desk, "\nRW", "\nRU");
	assert_judged(desk, SIGNATURE_WRONG, "legacy called prehashed");
}

/* The halves of two good signatures of one key. */
static void test_halves(void **state)
{
	struct desk *desk = *state;
	size_t size;
	char mixed[4096];
	char *first, *second, *first_tail, *second_tail;

	desk_sign(desk, "another", false);
	first = desk_get(desk, "f.minisig", &size);
	desk_sign(desk, "firmware", false);
	second = desk_get(desk, "f.minisig", &size);
	first_tail = strstr(first, "\ntrusted comment: ");
	second_tail = strstr(second, "\ntrusted comment: ");
	assert_true(first_tail && second_tail);
	snprintf(mixed, sizeof(mixed), "%.*s%s", (int)(second_tail - second), second, first_tail);
	desk_put(desk, "f.minisig", mixed, strlen(mixed));
	assert_judged(desk, SIGNATURE_WRONG, "the end of another");
	desk_put(desk, "f.minisig", first, strlen(first));
	assert_judged(desk, SIGNATURE_WRONG, "another's");
	desk_put(desk, "f.minisig", second, strlen(second));
	assert_judged(desk, SIGNATURE_GOOD, "its own");
	free(first);
	free(second);
}

static void test_keys(void **state)
{
	struct desk *desk = *state;

	desk_sign(desk, "firmware", false);
	desk_trust_only(desk, desk->public_b);
	assert_int_equal(desk_check(desk).state, SIGNATURE_UNKNOWN_KEY);
	desk_trust_only(desk, desk->public_b, desk->public_a);
	assert_int_equal(desk_check(desk).state, SIGNATURE_GOOD);
	desk_trust_only(desk, desk->public_a, desk->public_b);
	assert_int_equal(desk_check(desk).state, SIGNATURE_GOOD);
	desk->settings.n_keys = 0;
	assert_int_equal(desk_check(desk).state, SIGNATURE_UNKNOWN_KEY);
}

/* Anybody can give a key the id of another: the id opens nothing. */
static void test_borrowed_id(void **state)
{
	struct desk *desk = *state;
	struct public_key *keys;

	desk_sign(desk, "firmware", false);
	desk_trust_only(desk, desk->public_b, desk->public_a);
	keys = desk->settings.keys;
	memcpy(keys[0].id, keys[1].id, sizeof(keys[0].id));
	assert_int_equal(desk_check(desk).state, SIGNATURE_GOOD);
	desk->settings.n_keys = 1;
	assert_int_equal(desk_check(desk).state, SIGNATURE_WRONG);
}

static void test_no_sidecar(void **state)
{
	struct desk *desk = *state;

	desk_put(desk, "f", "firmware", 8);
	assert_judged(desk, SIGNATURE_MISSING, "none");
}

static void test_malformed(void **state)
{
	struct desk *desk = *state;
	char large[MINISIGN_MAX + 2];
	size_t size;
	char *text;

	desk_sign(desk, "firmware", false);
	text = desk_get(desk, "f.minisig", &size);
	desk_put(desk, "f.minisig", "", 0);
	assert_judged(desk, SIGNATURE_MALFORMED, "empty");
	desk_put(desk, "f.minisig", text, size / 2);
	assert_judged(desk, SIGNATURE_MALFORMED, "half");
	desk_put(desk, "f.minisig", "hello\n", 6);
	assert_judged(desk, SIGNATURE_MALFORMED, "text");
	memset(large, '\n', sizeof(large));
	memcpy(large, text, size);
	desk_put(desk, "f.minisig", large, MINISIGN_MAX);
	assert_int_equal(desk_check(desk).state, SIGNATURE_GOOD);
	desk_put(desk, "f.minisig", large, MINISIGN_MAX + 1);
	assert_int_equal(desk_check(desk).state, SIGNATURE_MALFORMED);
	free(text);
}

/* What is no regular file is none of minisign's, and holds nobody up. */
static void test_not_regular(void **state)
{
	struct desk *desk = *state;

	desk_sign(desk, "firmware", false);
	assert_int_equal(renameat(desk->fd, "f.minisig", desk->fd, "good"), 0);
	assert_int_equal(symlinkat("good", desk->fd, "f.minisig"), 0);
	assert_int_equal(desk_check(desk).state, SIGNATURE_MALFORMED);
	assert_int_equal(unlinkat(desk->fd, "f.minisig", 0), 0);
	assert_int_equal(mkfifoat(desk->fd, "f.minisig", 0644), 0);
	assert_int_equal(desk_check(desk).state, SIGNATURE_MALFORMED);
	assert_int_equal(unlinkat(desk->fd, "f.minisig", 0), 0);
	assert_int_equal(mkdirat(desk->fd, "f.minisig", 0755), 0);
	assert_int_equal(desk_check(desk).state, SIGNATURE_MALFORMED);
}

static void test_unreadable(void **state)
{
	struct desk *desk = *state;
	struct snapshot snapshot = SNAPSHOT_INIT;
	struct signature signature;
	int r;

	desk_sign(desk, "firmware", false);
	assert_int_equal(fchmodat(desk->fd, "f.minisig", 0, 0), 0);
	assert_int_equal(chmod(desk->root, 0755), 0);
	assert_int_equal(snapshot_take(&snapshot, desk->fd, "f", MAX), 0);
	if (geteuid() == 0) {
		assert_int_equal(seteuid(65534), 0);
	}
	r = signature_check(&signature, &snapshot, desk->fd, "f", &desk->settings);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(r, -EACCES);
	snapshot_done(&snapshot);
}

#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_good),
		DESK_TEST(test_sizes),
		DESK_TEST(test_altered_file),
		DESK_TEST(test_altered_sidecar),
		DESK_TEST(test_altered_comments),
		DESK_TEST(test_other_algorithm),
		DESK_TEST(test_halves),
		DESK_TEST(test_keys),
		DESK_TEST(test_borrowed_id),
		DESK_TEST(test_no_sidecar),
		DESK_TEST(test_malformed),
		DESK_TEST(test_not_regular),
		DESK_TEST(test_unreadable),
	};

	if (!signer_is_there()) {
		return 77;
	}
	return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
