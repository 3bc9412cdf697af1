// Which file X-Accel-Redirect and X-Sendfile name, and that they lead nowhere else.
#include "proxy/client/wished_file.h"
#include "config/site.h"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("a wished file: the longest prefix or folder, and nothing beside them") {
  config::Site site;
  site.internal = {{"/p/", "/srv/a"}, {"/p/deep/", "/srv/b"}};
  const auto found = [&](std::string_view name, std::string_view value) {
    const WishedFile file = find_wished_file(site.internal, {name, value});
    return file.why.empty() ? std::string(file.root) + " " + file.path : "no";
  };
  CHECK(found("X-Accel-Redirect", "/p/x.pdf") == "/srv/a /x.pdf");
  CHECK(found("x-accel-redirect", "/p/deep/x/y.pdf") == "/srv/b /x/y.pdf");
  CHECK(found("X-Accel-Redirect", "/p/a%20b%2f.pdf?q=1") == "/srv/a /a b/.pdf");
  CHECK(found("X-Accel-Redirect", "/x/../p//x.pdf") == "/srv/a /x.pdf");
  CHECK(found("X-Sendfile", "/srv/a/x%20y.pdf") == "/srv/a /x%20y.pdf");
  for (const char* value : {"", "/", "p/x", "/q/x", "/p", "/p/", "/p/../x", "/p/%2e%2e/%2e%2e/etc/passwd",
                            "/p/%00", "/p/%", "/srv/a/x", "/P/x", "http://a/p/x"}) {
    CAPTURE(std::string(value));
    CHECK(found("X-Accel-Redirect", value) == "no");
  }
  for (const char* value : {"", "/", "/etc/passwd", "/srv/a", "/srv/a/", "/srv/ab", "/srv/a/../../etc/passwd",
                            "/srv/a/./x", "/srv/a//x", "srv/a/x", "/p/x", "/srv/a/x/"}) {
    CAPTURE(std::string(value));
    CHECK(found("X-Sendfile", value) == "no");
  }
}
