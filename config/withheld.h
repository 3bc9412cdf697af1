// Names that are never sent as files: source that php would run under another name, copies that editors and
// people leave behind, dumps, and what tells of the dependencies. The list is README.md's "Never sent"; `publish` of
// a site takes names out of it. Pure: judges one name (a segment of a path), ASCII case ignored.
#pragma once

#include <string_view>

namespace holdfast::config {

enum class Withheld : unsigned char {
  no,            // it is sent
  source,        // a.php, a.php.txt, a.inc
  copy,          // a.php~, a.phpbak, a.bak, #a#
  dump,          // a.sql.gz, a.sqlite, a.env
  dependencies,  // composer.json, error_log
};

// What the last segment of a path is. `no` for an empty name.
Withheld withheld_as(std::string_view name);

}  // namespace holdfast::config
