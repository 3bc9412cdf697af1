// ParamsReader: the PARAMS stream in every cut, what is left out, what is too large. The pairs are encoded
// and decoded by the reference codec.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "fastcgi/params_reader.h"
#include "reference_codec.h"

using namespace holdfast::fastcgi;
using reference::Pairs;

namespace {

// What php-fpm would get: each record decoded alone, as it does.
Pairs read_back(const ParamList& list) {
  std::string wire;
  list.write_records(1, wire);
  Pairs pairs;
  bool ended = false;
  for (const reference::Record& record : reference::decode(wire)) {
    CHECK(record.type == 4);
    CHECK(!ended);  // php-fpm runs the request at the first empty record
    ended = record.content.empty();
    CHECK(record.padding == 0);
    for (const auto& pair : reference::decode_pairs(record.content)) pairs.push_back(pair);
  }
  return pairs;
}

void check_pair_cuts(const Pairs& sent, const Pairs& expected) {
  const std::string stream = reference::encode_pairs(sent);
  reference::for_each_cut(stream, [&](const std::vector<std::string>& pieces) {
    ParamsReader reader;
    for (const std::string& piece : pieces) REQUIRE(reader.feed(piece));
    CHECK(!reader.in_pair());
    const bool is_same = read_back(reader.list()) == expected;
    CHECK(is_same);
  });
}
void check_unchanged(const Pairs& sent) {
  check_pair_cuts(sent, sent);
}

// True when some piece of it was refused, in every cut.
bool is_refused(const std::string& stream) {
  int refused = 0;
  int cuts = 0;
  reference::for_each_cut(stream, [&](const std::vector<std::string>& pieces) {
    ++cuts;
    ParamsReader reader;
    for (const std::string& piece : pieces) {
      if (reader.feed(piece)) continue;
      ++refused;
      break;
    }
  });
  CHECK((refused == 0 || refused == cuts));
  return refused > 0;
}

}  // namespace

TEST_CASE("params reader: order, repeats, empty names and values, lower case, any byte") {
  check_unchanged({});
  check_unchanged({{"A", "1"}});
  check_unchanged({{"", ""}, {"A", ""}, {"", "x"}, {"A", "2"}, {"proxy-nokeepalive", "1"}, {"A", "1"}});
  check_unchanged({{"HTTP_COOKIE", "a=1"}, {"HTTP_COOKIE", "b=2"}, {"N", std::string("\0\xff\r\n", 4)}});
}

TEST_CASE("params reader: lengths at the edges of their encodings") {
  for (const std::size_t name : {126u, 127u, 128u, 129u}) {
    for (const std::size_t value : {0u, 127u, 128u, 300u}) {
      check_unchanged({{"A", "1"}, {std::string(name, 'n'), std::string(value, 'v')}, {"B", "2"}});
    }
  }
  // Four bytes for a length that one could tell: allowed (specification 3.4), and passed on as it is.
  const std::string stream = reference::bytes({0x80, 0, 0, 1, 0x80, 0, 0, 2}) + "Nvv";
  reference::for_each_cut(stream, [&](const std::vector<std::string>& pieces) {
    ParamsReader reader;
    for (const std::string& piece : pieces) REQUIRE(reader.feed(piece));
    CHECK(reader.list().encoded() == stream);
  });
}

TEST_CASE("params reader: HTTP_PROXY is left out under every name that php makes it of") {
  const Pairs rest = {{"HTTP_PROXY_X", "1"}, {"HTTP_PROX", "2"}, {"HTTP_PROXY_", "3"}, {"http_proxy", "4"}};
  Pairs sent = rest;
  for (const std::string& name :
       {std::string("HTTP_PROXY"), std::string("HTTP.PROXY"), std::string("HTTP PROXY"),
        std::string("HTTP[PROXY"), std::string("  HTTP_PROXY"), std::string("HTTP_PROXY\0x", 12)}) {
    sent.insert(sent.begin() + 1, {name, "http://evil/"});
  }
  sent.push_back({"HTTP_PROXY", ""});
  check_pair_cuts(sent, rest);
}

TEST_CASE("params reader: a pair as large as php-fpm takes, one byte more, and lengths beyond any memory") {
  // One byte for the name's length, four for the value's, one for the name.
  const std::size_t most = 65535 - 1 - 4 - 1;
  for (const std::size_t size : {most - 7, most - 6, most}) {
    check_unchanged({{"A", "1"}, {"N", std::string(size, 'v')}, {"B", "2"}});
    check_unchanged(
        {{"N", std::string(size, 'v')}, {"M", std::string(size, 'v')}});  // no empty record before it
  }
  const std::string before = reference::encode_pairs({{"A", "1"}});
  CHECK(!is_refused(before));
  CHECK(is_refused(before + reference::encode_pairs({{"N", std::string(most + 1, 'v')}, {"B", "2"}})));
  // Refused by what the lengths tell: nothing is waited for.
  CHECK(is_refused(before + reference::bytes({1, 0xff, 0xff, 0xff, 0xff})));
  CHECK(is_refused(before + reference::bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})));
  CHECK(!is_refused(before + reference::bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})));
}

TEST_CASE("params reader: many pairs are cut into records between pairs") {
  Pairs sent;
  for (int i = 0; i < 300; ++i) sent.push_back({"NAME" + std::to_string(i), std::string(2000, 'x')});
  const std::string stream = reference::encode_pairs(sent);
  ParamsReader reader;
  for (std::size_t at = 0; at < stream.size(); at += 1021)
    REQUIRE(reader.feed(std::string_view(stream).substr(at, 1021)));
  CHECK(read_back(reader.list()) == sent);
}

TEST_CASE("params reader: in_pair() at every byte") {
  const std::string pair = reference::encode_pairs({{"NAME", std::string(200, 'v')}});
  ParamsReader reader;
  for (std::size_t at = 0; at < pair.size(); ++at) {
    CHECK(reader.in_pair() == (at > 0));
    REQUIRE(reader.feed(pair.substr(at, 1)));
  }
  CHECK(!reader.in_pair());
}

TEST_CASE("params reader: take() gives the list away and is ready for the next") {
  ParamsReader reader;
  REQUIRE(reader.feed(reference::encode_pairs({{"A", "1"}})));
  ParamList list;
  REQUIRE(list.add("OLD", "x"));
  reader.take(list);
  CHECK(read_back(list) == Pairs{{"A", "1"}});
  CHECK(reader.list().empty());
  REQUIRE(reader.feed(reference::encode_pairs({{"B", "2"}}).substr(0, 3)));
  CHECK(reader.in_pair());
  reader.reset();
  CHECK(!reader.in_pair());
  REQUIRE(reader.feed(reference::encode_pairs({{"C", "3"}})));
  CHECK(read_back(reader.list()) == Pairs{{"C", "3"}});
}

TEST_CASE("params reader: random pairs in random cuts come back whole (seeded)") {
  constexpr std::size_t kLengths[] = {0, 1, 5, 127, 128, 1000, 9000, 60000};
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Pairs sent;
    for (int i = 0; i < 12; ++i) {
      sent.push_back({"N" + std::to_string(i), std::string(kLengths[random() % 8], 'v')});
    }
    const std::string stream = reference::encode_pairs(sent);
    ParamsReader reader;
    std::string_view rest = stream;
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, random() % 3000 + 1);
      REQUIRE(reader.feed(piece));
      rest.remove_prefix(piece.size());
    }
    const bool is_same = read_back(reader.list()) == sent;
    CHECK(is_same);
  }
}
