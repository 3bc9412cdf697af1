// What a client says of itself, and the files of users.
#include "proxy/core/basic_auth.h"

#include <doctest/doctest.h>

using namespace holdfast::core;

TEST_CASE("credentials of an Authorization field") {
  const auto said = [](std::string_view field) {
    const auto found = basic_credentials(field);
    return found ? found->user + " | " + found->password : "no";
  };
  CHECK(said("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == "Aladdin | open sesame");  // RFC 7617 section 2
  CHECK(said("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ") == "Aladdin | open sesame");
  CHECK(said("Basic dGVzdDoxMjPCow==") == "test | 123\xc2\xa3");
  CHECK(said("Basic YTo=") == "a | ");
  CHECK(said("Basic YTpiOmM=") == "a | b:c");
  for (const char* field : {"", "Basic", "Basic ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic !!!!",
                            "Basic YWJj", "Basic OmI=", "Basic A", "BasicYTo=", "Basic YTpiAGM=",
                            "Basic YTpiCmM=", "Basic YQA6Yg==", "Basic YT pi"}) {
    CAPTURE(std::string(field));
    CHECK(said(field) == "no");
  }
  CHECK(said("Basic " + std::string(2000, 'A')) == "no");
}

TEST_CASE("the hash of a user") {
  const std::string text = "# ann:no\n\nann:$2y$1\r\nbob:$6$x:more\n:empty\nann:second\nnocolon\nlast:$6$z";
  CHECK(find_hash(text, "ann") == "$2y$1");
  CHECK(find_hash(text, "bob") == "$6$x");
  CHECK(find_hash(text, "last") == "$6$z");
  for (const char* user : {"", "an", "annn", "# ann", "nocolon", "Ann"}) CHECK(find_hash(text, user).empty());
  CHECK(any_hash("").empty());
  CHECK(find_hash("\xEF\xBB\xBF"
                  "ann:x",
                  "ann") == "x");
  CHECK(find_hash("ann: x \t\r\nbob:y", "ann") == "x");
  const std::string whole = "$5$salt$" + std::string(43, 'x');
  CHECK(any_hash("ann:$5$cut$xx\nbob:plain\neve:" + whole + " \n") == whole);
}

TEST_CASE("equal texts") {
  CHECK(equal_in_constant_time("", ""));
  CHECK(equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(equal_in_constant_time("abc", "ab"));
}
