// The Forwarded field: what is read, what is refused, and that no client's beginning hides a proxy's element.
#include "proxy/core/forwarded_field.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <random>
#include <regex>
#include <string>

using namespace holdfast;

namespace {

constexpr std::size_t kMost = 32;

// "node|proto|host" of each element, or "malformed".
std::string read(std::string_view line, std::size_t most = kMost) {
  std::vector<core::ForwardedElement> elements;
  if (!core::append_forwarded(line, most, elements)) {
    CHECK(elements.empty());
    return "malformed";
  }
  std::string out;
  for (const core::ForwardedElement& each : elements) {
    if (!out.empty()) out += ' ';
    out.append(each.node).append("|").append(each.proto).append("|").append(each.host);
  }
  return out;
}

// The grammar as one expression, and one more for each element of a line that it takes: slow, and plain to see.
class Reference {
 public:
  std::string read(const std::string& line) const {
    if (!std::regex_match(line, line_)) return "malformed";
    std::string out;
    for (std::sregex_iterator at(line.begin(), line.end(), element_), end; at != end; ++at) {
      const std::optional<std::string> one = element(at->str());
      if (!one) return "malformed";
      if (one->empty()) continue;
      out += (out.empty() ? "" : " ") + *one;
    }
    return out;
  }

 private:
  static constexpr const char* kPair = R"re([A-Za-z0-9]+=(?:"(?:[^"\\]|\\.)*"|[^",; \t\\]+))re";

  std::optional<std::string> element(const std::string& text) const {
    std::array<std::optional<std::string>, 3> values;
    bool any = false;
    for (std::sregex_iterator at(text.begin(), text.end(), pair_), end; at != end; ++at) {
      any = true;
      const std::string pair = at->str();
      const std::string name = pair.substr(0, pair.find('='));
      std::string value = pair.substr(name.size() + 1);
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (name != std::array{"for", "proto", "host"}[i]) continue;
        if (values[i] || value.find('\\') != std::string::npos) return std::nullopt;
        values[i] = value[0] == '"' ? value.substr(1, value.size() - 2) : value;
      }
    }
    if (!any) return "";
    return values[0].value_or("") + "|" + values[1].value_or("") + "|" + values[2].value_or("");
  }

  const std::string element_text_ =
      std::string("[ \t]*(?:") + kPair + ")?[ \t]*(?:;[ \t]*(?:" + kPair + ")?[ \t]*)*";
  const std::regex pair_{kPair};
  const std::regex element_{std::string("(?:\"(?:[^\"\\\\]|\\\\.)*\"|[^\",])+")};
  const std::regex line_{element_text_ + "(?:," + element_text_ + ")*"};
};

std::string drawn(std::mt19937& random, std::size_t pieces_most) {
  static constexpr std::array kPieces = {"for=", "proto=", "host=", "x=", "\"", "\"", "\\", ",",
                                         ";",    " ",      "=",     "1",  ",",  "a",  "[",  "\\\""};
  std::string out;
  for (std::size_t left = random() % (pieces_most + 1); left > 0; --left)
    out += kPieces[random() % kPieces.size()];
  return out;
}

// What proxies append, each with what is read of it.
constexpr std::array<std::array<const char*, 2>, 6> kAppended = {
    {{"for=9.9.9.9", "9.9.9.9||"},
     {"for=\"[2001:db8::9]:80\"", "[2001:db8::9]:80||"},
     {"for=unknown;proto=https", "unknown|https|"},
     {"for=\"_x\";host=\"a.example:81\";proto=http", "_x|http|a.example:81"},
     {"by=\"[::1]\";for=9.9.9.9;x=\"a \\\" b\"", "9.9.9.9||"},
     {"for=9.9.9.9;host=\";x=\"", "9.9.9.9||;x="}}};

// The proxy's element is what the last one says, or nothing is said at all.
void check_not_hidden(const std::string& beginning) {
  for (const auto& [appended, seen] : kAppended) {
    for (const char* comma : {",", ", ", " , "}) {
      const std::string line = beginning + comma + appended;
      CAPTURE(line);
      const std::string got = read(line);
      CHECK((got == "malformed" || got == seen || got.ends_with(std::string(" ") + seen)));
    }
  }
}

}  // namespace

TEST_CASE("Forwarded: what is read of a line") {
  CHECK(read("for=192.0.2.60;proto=http;by=203.0.113.43") == "192.0.2.60|http|");
  CHECK(read("For=\"[2001:db8::1]:4711\" , PROTO=\"https\" ; Host=\"a:81\"") ==
        "[2001:db8::1]:4711|| |https|a:81");
  CHECK(read("for=[2001:db8::1]:80;host=a:81;secret=YQ==") == "[2001:db8::1]:80||a:81");
  CHECK(read("for=1;x=\"a, for=2; \\\", for=3\",for=4") == "1|| 4||");
  CHECK(read("").empty());
  CHECK(read(" , ;; ,\t") == "");
  CHECK(read(";for=1;;,,") == "1||");
  CHECK(read("for=1,for=2,for=3", 2) == "2|| 3||");
  std::vector<core::ForwardedElement> elements(1);
  REQUIRE(core::append_forwarded("for=\"\"", 1, elements));
  CHECK(elements.size() == 2);
  CHECK(elements.back().has_node);
  CHECK(elements.back().node.empty());
  CHECK_FALSE(core::append_forwarded("for=1, for=\"", 1, elements));
  CHECK(elements.size() == 2);
}

TEST_CASE("Forwarded: what is malformed") {
  for (const char* line : {"\"",
                           "for=\"",
                           "for=\", for=9.9.9.9",
                           "for=\"x\\\", for=9.9.9.9",
                           "for=\"x\\",
                           "for=1;x=\"",
                           "for=\"1\"\"2\"",
                           "for=\"1\"2",
                           "for=\"1\" \"2\"",
                           "for=1\"2\"",
                           "for=1\"",
                           "for=\\1",
                           "x=\\\"",
                           "for=\"\\1\"",
                           "proto=\"\\h\"",
                           "host=\"\\\"\"",
                           "for=1 2",
                           "for =1",
                           "for= 1",
                           "for=1;for=2",
                           "for=1;FOR=\"2\"",
                           "proto=http;proto=https",
                           "host=a;x=1;host=b",
                           "for",
                           "for=",
                           "for=,",
                           "=",
                           "=1",
                           "a b=1",
                           "\"for\"=1",
                           "for=1, nonsense",
                           "1, for=1"}) {
    CAPTURE(line);
    CHECK(read(line) == "malformed");
    CHECK(read(std::string("for=2,") + line) == "malformed");
    CHECK(read(std::string(line) + ",for=2") == "malformed");
  }
}

TEST_CASE("Forwarded: no beginning of a client's hides what a proxy appends") {
  for (const std::string_view whole :
       {R"(for=127.0.0.1;x="\", for=127.0.0.1)", R"(for="x\\\", for="127.0.0.1";y=")",
        R"(for=127.0.0.1;host="a\)", R"(for="";;x="a";y="b", , "c" , z="\\"\)", R"(x="";x="";x=";for=")"}) {
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) check_not_hidden(std::string(whole.substr(0, cut)));
  }
  std::mt19937 random(7239);
  for (int i = 0; i < 3000; ++i) check_not_hidden(drawn(random, 9));
}

TEST_CASE("Forwarded: read as by the slow reference") {
  const Reference reference;
  CHECK(reference.read(R"(for=1;x="a, \" b" , proto="https";;host=c)") == "1|| |https|c");
  CHECK(reference.read("for=\"x, for=1") == "malformed");
  std::mt19937 random(9);
  int well_formed = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string line = drawn(random, 10);
    CAPTURE(line);
    const std::string expected = reference.read(line);
    if (expected != "malformed") ++well_formed;
    REQUIRE(read(line) == expected);
  }
  CHECK(well_formed > 300);
}
