// See values_routes.h.
#include "config/values_routes.h"

#include <algorithm>
#include <utility>

#include "config/addresses.h"
#include "config/path_pattern.h"
#include "config/read_values.h"
#include "config/route_limits.h"
#include "config/target_template.h"
#include "config/units.h"

namespace holdfast::config {
namespace {

bool is_token_char(char c) {  // RFC 9110 5.6.2
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}
bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}
std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

template <class T>
Parsed<T> refused(std::string error, std::string hint = {}) {
  return {std::nullopt, std::move(error), std::move(hint)};
}

// What a parser makes of the text is core's; the configuration holds the text.
template <class T, Parsed<T> (*Parse)(std::string_view)>
Parsed<std::string> accepted(std::string_view text) {
  auto parsed = Parse(text);
  if (!parsed.value) return {std::nullopt, std::move(parsed.error), std::move(parsed.hint)};
  return {std::string(text), {}, {}};
}

Parsed<std::string> parse_pair_pattern(std::string_view text) {
  if (text.empty() || text.starts_with('='))
    return refused<std::string>("expected name or name=value, got " + quote(text), "v=* is any value");
  if (text.find('&') != std::string_view::npos || text.find('?') != std::string_view::npos)
    return refused<std::string>("expected one parameter, got " + quote(text), "write a list of them");
  return {std::string(text), {}, {}};
}

Parsed<std::string> parse_agent(std::string_view text) {
  if (text.empty()) return refused<std::string>("is empty", "DavClnt* is all that begins so");
  return {std::string(text), {}, {}};
}

Parsed<std::string> parse_method(std::string_view text) {
  if (!is_token(text)) return refused<std::string>("expected a method such as GET, got " + quote(text));
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (upper != text && (upper == "GET" || upper == "HEAD" || upper == "POST" || upper == "PUT" ||
                        upper == "DELETE" || upper == "PATCH" || upper == "OPTIONS"))
    return refused<std::string>("methods are upper case, got " + quote(text), "write " + upper);
  return {std::string(text), {}, {}};
}

Parsed<std::string> parse_fallback(std::string_view text) {
  if (text == "404") return {std::string(text), {}, {}};
  if (text.starts_with("="))
    return refused<std::string>("expected a path or 404, got " + quote(text), "write 404");
  return accepted<TargetTemplate, parse_internal_target>(text);
}

// Days too: nobody counts the hours of a cache.
Parsed<Expires> parse_expires(std::string_view text) {
  if (text == "off") return {Expires{}, {}, {}};
  if (text == "max") return {Expires{Expires::Kind::max, {}}, {}, {}};
  if (text == "epoch" || text.starts_with('-'))
    return refused<Expires>("expected a time such as 30d, max or off, got " + quote(text),
                            "0s is stale at once; for more write headers: { Cache-Control: no-store }");
  Parsed<Duration> parsed;
  if (text.ends_with('d')) {
    const auto days = parse_count(text.substr(0, text.size() - 1));
    if (days.value && *days.value <= 3650) {
      parsed.value = std::chrono::hours(24 * static_cast<int>(*days.value));
    } else {
      parsed.error = "expected at most 3650d, got " + quote(text);
    }
  } else {
    parsed = parse_duration(text);
  }
  if (!parsed.value) return refused<Expires>(std::move(parsed.error), std::move(parsed.hint));
  if (parsed.value->count() % 1000 != 0)
    return refused<Expires>("expected whole seconds, got " + quote(text));
  return {Expires{Expires::Kind::after, *parsed.value}, {}, {}};
}

Parsed<std::vector<Network>> parse_allowed(std::string_view text) {
  if (text == "all") return {std::vector<Network>{Network{}}, {}, {}};
  return parse_networks(text);
}

Parsed<int> parse_status(std::string_view text, std::initializer_list<int> known) {
  std::vector<std::string> words;
  for (const int status : known) {
    words.push_back(std::to_string(status));
    if (words.back() == text) return {status, {}, {}};
  }
  return refused<int>("expected " + join_words(words) + ", got " + quote(text));
}

Parsed<std::string> parse_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view rest = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  if (!is_token(text.substr(0, slash)) || !is_token(rest.substr(0, rest.find(';'))) || !is_field_value(text))
    return refused<std::string>("expected a type such as text/html, got " + quote(text));
  return {std::string(text), {}, {}};
}

Parsed<std::string> parse_charset(std::string_view text) {
  if (!text.empty() && !is_token(text))
    return refused<std::string>("expected a charset such as utf-8, got " + quote(text), "\"\" names none");
  return {std::string(text), {}, {}};
}

Parsed<std::string> parse_site_path(std::string_view text) {
  if (text.empty()) return {std::string(), {}, {}};
  const auto parsed = parse_path_pattern(text);
  if (!parsed.value || !text.starts_with('/') || text.size() < 2 || text.ends_with('/') ||
      text.find_first_of("*{}") != std::string_view::npos)
    return refused<std::string>(
        "expected a path such as /wiki, got " + quote(text),
        text == "/" ? "leave it out for the whole host" : "no slash at its end, no pattern");
  return {std::string(text), {}, {}};
}

using Pairs = std::map<std::string, std::string>;

// Reads NAME: value entries; `check` refuses a pair by reporting it.
template <class Check>
std::optional<Pairs> read_pairs(Reader& reader, const Slot& slot, const std::string& expected, Check check) {
  Pairs out;
  for (const auto& [name, name_mark, value] : reader.entries(slot, expected)) {
    auto scalar = reader.scalar(value, "a value (\"\" for an empty one)");
    if (scalar && check(Slot{value.node, value.path, name_mark}, name, value, scalar->text))
      out[name] = std::move(scalar->text);
  }
  return out;
}

}  // namespace

using Texts = std::vector<std::string>;

std::optional<Texts> PathPatterns::read(Reader& reader, const Slot& slot, const Limits&) {
  auto out = list_by(reader, slot, "a pattern such as /admin/ or *.sql, or a list of them",
                     accepted<PathPattern, parse_path_pattern>);
  if (out && out->size() > kRoutePatternsMax) {
    reader.error(slot, "has more than " + std::to_string(kRoutePatternsMax) + " patterns", "use more stars");
    return std::nullopt;
  }
  return out;
}
std::optional<Texts> ParamPatterns::read(Reader& reader, const Slot& slot, const Limits&) {
  return list_by(reader, slot, "name or name=value, or a list of them", parse_pair_pattern);
}
std::optional<Texts> AgentPatterns::read(Reader& reader, const Slot& slot, const Limits&) {
  return list_by(reader, slot, "a pattern such as DavClnt*, or a list of them", parse_agent);
}
std::optional<Texts> MethodList::read(Reader& reader, const Slot& slot, const Limits&) {
  return list_by(reader, slot, "a method such as GET, or a list of them", parse_method);
}

std::optional<Texts> FilePatterns::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto parse = [](std::string_view text) -> Parsed<std::string> {
    const std::size_t star = text.find_first_of("*?[");
    if (text.empty() || text.ends_with('/') ||
        (star != std::string_view::npos && text.find('/', star) != std::string_view::npos))
      return refused<std::string>("expected files such as sites/*.yaml, got " + quote(text),
                                  "stars stand in the name of the file alone");
    return {std::string(text), {}, {}};
  };
  auto out = list_by<std::string>(reader, slot, "files such as sites/*.yaml, or a list of them", parse);
  if (out)
    std::transform(out->begin(), out->end(), out->begin(), [&](const auto& t) { return reader.absolute(t); });
  return out;
}

// `$1` stays as it is; the rest as in any text.
std::string TargetKind::text(const std::string& value) {
  if (value.find('$') == std::string::npos) return yaml_text(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}
std::optional<std::string> RedirectTarget::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by(reader, slot, "a target such as /new/$1 or https://example.com$uri",
                   accepted<TargetTemplate, parse_redirect_target>, Dollars::kept);
}
std::optional<std::string> InternalTarget::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by(reader, slot, "a target such as /index.php?page=$1",
                   accepted<TargetTemplate, parse_internal_target>, Dollars::kept);
}
std::optional<std::string> FallbackTarget::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by(reader, slot, "a target such as /index.php, or 404", parse_fallback, Dollars::kept);
}

std::optional<std::string> SiteFallback::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto parse = [](std::string_view text) -> Parsed<std::string> {
    if (text.empty() || text == "404") return {std::string(), {}, {}};
    auto parsed = parse_internal_target(text);
    if (!parsed.value) return {std::nullopt, std::move(parsed.error), std::move(parsed.hint)};
    if (parsed.value->captures > 0)
      return refused<std::string>("names $1, and a site has no pattern", "write $path for the whole path");
    return {std::string(text), {}, {}};
  };
  return parsed_by<std::string>(reader, slot, "a target such as /index.php, or 404", parse, Dollars::kept);
}

std::optional<Expires> ExpiresTime::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by(reader, slot, "a time such as 30d, max or off", parse_expires);
}
std::string ExpiresTime::text(const Expires& value) {
  switch (value.kind) {
    case Expires::Kind::off: return "off";
    case Expires::Kind::max: return "max";
    case Expires::Kind::after: break;
  }
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(value.after).count();
  const bool days = hours > 0 && hours % 24 == 0 && value.after == std::chrono::hours(hours);
  return days ? std::to_string(hours / 24) + "d" : duration_text(value.after);
}

std::optional<std::vector<Network>> AllowList::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto blocks =
      list_by(reader, slot, "a network such as 10.0.0.0/8, all, or a list of them", parse_allowed);
  if (!blocks) return std::nullopt;
  std::vector<Network> out;
  for (const auto& block : *blocks) out.insert(out.end(), block.begin(), block.end());
  if (out.empty()) {
    reader.error(slot, "lets nobody in", "write deny: 403 for that");
    return std::nullopt;
  }
  return out;
}

std::optional<int> DenyStatus::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by<int>(reader, slot, "403, 404, 410 or off", [](std::string_view text) -> Parsed<int> {
    if (text == "off") return {0, {}, {}};
    if (text == "all" || text == "true")
      return refused<int>("expected a status, got " + quote(text), "write 403 or 404");
    return parse_status(text, {403, 404, 410});
  });
}
std::optional<int> RedirectStatus::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by<int>(reader, slot, "301, 302, 303, 307 or 308", [](std::string_view text) {
    return parse_status(text, {301, 302, 303, 307, 308});
  });
}
std::optional<std::string> MediaType::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by(reader, slot, "a type such as text/html", parse_media_type);
}
std::optional<std::string> Realm::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto parse = [](std::string_view text) -> Parsed<std::string> {
    if (!is_field_value(text) || text.find_first_of("\"\\") != std::string_view::npos)
      return refused<std::string>("holds a quote, a backslash or a control character");
    return {std::string(text), {}, {}};
  };
  return parsed_by<std::string>(reader, slot, "a name that the browser shows", parse);
}
std::optional<std::string> Charset::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by(reader, slot, "a charset such as utf-8", parse_charset);
}
std::optional<std::string> SitePath::read(Reader& reader, const Slot& slot, const Limits&) {
  return parsed_by(reader, slot, "a path such as /wiki", parse_site_path);
}

std::string TextMap::text(const Value& value) {
  std::string out;
  for (const auto& [name, text] : value)
    out += (out.empty() ? " " : ", ") + yaml_text(name) + ": " + yaml_text(text);
  return out.empty() ? "{}" : "{" + out + " }";
}

void HeaderValues::add(Value& to, Value more) {
  for (auto& entry : more) {
    std::erase_if(to, [&entry](const auto& each) { return lower(each.first) == lower(entry.first); });
    to[entry.first] = std::move(entry.second);
  }
}

// What belongs to one message, not to a site, is the server's own.
std::optional<Pairs> HeaderValues::read(Reader& reader, const Slot& slot, const Limits&) {
  std::map<std::string, std::string> seen;  // lower case to as written
  return read_pairs(
      reader, slot, "a block of NAME: value",
      [&](const Slot& at_name, const std::string& name, const Slot& value, const std::string& text) {
        const std::string low = lower(name);
        static constexpr std::string_view kOwn =
            " connection content-length transfer-encoding date trailer te upgrade keep-alive location allow "
            "content-encoding content-range www-authenticate x-accel-redirect x-sendfile ";
        if (!is_token(name)) {
          reader.error(at_name, quote(name) + " is not the name of a header");
        } else if (kOwn.find(" " + low + " ") != std::string_view::npos) {
          reader.error(at_name, name + " is set for each message, it cannot be set here");
        } else if (const auto [first, is_new] = seen.emplace(low, name); !is_new) {
          reader.error(at_name, name + " is there already, as " + first->second);
        } else if (!is_field_value(text)) {
          reader.error(value, "holds a control character");
        } else {
          return true;
        }
        return false;
      });
}

// Why no path that is asked for begins with `prefix`, which begins and ends with '/': they are decoded, and
// without these.
std::string never_begins(std::string_view prefix) {
  for (const std::string_view part : {"//", "/./", "/../"}) {
    if (prefix.find(part) != std::string_view::npos)
      return "no path begins with " + quote(prefix) + ", they are without " + quote(part);
  }
  if (has_percent_code(prefix)) return "no path begins with " + quote(prefix) + ", they are percent-decoded";
  return {};
}

std::optional<Pairs> InternalFolders::read(Reader& reader, const Slot& slot, const Limits&) {
  Pairs out;
  for (const auto& [name, name_mark, value] : reader.entries(slot, "a block of /prefix/: folder")) {
    if (!name.starts_with('/') || !name.ends_with('/') || name.find_first_of("*{}?") != std::string::npos ||
        name.size() < 3) {
      reader.error({value.node, value.path, name_mark}, quote(name) + " is no prefix of paths",
                   "it begins and ends with '/': /protected/");
      continue;
    }
    if (const std::string why = never_begins(name); !why.empty()) {
      reader.error({value.node, value.path, name_mark}, why, "a prefix such as /protected/");
      continue;
    }
    if (auto folder = FilePath::read(reader, value, {})) out[name] = *std::move(folder);
  }
  return out;
}

std::optional<Pairs> FileTypes::read(Reader& reader, const Slot& slot, const Limits&) {
  return read_pairs(
      reader, slot, "a block of ending: type",
      [&](const Slot& at_name, const std::string& name, const Slot& value, const std::string& text) {
        if (!is_token(name) || name.starts_with('.') || lower(name) != name) {
          reader.error(at_name, quote(name) + " is not the ending of a file name",
                       "lower case and without its dot: webp");
          return false;
        }
        const auto type = parse_media_type(text);
        if (!type.value) reader.error(value, type.error, type.hint);
        return type.value.has_value();
      });
}

std::optional<ErrorPages> ErrorPageMap::read(Reader& reader, const Slot& slot, const Limits& limits) {
  ErrorPages out;
  for (const auto& [name, name_mark, value] : reader.entries(slot, "a block of STATUS: /page.html")) {
    if (name == "from_php") {
      out.from_php = Flag::read(reader, value, limits).value_or(false);
      continue;
    }
    const bool known = name == "4xx" || name == "5xx" ||
                       (name.size() == 3 && (name[0] == '4' || name[0] == '5') &&
                        name.find_first_not_of("0123456789") == std::string::npos);
    if (!known) {
      reader.error({value.node, value.path, name_mark}, quote(name) + " is no status that has a page",
                   "400 to 599, 4xx, 5xx, or from_php");
    } else if (value.node != nullptr && lower(value.node->text).find(".php") != std::string::npos) {
      reader.error(value, "a script cannot be the page of an error: it would be sent as a file",
                   "a file such as /404.html; for pages of the application's own: fallback: /index.php");
    } else if (auto page = UrlPath::read(reader, value, {}); page && !page->empty()) {
      if (page->find("/.") != std::string::npos) {
        reader.error(value, "names that begin with a dot are not sent");
      } else {
        out.pages[name] = *std::move(page);
      }
    }
  }
  return out;
}
std::string ErrorPageMap::text(const ErrorPages& value) {
  std::string out;
  for (const auto& [status, page] : value.pages)
    out += (out.empty() ? " " : ", ") + status + ": " + yaml_text(page);
  if (value.from_php) out += std::string(out.empty() ? " " : ", ") + "from_php: true";
  return out.empty() ? "{}" : "{" + out + " }";
}

}  // namespace holdfast::config
