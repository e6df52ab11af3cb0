# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The worker at work: not root, undumpable, no capability, its own seccomp filter on top of the unit's.
image klipper.bin --size 120000
board_start octopus 0 --cold-error
drop klipper.bin
board_wait_count octopus blocks 8
worker=$(worker_pids)
cat "/proc/$worker/status" >"$work/status"
[ "$(awk '$1 == "Uid:" { print $2 }' "$work/status")" = "$(id -u dfud)" ]
[ "$(stat -c %U "/proc/$worker/mem")" = root ] || fail 'the worker may be dumped'
grep -qx 'CapEff:	0000000000000000' "$work/status"
grep -qx 'NoNewPrivs:	1' "$work/status"
of_unit=$(awk '$1 == "Seccomp_filters:" { print $2 }' "/proc/$(dfud_pid)/status")
of_worker=$(awk '$1 == "Seccomp_filters:" { print $2 }' "$work/status")
[ "$of_worker" -gt "$of_unit" ] || fail 'the worker has no filter of its own'
systemctl show -P StatusText dfud.service | grep -Eq '[0-9]+ %' || fail 'no progress in the status'
wait_verdict returned
assert_flash_equals octopus klipper.bin
