# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# A plug starts a dfud that is enabled and was not started yet. It overrules nobody who stopped dfud,
# to use dfu-util by hand, or disabled it.
image klipper.bin
drop klipper.bin
dfud_stop
board_start octopus 0 --cold-error
udevadm settle
sleep 1
[ "$(systemctl is-active dfud.service)" = inactive ] || fail 'a plug overrules a stop'
board_unplug octopus

systemctl stop dfu.target
systemctl --quiet disable dfud.service
board_plug octopus dfu
sleep 1
state_now=$(systemctl is-active dfud.service || true)
systemctl --quiet enable dfud.service
[ "$state_now" = inactive ] || fail 'a plug overrules a disabled dfud'
board_unplug octopus

systemctl stop dfu.target
board_plug octopus dfu
wait_until 20 'the plug starts dfud' systemctl --quiet is-active dfud.service
wait_verdict returned
assert_flash_equals octopus klipper.bin
