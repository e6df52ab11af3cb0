/* SPDX-License-Identifier: MIT */
/*
 * May a file be flashed, as far as its sidecars say? In a real folder, with made-up times: a
 * sidecar that does not hold has Quiet= to become one that does.
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

#include "config/settings.h"
#include "dfud/snapshot.h"
#include "dfud/trust.h"
#include "signer.h"

#define QUIET_US 1000000
#define SUM_F	 "2a9b1e4b8b0a1f16f5d20eb2f4e2a2fe2b2a6bff0a5c5b7d3c1f2a0f2f6c3b1d"

/* The queue with the file f, keys a (trusted) and b, and good.minisig, made with a. */
struct desk {
	char root[64];
	int fd;
	char public_a[57], public_b[57];
	struct settings settings;
	struct snapshot snapshot;
	struct sidecars seen;
	struct trust trust;
};

static void desk_put(const struct desk *desk, const char *name, const char *text)
{
	int fd = openat(desk->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void desk_move(const struct desk *desk, const char *from, const char *to)
{
	assert_int_equal(renameat(desk->fd, from, desk->fd, to), 0);
}

static void desk_configure(struct desk *desk, const char *text)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;

	settings_done(&desk->settings);
	settings_init(&desk->settings);
	assert_int_equal(
		settings_read(&desk->settings, "dfud.conf", text, strlen(text), &problems), 0);
	assert_int_equal(problems.n, 0);
}

static void desk_require(struct desk *desk, bool require, const char *public)
{
	char text[256];

	snprintf(text, sizeof(text), "[Trust]\nRequireSignature=%s\nKeys=%s\n",
		require ? "yes" : "no", public);
	desk_configure(desk, text);
}

static int setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	assert_non_null(desk);
	strcpy(desk->root, "/tmp/dfud-trust-XXXXXX");
	assert_non_null(mkdtemp(desk->root));
	desk->fd = open(desk->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(desk->fd >= 0);
	signer_make_key(desk->root, "a", desk->public_a);
	signer_make_key(desk->root, "b", desk->public_b);
	desk_put(desk, "f", "firmware");
	signer_sign(desk->root, "b", "f", false);
	desk_move(desk, "f.minisig", "others.minisig");
	signer_sign(desk->root, "a", "f", false);
	desk_move(desk, "f.minisig", "good.minisig");
	desk->snapshot = (struct snapshot)SNAPSHOT_INIT;
	assert_int_equal(snapshot_take(&desk->snapshot, desk->fd, "f", 1 << 20), 0);
	desk_require(desk, true, desk->public_a);
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
	snapshot_done(&desk->snapshot);
	settings_done(&desk->settings);
	free(desk);
	return 0;
}

static struct trust_question desk_question(const struct desk *desk)
{
	return (struct trust_question){
		.settings = &desk->settings,
		.folder_fd = desk->fd,
		.name = "f",
		.snapshot = &desk->snapshot,
	};
}

static enum trust_state desk_judge_at(struct desk *desk, uint64_t now_us)
{
	const struct trust_question question = desk_question(desk);

	memset(&desk->trust, 0x5a, sizeof(desk->trust));
	trust_judge_patiently(&desk->trust, &question, &desk->seen, now_us);
	return desk->trust.state;
}

static enum trust_state desk_judge(struct desk *desk)
{
	const struct trust_question question = desk_question(desk);

	trust_judge(&desk->trust, &question);
	return desk->trust.state;
}

static bool desk_is_news(const struct desk *desk)
{
	const struct trust_question question = desk_question(desk);

	return trust_is_news(&question, &desk->seen);
}

/* What is asked for by whom: each kind of sidecar against each kind of configuration. */
static void test_policy(void **state)
{
	static const struct {
		const char *sidecar; /* copied to f.minisig, NULL: none */
		enum trust_state no_keys, optional, required;
		const char *part;
	} rows[] = {
		{NULL, TRUST_GIVEN, TRUST_GIVEN, TRUST_AWAITED,
			"f waits for its signature f.minisig"},
		{"good.minisig", TRUST_GIVEN, TRUST_GIVEN, TRUST_GIVEN, ""},
		{"others.minisig", TRUST_GIVEN, TRUST_REFUSED, TRUST_REFUSED,
			"is not among Keys= in [Trust]"},
		{"f", TRUST_GIVEN, TRUST_REFUSED, TRUST_REFUSED,
			"f.minisig is no signature file of minisign"},
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].sidecar) {
			assert_int_equal(
				linkat(desk->fd, rows[i].sidecar, desk->fd, "f.minisig", 0), 0);
		}
		desk_configure(desk, "");
		assert_int_equal(desk_judge(desk), rows[i].no_keys);
		assert_string_equal(desk->trust.key, "");
		desk_require(desk, false, desk->public_a);
		assert_int_equal(desk_judge(desk), rows[i].optional);
		desk_require(desk, true, desk->public_a);
		assert_int_equal(desk_judge(desk), rows[i].required);
		assert_non_null(strstr(desk->trust.text, rows[i].part));
		if (rows[i].required != TRUST_GIVEN) {
			assert_int_equal(desk->trust.reason, REASON_SIGNATURE);
		}
		(void)unlinkat(desk->fd, "f.minisig", 0);
	}
}

/* Who signed it is told as minisign tells it. */
static void test_signer(void **state)
{
	struct desk *desk = *state;
	char comment[128] = "", wanted[128];
	FILE *file;

	desk_move(desk, "good.minisig", "f.minisig");
	assert_int_equal(desk_judge(desk), TRUST_GIVEN);
	file = fdopen(openat(desk->fd, "a.pub", O_RDONLY | O_CLOEXEC), "r");
	assert_non_null(file);
	assert_non_null(fgets(comment, sizeof(comment), file));
	(void)fclose(file);
	snprintf(wanted, sizeof(wanted), "untrusted comment: minisign public key %s\n",
		desk->trust.key);
	assert_string_equal(comment, wanted);
}

static void test_altered(void **state)
{
	struct desk *desk = *state;

	desk_move(desk, "good.minisig", "f.minisig");
	snapshot_done(&desk->snapshot);
	desk_put(desk, "f", "firmwarf");
	assert_int_equal(snapshot_take(&desk->snapshot, desk->fd, "f", 1 << 20), 0);
	assert_int_equal(desk_judge(desk), TRUST_REFUSED);
	assert_int_equal(desk->trust.reason, REASON_SIGNATURE);
	assert_non_null(strstr(desk->trust.text, "one of the two was altered"));
}

/* The bytes of the snapshot count, not those that lie under the name by now. */
static void test_the_very_bytes(void **state)
{
	struct desk *desk = *state;

	desk_move(desk, "good.minisig", "f.minisig");
	desk_put(desk, "f", "firmwarf");
	assert_int_equal(desk_judge(desk), TRUST_GIVEN);
}

static void test_missing_counts_after_quiet(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_judge_at(desk, 5), TRUST_SOON);
	assert_int_equal(desk->trust.again_us, 5 + QUIET_US);
	assert_int_equal(desk->trust.error, 0);
	assert_int_equal(desk_judge_at(desk, 4 + QUIET_US), TRUST_SOON);
	assert_int_equal(desk->trust.again_us, 5 + QUIET_US);
	assert_int_equal(desk_judge_at(desk, 5 + QUIET_US), TRUST_AWAITED);
	assert_int_equal(desk->seen.since_us, 5);
	assert_false(desk_is_news(desk));
	desk_move(desk, "good.minisig", "f.minisig");
	assert_true(desk_is_news(desk));
	assert_int_equal(desk_judge_at(desk, 9 * QUIET_US), TRUST_GIVEN);
	assert_false(desk_is_news(desk));
}

/* As cp writes it, however slowly: what grows is not judged before it has stopped. */
static void test_half_written(void **state)
{
	struct desk *desk = *state;
	char text[4096];
	ssize_t n;
	int fd;

	fd = openat(desk->fd, "good.minisig", O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text));
	assert_true(n > 200);
	(void)close(fd);
	fd = openat(desk->fd, "f.minisig", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(desk_judge_at(desk, 5), TRUST_SOON);
	assert_int_equal(write(fd, text, 100), 100);
	assert_true(desk_is_news(desk));
	assert_int_equal(desk_judge_at(desk, QUIET_US), TRUST_SOON);
	assert_int_equal(desk->trust.again_us, 2 * QUIET_US);
	assert_int_equal(write(fd, text + 100, 100), 100);
	assert_int_equal(desk_judge_at(desk, 2 * QUIET_US), TRUST_SOON);
	assert_int_equal(desk->trust.again_us, 3 * QUIET_US);
	assert_int_equal(desk_judge_at(desk, 3 * QUIET_US - 1), TRUST_SOON);
	assert_int_equal(write(fd, text + 200, (size_t)n - 200), n - 200);
	assert_int_equal(desk_judge_at(desk, 3 * QUIET_US), TRUST_GIVEN);
	(void)close(fd);
}

/* A writer that never goes on is no excuse. */
static void test_half_for_ever(void **state)
{
	struct desk *desk = *state;

	desk_put(desk, "f.minisig", "untrusted comment: ");
	assert_int_equal(desk_judge_at(desk, 5), TRUST_SOON);
	assert_int_equal(desk_judge_at(desk, 5 + QUIET_US), TRUST_REFUSED);
	assert_int_equal(desk->trust.reason, REASON_SIGNATURE);
}

/* A file that replaces another comes before its new signature: the old one is given its time. */
static void test_signature_of_the_file_before(void **state)
{
	struct desk *desk = *state;

	desk_move(desk, "others.minisig", "f.minisig");
	assert_int_equal(desk_judge_at(desk, 5), TRUST_SOON);
	desk_move(desk, "good.minisig", "f.minisig");
	assert_int_equal(desk_judge_at(desk, 6), TRUST_GIVEN);
}

static void test_quiet_is_the_setting(void **state)
{
	struct desk *desk = *state;
	char text[256];

	snprintf(text, sizeof(text), "[Queue]\nQuiet=3s\n[Trust]\nRequireSignature=yes\nKeys=%s\n",
		desk->public_a);
	desk_configure(desk, text);
	assert_int_equal(desk_judge_at(desk, 5), TRUST_SOON);
	assert_int_equal(desk->trust.again_us, 5 + 3 * QUIET_US);
}

/* A checksum is treated alike, with keys and without. */
static void test_checksum(void **state)
{
	struct desk *desk = *state;
	char good[80];

	desk_configure(desk, "");
	assert_int_equal(desk_judge_at(desk, 5), TRUST_GIVEN);
	desk_put(desk, "f.sha256", "");
	assert_true(desk_is_news(desk));
	assert_int_equal(desk_judge_at(desk, 6), TRUST_SOON);
	desk_put(desk, "f.sha256", SUM_F "  f\n");
	assert_int_equal(desk_judge_at(desk, 7), TRUST_SOON);
	assert_int_equal(desk_judge_at(desk, 7 + QUIET_US), TRUST_REFUSED);
	assert_int_equal(desk->trust.reason, REASON_DAMAGED);
	assert_non_null(strstr(desk->trust.text, ".sha256"));
	snprintf(good, sizeof(good), "%s  f\n", desk->snapshot.sha256);
	desk_put(desk, "f.sha256", good);
	assert_int_equal(desk_judge_at(desk, 8 + QUIET_US), TRUST_GIVEN);

	/* it does not stand in for a signature, nor the other way round */
	desk_require(desk, true, desk->public_a);
	assert_int_equal(desk_judge(desk), TRUST_AWAITED);
	desk_move(desk, "good.minisig", "f.minisig");
	assert_int_equal(desk_judge(desk), TRUST_GIVEN);
	desk_put(desk, "f.sha256", SUM_F);
	assert_int_equal(desk_judge(desk), TRUST_REFUSED);
	assert_int_equal(desk->trust.reason, REASON_DAMAGED);
}

/* Without keys nobody reads a signature, so nothing that happens to it is news. */
static void test_news(void **state)
{
	struct desk *desk = *state;

	desk_configure(desk, "");
	assert_true(desk_is_news(desk)); /* never looked */
	assert_int_equal(desk_judge_at(desk, 5), TRUST_GIVEN);
	desk_put(desk, "f.minisig", "x");
	assert_false(desk_is_news(desk));
	desk_require(desk, false, desk->public_a);
	assert_true(desk_is_news(desk));
	assert_int_equal(desk_judge_at(desk, 6), TRUST_SOON);
	assert_false(desk_is_news(desk));
	assert_int_equal(fchmodat(desk->fd, "f.minisig", 0600, 0), 0);
	assert_true(desk_is_news(desk));
	assert_int_equal(desk_judge_at(desk, 7), TRUST_SOON);
	assert_int_equal(renameat(desk->fd, "f.minisig", desk->fd, "away"), 0);
	assert_true(desk_is_news(desk));
	/* back again it is what it was: a claim and a give-back change nothing */
	assert_int_equal(renameat(desk->fd, "away", desk->fd, "f.minisig"), 0);
	assert_false(desk_is_news(desk));
}

static void test_unreadable(void **state)
{
	struct desk *desk = *state;
	enum trust_state judged;

	desk_move(desk, "good.minisig", "f.minisig");
	assert_int_equal(fchmodat(desk->fd, "f.minisig", 0, 0), 0);
	assert_int_equal(chmod(desk->root, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(seteuid(65534), 0);
	}
	assert_int_equal(desk_judge_at(desk, 5), TRUST_SOON);
	judged = desk_judge_at(desk, 5 + QUIET_US);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(judged, TRUST_AWAITED);
	assert_non_null(strstr(desk->trust.text, "chmod a+r"));
	assert_int_equal(fchmodat(desk->fd, "f.minisig", 0644, 0), 0);
	assert_true(desk_is_news(desk));
	assert_int_equal(desk_judge_at(desk, 6 + QUIET_US), TRUST_GIVEN);
}

/* A failure of our own accuses nobody: tried again later. */
static void test_failure_of_our_own(void **state)
{
	struct desk *desk = *state;
	const int fd = desk->snapshot.fd;

	desk_move(desk, "good.minisig", "f.minisig");
	desk->snapshot.fd = -EBADF;
	assert_int_equal(desk_judge_at(desk, 5), TRUST_SOON);
	assert_int_equal(desk->trust.error, -EBADF);
	assert_int_equal(desk->trust.again_us, 60000005);
	assert_int_equal(desk_judge_at(desk, 5 + 100 * QUIET_US), TRUST_SOON);
	desk->snapshot.fd = fd;
	assert_int_equal(desk_judge_at(desk, 6 + 100 * QUIET_US), TRUST_GIVEN);
}

/* Names at their limits and bytes that a terminal would obey. */
static void test_names(void **state)
{
	struct desk *desk = *state;
	struct trust_question question = desk_question(desk);
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	question.name = name;
	trust_judge(&desk->trust, &question);
	assert_int_equal(desk->trust.state, TRUST_AWAITED);
	assert_non_null(strstr(desk->trust.text, "no room for .minisig"));
	name[247] = '\0';
	trust_judge(&desk->trust, &question);
	assert_non_null(strstr(desk->trust.text, "waits for its signature"));
	question.name = "a\n\033[2J";
	trust_judge(&desk->trust, &question);
	assert_string_equal(
		desk->trust.text, "a\\x0a\\x1b[2J waits for its signature a\\x0a\\x1b[2J.minisig");
}

#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_policy),
		DESK_TEST(test_signer),
		DESK_TEST(test_altered),
		DESK_TEST(test_the_very_bytes),
		DESK_TEST(test_missing_counts_after_quiet),
		DESK_TEST(test_half_written),
		DESK_TEST(test_half_for_ever),
		DESK_TEST(test_signature_of_the_file_before),
		DESK_TEST(test_quiet_is_the_setting),
		DESK_TEST(test_checksum),
		DESK_TEST(test_news),
		DESK_TEST(test_unreadable),
		DESK_TEST(test_failure_of_our_own),
		DESK_TEST(test_names),
	};

	if (!signer_is_there()) {
		return 77;
	}
	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
