// lighttpd's configuration: assignments of strings, numbers and arrays, and the conditions around them. Pure
// but for the files. After src/configfile.c and configparser.y of 1.4.69.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/doctor/front_config.h"

namespace holdfast {

struct LighttpdItem;

struct LighttpdValue {
  std::string text;  // a string, or a number as written
  bool is_array = false;
  bool understood = true;  // no variable that is not known
  std::vector<LighttpdItem> items;
  FrontPlace place;

  const LighttpdValue* find(std::string_view key) const;
};

struct LighttpdItem {
  std::string key;  // empty: none
  LighttpdValue value;
};

// `name = value`, or a condition with the assignments in its block (no name then).
struct LighttpdSetting {
  std::string name;
  bool adds = false;  // +=
  LighttpdValue value;
  FrontPlace place;
  std::vector<LighttpdSetting> block;
};

struct LighttpdTree {
  std::vector<LighttpdSetting> settings;
  std::vector<config::ImportNote> unclear;
  std::vector<config::ImportNote> problems;
};

LighttpdTree read_lighttpd_tree(std::string_view text, const std::string& file, const FrontFiles& files);

}  // namespace holdfast
