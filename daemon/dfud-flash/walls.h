/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * The worker's own walls. Raised once, by a process of one thread, after its files and the device
 * are open and libusb is initialised, and before the first byte of a descriptor or an image is
 * read.
 *
 * From then on the process cannot be traced or dumped, gains no privileges, reaches the file system
 * only through descriptors that it holds, and has no system calls but those of reading, writing,
 * waiting, memory and usbfs. Opening, executing, forking, sockets and looking into other processes
 * end it with SIGSYS; executable memory, ioctls of other drivers and signals to others fail with
 * EPERM; all other calls with ENOSYS, as on a kernel that does not know them.
 *
 * Built with DFUD_LOOSE_WALLS (tests and sanitizers, which read /proc and start helpers) no system
 * call is refused and Landlock lets files be read and run; the steps and their order are the same.
 */

/*
 * 0, or a negative errno: a wall that should stand does not, and the caller ends. *ret_landlocked:
 * false where this kernel has no Landlock, which is no failure.
 */
int walls_raise(bool *ret_landlocked);
