// What is read from a web server's parameters, and the correction of CONTENT_LENGTH.
#include <doctest/doctest.h>

#include <string>

#include "fastcgi/request_params.h"
#include "reference_codec.h"

using namespace holdfast::fastcgi;
using reference::Pairs;

namespace {

ParamList list_of(const Pairs& pairs) {
  ParamList list;
  for (const auto& [name, value] : pairs) REQUIRE(list.add(name, value));
  return list;
}

Pairs corrected(const Pairs& pairs, std::uint64_t stdin_bytes) {
  ParamList list = list_of(pairs);
  correct_content_length(list, stdin_bytes);
  return reference::decode_pairs(list.encoded());
}
// The pair of this name as it stands between two others.
Pairs corrected_value(const std::string& value, std::uint64_t stdin_bytes) {
  const Pairs out = corrected({{"A", "1"}, {"CONTENT_LENGTH", value}, {"B", "2"}}, stdin_bytes);
  REQUIRE(out.size() == 3);
  CHECK(out[0].first == "A");
  CHECK(out[1].first == "CONTENT_LENGTH");
  CHECK(out[2].first == "B");
  return {out[1]};
}

}  // namespace

TEST_CASE("request params: each is found, the last of repeats counts, absent ones are empty") {
  const ParamList list = list_of({{"SCRIPT_FILENAME", "/srv/x.php"},
                                  {"QUERY_STRING", "a=1"},
                                  {"REQUEST_METHOD", "GET"},
                                  {"SCRIPT_NAME", "/x.php"},
                                  {"REQUEST_URI", "/x.php?a=1"},
                                  {"SERVER_PROTOCOL", "HTTP/1.1"},
                                  {"HTTP_HOST", "one"},
                                  {"HTTP_HOST", "two"},
                                  {"request_method", "PUT"},
                                  {"REMOTE_ADDR", "192.0.2.1"}});
  const RequestParams read = read_request_params(list);
  CHECK(read.script_filename == "/srv/x.php");
  CHECK(read.query_string == "a=1");
  CHECK(read.request_method == "GET");
  CHECK(read.script_name == "/x.php");
  CHECK(read.request_uri == "/x.php?a=1");
  CHECK(read.server_protocol == "HTTP/1.1");
  CHECK(read.http_host == "two");
  CHECK(read.remote_addr == "192.0.2.1");
  CHECK(find_param(list, "HTTP_HOST") == "two");
  CHECK(!find_param(list, "HTTP_HOS"));
  CHECK(read_request_params(ParamList{}).request_method.empty());
}

TEST_CASE("request params: the script's path through what Apache and lighttpd write") {
  const Pairs table = {
      {"/srv/x.php", "/srv/x.php"},
      {"proxy:fcgi://localhost/srv/x.php", "/srv/x.php"},
      {"proxy:fcgi://127.0.0.1:9000/srv/x.php/foo%20bar", "/srv/x.php/foo%20bar"},
      {"proxy:fcgi://[::1]:9000/srv/x.php", "/srv/x.php"},
      {"Proxy:FCGI://localhost/srv/x.php", "/srv/x.php"},
      {"proxy:balancer://pool/srv/x.php?a=/b/", "/srv/x.php"},
      {"proxy:fcgi://localhost", "proxy:fcgi://localhost"},
      {"proxy:fcgi:/", "proxy:fcgi:"},
      {"/srv/x.php/", "/srv/x.php"},
      {"/srv/a?b.php", "/srv/a?b.php"},
      {"/", "/"},
      {"", ""},
  };
  for (const auto& row : table) {  // no structured binding: clang 14 cannot capture one
    const auto& sent = row.first;
    const auto& path = row.second;
    CAPTURE(sent);
    CHECK(script_path(sent) == path);
  }
}

TEST_CASE("content length: what says the truth is left as it came") {
  const Pairs none = {{"A", "1"}};
  CHECK(corrected(none, 0) == none);
  CHECK(corrected_value("", 0)[0].second.empty());  // nginx, for a GET
  CHECK(corrected_value("0", 0)[0].second == "0");
  CHECK(corrected_value("5", 5)[0].second == "5");
  CHECK(corrected_value("005", 5)[0].second == "005");
  CHECK(corrected_value("18446744073709551615", ~std::uint64_t{0})[0].second == "18446744073709551615");
}

TEST_CASE("content length: what does not is corrected in its place") {
  for (const std::string& wrong :
       {std::string("-1"), std::string(""), std::string("0"), std::string("4"), std::string("6"),
        std::string("5x"), std::string(" 5"), std::string("+5"), std::string("0x5"), std::string("5.0"),
        std::string("five"), std::string("5\0", 2), std::string("99999999999999999999999")}) {
    CAPTURE(wrong);
    CHECK(corrected_value(wrong, 5)[0].second == "5");
  }
  for (const std::string wrong : {"-1", "4", "x", "-0"}) CHECK(corrected_value(wrong, 0)[0].second == "0");
  CHECK(corrected_value("7", 10'000'000'000)[0].second == "10000000000");
}

TEST_CASE("content length: added at the end for a body that came without (Apache, chunked)") {
  CHECK(corrected({{"A", "1"}}, 7) == Pairs{{"A", "1"}, {"CONTENT_LENGTH", "7"}});
  CHECK(corrected({}, 7) == Pairs{{"CONTENT_LENGTH", "7"}});
  // Another parameter, though nginx derives both from one field.
  CHECK(corrected({{"HTTP_CONTENT_LENGTH", "9"}}, 7) ==
        Pairs{{"HTTP_CONTENT_LENGTH", "9"}, {"CONTENT_LENGTH", "7"}});
}

TEST_CASE("content length: of repeats the last counts at php-fpm") {
  const Pairs right = {{"CONTENT_LENGTH", "-1"}, {"A", "1"}, {"CONTENT_LENGTH", "5"}};
  CHECK(corrected(right, 5) == right);
  CHECK(corrected({{"CONTENT_LENGTH", "5"}, {"A", "1"}, {"CONTENT_LENGTH", "-1"}, {"B", "2"}}, 5) ==
        Pairs{{"CONTENT_LENGTH", "5"}, {"A", "1"}, {"B", "2"}});
}

TEST_CASE("content length: it is that of the file where php reads the body from one") {
  const Pairs file = {{"CONTENT_LENGTH", "100"}, {"REQUEST_BODY_FILE", "/tmp/body"}};
  CHECK(corrected(file, 0) == file);
  CHECK(corrected(file, 5)[0].second == "5");
  CHECK(corrected({{"CONTENT_LENGTH", "100"}, {"REQUEST_BODY_FILE", ""}}, 0)[0].second == "0");
}

TEST_CASE("content length: corrected among more than one record, whose cuts move") {
  Pairs pairs = {{"CONTENT_LENGTH", "1"}};
  for (int i = 0; i < 5; ++i) pairs.push_back({"N" + std::to_string(i), std::string(30000, 'v')});
  ParamList list = list_of(pairs);
  correct_content_length(list, 123456789);
  pairs[0].second = "123456789";
  std::string wire;
  list.write_records(9, wire);
  Pairs back;
  for (const reference::Record& record : reference::decode(wire)) {
    for (const auto& pair : reference::decode_pairs(record.content)) back.push_back(pair);
  }
  CHECK(back == pairs);
}
