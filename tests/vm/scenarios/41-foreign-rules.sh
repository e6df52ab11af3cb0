# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 120
# Other rules for the same devices, as people have them: dfud takes nothing from them and still opens
# its boards.
cat >/etc/udev/rules.d/99-scenario-stm32.rules <<-'END'
	SUBSYSTEMS=="usb", ATTRS{idVendor}=="0483", ATTRS{idProduct}=="df11", GROUP="plugdev", MODE="0664"
	SUBSYSTEM=="usb", ATTR{idVendor}=="0483", ATTR{idProduct}=="df11", GROUP="plugdev", MODE="0660", TAG+="uaccess"
END
udevadm control --reload
image klipper.bin
board_start octopus 0 --cold-error
path=/sys/bus/usb/devices/${board_ports[octopus]}
node=/dev/$(sed -n 's/^DEVNAME=//p' "$path/uevent")
[ "$(stat -c '%U %G %a' "$node")" = 'dfud plugdev 660' ]
drop klipper.bin
wait_verdict returned
assert_flash_equals octopus klipper.bin
