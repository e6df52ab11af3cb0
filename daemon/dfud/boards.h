/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the ports tell goes into the list of ports and to the attempt that has the port.
 */

struct daemon;
struct hotplug_device;

void boards_take_present(struct daemon *daemon, const struct hotplug_device *device);
void boards_take_absent(struct daemon *daemon, const char *port);
void boards_take_tty(struct daemon *daemon, const char *port, const char *link);
/* Events were lost: each port that was known is looked at by itself. */
void boards_look_again(struct daemon *daemon);
