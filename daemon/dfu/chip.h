#pragma once
#include "dfu/layout.h"
#include <stdbool.h>
struct chip {
	const char *name;
};
bool chip_find(const struct chip **ret, uint16_t vendor, uint16_t product,
	const struct layout *layout, size_t n_alternates);
bool chip_has_stack(const struct chip *chip, uint32_t sp);
bool chip_is_mcu(const struct chip *chip, const char *mcu);
