/* SPDX-License-Identifier: MIT */
/* USB ids and patterns of them: four hexadecimal digits or a star on each side of a colon. */
#include "config/usb-id.h"

#include <stdio.h>
#include <string.h>

#include "config/value.h"

static bool usb_id_parse_hex16(const char *text, uint16_t *ret)
{
	char number[7] = "0x";
	uint32_t value;

	if (strspn(text, "0123456789abcdefABCDEF") < 4) {
		return false;
	}
	memcpy(number + 2, text, 4);
	if (!value_address(number, &value)) {
		return false;
	}
	*ret = (uint16_t)value;
	return true;
}

/* "0483" or "*" up to the character `end`; returns what follows it, NULL where it is neither. */
static const char *usb_id_parse_half(const char *text, char end, bool *ret_any, uint16_t *ret)
{
	size_t n = 4;

	if (*text == '*') {
		*ret_any = true;
		n = 1;
	} else if (!usb_id_parse_hex16(text, ret)) {
		return NULL;
	}
	return text[n] == end ? text + n + (end != '\0') : NULL;
}

bool usb_id_parse(const char *text, struct usb_id_pattern *ret)
{
	struct usb_id_pattern id = {0};
	const char *product = usb_id_parse_half(text, ':', &id.any_vendor, &id.vendor);

	if (!product || !usb_id_parse_half(product, '\0', &id.any_product, &id.product)) {
		return false;
	}
	if (id.any_vendor && !id.any_product) {
		return false;
	}
	*ret = id;
	return true;
}

void usb_id_write(const struct usb_id_pattern *pattern, char ret[static USB_ID_TEXT])
{
	char vendor[5] = "*";
	char product[5] = "*";

	if (!pattern->any_vendor) {
		snprintf(vendor, sizeof(vendor), "%04x", pattern->vendor);
	}
	if (!pattern->any_product) {
		snprintf(product, sizeof(product), "%04x", pattern->product);
	}
	snprintf(ret, USB_ID_TEXT, "%s:%s", vendor, product);
}

bool usb_id_fits(const struct usb_id_pattern *pattern, uint16_t vendor, uint16_t product)
{
	return (pattern->any_vendor || pattern->vendor == vendor) &&
	       (pattern->any_product || pattern->product == product);
}

bool usb_id_fits_any(
	const struct usb_id_pattern *patterns, size_t n, uint16_t vendor, uint16_t product)
{
	for (size_t i = 0; i < n; i++) {
		if (usb_id_fits(&patterns[i], vendor, product)) {
			return true;
		}
	}
	return false;
}
