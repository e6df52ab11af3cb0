/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The status line of `systemctl status dfud` (sd_notify(3)), and the daemon's asking for more time
 * while it stops. Call it when something moved; it is sent at most twice a second.
 */

struct daemon;

void status_show(struct daemon *daemon);
