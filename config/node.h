// A YAML document as a tree of our own: text, style and place of each node, nothing interpreted. Duplicate
// keys are kept, so that the reader of the schema can report them. Built by load_yaml, immutable afterwards;
// nodes are shared because an alias is the same node in two places.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace holdfast::config {

struct Mark {
  int line = 0;    // 1-based; 0: no place
  int column = 0;  // 1-based, in bytes
  int file = 0;    // 0: the file itself; else one that `include` names
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
  std::string key;
  Mark mark;  // of the key
  NodePtr value;
};

struct Node {
  enum class Kind : unsigned char { null, scalar, list, map };
  Kind kind = Kind::null;
  Mark mark;
  std::string text;     // scalar: after YAML's own unquoting, before ${VAR}
  bool quoted = false;  // scalar: '...', "...", | or >
  std::vector<NodePtr> items;
  std::vector<Entry> entries;
};

}  // namespace holdfast::config
