// See route_condition.h.
#include "proxy/core/route_condition.h"

#include <algorithm>
#include <string>

#include "config/load.h"
#include "config/routes.h"

namespace holdfast::core {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// As php's urldecode(): '+' is a blank; a '%' without two hex digits stays. rawurldecode(): '+' stays, too.
std::string decoded(std::string_view text, char plus = ' ') {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? plus : text[i];
    }
  }
  return out;
}

// As php registers it (main/php_variables.c): no blanks in front, ends at a NUL, '.' and ' ' become '_'.
std::string variable_name(std::string name) {
  name.erase(0, std::min(name.find_first_not_of(' '), name.size()));
  name.resize(std::min(name.find('\0'), name.size()));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == ' '; }, '_');
  // $_GET['a'] of "a[]=1" and "a[x]=1" is an array; a '[' that nothing closes is one more '_'.
  if (const std::size_t open = name.find('['); open != std::string::npos && open > 0) {
    if (name.find(']', open) != std::string::npos) {
      name.resize(open);
    } else {
      name[open] = '_';
    }
  }
  return name;
}

// One parameter: "name=value" as it was sent.
struct Pair {
  explicit Pair(std::string_view text) {
    const std::size_t equals = std::min(text.find('='), text.size());
    name = text.substr(0, equals);
    value = text.substr(std::min(equals + 1, text.size()));
  }
  std::string_view name;
  std::string_view value;
};

// `wanted`: "name" or "name=value", patterns both.
bool reads(const std::vector<std::string>& wanted, const std::string& name, const std::string& value) {
  return !name.empty() && std::any_of(wanted.begin(), wanted.end(), [&](std::string_view item) {
    const std::size_t cut = item.find('=');
    return text_matches(item.substr(0, cut), name, false) &&
           (cut == std::string_view::npos || text_matches(item.substr(cut + 1), value, false));
  });
}

bool is_parameter(const std::vector<std::string>& wanted, Pair pair) {
  return reads(wanted, variable_name(decoded(pair.name)), decoded(pair.value));
}

// Names that a browser takes from nobody but the host itself. Php takes none that only becomes one (8.1.11).
bool is_forged(std::string_view sent, std::string_view name) {
  return (name.starts_with("__Host-") && !sent.starts_with("__Host-")) ||
         (name.starts_with("__Secure-") && !sent.starts_with("__Secure-"));
}

bool is_cookie(const std::vector<std::string>& wanted, Pair pair, Cookies cookies) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r";
  pair.name.remove_prefix(std::min(pair.name.find_first_not_of(kBlanks), pair.name.size()));
  const std::string as_sent = variable_name(std::string(pair.name));
  const std::string value = decoded(pair.value, '+');
  if (cookies == Cookies::as_sent) return !is_forged(pair.name, as_sent) && reads(wanted, as_sent, value);
  const std::string older = variable_name(decoded(pair.name));
  const std::string blanks = decoded(pair.value);
  return reads(wanted, as_sent, value) || reads(wanted, as_sent, blanks) || reads(wanted, older, value) ||
         reads(wanted, older, blanks);
}

// Of the parts of `text` that `separator` parts, and that are not empty.
template <class Test>
bool any_pair(std::string_view text, char separator, Test test) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin && test(Pair(text.substr(begin, end - begin)))) return true;
    begin = end + 1;
  }
  return false;
}

bool has_parameter(const std::vector<std::string>& wanted, std::string_view query) {
  return any_pair(query, '&', [&](Pair pair) { return is_parameter(wanted, pair); });
}

bool has_cookie(const std::vector<std::string>& wanted, const http::RequestHead& head, Cookies cookies) {
  return std::any_of(head.fields.begin(), head.fields.end(), [&](const http::Field& field) {
    return http::equals_ignore_case(field.name, "cookie") &&
           any_pair(field.value, ';', [&](Pair pair) { return is_cookie(wanted, pair, cookies); });
  });
}

bool has_agent(const std::vector<std::string>& wanted, const http::RequestHead& head) {
  const std::string_view agent = head.find("user-agent").value_or(std::string_view());
  return std::any_of(wanted.begin(), wanted.end(),
                     [agent](const std::string& item) { return text_matches(item, agent, true); });
}

}  // namespace

bool text_matches(std::string_view pattern, std::string_view text, bool ignore_case) {
  // Only the last star is ever tried again: an earlier one has taken the least it can.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // behind it
  std::size_t taken = 0;                      // where the text behind that star begins
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      taken = t;
    } else if (p < pattern.size() &&
               (ignore_case ? lower(pattern[p]) == lower(text[t]) : pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool meets(const config::RouteWhen& when, const http::RequestHead& head, const ClientAddress& client,
           Cookies cookies) {
  if (!when.method.empty() &&
      std::find(when.method.begin(), when.method.end(), head.method_text) == when.method.end())
    return false;
  if (!when.from.empty() && !config::contains(when.from, client)) return false;
  if (!when.query.empty() && !has_parameter(when.query, head.query)) return false;
  if (!when.user_agent.empty() && !has_agent(when.user_agent, head)) return false;
  return when.cookie.empty() || has_cookie(when.cookie, head, cookies);
}

}  // namespace holdfast::core
