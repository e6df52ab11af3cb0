# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# A rule that takes the node away: nothing is guessed, the line says that dfud may not open it; once
# the cause is gone the same visit is served.
cat >/etc/udev/rules.d/99-scenario-taken.rules <<-'END'
	SUBSYSTEM=="usb", ATTR{idVendor}=="0483", ATTR{idProduct}=="df11", OWNER="root", MODE="0600"
END
udevadm control --reload
image klipper.bin
board_start octopus 0 --cold-error
drop klipper.bin
wait_journal DFUD_REASON=no-access
assert_in_folder queue klipper.bin
assert_count_of octopus erases 0
board_unplug octopus
rm /etc/udev/rules.d/99-scenario-taken.rules
udevadm control --reload
board_plug octopus dfu
wait_journal -t 90 DFUD_EVENT=verdict DFUD_VERDICT=returned
assert_flash_equals octopus klipper.bin
