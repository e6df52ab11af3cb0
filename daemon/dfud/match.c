/* SPDX-License-Identifier: MIT */
/*
 * The policy of who gets what, written out long on purpose, each rule a function.
 *
 *   1. Profiles whose written File= matches the file come first; only if there is none, profiles
 *      without File=; of these, written ones before shipped ones.
 *   2. A file or a device id that any written profile names is never served by a shipped one.
 *   3. A void profile holds the devices that it means: they fall to no other.
 *   4. Two written profiles for one pair: nothing is flashed.
 *   5. Two files for one board, or two boards for one file: nothing is flashed, unless the profile
 *      lines files up (Order=oldest).
 *   6. A board on a port that [Ports] Allow= does not name is never flashed, and no rival of
 *      others.
 *   7. A backup goes only to boards that a profile under which it was saved means, whatever its
 *      File=; where there is no profile of that name any more, or where it was a shipped one and
 *      rule 2 holds for the board now, it is a file like any.
 */
#include "dfud/match.h"

#include <assert.h>
#include <string.h>

#include "dfud/serial.h"
#include "record/backup.h"

/* The profile for a pair, or why there is none. */
struct match_pair {
	const struct profile *profile, *other;
	const struct profile *closest;
	enum profile_key missed;
	bool is_void, two;
};

static bool match_is_written(const struct profile *p)
{
	return p->origin == PROFILE_WRITTEN;
}

/* Rule 2: somebody wrote this file's name down. */
static bool match_file_is_named(const struct match_input *in, const char *name)
{
	for (size_t i = 0; i < in->n_profiles; i++) {
		const struct profile *p = in->profiles[i];

		if (match_is_written(p) && profile_names_files(p) &&
			profile_matches_file(p, name)) {
			return true;
		}
	}
	return false;
}

/* Rule 2: somebody wrote this device's id down. */
static bool match_id_is_named(const struct match_input *in, const struct profile_device *device)
{
	for (size_t i = 0; i < in->n_profiles; i++) {
		const struct profile *p = in->profiles[i];

		if (match_is_written(p) && profile_names_id(p, device->vendor, device->product)) {
			return true;
		}
	}
	return false;
}

/* The void profile that means this device, if any (rule 3). */
static const struct profile *match_void(
	const struct match_input *in, const struct profile_device *device)
{
	for (size_t i = 0; i < in->n_profiles; i++) {
		const struct profile *p = in->profiles[i];

		if (p->is_void && profile_misses_device(p, device) == PROFILE_KEY_NONE) {
			return p;
		}
	}
	return NULL;
}

/* Whether a profile may serve a file at all (rules 1 and 2). */
static bool match_serves_file(const struct profile *p, const char *name, bool file_is_named)
{
	if (file_is_named) {
		return match_is_written(p) && profile_names_files(p) &&
		       profile_matches_file(p, name);
	}
	return !profile_names_files(p) || (!match_is_written(p) && profile_matches_file(p, name));
}

/* A profile that names files came near the pair: how near. */
static void match_note_miss(
	struct match_pair *pair, const struct profile *p, enum profile_key missed)
{
	if (profile_names_files(p) && missed > pair->missed) {
		pair->closest = p;
		pair->missed = missed;
	}
}

/* Takes a profile that fits; written ones push shipped ones aside. */
static void match_take(struct match_pair *pair, const struct profile *p)
{
	if (pair->profile == NULL || (match_is_written(p) && !match_is_written(pair->profile))) {
		pair->profile = p;
		pair->two = false;
		return;
	}
	if (match_is_written(p) == match_is_written(pair->profile)) {
		pair->other = p;
		pair->two = true;
	}
}

/*
 * Rule 7: a backup and a board, under a profile that saved it, of those that are still there. False
 * where none is.
 */
static bool match_pair_of_backup(const struct match_input *in, const struct profile_device *device,
	const char *saved_by, bool id_is_named, struct match_pair *pair)
{
	bool is_saved = false;

	for (size_t i = 0; saved_by != NULL && i < in->n_profiles; i++) {
		const struct profile *p = in->profiles[i];
		const enum profile_key missed = profile_misses_device(p, device);

		if (!backup_is_of_profile(saved_by, p->name) ||
			(!match_is_written(p) && id_is_named)) {
			continue;
		}
		is_saved = true;
		if (missed == PROFILE_KEY_NONE && !p->is_void) {
			match_take(pair, p);
		} else if (missed > pair->missed) {
			pair->closest = p;
			pair->missed = missed;
		}
	}
	return is_saved;
}

static struct match_pair match_pair_of(const struct match_input *in,
	const struct profile_device *device, const struct match_job *job)
{
	const char *name = job->name;
	struct match_pair pair = {.missed = PROFILE_KEY_NONE};
	const bool file_is_named = match_file_is_named(in, name);
	const bool id_is_named = match_id_is_named(in, device);

	if (match_pair_of_backup(in, device, job->saved_by, id_is_named, &pair)) {
		return pair;
	}
	for (size_t i = 0; i < in->n_profiles; i++) {
		const struct profile *p = in->profiles[i];
		const enum profile_key missed = profile_misses_device(p, device);

		if (!match_serves_file(p, name, file_is_named)) {
			if (missed == PROFILE_KEY_NONE && !profile_matches_file(p, name)) {
				match_note_miss(&pair, p, PROFILE_KEY_FILE);
			}
		} else if (missed != PROFILE_KEY_NONE) {
			match_note_miss(&pair, p, missed);
		} else if (!p->is_void && (match_is_written(p) || !id_is_named)) {
			match_take(&pair, p);
		}
	}
	return pair;
}

static bool match_may(const struct match_input *in, size_t board, size_t job)
{
	const struct match_board *b = &in->boards[board];

	return b->open && !b->busy && !b->forbidden && in->jobs[job].open &&
	       (in->may == NULL || in->may(in->user, board, job));
}

/* Whether a pair would be flashed if nothing else were there. */
static bool match_would_flash(const struct match_input *in, size_t board, size_t job)
{
	const struct profile_device *device = &in->boards[board].device;

	return match_may(in, board, job) && match_void(in, device) == NULL &&
	       match_pair_of(in, device, &in->jobs[job]).profile != NULL;
}

/* Rule 5, seen from the file. */
static size_t match_other_board(const struct match_input *in, size_t board, size_t job)
{
	for (size_t i = 0; i < in->n_boards; i++) {
		if (i != board && match_would_flash(in, i, job)) {
			return i;
		}
	}
	return MATCH_NONE;
}

/* No profile means the board: says how near the nearest one came. Or one waits for a file. */
static void match_explain(const struct match_input *in, size_t board, struct match *ret)
{
	const struct profile_device *device = &in->boards[board].device;
	const bool id_is_named = match_id_is_named(in, device);

	ret->kind = MATCH_UNMATCHED;
	for (size_t i = 0; i < in->n_profiles; i++) {
		const struct profile *p = in->profiles[i];
		const enum profile_key missed = profile_misses_device(p, device);

		if (id_is_named && !match_is_written(p)) {
			continue;
		}
		if (missed == PROFILE_KEY_NONE) {
			ret->kind = MATCH_WAITING;
			ret->profile = p;
			ret->missed = PROFILE_KEY_NONE;
			return;
		}
		if (missed > ret->missed) {
			ret->missed = missed;
			ret->profile = p;
		}
	}
}

static bool match_is_older(const struct match_input *in, size_t job, size_t than)
{
	return in->jobs[job].arrived_us < in->jobs[than].arrived_us;
}

/* A second file for the board: the older one, where the profile lines them up; else a choice. */
static void match_add_job(
	const struct match_input *in, size_t job, const struct match_pair *pair, struct match *ret)
{
	if (ret->job == MATCH_NONE) {
		ret->kind = MATCH_FLASH;
		ret->job = job;
		ret->profile = pair->profile;
		return;
	}
	if (ret->profile == pair->profile && pair->profile->oldest_first) {
		if (match_is_older(in, job, ret->job)) {
			ret->job = job;
		}
		return;
	}
	ret->kind = MATCH_TWO_FILES;
	ret->other_job = job;
}

/* Files are there, but none for the board: who came closest to one of them. */
static void match_explain_files(
	const struct match_input *in, const struct match_board *b, size_t board, struct match *ret)
{
	for (size_t i = 0; i < in->n_jobs; i++) {
		struct match_pair pair;

		if (!in->jobs[i].open) {
			continue;
		}
		ret->kind = MATCH_NO_FILE_MEANT;
		if (!match_may(in, board, i)) {
			continue;
		}
		pair = match_pair_of(in, &b->device, &in->jobs[i]);
		if (pair.missed > ret->missed) {
			ret->other_profile = pair.closest;
			ret->missed = pair.missed;
		}
	}
}

/*
 * A void profile of which nobody can read what it names: the board or its file may be meant, and
 * that is why no shipped profile serves them (rules 2 and 3).
 */
static const struct profile *match_doubt(const struct match_input *in, bool files)
{
	for (size_t i = 0; i < in->n_profiles; i++) {
		const struct profile *p = in->profiles[i];

		if (match_is_written(p) && (p->doubtful_ids || (files && p->doubtful_files))) {
			return p;
		}
	}
	return NULL;
}

/* No file is for the board: why. */
static void match_tell_why(const struct match_input *in, size_t board, struct match *ret)
{
	const struct match_board *b = &in->boards[board];
	const struct profile *doubt;

	match_explain(in, board, ret);
	if (ret->kind == MATCH_WAITING) {
		match_explain_files(in, b, board, ret);
	}
	doubt = match_doubt(in, ret->kind == MATCH_NO_FILE_MEANT);
	if (ret->kind != MATCH_WAITING && doubt != NULL) {
		*ret = (struct match){.kind = MATCH_CONFIG,
			.profile = doubt,
			.job = MATCH_NONE,
			.other_job = MATCH_NONE,
			.other_board = MATCH_NONE};
	}
}

void match_judge(const struct match_input *in, size_t board, struct match *ret)
{
	const struct match_board *b = &in->boards[board];

	assert(board < in->n_boards);
	*ret = (struct match){
		.job = MATCH_NONE, .other_job = MATCH_NONE, .other_board = MATCH_NONE};
	if (!b->open || b->busy) {
		ret->kind = MATCH_CLOSED;
		return;
	}
	if (b->forbidden) {
		ret->kind = MATCH_PORT_NOT_ALLOWED;
		return;
	}
	ret->profile = match_void(in, &b->device);
	if (ret->profile != NULL) {
		ret->kind = MATCH_CONFIG;
		return;
	}
	for (size_t i = 0; i < in->n_jobs; i++) {
		struct match_pair pair;

		if (!match_may(in, board, i)) {
			continue;
		}
		pair = match_pair_of(in, &b->device, &in->jobs[i]);
		if (pair.profile != NULL && pair.two) {
			*ret = (struct match){.kind = MATCH_TWO_PROFILES,
				.profile = pair.profile,
				.other_profile = pair.other,
				.job = i,
				.other_job = MATCH_NONE,
				.other_board = MATCH_NONE};
			return;
		}
		if (pair.profile != NULL) {
			match_add_job(in, i, &pair, ret);
		}
	}
	if (ret->job == MATCH_NONE) {
		match_tell_why(in, board, ret);
		return;
	}
	ret->other_board = match_other_board(in, board, ret->job);
	if (ret->kind == MATCH_FLASH && ret->other_board != MATCH_NONE) {
		ret->kind = MATCH_TWO_BOARDS;
	}
}

static bool match_is_one(const struct strings *globs)
{
	return globs->n == 1 && strpbrk(globs->items[0], "*?[\\") == NULL;
}

bool match_could_be_another(const struct profile *profile)
{
	if (match_is_one(&profile->serials) && !serial_is_shared(profile->serials.items[0])) {
		return false;
	}
	return !match_is_one(&profile->ports) && !match_is_one(&profile->paths);
}

const char *match_kind_to_string(enum match_kind kind)
{
	static const char *const names[_MATCH_KIND_MAX] = {
		[MATCH_CLOSED] = "closed",
		[MATCH_UNMATCHED] = "unmatched",
		[MATCH_WAITING] = "waiting",
		[MATCH_NO_FILE_MEANT] = "no-file-meant",
		[MATCH_FLASH] = "flash",
		[MATCH_TWO_FILES] = "two-files",
		[MATCH_TWO_BOARDS] = "two-boards",
		[MATCH_TWO_PROFILES] = "two-profiles",
		[MATCH_CONFIG] = "config",
		[MATCH_PORT_NOT_ALLOWED] = "port-not-allowed",
	};

	assert(kind >= 0 && kind < _MATCH_KIND_MAX);
	return names[kind];
}
