// ServerSession against the records of five web servers of Debian 12, as they were recorded: flags, ids,
// sizes, padding, repeated and empty parameters.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "fastcgi/request_params.h"
#include "server_log.h"

using namespace server_log;

namespace {

std::size_t pad8(std::size_t bytes) {
  return (8 - bytes % 8) % 8;
}

// What php-fpm would be sent of the one request in `wire`, its CONTENT_LENGTH corrected; bodies are joined.
struct Seen {
  Pairs params;
  std::string body;
  std::string script;
  bool keep = false;
  ServerVerdict after{};
};
Seen see(const std::string& wire) {
  Seen seen;
  ServerSession session;
  std::string sent;
  ParamList list;
  std::string_view rest = wire;
  std::uint16_t id = 0;
  while (true) {
    const ServerEvent event = session.next(rest, sent);
    REQUIRE(event.kind != ServerEvent::Kind::failed);
    if (event.kind == ServerEvent::Kind::need_bytes) break;
    if (event.kind == ServerEvent::Kind::begun) {
      id = event.request_id;
      seen.keep = event.keep_connection;
    }
    if (event.kind == ServerEvent::Kind::params_ended) session.take_params(id, list);
    if (event.kind == ServerEvent::Kind::stdin_data) seen.body += event.bytes;
    if (event.kind == ServerEvent::Kind::stdin_ended) {
      correct_content_length(list, event.stdin_bytes);
      session.write_head(id, "Content-type: text/html\r\n\r\n", sent);
      session.write_end(id, 0, sent);
    }
  }
  REQUIRE(!session.is_open(id));
  seen.params = reference::decode_pairs(list.encoded());
  seen.script = script_path(read_request_params(list).script_filename);
  seen.after = session.verdict();
  return seen;
}

Pairs with(Pairs pairs, const std::string& name, const std::string& value) {
  for (auto& pair : pairs) {
    if (pair.first == name) pair.second = value;
  }
  return pairs;
}
Pairs without(Pairs pairs, const std::string& name) {
  pairs.erase(
      std::remove_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == name; }),
      pairs.end());
  return pairs;
}

}  // namespace

TEST_CASE("front: nginx: one PARAMS record, padding to 8 behind each piece, pairs repeated, HTTP_PROXY") {
  const Pairs pairs = {{"PATH_INFO", ""},
                       {"SCRIPT_FILENAME", "/srv/x.php"},
                       {"QUERY_STRING", ""},
                       {"REQUEST_METHOD", "POST"},
                       {"CONTENT_TYPE", ""},
                       {"CONTENT_LENGTH", "1024"},
                       {"REQUEST_URI", "/x.php"},
                       {"REMOTE_USER", ""},
                       {"SERVER_NAME", ""},
                       {"REDIRECT_STATUS", "200"},
                       {"HTTP_HOST", "a"},
                       {"HTTP_COOKIE", "a=1"},
                       {"HTTP_COOKIE", "b=2"},
                       {"HTTP_PROXY", "http://evil/"},
                       {"HTTP_CONTENT_LENGTH", "1024"}};
  const std::string stream = reference::encode_pairs(pairs);
  const auto wire = [&](const std::string& params_stream, const std::string& body, int flags) {
    std::string out = begin(1, flags) + params(1, params_stream, pad8(params_stream.size())) + params(1, "");
    for (std::size_t at = 0; at < body.size(); at += 920) {
      const std::string piece = body.substr(at, 920);
      out += in(1, piece, pad8(piece.size()));
    }
    return out + in(1, "");
  };
  const Seen post = see(wire(stream, std::string(1024, 'b'), 0));
  CHECK(post.params == without(pairs, "HTTP_PROXY"));
  CHECK(post.body == std::string(1024, 'b'));
  CHECK(!post.keep);
  CHECK(post.after == ServerVerdict::close);
  // fastcgi_keep_conn on, and a GET: CONTENT_LENGTH is there and empty.
  const Pairs get = with(with(pairs, "CONTENT_LENGTH", ""), "REQUEST_METHOD", "GET");
  const Seen kept = see(wire(reference::encode_pairs(get), "", 1));
  CHECK(kept.params == without(get, "HTTP_PROXY"));
  CHECK(kept.after == ServerVerdict::keep);
  // fastcgi_request_buffering off, a chunked body: empty again.
  CHECK(see(wire(reference::encode_pairs(get), "body", 1)).params ==
        without(with(get, "CONTENT_LENGTH", "4"), "HTTP_PROXY"));
}

TEST_CASE("front: Apache: PARAMS in records of 16 KB between pairs, proxy:fcgi://, no length when chunked") {
  Pairs pairs = {{"HTTP_HOST", "a"},
                 {"HTTP_TRANSFER_ENCODING", "chunked"},
                 {"HTTP_COOKIE", std::string(9000, 'c')},
                 {"proxy-nokeepalive", "1"},
                 {"PATH", "/usr/bin"},
                 {"SERVER_SIGNATURE", ""},
                 {"SCRIPT_FILENAME", "proxy:fcgi://localhost/srv/x.php"},
                 {"HTTP_X_LONG", std::string(9000, 'x')},
                 {"REQUEST_METHOD", "POST"}};
  std::string wire = begin(1, 0) + params(1, Pairs(pairs.begin(), pairs.begin() + 7)) +
                     params(1, Pairs(pairs.begin() + 7, pairs.end())) + params(1, "");
  for (int i = 0; i < 3; ++i) wire += in(1, std::string(8192, 'b'));
  const Seen seen = see(wire + in(1, "end") + in(1, ""));
  CHECK(seen.script == "/srv/x.php");
  CHECK(seen.body.size() == 3 * 8192 + 3);
  pairs.push_back({"CONTENT_LENGTH", "24579"});
  CHECK(seen.params == pairs);
  CHECK(seen.after == ServerVerdict::close);
}

TEST_CASE("front: HAProxy: GET_VALUES first, ids 1, 3, 5 on a kept connection, irregular STDIN") {
  const Pairs pairs = {
      {"HTTP_COOKIE", "a=1"}, {"HTTP_COOKIE", "b=2"}, {"REQUEST_METHOD", "POST"}, {"CONTENT_LENGTH", "5"}};
  Server server;
  server.feed(record(9, 0, reference::encode_pairs({{"FCGI_MAX_REQS", ""}, {"FCGI_MPXS_CONNS", ""}})));
  CHECK(server.words() == "values{FCGI_MAX_REQS=1;FCGI_MPXS_CONNS=0;}");
  server.forget();
  std::string log;
  for (const int id : {1, 3, 5}) {
    server.feed(begin(id, 1) + params(id, pairs) + params(id, "") + in(id, "ab") + in(id, "cde") +
                in(id, ""));
    const std::string n = std::to_string(id);
    log += (log.empty() ? "begin" : " begin") + n + " params" + n +
           "{HTTP_COOKIE=a=1;HTTP_COOKIE=b=2;REQUEST_METHOD=POST;CONTENT_LENGTH=5} in" + n + ":abcde end" +
           n + "/5";
  }
  CHECK(server.log() == log);
  // A client that left in its upload, beside others.
  server.forget().feed(begin(7) + params(7, pairs) + params(7, "") + in(7, "a") + abort_request(7));
  CHECK(server.session.open_requests() == 3);
  CHECK(server.session.verdict() == ServerVerdict::keep);
}

TEST_CASE(
    "front: Caddy: PARAMS and STDIN to 65500 bytes, padded to 8, CONTENT_LENGTH -1 for a chunked body") {
  const Pairs pairs = {{"AUTH_TYPE", ""},
                       {"CONTENT_LENGTH", "-1"},
                       {"SCRIPT_FILENAME", "/srv/x.php"},
                       {"REQUEST_METHOD", "POST"},
                       {"HTTP_USER_AGENT", ""},
                       {"HTTP_PROXY", "x"},
                       {"HTTP_X_FORWARDED_FOR", "192.0.2.1"}};
  const std::string stream = reference::encode_pairs(pairs);
  const std::string wire = begin(1, 0, 1) + params(1, stream, pad8(stream.size())) + params(1, "") +
                           in(1, std::string(65500, 'b'), pad8(65500)) + in(1, "rest", 4) + in(1, "");
  const Seen seen = see(wire);
  CHECK(seen.params == without(with(pairs, "CONTENT_LENGTH", "65504"), "HTTP_PROXY"));
  CHECK(seen.after == ServerVerdict::close);
}

TEST_CASE("front: lighttpd: STDIN of 65535 and of 4 bytes, a script's name with a slash behind") {
  const Pairs pairs = {{"CONTENT_LENGTH", "65539"},
                       {"QUERY_STRING", ""},
                       {"SCRIPT_FILENAME", "/srv/x.php/"},
                       {"REQUEST_METHOD", "POST"}};
  const Seen seen = see(begin(1, 0) + params(1, pairs) + params(1, "") + in(1, std::string(65535, 'b')) +
                        in(1, "rest") + in(1, ""));
  CHECK(seen.params == pairs);
  CHECK(seen.script == "/srv/x.php");
  CHECK(seen.body.size() == 65539);
}
