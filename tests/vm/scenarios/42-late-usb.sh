# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The USB core and its controller are loaded after the service has started.
modprobe -r vhci_hcd cdc_acm usbhid usbcore
[ ! -e /sys/bus/usb ]
dfud_restart
image klipper.bin
drop klipper.bin
board_start octopus 0 --cold-error
wait_verdict returned
assert_flash_equals octopus klipper.bin
