// The rules that turn the pieces of a request head into a RequestHead, or refuse it. Pure functions; llhttp,
// which finds the pieces, is not known here. Rules on single bytes and on line ends are line_scanner.h's.
//
// Where RFC 9110 and 9112 leave a choice, these are ours:
// - raw bytes >= 0x80 in a target pass as they are (RFC 3986: a URI is ASCII; nginx passes them, and
//   files have such names); not in its authority;
// - "%2F" in a path is a "/" like any other, and a backslash is an ordinary character (both as nginx);
// - an empty Host field is accepted beside a target that has an authority of its own, or needs none (RFC 9112
//   3.2), and refused beside a path: http has no URL without a host (RFC 9110 4.2.1);
// - each method that is a token passes, but CONNECT and TRACE get 405;
// - HTTP/1.2 and above is 1.1 to us (RFC 9110 6.2);
// - identical repeated Content-Length fields are refused, though RFC 9112 6.3 would allow to merge them;
// - Authorization is no list (RFC 9110 11.6.2, 5.3): two leave open who is meant, and the next one may take
//   the other: 400;
// - Transfer-Encoding is exactly "chunked", once: other codings before it are 501; whatever does not end
//   in it, or says it twice, leaves the end of the body in doubt: 400 (RFC 9112 6.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/http/request_parser.h"

namespace holdfast::http {

Method method_of(std::string_view text);      // exactly, as methods are case-sensitive
bool is_field_name(std::string_view name);    // a token, RFC 9110 5.1
bool is_field_value(std::string_view value);  // no control character but HTAB; may be empty

// Percent-decodes `raw` once, then resolves "." and ".." and merges slashes: the order matters, so that
// "%2e%2e" is "..". `out` is replaced. False for a path that does not start with "/", for bad or cut percent
// signs, for NUL, and for ".." beyond the root.
[[nodiscard]] bool normalise_path(std::string_view raw, std::string& out);

// Splits "host", "host:port", "[v6]:port" as of a Host field. `host` comes out in lower case and without one
// trailing dot ("example.com." is the same name). False unless RFC 3986 3.2.2 and 3.2.3 allow it: no
// userinfo, no path, port at most 65535 (it may be empty). Stricter than the grammar: no empty label ("a..b",
// ".a"), since such names become folder names in somebody's script. An empty `authority` is false too.
[[nodiscard]] bool split_authority(std::string_view authority, std::string& host);

// Only digits, at least one, no overflow. Nothing else: no sign, list or white space (RFC 9112 6.3 rule 5).
std::optional<std::uint64_t> parse_content_length(std::string_view value);

// Judges method and version; sets method and version_minor.
std::optional<Refusal> apply_request_line(std::string_view method, std::string_view version,
                                          RequestHead& head);

// Judges head.target by head.method (RFC 9112 3.2); sets raw_path, path, query and, for absolute-form,
// authority and host.
std::optional<Refusal> apply_target(RequestHead& head);

// Judges head.fields; sets authority and host (unless the target gave them), content_length, chunked,
// expect_continue, keep_alive. version_minor must be set.
std::optional<Refusal> apply_fields(RequestHead& head);

}  // namespace holdfast::http
