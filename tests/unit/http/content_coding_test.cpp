// Accept-Encoding, the types that are worth it, and which answers are compressed.
#include "proxy/http/content_coding.h"

#include <doctest/doctest.h>

using namespace holdfast::http;

namespace {

RequestHead asking(std::vector<Field> fields) {
  RequestHead head;
  head.fields = std::move(fields);
  return head;
}

bool accepts(std::string_view value) {
  return accepts_gzip(asking({{"accept-encoding", value}}));
}

ResponseHead page() {
  ResponseHead head;
  head.fields = {{"Content-Type", "text/html; charset=utf-8"}};
  return head;
}

Compression decide(const ResponseHead& response, std::vector<Field> request = {{"Accept-Encoding", "gzip"}}) {
  return decide_compression(asking(std::move(request)), response, 1024);
}

}  // namespace

TEST_CASE("Accept-Encoding") {
  for (const char* yes :
       {"gzip", "GZIP", "x-gzip", "deflate, gzip, br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*", "gzip;q=1",
        "gzip;q=0.001", "gzip ; q=0.5", "gzip;Q=1.000", "identity, *;q=0.5", ",gzip,", "*;q=0, gzip"})
    CHECK_MESSAGE(accepts(yes), yes);
  for (const char* no :
       {"", "br", "identity", "gzip;q=0", "gzip;q=0.000", "gzip;q=0, *", "*;q=0", "gzipped", "x-gzi",
        "gzip;q=2", "gzip;q=1.0001", "gzip;q=", "gzip;q=-1", "gzip;q=0,5", "gzip;level=9", "br, deflate"})
    CHECK_MESSAGE(!accepts(no), no);
  CHECK_FALSE(accepts_gzip(asking({})));
  CHECK(accepts_gzip(asking({{"Accept-Encoding", "br"}, {"Accept-Encoding", "gzip"}})));
}

TEST_CASE("how much a coding is wanted") {
  const RequestHead head =
      asking({{"Accept-Encoding", "gzip;q=0.5, br;q=0.1, zstd;q=0.015, *;q=0.2, x;q=1.000"}});
  CHECK(coding_weight(head, "gzip") == 500);
  CHECK(coding_weight(head, "br") == 100);
  CHECK(coding_weight(head, "zstd") == 15);
  CHECK(coding_weight(head, "deflate") == 200);
  CHECK(coding_weight(head, "x") == 1000);
  CHECK(coding_weight(asking({{"Accept-Encoding", "br"}}), "br") == 1000);
  CHECK(coding_weight(asking({{"Accept-Encoding", "br;q=0.000"}}), "br") == 0);
}

TEST_CASE("Vary names Accept-Encoding once, and not behind a star") {
  const auto vary = [](std::vector<Field> fields) {
    ResponseHead head;
    head.fields = std::move(fields);
    vary_by_encoding(head);
    std::string all;
    for (const Field& field : head.fields)
      all += std::string(field.name) + ":" + std::string(field.value) + ";";
    return all;
  };
  CHECK(vary({}) == "Vary:Accept-Encoding;");
  CHECK(vary({{"Vary", "Cookie"}}) == "Vary:Cookie;Vary:Accept-Encoding;");
  CHECK(vary({{"X", "Accept-Encoding"}}) == "X:Accept-Encoding;Vary:Accept-Encoding;");
  for (const char* said :
       {"*", "accept-encoding", "Cookie, Accept-Encoding", " Cookie , * ", "Accept-Encoding,Cookie"})
    CHECK(vary({{"vary", said}}) == "vary:" + std::string(said) + ";");
  CHECK(vary({{"Vary", "Cookie"}, {"Vary", "*"}}) == "Vary:Cookie;Vary:*;");
}

TEST_CASE("what is worth compressing") {
  for (const char* yes :
       {"text/html", "TEXT/CSS; charset=utf-8", "text/plain", "application/json", "application/ld+json",
        "image/svg+xml", "application/javascript ; x=y", "application/atom+xml"})
    CHECK_MESSAGE(is_compressible(yes), yes);
  for (const char* no :
       {"", "text", "image/png", "video/mp4", "application/zip", "application/octet-stream",
        "text/event-stream", "Text/Event-Stream; charset=utf-8", "font/woff2", "application/jsonx"})
    CHECK_MESSAGE(!is_compressible(no), no);
}

TEST_CASE("which answers are compressed") {
  CHECK(decide(page()) == Compression::gzip);
  CHECK(decide(page(), {}) == Compression::not_here);
  CHECK(decide(page(), {{"Accept-Encoding", "br"}}) == Compression::not_here);

  RequestHead request = asking({{"Accept-Encoding", "gzip"}});
  request.method = Method::head;
  CHECK(decide_compression(request, page(), 1024) == Compression::head);
  request.method = Method::post;
  CHECK(decide_compression(request, page(), 1024) == Compression::gzip);
  request.version_minor = 0;
  CHECK(decide_compression(request, page(), 1024) == Compression::not_here);

  for (const int status : {200, 201, 403, 404, 500, 503}) {
    ResponseHead head = page();
    head.status = status;
    CHECK(decide(head) == Compression::gzip);
  }
  for (const int status : {100, 103, 204, 205, 206}) {
    ResponseHead head = page();
    head.status = status;
    CHECK(decide(head) == Compression::never);
  }
  ResponseHead not_modified;
  not_modified.status = 304;
  CHECK(decide(not_modified) == Compression::not_here);
}

TEST_CASE("what forbids it") {
  for (const Field& field : std::vector<Field>{{"Content-Encoding", "br"},
                                               {"content-encoding", "gzip"},
                                               {"Content-Range", "bytes 0-1/2"},
                                               {"Cache-Control", "no-transform"},
                                               {"cache-control", "public, No-Transform"}}) {
    ResponseHead head = page();
    head.fields.push_back(field);
    CHECK_MESSAGE(decide(head) == Compression::never, field.name);
  }
  ResponseHead head = page();
  head.fields.push_back({"Cache-Control", "no-transformers, no-cache"});
  CHECK(decide(head) == Compression::gzip);
  CHECK(decide(ResponseHead{}) == Compression::never);  // no type
}

TEST_CASE("short answers are left alone: at the limit, one below") {
  ResponseHead head = page();
  head.content_length = 1024;
  CHECK(decide(head) == Compression::gzip);
  head.content_length = 1023;
  CHECK(decide(head) == Compression::never);
}
