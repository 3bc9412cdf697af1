// See reader.h.
#include "config/reader.h"

#include <algorithm>
#include <utility>

#include "config/foreign_words.h"
#include "config/interpolate.h"

namespace holdfast::config {
namespace {

const char* kind_name(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return "a single value";
    case Node::Kind::list: return "a list";
    case Node::Kind::map: return "a block of keys";
  }
  return "";
}

std::string child_path(const std::string& parent, const std::string& key) {
  return parent.empty() ? key : parent + "." + key;
}

// What a person would call the place: "in pools.php", "at the top level".
std::string place_name(const std::string& path) {
  return path.empty() ? "at the top level" : "in " + path;
}

// A path without its last key or index.
std::string parent_path(const std::string& path) {
  const auto cut = path.find_last_of(".[");
  return cut == std::string::npos ? std::string() : path.substr(0, cut);
}

// A scalar or a list begins where its value is; a block begins at its key, because its own mark is its first
// child.
Slot child_slot(const Slot& parent, const Entry& entry) {
  const bool at_value = entry.value->kind == Node::Kind::scalar || entry.value->kind == Node::Kind::list;
  return {entry.value.get(), child_path(parent.path, entry.key), at_value ? entry.value->mark : entry.mark};
}

// What was probably meant by a value, or a list, where a block of keys belongs.
std::string block_hint(const Slot& slot) {
  if (slot.node->kind == Node::Kind::list) {
    return "its entries have names, not dashes: NAME: and the keys below it";
  }
  const std::string& text = slot.node->text;
  const auto colon = text.find(':');
  const auto is_key_char = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (colon != std::string::npos && colon > 2 && text.substr(0, colon) != "unix" &&
      text.substr(0, colon) != "tcp" &&
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), is_key_char)) {
    return "write a blank behind the colon: " + text.substr(0, colon) + ": " + text.substr(colon + 1, 64);
  }
  return {};
}

}  // namespace

void Places::spoil(const std::string& path) {
  spoiled_.insert(path);
  // One bad item makes the indices of the rest meaningless.
  if (path.ends_with(']')) {
    spoil(parent_path(path));
  }
}

// "sites[0].hosts[1]" may be a scalar given as "sites[0].hosts"; what was not given at all is shown at its
// block.
Mark Places::find(std::string path) const {
  while (!path.empty()) {
    if (const auto found = marks_.find(path); found != marks_.end()) {
      return found->second;
    }
    path = parent_path(path);
  }
  return {1, 1};
}

Reader::Reader(Report& report, Places& places, const Environment& environment, std::filesystem::path folder,
               std::vector<std::string> known_paths)
    : report_(report),
      places_(places),
      environment_(environment),
      folder_(std::move(folder)),
      known_paths_(std::move(known_paths)) {}

void Reader::error(const Slot& slot, const std::string& message, const std::string& hint) {
  const bool semicolon = slot.node != nullptr && slot.node->kind == Node::Kind::scalar &&
                         slot.node->text.ends_with(';') && hint.empty();
  report_.error(slot.mark, slot.path.empty() ? message : slot.path + ": " + message,
                semicolon ? "a value ends without ';' here" : hint);
  places_.spoil(slot.path);
}

bool Reader::is_map(const Slot& slot, const std::string& expected) {
  if (slot.node->kind == Node::Kind::map || slot.node->kind == Node::Kind::null) {
    return true;
  }
  error(slot, "expected " + expected + ", found " + kind_name(*slot.node), block_hint(slot));
  return false;
}

// The first one counts for the rest of the reading; the file is refused anyway.
void Reader::doubled_key(const Slot& parent, const Entry& entry, Mark first) {
  report_.error(entry.mark, "duplicate key " + quote(entry.key) + " " + place_name(parent.path),
                "first given in line " + std::to_string(first.line));
}

std::string Reader::unknown_key(const Slot& parent, const Entry& entry,
                                const std::vector<std::string>& names) {
  std::string meant = closest(entry.key, names);
  // A known key in the wrong block, usually one indented too far or too little.
  std::vector<std::string> homes;
  for (const std::string& path : known_paths_) {
    if (path.ends_with("." + entry.key) && homes.size() < 3) {
      homes.push_back("'" + path + "'");
    }
  }
  std::string hint;
  const bool of_including = entry.mark.file != 0 && parent.path.empty() &&
                            std::any_of(known_paths_.begin(), known_paths_.end(), [&entry](const auto& path) {
                              return path.substr(0, path.find_first_of(".[")) == entry.key;
                            });
  if (of_including) {
    hint =
        "an included file has only pools and sites; " + entry.key + " belongs into the file that includes it";
    meant.clear();
  } else if (entry.key == "<<") {
    hint = "merge keys are not supported, write the keys out";
  } else if (std::string foreign = foreign_hint(entry.key); !foreign.empty()) {
    hint = std::move(foreign);
    meant.clear();
  } else if (!meant.empty()) {
    hint = "did you mean '" + meant + "'?";
  } else if (!homes.empty()) {
    hint = "did you mean " + join_words(homes) + "?";
  } else {
    hint = "known here: " + join_words(names);
  }
  report_.error(entry.mark, "unknown key " + quote(entry.key) + " " + place_name(parent.path), hint);
  return meant;
}

std::vector<Found> Reader::keys(const Slot& slot, const std::vector<std::string>& names) {
  std::vector<Found> found;
  if (!is_map(slot, "a block with the keys " + join_words(names))) {
    return found;
  }
  std::vector<std::string> meant;
  std::map<std::string, Mark> seen;
  for (const Entry& entry : slot.node->entries) {
    const auto [before, is_new] = seen.emplace(entry.key, entry.mark);
    if (!is_new) {
      doubled_key(slot, entry, before->second);
      continue;
    }
    const auto name = std::find(names.begin(), names.end(), entry.key);
    if (name == names.end()) {
      meant.push_back(unknown_key(slot, entry, names));
      continue;
    }
    found.push_back({static_cast<std::size_t>(name - names.begin()), child_slot(slot, entry)});
    places_.add(found.back().slot.path, found.back().slot.mark);
  }
  // `adress: ...` is one mistake, not two: nobody shall also say that the address is missing.
  for (const std::string& name : meant) {
    if (!name.empty() && !seen.contains(name)) {
      places_.spoil(child_path(slot.path, name));
    }
  }
  return found;
}

std::vector<Named> Reader::entries(const Slot& slot, const std::string& expected) {
  std::vector<Named> found;
  if (!is_map(slot, expected)) {
    return found;
  }
  std::map<std::string, Mark> seen;
  for (const Entry& entry : slot.node->entries) {
    const auto [before, is_new] = seen.emplace(entry.key, entry.mark);
    if (!is_new) {
      doubled_key(slot, entry, before->second);
      continue;
    }
    found.push_back({entry.key, entry.mark, child_slot(slot, entry)});
    places_.add(found.back().slot.path, found.back().slot.mark);
  }
  return found;
}

std::optional<std::vector<Slot>> Reader::items(const Slot& slot, const std::string& expected,
                                               bool scalar_allowed, std::size_t first) {
  if (scalar_allowed && slot.node->kind == Node::Kind::scalar) {
    return std::vector<Slot>{slot};
  }
  if (slot.node->kind != Node::Kind::list) {
    error(slot, "expected " + expected + ", found " + kind_name(*slot.node),
          slot.node->kind == Node::Kind::map ? "write '- ' before the first key of each item" : "");
    return std::nullopt;
  }
  std::vector<Slot> out;
  for (std::size_t i = 0; i < slot.node->items.size(); ++i) {
    const NodePtr& item = slot.node->items[i];
    out.push_back({item.get(), slot.path + "[" + std::to_string(first + i) + "]", item->mark});
    places_.add(out.back().path, out.back().mark);
  }
  return out;
}

Slot Reader::as_key(const Slot& block, std::string_view name) {
  Slot key{block.node, child_path(block.path, std::string(name)), block.mark};
  places_.add(key.path, key.mark);
  return key;
}

// `ping:` with nothing behind it is refused, not taken for the default: it is mostly a line that was left
// unfinished.
std::optional<Scalar> Reader::scalar(const Slot& slot, const std::string& expected, Dollars dollars) {
  if (slot.node->kind == Node::Kind::null) {
    error(slot, "has no value", "write " + expected + ", or leave the key out");
    return std::nullopt;
  }
  if (slot.node->kind != Node::Kind::scalar) {
    error(slot, "expected " + expected + ", found " + kind_name(*slot.node));
    return std::nullopt;
  }
  auto text = interpolate(slot.node->text, environment_, dollars);
  if (!text.value) {
    error(slot, text.error, text.hint);
    return std::nullopt;
  }
  if (text.value->text.find('\0') != std::string::npos) {
    error(slot, "holds a NUL byte, which would end paths and FastCGI values early");
    return std::nullopt;
  }
  const bool has_variable = text.value->has_variable;
  return Scalar{std::move(text.value->text), slot.node->quoted && !has_variable, has_variable};
}

std::string Reader::absolute(const std::string& path) const {
  std::string out = (folder_ / path).lexically_normal().string();
  while (out.size() > 1 && out.ends_with('/')) {
    out.pop_back();
  }
  return out;
}

}  // namespace holdfast::config
