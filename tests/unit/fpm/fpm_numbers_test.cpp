// php-fpm's status answer: the real one, and what is none.
#include "proxy/fpm/fpm_numbers.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using holdfast::FpmNumbers;
using holdfast::kFpmFields;
using holdfast::parse_fpm_status;

TEST_CASE("the answer of php-fpm 8.2") {
  const auto numbers = parse_fpm_status(
      R"({"pool":"www","process manager":"static","start time":1761800000,"start since":93,"accepted conn":12,)"
      R"("listen queue":1,"max listen queue":2,"listen queue len":511,"idle processes":3,"active processes":4,)"
      R"("total processes":7,"max active processes":5,"max children reached":6,"slow requests":8})");
  REQUIRE(numbers.has_value());
  CHECK(*numbers == FpmNumbers{.start_since = 93,
                               .accepted_connections = 12,
                               .listen_queue = 1,
                               .max_listen_queue = 2,
                               .listen_queue_length = 511,
                               .idle_processes = 3,
                               .active_processes = 4,
                               .total_processes = 7,
                               .max_active_processes = 5,
                               .max_children_reached = 6,
                               .slow_requests = 8});
}

TEST_CASE("numbers that are missing, negative or of another kind") {
  const auto numbers = parse_fpm_status(
      R"({"idle processes":-1,"active processes":"4","total processes":1.5,"slow requests":18446744073709551615})");
  REQUIRE(numbers.has_value());
  CHECK(*numbers == FpmNumbers{.slow_requests = 18446744073709551615U});
}

TEST_CASE("what is no status") {
  for (const char* text : {"", "pong", "{}", "[]", "null", "7", "\"a\"", "{\"pool\":\"www\"}",
                           "{\"idle processes\":3", "File not found.\n", "<html></html>"}) {
    INFO(text);
    CHECK(!parse_fpm_status(text).has_value());
  }
}

TEST_CASE("the names differ, and fit Prometheus") {
  std::set<std::string> names;
  for (const auto& field : kFpmFields) {
    names.insert(std::string(field.name));
    CHECK(field.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
    CHECK(!field.help.empty());
  }
  CHECK(names.size() == kFpmFields.size());
}
