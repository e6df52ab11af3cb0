/* SPDX-License-Identifier: MIT */
#pragma once

#include "board/board.h"
#include "sysfs.h"

/* What a kernel that enumerated the board would know of it; port, devnum and tty are left alone. */
void device_describe(
	struct sysfs_device *device, const struct board *board, enum board_presence presence);
