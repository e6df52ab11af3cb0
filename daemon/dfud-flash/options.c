/* SPDX-License-Identifier: MIT */
/* The command line of dfud-flash; dfud-flash(1). */
#include "dfud-flash/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

#define OPTIONS_USAGE	      64 /* EX_USAGE */
#define OPTIONS_DIGITS_MIN    8
#define OPTIONS_DIGITS_MAX    64
#define OPTIONS_WITHIN_MS     10000
#define OPTIONS_WITHIN_MAX_MS 3600000

static const char options_help[] =
	"dfud-flash [OPTIONS] [--port=PORT] FILE | --restore=SHA256\n"
	"\n"
	"Flashes one board that is in DFU mode, verifies it, and waits for its return. "
	"dfud-flash(1)\n"
	"\n"
	"  --port=PORT          the board's port, as --list shows it (1-1.2)\n"
	"  --address=ADDRESS    where the file goes; default: its link address, if that is "
	"certain\n"
	"  --protect=FIRST-LAST never erase or write these bytes; may be given again\n"
	"  --alternate=N        alternate setting, default 0 (internal flash)\n"
	"  --certain            flash only what certainly belongs there\n"
	"  --keep-bootloader    refuse to erase a boot loader\n"
	"  --backup=HOW         save first what will be erased: yes, required, whole or no\n"
	"  --backup-dir=FOLDER  where backups are\n"
	"  --restore=SHA256     flash a backup to where it came from\n"
	"  --leave=WHERE        where the board shall start: auto, image, base or no\n"
	"  --expect=ID|none     what comes back, 1d50:614e; may be given again\n"
	"  --within=SPAN        how long to wait for it, default 10s\n"
	"  --plan               say what would be done, touch nothing\n"
	"  --list               list the boards in DFU mode\n"
	"  --inspect            say what the file is, without a board\n"
	"  --help, --version\n"
	"\n"
	"Exit status: 0 returned, unchanged or nothing expected; 1 verified, but not back as "
	"expected;\n"
	"2 refused; 3 failed; 64 usage; 75 busy.\n";

enum options_letter {
	OPTIONS_PORT = 1,
	OPTIONS_ADDRESS,
	OPTIONS_PROTECT,
	OPTIONS_ALTERNATE,
	OPTIONS_CERTAIN,
	OPTIONS_KEEP_BOOTLOADER,
	OPTIONS_BACKUP,
	OPTIONS_BACKUP_DIR,
	OPTIONS_RESTORE,
	OPTIONS_LAYOUT,
	OPTIONS_LEAVE,
	OPTIONS_EXPECT,
	OPTIONS_WITHIN,
	OPTIONS_SAY_PLAN,
	OPTIONS_SAY_LIST,
	OPTIONS_SAY_INSPECT,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_IMAGE_FD,
	OPTIONS_CHANNEL_FD,
	OPTIONS_RECORD_FD,
	OPTIONS_BACKUP_FD,
};

static const struct option options_long[] = {
	{"port", required_argument, NULL, OPTIONS_PORT},
	{"address", required_argument, NULL, OPTIONS_ADDRESS},
	{"protect", required_argument, NULL, OPTIONS_PROTECT},
	{"alternate", required_argument, NULL, OPTIONS_ALTERNATE},
	{"certain", no_argument, NULL, OPTIONS_CERTAIN},
	{"keep-bootloader", no_argument, NULL, OPTIONS_KEEP_BOOTLOADER},
	{"backup", required_argument, NULL, OPTIONS_BACKUP},
	{"backup-dir", required_argument, NULL, OPTIONS_BACKUP_DIR},
	{"restore", required_argument, NULL, OPTIONS_RESTORE},
	{"layout", required_argument, NULL, OPTIONS_LAYOUT},
	{"leave", required_argument, NULL, OPTIONS_LEAVE},
	{"expect", required_argument, NULL, OPTIONS_EXPECT},
	{"within", required_argument, NULL, OPTIONS_WITHIN},
	{"plan", no_argument, NULL, OPTIONS_SAY_PLAN},
	{"list", no_argument, NULL, OPTIONS_SAY_LIST},
	{"inspect", no_argument, NULL, OPTIONS_SAY_INSPECT},
	{"help", no_argument, NULL, OPTIONS_HELP},
	{"version", no_argument, NULL, OPTIONS_VERSION},
	/* for the daemon */
	{"image-fd", required_argument, NULL, OPTIONS_IMAGE_FD},
	{"channel-fd", required_argument, NULL, OPTIONS_CHANNEL_FD},
	{"record-fd", required_argument, NULL, OPTIONS_RECORD_FD},
	{"backup-fd", required_argument, NULL, OPTIONS_BACKUP_FD},
	{NULL, 0, NULL, 0},
};

static int options_wrong(const char *name, const char *value, const char *wanted)
{
	fprintf(stderr, "dfud-flash: --%s=%s: %s\n", name, value, wanted);
	return OPTIONS_USAGE;
}

/* Behind a run of digits, NULL where there is none. */
static const char *options_after_digits(const char *text)
{
	const size_t n = strspn(text, "0123456789");

	return n > 0 ? text + n : NULL;
}

/* Bus, dash, ports with dots between them: nothing that could lead out of a folder of sysfs. */
static bool options_is_port(const char *text)
{
	const char *at = strlen(text) < 32 ? options_after_digits(text) : NULL;

	if (at == NULL || *at != '-') {
		return false;
	}
	do {
		at = options_after_digits(at + 1);
	} while (at != NULL && *at == '.');
	return at != NULL && *at == '\0';
}

static bool options_take_protect(struct options *o, const char *text)
{
	char first[32];
	const char *dash = strchr(text, '-');
	struct plan_range *range = &o->protects[o->n_protects];

	if (o->n_protects == OPTIONS_MAX_PROTECTS || dash == NULL ||
		(size_t)(dash - text) >= sizeof(first)) {
		return false;
	}
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	if (!value_address(first, &range->first) || !value_address(dash + 1, &range->last) ||
		range->last < range->first) {
		return false;
	}
	o->n_protects++;
	return true;
}

static bool options_take_expect(struct options *o, const char *text)
{
	if (strcmp(text, "none") == 0) {
		o->expects_none = true;
		return o->n_expects == 0;
	}
	if (o->n_expects == OPTIONS_MAX_EXPECTS || o->expects_none ||
		!usb_id_parse(text, &o->expects[o->n_expects])) {
		return false;
	}
	o->n_expects++;
	return true;
}

static bool options_take_number(const char *text, uint64_t max, uint64_t *ret)
{
	return value_number(text, ret) && *ret <= max;
}

static int options_take_fd(int *ret, const char *name)
{
	uint64_t number = 0;

	if (!options_take_number(optarg, 1023, &number)) {
		return options_wrong(name, optarg, "a descriptor is expected");
	}
	*ret = (int)number;
	return -1;
}

/* At least eight digits, so that a slip is no backup. */
static bool options_take_restore(struct options *o, const char *text)
{
	const size_t n = strlen(text);

	o->restore = text;
	return n >= OPTIONS_DIGITS_MIN && n <= OPTIONS_DIGITS_MAX &&
	       strspn(text, "0123456789abcdef") == n;
}

/* Options that say how the flash is treated. -1 to go on, else an exit status. */
static int options_take_treatment(struct options *o, int option)
{
	switch (option) {
	case OPTIONS_BACKUP:
		o->backup = backup_policy_from_string(optarg);
		return o->backup >= 0
			       ? -1
			       : options_wrong("backup", optarg, "one of yes, required, whole, no");
	case OPTIONS_LEAVE:
		o->leave = leave_policy_from_string(optarg);
		return o->leave >= 0
			       ? -1
			       : options_wrong("leave", optarg, "one of auto, image, base, no");
	case OPTIONS_RESTORE:
		return options_take_restore(o, optarg)
			       ? -1
			       : options_wrong("restore", optarg,
					 "a backup is named by 8 to 64 digits of its SHA-256");
	case OPTIONS_BACKUP_DIR:
		o->backup_dir = optarg;
		return -1;
	case OPTIONS_LAYOUT:
		o->layout = optarg;
		return -1;
	default:
		return OPTIONS_USAGE;
	}
}

/* An option with a value. -1 to go on, else an exit status. */
static int options_take_value(struct options *o, int option)
{
	uint64_t number = 0;

	switch (option) {
	case OPTIONS_PORT:
		o->port = optarg;
		return options_is_port(optarg) ? -1
					       : options_wrong("port", optarg,
							 "a port is written as 1-1.2; see --list");
	case OPTIONS_ADDRESS:
		o->has_address = value_address(optarg, &o->address);
		return o->has_address ? -1
				      : options_wrong("address", optarg,
						"an address is written as 0x08000000");
	case OPTIONS_PROTECT:
		return options_take_protect(o, optarg)
			       ? -1
			       : options_wrong("protect", optarg,
					 "a range is written as 0x08000000-0x08007fff");
	case OPTIONS_ALTERNATE:
		if (!options_take_number(optarg, 255, &number)) {
			return options_wrong("alternate", optarg, "a number from 0 to 255");
		}
		o->alternate = (uint8_t)number;
		return -1;
	case OPTIONS_EXPECT:
		return options_take_expect(o, optarg)
			       ? -1
			       : options_wrong("expect", optarg,
					 "an id is written as 1d50:614e or 1d50:*; or none");
	case OPTIONS_WITHIN:
		if (!value_span(optarg, &o->within_ms) || o->within_ms < 1000 ||
			o->within_ms > OPTIONS_WITHIN_MAX_MS) {
			return options_wrong("within", optarg, "a time from 1s to 1h");
		}
		return -1;
	default:
		return options_take_treatment(o, option);
	}
}

static int options_take(struct options *o, int option)
{
	switch (option) {
	case OPTIONS_CERTAIN:
		o->certain = true;
		return -1;
	case OPTIONS_KEEP_BOOTLOADER:
		o->keep_bootloader = true;
		return -1;
	case OPTIONS_SAY_PLAN:
		o->mode = OPTIONS_PLAN;
		return -1;
	case OPTIONS_SAY_LIST:
		o->mode = OPTIONS_LIST;
		return -1;
	case OPTIONS_SAY_INSPECT:
		o->mode = OPTIONS_INSPECT;
		return -1;
	case OPTIONS_HELP:
		fputs(options_help, stdout);
		o->mode = OPTIONS_SHOWN;
		return 0;
	case OPTIONS_VERSION:
		puts("dfud-flash " DFUD_VERSION);
		o->mode = OPTIONS_SHOWN;
		return 0;
	case OPTIONS_IMAGE_FD:
		return options_take_fd(&o->image_fd, "image-fd");
	case OPTIONS_CHANNEL_FD:
		o->mode = OPTIONS_WORK;
		return options_take_fd(&o->channel_fd, "channel-fd");
	case OPTIONS_RECORD_FD:
		return options_take_fd(&o->record_fd, "record-fd");
	case OPTIONS_BACKUP_FD:
		return options_take_fd(&o->backup_fd, "backup-fd");
	default:
		return options_take_value(o, option);
	}
}

/* The backup itself says what goes where. */
static int options_check_restore(const struct options *o)
{
	if (o->file == NULL && !o->has_address && o->alternate == 0 && o->layout == NULL &&
		o->mode != OPTIONS_INSPECT) {
		return 0;
	}
	fprintf(stderr,
		"dfud-flash: --restore goes with no file, --address, --alternate, --layout or "
		"--inspect: the backup says all that\n");
	return OPTIONS_USAGE;
}

/* What must be there for the mode. */
static int options_check(const struct options *o)
{
	if (o->mode == OPTIONS_LIST || o->mode == OPTIONS_SHOWN) {
		return 0;
	}
	if (o->mode != OPTIONS_WORK && o->restore != NULL) {
		return options_check_restore(o);
	}
	if (o->file == NULL) {
		fprintf(stderr, "dfud-flash: which file? see dfud-flash --help\n");
		return OPTIONS_USAGE;
	}
	if ((o->image_fd < 0) != (o->channel_fd < 0)) {
		fprintf(stderr, "dfud-flash: --image-fd and --channel-fd go together\n");
		return OPTIONS_USAGE;
	}
	return 0;
}

int options_parse(struct options *ret, int argc, char **argv)
{
	int option;

	*ret = (struct options){
		.mode = OPTIONS_FLASH,
		.within_ms = OPTIONS_WITHIN_MS,
		.backup = _BACKUP_POLICY_INVALID,
		.image_fd = -EBADF,
		.record_fd = -EBADF,
		.channel_fd = -EBADF,
		.backup_fd = -EBADF,
	};
	while ((option = getopt_long(argc, argv, "", options_long, NULL)) != -1) {
		const int r = options_take(ret, option);

		if (r >= 0) {
			return r;
		}
	}
	if (ret->backup < 0) {
		ret->backup = ret->certain ? BACKUP_REQUIRED : BACKUP_YES;
	}
	ret->file = optind < argc ? argv[optind++] : NULL;
	if (optind < argc) {
		fprintf(stderr, "dfud-flash: unexpected \"%s\"; one file at a time\n",
			argv[optind]);
		return OPTIONS_USAGE;
	}
	return options_check(ret);
}
