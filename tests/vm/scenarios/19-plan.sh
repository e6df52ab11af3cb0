# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The plan of a flash before it: from the daemon's program and from dfud-flash with the same options,
# line by line the same, and nothing is touched. The report of the flash has the same lines.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Image]
	File=klipper*.bin
	Address=0x08008000
	[Flash]
	Protect=0x08000000-0x08003fff
	Backup=whole
END

# same_plan CODE: both say the same, and exit with it
same_plan() {
	local code=0

	dfud --plan "$work/klipper.bin" >"$work/daemon" 2>"$work/daemon.err" || code=$?
	cat "$work/daemon"
	[ "$code" = "$1" ] || fail "dfud --plan exits with $code"
	code=0
	dfud-flash --plan --port "${board_ports[octopus]}" --address 0x08008000 \
		--protect 0x08000000-0x08003fff --backup whole "$work/klipper.bin" \
		>"$work/worker" 2>"$work/worker.err" || code=$?
	[ "$code" = "$1" ] || fail "dfud-flash --plan exits with $code"
	[ "$(sed -n 1p "$work/daemon")" = 'queue       good     the file would be taken as it is' ]
	[ "$(sed -n 2p "$work/daemon")" = "octopus: the board on port ${board_ports[octopus]} would get $work/klipper.bin" ]
	tail -n +3 "$work/daemon" | diff - "$work/worker" || fail 'two plans'
	assert_count_of octopus erases 0
	assert_count_of octopus blocks 0
	assert_count_of octopus leaves 0
	[ "$(cat "/sys/bus/usb/devices/${board_ports[octopus]}/idProduct")" = df11 ]
	[ -z "$(find "$state/backup" -type f)" ] || fail 'a plan has made a backup'
}

image loader.bin --style katapult --size 6000
flash_image before loader.bin
board_start octopus 0 --cold-error --flash "$work/before"
image klipper.bin
same_plan 2
tail -n 1 "$work/daemon" | grep -q '^address     refused  ' || fail 'not the check that failed'
image klipper.bin --link 0x08008000
same_plan 0
grep -qx 'leave       plan     to 0x08000000, where the board starts after a reset (Katapult)' "$work/worker"

mv "$work/worker" "$work/planned"
drop klipper.bin
wait_verdict returned DFUD_COLD_BOOT=yes
assert_in_folder 'done' klipper.bin
report=$(dirname "$(find "$state/done" -name klipper.bin)")/report.txt
sed '1,/^The plan:$/d' "$report" | diff - "$work/planned" || fail 'the report tells of another plan'
