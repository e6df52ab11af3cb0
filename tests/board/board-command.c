/* SPDX-License-Identifier: MIT */

/* Commands to a running board, its log, and its flash in files. */

#include "board-control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int board_flash_load(struct board *board, const char *path)
{
	FILE *file = fopen(path, "rbe");
	size_t size;
	uint8_t *flash = board_flash(board, &size);
	bool failed, fits;

	if (!file) {
		return -errno;
	}
	size -= fread(flash, 1, size, file);
	fits = size > 0 || fgetc(file) == EOF;
	failed = ferror(file);
	(void)fclose(file);
	if (failed) {
		return -EIO;
	}
	return fits ? 0 : -EFBIG;
}

int board_flash_dump(struct board *board, const char *path)
{
	char part[4096];
	size_t size;
	const uint8_t *flash = board_flash(board, &size);
	FILE *file;
	bool ok;

	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part)) {
		return -ENAMETOOLONG;
	}
	file = fopen(part, "wbe");
	if (!file) {
		return -errno;
	}
	ok = fwrite(flash, 1, size, file) == size;
	ok = fclose(file) == 0 && ok;
	if (!ok || rename(part, path) < 0) {
		int r = errno ? -errno : -EIO;

		(void)unlink(part);
		return r;
	}
	return 0;
}

static const char *command_presence(enum board_presence presence)
{
	switch (presence) {
	case BOARD_ABSENT:
		return "absent";
	case BOARD_DFU:
		return "dfu";
	case BOARD_RUNTIME:
		return "run-time";
	}
	return "?";
}

static const char *command_step(enum board_step_kind kind)
{
	switch (kind) {
	case BOARD_STEP_ERASE:
		return "erase";
	case BOARD_STEP_WRITE:
		return "write";
	case BOARD_STEP_READ:
		return "read";
	case BOARD_STEP_LEAVE:
		return "leave";
	}
	return "?";
}

static void command_print_counts(const struct board_counts *counts, const char *separator, FILE *to)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{"transfers", counts->transfers},
		{"get_status", counts->get_status},
		{"clear_status", counts->clear_status},
		{"aborts", counts->aborts},
		{"uploads", counts->uploads},
		{"blocks", counts->blocks},
		{"set_address", counts->set_address},
		{"erases", counts->erases},
		{"mass_erases", counts->mass_erases},
		{"leaves", counts->leaves},
		{"bytes_written", counts->bytes_written},
		{"bytes_read", counts->bytes_read},
		{"bytes_erased", counts->bytes_erased},
		{"busy_us", counts->busy_us},
		{"early_status", counts->early_status},
		{"violations", counts->violations},
		{"unprotects", counts->unprotects},
		{"foreign_writes", counts->foreign_writes},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		fprintf(to, "%s%s=%" PRIu64, i > 0 ? separator : "", all[i].name, all[i].value);
	}
	fputc('\n', to);
}

static void command_print_steps(const struct board *board, FILE *to)
{
	size_t n;
	const struct board_step *steps = board_steps(board, &n);

	for (size_t i = 0; i < n; i++) {
		fprintf(to, "%s 0x%08" PRIx32 " %" PRIu32 "\n", command_step(steps[i].kind),
			steps[i].address, steps[i].size);
	}
}

/* --- commands: 0 or negative errno --- */

struct command_call {
	struct board *board;
	uint64_t now;
	const char *first, *second; /* arguments, "" where there is none */
	FILE *answer;
};

static int command_show_presence(const struct command_call *call)
{
	uint32_t visits;
	enum board_presence presence = board_presence(call->board, call->now, &visits);

	fprintf(call->answer, "%s visits=%" PRIu32 "%s\n", command_presence(presence), visits,
		board_is_deaf(call->board) ? " deaf" : "");
	return 0;
}

static int command_unplug(const struct command_call *call)
{
	board_unplug(call->board, call->now);
	return 0;
}

static int command_plug(const struct command_call *call)
{
	bool dfu = strcmp(call->first, "dfu") == 0;

	if (!dfu && strcmp(call->first, "run") != 0) {
		return -EINVAL;
	}
	board_plug(call->board, call->now, dfu);
	return 0;
}

static int command_boot(const struct command_call *call)
{
	enum board_boot boot;
	int r = board_boot_parse(call->first, &boot);

	if (r == 0) {
		board_set_boot(call->board, boot);
	}
	return r;
}

static int command_fault(const struct command_call *call)
{
	struct board_fault fault;
	int slot = call->second[0] ? call->second[0] - '0' : 0;
	int r = board_fault_parse(call->first, &fault);

	if (r < 0 || slot < 0 || slot >= BOARD_MAX_FAULTS || strlen(call->second) > 1) {
		return -EINVAL;
	}
	board_set_fault(call->board, (size_t)slot, &fault);
	return 0;
}

static int command_counts(const struct command_call *call)
{
	command_print_counts(board_counts(call->board), "\n", call->answer);
	return 0;
}

static int command_steps(const struct command_call *call)
{
	command_print_steps(call->board, call->answer);
	return 0;
}

static int command_forget(const struct command_call *call)
{
	board_forget(call->board);
	return 0;
}

static int command_dump(const struct command_call *call)
{
	return board_flash_dump(call->board, call->first);
}

static int command_load(const struct command_call *call)
{
	return board_flash_load(call->board, call->first);
}

static int command_quit(const struct command_call *call)
{
	return 0;
}

static const struct command {
	const char *name;
	int min_arguments, max_arguments;
	int (*run)(const struct command_call *call);
} commands[] = {
	{"presence", 0, 0, command_show_presence},
	{"unplug", 0, 0, command_unplug},
	{"plug", 1, 1, command_plug},
	{"boot", 1, 1, command_boot},
	{"fault", 1, 2, command_fault},
	{"counts", 0, 0, command_counts},
	{"steps", 0, 0, command_steps},
	{"forget", 0, 0, command_forget},
	{"dump", 1, 1, command_dump},
	{"load", 1, 1, command_load},
	{"quit", 0, 0, command_quit},
};

static const struct command *command_find(const char *name, int n_arguments)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name) == 0) {
			return n_arguments >= commands[i].min_arguments &&
					       n_arguments <= commands[i].max_arguments
				       ? &commands[i]
				       : NULL;
		}
	}
	return NULL;
}

bool board_command(struct board *board, uint64_t now_us, const char *line, FILE *answer)
{
	char name[16] = "", first[512] = "", second[16] = "", more[2] = "";
	int n = sscanf(line, "%15s %511s %15s %1s", name, first, second, more);
	const struct command *command = n >= 1 && n <= 3 ? command_find(name, n - 1) : NULL;
	struct command_call call = {
		.board = board, .now = now_us, .first = first, .second = second, .answer = answer};
	int r;

	(void)board_presence(board, now_us, NULL);
	if (!command) {
		fprintf(answer, "error unknown command\n");
		return false;
	}
	r = command->run(&call);
	if (r < 0) {
		fprintf(answer, "error %s\n", strerror(-r));
		return false;
	}
	fprintf(answer, "ok\n");
	return command->run == command_quit;
}

/* --- the log --- */

static void watch_say(const struct board_watch *watch, uint64_t now_us, const char *what)
{
	if (watch->log) {
		fprintf(watch->log, "%" PRIu64 ".%06" PRIu64 " %s", now_us / 1000000,
			now_us % 1000000, what);
	}
}

static void watch_end_line(const struct board_watch *watch)
{
	if (watch->log) {
		fputc('\n', watch->log);
		(void)fflush(watch->log);
	}
}

int board_watch_init(struct board_watch *watch, const struct board_arguments *arguments)
{
	*watch = (struct board_watch)BOARD_WATCH_INIT;
	watch->dump = arguments->dump;
	if (!arguments->log) {
		return 0;
	}
	watch->log = fopen(arguments->log, "ae");
	return watch->log ? 0 : -errno;
}

static void watch_dump(const struct board_watch *watch, struct board *board)
{
	int r;

	if (!watch->dump) {
		return;
	}
	r = board_flash_dump(board, watch->dump);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", watch->dump, strerror(-r));
	}
}

static void watch_attached(struct board_watch *watch, const struct board *board, uint64_t now_us)
{
	watch_say(watch, now_us, "attached ");
	if (watch->log) {
		fprintf(watch->log, "%s visit=%" PRIu32 "%s", command_presence(watch->presence),
			watch->visits, board_is_deaf(board) ? " deaf" : "");
	}
	watch_end_line(watch);
}

void board_watch_look(struct board_watch *watch, struct board *board, uint64_t now_us)
{
	enum board_presence before = watch->presence;
	uint32_t visits = watch->visits;

	watch->presence = board_presence(board, now_us, &watch->visits);
	while (watch->leaves < board_counts(board)->leaves) {
		watch->leaves++;
		watch_say(watch, now_us, "leave");
		watch_end_line(watch);
	}
	if (watch->presence == before && watch->visits == visits) {
		return;
	}
	if (before != BOARD_ABSENT) {
		watch_say(watch, now_us, "detached");
		watch_end_line(watch);
	}
	if (watch->presence != BOARD_ABSENT) {
		watch_attached(watch, board, now_us);
	}
	watch_dump(watch, board);
}

void board_watch_done(struct board_watch *watch, struct board *board, uint64_t now_us)
{
	board_watch_look(watch, board, now_us);
	watch_dump(watch, board);
	if (watch->log) {
		watch_say(watch, now_us, "counts ");
		command_print_counts(board_counts(board), " ", watch->log);
		(void)fclose(watch->log);
	}
	watch->log = NULL;
}
