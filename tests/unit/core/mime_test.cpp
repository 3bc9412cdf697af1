// MIME types by extension.
#include "proxy/core/mime.h"

#include <doctest/doctest.h>

using holdfast::core::mime_type;

TEST_CASE("types by extension, any case, last extension of the last segment") {
  CHECK(mime_type("/srv/www/index.html") == "text/html; charset=utf-8");
  CHECK(mime_type("/A/LOGO.PNG") == "image/png");
  CHECK(mime_type("app.min.js") == "text/javascript; charset=utf-8");
  CHECK(mime_type("/backup.tar.gz") == "application/gzip");
  CHECK(mime_type("/x.webmanifest") == "application/manifest+json");
  CHECK(mime_type("/x.3gp") == "video/3gpp");  // first and last of the table
  CHECK(mime_type("/x.zst") == "application/zstd");
}

TEST_CASE("what is not known is a stream of bytes") {
  for (const char* path : {"", "/", "/Makefile", "/name.", "/dir.html/file", "/x.unknown", "/x.htmlx",
                           "/x.htm l", "/x.averyveryverylongextension", "/x.\xc3\xa9"}) {
    CAPTURE(path);
    CHECK(mime_type(path) == "application/octet-stream");
  }
}
