/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Why something was refused or failed: the closed list of DFUD_REASON (dfud(8)). The class of a
 * reason decides what becomes of the file. Pure.
 */

enum reason_class {
	REASON_CLASS_FILE,   /* the file is wrong: it goes to failed/ at once */
	REASON_CLASS_TARGET, /* file and board do not fit: the file stays for another board */
	REASON_CLASS_CHOICE, /* a person must choose */
	REASON_CLASS_DEVICE, /* the board failed */
	REASON_CLASS_HOST,   /* this computer is in the way: tried again when that is gone */
	_REASON_CLASS_MAX,
};

#define REASONS(X)                                                                                 \
	X(EMPTY, "empty", FILE)                                                                    \
	X(TEXT, "text", FILE)                                                                      \
	X(HTML, "html", FILE)                                                                      \
	X(COMPRESSED, "compressed", FILE)                                                          \
	X(DAMAGED, "damaged", FILE)                                                                \
	X(TRUNCATED, "truncated", FILE)                                                            \
	X(TOO_LARGE, "too-large", FILE)                                                            \
	X(UNREADABLE, "unreadable", FILE)                                                          \
	X(NOT_REGULAR, "not-regular", FILE)                                                        \
	X(LINKED, "linked", FILE)                                                                  \
	X(FORMAT, "format", FILE)                                                                  \
	X(SIGNATURE, "signature", FILE)                                                            \
	X(UNKNOWN_IMAGE, "unknown-image", TARGET)                                                  \
	X(LINK_ADDRESS, "link-address", TARGET)                                                    \
	X(WRONG_CHIP, "wrong-chip", TARGET)                                                        \
	X(WRONG_DEVICE, "wrong-device", TARGET)                                                    \
	X(OUTSIDE_MAP, "outside-map", TARGET)                                                      \
	X(NOT_WRITABLE, "not-writable", TARGET)                                                    \
	X(MID_SECTOR, "mid-sector", TARGET)                                                        \
	X(PROTECTED, "protected", TARGET)                                                          \
	X(READ_PROTECTED, "read-protected", TARGET)                                                \
	X(WOULD_OVERWRITE_BOOTLOADER, "would-overwrite-bootloader", TARGET)                        \
	X(ALTERNATE, "alternate", TARGET)                                                          \
	X(NO_BACKUP, "no-backup", TARGET)                                                          \
	X(TWO_BOARDS, "two-boards", CHOICE)                                                        \
	X(TWO_FILES, "two-files", CHOICE)                                                          \
	X(PORT_NOT_ALLOWED, "port-not-allowed", CHOICE)                                            \
	X(EXPIRED, "expired", CHOICE)                                                              \
	X(SUPERSEDED, "superseded", CHOICE)                                                        \
	X(ATTEMPTS, "attempts", CHOICE)                                                            \
	X(ERASE, "erase", DEVICE)                                                                  \
	X(WRITE, "write", DEVICE)                                                                  \
	X(VERIFY, "verify", DEVICE)                                                                \
	X(STALL, "stall", DEVICE)                                                                  \
	X(TIMEOUT, "timeout", DEVICE)                                                              \
	X(PROTOCOL, "protocol", DEVICE)                                                            \
	X(VANISHED, "vanished", DEVICE)                                                            \
	X(WRITE_PROTECTED, "write-protected", DEVICE)                                              \
	X(NO_ACCESS, "no-access", HOST)                                                            \
	X(BUSY, "busy", HOST)                                                                      \
	X(NO_SPACE, "no-space", HOST)                                                              \
	X(WORKER_CRASHED, "worker-crashed", HOST)                                                  \
	X(WORKER_DEADLINE, "worker-deadline", HOST)                                                \
	X(CONFIG, "config", HOST)

enum reason {
	REASON_NONE,
#define REASON_ENUM(name, text, class) REASON_##name,
	REASONS(REASON_ENUM)
#undef REASON_ENUM
		_REASON_MAX,
	_REASON_INVALID = -1,
};

const char *reason_to_string(enum reason reason); /* "" for REASON_NONE */
enum reason reason_from_string(const char *text);
enum reason_class reason_class(enum reason reason); /* not for REASON_NONE */
