// Exit statuses of the commands, those of sysexits.h. systemd must not try again after the first and the
// last: RestartPreventExitStatus=64 78.
#pragma once

namespace holdfast {

constexpr int kExitUsage = 64;        // EX_USAGE: the command line
constexpr int kExitUnavailable = 69;  // EX_UNAVAILABLE: what was asked does not answer
constexpr int kExitConfig = 78;       // EX_CONFIG: the configuration

}  // namespace holdfast
