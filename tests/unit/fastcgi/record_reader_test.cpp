// RecordReader: pieces of records in every cut, at the limits of lengths, and the version byte.
#include "fastcgi/record_reader.h"

#include <doctest/doctest.h>

#include <string>

#include "reference_codec.h"

using holdfast::fastcgi::RecordReader;
using reference::bytes;
using reference::record;

namespace {

// What the reader says of `pieces`, content joined: "6/1/5+3 hello;" per record, "!" for failed, and at
// the end "." when it stands at a boundary.
std::string log_of(const std::vector<std::string>& pieces) {
  RecordReader reader;
  std::string log;
  for (const std::string& piece : pieces) {
    std::string_view input = piece;
    for (bool more = true; more;) {
      const RecordReader::Piece step = reader.next(input);
      const auto& r = reader.record();
      switch (step.kind) {
        case RecordReader::Kind::need_bytes: more = false; break;
        case RecordReader::Kind::header:
          log += std::to_string(static_cast<int>(r.type)) + '/' + std::to_string(r.request_id) + '/' +
                 std::to_string(r.content_bytes) + '+' + std::to_string(r.padding_bytes) + ' ';
          break;
        case RecordReader::Kind::content:
          CHECK(!step.content.empty());
          CHECK(step.content.data() >= piece.data());  // a slice of the input, not a copy
          CHECK(step.content.data() + step.content.size() <= piece.data() + piece.size());
          log += step.content;
          break;
        case RecordReader::Kind::content_end: log += ';'; break;
        case RecordReader::Kind::padding: break;
        case RecordReader::Kind::failed:
          log += '!';
          more = false;
          break;
      }
    }
    CHECK(input.empty());
    if (reader.failed()) break;
  }
  if (reader.at_record_boundary()) log += '.';
  return log;
}

void check_record_cuts(const std::string& input, const std::string& expected) {
  reference::for_each_cut(input, [&](const std::vector<std::string>& pieces) {
    // Compared by hand: doctest would print 64 KiB.
    if (log_of(pieces) != expected) {
      CAPTURE(pieces.size());
      CAPTURE(pieces[0].size());
      FAIL("another log than expected");
    }
  });
}

}  // namespace

TEST_CASE("reader: records of every type, with and without content and padding") {
  std::string input;
  std::string expected;
  for (int type = 1; type <= 11; ++type) {
    const std::string number = std::to_string(type);
    input += record(type, 258, "abc", 5) + record(type, 0, "", 0) + record(type, 65535, "", 3);
    expected += number + "/258/3+5 abc;" + number + "/0/0+0 ;" + number + "/65535/0+3 ;";
  }
  check_record_cuts(input, expected + '.');
}

TEST_CASE("reader: numbers of types that the specification does not name pass") {
  check_record_cuts(record(0, 1, "x") + record(12, 1, "y") + record(255, 1, "z"),
                    "0/1/1+0 x;12/1/1+0 y;255/1/1+0 z;.");
}

TEST_CASE("reader: content 65535 with padding 0, 1 and 255 (haproxy 598527673)") {
  const std::string content(65535, 'c');
  for (const int padding : {0, 1, 255}) {
    check_record_cuts(record(6, 1, content, static_cast<std::size_t>(padding)) + record(7, 2, "e"),
                      "6/1/65535+" + std::to_string(padding) + ' ' + content + ";7/2/1+0 e;.");
  }
}

TEST_CASE("reader: the reserved byte is ignored") {
  check_record_cuts(bytes({1, 6, 0, 1, 0, 1, 0, 0x77}) + "x", "6/1/1+0 x;.");
}

TEST_CASE("reader: any version but 1 fails at its first byte, and for good") {
  for (const int version : {0, 2, 72, 255}) {
    CHECK(log_of({bytes({version})}) == "!");
    check_record_cuts(record(6, 1, "a", 2) + bytes({version, 6, 0, 1, 0, 0, 0, 0}), "6/1/1+2 a;!");
  }
  RecordReader reader;
  std::string_view bad = "x";
  CHECK(reader.next(bad).kind == RecordReader::Kind::failed);
  const std::string sound = record(6, 1, "a");
  std::string_view input = sound;
  CHECK(reader.next(input).kind == RecordReader::Kind::failed);
  CHECK(input.empty());
  CHECK(reader.failed());
  CHECK(!reader.at_record_boundary());
}

TEST_CASE("reader: at a boundary only between records, padding included") {
  const std::string input = record(3, 1, "12345678", 3) + record(6, 1, "", 0) + record(6, 1, "", 1);
  RecordReader reader;
  CHECK(reader.at_record_boundary());
  for (std::size_t i = 0; i < input.size(); ++i) {
    std::string_view one = std::string_view(input).substr(i, 1);
    while (reader.next(one).kind != RecordReader::Kind::need_bytes) {
    }
    const bool is_end = i + 1 == 19 || i + 1 == 27 || i + 1 == 36;
    CAPTURE(i);
    CHECK(reader.at_record_boundary() == is_end);
  }
}

TEST_CASE("reader: content that has come is given out before the rest is there") {
  const std::string input = record(6, 1, "hello", 3);
  RecordReader reader;
  std::string_view part = std::string_view(input).substr(0, 10);
  CHECK(reader.next(part).kind == RecordReader::Kind::header);
  const RecordReader::Piece piece = reader.next(part);
  CHECK(piece.kind == RecordReader::Kind::content);
  CHECK(piece.content == "he");
  CHECK(reader.next(part).kind == RecordReader::Kind::need_bytes);
}

TEST_CASE("reader: the end of the content is told before the padding has come") {
  const std::string input = record(3, 1, "12345678", 4);
  RecordReader reader;
  std::string_view part = std::string_view(input).substr(0, 16);
  CHECK(reader.next(part).kind == RecordReader::Kind::header);
  CHECK(reader.next(part).kind == RecordReader::Kind::content);
  CHECK(reader.next(part).kind == RecordReader::Kind::content_end);
  CHECK(reader.next(part).kind == RecordReader::Kind::need_bytes);
  CHECK(!reader.at_record_boundary());
}
