/* SPDX-License-Identifier: MIT */
/*
 * By hand: one board, one file, the person is the policy. Everything but the choice is the daemon's
 * own code: the journey with its worker, the port watch, the sentences.
 */
#include "dfud-flash/hand.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "dfud-flash/hand-inspect.h"
#include "dfud-flash/hand-vault.h"
#include "dfud/hotplug.h"
#include "dfud/journey.h"
#include "dfud/keep.h"

#define HAND_EXIT_NOT_BACK 1
#define HAND_EXIT_REFUSED  2
#define HAND_EXIT_FAILED   3
#define HAND_EXIT_USAGE	   64
#define HAND_EXIT_BUSY	   75 /* EX_TEMPFAIL */
#define HAND_CHECK_MS	   300000
#define HAND_MAX_ARGS	   72

struct hand {
	const struct options *options;
	char **argv;
	sd_event *event;
	struct hotplug *hotplug;
	struct journey *journey;
	char port[64];
	struct hotplug_device board; /* the one to flash */
	unsigned n_boards;	     /* in DFU mode at start */
	uint32_t number;	     /* of what is on the port now */
	bool present;
	int file;
	char name[256];	      /* to be shown */
	struct backup backup; /* --restore: what is restored */
	struct hand_vault vault;
	int status;
};

static int hand_end(struct hand *h, int status)
{
	h->status = status;
	return sd_event_exit(h->event, 0);
}

/* The verdict as an exit status. */
static int hand_status_of(const struct attempt *a)
{
	if (a->reason == REASON_BUSY) {
		return HAND_EXIT_BUSY;
	}
	switch (a->verdict) {
	case VERDICT_RETURNED:
	case VERDICT_UNCHANGED:
	case VERDICT_NOT_EXPECTED:
		return EXIT_SUCCESS;
	case VERDICT_RETURNED_OTHER:
	case VERDICT_BACK_IN_DFU:
	case VERDICT_NOT_ENUMERATING:
	case VERDICT_GONE:
	case VERDICT_STAYED:
		return HAND_EXIT_NOT_BACK;
	case VERDICT_REFUSED:
		return HAND_EXIT_REFUSED;
	case VERDICT_FAILED:
	case VERDICT_INTERRUPTED:
	case VERDICT_CANCELLED:
	case _VERDICT_MAX:
	case _VERDICT_INVALID:
		break;
	}
	return HAND_EXIT_FAILED;
}

static void hand_print_plan(const struct attempt *a)
{
	char text[8192];

	findings_write(&a->findings, text, sizeof(text));
	fputs(text, stdout);
}

/* What was saved goes into the folder of backups before anything is erased. */
static bool hand_keep(struct hand *h, struct journey *journey)
{
	const struct message *plan = &journey_attempt(journey)->plan;
	struct backup note;
	char text[320];
	enum reason reason;

	if (plan->saved_size == 0) {
		return true;
	}
	keep_note(&note, journey_tell(journey), plan);
	reason = hand_vault_keep(&h->vault, &note, h->backup.sha256, text, sizeof(text));
	if (reason != REASON_NONE) {
		journey_stop(journey, END_REFUSED, reason, text);
		return false;
	}
	journey_saved(journey, note.sha256);
	return true;
}

static void hand_on_judge(void *user, struct journey *journey)
{
	struct hand *h = user;

	if (h->options->mode == OPTIONS_PLAN) {
		journey_stop(journey, END_CANCELLED, REASON_NONE, "only the plan was asked for");
		return;
	}
	if (hand_keep(h, journey)) {
		journey_go(journey);
	}
}

static bool hand_on_expects(
	void *user, const struct journey *journey, uint16_t vendor, uint16_t product)
{
	const struct options *o = ((const struct hand *)user)->options;
	const char *image = journey_attempt(journey)->image.expects;
	char id[16];

	if (o->n_expects > 0) {
		return usb_id_fits_any(o->expects, o->n_expects, vendor, product);
	}
	snprintf(id, sizeof(id), "%04x:%04x", vendor, product);
	return image[0] == '\0' || strcmp(image, id) == 0;
}

static void hand_on_moved(void *user, struct journey *journey)
{
	char text[256];

	(void)user;
	if (isatty(STDERR_FILENO)) {
		journey_progress(journey, text, sizeof(text));
		fprintf(stderr, "\r\033[K%s\r", text);
	}
}

static void hand_on_ended(void *user, struct journey *journey)
{
	struct hand *h = user;
	const struct attempt *a = journey_attempt(journey);

	if (h->options->mode == OPTIONS_PLAN) {
		hand_print_plan(a);
	}
	if (h->options->mode == OPTIONS_PLAN && a->verdict == VERDICT_CANCELLED) {
		(void)hand_end(h, EXIT_SUCCESS);
		return;
	}
	(void)hand_end(h, hand_status_of(a));
}

static const struct journey_events hand_journey_events = {
	.judge = hand_on_judge,
	.expects = hand_on_expects,
	.moved = hand_on_moved,
	.ended = hand_on_ended,
};

static const char *hand_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The arguments of the worker, from what was understood and not from what was typed. */
struct hand_args {
	const char *list[HAND_MAX_ARGS];
	char room[HAND_MAX_ARGS][300];
	size_t n;
};

static void hand_add_arg(struct hand_args *args, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void hand_add_arg(struct hand_args *args, const char *format, ...)
{
	va_list list;

	assert(args->n < HAND_MAX_ARGS - 3);
	va_start(list, format);
	vsnprintf(args->room[args->n], sizeof(args->room[0]), format, list);
	va_end(list);
	args->list[args->n] = args->room[args->n];
	args->n++;
}

/* A backup goes back into the memory that it is of. */
static unsigned hand_alternate(const struct hand *h)
{
	return h->options->restore != NULL ? (unsigned)h->backup.alternate : h->options->alternate;
}

static void hand_make_args(const struct hand *h, struct hand_args *args)
{
	const struct options *o = h->options;

	args->n = 0;
	hand_add_arg(args, "--port=%s", h->port);
	hand_add_arg(args, "--backup=%s", backup_policy_to_string(o->backup));
	hand_add_arg(args, "--leave=%s", leave_policy_to_string(o->leave));
	if (o->restore != NULL) {
		hand_add_arg(args, "--restore=%s", h->backup.sha256);
		hand_add_arg(args, "--address=0x%08" PRIx32, h->backup.address);
		if (h->backup.layout[0] != '\0') {
			hand_add_arg(args, "--layout=%s", h->backup.layout);
		}
	} else if (o->has_address) {
		hand_add_arg(args, "--address=0x%08" PRIx32, o->address);
	}
	if (o->layout != NULL) {
		hand_add_arg(args, "--layout=%s", o->layout);
	}
	if (o->keep_bootloader) {
		hand_add_arg(args, "--keep-bootloader");
	}
	if (hand_alternate(h) != 0) {
		hand_add_arg(args, "--alternate=%u", hand_alternate(h));
	}
	if (o->certain) {
		hand_add_arg(args, "--certain");
	}
	for (size_t i = 0; i < o->n_protects; i++) {
		hand_add_arg(args, "--protect=0x%08" PRIx32 "-0x%08" PRIx32, o->protects[i].first,
			o->protects[i].last);
	}
	args->list[args->n++] = "--";
	args->list[args->n++] = h->name;
	args->list[args->n] = NULL;
}

static void hand_make_tell(const struct hand *h, struct tell *t)
{
	*t = (struct tell)TELL_INIT;
	snprintf(t->label, sizeof(t->label), "%s", h->port);
	snprintf(t->port, sizeof(t->port), "%s", h->port);
	snprintf(t->path, sizeof(t->path), "%s", h->board.path);
	snprintf(t->serial, sizeof(t->serial), "%s", h->board.serial);
	snprintf(t->usb_id, sizeof(t->usb_id), "%04x:%04x", h->board.vendor, h->board.product);
	tell_set_file(t, h->name);
}

/* Somewhere to save to. Without Backup= only a boot loader needs it, and then the worker says so.
 */
static int hand_open_vault(struct hand *h)
{
	const struct options *o = h->options;
	const int r = o->mode == OPTIONS_PLAN ? hand_vault_pretend(&h->vault)
					      : hand_vault_open(&h->vault, o->backup_dir);

	if (r >= 0 || o->backup == BACKUP_NO) {
		return 0;
	}
	fprintf(stderr,
		"dfud-flash: no folder for backups (%s): %s; name one with --backup-dir, or give "
		"--backup=no\n",
		h->vault.path, strerror(-r));
	return r;
}

static int hand_begin(struct hand *h)
{
	struct hand_args args;
	struct tell tell;
	struct journey_options options = {
		.tell = &tell,
		.attempt = {.within_ms = h->options->within_ms,
			.stays = h->options->leave == LEAVE_NO,
			.expects_none = h->options->expects_none,
			.expects_identity = h->options->n_expects > 0},
		.worker = HAND_WORKER,
		.args = args.list,
		.image_fd = h->file,
		.record_fd = -EBADF,
		.silent = h->options->mode == OPTIONS_PLAN,
		.check_deadline_ms = HAND_CHECK_MS,
	};
	int r;

	if (hand_open_vault(h) < 0) {
		return hand_end(h, HAND_EXIT_REFUSED);
	}
	options.backup_fd = h->vault.file;
	hand_make_args(h, &args);
	hand_make_tell(h, &tell);
	r = journey_new(&h->journey, h->event, &options, &hand_journey_events, h);
	if (r < 0) {
		fprintf(stderr, "dfud-flash: the worker cannot be started: %s\n", strerror(-r));
		return hand_end(h, HAND_EXIT_FAILED);
	}
	tell_appeared(&tell);
	if (h->options->restore != NULL) {
		tell_origin(&tell, &h->backup);
	}
	return 0;
}

static void hand_on_present(void *user, const struct hotplug_device *device)
{
	struct hand *h = user;

	if (h->journey != NULL) {
		if (strcmp(device->port, h->port) == 0 &&
			(!h->present || device->number != h->number)) {
			h->present = true;
			h->number = device->number;
			journey_take_present(h->journey, device);
		}
		return;
	}
	if (!device->dfu) {
		return;
	}
	if (h->options->mode == OPTIONS_LIST) {
		printf("%s\t%04x:%04x\t%s\t%s\n", device->port, device->vendor, device->product,
			device->serial, device->layout);
	}
	if (h->options->port == NULL || strcmp(h->options->port, device->port) == 0) {
		h->n_boards++;
		h->board = *device;
		snprintf(h->port, sizeof(h->port), "%s", device->port);
	}
}

static void hand_on_absent(void *user, const char *port)
{
	struct hand *h = user;

	if (h->journey != NULL && strcmp(port, h->port) == 0) {
		h->present = false;
		journey_take_absent(h->journey);
	}
}

static void hand_on_tty(void *user, const char *port, const char *link)
{
	struct hand *h = user;

	if (h->journey != NULL && strcmp(port, h->port) == 0) {
		journey_take_tty(h->journey, link);
	}
}

static void hand_on_lost(void *user)
{
	struct hand *h = user;
	struct hotplug_device device;

	if (hotplug_look(h->hotplug, h->port, &device) > 0) {
		hand_on_present(h, &device);
	} else {
		hand_on_absent(h, h->port);
	}
}

/* The boards that are there have been told. */
static int hand_on_enumerated(sd_event_source *source, void *user)
{
	struct hand *h = user;

	(void)source;
	if (h->options->mode == OPTIONS_LIST) {
		return hand_end(h, EXIT_SUCCESS);
	}
	/* a port that was named may hold a device that no rule tagged */
	if (h->n_boards == 0 && h->options->port != NULL &&
		hotplug_look(h->hotplug, h->options->port, &h->board) > 0) {
		snprintf(h->port, sizeof(h->port), "%s", h->options->port);
		h->n_boards = 1;
	}
	if (h->n_boards == 0) {
		fprintf(stderr, "dfud-flash: no board is in DFU mode%s%s\n",
			h->options->port ? " on port " : "",
			h->options->port ? h->options->port : "");
		return hand_end(h, HAND_EXIT_REFUSED);
	}
	if (h->n_boards > 1) {
		fprintf(stderr,
			"dfud-flash: %u boards are in DFU mode: name one with --port (--list shows "
			"them)\n",
			h->n_boards);
		return hand_end(h, HAND_EXIT_USAGE);
	}
	h->present = true;
	h->number = h->board.number;
	return hand_begin(h);
}

static int hand_watch(struct hand *h)
{
	static const struct hotplug_events events = {
		.present = hand_on_present,
		.absent = hand_on_absent,
		.tty = hand_on_tty,
		.lost = hand_on_lost,
	};
	sd_event_source *source = NULL;
	int r = hotplug_new(&h->hotplug, h->event, &events, h);

	if (r >= 0) {
		r = sd_event_add_defer(h->event, &source, hand_on_enumerated, h);
	}
	if (r >= 0) {
		r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
	}
	if (r >= 0) {
		r = sd_event_source_set_floating(source, true);
	}
	sd_event_source_unref(source);
	return r;
}

static int hand_loop(struct hand *h)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = sd_event_default(&h->event);
	if (r >= 0) {
		r = hand_watch(h);
	}
	return r < 0 ? r : sd_event_loop(h->event);
}

/* The file or the backup. 0, or an exit status; the message is on stderr then. */
static int hand_open_file(struct hand *h)
{
	const struct options *o = h->options;
	char text[320];

	if (o->restore != NULL) {
		if (hand_vault_find(o->backup_dir, o->restore, &h->backup, &h->file, text,
			    sizeof(text)) < 0) {
			fprintf(stderr, "dfud-flash: %s\n", text);
			return HAND_EXIT_REFUSED;
		}
		snprintf(h->name, sizeof(h->name), "backup %.8s", h->backup.sha256);
	} else if (o->file != NULL) {
		snprintf(h->name, sizeof(h->name), "%s", hand_file_name(o->file));
		h->file = open(o->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (h->file < 0) {
			fprintf(stderr, "dfud-flash: %s: %s\n", o->file, strerror(errno));
			return HAND_EXIT_REFUSED;
		}
	}
	return 0;
}

int hand_run(const struct options *options, char **argv)
{
	struct hand h = {
		.options = options, .argv = argv, .file = -EBADF, .vault = HAND_VAULT_INIT};
	int r;

	h.status = hand_open_file(&h);
	if (h.status != 0) {
		return h.status;
	}
	if (options->mode == OPTIONS_INSPECT) {
		h.status = hand_inspect(h.name, h.file);
	} else if ((r = hand_loop(&h)) < 0) {
		fprintf(stderr, "dfud-flash: %s\n", strerror(-r));
		h.status = HAND_EXIT_FAILED;
	}
	journey_free(h.journey);
	hotplug_free(h.hotplug);
	sd_event_unref(h.event);
	hand_vault_done(&h.vault);
	if (h.file >= 0) {
		close(h.file);
	}
	return h.status;
}
