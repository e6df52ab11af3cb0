/* SPDX-License-Identifier: MIT */
/* Command lines right and wrong; dfud-flash(1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dfud-flash/options.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define ARGS	 48

/* Parses the words; what was printed goes to *ret_said ("" for nothing). */
static int parse(struct options *ret, const char *const *words, char *ret_said, size_t size)
{
	char *argv[ARGS] = {(char *)"dfud-flash"};
	FILE *file = tmpfile();
	const int out = dup(STDOUT_FILENO);
	const int err = dup(STDERR_FILENO);
	int argc = 1;
	size_t n;
	int r;

	while (*words != NULL) {
		assert_true(argc < ARGS - 1);
		argv[argc++] = (char *)*words++;
	}
	assert_non_null(file);
	fflush(stdout);
	fflush(stderr);
	(void)dup2(fileno(file), STDOUT_FILENO);
	(void)dup2(fileno(file), STDERR_FILENO);
	optind = 0;
	r = options_parse(ret, argc, argv);
	fflush(stdout);
	fflush(stderr);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	rewind(file);
	n = fread(ret_said, 1, size - 1, file);
	ret_said[n] = '\0';
	fclose(file);
	return r;
}

static void good(struct options *ret, const char *const *words)
{
	char said[4096];
	const int r = parse(ret, words, said, sizeof(said));

	if (r != 0 || said[0] != '\0') {
		fail_msg("%s ...: %d, %s", words[0], r, said);
	}
}

#define GOOD(o, ...) good((o), (const char *const[]){__VA_ARGS__, NULL})

static void test_defaults(void **state)
{
	struct options o;

	GOOD(&o, "klipper.bin");
	assert_int_equal(o.mode, OPTIONS_FLASH);
	assert_string_equal(o.file, "klipper.bin");
	assert_null(o.port);
	assert_false(o.has_address);
	assert_int_equal(o.alternate, 0);
	assert_false(o.certain);
	assert_int_equal(o.n_protects, 0);
	assert_int_equal(o.n_expects, 0);
	assert_false(o.expects_none);
	assert_int_equal(o.within_ms, 10000);
	assert_true(o.image_fd < 0 && o.record_fd < 0 && o.channel_fd < 0 && o.backup_fd < 0);
	assert_false(o.keep_bootloader);
	assert_int_equal(o.backup, BACKUP_YES);
	assert_int_equal(o.leave, LEAVE_AUTO);
	assert_null(o.backup_dir);
	assert_null(o.restore);
	assert_null(o.layout);
}

/* How the board is treated; the words are those of a profile. */
static void test_treatment(void **state)
{
	static const char *const backups[_BACKUP_POLICY_MAX] = {
		[BACKUP_YES] = "--backup=yes",
		[BACKUP_REQUIRED] = "--backup=required",
		[BACKUP_NO] = "--backup=no",
		[BACKUP_WHOLE] = "--backup=whole",
	};
	static const char *const leaves[_LEAVE_POLICY_MAX] = {
		[LEAVE_AUTO] = "--leave=auto",
		[LEAVE_IMAGE] = "--leave=image",
		[LEAVE_BASE] = "--leave=base",
		[LEAVE_NO] = "--leave=no",
	};
	struct options o;

	for (int i = 0; i < _BACKUP_POLICY_MAX; i++) {
		GOOD(&o, backups[i], "a.bin");
		assert_int_equal(o.backup, i);
		GOOD(&o, "--certain", backups[i], "a.bin");
		assert_int_equal(o.backup, i);
	}
	for (int i = 0; i < _LEAVE_POLICY_MAX; i++) {
		GOOD(&o, leaves[i], "a.bin");
		assert_int_equal(o.leave, i);
	}
	GOOD(&o, "--keep-bootloader", "--backup-dir", "/b", "--layout=@x", "a.bin");
	assert_true(o.keep_bootloader);
	assert_string_equal(o.backup_dir, "/b");
	assert_string_equal(o.layout, "@x");
}

/* Where only what is certain is flashed, as under a shipped profile, a backup must be possible. */
static void test_certain_requires_a_backup(void **state)
{
	struct options o;

	GOOD(&o, "--certain", "a.bin");
	assert_int_equal(o.backup, BACKUP_REQUIRED);
	GOOD(&o, "--backup=yes", "--certain", "a.bin");
	assert_int_equal(o.backup, BACKUP_YES);
}

#define DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A backup is named by 8 to 64 digits, as sha256sum writes them, and by nothing else. */
static void test_restore(void **state)
{
	static const char *const right[] = {"01234567", "ffffffff", "012345678", DIGITS};
	static const char *const wrong[] = {"", "0", "0123456", DIGITS "0", "0123456G", "0123456g",
		"0123456F", "ABCDEF01", "0x012345", "01234567.bin", "01234567 ", " 01234567",
		"../01234567", "01234567\n"};

	for (size_t i = 0; i < N(right); i++) {
		const char *words[] = {"--restore", right[i], NULL};
		struct options o;

		good(&o, words);
		assert_int_equal(o.mode, OPTIONS_FLASH);
		assert_string_equal(o.restore, right[i]);
		assert_null(o.file);
	}
	for (size_t i = 0; i < N(wrong); i++) {
		const char *words[] = {"--restore", wrong[i], NULL};
		struct options o;
		char said[4096];

		if (parse(&o, words, said, sizeof(said)) != 64) {
			fail_msg("\"%s\" passes for a backup", wrong[i]);
		}
		assert_non_null(strstr(said, "--restore="));
		assert_non_null(strstr(said, "8 to 64 digits"));
	}
}

/* A backup knows where it belongs; how the board is treated is still the person's choice. */
static void test_restore_with_others(void **state)
{
	static const char *const wrong[][4] = {
		{"--restore=01234567", "a.bin"},
		{"--restore=01234567", "--address=0x08000000"},
		{"--restore=01234567", "--inspect"},
		{"--plan", "--restore=01234567", "a.bin"},
	};
	struct options o;
	char said[4096];

	GOOD(&o, "--plan", "--port=1-1", "--restore=01234567", "--backup=no", "--leave=no",
		"--backup-dir=/b");
	assert_int_equal(o.mode, OPTIONS_PLAN);
	assert_string_equal(o.restore, "01234567");
	for (size_t i = 0; i < N(wrong); i++) {
		assert_int_equal(parse(&o, wrong[i], said, sizeof(said)), 64);
		assert_non_null(strstr(said, "--restore"));
	}
	/* the worker's address and name come from the daemon, which has the backup */
	GOOD(&o, "--image-fd=3", "--channel-fd=4", "--backup-fd=6", "--restore=" DIGITS,
		"--address=0x08000000", "--layout=@Internal Flash  /0x08000000/04*016Kg", "--",
		"x.bin");
	assert_int_equal(o.mode, OPTIONS_WORK);
	assert_int_equal(o.backup_fd, 6);
	assert_string_equal(o.restore, DIGITS);
	assert_string_equal(o.file, "x.bin");
	assert_true(o.has_address);
	assert_string_equal(o.layout, "@Internal Flash  /0x08000000/04*016Kg");
}

static void test_everything(void **state)
{
	struct options o;

	GOOD(&o, "--port=1-1.2", "--address", "0x08008000", "--protect=0x08000000-0x08007fff",
		"--protect", "0x1fff0000-0x1fff0000", "--alternate=3", "--certain",
		"--expect=1d50:614e", "--expect=0483:*", "--within=1min 30s", "--", "--odd.bin");
	assert_string_equal(o.port, "1-1.2");
	assert_string_equal(o.file, "--odd.bin");
	assert_true(o.has_address);
	assert_int_equal(o.address, 0x08008000);
	assert_int_equal(o.n_protects, 2);
	assert_int_equal(o.protects[0].first, 0x08000000);
	assert_int_equal(o.protects[0].last, 0x08007fff);
	assert_int_equal(o.protects[1].first, o.protects[1].last);
	assert_int_equal(o.alternate, 3);
	assert_true(o.certain);
	assert_int_equal(o.n_expects, 2);
	assert_int_equal(o.expects[0].vendor, 0x1d50);
	assert_int_equal(o.expects[0].product, 0x614e);
	assert_false(o.expects[0].any_product);
	assert_int_equal(o.expects[1].vendor, 0x0483);
	assert_true(o.expects[1].any_product);
	assert_int_equal(o.within_ms, 90000);
}

static void test_modes(void **state)
{
	struct options o;

	GOOD(&o, "--plan", "a.bin");
	assert_int_equal(o.mode, OPTIONS_PLAN);
	GOOD(&o, "--list");
	assert_int_equal(o.mode, OPTIONS_LIST);
	GOOD(&o, "--inspect", "a.bin");
	assert_int_equal(o.mode, OPTIONS_INSPECT);
	GOOD(&o, "--expect=none", "a.bin");
	assert_true(o.expects_none);
	GOOD(&o, "--image-fd=3", "--channel-fd=4", "--record-fd=5", "--port=1-1", "a.bin");
	assert_int_equal(o.mode, OPTIONS_WORK);
	assert_int_equal(o.image_fd, 3);
	assert_int_equal(o.channel_fd, 4);
	assert_int_equal(o.record_fd, 5);
	GOOD(&o, "--image-fd=3", "--channel-fd=4", "--inspect", "a.bin");
	assert_int_equal(o.mode, OPTIONS_INSPECT);
	assert_int_equal(o.channel_fd, 4);
}

static void test_shown(void **state)
{
	static const char *const help[] = {"--help", NULL};
	static const char *const version[] = {"--version", NULL};
	struct options o;
	char said[4096];

	assert_int_equal(parse(&o, help, said, sizeof(said)), 0);
	assert_int_equal(o.mode, OPTIONS_SHOWN);
	assert_non_null(strstr(said, "--protect=FIRST-LAST"));
	assert_int_equal(parse(&o, version, said, sizeof(said)), 0);
	assert_int_equal(o.mode, OPTIONS_SHOWN);
	assert_string_equal(said, "dfud-flash 1.2.3\n");
}

static void test_wrong(void **state)
{
	static const char *const rows[][4] = {
		{NULL},
		{"--plan"},
		{"--port=1-1"},
		{"a.bin", "b.bin"},
		{"--nonsense", "a.bin"},
		{"-p", "a.bin"},
		{"--port"},
		{"--address=08000000", "a.bin"},
		{"--address=0x", "a.bin"},
		{"--address=0x108000000", "a.bin"},
		{"--address=0x08000000 ", "a.bin"},
		{"--address=", "a.bin"},
		{"--protect=0x08000000", "a.bin"},
		{"--protect=0x08008000-0x08000000", "a.bin"},
		{"--protect=-0x08000000", "a.bin"},
		{"--protect=0x08000000-", "a.bin"},
		{"--protect=0x00000000000000000000000000000000000000000000-0x1", "a.bin"},
		{"--alternate=256", "a.bin"},
		{"--alternate=-1", "a.bin"},
		{"--alternate=", "a.bin"},
		{"--certain=yes", "a.bin"},
		{"--expect=", "a.bin"},
		{"--expect=1d50", "a.bin"},
		{"--expect=1d50:", "a.bin"},
		{"--expect=:614e", "a.bin"},
		{"--expect=1d50:614e0", "a.bin"},
		{"--expect=1d500:614e", "a.bin"},
		{"--expect=1d5:614e", "a.bin"},
		{"--expect= 1d50:614e", "a.bin"},
		{"--expect=1d50: 614e", "a.bin"},
		{"--expect=-1d5:614e", "a.bin"},
		{"--expect=0x1d:614e", "a.bin"},
		{"--expect=1d50:0x61", "a.bin"},
		{"--expect=1d50:**", "a.bin"},
		{"--expect=1d50:6*", "a.bin"},
		{"--expect=any", "a.bin"},
		{"--expect=none", "--expect=1d50:614e", "a.bin"},
		{"--expect=1d50:614e", "--expect=none", "a.bin"},
		{"--within=0", "a.bin"},
		{"--within=999ms", "a.bin"},
		{"--within=61min", "a.bin"},
		{"--within=infinity", "a.bin"},
		{"--within=soon", "a.bin"},
		{"--channel-fd=4", "a.bin"},
		{"--image-fd=3", "a.bin"},
		{"--image-fd=3", "--channel-fd=4"},
		{"--image-fd=-1", "--channel-fd=4", "a.bin"},
		{"--image-fd=1024", "--channel-fd=4", "a.bin"},
		{"--image-fd=x", "--channel-fd=4", "a.bin"},
		{"--record-fd=99999999999999999999", "a.bin"},
		{"--backup-fd=", "a.bin"},
		{"--backup-fd=-1", "a.bin"},
		{"--backup-fd=1024", "a.bin"},
		{"--backup=", "a.bin"},
		{"--backup=maybe", "a.bin"},
		{"--backup=Yes", "a.bin"},
		{"--backup", "a.bin"},
		{"--leave=", "a.bin"},
		{"--leave=0x08000000", "a.bin"},
		{"--leave=yes", "a.bin"},
		{"--keep-bootloader=yes", "a.bin"},
		{"--restore=01234567", "--image-fd=3", "--channel-fd=4"},
		{"--backup-dir"},
		{"--layout"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct options o;
		char said[4096];
		const int r = parse(&o, rows[i], said, sizeof(said));

		if (r != 64 || said[0] == '\0') {
			fail_msg("%s %s: %d, \"%s\"", rows[i][0] ? rows[i][0] : "(nothing)",
				rows[i][1] ? rows[i][1] : "", r, said);
		}
	}
}

/* The port becomes a part of paths in /sys and /dev: nothing but the kernel's own form. */
static void test_ports(void **state)
{
	static const char *const right[] = {"1-1", "1-1.2", "12-10.4.3.2.1.7", "255-1.255"};
	static const char *const wrong[] = {"", "1", "1-", "-1", "-", "1-1.", "1-.1", "1-1..2",
		"1--1", "1-1-1", "1.1", "1.1-1", "../../x", "1-1/../..", "1-1/", "/1-1", "1-..",
		"1-1.2:1.0", "usb1", "1-1 ", " 1-1", "1-1\n", "1-1.x", "1-*", "1-1%s",
		"1-1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"};

	for (size_t i = 0; i < N(right); i++) {
		const char *words[] = {"--port", right[i], "a.bin", NULL};
		struct options o;

		good(&o, words);
		assert_string_equal(o.port, right[i]);
	}
	for (size_t i = 0; i < N(wrong); i++) {
		const char *words[] = {"--port", wrong[i], "a.bin", NULL};
		struct options o;
		char said[4096];

		if (parse(&o, words, said, sizeof(said)) != 64) {
			fail_msg("\"%s\" passes for a port", wrong[i]);
		}
		assert_non_null(strstr(said, "--port="));
	}
}

/* As many as there is room for, and not one more. */
static void test_limits(void **state)
{
	const char *words[ARGS];
	struct options o;
	char said[4096];
	size_t n = 0;

	for (size_t i = 0; i < OPTIONS_MAX_PROTECTS; i++) {
		words[n++] = "--protect=0x1-0x2";
	}
	words[n] = "a.bin";
	words[n + 1] = NULL;
	good(&o, words);
	assert_int_equal(o.n_protects, OPTIONS_MAX_PROTECTS);
	words[n++] = "--protect=0x1-0x2";
	words[n] = "a.bin";
	words[n + 1] = NULL;
	assert_int_equal(parse(&o, words, said, sizeof(said)), 64);
	n = 0;
	for (size_t i = 0; i <= OPTIONS_MAX_EXPECTS; i++) {
		words[n++] = "--expect=1d50:614e";
	}
	words[n] = "a.bin";
	words[n + 1] = NULL;
	assert_int_equal(parse(&o, words, said, sizeof(said)), 64);
	good(&o, words + 1);
	assert_int_equal(o.n_expects, OPTIONS_MAX_EXPECTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_treatment),
		cmocka_unit_test(test_certain_requires_a_backup),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_restore_with_others),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
