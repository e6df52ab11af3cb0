/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* USB ids as people write them: "0483:df11", "1d50:*", "*:*". Pure. */

struct usb_id_pattern {
	bool any_vendor, any_product;
	uint16_t vendor, product;
};

/* "12cd:4321\0" and the longest pattern fit. */
#define USB_ID_TEXT 12

/* False for anything else, also for "*:df11", which no one can mean; *ret is untouched then. */
bool usb_id_parse(const char *text, struct usb_id_pattern *ret);
void usb_id_write(const struct usb_id_pattern *pattern, char ret[static USB_ID_TEXT]);
bool usb_id_fits(const struct usb_id_pattern *pattern, uint16_t vendor, uint16_t product);
/* Whether one of them fits; false for none at all. */
bool usb_id_fits_any(
	const struct usb_id_pattern *patterns, size_t n, uint16_t vendor, uint16_t product);
