# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# Only the ports of [Ports] Allow= are served, named as the kernel names them or as udev does. A board
# elsewhere is said once in its visit, is never touched, and is no rival of one that may be flashed.

# allow GLOB...
allow() {
	mkdir -p /etc/dfud
	{
		echo '[Ports]'
		printf 'Allow=%s\n' "$@"
	} >/etc/dfud/dfud.conf
	dfud_reload
}

board_start bench 0 --cold-error
board_start desk 1 --cold-error
allow "${board_ports[bench]}"
wait_journal DFUD_REASON=port-not-allowed DFUD_PORT="${board_ports[desk]}"
assert_said "^port ${board_ports[desk]} is not among \[Ports\] Allow=: no board is flashed there\$"
image klipper.bin
drop klipper.bin
wait_verdict returned DFUD_PORT="${board_ports[bench]}"
assert_flash_equals bench klipper.bin
assert_never_touched desk
assert_count 1 DFUD_REASON=port-not-allowed
assert_count 0 DFUD_REASON=two-boards
board_unplug bench

# the place as udev names it; on the same visit, because the configuration was read anew
path=$(udevadm info -q property --property=ID_PATH --value \
	"/sys/bus/usb/devices/${board_ports[desk]}")
[ -n "$path" ] || fail 'udev gives the board no ID_PATH'
allow 1-9.9 "${path%:*}:*"
image second.bin --seed 2
drop second.bin
wait_verdict -n 2 returned DFUD_PORT="${board_ports[desk]}"
assert_flash_equals desk second.bin
