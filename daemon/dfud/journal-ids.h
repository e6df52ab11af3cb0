/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The journal's MESSAGE_ID of each event, each verdict and each reason, as tables to walk:
 * X(NAME, word, id). word is what DFUD_EVENT, DFUD_VERDICT or DFUD_REASON holds, id 32 hexadecimal
 * digits. A line has one MESSAGE_ID, the most particular one: its reason's, else its verdict's,
 * else its event's. An id stands for its meaning for ever; systemd/dfud.catalog explains each of
 * them.
 */

#define JOURNAL_EVENTS(X)                                                                          \
	X(STARTED, "started", "f92a12d52a404b6db2a675fa02333d15")                                  \
	X(RELOADED, "reloaded", "8a31ee74188944c5b43f4aaa084a9ac1")                                \
	X(STOPPING, "stopping", "3f3111d959af4ca8bb92392727539413")                                \
	X(CONFIG_ERROR, "config-error", "77510daf400d4d6eb1934d439a230d92")                        \
	X(QUEUED, "queued", "3256c634166b4951acba3e4e9ad79163")                                    \
	X(IGNORED, "ignored", "ffe3bf9b271843c8bc3f0395ad6f0c4c")                                  \
	X(CANCELLED, "cancelled", "5ff84e6492a5402daada8dab5c85cdf4")                              \
	X(EXPIRED, "expired", "ddf9fa6a93f64eca9c03d7dd227db649")                                  \
	X(APPEARED, "appeared", "c8f130f675c946e9ba4eef1a3453177a")                                \
	X(UNMATCHED, "unmatched", "f8a2692263ad4c8f8901c5af4d875940")                              \
	X(WAITING, "waiting", "c6a5bc0993f0447798349337299a72af")                                  \
	X(HELD, "held", "24773a7b0a044eba8508f66161cc9ce6")                                        \
	X(FLASHING, "flashing", "71275cf5a6e4410a88fce7aee50e4769")                                \
	X(CHECKED, "checked", "903dda7530b64e4ea84fecc4a00376e7")                                  \
	X(SAVED, "saved", "8e8d53929d4b47e69655f69d612b5918")                                      \
	X(ERASED, "erased", "1b25aea0286146d6b01f4c5591042aae")                                    \
	X(FLASHED, "flashed", "54eeb39d6ae5446d8d1cffb8e2ae2330")                                  \
	X(LEAVING, "leaving", "f5f717b6959844eeb0b7a671c62ad197")                                  \
	X(VERDICT, "verdict", "93b5d698d2b146c3b2d3704fed6e3bc3")                                  \
	X(LATE_RETURN, "late-return", "f56e411ae89548098c54c56466990dd8")                          \
	X(SETTLED, "settled", "2b4a6982ba4440aaa1674cb6581b688c")

#define JOURNAL_VERDICTS(X)                                                                        \
	X(RETURNED, "returned", "2c97e962012e47af86b1e6ea057ef5e4")                                \
	X(UNCHANGED, "unchanged", "9f598ebc37fe4bf5b5e35ed995c80603")                              \
	X(NOT_EXPECTED, "not-expected", "4efbfa8ab0224eba92ba9b3fc475f465")                        \
	X(RETURNED_OTHER, "returned-other", "54514277d9c0402cb101eb72181c7ea2")                    \
	X(BACK_IN_DFU, "back-in-dfu", "7d1950d24f30479da89712004ee72ea6")                          \
	X(NOT_ENUMERATING, "not-enumerating", "016736d59a974fd7b6b3fc6d5831d4ae")                  \
	X(GONE, "gone", "3c8559bb2d144096a5f77b7ee1556454")                                        \
	X(STAYED, "stayed", "06093025c1514de6915065e790368393")                                    \
	X(REFUSED, "refused", "c668423c24ce48c29698b649935c7b76")                                  \
	X(FAILED, "failed", "24788fe91fda4b709f9e5293bdb3fa76")                                    \
	X(INTERRUPTED, "interrupted", "ca55fe2b8d6b4200b1da1f39955e4bb2")                          \
	X(CANCELLED, "cancelled", "63b0223f7f364d5588f88cda1ca59b67")

#define JOURNAL_REASONS(X)                                                                         \
	X(EMPTY, "empty", "5e1597f68f2648bd9d24095eda0288d0")                                      \
	X(TEXT, "text", "46a08ec8f40b4b1eae259cf00b49974e")                                        \
	X(HTML, "html", "31136b95248a4d139a1e39855b740ad5")                                        \
	X(COMPRESSED, "compressed", "c3a914bd076141e6bb4e44e75f1aab32")                            \
	X(DAMAGED, "damaged", "180cdaaeca4b479db27706cc2d27f987")                                  \
	X(TRUNCATED, "truncated", "5b037929b3f74f4bae68dc15c548ac14")                              \
	X(TOO_LARGE, "too-large", "0450a8773eaa4f22af1657fd2997e1dd")                              \
	X(UNREADABLE, "unreadable", "e9cd4366e9e9475dacc267b2602616b5")                            \
	X(NOT_REGULAR, "not-regular", "66ecd64a1cf34178afc1f282406d6961")                          \
	X(LINKED, "linked", "2c7aca4e46b54125b4dfb85827b280a7")                                    \
	X(FORMAT, "format", "5ca65efa57ee4e59ac4b9673ae979687")                                    \
	X(UNKNOWN_IMAGE, "unknown-image", "35b2f25e256d411298d737e771491895")                      \
	X(LINK_ADDRESS, "link-address", "345efcf1692241ca8d76437e21a3c38b")                        \
	X(WRONG_CHIP, "wrong-chip", "f7e14ef70628483e9fbda9dd8b15904b")                            \
	X(WRONG_DEVICE, "wrong-device", "effaaa5a111740a4a38add4cbe7130c6")                        \
	X(OUTSIDE_MAP, "outside-map", "6ad0fd2e051b47ab8180ae4f8f96121e")                          \
	X(NOT_WRITABLE, "not-writable", "ee4fc77e6c9d4210a6edc32d6ec4268a")                        \
	X(MID_SECTOR, "mid-sector", "cb367d62716043b6b8d8115f4662a410")                            \
	X(PROTECTED, "protected", "515cb672aa2a4b4aa7b7552874e75e90")                              \
	X(READ_PROTECTED, "read-protected", "23b059031d1541afadcd900d20bd6f31")                    \
	X(WOULD_OVERWRITE_BOOTLOADER, "would-overwrite-bootloader",                                \
		"ff8cf902d4994ddba5ba40c1df99711d")                                                \
	X(ALTERNATE, "alternate", "d4295589a73a484b9d46d93e94bb19b8")                              \
	X(NO_BACKUP, "no-backup", "b10c26cb7b1945b4a52647a7c3d6abdc")                              \
	X(TWO_BOARDS, "two-boards", "30009b02819642b3b4862bd0a75bf61a")                            \
	X(TWO_FILES, "two-files", "9da43d0060164f0caa3340249cd0ddd0")                              \
	X(PORT_NOT_ALLOWED, "port-not-allowed", "7a946a7460654b50b63108f6c86731b6")                \
	X(EXPIRED, "expired", "d3a6f72c7be146faa1e93cd28cff919e")                                  \
	X(SUPERSEDED, "superseded", "0915e1d16ae74b97aa765daf7afb9535")                            \
	X(ATTEMPTS, "attempts", "1bfa833913734f6fabc5027256331582")                                \
	X(SIGNATURE, "signature", "15fe04ed316745508c7fd9aa15c2e9c5")                              \
	X(ERASE, "erase", "88ee14b7d8384a8bb1c5465db4e0dd89")                                      \
	X(WRITE, "write", "3a67042a31154be28942dc01b0dbb489")                                      \
	X(VERIFY, "verify", "497fc4be1cb348ba8ce0793050cd136d")                                    \
	X(STALL, "stall", "dc4504b01611484cae6ba0378a79b78a")                                      \
	X(TIMEOUT, "timeout", "b0df28f38bd34284b763abfbc2320ee4")                                  \
	X(PROTOCOL, "protocol", "218754aade9c4b0795879600e39310d1")                                \
	X(VANISHED, "vanished", "c1134716ef9747208fac06a4323a0be4")                                \
	X(WRITE_PROTECTED, "write-protected", "8a566322014c4470a6b31cbbf6ffb042")                  \
	X(NO_ACCESS, "no-access", "959f188b58da4956b4e8262ba2a79947")                              \
	X(BUSY, "busy", "9c14ad326c0b46ffad0269eef9b73830")                                        \
	X(NO_SPACE, "no-space", "c5e02290a1a44a8c87ec45341e360a60")                                \
	X(WORKER_CRASHED, "worker-crashed", "3e35c19fdc324a298944c7deee7daed8")                    \
	X(WORKER_DEADLINE, "worker-deadline", "847531837fb24253b76f3ea6c2e23721")                  \
	X(CONFIG, "config", "30a3b4ee0dce4f3ab25bd0c73f660adc")
