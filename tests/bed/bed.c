/* SPDX-License-Identifier: MIT */
/*
 * ROOT holds: sys, dev, run (sysfs.h), etc (boards.d, dfud.conf: the written configuration), state
 * (queue, active, done, failed, backup), the sockets usb, journal and notify, and event* of the
 * umockdev preload. Only the daemon and its children run under the preloads; the bed must not,
 * because its own paths are those of the real machine.
 */

#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sysfs.h"
#include "wire.h"

/* BED_DAEMON, BED_WORKER, BED_SHIM, BED_CONF, BED_PRELOAD_FIRST: paths, from the build */

unsigned bed_patience(void)
{
	const char *factor = getenv("DFUD_BED_PATIENCE");

	return 15000 * (factor && atoi(factor) > 0 ? (unsigned)atoi(factor) : 1);
}

static int bed_make_folders(struct bed *bed)
{
	static const char *const folders[] = {"etc/boards.d", "etc/dfud.conf.d", "state/queue",
		"state/active", "state/done", "state/failed", "state/backup", "drop"};
	char path[256];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", bed->root, folders[i]);
		r = sysfs_make_folder(path);
	}
	return r;
}

int bed_new(struct bed **ret)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	int r;

	if (!bed) {
		return -ENOMEM;
	}
	bed->program = BED_DAEMON;
	strcpy(bed->root, "/tmp/dfud-bed-XXXXXX");
	if (!mkdtemp(bed->root)) {
		r = -errno;
		free(bed);
		return r;
	}
	r = bed_make_folders(bed);
	if (r == 0) {
		r = bed_configure(bed, "etc", "dfud.conf", BED_SETTINGS);
	}
	if (r == 0) {
		r = inbox_new(&bed->inbox, bed->root);
	}
	if (r == 0) {
		r = host_new(&bed->host, bed->root);
	}
	if (r < 0) {
		bed_free(bed);
		return r;
	}
	*ret = bed;
	return 0;
}

struct bed *bed_free(struct bed *bed)
{
	if (bed) {
		if (bed->daemon > 0) {
			bed_stop(bed, SIGKILL);
		}
		host_free(bed->host);
		inbox_free(bed->inbox);
		if (!getenv("DFUD_BED_KEEP")) {
			sysfs_remove(bed->root);
		}
		free(bed);
	}
	return NULL;
}

int bed_write(struct bed *bed, const char *folder, const char *name, const void *bytes, size_t size)
{
	char path[512];
	FILE *file;
	bool bad;

	snprintf(path, sizeof(path), "%s/%s/%s", bed->root, folder, name);
	file = fopen(path, "we");
	if (!file) {
		return -errno;
	}
	bad = fwrite(bytes, 1, size, file) != size;
	return fclose(file) < 0 || bad ? -EIO : 0;
}

int bed_configure(struct bed *bed, const char *folder, const char *name, const char *text)
{
	return bed_write(bed, folder, name, text, strlen(text));
}

int bed_drop(struct bed *bed, const char *name, const void *bytes, size_t size)
{
	char from[512], to[512];
	int r = bed_write(bed, "drop", name, bytes, size);

	snprintf(from, sizeof(from), "%s/drop/%s", bed->root, name);
	snprintf(to, sizeof(to), "%s/state/queue/%s", bed->root, name);
	return r < 0 ? r : rename(from, to) < 0 ? -errno : 0;
}

__attribute__((format(printf, 2, 3))) static void environment_set(
	const char *name, const char *format, ...)
{
	char value[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	setenv(name, value, 1);
}

void bed_enter(const struct bed *bed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	environment_set("UMOCKDEV_DIR", "%s", bed->root);
	environment_set("DFUD_BED_RUN", "%s/run", bed->root);
	environment_set(WIRE_ENVIRONMENT, "%s/usb", bed->root);
	environment_set("NOTIFY_SOCKET", "%s/notify", bed->root);
	unsetenv("JOURNAL_STREAM");
	unsetenv("DFUD_BED_JOURNAL");
	if (!bed->terminal) {
		environment_set("DFUD_BED_JOURNAL", "%s/journal", bed->root);
	}
	environment_set("LD_PRELOAD", "%s%s:libumockdev-preload.so.0", BED_PRELOAD_FIRST, BED_SHIM);
}

/* In the child: becomes the daemon. */
__attribute__((noreturn)) static void bed_become_daemon(const struct bed *bed)
{
	char state[128], written[128];

	bed_enter(bed);
	snprintf(state, sizeof(state), "%s/state", bed->root);
	snprintf(written, sizeof(written), "%s/etc", bed->root);
	execl(bed->program, bed->program, "--state-dir", state, "--config-dir", written,
		"--config-dir", BED_CONF, "--worker", BED_WORKER, NULL);
	perror(bed->program);
	_exit(127);
}

static int bed_spawn(struct bed *bed)
{
	pid_t pid = fork();

	if (pid < 0) {
		return -errno;
	}
	if (pid == 0) {
		bed_become_daemon(bed);
	}
	bed->daemon = pid;
	return 0;
}

int bed_run(struct bed *bed)
{
	int r = bed_spawn(bed);

	return r < 0 ? r : bed_stop(bed, 0);
}

int bed_start(struct bed *bed)
{
	static const char *const ready[] = {"READY=1", NULL};
	size_t from = inbox_count(bed->inbox);
	int r = bed_spawn(bed);

	if (r < 0) {
		return r;
	}
	if (!inbox_wait(bed->inbox, from, bed_patience(), ready)) {
		bed_print_journal(bed);
		return -ETIME;
	}
	return 0;
}

int bed_stop(struct bed *bed, int signal)
{
	pid_t daemon = bed->daemon;
	struct pollfd end = {.events = POLLIN};
	int status = 0, n;

	if (daemon <= 0) {
		return -ESRCH;
	}
	end.fd = (int)syscall(SYS_pidfd_open, daemon, 0);
	if (end.fd < 0) {
		return -errno;
	}
	if (signal) {
		kill(daemon, signal);
	}
	n = poll(&end, 1, (int)bed_patience());
	close(end.fd);
	if (n <= 0) {
		return -ETIME;
	}
	waitpid(daemon, &status, 0);
	bed->daemon = 0;
	return status;
}

struct host_port *bed_board(
	struct bed *bed, const char *port, const struct board_options *options, bool plugged)
{
	struct board_options copy = options ? *options : (struct board_options){.cold_error = true};
	struct host_port *ret = NULL;

	if (copy.speedup == 0) {
		copy.speedup = BED_SPEEDUP;
	}
	return host_add(bed->host, &ret, port, &copy, plugged) < 0 ? NULL : ret;
}

bool bed_flash_equals(
	struct bed *bed, struct host_port *port, uint32_t address, const void *bytes, size_t size)
{
	struct board *board = host_lock(bed->host, port);
	uint32_t base = board_flash_base(board);
	const uint8_t *flash;
	size_t flash_size;
	bool equal;

	flash = board_flash(board, &flash_size);
	equal = address >= base && address - base <= flash_size &&
		size <= flash_size - (address - base) &&
		memcmp(flash + (address - base), bytes, size) == 0;
	host_unlock(bed->host);
	return equal;
}

struct board_counts bed_counts(struct bed *bed, struct host_port *port)
{
	struct board_counts counts = *board_counts(host_lock(bed->host, port));

	host_unlock(bed->host);
	return counts;
}

const struct entry *bed_wait_fields(struct bed *bed, const char *const *fields)
{
	const struct entry *entry = inbox_wait(bed->inbox, bed->mark, bed_patience(), fields);

	if (!entry) {
		fprintf(stderr, "bed: no entry came with");
		for (; *fields; fields++) {
			fprintf(stderr, " %s", *fields);
		}
		fprintf(stderr, "; what was said:\n");
		bed_print_journal(bed);
	}
	return entry;
}

void bed_forget(struct bed *bed)
{
	bed->mark = inbox_count(bed->inbox);
}

void bed_print_journal(struct bed *bed)
{
	const struct entry *entry;

	for (size_t i = 0; (entry = inbox_at(bed->inbox, i)); i++) {
		fprintf(stderr, "%s %3zu, %u ms:", i < bed->mark ? "past" : "    ", i,
			entry->at_ms);
		for (size_t j = 0; j < entry->n; j++) {
			if (strncmp(entry->fields[j], "CODE_", 5) != 0) {
				fprintf(stderr, " %s", entry->fields[j]);
			}
		}
		fprintf(stderr, "\n");
	}
}

bool bed_has_file(
	struct bed *bed, const char *folder, const char *name, char *ret_path, size_t path_size)
{
	bool flat = strcmp(folder, "queue") == 0;
	char pattern[512];
	glob_t found;
	bool has;

	snprintf(pattern, sizeof(pattern), "%s/state/%s/%s%s", bed->root, folder, flat ? "" : "*/",
		name);
	has = glob(pattern, 0, NULL, &found) == 0;
	if (has && ret_path) {
		snprintf(ret_path, path_size, "%s", found.gl_pathv[0]);
	}
	globfree(&found);
	return has;
}

bool bed_wait_file(struct bed *bed, const char *folder, const char *name)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	for (unsigned waited = 0; !bed_has_file(bed, folder, name, NULL, 0); waited += 5) {
		if (waited > bed_patience()) {
			fprintf(stderr, "bed: %s is not in %s\n", name, folder);
			bed_print_journal(bed);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}
