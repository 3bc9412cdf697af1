// Writes the effective configuration as YAML, and lists each key with its value on the way. Knows no key by
// name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

struct WrittenKey {
  std::string path;   // "pools.php.queue.size", "sites[].root"
  std::string value;  // as YAML; empty: not set
};

// Calls nest like the file: open ... close around a block, open_item ... close_item around an item of a list.
class Writer {
 public:
  void leaf(std::string_view name, const std::string& value);
  void unset(std::string_view name);  // a key without a value: listed, not printed
  // A block without a value: the keys that `write` would print are listed as not set.
  template <class Write>
  void unset_block(std::string_view name, Write write) {
    Writer keys;
    write(keys);
    for (const WrittenKey& key : keys.take_keys()) unset(std::string(name) + "." + key.path);
  }
  void open(std::string_view name);
  void close();
  void item(const std::string& value);  // of the list that was opened last
  void open_item();                     // of the list that was opened last
  void close_item();

  std::string take_text() { return std::move(text_); }
  std::vector<WrittenKey> take_keys() { return std::move(keys_); }

 private:
  void begin_line(std::string_view name);

  std::string text_;
  std::vector<WrittenKey> keys_;
  std::string path_;
  std::vector<std::size_t> path_lengths_;  // to cut `path_` back to
  std::size_t indent_ = 0;
  bool first_of_item_ = false;  // the next line carries the dash
};

}  // namespace holdfast::config
