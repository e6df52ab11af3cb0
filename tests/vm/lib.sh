# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The verbs of the scenarios. A scenario is a list of them, sourced by guest/scenario under `set -e`:
# the first that does not hold ends it. It begins in an empty folder of its own, with no board plugged
# in, the folders of dfud empty, nothing in /etc/dfud, and dfud running. Waiting is for an event and
# bounded; the journal is read from the scenario's begin on, and only what dfud's own unit wrote.

vm=/usr/lib/dfud-vm
state=/var/lib/dfud
work=/run/dfud-vm/work
begin=${EPOCHREALTIME/./}
since=@$EPOCHREALTIME
declare -A board_pids=() board_ports=()

say() {
	local us=$((${EPOCHREALTIME/./} - begin))

	printf '[%3d.%d] %s\n' $((us / 1000000)) $((us / 100000 % 10)) "$*"
}

fail() {
	say "FAIL: $*"
	exit 1
}

# wait_until SECONDS WHAT COMMAND...: until the command says yes
wait_until() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000)) what=$2

	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || fail "waited in vain: $what"
		sleep 0.1
	done
}

# --- the journal ---------------------------------------------------------------------------------

# journal MATCH...: the messages so far
journal() {
	journalctl -q --since="$since" -o cat _SYSTEMD_UNIT=dfud.service "$@"
}

# field NAME MATCH...: that field of the entries so far, one a line
field() {
	local name=$1

	shift
	journalctl -q --since="$since" -o cat --output-fields="$name" _SYSTEMD_UNIT=dfud.service "$@"
}

# wait_journal [-n NTH] [-t SECONDS] MATCH...: until dfud has written the NTH entry that matches
wait_journal() {
	local OPTIND=1 option nth=1 seconds=40 left follow pid line=

	while getopts n:t: option; do
		case $option in
		n) nth=$OPTARG ;;
		t) seconds=$OPTARG ;;
		*) fail "wait_journal: what is $option" ;;
		esac
	done
	shift $((OPTIND - 1))
	left=$nth
	exec {follow}< <(exec timeout "$seconds" journalctl -q --since="$since" --follow --no-tail \
		-o cat _SYSTEMD_UNIT=dfud.service "$@")
	pid=$!
	while [ "$left" -gt 0 ] && IFS= read -r line <&"$follow"; do
		left=$((left - 1))
	done
	kill "$pid" 2>/dev/null || true
	exec {follow}<&-
	[ "$left" = 0 ] || fail "no entry (number $nth) with $* within $seconds s"
	say "journal: $line"
}

# assert_count N MATCH...: exactly N entries
assert_count() {
	local n wanted=$1

	shift
	journalctl --sync
	n=$(journal "$@" | wc -l)
	[ "$n" = "$wanted" ] || fail "$n entries with $*, not $wanted"
}

# assert_said REGEX [MATCH...]: one of dfud's sentences is like that
assert_said() {
	local pattern=$1

	shift
	journal "$@" | grep -Eq -- "$pattern" || fail "nothing said like: $pattern"
}

# assert_field NAME VALUE MATCH...: the newest entry that matches has it
assert_field() {
	local name=$1 wanted=$2 value

	shift 2
	value=$(field "$name" "$@" | tail -n1)
	[ "$value" = "$wanted" ] || fail "$name is '$value', not '$wanted' ($*)"
}

# wait_verdict [-n NTH] [-t SECONDS] VERDICT [NAME=VALUE...]: the NTH attempt ends like that
wait_verdict() {
	local OPTIND=1 option nth=1 seconds=40 verdict pair

	while getopts n:t: option; do
		case $option in
		n) nth=$OPTARG ;;
		t) seconds=$OPTARG ;;
		*) fail "wait_verdict: what is $option" ;;
		esac
	done
	shift $((OPTIND - 1))
	verdict=$1
	shift
	wait_journal -n "$nth" -t "$seconds" DFUD_EVENT=verdict
	for pair in "DFUD_VERDICT=$verdict" "$@"; do
		assert_field "${pair%%=*}" "${pair#*=}" DFUD_EVENT=verdict
	done
	assert_count "$nth" DFUD_EVENT=verdict
}

# wait_reason NAME REASON FOLDER: said once why that file is not flashed, and it is there
wait_reason() {
	wait_journal DFUD_FILE="$1" DFUD_REASON="$2"
	assert_count 1 DFUD_FILE="$1" DFUD_REASON="$2"
	wait_until 10 "$1 in $3" lies_in "$3" "$1"
}

# --- boards --------------------------------------------------------------------------------------

# The sysfs name of a port of vhci_hcd: 15 high-speed ports, then 15 of super speed, per controller.
port_name() {
	local hub

	for hub in /sys/devices/platform/vhci_hcd.$(($1 / 30))/usb*; do
		if [ "$(cat "$hub/speed")" = 480 ]; then
			echo "$(cat "$hub/busnum")-$(($1 % 30 + 1))"
			return 0
		fi
	done
	return 1
}

# board_start NAME PORT OPTION...: plugs in a board, and waits until udev knows it
board_start() {
	local name=$1 port=$2

	shift 2
	modprobe vhci_hcd
	"$vm/board-usbip" --port "$port" --control "$work/$name.sock" --log "$work/$name.log" "$@" \
		2>"$work/$name.err" &
	board_pids[$name]=$!
	wait_until 10 "board $name listens" board_listens "$name"
	test -S "$work/$name.sock" || fail "$(cat "$work/$name.err")"
	board_ports[$name]=$(port_name "$port")
	say "board $name on port ${board_ports[$name]}: $*"
	case " $* " in
	*' --start absent '* | *' --boot deaf '*) ;;
	*) board_wait "$name" ;;
	esac
}

# or has given up
board_listens() {
	[ -S "$work/$1.sock" ] || ! kill -0 "${board_pids[$1]}"
}

board_ask() {
	"$vm/board-usbip" --ask "$work/$1.sock" "${@:2}"
}

# board_wait NAME [VID:PID]: until it is on the bus, and udev is done with it
board_wait() {
	local path=/sys/bus/usb/devices/${board_ports[$1]}

	wait_until 20 "board $1 as ${2:-anything}" board_is "$path" "${2:-}"
	udevadm wait --timeout=20 --initialized=yes "$path"
}

board_is() {
	local id

	id=$(cat "$1/idVendor"):$(cat "$1/idProduct")
	[ -z "$2" ] || [ "$id" = "$2" ]
}

board_wait_gone() {
	wait_until 20 "board $1 off the bus" test ! -e "/sys/bus/usb/devices/${board_ports[$1]}"
}

board_unplug() {
	board_ask "$1" unplug >/dev/null
	board_wait_gone "$1"
	say "board $1 unplugged"
}

board_plug() {
	board_ask "$1" plug "${2:-dfu}" >/dev/null
	board_wait "$1"
	say "board $1 plugged in"
}

# board_count NAME COUNTER: one number of what was asked of the board
board_count() {
	board_ask "$1" counts | tr ' ' '\n' | sed -n "s/^$2[=:]//p"
}

board_wait_count() {
	wait_until 30 "board $1: $2 reaches $3" board_has_count "$@"
}

board_has_count() {
	[ "$(board_count "$1" "$2")" -ge "$3" ]
}

# assert_count_of NAME COUNTER N
assert_count_of() {
	local n

	n=$(board_count "$1" "$2")
	[ "$n" = "$3" ] || fail "board $1: $2 is '$n', not $3"
}

# assert_flash_equals NAME FILE [OFFSET]: the flash holds the file's bytes there, nothing behind it
# in the last sector but erased bytes is asked for by assert_flash_is
assert_flash_equals() {
	local size

	size=$(stat -c %s "$2")
	board_ask "$1" dump "$work/$1.dump" >/dev/null
	cmp -n "$size" -i "$((${3:-0})):0" "$work/$1.dump" "$2" || fail "board $1 does not hold $2"
	say "board $1 holds $2"
}

# assert_flash_is NAME FILE: every byte of the flash, FILE being a whole dump
assert_flash_is() {
	board_ask "$1" dump "$work/$1.dump" >/dev/null
	cmp "$work/$1.dump" "$2" || fail "the flash of board $1 is not as in $2"
	say "board $1 holds $2, every byte"
}

# assert_never_touched NAME: not one DFU request reached it, nothing was erased
assert_never_touched() {
	assert_count_of "$1" transfers 0
	assert_count_of "$1" erases 0
}

# assert_well_treated NAME: nothing that a DFU host must not do
assert_well_treated() {
	local counter

	for counter in unprotects violations foreign_writes mass_erases; do
		assert_count_of "$1" "$counter" 0
	done
}

boards_stop() {
	local name

	for name in "${!board_pids[@]}"; do
		board_ask "$name" quit >/dev/null 2>&1 || kill "${board_pids[$name]}" 2>/dev/null || true
		wait "${board_pids[$name]}" 2>/dev/null || true
		unset "board_pids[$name]"
	done
	wait_until 20 'no board left' no_boards
}

no_boards() {
	! compgen -G '/sys/bus/usb/devices/[0-9]*-*' | grep -qv :
}

# --- files ---------------------------------------------------------------------------------------

# image NAME OPTION...: makes a firmware file
image() {
	"$vm/mkimage" --output "$work/$1" "${@:2}"
	chmod 644 "$work/$1"
}

# flash_image NAME FILE: a whole flash of 512 KiB that begins with FILE, erased behind it
flash_image() {
	head -c 524288 /dev/zero | tr '\0' '\377' >"$work/$1"
	[ -z "${2:-}" ] || dd if="$work/$2" of="$work/$1" conv=notrunc status=none
}

# drop FILE [NAME]: moved into the queue by someone who may
drop() {
	local name=${2:-$1}

	# shellcheck disable=SC2016
	runuser -u alice -- sh -c 'cp "$1" "$2/.$3.part" && mv "$2/.$3.part" "$2/$3"' \
		sh "$work/$1" "$state/queue" "$name"
	say "$name dropped"
}

# assert_in_folder done|failed|queue NAME: there, and in no other
assert_in_folder() {
	wait_until 10 "$2 in $1" in_folder "$1" "$2"
	in_one_place "$2" || fail "$2 is in two places"
}

in_folder() {
	[ -n "$(find "$state/$1" -type f -name "$2")" ]
}

# of any kind, not only files
lies_in() {
	[ -n "$(find "$state/$1" -name "$2")" ]
}

in_one_place() {
	[ "$(find "$state"/{queue,active,done,failed} -name "$1" | wc -l)" = 1 ]
}

# assert_report FOLDER NAME REGEX: the report beside the settled file says so
assert_report() {
	local report

	report=$(dirname "$(find "$state/$1" -type f -name "$2")")/report.txt
	grep -Eq -- "$3" "$report" || fail "no '$3' in $report"
}

# --- the daemon ----------------------------------------------------------------------------------

has_dfud() {
	[ -x /usr/sbin/dfud ] &&
		systemctl --quiet is-enabled dfud.service 2>/dev/null
}

dfud_start() {
	systemctl start dfud.service
}

dfud_stop() {
	systemctl stop dfud.service
}

dfud_restart() {
	systemctl restart dfud.service
}

dfud_pid() {
	systemctl show -P MainPID dfud.service
}

# dfud_is_another_than PID: up, and not that process
dfud_is_another_than() {
	[ "$(dfud_pid)" != "$1" ] && systemctl --quiet is-active dfud.service
}

worker_pids() {
	pgrep -x dfud-flash
}

# profile NAME <<EOF: a written profile, and a reload
profile() {
	mkdir -p /etc/dfud/boards.d
	cat >"/etc/dfud/boards.d/$1.conf"
	dfud_reload
}

dfud_reload() {
	local n

	n=$(journal DFUD_EVENT=reloaded DFUD_EVENT=config-error | wc -l)
	systemctl reload dfud.service
	wait_journal -n $((n + 1)) -t 10 DFUD_EVENT=reloaded DFUD_EVENT=config-error
}

# dropin <<EOF: a change of the unit for this scenario, and a restart
dropin() {
	mkdir -p /run/systemd/system/dfud.service.d
	cat >/run/systemd/system/dfud.service.d/scenario.conf
	systemctl daemon-reload
	dfud_restart
}

reset_state() {
	rm -rf "$work"
	mkdir -p "$work"
	chmod 755 "$work"
	cd "$work" || exit
	boards_stop
	rm -f /etc/udev/rules.d/99-scenario*.rules
	if has_dfud; then
		reset_dfud
	fi
	begin=${EPOCHREALTIME/./}
	since=@$EPOCHREALTIME
}

reset_dfud() {
	dfud_stop
	systemctl reset-failed dfud.service 2>/dev/null || true
	if [ -d /run/systemd/system/dfud.service.d ]; then
		rm -r /run/systemd/system/dfud.service.d
		systemctl daemon-reload
	fi
	find "$state"/{queue,active,done,failed,backup} -mindepth 1 -delete 2>/dev/null || true
	rm -rf /etc/dfud /run/dfud/boards.d /run/dfud/dfud.conf*
	dfud_start
}

# what there is to see when a scenario failed
evidence() {
	local name

	journalctl --sync
	echo '--- what dfud said'
	journalctl -q --since="$since" -o short-precise -u dfud.service | tail -n 40
	echo '--- the folders'
	find "$state" -mindepth 1 -printf '%M %u %s %P\n' 2>/dev/null | sort -k4
	for name in "${!board_pids[@]}"; do
		echo "--- board $name"
		tail -n 20 "$work/$name.log" "$work/$name.err"
		board_ask "$name" counts || true
	done
	lsusb | grep -v 'root hub'
}
