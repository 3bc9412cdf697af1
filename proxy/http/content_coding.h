// Whether a response may be compressed, RFC 9110 8.4 (Content-Encoding), 12.5.3 (Accept-Encoding) and 12.5.5
// (Vary). Pure functions of the two heads; the compressing itself is GzipResponse's.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/http/response_writer.h"

namespace holdfast::http {

// Does the client take gzip? `gzip` or `x-gzip` or `*` with a weight above 0; an explicit gzip wins over `*`.
// No field: false, as such a client may not know it. A weight that cannot be read counts as refused.
bool accepts_gzip(const RequestHead& request);

// How much the client wants a coding, by its name in lower case ("br", "zstd", "gzip"): 1 to 1000, or 0 when
// it does not take it, by the same rules.
int coding_weight(const RequestHead& request, std::string_view wanted);

// Adds `Vary: Accept-Encoding` unless the head says that already, or `Vary: *`.
void vary_by_encoding(ResponseHead& head);

// Is this Content-Type text that shrinks: text/*, JSON, JavaScript, XML, SVG and their kin? Images, archives,
// video and fonts but the uncompressed ones are small already. Never text/event-stream, which must not be
// held back.
bool is_compressible(std::string_view content_type);

enum class Compression : std::uint8_t {
  never,     // not of a kind that is ever compressed: nothing is said
  not_here,  // another client would get it compressed: only Vary is added
  head,      // a HEAD whose GET would be compressed: its fields, as RFC 9110 9.3.2 wants them
  gzip,
};

// By kind of answer, method, status and fields: not when it is encoded or a range already, or `no-transform`
// was said, nor when its length is known and below `bytes_min`.
Compression decide_compression(const RequestHead& request, const ResponseHead& response,
                               std::uint64_t bytes_min);

}  // namespace holdfast::http
