/* SPDX-License-Identifier: MIT */

/* The options that every front takes, and the words in them. Each is read strictly. */

#include "board-control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dfu/dfu.h"

#define ARGUMENT_N(array) (sizeof(array) / sizeof((array)[0]))

const char board_arguments_usage[] =
	"  --flash FILE         first content of the flash\n"
	"  --dump FILE          write the flash there at each change of presence and at the end\n"
	"  --log FILE           one line for each event\n"
	"  --control PATH       socket for commands\n"
	"  --start dfu|runtime|absent\n"
	"  --boot flash|dfu|gone|stays|flaps|deaf    what it does after it left\n"
	"  --boot-ms N          from leaving the bus to coming back\n"
	"  --layout STRING      of alternate 0\n"
	"  --serial TEXT, --id VID:PID               in DFU mode\n"
	"  --run-id VID:PID, --run-product TEXT, --run-serial TEXT\n"
	"  --transfer-size N, --speedup N\n"
	"  --cold-error, --answers-leave, --no-upload, --read-protected\n"
	"  --plain VID:PID      another vendor's device, without DFU\n"
	"  --fault KIND[,REQUEST[,COMMAND[,NTH[,TIMES[,VALUE]]]]]    up to four times\n";

struct argument_word {
	const char *name;
	int value;
};

static const struct argument_word argument_boots[] = {
	{"flash", BOARD_BOOTS_FLASH},
	{"dfu", BOARD_BOOTS_DFU},
	{"gone", BOARD_BOOTS_GONE},
	{"stays", BOARD_STAYS},
	{"flaps", BOARD_FLAPS},
	{"deaf", BOARD_BOOTS_DEAF},
};

static const struct argument_word argument_starts[] = {
	{"dfu", BOARD_START_DFU},
	{"runtime", BOARD_START_RUNTIME},
	{"absent", BOARD_START_ABSENT},
};

static const struct argument_word argument_faults[] = {
	{"none", BOARD_FAULT_NONE},
	{"stall", BOARD_FAULT_STALL},
	{"silence", BOARD_FAULT_SILENCE},
	{"short", BOARD_FAULT_SHORT},
	{"vanish", BOARD_FAULT_VANISH},
	{"state", BOARD_FAULT_STATE},
	{"status", BOARD_FAULT_STATUS},
	{"busy", BOARD_FAULT_BUSY},
	{"corrupt", BOARD_FAULT_CORRUPT},
	{"ignore", BOARD_FAULT_IGNORE},
	{"timeout", BOARD_FAULT_TIMEOUT},
};

static const struct argument_word argument_requests[] = {
	{"any", -1},
	{"detach", DFU_DETACH},
	{"dnload", DFU_DNLOAD},
	{"upload", DFU_UPLOAD},
	{"getstatus", DFU_GETSTATUS},
	{"clrstatus", DFU_CLRSTATUS},
	{"getstate", DFU_GETSTATE},
	{"abort", DFU_ABORT},
};

static const struct argument_word argument_commands[] = {
	{"any", -1},
	{"block", 0},
	{"address", DFUSE_SET_ADDRESS},
	{"erase", DFUSE_ERASE},
	{"unprotect", DFUSE_UNPROTECT},
	{"leave", BOARD_COMMAND_LEAVE},
};

static int argument_word(
	const char *text, const struct argument_word *words, size_t n_words, int *ret)
{
	for (size_t i = 0; i < n_words; i++) {
		if (strcmp(text, words[i].name) == 0) {
			*ret = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

static int argument_number(const char *text, uint32_t max, uint32_t *ret)
{
	unsigned long long value;
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		return -EINVAL;
	}
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || *end != '\0' || value > max) {
		return -EINVAL;
	}
	*ret = (uint32_t)value;
	return 0;
}

static int argument_word_or_number(
	const char *text, const struct argument_word *words, size_t n_words, int *ret)
{
	uint32_t number;

	if (argument_word(text, words, n_words, ret) == 0) {
		return 0;
	}
	if (argument_number(text, 0xffff, &number) < 0) {
		return -EINVAL;
	}
	*ret = (int)number;
	return 0;
}

int board_boot_parse(const char *text, enum board_boot *ret)
{
	int value;
	int r = argument_word(text, argument_boots, ARGUMENT_N(argument_boots), &value);

	if (r == 0) {
		*ret = (enum board_boot)value;
	}
	return r;
}

static int argument_fault_field(size_t field, const char *text, struct board_fault *fault)
{
	int value, r;

	switch (field) {
	case 0:
		r = argument_word(text, argument_faults, ARGUMENT_N(argument_faults), &value);
		if (r == 0) {
			fault->kind = (enum board_fault_kind)value;
		}
		return r;
	case 1:
		return argument_word_or_number(
			text, argument_requests, ARGUMENT_N(argument_requests), &fault->request);
	case 2:
		return argument_word_or_number(
			text, argument_commands, ARGUMENT_N(argument_commands), &fault->command);
	case 3:
		return argument_number(text, UINT32_MAX, &fault->nth);
	case 4:
		return argument_number(text, UINT32_MAX, &fault->times);
	case 5:
		return argument_number(text, UINT32_MAX, &fault->value);
	default:
		return -EINVAL;
	}
}

int board_fault_parse(const char *text, struct board_fault *ret)
{
	struct board_fault fault = {.request = -1, .command = -1};
	char copy[128], *rest = copy, *field;
	int r;

	if (strlen(text) >= sizeof(copy)) {
		return -EINVAL;
	}
	strcpy(copy, text);
	for (size_t i = 0; (field = strsep(&rest, ",")); i++) {
		r = argument_fault_field(i, field, &fault);
		if (r < 0) {
			return r;
		}
	}
	*ret = fault;
	return 0;
}

int board_id_parse(const char *text, uint16_t *ret_vendor, uint16_t *ret_product)
{
	unsigned int vendor, product;
	int used = 0;

	if (sscanf(text, "%4x:%4x%n", &vendor, &product, &used) != 2 || text[used] != '\0') {
		return -EINVAL;
	}
	*ret_vendor = (uint16_t)vendor;
	*ret_product = (uint16_t)product;
	return 0;
}

static int argument_flag(struct board_options *options, const char *name)
{
	if (strcmp(name, "cold-error") == 0) {
		options->cold_error = true;
	} else if (strcmp(name, "answers-leave") == 0) {
		options->answers_leave = true;
	} else if (strcmp(name, "no-upload") == 0) {
		options->no_upload = true;
	} else if (strcmp(name, "read-protected") == 0) {
		options->read_protected = true;
	} else {
		return 0;
	}
	return 1;
}

/* Where a plain text goes; NULL where the option is of another kind. */
static const char **argument_text(struct board_arguments *arguments, const char *name)
{
	const struct {
		const char *name;
		const char **text;
	} texts[] = {
		{"flash", &arguments->flash},
		{"dump", &arguments->dump},
		{"log", &arguments->log},
		{"control", &arguments->control},
		{"layout", &arguments->options.layout},
		{"serial", &arguments->options.serial},
		{"run-product", &arguments->options.run_product_name},
		{"run-serial", &arguments->options.run_serial},
	};

	for (size_t i = 0; i < ARGUMENT_N(texts); i++) {
		if (strcmp(name, texts[i].name) == 0) {
			return texts[i].text;
		}
	}
	return NULL;
}

static int argument_start(struct board_arguments *arguments, const char *value)
{
	int start;
	int r = argument_word(value, argument_starts, ARGUMENT_N(argument_starts), &start);

	if (r == 0) {
		arguments->start = (enum board_start)start;
		arguments->options.runs_at_start = arguments->start == BOARD_START_RUNTIME;
	}
	return r;
}

static int argument_add_fault(struct board_arguments *arguments, const char *value)
{
	if (arguments->n_faults == BOARD_MAX_FAULTS) {
		return -E2BIG;
	}
	return board_fault_parse(value, &arguments->options.faults[arguments->n_faults++]);
}

static int argument_transfer_size(struct board_options *options, const char *value)
{
	uint32_t size;
	int r = argument_number(value, UINT16_MAX, &size);

	if (r == 0) {
		options->transfer_size = (uint16_t)size;
	}
	return r;
}

/* -ENOENT for a name that is none of ours. */
static int argument_set(struct board_arguments *arguments, const char *name, const char *value)
{
	struct board_options *options = &arguments->options;
	const char **text = argument_text(arguments, name);

	if (text) {
		*text = value;
		return 0;
	}
	if (strcmp(name, "start") == 0) {
		return argument_start(arguments, value);
	} else if (strcmp(name, "boot") == 0) {
		return board_boot_parse(value, &options->boot);
	} else if (strcmp(name, "fault") == 0) {
		return argument_add_fault(arguments, value);
	} else if (strcmp(name, "id") == 0) {
		return board_id_parse(value, &options->vendor, &options->product);
	} else if (strcmp(name, "run-id") == 0) {
		return board_id_parse(value, &options->run_vendor, &options->run_product);
	} else if (strcmp(name, "plain") == 0) {
		options->plain = true;
		return board_id_parse(value, &options->vendor, &options->product);
	} else if (strcmp(name, "boot-ms") == 0) {
		return argument_number(value, UINT32_MAX, &options->boot_ms);
	} else if (strcmp(name, "speedup") == 0) {
		return argument_number(value, UINT32_MAX, &options->speedup);
	} else if (strcmp(name, "transfer-size") == 0) {
		return argument_transfer_size(options, value);
	}
	return -ENOENT;
}

int board_arguments_take(struct board_arguments *arguments, int argc, char **argv, int *index)
{
	char name[32] = "";
	const char *value = NULL, *equals;
	int r, used = 1;

	if (strncmp(argv[*index], "--", 2) != 0) {
		return 0;
	}
	equals = strchrnul(argv[*index], '=');
	(void)snprintf(
		name, sizeof(name), "%.*s", (int)(equals - argv[*index]) - 2, argv[*index] + 2);
	if (argument_flag(&arguments->options, name)) {
		++*index;
		return 1;
	}
	if (*equals == '=') {
		value = equals + 1;
	} else if (*index + 1 < argc) {
		value = argv[*index + 1];
		used = 2;
	}
	r = argument_set(arguments, name, value ? value : "");
	if (r == -ENOENT) {
		return 0;
	}
	if (r < 0 || !value) {
		fprintf(stderr, "--%s: bad value \"%s\"\n", name, value ? value : "");
		return -EINVAL;
	}
	*index += used;
	return 1;
}

int board_arguments_build(
	const struct board_arguments *arguments, uint64_t now_us, struct board **ret)
{
	struct board *board = board_new(&arguments->options);
	int r;

	if (!board) {
		return -EINVAL;
	}
	if (arguments->flash) {
		r = board_flash_load(board, arguments->flash);
		if (r < 0) {
			board_free(board);
			return r;
		}
	}
	if (arguments->start == BOARD_START_ABSENT) {
		board_unplug(board, now_us);
	}
	*ret = board;
	return 0;
}
