// Writes FastCGI records of every type of the specification, each appended to a string. The first half is
// what a web server sends, the second what an application sends. Holds no state and checks no order: Session
// does. Every header and every fixed body is built whole from zero, so reserved bytes never carry old memory
// to the peer (HAProxy's commit 2e6bf0a27).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fastcgi/protocol.h"

namespace holdfast::fastcgi {

// One record of any type. Preconditions: content.size() <= kContentBytesMax, padding_bytes <= 255. php-fpm
// wants padding 0 on empty PARAMS and STDIN records, and content + padding <= 65535 on PARAMS.
void write_record(RecordType type, std::uint16_t request_id, std::string_view content,
                  std::size_t padding_bytes, std::string& out);

// A run of a stream (STDIN, DATA, STDOUT, STDERR), in as few records as it takes. Empty `bytes` write
// nothing, because an empty record is the end of its stream. Not for PARAMS: they are cut between pairs
// (ParamList).
void write_stream(RecordType type, std::uint16_t request_id, std::string_view bytes, std::string& out);
// The empty record that ends a stream.
void write_stream_end(RecordType type, std::uint16_t request_id, std::string& out);
// Bytes that write_stream() appends for a run of this length.
std::size_t stream_record_bytes(std::size_t bytes);

// Web server to application.
inline constexpr std::size_t kBeginRequestBytes = kHeaderBytes + 8;
void write_begin_request(std::uint16_t request_id, Role role, bool keep_connection, std::string& out);
void write_abort_request(std::uint16_t request_id, std::string& out);
// `pairs`: encoded name-value pairs, names with empty values; may be empty. Request id 0, as for all
// management records (specification 3.3).
void write_get_values(std::string_view pairs, std::string& out);

// Application to web server.
void write_end_request(std::uint16_t request_id, std::uint32_t app_status, ProtocolStatus status,
                       std::string& out);
void write_get_values_result(std::string_view pairs, std::string& out);
void write_unknown_type(std::uint8_t type, std::string& out);

}  // namespace holdfast::fastcgi
