/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The inspection of files that arrived: a worker without a board reads each of them once, a few at
 * a time, so that a wrong file is told at once and not when the board is there.
 */

struct job;
struct daemon;

/*
 * Drops a job whose file is another one by now; the queue tells what lies there. What failed
 * attempts left as a memory waits for it.
 */
void inspect_anew(struct daemon *daemon, struct job *job);

/* Begins inspections of new jobs, as many as may run at once. */
void inspect_next(struct daemon *daemon);
