/* SPDX-License-Identifier: MIT */
/*
 * The quota of the folder of backups.
 *
 * What stays is what is in use and the newest of the others, as many in a row as fit: an older one
 * does not stay because it is small. The bytes go before their note, so that a cut in between
 * leaves a note without bytes, which goes later, and never bytes that nobody can put back.
 *
 * Invariants: only names of ours are removed, and of these no folder; with a name that is no
 * regular file nothing is done.
 */
#include "dfud/vault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dfud/folder.h"
#include "dfud/vault-name.h"

enum {
	VAULT_STRAY_S = 3600, /* until what may be on its way is a left-over */
};

struct vault_item {
	char digest[DIGEST_SIZE];
	uint64_t size;
	struct timespec time;
	bool in_use;
};

struct vault_items {
	struct vault_item *items;
	size_t n;
};

static void vault_items_done(struct vault_items *items)
{
	free(items->items);
	*items = (struct vault_items){0};
}

static bool vault_is_in_use(const char *digest, const char *const *keep, size_t n_keep)
{
	for (size_t i = 0; i < n_keep; i++) {
		if (strcmp(digest, keep[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool vault_item_read(struct vault_item *ret, int vault, const char *name)
{
	struct stat st;

	if (!vault_name_read(name, "", VAULT_BYTES, ret->digest) ||
		fstatat(vault, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode)) {
		return false;
	}
	ret->size = (uint64_t)st.st_size;
	ret->time = st.st_mtim;
	return true;
}

/* The newest first; of the same moment by digest, so that the choice is the same each time. */
static int vault_item_compare(const void *a, const void *b)
{
	const struct vault_item *x = a, *y = b;

	if (x->time.tv_sec != y->time.tv_sec) {
		return x->time.tv_sec < y->time.tv_sec ? 1 : -1;
	}
	if (x->time.tv_nsec != y->time.tv_nsec) {
		return x->time.tv_nsec < y->time.tv_nsec ? 1 : -1;
	}
	return strcmp(x->digest, y->digest);
}

static int vault_items_read(struct vault_items *ret, int vault, const struct folder_names *names)
{
	struct vault_item item = {0};

	ret->items = calloc(names->n_names + 1, sizeof(*ret->items));
	if (!ret->items) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < names->n_names; i++) {
		if (vault_item_read(&item, vault, names->names[i])) {
			ret->items[ret->n++] = item;
		}
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), vault_item_compare);
	return 0;
}

static void vault_remove(int vault, const char *digest)
{
	char name[VAULT_NAME_SIZE];

	vault_name_write(name, digest, VAULT_BYTES);
	if (unlinkat(vault, name, 0) < 0) {
		return;
	}
	vault_name_write(name, digest, VAULT_NOTE);
	(void)unlinkat(vault, name, 0);
}

/* What is left of both limits. */
struct vault_room {
	uint64_t size;
	size_t count;
};

static bool vault_room_take(struct vault_room *room, uint64_t size)
{
	if (room->count == 0 || size > room->size) {
		return false;
	}
	room->count--;
	room->size -= size;
	return true;
}

static void vault_remove_oldest(int vault, const struct vault_items *items, struct vault_room room)
{
	bool is_full = false;

	for (size_t i = 0; i < items->n; i++) {
		const struct vault_item *item = &items->items[i];

		if (item->in_use && !vault_room_take(&room, item->size)) {
			is_full = true;
		}
	}
	for (size_t i = 0; i < items->n; i++) {
		const struct vault_item *item = &items->items[i];

		if (item->in_use) {
			continue;
		}
		is_full = is_full || !vault_room_take(&room, item->size);
		if (is_full) {
			vault_remove(vault, item->digest);
		}
	}
}

/* A note without bytes, or a draft of one. */
static bool vault_is_stray(int vault, const char *name)
{
	char digest[DIGEST_SIZE], bytes[VAULT_NAME_SIZE];
	struct stat st;

	if (vault_name_read(name, ".", VAULT_DRAFT, digest)) {
		return true;
	}
	if (!vault_name_read(name, "", VAULT_NOTE, digest)) {
		return false;
	}
	vault_name_write(bytes, digest, VAULT_BYTES);
	return fstatat(vault, bytes, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

static void vault_remove_strays(int vault, const struct folder_names *names)
{
	const time_t now = time(NULL);
	struct stat st;

	for (size_t i = 0; i < names->n_names; i++) {
		const char *name = names->names[i];

		if (vault_is_stray(vault, name) &&
			fstatat(vault, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
			S_ISREG(st.st_mode) && now - VAULT_STRAY_S > st.st_mtim.tv_sec) {
			(void)unlinkat(vault, name, 0);
		}
	}
}

/* What cannot be listed or removed stays: the attempt goes on all the same. */
void vault_limit(
	int vault, uint64_t max_size, unsigned max_count, const char *const *keep, size_t n_keep)
{
	__attribute__((cleanup(folder_names_done))) struct folder_names names = FOLDER_NAMES_INIT;
	__attribute__((cleanup(vault_items_done))) struct vault_items items = {0};

	assert(vault >= 0);

	if (folder_names_read(&names, vault) < 0 || vault_items_read(&items, vault, &names) < 0) {
		return;
	}
	for (size_t i = 0; i < items.n; i++) {
		items.items[i].in_use = vault_is_in_use(items.items[i].digest, keep, n_keep);
	}
	vault_remove_oldest(vault, &items, (struct vault_room){max_size, max_count});
	vault_remove_strays(vault, &names);
}
