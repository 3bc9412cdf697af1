// The record writer against bytes written by hand and against the reference decoder; reserved bytes in
// poisoned memory; and every type through the library's own reader.
#include "fastcgi/record_writer.h"

#include <doctest/doctest.h>

#include <string>

#include "fastcgi/record_reader.h"
#include "reference_codec.h"

using namespace holdfast::fastcgi;
using reference::bytes;

namespace {

// Leaves 0xAA where the next call will have its locals: headers are built there. (Telling in the debug build;
// an optimiser may keep a header in registers.)
[[gnu::noinline]] void dirty_stack() {
  volatile char stack[2048];
  for (volatile char& c : stack) c = '\xaa';
}

// Writes into strings with 0 to 40 bytes of poisoned spare room, after bytes that are already there: the
// result may depend on neither (haproxy 2e6bf0a27: reserved bytes; 52fd8a1b7: a nearly full buffer).
template <class Write>
std::string written(Write write) {
  std::string fresh;
  dirty_stack();
  write(fresh);
  for (std::size_t room = 0; room <= 40; ++room) {
    std::string out = reference::poisoned(room);
    out += "before";
    dirty_stack();
    write(out);
    CHECK(out == "before" + fresh);
  }
  return fresh;
}

}  // namespace

TEST_CASE("writer: the records of a web server, byte by byte") {
  CHECK(written([](auto& out) { write_begin_request(0x1234, Role::responder, true, out); }) ==
        bytes({1, 1, 0x12, 0x34, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0}));
  CHECK(written([](auto& out) { write_begin_request(65535, Role::authorizer, false, out); }) ==
        bytes({1, 1, 255, 255, 0, 8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0}));
  CHECK(written([](auto& out) { write_begin_request(1, Role::filter, true, out); }) ==
        bytes({1, 1, 0, 1, 0, 8, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0}));
  CHECK(written([](auto& out) { write_abort_request(258, out); }) == bytes({1, 2, 1, 2, 0, 0, 0, 0}));
  CHECK(written([](auto& out) { write_get_values({}, out); }) == bytes({1, 9, 0, 0, 0, 0, 0, 0}));
  CHECK(written([](auto& out) {
          write_get_values(bytes({1, 0, 'X'}), out);
        }) == bytes({1, 9, 0, 0, 0, 3, 0, 0, 1, 0, 'X'}));
  CHECK(written([](auto& out) { write_stream_end(RecordType::stdin_data, 7, out); }) ==
        bytes({1, 5, 0, 7, 0, 0, 0, 0}));
  CHECK(written([](auto& out) { write_stream(RecordType::data, 7, "ab", out); }) ==
        bytes({1, 8, 0, 7, 0, 2, 0, 0, 'a', 'b'}));
}

TEST_CASE("writer: the records of an application, byte by byte") {
  CHECK(written([](auto& out) { write_end_request(9, 0x01020304, ProtocolStatus::overloaded, out); }) ==
        bytes({1, 3, 0, 9, 0, 8, 0, 0, 1, 2, 3, 4, 2, 0, 0, 0}));
  CHECK(written([](auto& out) { write_stream(RecordType::stdout_data, 9, "o", out); }) ==
        bytes({1, 6, 0, 9, 0, 1, 0, 0, 'o'}));
  CHECK(written([](auto& out) { write_stream(RecordType::stderr_data, 9, "e", out); }) ==
        bytes({1, 7, 0, 9, 0, 1, 0, 0, 'e'}));
  CHECK(written([](auto& out) { write_get_values_result({}, out); }) == bytes({1, 10, 0, 0, 0, 0, 0, 0}));
  CHECK(written([](auto& out) { write_unknown_type(77, out); }) ==
        bytes({1, 11, 0, 0, 0, 8, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0}));
}

TEST_CASE("writer: padding is zero bytes, up to 255 of them") {
  CHECK(written([](auto& out) { write_record(RecordType::stdout_data, 1, "abc", 5, out); }) ==
        bytes({1, 6, 0, 1, 0, 3, 5, 0, 'a', 'b', 'c', 0, 0, 0, 0, 0}));
  std::string out;
  write_record(RecordType::stdout_data, 1, std::string(65535, 'x'), 255, out);
  REQUIRE(out.size() == 8 + 65535 + 255);
  CHECK(out.substr(0, 8) == bytes({1, 6, 0, 1, 255, 255, 255, 0}));
  CHECK(out.substr(8 + 65535) == std::string(255, '\0'));
}

TEST_CASE("writer: a stream is cut at the limit of a record, and empty bytes write nothing") {
  for (const std::size_t size : {0U, 1U, 65527U, 65528U, 65529U, 131056U, 131057U, 200000U}) {
    std::string stream;
    for (std::size_t i = 0; i < size; ++i) stream.push_back(static_cast<char>(i * 31 + i / 256));
    std::string out;
    write_stream(RecordType::stdin_data, 3, stream, out);
    CHECK(out.size() == stream_record_bytes(size));
    std::string joined;
    std::size_t left = size;
    for (const reference::Record& r : reference::decode(out)) {
      CHECK(r.version == 1);
      CHECK(r.type == 5);
      CHECK(r.id == 3);
      CHECK(r.padding == 0);
      CHECK(r.content.size() == std::min<std::size_t>(left, 65528));
      left -= r.content.size();
      joined += r.content;
    }
    CHECK(joined == stream);
  }
}

TEST_CASE("writer and reader agree on every type") {
  std::string wire;
  write_begin_request(1, Role::responder, true, wire);
  write_abort_request(2, wire);
  write_end_request(3, 4, ProtocolStatus::unknown_role, wire);
  for (const RecordType type : {RecordType::params, RecordType::stdin_data, RecordType::stdout_data,
                                RecordType::stderr_data, RecordType::data}) {
    write_record(type, 300, "content", 1, wire);
  }
  write_get_values({}, wire);
  write_get_values_result({}, wire);
  write_unknown_type(12, wire);

  RecordReader reader;
  std::string types;
  std::string_view input = wire;
  for (RecordReader::Piece piece = reader.next(input); piece.kind != RecordReader::Kind::need_bytes;
       piece = reader.next(input)) {
    REQUIRE(piece.kind != RecordReader::Kind::failed);
    if (piece.kind == RecordReader::Kind::header) {
      types += std::to_string(static_cast<int>(reader.record().type)) + ' ';
    }
  }
  CHECK(types == "1 2 3 4 5 6 7 8 9 10 11 ");
  CHECK(reader.at_record_boundary());
}
