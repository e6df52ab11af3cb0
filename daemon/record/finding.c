/* SPDX-License-Identifier: MIT */
/* The words of a plan's lines. */
#include "record/finding.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const char *const finding_topics[_FINDING_TOPIC_MAX] = {
	[FINDING_BOARD] = "board",
	[FINDING_FILE] = "file",
	[FINDING_ADDRESS] = "address",
	[FINDING_CHIP] = "chip",
	[FINDING_MEMORY] = "memory",
	[FINDING_PROTECT] = "protect",
	[FINDING_BOOTLOADER] = "bootloader",
	[FINDING_START] = "start",
	[FINDING_SAVE] = "save",
	[FINDING_ERASE] = "erase",
	[FINDING_WRITE] = "write",
	[FINDING_KEEP] = "keep",
	[FINDING_LEAVE] = "leave",
};

static const char *const finding_results[_FINDING_RESULT_MAX] = {
	[FINDING_GOOD] = "good",
	[FINDING_WARNING] = "warning",
	[FINDING_UNKNOWN] = "unknown",
	[FINDING_REFUSED] = "refused",
	[FINDING_PLAN] = "plan",
};

/* -1 for a word that is none of them. */
static int finding_find(const char *const *words, int n, const char *text)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], text) == 0) {
			return i;
		}
	}
	return -1;
}

const char *finding_topic_to_string(enum finding_topic topic)
{
	assert(topic >= 0 && topic < _FINDING_TOPIC_MAX);
	return finding_topics[topic];
}

enum finding_topic finding_topic_from_string(const char *text)
{
	return (enum finding_topic)finding_find(finding_topics, _FINDING_TOPIC_MAX, text);
}

const char *finding_result_to_string(enum finding_result result)
{
	assert(result >= 0 && result < _FINDING_RESULT_MAX);
	return finding_results[result];
}

enum finding_result finding_result_from_string(const char *text)
{
	return (enum finding_result)finding_find(finding_results, _FINDING_RESULT_MAX, text);
}
