/* SPDX-License-Identifier: MIT */
/*
 * One file against all boards that are plugged in, as if it had just been dropped. The queue is not
 * looked at: what else lies there could make the choice another one, and a person who asks for the
 * plan of one file means that file.
 */
#include "dfud/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "dfud/arrival.h"
#include "dfud/brief.h"
#include "dfud/choice.h"
#include "dfud/configuration.h"
#include "dfud/folder.h"
#include "dfud/hotplug.h"
#include "dfud/jobs.h"
#include "dfud/match.h"
#include "dfud/notice.h"
#include "dfud/snapshot.h"
#include "dfud/trust.h"
#include "dfud/vault.h"
#include "record/finding.h"

#define REHEARSAL_REFUSED 2
#define REHEARSAL_FAILED  3
#define REHEARSAL_CONFIG  78
#define REHEARSAL_BOARDS  256

struct rehearsal {
	const struct rehearsal_options *options;
	struct configuration configuration;
	sd_event *event;
	struct hotplug *hotplug;
	struct hotplug_device boards[REHEARSAL_BOARDS];
	size_t n_boards;
	struct job job;
};

static void rehearsal_on_present(void *user, const struct hotplug_device *device)
{
	struct rehearsal *r = user;

	if (device->dfu && r->n_boards < REHEARSAL_BOARDS) {
		r->boards[r->n_boards++] = *device;
	}
}

static void rehearsal_on_absent(void *user, const char *port)
{
	(void)user;
	(void)port;
}

static void rehearsal_on_tty(void *user, const char *port, const char *link)
{
	(void)user;
	(void)port;
	(void)link;
}

static void rehearsal_on_lost(void *user)
{
	(void)user;
}

static int rehearsal_on_enumerated(sd_event_source *source, void *user)
{
	struct rehearsal *r = user;

	(void)source;
	return sd_event_exit(r->event, 0);
}

/* The boards that are there now. 0 or -errno. */
static int rehearsal_look(struct rehearsal *r)
{
	static const struct hotplug_events events = {
		.present = rehearsal_on_present,
		.absent = rehearsal_on_absent,
		.tty = rehearsal_on_tty,
		.lost = rehearsal_on_lost,
	};
	sd_event_source *source = NULL;
	int e = sd_event_default(&r->event);

	if (e >= 0) {
		e = hotplug_new(&r->hotplug, r->event, &events, r);
	}
	if (e >= 0) {
		e = sd_event_add_defer(r->event, &source, rehearsal_on_enumerated, r);
	}
	if (e >= 0) {
		e = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
	}
	if (e >= 0) {
		e = sd_event_loop(r->event);
	}
	sd_event_source_unref(source);
	return e < 0 ? e : 0;
}

static const char *rehearsal_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The folder of the file, as if it were the queue. Its descriptor or -errno. */
static int rehearsal_folder(const char *path)
{
	const char *name = rehearsal_name(path);
	char folder[PATH_MAX];

	if (name == path) {
		return folder_open(AT_FDCWD, ".");
	}
	if ((size_t)(name - path) >= sizeof(folder)) {
		return -ENAMETOOLONG;
	}
	snprintf(folder, sizeof(folder), "%.*s", (int)(name - path), path);
	return folder_open(AT_FDCWD, folder);
}

/* A line as the worker's plan has them. True where the file passes. */
static bool rehearsal_say(enum finding_result result, const char *text)
{
	printf("%-10s  %-7s  %s\n", "queue", finding_result_to_string(result), text);
	return result != FINDING_REFUSED;
}

/* Whether it would be taken as a job at all. */
static bool rehearsal_check_trust(const struct rehearsal *r, int folder, const struct snapshot *s)
{
	const struct settings *settings = &r->configuration.settings;
	const struct trust_question question = {
		.settings = settings, .folder_fd = folder, .name = r->job.name, .snapshot = s};
	struct trust trust;

	if (!arrival_name_is_job(r->job.name)) {
		return rehearsal_say(FINDING_REFUSED, "files of such a name are never flashed");
	}
	trust_judge(&trust, &question);
	if (trust.state == TRUST_GIVEN && job_is_lost_backup(&r->job, "")) {
		return rehearsal_say(FINDING_WARNING,
			"its name is its SHA-256, as that of a backup, and no note says where it "
			"came from: the queue takes it only if its link address is certain");
	}
	switch (trust.state) {
	case TRUST_GIVEN:
		return rehearsal_say(FINDING_GOOD,
			trust.key[0] ? "its signature holds" : "the file would be taken as it is");
	case TRUST_AWAITED:
	case TRUST_REFUSED:
		return rehearsal_say(FINDING_REFUSED, trust.text);
	case TRUST_SOON:
	case _TRUST_STATE_MAX:
		break;
	}
	return rehearsal_say(FINDING_REFUSED, "its signature cannot be checked");
}

/* A backup of ours is known by its bytes. */
static void rehearsal_find_backup(struct rehearsal *r)
{
	const int root = folder_open(AT_FDCWD, r->options->state);
	const int vault = root >= 0 ? folder_open(root, "backup") : -EBADF;

	if (vault >= 0) {
		r->job.restores = vault_has(vault, r->job.sha256, &r->job.backup);
		close(vault);
	}
	if (root >= 0) {
		close(root);
	}
}

/* Why a file would not even be looked at. */
static const char *rehearsal_why(int error)
{
	switch (error) {
	case -EFBIG:
		return "it is larger than MaxFileSize= allows";
	case -ELOOP:
	case -EMLINK:
		return "it is a link or has a second name, and dfud takes no such file: copy it";
	case -EISDIR:
	case -ENXIO:
		return "it is no regular file";
	default:
		return strerror(-error);
	}
}

/* The file as the queue would look at it. 0, or an exit status. */
static int rehearsal_read_file(struct rehearsal *r)
{
	struct snapshot snapshot = SNAPSHOT_INIT;
	const int folder = rehearsal_folder(r->options->file);
	int e = folder;

	snprintf(r->job.name, sizeof(r->job.name), "%s", rehearsal_name(r->options->file));
	r->job.state = JOB_READY;
	if (folder >= 0) {
		e = snapshot_take(
			&snapshot, folder, r->job.name, r->configuration.settings.max_file_size);
	}
	if (e < 0) {
		fprintf(stderr, "dfud: %s: %s\n", r->options->file, rehearsal_why(e));
	} else {
		snprintf(r->job.sha256, sizeof(r->job.sha256), "%s", snapshot.sha256);
		rehearsal_find_backup(r);
		e = rehearsal_check_trust(r, folder, &snapshot) ? 0 : -EPERM;
	}
	snapshot_done(&snapshot);
	if (folder >= 0) {
		close(folder);
	}
	return e < 0 ? REHEARSAL_REFUSED : 0;
}

/* By hand a backup's place is its own business, and its name none. */
static bool rehearsal_is_of_backup(const struct brief_args *args, size_t i)
{
	static const char *const own[] = {"--address=", "--alternate=", "--layout="};

	for (size_t k = 0; k < sizeof(own) / sizeof(*own); k++) {
		if (strncmp(args->list[i], own[k], strlen(own[k])) == 0) {
			return true;
		}
	}
	return strcmp(args->list[i], "--") == 0 || i + 1 == args->n;
}

/* In the child: the worker by hand, with the daemon's arguments. */
static void rehearsal_execute(const struct rehearsal *r, const struct brief_args *args)
{
	const char *argv[BRIEF_MAX_ARGS + 4];
	char folder[512];
	size_t n = 0;

	argv[n++] = r->options->worker;
	argv[n++] = "--plan";
	if (r->job.restores) {
		snprintf(folder, sizeof(folder), "--backup-dir=%s/backup", r->options->state);
		argv[n++] = folder;
	}
	for (size_t i = 0; i < args->n; i++) {
		if (r->job.restores && rehearsal_is_of_backup(args, i)) {
			continue;
		}
		argv[n++] = i + 1 == args->n ? r->options->file : args->list[i];
	}
	argv[n] = NULL;
	execv(argv[0], (char **)argv);
	fprintf(stderr, "dfud: %s: %s\n", argv[0], strerror(errno));
	_exit(REHEARSAL_FAILED);
}

static int rehearsal_plan(const struct rehearsal *r, const struct match *match, const char *port)
{
	struct brief_args args;
	int status;
	pid_t pid;

	if (brief_make_args(&args, port, &r->job, match->profile) < 0) {
		return REHEARSAL_FAILED;
	}
	printf("%s: the board on port %s would get %s\n", match->profile->name, port,
		r->options->file);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		rehearsal_execute(r, &args);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status)) {
		return REHEARSAL_FAILED;
	}
	return WEXITSTATUS(status);
}

/* All boards are rivals, also those that nobody asked about. */
static void rehearsal_make_input(
	const struct rehearsal *r, struct match_board *boards, struct match_input *ret)
{
	for (size_t i = 0; i < r->n_boards; i++) {
		choice_make_board(
			&boards[i], &r->boards[i], &r->configuration.settings.allowed_ports);
	}
	ret->profiles = r->configuration.profiles;
	ret->n_profiles = r->configuration.n_profiles;
	ret->boards = boards;
	ret->n_boards = r->n_boards;
}

/* What would become of one board: the plan's exit status. */
static int rehearsal_tell(const struct rehearsal *r, const struct match_input *input, size_t board)
{
	struct match match;
	char sentence[512];

	match_judge(input, board, &match);
	if (match.kind == MATCH_FLASH) {
		return rehearsal_plan(r, &match, r->boards[board].port);
	}
	if (notice_standing(&match, input, board, sentence, sizeof(sentence))) {
		printf("%s\n", sentence);
	}
	return REHEARSAL_REFUSED;
}

/* Every board has its say. Only one can get the file: its plan is the status. */
static int rehearsal_judge(const struct rehearsal *r)
{
	struct match_board boards[REHEARSAL_BOARDS];
	const struct match_job job = {
		.name = r->job.name,
		.saved_by = r->job.restores ? r->job.backup.profile : NULL,
		.open = true,
	};
	struct match_input input = {.jobs = &job, .n_jobs = 1};
	const char *port = r->options->port;
	int status = REHEARSAL_REFUSED;
	bool asked = false;

	rehearsal_make_input(r, boards, &input);
	for (size_t i = 0; i < r->n_boards; i++) {
		if (port == NULL || strcmp(port, r->boards[i].port) == 0) {
			const int told = rehearsal_tell(r, &input, i);

			asked = true;
			status = told != REHEARSAL_REFUSED ? told : status;
		}
	}
	if (!asked) {
		fprintf(stderr, "dfud: no board is in DFU mode%s%s\n", port ? " on port " : "",
			port ? port : "");
	}
	return status;
}

static int rehearsal_load(struct rehearsal *r)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	enum configuration_state state = CONFIGURATION_GOOD;
	const int e = configuration_load(&r->configuration, r->options->folders, &problems, &state);
	const size_t n = problems.n;

	config_problems_done(&problems);
	if (n > 0) {
		fprintf(stderr, "dfud: the configuration has errors: see dfud --check-config\n");
	}
	return e < 0 ? REHEARSAL_FAILED : state == CONFIGURATION_UNUSABLE ? REHEARSAL_CONFIG : 0;
}

static int rehearsal_do(struct rehearsal *r)
{
	int e = rehearsal_load(r);

	if (e != 0) {
		return e;
	}
	e = rehearsal_read_file(r);
	if (e != 0) {
		return e;
	}
	e = rehearsal_look(r);
	if (e < 0) {
		fprintf(stderr, "dfud: the boards cannot be seen: %s\n", strerror(-e));
		return REHEARSAL_FAILED;
	}
	return rehearsal_judge(r);
}

int rehearsal_run(const struct rehearsal_options *options)
{
	struct rehearsal *r = calloc(1, sizeof(*r));
	int status;

	if (r == NULL) {
		return REHEARSAL_FAILED;
	}
	r->options = options;
	status = rehearsal_do(r);
	hotplug_free(r->hotplug);
	sd_event_unref(r->event);
	configuration_done(&r->configuration);
	free(r);
	return status;
}
