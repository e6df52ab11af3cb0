/* SPDX-License-Identifier: MIT */
/*
 * The inbox against systemd's native journal protocol and sd_notify, as bytes.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "inbox.h"
#include "sysfs.h"

#define PATIENCE 10000

struct post {
	char folder[64];
	struct inbox *inbox;
	int fd;
};

static int post_setup(void **state)
{
	struct post *post = calloc(1, sizeof(*post));

	assert_non_null(post);
	strcpy(post->folder, "/tmp/dfud-inbox-XXXXXX");
	assert_non_null(mkdtemp(post->folder));
	post->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(post->fd >= 0);
	*state = post;
	return inbox_new(&post->inbox, post->folder);
}

static int post_teardown(void **state)
{
	struct post *post = *state;

	inbox_free(post->inbox);
	close(post->fd);
	sysfs_remove(post->folder);
	free(post);
	return 0;
}

/* memfd: sent along, -EBADF for none. */
static void post_send(
	struct post *post, const char *socket, const void *bytes, size_t size, int memfd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {(void *)bytes, size};
	struct msghdr message = {.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = &part,
		.msg_iovlen = 1};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", post->folder, socket);
	if (memfd >= 0) {
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &memfd, sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	assert_int_equal(sendmsg(post->fd, &message, 0), size);
}

static const struct entry *post_wait(struct post *post, const char *field)
{
	const char *const fields[] = {field, NULL};
	const struct entry *entry = inbox_wait(post->inbox, 0, PATIENCE, fields);

	assert_non_null(entry);
	return entry;
}

static void test_plain_fields(void **state)
{
	static const char bytes[] = "MESSAGE=one = two\nPRIORITY=5\nEMPTY=\n";
	const struct entry *entry;

	post_send(*state, "journal", bytes, sizeof(bytes) - 1, -EBADF);
	entry = post_wait(*state, "PRIORITY=5");
	assert_string_equal(entry_get(entry, "MESSAGE"), "one = two");
	assert_string_equal(entry_get(entry, "EMPTY"), "");
	assert_null(entry_get(entry, "PRIO"));
	assert_null(entry_get(entry, "PRIORITY="));
}

static void test_value_with_a_line_break(void **state)
{
	static const char bytes[] = "A=1\nTEXT\n\x07\0\0\0\0\0\0\0one\ntwo\nB=2\n";
	const struct entry *entry;

	post_send(*state, "journal", bytes, sizeof(bytes) - 1, -EBADF);
	entry = post_wait(*state, "B=2");
	assert_string_equal(entry_get(entry, "TEXT"), "one\ntwo");
	assert_string_equal(entry_get(entry, "A"), "1");
}

/* A length beyond the datagram: no entry, and the next one is heard. */
static void test_nonsense_is_dropped(void **state)
{
	static const char bytes[] = "TEXT\n\xff\xff\xff\xff\xff\xff\xff\xffone\n";
	struct post *post = *state;

	post_send(post, "journal", bytes, sizeof(bytes) - 1, -EBADF);
	post_send(post, "journal", "GOOD=1\n", 7, -EBADF);
	assert_int_equal(post_wait(post, "GOOD=1")->number, 0);
	assert_int_equal(inbox_count(post->inbox), 1);
}

static void test_large_entry_comes_as_a_memfd(void **state)
{
	static const char head[] = "SIZE=large\nMESSAGE=";
	size_t size = 1 << 20;
	char *text = malloc(size);
	int memfd = memfd_create("entry", MFD_CLOEXEC);
	const struct entry *entry;

	assert_non_null(text);
	assert_true(memfd >= 0);
	memset(text, 'x', size);
	memcpy(text, head, sizeof(head) - 1);
	assert_int_equal(write(memfd, text, size), size);
	post_send(*state, "journal", "", 0, memfd);
	close(memfd);
	free(text);
	entry = post_wait(*state, "SIZE=large");
	assert_int_equal(strlen(entry_get(entry, "MESSAGE")), size - (sizeof(head) - 1));
}

static void test_notification(void **state)
{
	static const char bytes[] = "READY=1\nSTATUS=1 board";
	const struct entry *entry;

	post_send(*state, "notify", bytes, sizeof(bytes) - 1, -EBADF);
	entry = post_wait(*state, "READY=1");
	assert_string_equal(entry_get(entry, "STATUS"), "1 board");
}

static void test_matching(void **state)
{
	static const char *const both[] = {"A=1", "B=", NULL};
	static const char *const without[] = {"A=1", "B!", NULL};
	static const char *const none[] = {"A=2", NULL};
	struct post *post = *state;

	post_send(post, "journal", "A=1\n", 4, -EBADF);
	post_send(post, "journal", "A=1\nB=2\n", 8, -EBADF);
	assert_int_equal(inbox_wait(post->inbox, 0, PATIENCE, both)->number, 1);
	assert_int_equal(inbox_wait(post->inbox, 0, PATIENCE, without)->number, 0);
	assert_null(inbox_wait(post->inbox, 0, 1, none));
	assert_null(inbox_wait(post->inbox, 1, 1, without));
	assert_int_equal(inbox_count_matching(post->inbox, 0, both), 1);
	assert_int_equal(inbox_count_matching(post->inbox, 0, without + 2), 2);
	assert_null(inbox_at(post->inbox, 2));
}

#define POST_TEST(name) cmocka_unit_test_setup_teardown(name, post_setup, post_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POST_TEST(test_plain_fields),
		POST_TEST(test_value_with_a_line_break),
		POST_TEST(test_nonsense_is_dropped),
		POST_TEST(test_large_entry_comes_as_a_memfd),
		POST_TEST(test_notification),
		POST_TEST(test_matching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
