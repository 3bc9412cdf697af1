// YAML text to a Node tree. The .cpp is the only file that knows yaml-cpp; no exception leaves it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace holdfast::config {

struct YamlProblem {
  Mark mark;
  std::string message;
  std::string hint;
};

struct YamlResult {
  NodePtr root;  // null kind for an empty document; nullptr when the text is not YAML
  std::vector<YamlProblem> problems;
};

// `text` is UTF-8 without a byte order mark; `file` is what all marks carry.
YamlResult read_yaml(std::string_view text, int file = 0);

}  // namespace holdfast::config
