/* SPDX-License-Identifier: MIT */
/* What a worker saved becomes a backup, with a note of what is known of it. */
#include "dfud/keep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dfud/daemon.h"
#include "dfud/tell.h"
#include "dfud/vault.h"

void keep_note(struct backup *ret, const struct tell *t, const struct message *plan)
{
	*ret = (struct backup)BACKUP_INIT;
	ret->address = plan->saved_address;
	ret->alternate = plan->alternate;
	ret->size = plan->saved_size;
	ret->when_us = daemon_realtime_us();
	snprintf(ret->usb_id, sizeof(ret->usb_id), "%s", t->usb_id);
	snprintf(ret->serial, sizeof(ret->serial), "%s", t->serial);
	snprintf(ret->port, sizeof(ret->port), "%s", t->port);
	snprintf(ret->path, sizeof(ret->path), "%s", t->path);
	snprintf(ret->profile, sizeof(ret->profile), "%s", t->profile);
	snprintf(ret->layout, sizeof(ret->layout), "%s", plan->map);
	snprintf(ret->found, sizeof(ret->found), "%s", plan->saved);
	snprintf(ret->attempt, sizeof(ret->attempt), "%s", t->id);
	snprintf(ret->file, sizeof(ret->file), "%s", t->file);
}

enum reason keep_backup(
	int vault, int from, const char *name, struct backup *note, char *text, size_t size)
{
	const int r = vault_keep(vault, from, name, note);

	switch (r) {
	case 0:
		return REASON_NONE;
	case -EBADMSG:
		snprintf(text, size,
			"what was saved of the board is not on the disk as it was read; is the "
			"disk in order?");
		return REASON_NO_BACKUP;
	case -EPROTONOSUPPORT:
		snprintf(text, size,
			"the folder of backups holds these bytes with a note of a newer dfud; use "
			"that one");
		return REASON_NO_BACKUP;
	default:
		snprintf(
			text, size, "what was saved of the board cannot be kept: %s", strerror(-r));
		return REASON_NO_SPACE;
	}
}
