// See values.h.
#include "config/values.h"

#include <algorithm>
#include <utility>

#include "config/addresses.h"
#include "config/ascii.h"
#include "config/read_values.h"
#include "config/units.h"

namespace holdfast::config {
namespace {

// Names and values are length-prefixed with up to 4 bytes each, and php-fpm takes no pair that straddles two
// PARAMS records of 65535 bytes (php-src, fcgi_get_params).
constexpr std::size_t kParamPairMax = 65535 - 8;

using Render = std::string (*)(std::uint64_t);

// Reads a number by `parse` and holds it against the limits. `render` shows a bound in the unit of the key.
template <class T>
std::optional<T> bounded(Reader& reader, const Slot& slot, const Limits& limits, const std::string& expected,
                         Parsed<T> (*parse)(std::string_view), std::uint64_t (*to_number)(T), Render render) {
  const auto scalar = reader.scalar(slot, expected);
  if (!scalar) {
    return std::nullopt;
  }
  auto parsed = parse(scalar->text);
  if (!parsed.value) {
    reader.error(slot, parsed.error, parsed.hint);
    return std::nullopt;
  }
  const std::uint64_t number = to_number(*parsed.value);
  if (number == 0 && limits.zero) {
    return parsed.value;
  }
  if (number < limits.min || number > limits.max) {
    const bool low = number < limits.min;
    reader.error(slot,
                 std::string("must be at ") +
                     (low ? "least " + render(limits.min) : "most " + render(limits.max)) +
                     (low && limits.zero ? " (or " + render(0) + ")" : "") + ", got " + quote(scalar->text),
                 limits.instead);
    return std::nullopt;
  }
  return parsed.value;
}

Parsed<std::string> parse_index_name(std::string_view text) {
  Parsed<std::string> out;
  if (text.empty() || text.find('/') != std::string_view::npos || text == "." || text == "..") {
    out.error = "expected the name of a file in a folder, such as index.php, got " + quote(text);
  } else {
    out.value = std::string(text);
  }
  return out;
}

Parsed<std::string> parse_name_pattern(std::string_view text) {
  Parsed<std::string> out;
  if (text.empty() || text.find('/') != std::string_view::npos) {
    out.error = "expected a pattern for the name of a file, such as *.sql, got " + quote(text);
    if (!text.empty()) out.hint = "a name has no '/': it counts in every folder";
  } else {
    out.value = std::string(text);
  }
  return out;
}

bool is_cgi_name(const std::string& name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter_or_digit(c) || c == '_'; });
}

}  // namespace

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(", \t", at)) != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(", \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string words_as_list(const std::vector<std::string>& words) {
  std::vector<std::string> texts;
  texts.reserve(words.size());
  for (const std::string& word : words) texts.push_back(yaml_text(word));
  return yaml_list(texts);
}

// JSON-like double quotes are the one YAML style that can hold any text on one line.
std::string yaml_text(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  const auto plain_char = [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '/' || c == '.' || c == ':' || c == '-';
  };
  // `null` and its spellings would be read as no value; a colon at the end, or a dash in front, is structure.
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), plain_char) && text[0] != '-' &&
                     text[0] != ':' && text.back() != ':' && text != "null" && text != "Null" &&
                     text != "NULL";
  if (plain) {
    return text;
  }
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '$') {
      out += "$$";
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string yaml_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    out += (out.size() > 1 ? ", " : "") + text;
  }
  return out + "]";
}

std::optional<std::uint64_t> Count::read(Reader& reader, const Slot& slot, const Limits& limits) {
  return bounded<std::uint64_t>(
      reader, slot, limits, "a whole number", parse_count, [](std::uint64_t n) { return n; },
      [](std::uint64_t n) { return std::to_string(n); });
}

std::optional<Duration> TimeSpan::read(Reader& reader, const Slot& slot, const Limits& limits) {
  return bounded<Duration>(
      reader, slot, limits, "a duration such as 30s", parse_duration,
      [](Duration d) { return static_cast<std::uint64_t>(d.count()); },
      [](std::uint64_t n) { return duration_text(Duration(static_cast<Duration::rep>(n))); });
}
std::string TimeSpan::text(Duration value) {
  return duration_text(value);
}

std::optional<std::uint64_t> Size::read(Reader& reader, const Slot& slot, const Limits& limits) {
  return bounded<std::uint64_t>(
      reader, slot, limits, "a size such as 64k", parse_size, [](std::uint64_t n) { return n; },
      [](std::uint64_t n) { return size_text(n); });
}
std::string Size::text(std::uint64_t value) {
  return size_text(value);
}

// Only `true` and `false`, and not in quotes: YAML 1.1 took yes, on and y for true as well, and "yes" too in
// yaml-cpp.
std::optional<bool> Flag::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto scalar = reader.scalar(slot, "true or false");
  if (!scalar) {
    return std::nullopt;
  }
  if (!scalar->quoted && (scalar->text == "true" || scalar->text == "false")) {
    return scalar->text == "true";
  }
  std::string low = scalar->text;
  for (char& c : low) {
    c = to_lower(c);
  }
  const auto is_any = [&](std::initializer_list<const char*> words) {
    return std::find(words.begin(), words.end(), low) != words.end();
  };
  const std::string meant = is_any({"true", "yes", "on", "y", "1"})    ? "true"
                            : is_any({"false", "no", "off", "n", "0"}) ? "false"
                                                                       : closest(low, {"true", "false"});
  reader.error(
      slot,
      std::string("expected true or false, got ") + (scalar->quoted ? "the text " : "") + quote(scalar->text),
      meant.empty() ? "" : "write " + meant + (scalar->quoted ? " without quotes" : ""));
  return std::nullopt;
}

// Words are compared exactly: `Auto` is a slip that "did you mean" answers.
std::optional<std::size_t> read_word(Reader& reader, const Slot& slot, const std::vector<std::string>& words,
                                     const std::string& otherwise) {
  const auto scalar = reader.scalar(slot, join_words(words));
  if (!scalar) {
    return std::nullopt;
  }
  const auto found = std::find(words.begin(), words.end(), scalar->text);
  if (found == words.end()) {
    std::string hint = did_you_mean(scalar->text, words);
    if (hint.empty()) hint = otherwise;
    reader.error(slot, "expected " + join_words(words) + ", got " + quote(scalar->text), hint);
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - words.begin());
}

// Whether that pool exists is a cross check: sites may stand before pools.
std::optional<std::string> PoolName::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto scalar = reader.scalar(slot, "the name of a pool");
  return scalar ? std::optional(scalar->text) : std::nullopt;
}

// Whether there is such an account shows at the start: the file may be checked on another machine.
std::optional<std::string> AccountName::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto scalar = reader.scalar(slot, "the name of an account");
  if (!scalar) return std::nullopt;
  // useradd(8) and what directories allow: nothing that a shell or a path could take amiss.
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@$-";
  if (scalar->text.size() > 256 || scalar->text.starts_with('-') ||
      scalar->text.find_first_not_of(kLetters) != std::string::npos) {
    reader.error(slot, quote(scalar->text) + " is not the name of an account",
                 "write a name such as www-data, or a number");
    return std::nullopt;
  }
  return scalar->text;
}

std::optional<Address> PoolAddress::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by(reader, slot, "an address such as unix:/run/php/php-fpm.sock", read_pool_address);
}
std::string PoolAddress::text(const Address& value) {
  return yaml_text(pool_address_text(value));
}

std::optional<std::vector<Address>> ListenList::read(Reader& reader, const Slot& slot, const Limits&) {
  auto addresses =
      list_by(reader, slot, "an address such as 127.0.0.1:8080, or a list of them", read_listen_address);
  if (addresses && addresses->empty()) {
    reader.error(slot, "is empty, at least one address is needed", "leave the key out for 127.0.0.1:8080");
    return std::nullopt;
  }
  return addresses;
}
std::string ListenList::text(const std::vector<Address>& value) {
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const Address& address : value) {
    texts.push_back(yaml_text(address.text()));
  }
  return texts.size() == 1 ? texts[0] : yaml_list(texts);
}

// How people say that there is to be none.
static bool means_no(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = to_lower(c);
  for (const char* word : {"off", "false", "no", "none", "null", "never", "disabled"}) {
    if (lower == word) return true;
  }
  return false;
}

std::optional<std::optional<Address>> ListenOrOff::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto parse = [](std::string_view text) -> Parsed<std::optional<Address>> {
    if (text == "off") {
      return {std::optional<Address>(std::nullopt), {}, {}};
    }
    if (means_no(text)) {
      return {std::nullopt, "expected an address such as 127.0.0.1:9180, or off, got " + quote(text),
              "write off"};
    }
    auto address = read_listen_address(text);
    if (!address.value) {
      return {std::nullopt, std::move(address.error), std::move(address.hint)};
    }
    return {std::optional<Address>(std::move(address.value)), {}, {}};
  };
  return parsed_by<std::optional<Address>>(reader, slot, "an address such as 127.0.0.1:9180, or off", parse);
}
std::string ListenOrOff::text(const std::optional<Address>& value) {
  return value ? yaml_text(value->text()) : "off";
}

std::optional<std::vector<std::string>> HostList::read(Reader& reader, const Slot& slot, const Limits&) {
  return list_by(reader, slot, "a host name, or a list of them", parse_host_pattern);
}
std::string HostList::text(const std::vector<std::string>& value) {
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const std::string& item : value) {
    texts.push_back(yaml_text(item));
  }
  return yaml_list(texts);
}

std::optional<std::vector<std::string>> IndexList::read(Reader& reader, const Slot& slot, const Limits&) {
  return list_by(reader, slot, "a file name such as index.php, or a list of them", parse_index_name);
}

std::optional<std::vector<std::string>> NamePatterns::read(Reader& reader, const Slot& slot, const Limits&) {
  return list_by(reader, slot, "a pattern for names such as *.sql, or a list of them", parse_name_pattern);
}

// Header names: their case does not count.
std::optional<std::vector<ForwardedHeader>> ForwardedHeaderList::read(Reader& reader, const Slot& slot,
                                                                      const Limits&) {
  const auto parse = [](std::string_view text) -> Parsed<ForwardedHeader> {
    std::string low(text);
    for (char& c : low) c = to_lower(c);
    const auto words = Words<ForwardedHeader>::list();
    const auto found = std::find(words.begin(), words.end(), low);
    if (found == words.end())
      return {std::nullopt, "expected " + join_words(words) + ", got " + quote(text),
              did_you_mean(low, words)};
    return {static_cast<ForwardedHeader>(found - words.begin()), {}, {}};
  };
  return list_by<ForwardedHeader>(reader, slot, "a header such as x-forwarded-for, or a list of them", parse);
}
std::string ForwardedHeaderList::text(const std::vector<ForwardedHeader>& value) {
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const ForwardedHeader header : value) texts.push_back(Word<ForwardedHeader>::text(header));
  return yaml_list(texts);
}

std::optional<std::vector<Network>> NetworkList::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto blocks =
      list_by(reader, slot, "a network such as 10.0.0.0/8, or a list of them", parse_networks);
  if (!blocks) {
    return std::nullopt;
  }
  std::vector<Network> out;
  for (const std::vector<Network>& block : *blocks) {
    out.insert(out.end(), block.begin(), block.end());
  }
  return out;
}
std::string NetworkList::text(const std::vector<Network>& value) {
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const Network& network : value) {
    texts.push_back(yaml_text(network_text(network)));
  }
  return yaml_list(texts);
}

std::optional<std::map<std::string, std::string>> ParamMap::read(Reader& reader, const Slot& slot,
                                                                 const Limits&) {
  std::map<std::string, std::string> out;
  for (const auto& [name, name_mark, value] : reader.entries(slot, "a block of NAME: value")) {
    if (!is_cgi_name(name)) {
      reader.error({value.node, value.path, name_mark}, quote(name) + " is not the name of a CGI variable",
                   "letters, digits and '_', such as APP_ENV");
      continue;
    }
    const auto scalar = reader.scalar(value, "a value (\"\" for an empty one)");
    if (scalar && name.size() + scalar->text.size() > kParamPairMax) {
      reader.error(value,
                   "is longer than a FastCGI record can carry (" + std::to_string(kParamPairMax) + " bytes)");
    } else if (scalar) {
      out[name] = scalar->text;
    }
  }
  return out;
}
std::string ParamMap::text(const std::map<std::string, std::string>& value) {
  std::string out;
  for (const auto& [name, param] : value) {
    out += (out.empty() ? " " : ", ") + name + ": " + yaml_text(param);
  }
  return out.empty() ? "{}" : "{" + out + " }";
}

}  // namespace holdfast::config
