// Name-value pairs: limits of lengths, cuts between pairs, the reference decoder as judge, and malformed
// input.
#include "fastcgi/param_list.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

#include "fastcgi/protocol.h"
#include "reference_codec.h"

using namespace holdfast::fastcgi;
using reference::bytes;

namespace {

// The pairs that a php-fpm would see: each PARAMS record decoded alone. Checks the form of the records.
reference::Pairs read_back(const ParamList& params, int id) {
  std::string out = reference::poisoned(3);
  params.write_records(static_cast<std::uint16_t>(id), out);
  CHECK(out.size() == params.record_bytes());
  reference::Pairs pairs;
  const std::vector<reference::Record> records = reference::decode(out);
  REQUIRE(!records.empty());
  for (std::size_t i = 0; i < records.size(); ++i) {
    const reference::Record& record = records[i];
    CHECK(record.version == 1);
    CHECK(record.type == 4);
    CHECK(record.id == id);
    CHECK(record.padding == 0);
    CHECK(record.reserved == 0);
    CHECK(record.content.size() <= kWriteContentBytesMax);
    CHECK(record.content.empty() == (i + 1 == records.size()));
    for (auto& pair : reference::decode_pairs(record.content)) pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace

TEST_CASE("params: an empty list is the empty record alone") {
  const ParamList params;
  std::string out;
  params.write_records(5, out);
  CHECK(out == bytes({1, 4, 0, 5, 0, 0, 0, 0}));
  CHECK(params.record_bytes() == 8);
  CHECK(params.empty());
}

TEST_CASE("params: the four layouts of specification 3.4, byte by byte") {
  const std::string n(128, 'n');
  const std::string v(300, 'v');
  const auto content = [](std::string_view name, std::string_view value) {
    ParamList params;
    REQUIRE(params.add(name, value));
    std::string out;
    params.write_records(1, out);
    return reference::decode(out).front().content;
  };
  CHECK(content("AB", "c") == bytes({2, 1, 'A', 'B', 'c'}));
  CHECK(content("AB", v) == bytes({2, 0x80, 0, 1, 44}) + "AB" + v);
  CHECK(content(n, "c") == bytes({0x80, 0, 0, 128, 1}) + n + "c");
  const std::string short_most(127, 's');
  CHECK(content(short_most, short_most) == bytes({127, 127}) + short_most + short_most);
  CHECK(content(n, v) == bytes({0x80, 0, 0, 128, 0x80, 0, 1, 44}) + n + v);
}

TEST_CASE("params: lengths 127 and 128 of name and value (nginx 6ae731d07)") {
  for (const std::size_t name : {0U, 1U, 127U, 128U, 129U}) {
    for (const std::size_t value : {0U, 1U, 127U, 128U, 129U, 255U, 256U}) {
      ParamList params;
      const reference::Pairs expected{{std::string(name, 'n'), std::string(value, 'v')}, {"LAST", "x"}};
      for (const auto& [n, v] : expected) REQUIRE(params.add(n, v));
      CHECK(read_back(params, 1) == expected);
    }
  }
}

TEST_CASE("params: a pair at the limit of a record is taken, one above is not, and nothing is added then") {
  // One byte of name length, four of value length, one of name.
  const std::size_t most = kWriteContentBytesMax - 1 - 4 - 1;
  for (const std::size_t size : {most - 1, most}) {
    ParamList params;
    REQUIRE(params.add("N", std::string(size, 'v')));
    CHECK(read_back(params, 1) == reference::Pairs{{"N", std::string(size, 'v')}});
  }
  for (const std::size_t size : {most + 1, std::size_t{65535}, std::size_t{65536}, std::size_t{1} << 20}) {
    ParamList params;
    REQUIRE(params.add("FIRST", "1"));
    CHECK(!params.add("N", std::string(size, 'v')));
    CHECK(!params.add(std::string(size, 'n'), "v"));
    REQUIRE(params.add("LAST", "2"));
    CHECK(read_back(params, 1) == reference::Pairs{{"FIRST", "1"}, {"LAST", "2"}});
  }
  ParamList params;
  CHECK(!params.add(std::string(40000, 'n'), std::string(40000, 'v')));
  CHECK(params.empty());
}

TEST_CASE("params: records are cut between pairs, exactly at, below and above the limit") {
  // The second pair takes 2 + 4 + 100 bytes, the first 1 + 4 + 1 and its value. Room for the second: one byte
  // short, exact, one to spare.
  for (const int spare : {-1, 0, 1}) {
    const std::size_t first = static_cast<std::size_t>(static_cast<int>(kWriteContentBytesMax) - 112 - spare);
    ParamList params;
    REQUIRE(params.add("A", std::string(first, 'a')));
    REQUIRE(params.add("SECO", std::string(100, 'b')));
    std::string out;
    params.write_records(1, out);
    const auto records = reference::decode(out);
    CHECK(records.size() == (spare < 0 ? 3 : 2));
    CHECK(read_back(params, 1) ==
          reference::Pairs{{"A", std::string(first, 'a')}, {"SECO", std::string(100, 'b')}});
  }
}

TEST_CASE("params: the same list is written again under another id, and again after clear()") {
  ParamList params;
  for (int i = 0; i < 40; ++i) REQUIRE(params.add("NAME" + std::to_string(i), std::string(5000, 'x')));
  const reference::Pairs first = read_back(params, 1);
  CHECK(first.size() == 40);
  CHECK(read_back(params, 65535) == first);
  params.clear();
  CHECK(params.empty());
  REQUIRE(params.add("A", "b"));
  CHECK(read_back(params, 2) == reference::Pairs{{"A", "b"}});
}

TEST_CASE("params: random lists come back whole (seeded)") {
  constexpr std::size_t kLengths[] = {0, 1, 2, 126, 127, 128, 129, 1000, 32767, 65535, 65536};
  for (unsigned seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto text = [&random, &kLengths] {
      std::string made(kLengths[random() % std::size(kLengths)], '\0');
      for (char& c : made) c = static_cast<char>(random());
      return made;
    };
    ParamList params;
    reference::Pairs expected;
    for (int i = 0; i < 12; ++i) {
      std::string name = text();
      std::string value = text();
      const std::size_t encoded =
          name.size() + value.size() + (name.size() > 127 ? 4 : 1) + (value.size() > 127 ? 4 : 1);
      CHECK(params.add(name, value) == (encoded <= 65528));
      if (encoded <= 65528) expected.emplace_back(std::move(name), std::move(value));
    }
    const bool is_same = read_back(params, 77) == expected;  // not printed: megabytes
    CHECK(is_same);

    // And through the library's own decoder, with the records' content joined as the specification allows.
    std::string out;
    params.write_records(1, out);
    std::string joined;
    for (const auto& record : reference::decode(out)) joined += record.content;
    std::string_view rest = joined;
    reference::Pairs decoded;
    for (std::string_view name, value; decode_pair(rest, name, value);) decoded.emplace_back(name, value);
    CHECK(rest.empty());
    const bool is_decoded = decoded == expected;
    CHECK(is_decoded);
  }
}

TEST_CASE(
    "decode_pair: lengths past the end are refused at every cut, and nothing is taken (haproxy 96286b2a8)") {
  for (const std::string& whole : {bytes({2, 3}) + "ABcde", bytes({0x80, 0, 0, 2, 0x80, 0, 0, 3}) + "ABcde",
                                   bytes({2, 0x80, 0, 0, 3}) + "ABcde"}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // On the heap at its exact size, so that the address sanitizer sees a read past the end.
      const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      std::string_view in(exact.data(), exact.size());
      std::string_view name;
      std::string_view value;
      CAPTURE(size);
      CHECK(!decode_pair(in, name, value));
      CHECK(in.size() == size);
    }
    std::string_view in = whole;
    std::string_view name;
    std::string_view value;
    REQUIRE(decode_pair(in, name, value));
    CHECK(name == "AB");
    CHECK(value == "cde");
    CHECK(in.empty());
  }
  const std::string huge = bytes({255, 255, 255, 255, 255, 255, 255, 255}) + "x";
  std::string_view in = huge;
  std::string_view name;
  std::string_view value;
  CHECK(!decode_pair(in, name, value));
}

TEST_CASE("params: another list is put behind, and its pairs stay whole") {
  for (const std::size_t first : {0, 10, 65000, 65500, 65520, 65528}) {
    for (const std::size_t second : {0, 1, 20, 126, 65000}) {
      CAPTURE(first);
      CAPTURE(second);
      ParamList params;
      ParamList more;
      reference::Pairs wanted;
      const auto add = [&wanted](ParamList& list, const std::string& name, std::size_t bytes) {
        const std::string value(bytes - std::min<std::size_t>(bytes, name.size() + 5), 'v');
        REQUIRE(list.add(name, value));
        wanted.emplace_back(name, value);
      };
      if (first > 0) add(params, "A", first);
      add(more, "B", second);
      add(more, "C", 65528);
      add(more, "D", second);
      params.append(more);
      CHECK(read_back(params, 7) == wanted);
      params.append(ParamList());
      CHECK(read_back(params, 7) == wanted);
    }
  }
}

TEST_CASE("params: a list that was moved from is empty, and the other has its pairs") {
  // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that is what is tested
  ParamList params;
  REQUIRE(params.add("A", std::string(65528 - 6, 'v')));
  REQUIRE(params.add("B", "c"));
  ParamList other = std::move(params);
  CHECK(params.empty());
  REQUIRE(params.add("X", "y"));
  CHECK(read_back(params, 1) == reference::Pairs{{"X", "y"}});
  CHECK(read_back(other, 1).size() == 2);
  other = std::move(params);
  CHECK(params.empty());
  CHECK(read_back(other, 1) == reference::Pairs{{"X", "y"}});
  params.clear();
  CHECK(read_back(params, 1).empty());
  // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
}
