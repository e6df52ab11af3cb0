/* SPDX-License-Identifier: MIT */
/*
 * Serial numbers that ROMs hold as a constant. The list names what was seen; a number that is not
 * in it may be shared all the same, which two boards that are plugged in together show.
 */
#include "dfud/serial.h"

#include <stddef.h>
#include <string.h>

static const char *const serial_shared[] = {
	"STM32FxSTM32", /* STM32F446, F72x */
	"FFFFFFFEFFFF", /* STM32F042 */
	"STM32",	/* STM32F105, F107 */
	"200364500000", /* STM32H750 */
};

bool serial_is_shared(const char *serial)
{
	for (size_t i = 0; serial != NULL && i < sizeof(serial_shared) / sizeof(*serial_shared);
		i++) {
		if (strcmp(serial, serial_shared[i]) == 0) {
			return true;
		}
	}
	return false;
}
