// See schema_listen.h. A block of FastCGI:
//
//   - fastcgi: unix:/run/holdfast/php.sock
//     pool: php
//     when:
//       - { SCRIPT_FILENAME: "/srv/old/**", pool: old }
#include "config/schema_listen.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "config/addresses.h"
#include "config/fastcgi_listener.h"
#include "config/values.h"

namespace holdfast::config {
namespace {

constexpr std::uint64_t kBodyBytesMost = std::uint64_t{1} << 50;
constexpr std::uint32_t kModeMost = 0777;
constexpr std::size_t kModeDigitsMost = 4;

std::optional<Address> read_one_address(Reader& reader, const Slot& slot) {
  const auto list = ListenList::read(reader, slot, {});
  if (!list) return std::nullopt;
  if (list->size() == 1) return list->front();
  reader.error(slot, "expected one address, got " + std::to_string(list->size()),
               "write a block for each of them");
  return std::nullopt;
}

std::string mode_text(std::uint32_t mode) {
  std::string text = "0";
  for (int shift = 6; shift >= 0; shift -= 3) text += static_cast<char>('0' + ((mode >> shift) & 7U));
  return text;
}

// Octal, as chmod(1) takes it.
void read_mode(Reader& reader, const Slot& slot, std::uint32_t& out) {
  const auto scalar = reader.scalar(slot, "a mode such as 0660");
  if (!scalar) return;
  std::string_view digits = scalar->text;
  if (digits.starts_with("0o")) digits.remove_prefix(2);
  const bool octal = digits.size() >= 3 && digits.size() <= kModeDigitsMost &&
                     digits.find_first_not_of("01234567") == std::string_view::npos;
  std::uint32_t mode = 0;
  for (const char c : octal ? digits : std::string_view()) mode = mode * 8 + static_cast<unsigned>(c - '0');
  if (!octal || mode > kModeMost) {
    reader.error(slot, "expected the mode of a file in octal, such as 0660, got " + quote(scalar->text),
                 "0660: owner and group may connect; 0600: only the owner");
    return;
  }
  out = mode;
}

// As CGI has them: RFC 3875 4.1, and what web servers add.
bool is_param_name(const std::string& name) {
  return !name.empty() &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
             std::string::npos;
}

FastcgiListener::Rule read_rule(Reader& reader, const Slot& slot) {
  FastcgiListener::Rule rule;
  for (const auto& [name, mark, value] :
       reader.entries(slot, "a block of PARAMETER: PATTERN, and pool: NAME")) {
    if (name == "pool") {
      if (auto pool = PoolName::read(reader, value, {})) rule.pool = std::move(*pool);
    } else if (!is_param_name(name)) {
      reader.error({value.node, value.path, mark}, quote(name) + " is not the name of a FastCGI parameter",
                   "such as SCRIPT_FILENAME, HTTP_HOST or SERVER_NAME");
    } else if (const auto pattern = reader.scalar(value, "a pattern such as /srv/old/**")) {
      rule.patterns.emplace_back(name, pattern->text);
    }
  }
  if (rule.pool.empty()) reader.error(slot, "names no pool", "add pool: NAME");
  if (rule.patterns.empty()) {
    reader.error(slot, "names no parameter to look at", "such as SCRIPT_FILENAME: \"/srv/old/**\"");
  }
  return rule;
}

void read_rules(Reader& reader, const Slot& slot, FastcgiListener& out) {
  const auto items = reader.items(slot, "a list of rules, each beginning with '- '", false);
  for (const Slot& item : items.value_or(std::vector<Slot>{})) out.when.push_back(read_rule(reader, item));
}

template <class Kind, class Member>
void take(Reader& reader, const Slot& slot, Member& out, const Limits& limits = {}) {
  if (auto value = Kind::read(reader, slot, limits)) out = std::move(*value);
}

struct Row {
  const char* name;
  void (*read)(Reader&, const Slot&, FastcgiListener&);
};

constexpr std::array kRows = {
    Row{"fastcgi",
        [](Reader& reader, const Slot& slot, FastcgiListener& out) {
          if (auto address = read_one_address(reader, slot)) out.address = std::move(*address);
        }},
    Row{"pool", [](Reader& reader, const Slot& slot,
                   FastcgiListener& out) { take<PoolName>(reader, slot, out.pool); }},
    Row{"when", read_rules},
    Row{"mode",
        [](Reader& reader, const Slot& slot, FastcgiListener& out) { read_mode(reader, slot, out.mode); }},
    Row{"owner", [](Reader& reader, const Slot& slot,
                    FastcgiListener& out) { take<AccountName>(reader, slot, out.owner); }},
    Row{"group", [](Reader& reader, const Slot& slot,
                    FastcgiListener& out) { take<AccountName>(reader, slot, out.group); }},
    Row{"allow", [](Reader& reader, const Slot& slot,
                    FastcgiListener& out) { take<NetworkList>(reader, slot, out.allow); }},
    Row{"multiplex", [](Reader& reader, const Slot& slot,
                        FastcgiListener& out) { take<Flag>(reader, slot, out.multiplex); }},
    Row{"log_stderr", [](Reader& reader, const Slot& slot,
                         FastcgiListener& out) { take<Flag>(reader, slot, out.log_stderr); }},
    Row{"max_body",
        [](Reader& reader, const Slot& slot, FastcgiListener& out) {
          take<Size>(reader, slot, out.max_body,
                     {1, kBodyBytesMost, false, "write the largest body you accept, such as 1g"});
        }},
};

// One that cannot be read still takes its place, so that the n-th block is config.fastcgi[n].
FastcgiListener read_block(Reader& reader, const Slot& slot) {
  std::vector<std::string> names;
  names.reserve(kRows.size());
  for (const Row& row : kRows) names.emplace_back(row.name);
  FastcgiListener out;
  bool has_address = false;
  for (const Found& found : reader.keys(slot, names)) {
    has_address = has_address || found.index == 0;
    kRows[found.index].read(reader, found.slot, out);
  }
  if (!has_address) {
    reader.error(slot, "a block in this list has an address for FastCGI",
                 "write fastcgi: unix:/run/holdfast/php.sock; an address for HTTP stands without a block");
  }
  return out;
}

// `all`: those too that an address of this kind cannot have.
void write_keys(Writer& writer, const FastcgiListener& in, bool all = false) {
  const bool is_unix = in.address.kind == Address::Kind::unix_socket;
  writer.leaf("fastcgi", yaml_text(in.address.text()));
  writer.leaf("pool", yaml_text(in.pool));
  if (in.when.empty()) {
    writer.leaf("when", "[]");
  } else {
    writer.open("when");
    for (const FastcgiListener::Rule& rule : in.when) {
      writer.open_item();
      for (const auto& [name, pattern] : rule.patterns) writer.leaf(yaml_text(name), yaml_text(pattern));
      writer.leaf("pool", yaml_text(rule.pool));
      writer.close_item();
    }
    writer.close();
  }
  if (all || is_unix) {
    writer.leaf("mode", mode_text(in.mode));
    writer.leaf("owner", yaml_text(in.owner));
    writer.leaf("group", yaml_text(in.group));
  }
  if (all || !is_unix) writer.leaf("allow", NetworkList::text(in.allow));
  writer.leaf("multiplex", Flag::text(in.multiplex));
  writer.leaf("log_stderr", Flag::text(in.log_stderr));
  writer.leaf("max_body", Size::text(in.max_body));
}

}  // namespace

void read_listen(Reader& reader, const Slot& slot, const Limits& limits, std::vector<Address>& http,
                 std::vector<FastcgiListener>& fastcgi) {
  const auto is_map = [](const NodePtr& node) { return node->kind == Node::Kind::map; };
  const bool one = slot.node->kind == Node::Kind::map;
  const bool mixed = slot.node->kind == Node::Kind::list &&
                     std::any_of(slot.node->items.begin(), slot.node->items.end(), is_map);
  if (!one && !mixed) {
    take<ListenList>(reader, slot, http, limits);
    return;
  }
  http.clear();
  const std::vector<Slot> items = one ? std::vector{slot} : *reader.items(slot, "a list", false);
  for (const Slot& item : items) {
    if (item.node->kind == Node::Kind::map) {
      fastcgi.push_back(read_block(reader, item));
    } else if (auto address = read_one_address(reader, item)) {
      http.push_back(std::move(*address));
    }
  }
}

void write_listen(Writer& writer, std::string_view name, const std::vector<Address>& http,
                  const std::vector<FastcgiListener>& fastcgi) {
  if (fastcgi.empty()) {
    writer.leaf(name, ListenList::text(http));
    return;
  }
  writer.open(name);
  for (const Address& address : http) writer.item(yaml_text(address.text()));
  for (const FastcgiListener& each : fastcgi) {
    writer.open_item();
    write_keys(writer, each);
    writer.close_item();
  }
  writer.close();
}

std::vector<WrittenKey> fastcgi_listener_keys() {
  Writer writer;
  writer.open("listen");
  writer.open_item();
  write_keys(writer, {}, true);
  return writer.take_keys();
}

}  // namespace holdfast::config
