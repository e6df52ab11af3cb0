/* SPDX-License-Identifier: MIT */
#pragma once

struct daemon;

/*
 * Looks at all boards and all files (match.h says who gets what): begins the attempts that are
 * clear, says the standing sentences, lets old files expire, arms the alarm for what time alone
 * will change.
 */
void dispatch(struct daemon *daemon);
