// See interpolate.h. The words are the shell's (POSIX, 2.6.2): with a colon an empty variable counts as
// unset.
#include "config/interpolate.h"

#include <algorithm>
#include <cstdlib>

#include "config/ascii.h"
#include "config/diagnostics.h"

namespace holdfast::config {
namespace {

bool is_variable_name(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter_or_digit(c) || c == '_'; });
}

// `inner` is what stands between ${ and }.
Parsed<std::string> expand(std::string_view inner, const Environment& environment) {
  Parsed<std::string> out;
  const auto colon = inner.find(':');
  const std::string name(inner.substr(0, colon));
  const std::string_view rest = colon == std::string_view::npos ? std::string_view{} : inner.substr(colon);
  if (!is_variable_name(name) || (!rest.empty() && !rest.starts_with(":-") && !rest.starts_with(":?"))) {
    out.error = quote("${" + std::string(inner) + "}") + " is not a variable";
    out.hint = "write ${NAME}, ${NAME:-default} or ${NAME:?message}";
    return out;
  }
  std::optional<std::string> value = environment(name);
  if (rest.empty()) {
    if (!value) {
      out.error = "environment variable " + name + " is not set";
      out.hint = "set it, or write ${" + name + ":-default}";
    }
  } else if (!value || value->empty()) {
    value.reset();
    const std::string argument(rest.substr(2));
    if (rest[1] == '-') {
      value = argument;
    } else {
      out.error =
          "environment variable " + name + " is not set: " + (argument.empty() ? "required" : argument);
    }
  }
  if (value && find_invalid_utf8(*value) != std::string_view::npos) {
    value.reset();
    out.error = "environment variable " + name + " is not UTF-8 text";
  }
  out.value = std::move(value);
  return out;
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Parsed<Interpolated> interpolate(std::string_view text, const Environment& environment, Dollars dollars) {
  Parsed<Interpolated> out;
  Interpolated result;
  while (true) {
    const auto dollar = text.find('$');
    result.text += text.substr(0, dollar);
    if (dollar == std::string_view::npos) {
      break;
    }
    text.remove_prefix(dollar + 1);
    if (dollars == Dollars::kept && !text.starts_with('{')) {
      result.text += '$';
      if (text.starts_with('$')) {
        result.text += '$';
        text.remove_prefix(1);
      }
      continue;
    }
    if (text.starts_with('$')) {
      result.text += '$';
      text.remove_prefix(1);
      continue;
    }
    const auto end = text.find('}');
    if (!text.starts_with('{') || end == std::string_view::npos) {
      // A lone $ is refused, not kept: $HOME would otherwise silently stay "$HOME".
      out.error = text.starts_with('{') ? "'${' without its '}'" : "a single '$' stands before no '{'";
      out.hint = "write ${NAME} for a variable, $$ for a dollar sign";
      return out;
    }
    auto value = expand(text.substr(1, end - 1), environment);
    if (!value.value) {
      out.error = std::move(value.error);
      out.hint = std::move(value.hint);
      return out;
    }
    for (const char c : *value.value) result.text.append(c == '$' && dollars == Dollars::kept ? 2 : 1, c);
    result.has_variable = true;
    text.remove_prefix(end + 1);
  }
  out.value = std::move(result);
  return out;
}

}  // namespace holdfast::config
