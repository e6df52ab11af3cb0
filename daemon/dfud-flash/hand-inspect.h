/* SPDX-License-Identifier: MIT */
#pragma once

/* The worker by hand is the same program. */
#define HAND_WORKER "/proc/self/exe"

/*
 * dfud-flash --inspect: a worker without a board looks at the file behind the descriptor, and what
 * it says is printed, a line each. Returns the exit status of dfud-flash(1).
 */
int hand_inspect(const char *name, int file);
