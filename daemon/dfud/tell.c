/* SPDX-License-Identifier: MIT */
/*
 * The sentences. Each is complete by itself for someone who reads nothing else, in plain words:
 * what happened, and where something is wrong, what to do.
 */
#include "dfud/tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "dfud/journal.h"
#include "dfud/serial.h"
#include "record/backup.h"
#include "record/fields.h"

#define TELL_SHOWN 64

void tell_set_file(struct tell *t, const char *file)
{
	snprintf(t->file, sizeof(t->file), "%s", file);
	fields_show(file, t->shown, TELL_SHOWN);
}

static void tell_begin(
	struct journal_line *line, const struct tell *t, enum journal_event event, int priority)
{
	journal_begin(line, event, priority);
	journal_add(line, "ATTEMPT", "%s", t->id);
	journal_add(line, "PROFILE", "%s", t->profile);
	journal_add(line, "PORT", "%s", t->port);
	journal_add(line, "PATH", "%s", t->path);
	journal_add(line, "USB_ID", "%s", t->usb_id);
	journal_add(line, "USB_SERIAL", "%s", t->serial);
	journal_add(line, "FILE", "%s", t->file);
	journal_add(line, "SHA256", "%s", t->sha256);
	journal_add(line, "BACKUP", "%s", t->backup);
	if (t->size > 0) {
		journal_add(line, "SIZE", "%" PRIu64, t->size);
	}
	if (t->owner != (uid_t)-1) {
		journal_add(line, "QUEUED_BY_UID", "%u", (unsigned)t->owner);
	}
}

static void tell_add_address(struct journal_line *line, const struct attempt *a)
{
	if (a->plan.address != 0) {
		journal_add(line, "ADDRESS", "0x%08" PRIx32, a->plan.address);
	}
}

void tell_appeared(const struct tell *t)
{
	struct journal_line line;

	tell_begin(&line, t, EVENT_APPEARED, LOG_INFO);
	if (t->profile[0] != '\0') {
		journal_say(
			&line, "%s: %s on port %s is in DFU mode", t->label, t->usb_id, t->port);
	} else {
		journal_say(&line, "%s on port %s is in DFU mode", t->usb_id, t->port);
	}
}

/* Places and serials tell boards apart, as far as they are there and not shared by many. */
static bool tell_is_other_board(const struct tell *t, const struct backup *b)
{
	const bool moved = b->path[0] && t->path[0] && strcmp(b->path, t->path) != 0;
	const bool named = b->serial[0] && t->serial[0] && !serial_is_shared(b->serial);

	return named ? strcmp(b->serial, t->serial) != 0 : moved;
}

void tell_origin(const struct tell *t, const struct backup *b)
{
	struct journal_line line;
	char port[68], serial[68];

	if (!tell_is_other_board(t, b)) {
		return;
	}
	fields_show(b->port, port, TELL_SHOWN);
	fields_show(b->serial, serial, TELL_SHOWN);
	tell_begin(&line, t, EVENT_CHECKED, LOG_WARNING);
	journal_say(&line,
		"%s: backup %.8s is of a board that was on port %s%s%s%s, and this is another one "
		"or another place",
		t->label, b->sha256, port, serial[0] ? " (serial number \"" : "", serial,
		serial[0] ? "\")" : "");
}

/* What is probably wrong, and was not certain enough to refuse the file: a line each. */
static void tell_warnings(const struct tell *t, const struct attempt *a)
{
	for (size_t i = 0; i < a->findings.n; i++) {
		const struct finding *f = &a->findings.items[i];
		struct journal_line line;

		if (f->result != FINDING_WARNING) {
			continue;
		}
		tell_begin(&line, t, EVENT_CHECKED, LOG_WARNING);
		tell_add_address(&line, a);
		journal_say(&line, "%s: %s%s%s", t->label,
			f->topic == FINDING_ADDRESS ? t->shown : "",
			f->topic == FINDING_ADDRESS ? " goes to " : "", f->text);
	}
}

static bool tell_is_linked_there(const struct attempt *a)
{
	return strcmp(a->image.certainty, "certain") == 0 && a->image.link == a->plan.address;
}

void tell_checked(const struct tell *t, const struct attempt *a)
{
	struct journal_line line;
	const char *unverifiable =
		a->plan.unverifiable ? "; this board cannot be read, so nothing can be verified"
				     : "";
	char layout[68];

	fields_show(a->plan.layout, layout, TELL_SHOWN);
	tell_begin(&line, t, EVENT_CHECKED, LOG_INFO);
	tell_add_address(&line, a);
	if (a->plan.cold_start) {
		journal_say(&line,
			"%s: status \"firmware is corrupt\" is how this ROM starts; it says "
			"nothing about the flash%s",
			t->label, unverifiable);
	} else {
		journal_say(&line, "%s: %s fits the board: 0x%08" PRIx32 " in \"%s\"%s%s", t->label,
			t->shown, a->plan.address, layout,
			tell_is_linked_there(a) ? ", where it was linked" : "", unverifiable);
	}
	if (a->plan.from_image) {
		tell_begin(&line, t, EVENT_CHECKED, LOG_INFO);
		tell_add_address(&line, a);
		journal_say(&line,
			"%s: %s goes to 0x%08" PRIx32
			", where it was linked for certain: no address is set",
			t->label, t->shown, a->plan.address);
	}
	tell_warnings(t, a);
}

void tell_saved(const struct tell *t, const struct attempt *a)
{
	struct journal_line line;

	tell_begin(&line, t, EVENT_SAVED, LOG_INFO);
	tell_add_address(&line, a);
	journal_say(&line,
		"%s: saved %" PRIu64 " bytes as backup %.8s; restore with: dfud-flash --restore "
		"%.8s",
		t->label, a->plan.saved_size, t->backup, t->backup);
}

static void tell_about_image(const struct attempt *a, char *ret, size_t size)
{
	const struct message *m = &a->image;
	char about[68] = "";
	char linked[48] = "";

	fields_show(m->about, about, TELL_SHOWN);
	if (strcmp(m->certainty, "certain") == 0) {
		snprintf(linked, sizeof(linked), ", linked for 0x%08" PRIx32, m->link);
	} else if (strcmp(m->certainty, "likely") == 0) {
		snprintf(linked, sizeof(linked), ", probably linked for 0x%08" PRIx32, m->link);
	} else {
		snprintf(linked, sizeof(linked), ", link address unknown");
	}
	snprintf(
		ret, size, "%" PRIu64 " bytes%s%s%s", m->size, linked, about[0] ? ", " : "", about);
}

void tell_flashing(const struct tell *t, const struct attempt *a, const char *command)
{
	struct journal_line line;
	char about[256];

	tell_about_image(a, about, sizeof(about));
	tell_begin(&line, t, EVENT_FLASHING, LOG_INFO);
	tell_add_address(&line, a);
	journal_add(&line, "COMMAND", "%s", command);
	if (a->plan.unchanged) {
		journal_say(&line, "%s: %s (%s) is on the board already: nothing to erase",
			t->label, t->shown, about);
		return;
	}
	journal_say(&line, "%s: flashing %s (%s): %" PRIu64 " of %" PRIu64 " sectors to erase",
		t->label, t->shown, about, a->plan.sectors_erase, a->plan.sectors);
}

static void tell_add_work(struct journal_line *line, const struct attempt *a)
{
	const struct message *m = &a->outcome;

	journal_add(line, "FLASH", "%s", flash_state_to_string(a->flash));
	journal_add(line, "BYTES_ERASED", "%" PRIu64, m->bytes_erased);
	journal_add(line, "BYTES_WRITTEN", "%" PRIu64, m->bytes_written);
	journal_add(line, "ERASE_MS", "%" PRIu64, m->erase_ms);
	journal_add(line, "WRITE_MS", "%" PRIu64, m->write_ms);
	journal_add(line, "VERIFY_MS", "%" PRIu64, m->verify_ms);
}

void tell_erased(const struct tell *t, const struct attempt *a)
{
	struct journal_line line;

	tell_begin(&line, t, EVENT_ERASED, LOG_DEBUG);
	journal_add(&line, "BYTES_ERASED", "%" PRIu64, a->outcome.bytes_erased);
	journal_add(&line, "ERASE_MS", "%" PRIu64, a->outcome.erase_ms);
	journal_say(&line, "%s: %" PRIu64 " sectors erased in %.1f s, %" PRIu64 " bytes written",
		t->label, a->outcome.sectors_erased, (double)a->outcome.erase_ms / 1000,
		a->outcome.bytes_written);
}

void tell_flashed(const struct tell *t, const struct attempt *a)
{
	const struct message *m = &a->outcome;
	const double seconds = (double)(m->erase_ms + m->write_ms + m->verify_ms) / 1000;
	struct journal_line line;

	tell_begin(&line, t, EVENT_FLASHED, LOG_INFO);
	tell_add_address(&line, a);
	journal_add(&line, "VERIFIED", "%s", a->verified ? "read-back" : "no");
	tell_add_work(&line, a);
	if (a->plan.unchanged) {
		journal_say(
			&line, "%s: %s verified: the board held it already", t->label, t->shown);
		return;
	}
	journal_say(&line,
		"%s: %s written%s: %" PRIu64 " sectors erased, %" PRIu64 " bytes written in %.1f s",
		t->label, t->shown, a->verified ? " and verified" : ", not verified",
		m->sectors_erased, m->bytes_written, seconds);
}

/* A board that has a boot loader is told to start there, as a reset would. */
static bool tell_leaves_to_base(const struct attempt *a)
{
	return a->plan.leave != 0 && a->plan.leave != a->plan.address;
}

void tell_leaving(const struct tell *t, const struct attempt *a)
{
	struct journal_line line;
	char to[64] = "";

	if (tell_leaves_to_base(a)) {
		snprintf(to, sizeof(to), " to 0x%08" PRIx32 ", where a reset starts it,",
			a->plan.leave);
	}
	tell_begin(&line, t, EVENT_LEAVING, LOG_INFO);
	tell_add_address(&line, a);
	if (a->outcome.leave_answered) {
		journal_say(&line, "%s: told to leave DFU mode%s and it answered", t->label,
			to[0] ? to : ",");
	} else {
		journal_say(&line, "%s: left DFU mode%s without an answer, as this ROM does",
			t->label, to);
	}
}

/* How long after the leave it was back. */
static double tell_return_seconds(const struct attempt *a)
{
	return a->back_us > a->left_us ? (double)(a->back_us - a->left_us) / 1e6 : 0;
}

static const char *tell_flash_words(enum flash_state flash)
{
	switch (flash) {
	case FLASH_UNTOUCHED:
		return "nothing on the board was changed";
	case FLASH_UNCHANGED:
		return "the board holds the file, as before";
	case FLASH_ERASED:
		return "the board is erased and holds no program";
	case FLASH_PARTLY:
		return "the board holds no whole program and must be flashed again";
	case FLASH_WRITTEN:
		return "the file is on the board";
	case _FLASH_MAX:
	case _FLASH_INVALID:
		break;
	}
	return "what is on the board is not known";
}

static void tell_back(const struct tell *t, const struct attempt *a, char *ret, size_t size)
{
	char name[68] = "";

	fields_show(a->device.name, name, TELL_SHOWN);
	snprintf(ret, size, "back as %s%s%s%s on port %s after %.1f s%s%s", a->device.id,
		name[0] ? " \"" : "", name, name[0] ? "\"" : "", t->port, tell_return_seconds(a),
		a->tty[0] ? ": " : "", a->tty);
}

/* It runs now, and only because it was told to start there; "" where that is not so. */
static const char *tell_stranded(const struct attempt *a)
{
	if (strcmp(a->plan.base, MESSAGE_BASE_NO_TABLE) == 0) {
		return "But it will not start after a power cycle: what lies at the start of its "
		       "flash now does not begin with a vector table. Was this the right file?";
	}
	if (strcmp(a->plan.base, MESSAGE_BASE_NOTHING) == 0) {
		return "But it will not start after a power cycle: nothing that starts lies at the "
		       "start of its flash; put a boot loader there, or build for that address.";
	}
	if (strcmp(a->plan.base, MESSAGE_BASE_OTHER) == 0) {
		return "But after a power cycle another program starts, which lies at the start of "
		       "its flash; put a boot loader there, or build for that address.";
	}
	return "";
}

/* What came back may be what a reset starts, and nothing says how the file would look. */
static bool tell_is_in_doubt(const struct attempt *a)
{
	return tell_leaves_to_base(a) && !a->options.expects_identity && !a->options.stays;
}

static const char *tell_doubt(const struct attempt *a)
{
	return tell_is_in_doubt(a)
		       ? "It is what a reset starts; whether the file runs is not known, because "
			 "nothing says which USB identity it has: name it, Id= in [Return]."
		       : "";
}

/*
 * Whether the board starts the file after a power cycle: "yes" where that way was just gone, "no"
 * where nothing leads to it, "" where it is not certain.
 */
static const char *tell_cold_boot(const struct attempt *a)
{
	const bool from_base =
		strcmp(a->plan.base, MESSAGE_BASE_IMAGE) == 0 || tell_leaves_to_base(a);

	if (verdict_is_flashed(a->verdict) && tell_stranded(a)[0] != '\0') {
		return "no";
	}
	if (strcmp(a->plan.base, MESSAGE_BASE_IMAGE) == 0 && a->verdict == VERDICT_NOT_EXPECTED &&
		!a->options.stays) {
		return "yes"; /* it left the bus, as a program without USB does */
	}
	return from_base && a->back == RETURN_AS_EXPECTED && !tell_is_in_doubt(a) ? "yes" : "";
}

/* Back, and how well. */
static void tell_returned(const struct attempt *a, const char *back, char *ret, size_t size)
{
	const bool unverified = a->checked_by == VERIFIED_NO;
	const char *but = tell_stranded(a)[0] ? tell_stranded(a) : tell_doubt(a);

	snprintf(ret, size, "%s. %s%s%s", back,
		unverified ? "What it holds could not be verified." : "",
		unverified && but[0] ? " " : "",
		but[0]	     ? but
		: unverified ? ""
			     : "All is well.");
}

void tell_verdict_text(const struct tell *t, const struct attempt *a, char *ret, size_t size)
{
	char back[640];
	char worker[640];
	const char *verified = a->checked_by == VERIFIED_NO ? "written, not verified" : "verified";
	const char *stranded = tell_stranded(a);

	fields_clean(a->text, worker, sizeof(worker));
	tell_back(t, a, back, sizeof(back));
	switch (a->verdict) {
	case VERDICT_RETURNED:
		tell_returned(a, back, ret, size);
		return;
	case VERDICT_UNCHANGED:
		snprintf(ret, size, "%s. It held %s already: nothing was erased.%s%s", back,
			t->shown, stranded[0] ? " " : "", stranded);
		return;
	case VERDICT_NOT_EXPECTED:
		if (a->options.stays) {
			snprintf(ret, size,
				"%s is %s; the board stays in DFU mode, as Leave=no asks for",
				t->shown, verified);
			return;
		}
		snprintf(ret, size,
			"%s is %s and the board is off the bus; nothing is expected to come back",
			t->shown, verified);
		return;
	case VERDICT_RETURNED_OTHER:
		snprintf(ret, size,
			"%s, which is not the identity that was expected; %s is %s. Is it the "
			"right file, or Id= in [Return] wrong?",
			back, t->shown, verified);
		return;
	case VERDICT_BACK_IN_DFU:
		snprintf(ret, size,
			"%s is %s, but the board is in DFU mode again after %.1f s: the boot pins "
			"hold it there (take the BOOT0 jumper off and reset), or %s at "
			"0x%08" PRIx32,
			t->shown, verified, tell_return_seconds(a),
			tell_leaves_to_base(a) ? "the file is not run by what a reset starts"
					       : "the program does not start",
			tell_leaves_to_base(a) ? a->plan.leave : a->plan.address);
		return;
	case VERDICT_NOT_ENUMERATING:
		snprintf(ret, size,
			"%s is %s and runs, but its USB does not work: is the program built for "
			"this board's crystal?",
			t->shown, verified);
		return;
	case VERDICT_GONE:
		if (a->unseen[0] != '\0') {
			snprintf(ret, size, "%s is %s and the board left DFU mode; %s", t->shown,
				verified, a->unseen);
			return;
		}
		snprintf(ret, size,
			"%s is %s and the board left DFU mode, but %s within %.0f s: reset it or "
			"cut its power once; if it stays away, the program does not run or has no "
			"USB",
			t->shown, verified,
			a->flaps > 0 ? "it comes and goes" : "nothing came back",
			(double)a->options.within_ms / 1000);
		return;
	case VERDICT_STAYED:
		snprintf(ret, size,
			"%s is %s, but the board did not leave DFU mode: reset it or cut its power",
			t->shown, verified);
		return;
	case VERDICT_REFUSED:
		snprintf(ret, size, "refused, nothing was erased: %s",
			worker[0] ? worker : reason_to_string(a->reason));
		return;
	case VERDICT_FAILED:
		snprintf(ret, size, "failed: %s; %s",
			worker[0] ? worker : reason_to_string(a->reason),
			tell_flash_words(a->flash));
		return;
	case VERDICT_INTERRUPTED:
		snprintf(ret, size, "interrupted while flashing %s%s%s; %s", t->shown,
			worker[0] ? ": " : "", worker, tell_flash_words(a->flash));
		return;
	case VERDICT_CANCELLED:
		snprintf(ret, size, "cancelled before anything was erased%s%s",
			worker[0] ? ": " : "", worker);
		return;
	case _VERDICT_MAX:
	case _VERDICT_INVALID:
		break;
	}
	snprintf(ret, size, "ended without a verdict");
}

static void tell_add_return(
	struct journal_line *line, const struct tell *t, const struct attempt *a)
{
	if (a->back_us == 0 || !a->has_device) {
		return;
	}
	journal_add(line, "RETURN_ID", "%s", a->device.id);
	journal_add(line, "RETURN_PORT", "%s", t->port);
	journal_add(line, "TTY", "%s", a->tty);
	journal_add(line, "RETURN_MS", "%" PRIu64, (a->back_us - a->left_us) / 1000);
}

void tell_verdict(const struct tell *t, const struct attempt *a, uint64_t total_us)
{
	struct journal_line line;
	char text[1200];

	tell_begin(&line, t, EVENT_VERDICT, LOG_ERR);
	journal_add_reason(&line, a->reason);
	journal_add_verdict(&line, a->verdict);
	tell_add_address(&line, a);
	journal_add(&line, "END", "%s", attempt_end_to_string(a->end));
	journal_add(&line, "RETURN", "%s", return_kind_to_string(a->back));
	journal_add(&line, "VERIFIED", "%s", verified_by_to_string(a->checked_by));
	journal_add(&line, "PHASE", "%s", a->has_outcome ? a->outcome.phase : "");
	journal_add(&line, "COLD_BOOT", "%s", tell_cold_boot(a));
	tell_add_work(&line, a);
	tell_add_return(&line, t, a);
	journal_add(&line, "TOTAL_MS", "%" PRIu64, total_us / 1000);
	tell_verdict_text(t, a, text, sizeof(text));
	journal_say(&line, "%s: %s", t->label, text);
}
