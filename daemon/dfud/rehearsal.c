/* SPDX-License-Identifier: MIT */
/*
 * One file against all boards that are plugged in, as if it had just been dropped. The queue is not
 * looked at: what else lies there could make the choice another one, and a person who asks for the
 * plan of one file means that file.
 */
#include "dfud/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "dfud/brief.h"
#include "dfud/choice.h"
#include "dfud/configuration.h"
#include "dfud/digest.h"
#include "dfud/folder.h"
#include "dfud/hotplug.h"
#include "dfud/jobs.h"
#include "dfud/match.h"
#include "dfud/notice.h"
#include "dfud/vault.h"

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
	const char *port = r->options->port;

	if (device->dfu && r->n_boards < REHEARSAL_BOARDS &&
		(port == NULL || strcmp(port, device->port) == 0)) {
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

/* A backup of ours is known by its bytes. 0 or -errno of the file. */
static int rehearsal_read_file(struct rehearsal *r)
{
	const char *path = r->options->file;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int root, vault, e;

	if (fd < 0) {
		return -errno;
	}
	snprintf(r->job.name, sizeof(r->job.name), "%s", rehearsal_name(path));
	r->job.state = JOB_READY;
	e = digest_take(fd, UINT64_MAX, r->job.sha256);
	close(fd);
	if (e < 0) {
		return e;
	}
	root = folder_open(AT_FDCWD, r->options->state);
	vault = root >= 0 ? folder_open(root, "backup") : -EBADF;
	if (vault >= 0) {
		r->job.restores = vault_has(vault, r->job.sha256, &r->job.backup);
		close(vault);
	}
	if (root >= 0) {
		close(root);
	}
	return 0;
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
		/* by hand a backup's place is its own business, and its name none */
		if (r->job.restores &&
			(strncmp(args->list[i], "--address=", 10) == 0 ||
				strcmp(args->list[i], "--") == 0 || i + 1 == args->n)) {
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

/* Every board has its say; the worst of them is the status. */
static int rehearsal_judge(struct rehearsal *r)
{
	struct match_board boards[REHEARSAL_BOARDS];
	const struct match_job job = {
		.name = r->job.name,
		.saved_by = r->job.restores ? r->job.backup.profile : NULL,
		.open = true,
	};
	const struct match_input input = {
		.profiles = r->configuration.profiles,
		.n_profiles = r->configuration.n_profiles,
		.boards = boards,
		.n_boards = r->n_boards,
		.jobs = &job,
		.n_jobs = 1,
	};
	int worst = 0;

	for (size_t i = 0; i < r->n_boards; i++) {
		choice_make_board(
			&boards[i], &r->boards[i], &r->configuration.settings.allowed_ports);
	}
	for (size_t i = 0; i < r->n_boards; i++) {
		struct match match;
		char sentence[512];
		int status = REHEARSAL_REFUSED;

		match_judge(&input, i, &match);
		if (match.kind == MATCH_FLASH) {
			status = rehearsal_plan(r, &match, r->boards[i].port);
		} else if (notice_standing(&match, &input, i, sentence, sizeof(sentence))) {
			printf("%s\n", sentence);
		}
		worst = status > worst ? status : worst;
	}
	return worst;
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
	if (e < 0) {
		fprintf(stderr, "dfud: %s: %s\n", r->options->file, strerror(-e));
		return REHEARSAL_REFUSED;
	}
	e = rehearsal_look(r);
	if (e < 0) {
		fprintf(stderr, "dfud: the boards cannot be seen: %s\n", strerror(-e));
		return REHEARSAL_FAILED;
	}
	if (r->n_boards == 0) {
		fprintf(stderr, "dfud: no board is in DFU mode%s%s\n",
			r->options->port ? " on port " : "",
			r->options->port ? r->options->port : "");
		return REHEARSAL_REFUSED;
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
