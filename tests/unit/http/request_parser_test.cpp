// RequestParser: what it accepts, and in what order it reports. Each sample runs in every split.
#include "proxy/http/request_parser.h"

#include "tests/unit/http/transcript.h"

using namespace holdfast::http;

TEST_CASE("a small GET") {
  CHECK(run_in_every_split(
            "GET /a/b.php?x=1&y=%zz HTTP/1.1\r\nHost: Example.com:8080\r\nUser-Agent: \t x y \r\n"
            "Empty:\r\nEmpty-Too:  \r\n\r\n") ==
        "head GET target=/a/b.php?x=1&y=%zz raw=/a/b.php path=/a/b.php query=x=1&y=%zz "
        "authority=Example.com:8080 "
        "host=example.com 1.1 keep [Host=Example.com:8080] [User-Agent=x y] [Empty=] [Empty-Too=]\nbody "
        "\ndone\n");
}

TEST_CASE("every method that is a token, with its enum value") {
  const struct {
    const char* text;
    Method method;
  } kMethods[] = {{"GET", Method::get},          {"HEAD", Method::head},
                  {"POST", Method::post},        {"PUT", Method::put},
                  {"DELETE", Method::delete_},   {"OPTIONS", Method::options},
                  {"PATCH", Method::patch},      {"PROPFIND", Method::other},
                  {"MKCOL", Method::other},      {"M-SEARCH", Method::other},
                  {"PURGE", Method::other},      {"REPORT", Method::other},
                  {"LINK", Method::other},       {"LOCK", Method::other},
                  {"MKCALENDAR", Method::other}, {"UNSUBSCRIBE", Method::other},
                  {"QUERY", Method::query},      {"VERSION-CONTROL", Method::other},
                  {"BAN", Method::other},        {"SOURCE", Method::other},
                  {"PRI", Method::other},        {"get", Method::other},
                  {"GETS", Method::other},       {"GE", Method::other},
                  {"query", Method::other},      {"HTTP", Method::other},
                  {"X-Y_Z!", Method::other},     {"!#$%&'*+-.^_`|~09", Method::other}};
  for (const auto& sample : kMethods) {
    const std::string input = std::string(sample.text) + " / HTTP/1.1\r\nHost: a\r\n\r\n";
    CAPTURE(input);
    CHECK(status_in_every_split(input) == 0);
    RequestParser parser;
    REQUIRE(parser.advance(input).event == RequestParser::Event::head_complete);
    CHECK(parser.head().method == sample.method);
    CHECK(parser.head().method_text == sample.text);
  }
}

TEST_CASE("body by Content-Length, also with GET") {
  CHECK(run_in_every_split("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello") ==
        "head GET target=/ raw=/ path=/ query= authority=a host=a 1.1 length=5 keep [Host=a] "
        "[Content-Length=5]\nbody hello\ndone\n");
  CHECK(run_in_every_split("POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n") ==
        "head POST target=/ raw=/ path=/ query= authority= host= 1.0 length=0 close "
        "[Content-Length=0]\nbody \ndone\n");
  CHECK(run_in_every_split("POST / HTTP/1.0\r\nContent-Length: 0000000000000000000000002\r\n\r\n\r\n")
            .find("length=2 close") != std::string::npos);
}

TEST_CASE("a chunked body, with extensions and trailer dropped") {
  CHECK(run_in_every_split("POST /u HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                           "5\r\nhello\r\n01;name=value;q=\"a;b\"\r\n \r\n6;x\r\nworld!\r\n0\r\n"
                           "Checksum: 1\r\nX: y\r\n\r\n") ==
        "head POST target=/u raw=/u path=/u query= authority=a host=a 1.1 chunked keep [Host=a] "
        "[Transfer-Encoding=Chunked]\nbody hello world!\ndone\n");
}

TEST_CASE("chunk data may hold anything that looks like framing") {
  const std::string data = "0\r\n\r\nGET / HTTP/1.1\r\n\r\n\n\r";
  CHECK(run_in_every_split("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n" + data +
                           "\r\n000\r\n\r\n")
            .find("body " + data + "\ndone\n") != std::string::npos);
}

TEST_CASE("pipelined requests of all framings stop at their exact ends") {
  const std::string one = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const std::string two = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string three =
      "PUT /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n";
  const std::string four = "\r\n\r\nGET /4 HTTP/1.0\r\n\r\n";
  const std::string text = run_in_every_split(one + two + three + four + two);
  std::size_t at = 0;
  for (const char* part : {"/1 ", "body abc\ndone", "/2 ", "body \ndone", "/3 ", "body xy\ndone", "/4 ",
                           "body \ndone", "/2 ", "body \ndone"}) {
    at = text.find(part, at);
    CAPTURE(part);
    REQUIRE(at != std::string::npos);
  }
}

TEST_CASE("events and consumed bytes of one request with body") {
  RequestParser parser;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
  const std::string input = head + "abcdGET /";
  CHECK(parser.between_requests());
  auto progress = parser.advance("\r\n\r");
  CHECK(progress.event == RequestParser::Event::need_more);
  CHECK(parser.between_requests());  // empty lines do not count
  CHECK(parser.advance("\n").event == RequestParser::Event::need_more);
  CHECK(parser.between_requests());

  progress = parser.advance(input);
  CHECK(progress.event == RequestParser::Event::head_complete);
  CHECK(progress.consumed == head.size());
  CHECK_FALSE(parser.between_requests());
  CHECK(parser.advance("").event == RequestParser::Event::need_more);

  progress = parser.advance("ab");
  CHECK(progress.event == RequestParser::Event::body);
  CHECK(progress.consumed == 2);
  CHECK(parser.body_bytes() == 2);
  progress = parser.advance("cdGET /");
  CHECK(progress.event == RequestParser::Event::message_complete);
  CHECK(progress.consumed == 2);
  REQUIRE(progress.body.size() == 1);
  CHECK(progress.body[0] == "cd");
  CHECK(parser.advance("GET /").event == RequestParser::Event::message_complete);  // until next_request()
  CHECK(parser.advance("GET /").consumed == 0);
  parser.next_request();
  CHECK(parser.body_bytes() == 0);
  CHECK(parser.head().fields.empty());
  CHECK(parser.advance("G").event == RequestParser::Event::need_more);
  CHECK_FALSE(parser.between_requests());
}

TEST_CASE("a head without body completes with an empty advance") {
  RequestParser parser;
  CHECK(parser.advance("GET / HTTP/1.0\r\n\r\n").event == RequestParser::Event::head_complete);
  const auto progress = parser.advance("");
  CHECK(progress.event == RequestParser::Event::message_complete);
  CHECK(progress.consumed == 0);
}

TEST_CASE("views of the head outlive the input and the body") {
  RequestParser parser;
  for (int i = 0; i < 3; ++i) {
    std::string input = "POST /path?q HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\nX: value\r\n\r\n";
    for (char& c : input) {
      const auto progress = parser.advance({&c, 1});
      c = '?';  // the input is gone
      if (progress.event == RequestParser::Event::head_complete) break;
    }
    const std::string body(20000, 'b');
    CHECK(parser.advance(std::string_view(body).substr(0, 9999)).event == RequestParser::Event::body);
    CHECK(parser.advance(std::string_view(body).substr(9999)).event ==
          RequestParser::Event::message_complete);
    CHECK(parser.head().target == "/path?q");
    CHECK(parser.head().query == "q");
    CHECK(parser.head().find("x") == "value");
    CHECK_FALSE(parser.head().find("y"));
    parser.next_request();
  }
}

TEST_CASE("Upgrade is ignored: body and next request are not swallowed") {
  const std::string upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n";
  const std::string next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::string& request :
       {"GET / HTTP/1.1\r\nHost: a\r\n" + upgrade + "\r\n",
        std::string("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
        "POST / HTTP/1.1\r\nHost: a\r\n" + upgrade + "Content-Length: 2\r\n\r\nhi",
        "POST / HTTP/1.1\r\nHost: a\r\n" + upgrade +
            "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"}) {
    CAPTURE(request);
    const std::string text = run_in_every_split(request + next);
    CHECK(text.find("target=/next") != std::string::npos);
    CHECK(text.find("body " + std::string(request[0] == 'P' ? "hi" : "") + "\ndone\nhead GET target=/next") !=
          std::string::npos);
    CHECK(text.find("refused") == std::string::npos);
  }
}

TEST_CASE("a request after Connection: close is parsed all the same: closing is the caller's") {
  const std::string text = run_in_every_split(
      "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(text.find("/1 raw=/1 path=/1 query= authority=a host=a 1.1 close") != std::string::npos);
  CHECK(text.find("/2 raw=/2 path=/2 query= authority=a host=a 1.1 keep") != std::string::npos);
}

TEST_CASE("what the client asks of the connection") {
  const struct {
    const char* version;
    const char* fields;
    bool keep_alive;
  } kSamples[] = {
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: CLOSE\r\n", false},
      {"1.1", "Connection: foo, close ,bar\r\n", false},
      {"1.1", "Connection: foo\r\nConnection: close\r\n", false},
      {"1.1", "Connection: keep-alive\r\n", true},
      {"1.1", "Connection: keep-alive, close\r\n", false},
      {"1.1", "Connection: closed\r\n", true},
      {"1.1", "Connection:\r\n", true},
      {"1.0", "", false},
      {"1.0", "Connection: Keep-Alive\r\n", true},
      {"1.0", "Connection: x,keep-alive\r\n", true},
      {"1.0", "Connection: x\r\nConnection: keep-alive\r\n", true},
      {"1.0", "Connection: keep-alive, close\r\n", false},
      {"1.0", "Keep-Alive: 300\r\n", false},
  };
  for (const auto& sample : kSamples) {
    const std::string input =
        "GET / HTTP/" + std::string(sample.version) + "\r\nHost: a\r\n" + sample.fields + "\r\n";
    CAPTURE(input);
    const std::string text = run_in_every_split(input);
    CHECK((text.find(" keep ") != std::string::npos) == sample.keep_alive);
  }
}

TEST_CASE("Expect") {
  const auto run = [](const std::string& version, const std::string& fields) {
    return run_in_every_split("POST / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n");
  };
  CHECK(run("1.1", "Expect: 100-Continue\r\nContent-Length: 1\r\n").find(" expect ") != std::string::npos);
  CHECK(run("1.1", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n").find(" expect ") !=
        std::string::npos);
  CHECK(run("1.1", "Expect: 100-continue\r\n").find(" expect ") == std::string::npos);  // no body to wait for
  CHECK(run("1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n").find(" expect ") == std::string::npos);
  CHECK(run("1.1", "Expect: magic\r\nContent-Length: 1\r\n").find("refused 417") == 0);
  CHECK(run("1.1", "Expect: 100-continue, magic\r\nContent-Length: 1\r\n").find("refused 417") == 0);
  CHECK(run("1.1", "Expect: 100-continue\r\nExpect: magic\r\nContent-Length: 1\r\n").find("refused 417") ==
        0);
}

TEST_CASE("empty lines before a request: four pass, five do not") {
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(status_in_every_split("\r\n\r\n\r\n\r\n" + get) == 0);
  CHECK(status_in_every_split("\r\n\r\n\r\n\r\n\r\n" + get) == 400);
  CHECK(status_in_every_split(get + "\r\n\r\n\r\n\r\n" + get) == 0);  // counted anew for each request
  CHECK(status_in_every_split("\n" + get) == 400);
  CHECK(status_in_every_split("\r" + get) == 400);
  CHECK(status_in_every_split(" \r\n" + get) == 400);
}

TEST_CASE("OPTIONS and *") {
  CHECK(run_in_every_split("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").find(" raw=* path=* query= ") !=
        std::string::npos);
  CHECK(run_in_every_split("OPTIONS http://b:81 HTTP/1.1\r\nHost: a\r\n\r\n")
            .find(" raw=* path=* query= authority=b:81 host=b ") != std::string::npos);
  CHECK(run_in_every_split("OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n").find(" path=/x ") != std::string::npos);
  CHECK(status_in_every_split("GET * HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_in_every_split("OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("absolute-form: its authority wins over Host") {
  const auto run = [](const std::string& target, const std::string& host = "h") {
    return run_in_every_split("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  CHECK(run("http://Example.COM:8080/p%20q?r")
            .find(" raw=/p%20q path=/p q query=r authority=Example.COM:8080 host=example.com ") !=
        std::string::npos);
  CHECK(run("HTTPS://[::1]:443/").find(" path=/ query= authority=[::1]:443 host=[::1] ") !=
        std::string::npos);
  CHECK(run("http://e").find(" raw=/ path=/ query= authority=e host=e ") != std::string::npos);
  CHECK(run("http://e?q=/x").find(" raw=/ path=/ query=q=/x authority=e ") != std::string::npos);
  CHECK(run("http://e/", "").find(" authority=e ") != std::string::npos);
  for (const char* bad :
       {"http:///x", "http://", "http://u@h/", "http://u:p@h/", "http://h:99999/", "http://h:x/", "ftp://h/",
        "http:/h/", "http:h", "h:80", "h", "[::1]:80", "http://[::1/", "//"}) {
    CAPTURE(bad);
    if (std::string_view(bad) == "//")
      CHECK(run(bad).find(" path=/ ") != std::string::npos);  // a path of two slashes, not an authority
    else
      CHECK(run(bad).find("refused 400") == 0);
  }
  CHECK(run("http://good/", "bad host").find("refused 400") == 0);  // Host must be in order even if unused
}

TEST_CASE("HTTP/1.2 and above is served as 1.1") {
  for (const char* version : {"1.2", "1.9"}) {
    const std::string text = run_in_every_split("GET / HTTP/" + std::string(version) +
                                                "\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    CHECK(text.find(" host=a 1.1 chunked keep ") != std::string::npos);
  }
}

TEST_CASE("a HEAD is known from its first space on, also of a head that is refused or not whole") {
  struct Sample {
    std::string_view input;
    bool head;
  };
  for (const Sample& sample :
       {Sample{"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", true}, Sample{"HEAD ", true}, Sample{"HEAD", false},
        Sample{"\r\nHEAD /x\r\n", true}, Sample{"HEAD / HTTP/1.1\r\nA : b\r\n\r\n", true},
        Sample{"HEAD / HTTP/1.1\r\n\r\n", true}, Sample{"HEAD / HTTP/1.1\nx", true},
        Sample{"HEADS / HTTP/1.1\r\n", false}, Sample{"head / HTTP/9.9\r\n\r\n", false},
        Sample{"GET /HEAD HTTP/1.1\r\n", false}, Sample{"\rHEAD /x", false}, Sample{"", false}}) {
    CAPTURE(sample.input);
    for (std::size_t cut = 0; cut <= sample.input.size(); ++cut) {
      RequestParser parser;
      parser.advance(sample.input.substr(0, cut));
      parser.advance(sample.input.substr(cut));
      CHECK(parser.head_method() == sample.head);
    }
  }
  RequestParser parser;
  CHECK(parser.advance("HEAD / HTTP/1.0\r\n\r\n").event == RequestParser::Event::head_complete);
  CHECK(parser.advance("").event == RequestParser::Event::message_complete);
  parser.next_request();
  CHECK_FALSE(parser.head_method());
}
