// Walks a Node tree for the schema: finds keys, reports unknown and doubled ones and wrong node kinds,
// expands variables in scalars, and remembers where each key stood so that the cross checks can point at it.
// Knows no key by name.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostics.h"
#include "config/environment.h"
#include "config/interpolate.h"
#include "config/load.h"
#include "config/node.h"

namespace holdfast::config {

// Bounds of a number; for durations in milliseconds, for sizes in bytes.
struct Limits {
  std::uint64_t min = 0;
  std::uint64_t max = UINT64_MAX;
  bool zero = false;         // 0 is allowed although it is below min
  const char* instead = "";  // hint for a value out of bounds
};

// One node, and what to call it: "pools.php.queue.size", "sites[0].hosts[1]".
struct Slot {
  const Node* node = nullptr;
  std::string path;
  Mark mark;  // where messages about it point
};

struct Found {
  std::size_t index = 0;  // into the names asked for
  Slot slot;
};

struct Named {
  std::string name;
  Mark name_mark;
  Slot slot;
};

struct Scalar {
  std::string text;
  bool quoted = false;        // in the file, and not there only to protect a ${VAR}
  bool has_variable = false;  // the text is not what the file shows
};

// Where each key that was given stands, and which of them were refused: nothing more is said about those.
class Places {
 public:
  void add(const std::string& path, Mark mark) { marks_.emplace(path, mark); }
  void spoil(const std::string& path);  // and every list that contains it
  bool given(const std::string& path) const { return marks_.contains(path); }
  bool good(const std::string& path) const { return !spoiled_.contains(path); }
  Mark find(std::string path) const;  // of the path, else of the nearest one above it

 private:
  std::map<std::string, Mark> marks_;
  std::set<std::string> spoiled_;
};

class Reader {
 public:
  // `folder`: relative paths start here. `known_paths`: of the whole schema, for "belongs in".
  Reader(Report& report, Places& places, const Environment& environment, std::filesystem::path folder,
         std::vector<std::string> known_paths);

  void error(const Slot& slot, const std::string& message, const std::string& hint = {});

  // The entries of a map whose keys are among `names`, the others reported. A null node is a map without
  // entries: all its keys may be commented out.
  std::vector<Found> keys(const Slot& slot, const std::vector<std::string>& names);
  // All entries of a map, whatever their names; doubled ones reported.
  std::vector<Named> entries(const Slot& slot, const std::string& expected);
  // The items of a list; or the one scalar that stands for a list of one.
  // `first`: the index of the first one, where the list goes on from another file.
  std::optional<std::vector<Slot>> items(const Slot& slot, const std::string& expected, bool scalar_allowed,
                                         std::size_t first = 0);
  // The slot of a block that was given as a single value: that of the block's key `name`.
  Slot as_key(const Slot& block, std::string_view name);
  // A scalar with its variables expanded; else reported as "expected EXPECTED, found a list".
  std::optional<Scalar> scalar(const Slot& slot, const std::string& expected,
                               Dollars dollars = Dollars::variables);

  // Relative paths resolved against the folder of the file; without "..", "//" or a trailing slash.
  std::string absolute(const std::string& path) const;

  // Files to be read besides, as `include` names them.
  struct Include {
    std::string pattern;
    Mark mark;
  };
  void add_include(Include include) { includes_.push_back(std::move(include)); }
  const std::vector<Include>& includes() const { return includes_; }

  // What a value in an included file is relative to.
  void enter_folder(std::filesystem::path folder) { folder_ = std::move(folder); }

 private:
  bool is_map(const Slot& slot, const std::string& expected);
  // Returns the name that was probably meant, or nothing.
  std::string unknown_key(const Slot& parent, const Entry& entry, const std::vector<std::string>& names);
  void doubled_key(const Slot& parent, const Entry& entry, Mark first);

  Report& report_;
  Places& places_;
  const Environment& environment_;
  std::filesystem::path folder_;
  std::vector<Include> includes_;
  std::vector<std::string> known_paths_;
};

}  // namespace holdfast::config
