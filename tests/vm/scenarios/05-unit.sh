# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The unit: nothing runs as root, no capability, the walls are up, the folders are as the queue needs
# them, and the exposure is at most 1.2.
systemd-analyze security --no-pager --threshold=12 dfud.service >"$work/security" ||
	fail "$(tail -n 1 "$work/security")"
tail -n 1 "$work/security"

pid=$(dfud_pid)
xargs ps -o user= -p <"/sys/fs/cgroup$(systemctl show -P ControlGroup dfud.service)/cgroup.procs" |
	sort -u | cmp - <(echo dfud)
grep -qx 'CapEff:	0000000000000000' "/proc/$pid/status"
grep -qx 'CapBnd:	0000000000000000' "/proc/$pid/status"
grep -qx 'NoNewPrivs:	1' "/proc/$pid/status"
grep -qx 'Seccomp:	2' "/proc/$pid/status"
wait_until 5 'a status text' eval 'systemctl show -P StatusText dfud.service | grep -q .'

# one thread, and no USB device open
[ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
[ "$(find "/proc/$pid/fd" -lname '/dev/bus/usb/*' | wc -l)" = 0 ]

[ "$(stat -c '%a %U %G' "$state/queue")" = '3775 dfud dfud' ]
getfacl -cp "$state/queue" | grep -q '^default:user:dfud:r'
runuser -u alice -- touch "$state/queue/.mine"
if runuser -u bob -- touch "$state/queue/.not-mine" 2>/dev/null; then
	fail 'bob is not in the group and may queue'
fi
rm "$state/queue/.mine"

# others could change what lies in a folder: dfud does not start before that is mended
dfud_stop
chmod 0775 "$state/active"
if systemctl start dfud.service 2>/dev/null; then
	fail 'dfud starts on folders that others can write to'
fi
assert_said "^$state/active: mode 0775 lets others write to it; systemd-tmpfiles --create dfud.conf"
systemctl stop dfud.service
systemd-tmpfiles --create dfud.conf
systemctl reset-failed dfud.service
dfud_start
