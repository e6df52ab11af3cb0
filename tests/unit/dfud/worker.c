/* SPDX-License-Identifier: MIT */
/*
 * A worker that does as it is told: each argument after the daemon's own is one act, in order. It
 * reads no file and knows no device.
 *
 *   say WORD.. one message           text TEXT    these bytes as one packet, NUL-free
 *   wait       for GO or STOP; then says the answer as an image's format
 *   fds        says the open descriptors, and the first bytes of 3 and 5
 *   signals    says which signals are blocked
 *   sleep MS   flood N (0: for ever) of progress    exit N    abort
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "message/message.h"

#define WORKER_IMAGE  3
#define WORKER_SOCKET 4
#define WORKER_RECORD 5
#define WORKER_BACKUP 6

static void worker_send(const char *text, size_t size)
{
	(void)!send(WORKER_SOCKET, text, size, MSG_NOSIGNAL);
}

static void worker_say(const struct message *message)
{
	char text[MESSAGE_MAX];
	const int n = message_write(message, text, sizeof(text));

	if (n < 0) {
		abort();
	}
	worker_send(text, (size_t)n);
}

/* What was found out travels as the "about" of an image. */
static void worker_answer(const char *about)
{
	struct message message = {.kind = MESSAGE_IMAGE};

	snprintf(message.about, sizeof(message.about), "%s", about);
	worker_say(&message);
}

static void worker_wait(void)
{
	char text[MESSAGE_MAX];
	struct message message;
	const ssize_t n = recv(WORKER_SOCKET, text, sizeof(text), 0);

	if (n <= 0 || message_read(&message, text, (size_t)n) < 0) {
		worker_answer("nonsense");
		return;
	}
	worker_answer(message_kind_to_string(message.kind));
}

static void worker_fds(void)
{
	char text[160] = "";
	char image[8] = "", record[8] = "", backup[8] = "";
	char open_fds[64] = "";

	for (int fd = 0; fd < 1000; fd++) {
		const size_t n = strlen(open_fds);

		if (dup2(fd, fd) == fd && n + 8 < sizeof(open_fds)) {
			snprintf(open_fds + n, sizeof(open_fds) - n, "%d ", fd);
		}
	}
	(void)!pread(WORKER_IMAGE, image, sizeof(image) - 1, 0);
	(void)!pread(WORKER_RECORD, record, sizeof(record) - 1, 0);
	(void)!pread(WORKER_BACKUP, backup, sizeof(backup) - 1, 0);
	snprintf(text, sizeof(text), "%s| %s| %s| %s", open_fds, image, record, backup);
	worker_answer(text);
}

static void worker_signals(void)
{
	char text[160] = "";
	sigset_t set;

	sigprocmask(SIG_SETMASK, NULL, &set);
	for (int signal = 1; signal < 32; signal++) {
		const size_t n = strlen(text);

		if (sigismember(&set, signal) == 1) {
			snprintf(text + n, sizeof(text) - n, "%s ", sigabbrev_np(signal));
		}
	}
	worker_answer(text);
}

static void worker_sleep(const char *ms)
{
	const long n = strtol(ms, NULL, 10);
	const struct timespec span = {.tv_sec = n / 1000, .tv_nsec = n % 1000 * 1000000};

	(void)nanosleep(&span, NULL);
}

static void worker_flood(const char *times)
{
	static const char text[] = "Version=1\nMessage=phase\nPhase=write\nDone=1\nTotal=2\n";
	const long n = strtol(times, NULL, 10);

	for (long i = 0; n == 0 || i < n; i++) {
		worker_send(text, sizeof(text) - 1);
	}
}

/* "plan 3 8", "mark erasing", "phase write 37 100", "outcome completed written read-back [reason]"
 */
static void worker_message(char *words)
{
	struct message m = {0};
	const char *word[6] = {"", "", "", "", "", ""};
	size_t n = 0;

	for (char *w = strtok(words, " "); w != NULL && n < 6; w = strtok(NULL, " ")) {
		word[n++] = w;
	}
	for (int kind = 0; kind < _MESSAGE_KIND_MAX; kind++) {
		if (strcmp(word[0], message_kind_to_string((enum message_kind)kind)) == 0) {
			m.kind = (enum message_kind)kind;
		}
	}
	switch (m.kind) {
	case MESSAGE_IMAGE:
		m.size = 44388;
		m.link = 0x08000000;
		strcpy(m.certainty, "certain");
		strcpy(m.about, "Klipper");
		break;
	case MESSAGE_PLAN:
		m.sectors_erase = strtoull(word[1], NULL, 10);
		m.sectors = strtoull(word[2], NULL, 10);
		m.address = 0x08000000;
		strcpy(m.layout, "Internal Flash");
		m.unchanged = m.sectors_erase == 0;
		break;
	case MESSAGE_FINDING: /* "finding chip warning" */
		snprintf(m.topic, sizeof(m.topic), "%s", word[1]);
		snprintf(m.result, sizeof(m.result), "%s", word[2]);
		strcpy(m.text, "as the worker says");
		break;
	case MESSAGE_PHASE:
		snprintf(m.phase, sizeof(m.phase), "%s", word[1]);
		m.done = strtoull(word[2], NULL, 10);
		m.total = strtoull(word[3], NULL, 10);
		break;
	case MESSAGE_MARK:
		snprintf(m.mark, sizeof(m.mark), "%s", word[1]);
		m.sectors_erased = 3;
		m.bytes_written = 44388;
		m.erase_ms = 1000;
		break;
	case MESSAGE_OUTCOME:
		snprintf(m.end, sizeof(m.end), "%s", word[1]);
		snprintf(m.flash, sizeof(m.flash), "%s", word[2]);
		snprintf(m.checked_by, sizeof(m.checked_by), "%s", word[3]);
		snprintf(m.reason, sizeof(m.reason), "%s", word[4]);
		m.left = strcmp(word[1], "completed") == 0;
		break;
	case MESSAGE_GO:
	case MESSAGE_STOP:
	case _MESSAGE_KIND_MAX:
	case _MESSAGE_KIND_INVALID:
		break;
	}
	worker_say(&m);
}

int main(int argc, char **argv)
{
	int i = 1;

	while (i < argc && strncmp(argv[i], "--", 2) == 0) {
		i++;
	}
	for (; i < argc; i++) {
		const char *act = argv[i];
		char *what = i + 1 < argc ? argv[i + 1] : (char *)"";

		if (strcmp(act, "wait") == 0) {
			worker_wait();
			continue;
		} else if (strcmp(act, "fds") == 0) {
			worker_fds();
			continue;
		} else if (strcmp(act, "signals") == 0) {
			worker_signals();
			continue;
		} else if (strcmp(act, "abort") == 0) {
			raise(SIGSEGV);
		}
		i++;
		if (strcmp(act, "say") == 0) {
			worker_message(what);
		} else if (strcmp(act, "text") == 0) {
			worker_send(what, strlen(what));
		} else if (strcmp(act, "sleep") == 0) {
			worker_sleep(what);
		} else if (strcmp(act, "flood") == 0) {
			worker_flood(what);
		} else if (strcmp(act, "exit") == 0) {
			return (int)strtol(what, NULL, 10);
		} else {
			return 99;
		}
	}
	return 0;
}
