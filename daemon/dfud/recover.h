/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an earlier daemon left in active/: attempts that were interrupted, or whose worker still
 * runs. Each is told with its true end and goes on from there; a port where a worker still runs is
 * left alone.
 */

struct daemon;

/* Once, at start; it looks again by itself while workers of an earlier daemon still run. 0 or
 * -errno. */
int recover(struct daemon *daemon);
