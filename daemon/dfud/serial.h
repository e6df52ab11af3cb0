/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* USB serial numbers that name no board, because every chip of a kind shows the same one. Pure. */

/* False for NULL. */
bool serial_is_shared(const char *serial);
