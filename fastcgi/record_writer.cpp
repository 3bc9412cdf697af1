// The record writer: fixed layouts of specification sections 3.3, 4 and 5. No state.
#include "fastcgi/record_writer.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace holdfast::fastcgi {
namespace {

constexpr std::size_t kPaddingBytesMax = 255;
constexpr std::size_t kFixedBodyBytes = 8;  // BEGIN_REQUEST, END_REQUEST and UNKNOWN_TYPE alike

using Header = std::array<char, kHeaderBytes>;
using FixedRecord = std::array<char, kHeaderBytes + kFixedBodyBytes>;

char low_byte(std::size_t value) {
  return static_cast<char>(static_cast<unsigned char>(value & 0xff));
}

// Fills the first eight of `bytes`, all zero before.
void put_header(char* bytes, RecordType type, std::uint16_t request_id, std::size_t content_bytes,
                std::size_t padding_bytes) {
  // A length cut to 16 bits would let content be read as records: worth stopping for, in every build.
  if (content_bytes > kContentBytesMax || padding_bytes > kPaddingBytesMax) std::abort();
  bytes[0] = static_cast<char>(kVersion);
  bytes[1] = static_cast<char>(type);
  bytes[2] = low_byte(request_id >> 8);
  bytes[3] = low_byte(request_id);
  bytes[4] = low_byte(content_bytes >> 8);
  bytes[5] = low_byte(content_bytes);
  bytes[6] = low_byte(padding_bytes);
}

FixedRecord fixed_record(RecordType type, std::uint16_t request_id) {
  FixedRecord record{};
  put_header(record.data(), type, request_id, kFixedBodyBytes, 0);
  return record;
}

}  // namespace

void write_record(RecordType type, std::uint16_t request_id, std::string_view content,
                  std::size_t padding_bytes, std::string& out) {
  Header header{};
  put_header(header.data(), type, request_id, content.size(), padding_bytes);
  out.append(header.data(), header.size());
  out.append(content);
  out.append(padding_bytes, '\0');
}

std::size_t stream_record_bytes(std::size_t bytes) {
  const std::size_t records = (bytes + kWriteContentBytesMax - 1) / kWriteContentBytesMax;
  return bytes + records * kHeaderBytes;
}

void write_stream(RecordType type, std::uint16_t request_id, std::string_view bytes, std::string& out) {
  out.reserve(out.size() + stream_record_bytes(bytes.size()));
  while (!bytes.empty()) {
    const std::string_view content = bytes.substr(0, kWriteContentBytesMax);
    write_record(type, request_id, content, 0, out);
    bytes.remove_prefix(content.size());
  }
}

void write_stream_end(RecordType type, std::uint16_t request_id, std::string& out) {
  write_record(type, request_id, {}, 0, out);
}

void write_begin_request(std::uint16_t request_id, Role role, bool keep_connection, std::string& out) {
  FixedRecord record = fixed_record(RecordType::begin_request, request_id);
  record[8] = low_byte(static_cast<std::uint16_t>(role) >> 8);
  record[9] = low_byte(static_cast<std::uint16_t>(role));
  record[10] = keep_connection ? static_cast<char>(kFlagKeepConnection) : '\0';
  out.append(record.data(), record.size());
}

void write_abort_request(std::uint16_t request_id, std::string& out) {
  write_record(RecordType::abort_request, request_id, {}, 0, out);
}

void write_get_values(std::string_view pairs, std::string& out) {
  write_record(RecordType::get_values, 0, pairs, 0, out);
}

void write_end_request(std::uint16_t request_id, std::uint32_t app_status, ProtocolStatus status,
                       std::string& out) {
  FixedRecord record = fixed_record(RecordType::end_request, request_id);
  record[8] = low_byte(app_status >> 24);
  record[9] = low_byte(app_status >> 16);
  record[10] = low_byte(app_status >> 8);
  record[11] = low_byte(app_status);
  record[12] = static_cast<char>(status);
  out.append(record.data(), record.size());
}

void write_get_values_result(std::string_view pairs, std::string& out) {
  write_record(RecordType::get_values_result, 0, pairs, 0, out);
}

void write_unknown_type(std::uint8_t type, std::string& out) {
  FixedRecord record = fixed_record(RecordType::unknown_type, 0);
  record[8] = static_cast<char>(type);
  out.append(record.data(), record.size());
}

}  // namespace holdfast::fastcgi
