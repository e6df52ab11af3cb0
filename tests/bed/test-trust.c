/* SPDX-License-Identifier: MIT */
/*
 * Whom dfud trusts: whose signature, which ports, which folders (design 4.3, 4.4 and 7). Keys and
 * signatures are made by minisign(1) itself.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scene.h"
#include "signer.h"

/* The keys a and b of the test; the daemon trusts those that trust_configure() names. */
static char trust_public[2][57];

static int trust_setup(void **state)
{
	struct bed *bed;
	char folder[128];
	int r = scene_setup(state);

	if (r < 0) {
		return r;
	}
	bed = *state;
	snprintf(folder, sizeof(folder), "%s/drop", bed->root);
	signer_make_key(folder, "a", trust_public[0]);
	signer_make_key(folder, "b", trust_public[1]);
	return 0;
}

#define TRUST(name) cmocka_unit_test_setup_teardown(name, trust_setup, scene_teardown)

/* keys: letters of those that count. */
static void trust_configure(struct bed *bed, const char *more, bool require, const char *keys)
{
	char text[1024];
	int n;

	n = snprintf(text, sizeof(text), "[Queue]\nQuiet=100ms\n%s[Trust]\nRequireSignature=%s\n",
		more, require ? "yes" : "no");
	for (; *keys; keys++) {
		n += snprintf(
			text + n, sizeof(text) - (size_t)n, "Keys=%s\n", trust_public[*keys - 'a']);
	}
	assert_int_equal(bed_configure(bed, "etc", "dfud.conf", text), 0);
}

/* Until there are n entries with this field. */
static void trust_wait(struct bed *bed, size_t n, const char *field)
{
	for (unsigned waited = 0; bed_count(bed, field) < n; waited++) {
		if (waited > bed_patience()) {
			bed_print_journal(bed);
			fail_msg("not %zu times: %s", n, field);
		}
		usleep(1000);
	}
}

static void trust_reload(struct bed *bed, bool require, const char *keys)
{
	const size_t n = bed_count(bed, "DFUD_EVENT=reloaded");

	trust_configure(bed, "", require, keys);
	assert_int_equal(kill(bed->daemon, SIGHUP), 0);
	trust_wait(bed, n + 1, "DFUD_EVENT=reloaded");
}

static void trust_move(struct bed *bed, const char *from, const char *to)
{
	char old[512], new[512];

	snprintf(old, sizeof(old), "%s/%s", bed->root, from);
	snprintf(new, sizeof(new), "%s/%s", bed->root, to);
	assert_int_equal(rename(old, new), 0);
}

/* Makes drop/klipper.bin.minisig, with key 'a' or 'b'. */
static void trust_sign(struct bed *bed, const struct firmware *image, char key)
{
	const char name[] = {key, '\0'};
	char folder[128];

	snprintf(folder, sizeof(folder), "%s/drop", bed->root);
	assert_int_equal(bed_write(bed, "drop", "klipper.bin", image->bytes, image->size), 0);
	signer_sign(folder, name, "klipper.bin", false);
}

static void trust_drop_signature(struct bed *bed)
{
	trust_move(bed, "drop/klipper.bin.minisig", "state/queue/klipper.bin.minisig");
}

static void expect_flashed(struct bed *bed, struct host_port *port, const struct firmware *image)
{
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_FILE=klipper.bin");
	assert_true(bed_flash_equals(bed, port, SCENE_FLASH, image->bytes, image->size));
	scene_settled(bed, "done", "klipper.bin");
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
}

/* One verdict, the board untouched, the file in failed/ with its signature. */
static void expect_refused(struct bed *bed, struct host_port *port, const char *part)
{
	const struct entry *verdict = scene_verdict(bed, "DFUD_REASON=signature");

	scene_field(verdict, "DFUD_VERDICT", "refused");
	scene_field(verdict, "DFUD_FILE", "klipper.bin");
	scene_field(verdict, "PRIORITY", "3");
	if (!strstr(entry_get(verdict, "MESSAGE"), part)) {
		fail_msg("no \"%s\" in: %s", part, entry_get(verdict, "MESSAGE"));
	}
	scene_settled(bed, "failed", "klipper.bin");
	assert_true(bed_wait_file(bed, "failed", "klipper.bin.minisig"));
	assert_false(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
	assert_false(bed_has_file(bed, "queue", "klipper.bin.minisig", NULL, 0));
	if (port) {
		scene_untouched(bed, port);
	}
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
}

static void expect_awaited(struct bed *bed, struct host_port *port)
{
	const struct entry *held = scene_entry(bed, "DFUD_EVENT=held", "DFUD_REASON=signature");

	scene_field(held, "DFUD_FILE", "klipper.bin");
	scene_field(held, "MESSAGE", "klipper.bin waits for its signature klipper.bin.minisig");
	scene_untouched(bed, port);
	assert_true(bed_has_file(bed, "queue", "klipper.bin", NULL, 0));
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 0);
}

static void test_signed(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *queued;

	trust_configure(bed, "", true, "ba");
	scene_start(bed);
	trust_sign(bed, &image, 'a');
	trust_drop_signature(bed);
	scene_drop(bed, "klipper.bin", &image);
	queued = scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	assert_non_null(strstr(entry_get(queued, "MESSAGE"), ", signed with key "));
	expect_flashed(bed, port, &image);
	assert_true(bed_wait_file(bed, "done", "klipper.bin.minisig"));
	assert_int_equal(bed_count(bed, "DFUD_REASON=signature"), 0);
}

static void test_signature_comes_later(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	trust_configure(bed, "", true, "a");
	scene_start(bed);
	trust_sign(bed, &image, 'a');
	scene_drop(bed, "klipper.bin", &image);
	expect_awaited(bed, port);
	usleep(300000);
	expect_awaited(bed, port);
	assert_int_equal(bed_count(bed, "DFUD_REASON=signature"), 1);
	trust_drop_signature(bed);
	expect_flashed(bed, port, &image);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=queued"), 1);
	assert_true(bed_wait_file(bed, "done", "klipper.bin.minisig"));
}

/* Said again by a daemon that starts, and by nobody when the file is taken away. */
static void test_unsigned_is_never_flashed(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	trust_configure(bed, "", true, "a");
	scene_drop(bed, "klipper.bin", &image);
	scene_start(bed);
	expect_awaited(bed, port);
	host_unplug(bed->host, port);
	host_plug(bed->host, port, true);
	scene_entry(bed, "DFUD_EVENT=waiting", "DFUD_PORT=1-1");
	assert_int_equal(bed_stop(bed, SIGTERM), 0);
	bed_forget(bed);
	scene_start(bed);
	expect_awaited(bed, port);
	trust_move(bed, "state/queue/klipper.bin", "drop/klipper.bin");
	scene_entry(bed, "DFUD_EVENT=cancelled", "DFUD_FILE=klipper.bin");
	scene_untouched(bed, port);
}

static void test_unsigned_expires(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *expired;

	trust_configure(bed, "ExpireAfter=1s\n", true, "a");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	expect_awaited(bed, port);
	expired = scene_entry(bed, "DFUD_EVENT=expired", "DFUD_FILE=klipper.bin");
	assert_non_null(strstr(entry_get(expired, "MESSAGE"), "for its signature"));
	assert_true(bed_wait_file(bed, "failed", "klipper.bin"));
	scene_untouched(bed, port);
}

static void test_other_key(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	trust_configure(bed, "", true, "a");
	scene_start(bed);
	trust_sign(bed, &image, 'b');
	trust_drop_signature(bed);
	scene_drop(bed, "klipper.bin", &image);
	expect_refused(bed, port, "which is not among Keys= in [Trust]");
}

static void test_altered(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	trust_configure(bed, "", true, "a");
	scene_start(bed);
	trust_sign(bed, &image, 'a');
	trust_drop_signature(bed);
	image.bytes[image.size - 1] ^= 1;
	scene_drop(bed, "klipper.bin", &image);
	expect_refused(bed, port, "one of the two was altered");
}

static void test_no_signature_at_all(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	trust_configure(bed, "", true, "a");
	scene_start(bed);
	assert_int_equal(bed_write(bed, "state/queue", "klipper.bin.minisig", "trust me\n", 9), 0);
	scene_drop(bed, "klipper.bin", &image);
	expect_refused(bed, port, "is no signature file of minisign");
}

/* With keys and without the requirement: no signature is none, a bad one is a bad one. */
static void test_optional(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	trust_configure(bed, "", false, "a");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	expect_flashed(bed, port, &image);
	host_unplug(bed->host, port);
	bed_forget(bed);
	trust_sign(bed, &image, 'b');
	trust_drop_signature(bed);
	scene_drop(bed, "klipper.bin", &image);
	expect_refused(bed, NULL, "which is not among Keys= in [Trust]");
}

/* Without keys nobody reads a signature. */
static void test_no_keys(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	scene_start(bed);
	assert_int_equal(bed_drop(bed, "klipper.bin.minisig", "trust me\n", 9), 0);
	scene_drop(bed, "klipper.bin", &image);
	expect_flashed(bed, port, &image);
	assert_true(bed_wait_file(bed, "done", "klipper.bin.minisig"));
}

/* As cp writes it on a slow day: open, a half, a pause, the other half. */
static void test_half_written_signature(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	char path[512], text[1024];
	FILE *file;
	size_t n;

	trust_configure(bed, "Quiet=\nQuiet=2s\n", true, "a");
	scene_start(bed);
	trust_sign(bed, &image, 'a');
	snprintf(path, sizeof(path), "%s/drop/klipper.bin.minisig", bed->root);
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text), file);
	assert_true(n > 200);
	fclose(file);
	scene_drop(bed, "klipper.bin", &image);
	snprintf(path, sizeof(path), "%s/state/queue/klipper.bin.minisig", bed->root);
	file = fopen(path, "we");
	assert_non_null(file);
	setbuf(file, NULL);
	for (size_t at = 0; at < n; at += n / 3) {
		fwrite(text + at, 1, n - at < n / 3 ? n - at : n / 3, file);
		assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 0);
		usleep(400000);
	}
	fclose(file);
	expect_flashed(bed, port, &image);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=verdict"), 1);
	assert_int_equal(bed_count(bed, "DFUD_REASON=signature"), 0);
}

/* A file that waits for its board is judged again by the keys that count now. */
static void test_reload_takes_a_key(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	trust_configure(bed, "", true, "ab");
	scene_start(bed);
	trust_sign(bed, &image, 'b');
	trust_drop_signature(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	trust_reload(bed, true, "a");
	expect_refused(bed, NULL, "which is not among Keys= in [Trust]");
}

static void test_reload_asks_for_signatures(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;

	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	trust_reload(bed, true, "a");
	port = scene_board(bed, "1-1", NULL);
	expect_awaited(bed, port);
	trust_reload(bed, false, "a");
	expect_flashed(bed, port, &image);
	assert_int_equal(bed_count(bed, "DFUD_EVENT=queued"), 1);
}

/* The key comes into being while the file lies there, signed with it. */
static void test_reload_brings_a_key(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);

	trust_configure(bed, "", true, "a");
	scene_start(bed);
	scene_drop(bed, "klipper.bin", &image);
	expect_awaited(bed, port);
	trust_reload(bed, true, "ab");
	trust_sign(bed, &image, 'b');
	trust_drop_signature(bed);
	expect_flashed(bed, port, &image);
}

/* Required of nobody's key: the daemon keeps what it had. */
static void test_reload_without_keys(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port = scene_board(bed, "1-1", NULL);
	const struct entry *problem;

	scene_start(bed);
	trust_configure(bed, "", true, "");
	assert_int_equal(kill(bed->daemon, SIGHUP), 0);
	problem = scene_entry(bed, "DFUD_EVENT=config-error", "DFUD_CONFIG_KEY=RequireSignature");
	assert_non_null(strstr(entry_get(problem, "MESSAGE"), "no Keys= in [Trust]"));
	scene_drop(bed, "klipper.bin", &image);
	expect_flashed(bed, port, &image);
}

/* What holds when it is inspected need not hold when the board comes. */
static void test_signature_changes_while_it_waits(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);

	trust_configure(bed, "", true, "a");
	scene_start(bed);
	trust_sign(bed, &image, 'a');
	trust_drop_signature(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	trust_sign(bed, &image, 'b');
	trust_drop_signature(bed);
	expect_refused(bed, NULL, "which is not among Keys= in [Trust]");
}

static void test_signature_goes_while_it_waits(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct host_port *port;

	trust_configure(bed, "", true, "a");
	scene_start(bed);
	trust_sign(bed, &image, 'a');
	trust_drop_signature(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	trust_move(bed, "state/queue/klipper.bin.minisig", "drop/klipper.bin.minisig");
	port = scene_board(bed, "1-1", NULL);
	expect_awaited(bed, port);
	trust_drop_signature(bed);
	expect_flashed(bed, port, &image);
}

/* The signature goes with its file into an attempt and back, and the attempts are counted on. */
static void test_signed_file_is_tried_again(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	struct board_options slow = {.cold_error = true, .speedup = 8};
	struct host_port *port = scene_board(bed, "1-1", &slow);
	char path[512], report[4096] = "";
	FILE *file;

	trust_configure(bed, "", true, "a");
	scene_start(bed);
	trust_sign(bed, &image, 'a');
	trust_drop_signature(bed);
	scene_drop(bed, "klipper.bin", &image);
	scene_wait_blocks(bed, port, 3);
	assert_false(bed_has_file(bed, "queue", "klipper.bin.minisig", NULL, 0));
	host_unplug(bed->host, port);
	scene_verdict(bed, "DFUD_VERDICT=interrupted");
	assert_true(bed_wait_file(bed, "queue", "klipper.bin"));
	assert_true(bed_has_file(bed, "queue", "klipper.bin.minisig", NULL, 0));
	host_plug(bed->host, port, true);
	expect_flashed(bed, port, &image);
	assert_int_equal(bed_count(bed, "DFUD_REASON=signature"), 0);
	assert_true(bed_has_file(bed, "done", "report.txt", path, sizeof(path)));
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(report, 1, sizeof(report) - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(report, ", number 2 "));
}

/* The uid of who queued a file stands in the report, of a flashed and of a refused one. */
static void test_report_names_who_queued(void **state)
{
	static const char *const folders[] = {"done", "failed"};
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	char wanted[64];

	scene_start(bed);
	scene_board(bed, "1-1", NULL);
	scene_drop(bed, "klipper.bin", &image);
	scene_settled(bed, "done", "klipper.bin");
	assert_int_equal(bed_drop(bed, "notes.bin", "just a few words\n", 17), 0);
	assert_true(bed_wait_file(bed, "failed", "notes.bin"));
	snprintf(wanted, sizeof(wanted), "\nQueued by: uid %u\n", (unsigned)getuid());
	for (size_t i = 0; i < 2; i++) {
		char path[512], report[4096] = "";
		FILE *file;

		assert_true(bed_has_file(bed, folders[i], "report.txt", path, sizeof(path)));
		file = fopen(path, "re");
		assert_non_null(file);
		assert_true(fread(report, 1, sizeof(report) - 1, file) > 0);
		fclose(file);
		assert_non_null(strstr(report, wanted));
	}
}

/* A board on a port that may not be used is no rival and is not flashed; said once a visit. */
static void test_port_not_allowed(void **state)
{
	struct bed *bed = *state;
	FIRMWARE_CLEANUP struct firmware image = scene_image(SCENE_FLASH, 1);
	FIRMWARE_CLEANUP struct firmware second = scene_image(SCENE_FLASH, 2);
	struct host_port *allowed, *other;
	const struct entry *held;

	assert_int_equal(bed_configure(bed, "etc", "dfud.conf",
				 BED_SETTINGS "[Ports]\nAllow=1-1\nAllow=1-2.*\n"),
		0);
	scene_start(bed);
	other = scene_board(bed, "1-3", NULL);
	held = scene_entry(bed, "DFUD_REASON=port-not-allowed", "DFUD_EVENT=held");
	scene_field(held, "DFUD_PORT", "1-3");
	scene_field(
		held, "MESSAGE", "port 1-3 is not among [Ports] Allow=: no board is flashed there");
	scene_drop(bed, "klipper.bin", &image);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=klipper.bin");
	allowed = scene_board(bed, "1-2.4", NULL);
	expect_flashed(bed, allowed, &image);
	scene_untouched(bed, other);
	assert_int_equal(bed_count(bed, "DFUD_REASON=port-not-allowed"), 1);
	host_unplug(bed->host, other);
	host_plug(bed->host, other, true);
	scene_drop(bed, "second.bin", &second);
	scene_entry(bed, "DFUD_EVENT=queued", "DFUD_FILE=second.bin");
	trust_wait(bed, 2, "DFUD_REASON=port-not-allowed");
	scene_untouched(bed, other);

	/* allowed by a reload, on the same visit */
	host_unplug(bed->host, allowed);
	assert_int_equal(
		bed_configure(bed, "etc", "dfud.conf", BED_SETTINGS "[Ports]\nAllow=*-usb-0:3\n"),
		0);
	assert_int_equal(kill(bed->daemon, SIGHUP), 0);
	scene_verdict(bed, "DFUD_VERDICT=returned", "DFUD_PORT=1-3", "DFUD_FILE=second.bin");
	assert_true(bed_flash_equals(bed, other, SCENE_FLASH, second.bytes, second.size));
}

/* Others could change what lies in a folder: the daemon does not start, and says why. */
static void test_open_folder_ends_the_start(void **state)
{
	struct bed *bed = *state;
	const struct entry *said;
	char path[512], wanted[600];
	int status;

	snprintf(path, sizeof(path), "%s/state/active", bed->root);
	assert_int_equal(chmod(path, 0777), 0);
	status = bed_run(bed);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	snprintf(wanted, sizeof(wanted),
		"%s: mode 0777 lets others write to it; systemd-tmpfiles --create dfud.conf mends "
		"it",
		path);
	said = scene_entry(bed, "DFUD_EVENT=held", "DFUD_REASON=no-access");
	scene_field(said, "MESSAGE", wanted);
	assert_int_equal(chmod(path, 0755), 0);
	scene_start(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRUST(test_signed),
		TRUST(test_signature_comes_later),
		TRUST(test_unsigned_is_never_flashed),
		TRUST(test_unsigned_expires),
		TRUST(test_other_key),
		TRUST(test_altered),
		TRUST(test_no_signature_at_all),
		TRUST(test_optional),
		TRUST(test_no_keys),
		TRUST(test_half_written_signature),
		TRUST(test_reload_takes_a_key),
		TRUST(test_reload_asks_for_signatures),
		TRUST(test_reload_brings_a_key),
		TRUST(test_reload_without_keys),
		TRUST(test_signature_changes_while_it_waits),
		TRUST(test_signature_goes_while_it_waits),
		TRUST(test_signed_file_is_tried_again),
		SCENE(test_report_names_who_queued),
		SCENE(test_port_not_allowed),
		SCENE(test_open_folder_ends_the_start),
	};

	if (!signer_is_there()) {
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
