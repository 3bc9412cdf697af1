// Compressing on the way to the client: what comes out inflates to what went in, in every split; what is left
// alone goes through as it is.
#include "proxy/client/gzip_response.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <random>
#include <vector>

using namespace holdfast;

namespace {

// What the client's side is told, as text.
struct Recorder final : core::ResponseSink {
  void start_response(const http::ResponseHead& head, bool is_stream) override {
    ++starts;
    stream = is_stream;
    length = head.content_length;
    for (const http::Field& field : head.fields)
      fields += std::string(field.name) + ": " + std::string(field.value) + "\n";
  }
  void response_body(std::string_view bytes) override { body.append(bytes); }
  void finish_response() override { finished = true; }
  void break_response() override { broken = true; }

  int starts = 0;
  bool stream = false, finished = false, broken = false;
  std::optional<std::uint64_t> length;
  std::string fields, body;
};

std::string inflate_gzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out(8 << 20, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = inflate(&stream, Z_FINISH);
  CHECK(status == Z_STREAM_END);
  CHECK(stream.avail_in == 0);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::string some_text(std::size_t bytes) {
  std::minstd_rand random(7);
  std::string text;
  while (text.size() < bytes) text += "<li>" + std::to_string(random() % 1000) + "</li>";
  text.resize(bytes);
  return text;
}

struct GzipScene {
  explicit GzipScene(std::string_view accept = "gzip") { request.fields = {{"Accept-Encoding", accept}}; }
  http::RequestHead request;
  http::ResponseHead head = {
      .status = 200,
      .reason = {},
      .fields = {{"Content-Type", "text/html"}, {"ETag", "\"v1\""}, {"Accept-Ranges", "bytes"}},
      .content_length = {}};
  Recorder recorder;
  std::size_t compressors = 0;
  GzipResponse response{request, recorder, compressors, core::BodyStore(nullptr, 16 << 20)};

  // As many turns as it takes; how many.
  int work(std::size_t bytes_a_turn = 8192) {
    int turns = 0;
    for (; response.has_work(); ++turns) response.work(bytes_a_turn);
    return turns;
  }
};

}  // namespace

TEST_CASE("gzip: every split inflates to the same") {
  const std::string text = some_text(3000);
  for (std::size_t cut = 0; cut <= text.size(); cut += cut < 1100 ? 1 : 97) {
    GzipScene scene;
    scene.response.start_response(scene.head, false);
    scene.response.response_body(std::string_view(text).substr(0, cut));
    scene.response.response_body(std::string_view(text).substr(cut));
    scene.response.finish_response();
    scene.work();
    REQUIRE(scene.recorder.finished);
    REQUIRE(inflate_gzip(scene.recorder.body) == text);
    REQUIRE(scene.recorder.body.size() < text.size() / 2);
    REQUIRE(scene.compressors == 0);
  }
}

TEST_CASE("gzip: byte by byte, and pieces larger than the output buffer") {
  for (const std::size_t bytes : {std::size_t{1024}, std::size_t{5000}, std::size_t{3} << 20}) {
    GzipScene scene;
    const std::string text = some_text(bytes);
    scene.response.start_response(scene.head, false);
    const std::size_t step = bytes > 10000 ? 65536 : 1;
    for (std::size_t i = 0; i < text.size(); i += step)
      scene.response.response_body(std::string_view(text).substr(i, step));
    scene.response.finish_response();
    scene.work();
    CHECK(inflate_gzip(scene.recorder.body) == text);
  }
  GzipScene scene;  // what does not shrink
  std::minstd_rand random(1);
  std::string noise(200'000, '\0');
  for (char& c : noise) c = static_cast<char>(random() >> 8);
  scene.response.start_response(scene.head, false);
  scene.response.response_body(noise);
  scene.response.finish_response();
  scene.work();
  CHECK(inflate_gzip(scene.recorder.body) == noise);
}

TEST_CASE("gzip: the head tells of it") {
  GzipScene scene;
  scene.head.content_length = 2000;
  scene.response.start_response(scene.head, false);
  scene.work();
  CHECK(scene.recorder.fields ==
        "Content-Type: text/html\nETag: W/\"v1\"\nVary: Accept-Encoding\nContent-Encoding: gzip\n");
  CHECK_FALSE(scene.recorder.length);
  CHECK(scene.compressors == 1);
}

TEST_CASE("gzip: a HEAD has the fields of its GET; of a length that nobody knows what holds either way") {
  GzipScene scene;
  scene.request.method = http::Method::head;
  scene.head.content_length = 2000;
  SUBCASE("known") {
    scene.response.start_response(scene.head, false);
    CHECK(scene.recorder.fields ==
          "Content-Type: text/html\nETag: W/\"v1\"\nVary: Accept-Encoding\nContent-Encoding: gzip\n");
  }
  SUBCASE("not known") {
    scene.head.content_length.reset();
    scene.response.start_response(scene.head, false);
    CHECK(scene.recorder.fields == "Content-Type: text/html\nETag: W/\"v1\"\nVary: Accept-Encoding\n");
  }
  SUBCASE("short: it stays as it is") {
    scene.head.content_length = 1023;
    scene.response.start_response(scene.head, false);
    CHECK(scene.recorder.fields == "Content-Type: text/html\nETag: \"v1\"\nAccept-Ranges: bytes\n");
    CHECK(scene.recorder.length == 1023);
    return;
  }
  CHECK_FALSE(scene.recorder.length);
  scene.response.finish_response();
  CHECK(scene.recorder.finished);
  CHECK(scene.compressors == 0);
}

TEST_CASE("gzip: a 304 carries the tag that the client has of us") {
  for (const auto& [asked, tag] :
       {std::pair("W/\"v1\"", "W/\"v1\""), std::pair("\"x\", W/\"v1\"", "W/\"v1\""),
        std::pair("\"v1\"", "\"v1\""), std::pair("*", "\"v1\"")}) {
    GzipScene scene;
    scene.request.fields.push_back({"If-None-Match", asked});
    scene.head.status = 304;
    scene.head.fields = {{"ETag", "\"v1\""}};
    scene.response.start_response(scene.head, false);
    CHECK(scene.recorder.fields == "ETag: " + std::string(tag) + "\nVary: Accept-Encoding\n");
  }
}

TEST_CASE("gzip: a short answer of unknown length goes out as it is: one below the limit, at it") {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1023}, std::size_t{1024}}) {
    GzipScene scene;
    const std::string text = some_text(bytes);
    scene.response.start_response(scene.head, false);
    CHECK(scene.recorder.starts == 0);
    for (const char& c : text) scene.response.response_body({&c, 1});
    scene.response.finish_response();
    scene.work();
    CHECK(scene.recorder.starts == 1);
    CHECK(scene.recorder.finished);
    if (bytes < 1024) {
      CHECK(scene.recorder.body == text);
      CHECK(scene.recorder.fields ==
            "Content-Type: text/html\nETag: \"v1\"\nAccept-Ranges: bytes\nVary: Accept-Encoding\n");
    } else {
      CHECK(inflate_gzip(scene.recorder.body) == text);
    }
  }
}

TEST_CASE("gzip: other clients, streams and other types get it plain") {
  for (const int what : {0, 1, 2}) {
    CAPTURE(what);
    GzipScene scene(what == 0 ? "br" : "gzip");
    if (what == 2) scene.head.fields[0].value = "image/png";
    scene.response.start_response(scene.head, what == 1);
    scene.response.response_body("first");
    CHECK(scene.recorder.body == "first");
    scene.response.finish_response();
    scene.work();
    CHECK(scene.recorder.stream == (what == 1));
    CHECK((scene.recorder.fields.find("Vary") != std::string::npos) == (what == 0));
    CHECK(scene.compressors == 0);
  }
}

TEST_CASE("gzip: broken off, before and after the decision") {
  for (const std::size_t bytes : {std::size_t{10}, std::size_t{5000}}) {
    GzipScene scene;
    scene.response.start_response(scene.head, false);
    scene.response.response_body(some_text(bytes));
    scene.response.break_response();
    scene.work();
    CHECK(scene.recorder.starts == 1);
    CHECK(scene.recorder.broken);
    CHECK_FALSE(scene.recorder.finished);
    CHECK(scene.compressors == 0);
  }
}

TEST_CASE("gzip: no more compressors than the limit") {
  GzipScene scene;
  scene.compressors = GzipResponse::kCompressorsMost;
  scene.response.start_response(scene.head, false);
  scene.response.response_body("plain");
  CHECK(scene.recorder.body == "plain");
  CHECK(scene.compressors == GzipResponse::kCompressorsMost);
}

TEST_CASE("gzip: a response that is dropped in the middle gives its compressor back") {
  std::size_t compressors = 0;
  http::RequestHead request;
  request.fields = {{"Accept-Encoding", "gzip"}};
  Recorder recorder;
  {
    GzipResponse response(request, recorder, compressors, core::BodyStore(nullptr, 1 << 20));
    http::ResponseHead head;
    head.fields = {{"Content-Type", "text/css"}};
    head.content_length = 100'000;
    response.start_response(head, false);
    CHECK(compressors == 1);
  }
  CHECK(compressors == 0);
}

TEST_CASE("gzip: what was flushed can be read at once; one that is whole by then has no marks in it") {
  GzipScene scene;
  std::string sent;
  for (int step = 0; step < 4; ++step) {
    if (step == 0) scene.response.start_response(scene.head, false);
    const std::string piece = "<p>step " + std::to_string(step) + "</p>\n";
    sent += piece;
    scene.response.response_body(piece);
    scene.work();
    // All but the end: zlib says that it needs more, and has given all that was put in.
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
    std::string out(10'000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(scene.recorder.body.data());
    stream.avail_in = static_cast<uInt>(scene.recorder.body.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(inflate(&stream, Z_SYNC_FLUSH) == Z_OK);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    CHECK(out == sent);
  }
  scene.response.finish_response();
  scene.work();
  CHECK(inflate_gzip(scene.recorder.body) == sent);

  GzipScene whole;  // in many pieces, and many turns
  const std::string text = some_text(100'000);
  whole.response.start_response(whole.head, false);
  for (std::size_t i = 0; i < text.size(); i += 999)
    whole.response.response_body(std::string_view(text).substr(i, 999));
  whole.response.finish_response();
  CHECK(whole.work() > 10);
  CHECK(whole.recorder.body.find(std::string("\0\0\xff\xff", 4)) == std::string::npos);
  CHECK(inflate_gzip(whole.recorder.body) == text);
}

TEST_CASE("gzip: no more than asked for is compressed at once, and none when it comes") {
  GzipScene scene;
  scene.response.start_response(scene.head, false);
  scene.response.response_body(some_text(1 << 20));
  CHECK(scene.recorder.starts == 0);
  CHECK(scene.response.work(8192) == 8192);
  CHECK(scene.response.stored_bytes() == (1 << 20) - 8192);
}

TEST_CASE("gzip: the Content-Length ends it, more is dropped, less is broken") {
  const std::string text = some_text(5000);
  for (const int more : {-1, 0, 10}) {
    CAPTURE(more);
    GzipScene scene;
    scene.head.content_length = 5000;
    scene.response.start_response(scene.head, false);
    scene.response.response_body(std::string_view(text).substr(0, more < 0 ? 4999 : 5000));
    if (more > 0) scene.response.response_body("0123456789");
    if (more < 0) scene.response.finish_response();
    scene.work();
    CHECK(scene.recorder.finished == (more >= 0));
    CHECK(scene.recorder.broken == (more < 0));
    if (more >= 0) CHECK(inflate_gzip(scene.recorder.body) == text);
    if (more >= 0) scene.response.break_response();  // of the script: the client has its answer
    CHECK_FALSE(scene.response.has_work());
    CHECK(scene.compressors == 0);
  }
}

TEST_CASE("gzip: a store without room holds the source back, and loses nothing") {
  Recorder recorder;
  std::size_t compressors = 0;
  http::RequestHead request;
  request.fields = {{"Accept-Encoding", "gzip"}};
  GzipResponse response(request, recorder, compressors, core::BodyStore(nullptr, 3000));
  http::ResponseHead head;
  head.fields = {{"Content-Type", "text/css"}};
  response.start_response(head, false);
  const std::string text = some_text(9000);
  for (std::size_t i = 0; i < text.size(); i += 1500) {
    response.response_body(std::string_view(text).substr(i, 1500));
    while (response.congested()) response.work(1000);
  }
  response.finish_response();
  while (response.has_work()) response.work(1000);
  CHECK(inflate_gzip(recorder.body) == text);
}
