/* SPDX-License-Identifier: MIT */
/* One look at a file by hand. The digest is of the bytes as they lie there, by our own reading. */
#include "dfud-flash/hand-inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-event.h>

#include "dfud/digest.h"
#include "dfud/process.h"

#define HAND_INSPECT_REFUSED  2
#define HAND_INSPECT_FAILED   3
#define HAND_INSPECT_DEADLINE 120000 /* ms */

struct hand_inspection {
	sd_event *event;
	struct process *process;
	int file;
	int status;
};

/* A line of what is known; nothing where it is not. */
static void hand_inspect_print(const char *what, const char *value)
{
	if (value[0] != '\0') {
		printf("%s\t%s\n", what, value);
	}
}

static void hand_inspect_print_image(const struct message *m)
{
	printf("format\t%s\nsize\t%" PRIu64 "\nsegments\t%" PRIu64 "\n", m->format, m->size,
		m->segments);
	printf("linked\t%s", m->certainty);
	if (strcmp(m->certainty, "certain") == 0 || strcmp(m->certainty, "likely") == 0) {
		printf("\t0x%08" PRIx32, m->link);
	}
	printf("\n");
	if (m->stack != 0) {
		printf("stack\t0x%08" PRIx32 "\n", m->stack);
	}
	hand_inspect_print("about", m->about);
	hand_inspect_print("program", m->program);
	hand_inspect_print("version", m->version);
	hand_inspect_print("mcu", m->mcu);
	hand_inspect_print("usb", m->expects[0] != '\0' ? m->expects : m->no_usb ? "none" : "");
}

static void hand_inspect_print_digest(const struct hand_inspection *i)
{
	char digest[DIGEST_SIZE];

	if (digest_take(i->file, UINT64_MAX, digest) == 0) {
		hand_inspect_print("sha256", digest);
	}
}

static void hand_inspect_on_message(void *user, const struct message *m)
{
	struct hand_inspection *i = user;

	if (m->kind == MESSAGE_IMAGE) {
		hand_inspect_print_image(m);
		hand_inspect_print_digest(i);
		i->status = EXIT_SUCCESS;
	} else if (m->kind == MESSAGE_OUTCOME && m->reason[0] != '\0') {
		printf("%s: %s\n", m->reason, m->text);
		hand_inspect_print_digest(i);
		i->status = HAND_INSPECT_REFUSED;
	}
}

static void hand_inspect_on_ended(void *user, enum process_end end)
{
	struct hand_inspection *i = user;

	(void)end;
	(void)sd_event_exit(i->event, 0);
}

static int hand_inspect_start(struct hand_inspection *i, const char *name)
{
	static const struct process_events events = {
		.message = hand_inspect_on_message,
		.ended = hand_inspect_on_ended,
	};
	const char *const args[] = {"--", name, NULL};
	const struct process_start start = {
		.program = HAND_WORKER,
		.args = args,
		.image_fd = i->file,
		.record_fd = -EBADF,
		.backup_fd = -EBADF,
		.deadline_ms = HAND_INSPECT_DEADLINE,
	};
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = sd_event_default(&i->event);
	return r < 0 ? r : process_start(&i->process, i->event, &start, &events, i);
}

int hand_inspect(const char *name, int file)
{
	struct hand_inspection i = {.file = file, .status = HAND_INSPECT_FAILED};
	int r = hand_inspect_start(&i, name);

	if (r >= 0) {
		r = sd_event_loop(i.event);
	}
	if (r < 0) {
		fprintf(stderr, "dfud-flash: %s\n", strerror(-r));
	} else if (i.status == HAND_INSPECT_FAILED) {
		fprintf(stderr, "dfud-flash: the file broke the program that reads it\n");
	}
	process_free(i.process);
	sd_event_unref(i.event);
	return i.status;
}
