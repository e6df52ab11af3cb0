#include "dfu/chip.h"
#include <stddef.h>
#include <string.h>
static const struct chip c = {"STM32F2, F4 or F72/F73"};
bool chip_find(const struct chip **ret, uint16_t vendor, uint16_t product,
	const struct layout *layout, size_t n)
{
	*ret = &c;
	return vendor == 0x483 && product == 0xdf11 && layout->groups[0].size == 16384 && n > 1;
}
bool chip_has_stack(const struct chip *chip, uint32_t sp)
{
	return sp <= 0x20040000;
}
bool chip_is_mcu(const struct chip *chip, const char *mcu)
{
	return strncmp(mcu, "stm32", 5) != 0 || strncmp(mcu, "stm32f4", 7) == 0;
}
