/* SPDX-License-Identifier: MIT */
/* dfud: options, signals, the loop. dfud(8). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <systemd/sd-event.h>

#include "dfud/configuration.h"
#include "dfud/daemon.h"
#include "dfud/journal.h"
#include "dfud/manager.h"
#include "dfud/rehearsal.h"

#define MAIN_EXIT_USAGE	 64
#define MAIN_EXIT_CONFIG 78
#define MAIN_MAX_FOLDERS 8

struct main_options {
	struct manager_options manager;
	struct files_folder folders[MAIN_MAX_FOLDERS + 1];
	size_t n_folders;
	bool check_config;
	const char *plan, *port; /* --plan, and for which board */
};

static const char main_help[] =
	"dfud [OPTIONS]\n"
	"\n"
	"Flashes firmware files from the queue to USB DFU devices as they appear. dfud(8)\n"
	"\n"
	"  --check-config      read the configuration, say what is wrong with it, and end\n"
	"  --plan=FILE         say which board would get the file now and what would be done\n"
	"  --port=PORT         with --plan: only for the board on that port\n"
	"  --state-dir=FOLDER  instead of /var/lib/dfud\n"
	"  --config-dir=FOLDER instead of /etc/dfud, /run/dfud and /usr/lib/dfud; may be given\n"
	"                      again, highest first, the last one counts as shipped\n"
	"  --worker=PROGRAM    instead of " DFUD_WORKER "\n"
	"  --help, --version\n";

enum main_option {
	MAIN_CHECK_CONFIG = 1,
	MAIN_PLAN,
	MAIN_PORT,
	MAIN_STATE_DIR,
	MAIN_CONFIG_DIR,
	MAIN_WORKER,
	MAIN_HELP,
	MAIN_VERSION,
};

static const struct option main_long_options[] = {
	{"check-config", no_argument, NULL, MAIN_CHECK_CONFIG},
	{"plan", required_argument, NULL, MAIN_PLAN},
	{"port", required_argument, NULL, MAIN_PORT},
	{"state-dir", required_argument, NULL, MAIN_STATE_DIR},
	{"config-dir", required_argument, NULL, MAIN_CONFIG_DIR},
	{"worker", required_argument, NULL, MAIN_WORKER},
	{"help", no_argument, NULL, MAIN_HELP},
	{"version", no_argument, NULL, MAIN_VERSION},
	{NULL, 0, NULL, 0},
};

static bool main_add_folder(struct main_options *o, const char *path)
{
	if (o->n_folders == MAIN_MAX_FOLDERS) {
		return false;
	}
	for (size_t i = 0; i < o->n_folders; i++) {
		o->folders[i].is_written = true;
	}
	o->folders[o->n_folders++] = (struct files_folder){.path = path};
	o->manager.folders = o->folders;
	return true;
}

/* -1 to go on, else an exit status. */
static int main_take_option(struct main_options *o, int option)
{
	switch (option) {
	case MAIN_CHECK_CONFIG:
		o->check_config = true;
		return -1;
	case MAIN_PLAN:
		o->plan = optarg;
		return -1;
	case MAIN_PORT:
		o->port = optarg;
		return -1;
	case MAIN_STATE_DIR:
		o->manager.state = optarg;
		return -1;
	case MAIN_CONFIG_DIR:
		return main_add_folder(o, optarg) ? -1 : MAIN_EXIT_USAGE;
	case MAIN_WORKER:
		o->manager.worker = optarg;
		return -1;
	case MAIN_HELP:
		fputs(main_help, stdout);
		return EXIT_SUCCESS;
	case MAIN_VERSION:
		puts("dfud " DFUD_VERSION);
		return EXIT_SUCCESS;
	default:
		return MAIN_EXIT_USAGE;
	}
}

static int main_parse(struct main_options *o, int argc, char **argv)
{
	int option;
	int r = -1;

	*o = (struct main_options){.manager = {
					   .state = "/var/lib/dfud",
					   .worker = DFUD_WORKER,
					   .folders = configuration_folders,
				   }};
	while (r < 0 && (option = getopt_long(argc, argv, "", main_long_options, NULL)) != -1) {
		r = main_take_option(o, option);
	}
	if (r < 0 && o->port != NULL && o->plan == NULL) {
		fputs("dfud: --port goes with --plan\n", stderr);
		return MAIN_EXIT_USAGE;
	}
	if (r < 0 && optind < argc) {
		fprintf(stderr, "dfud: unexpected \"%s\"; see dfud --help\n", argv[optind]);
		return MAIN_EXIT_USAGE;
	}
	return r;
}

static int main_check_config(const struct files_folder *folders)
{
	struct configuration configuration = CONFIGURATION_INIT;
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	enum configuration_state state = CONFIGURATION_GOOD;
	const int r = configuration_load(&configuration, folders, &problems, &state);

	for (size_t i = 0; i < problems.n; i++) {
		const struct config_problem *p = &problems.items[i];

		char line[16] = "";

		if (p->line > 0) {
			snprintf(line, sizeof(line), ":%u", p->line);
		}
		fprintf(stderr, "%s%s: %s%s%s\n", p->file, line, p->key, p->key[0] ? ": " : "",
			p->text);
	}
	if (problems.overflow) {
		fputs("more problems are not listed: mend these and look again\n", stderr);
	}
	if (r >= 0 && problems.n == 0) {
		printf("%zu profile%s, no problem\n", configuration.n_profiles,
			configuration.n_profiles == 1 ? "" : "s");
	}
	config_problems_done(&problems);
	configuration_done(&configuration);
	if (r < 0) {
		fprintf(stderr, "dfud: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	return state == CONFIGURATION_GOOD ? EXIT_SUCCESS : MAIN_EXIT_CONFIG;
}

static int main_plan(const struct main_options *o)
{
	const struct rehearsal_options options = {
		.state = o->manager.state,
		.worker = o->manager.worker,
		.folders = o->manager.folders,
		.file = o->plan,
		.port = o->port,
	};

	return rehearsal_run(&options);
}

static int main_on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *user)
{
	(void)source;
	if (si->ssi_signo == SIGHUP) {
		manager_reload(user);
	} else {
		manager_stop(user);
	}
	return 0;
}

static int main_add_signals(sd_event *event, struct daemon *daemon)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < sizeof(signals) / sizeof(*signals); i++) {
		r = sd_event_add_signal(event, NULL, signals[i], main_on_signal, daemon);
	}
	return r;
}

static void main_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int main_run(const struct manager_options *options)
{
	struct daemon daemon;
	sd_event *event = NULL;
	int r = sd_event_default(&event);
	int status = EXIT_FAILURE;

	if (r >= 0) {
		(void)sd_event_set_watchdog(event, true);
		r = main_add_signals(event, &daemon);
	}
	if (r >= 0) {
		r = manager_init(&daemon, event, options); /* it says itself what is wrong */
		status = r > 0 ? r : EXIT_FAILURE;
		if (r == 0) {
			r = sd_event_loop(event);
			status = r < 0 ? EXIT_FAILURE : r;
		}
		manager_done(&daemon);
	}
	sd_event_unref(event);
	return status;
}

int main(int argc, char **argv)
{
	struct main_options options;
	const int r = main_parse(&options, argc, argv);

	if (r >= 0) {
		return r;
	}
	if (options.check_config) {
		return main_check_config(options.manager.folders);
	}
	if (options.plan != NULL) {
		return main_plan(&options);
	}
	umask(0022);
	main_block_signals();
	journal_open();
	return main_run(&options.manager);
}
