/* SPDX-License-Identifier: MIT */
#pragma once

#include "dfud-flash/options.h"

/*
 * One board, one image, one run; or, without a board, one look at an image. Speaks over
 * options->channel_fd and ends with an OUTCOME, whatever happens. Puts up the worker's walls first,
 * so it must run in a process of its own. Blocks until the end.
 *
 * Exit status: 0 where an OUTCOME was sent, 70 where the worker itself is broken.
 */
int worker_run(const struct options *options);
