// Chunk extensions against the grammar of RFC 9112 7.1.1, written down a second time as a regular expression:
//   chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] )
#include <random>
#include <regex>
#include <string>

#include "tests/unit/http/transcript.h"

using namespace holdfast::http;

namespace {

std::string with_extension(const std::string& extension) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5" + extension + "\r\nhello\r\n0" +
         extension + "\r\n\r\n";
}

bool by_grammar(const std::string& extension) {
  static const std::regex kGrammar(
      "[ \\t]*(;[ \\t]*[A-Za-z!]+([ \\t]*=[ \\t]*([A-Za-z!]+|\"([^\"\\\\\\x7f\\x01]|\\\\[^\\x7f\\x01])*\"))?"
      "([ \\t]+(?=;))?)*");
  return std::regex_match(extension, kGrammar);
}

// Without the splits: those are for a few, this is for many.
bool accepted(const std::string& extension) {
  RequestParser parser;
  std::string rest = with_extension(extension);
  for (;;) {
    const RequestParser::Progress progress = parser.advance(rest);
    rest.erase(0, progress.consumed);
    if (progress.event == RequestParser::Event::message_complete) return rest.empty();
    if (progress.event == RequestParser::Event::refused) return false;
    if (progress.event == RequestParser::Event::need_more) return false;
  }
}

}  // namespace

TEST_CASE("chunk extensions: samples, in every split") {
  for (const char* good : {"", ";a", ";a=b", ";a;b", ";a=b;c=d", "; a", ";\ta = b", ";a =b ;c", ";a=\"\"",
                           ";a=\"x;y=z\"", ";a=\"\\\"\"", ";a=\"\\\\\"", ";a=\"x\";b", ";a=\"x\" ;b",
                           ";a=\"\t\xff []\"", ";!#$%&'*+-.^_`|~0=1", " ;a", "\t \t;a = b"}) {
    CAPTURE(good);
    CHECK(status_in_every_split(with_extension(good)) == 0);
  }
  for (const char* bad :
       {";",       ";;",     ";a;",    ";=",      ";=b",         ";a=",         ";a==b",         ";a=b=c",
        ";bad[=x", ";a=[x]", ";a=\"",  ";a=\"x",  ";a=\"x\"y",   ";a=x\"y\"",   ";a=\"\\",       ";a=\"\\\"",
        ";\"a\"",  ";a b",   ";a=b c", ";a ",     ";a=b ",       ";a= ",        ";a=\"x\" ",     " a",
        " 5",      " ",      ";\xe4",  ";a=\xe4", ";a=\"\x7f\"", ";a=\"\x01\"", ";a=\"\\\x01\"", ";a\x01",
        ",a",      ";a,b",   ";a;;b",  "\t",      " ;"}) {
    CAPTURE(bad);
    CHECK(status_in_every_split(with_extension(bad)) == 400);
  }
}

TEST_CASE("chunk extensions: random ones, as the grammar says") {
  std::mt19937 random(7);
  const std::string_view alphabet = "aB!;;==\"\"\\ \t[\x7f\x01\xe4";
  int good = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string extension = i % 8 == 0 ? " ;a" : ";a";
    for (std::size_t bytes = random() % 9; bytes > 0; --bytes)
      extension += alphabet[random() % alphabet.size()];
    const bool expected = by_grammar(extension);
    good += expected ? 1 : 0;
    CAPTURE(extension);
    REQUIRE(accepted(extension) == expected);
  }
  CHECK(good > 3000);
}
