// Text from outside made fit for a log: one line stays one line, and no byte of it can move a terminal's
// cursor (HAProxy once let a FastCGI application forge log lines through its stderr).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::core {

// For error-log lines. Controls (C0, DEL, C1) and bytes that are no UTF-8 become \n, \r, \t or \xHH,
// a backslash \\, the separators and bidirectional overrides of Unicode \u{HHHH}. All other UTF-8
// stays readable.
void append_escaped_for_log(std::string& out, std::string_view text);
std::string escape_for_log(std::string_view text);

// The longest line of a log, its line end included: journals and collectors cut or split what is longer.
constexpr std::size_t kLogLineMost = 8 * 1024;

// `text`, or as much of it as leaves room for "... n more bytes" within `most`.
void append_cut(std::string& out, std::string_view text, std::size_t most);
// What append_cut() puts in place of `bytes` that are left out.
void append_more_bytes(std::string& out, std::size_t bytes);
constexpr std::size_t kMoreBytesMost = 34;  // its length

}  // namespace holdfast::core
