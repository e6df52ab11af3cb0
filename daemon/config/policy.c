/* SPDX-License-Identifier: MIT */
/* Words and what they stand for; nothing else is a word. */
#include "config/policy.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const char *const backup_policies[_BACKUP_POLICY_MAX] = {
	[BACKUP_YES] = "yes",
	[BACKUP_REQUIRED] = "required",
	[BACKUP_NO] = "no",
	[BACKUP_WHOLE] = "whole",
};

static const char *const leave_policies[_LEAVE_POLICY_MAX] = {
	[LEAVE_AUTO] = "auto",
	[LEAVE_IMAGE] = "image",
	[LEAVE_BASE] = "base",
	[LEAVE_NO] = "no",
};

/* -1 for a word that is none of them. */
static int policy_find(const char *const *words, int n, const char *text)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], text) == 0) {
			return i;
		}
	}
	return -1;
}

const char *backup_policy_to_string(enum backup_policy policy)
{
	assert(policy >= 0 && policy < _BACKUP_POLICY_MAX);
	return backup_policies[policy];
}

enum backup_policy backup_policy_from_string(const char *text)
{
	return (enum backup_policy)policy_find(backup_policies, _BACKUP_POLICY_MAX, text);
}

const char *leave_policy_to_string(enum leave_policy policy)
{
	assert(policy >= 0 && policy < _LEAVE_POLICY_MAX);
	return leave_policies[policy];
}

enum leave_policy leave_policy_from_string(const char *text)
{
	return (enum leave_policy)policy_find(leave_policies, _LEAVE_POLICY_MAX, text);
}
