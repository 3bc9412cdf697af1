// JSON values: what is built is what is written, and read back; odd texts and odd questions.
#include "proxy/json/json.h"

#include <doctest/doctest.h>

#include <string>

using holdfast::Json;

TEST_CASE("members keep their order, numbers their kind") {
  Json json;
  json["z"] = std::uint64_t{18446744073709551615U};
  json["a"] = -3;
  json["half"] = 0.5;
  json["whole"] = 2.0;
  json["yes"] = true;
  json["none"] = nullptr;
  json["text"] = "a\"b";
  json["list"] = Json::array();
  json["list"].push_back({{"k", 1}});
  json["empty"] = Json::object();
  json["a"] = -4;  // set again: stays where it was
  const std::string text =
      R"({"z":18446744073709551615,"a":-4,"half":0.5,"whole":2.0,"yes":true,"none":null,"text":"a\"b",)"
      R"("list":[{"k":1}],"empty":{}})";
  CHECK(json.dump() == text);
  const auto back = Json::parse(text);
  REQUIRE(back);
  CHECK(back->dump() == text);
  CHECK(json.dump(2).find("\n  \"a\": -4,\n") != std::string::npos);
}

TEST_CASE("questions to values of another kind") {
  const Json json = Json{{"number", 7}, {"negative", -7}, {"real", -1.5}, {"text", "7"}, {"flag", false}};
  CHECK(json["number"].count() == 7);
  CHECK(json["negative"].count() == 0);
  CHECK_FALSE(json["real"].count());
  CHECK(json["real"].number() == -1.5);
  CHECK_FALSE(json["text"].number());
  CHECK(json["text"].text() == "7");
  CHECK(json["flag"].boolean() == false);
  CHECK_FALSE(json["number"].boolean());
  CHECK(json["missing"].is_null());
  CHECK(json["number"]["deeper"].is_null());
  CHECK(json["number"].items().empty());
  CHECK(json["number"].members().empty());
}

TEST_CASE("bytes that are no UTF-8 are replaced") {
  CHECK(Json("a\xff"
             "b")
            .dump() ==
        "\"a\xef\xbf\xbd"
        "b\"");
}

TEST_CASE("what is no JSON") {
  for (const char* text : {"", "pong", "{", "[1,]", "{\"a\":1}x", "\"\xff\"", "nul"}) {
    CAPTURE(text);
    CHECK_FALSE(Json::parse(text));
  }
  const auto null = Json::parse("null");
  REQUIRE(null);
  CHECK(null->is_null());
}

TEST_CASE("nesting without end costs no stack") {
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  const auto json = Json::parse(deep);
  std::size_t depth = 0;
  for (const Json* at = json ? &*json : nullptr; at != nullptr && !at->items().empty(); at = &at->items()[0])
    ++depth;
  CHECK(depth <= 500);
}
