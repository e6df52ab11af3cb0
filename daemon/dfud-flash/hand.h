/* SPDX-License-Identifier: MIT */
#pragma once

#include "dfud-flash/options.h"

/*
 * dfud-flash by hand: starts itself as the worker, stands in for the daemon towards it, watches the
 * port for the return, and says the same sentences on stderr as the journal would get. Returns the
 * exit status of dfud-flash(1).
 */
int hand_run(const struct options *options, char **argv);
