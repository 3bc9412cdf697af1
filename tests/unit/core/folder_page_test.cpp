// The page of a folder's names.
#include "proxy/core/folder_page.h"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("names of a folder: folders first, nothing of a name is markup or another address") {
  const std::string page = core::folder_page("/a<b>/",
                                             {{"z\"'&<.txt", false, 5, 86400},
                                              {"javascript:x", false, 0, 0},
                                              {"dir", true, 0, 0},
                                              {"\xc3\xa4 ?#%", false, 1, 0}},
                                             false);
  CHECK(page.find("<h1>/a&lt;b&gt;/</h1>") != std::string::npos);
  CHECK(page.find("<a href=\"./z%22%27%26%3C.txt\">z&quot;'&amp;&lt;.txt</a></td><td>1970-01-02 "
                  "00:00</td><td>5</td>") != std::string::npos);
  CHECK(page.find("href=\"./javascript%3Ax\"") != std::string::npos);
  CHECK(page.find("href=\"./%C3%A4%20%3F%23%25\"") != std::string::npos);
  CHECK(page.find("href=\"./dir/\">dir/</a>") < page.find("javascript"));
  CHECK(page.find("href=\"../\"") != std::string::npos);
  CHECK(core::folder_page("/", {}, false).find("../") == std::string::npos);
  CHECK(core::folder_page("/", {}, true).find("more than 1000 names") != std::string::npos);
}
