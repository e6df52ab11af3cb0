/* SPDX-License-Identifier: MIT */
/* dfud-flash: the worker of dfud, and the same by hand. dfud-flash(1). */
#include "dfud-flash/hand.h"
#include "dfud-flash/options.h"
#include "dfud-flash/worker.h"

int main(int argc, char **argv)
{
	struct options options;
	const int r = options_parse(&options, argc, argv);

	if (r != 0 || options.mode == OPTIONS_SHOWN) {
		return r;
	}
	return options.mode == OPTIONS_WORK ? worker_run(&options) : hand_run(&options, argv);
}
