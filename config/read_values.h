// Shapes that the kinds of value have in common: one text with a syntax of its own, and a list of such texts.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.h"
#include "config/units.h"
#include "config/values.h"

namespace holdfast::config {

// The common shape of everything that is text with a syntax of its own.
template <class T>
std::optional<T> parsed_by(Reader& reader, const Slot& slot, const std::string& expected,
                           Parsed<T> (*parse)(std::string_view), Dollars dollars = Dollars::variables) {
  const auto scalar = reader.scalar(slot, expected, dollars);
  if (!scalar) {
    return std::nullopt;
  }
  auto parsed = parse(scalar->text);
  if (!parsed.value) {
    reader.error(slot, parsed.error, parsed.hint);
  }
  return std::move(parsed.value);
}

// Every item by `parse`; nothing when one of them is bad, but all of them are looked at.
template <class T>
std::optional<std::vector<T>> list_by(Reader& reader, const Slot& slot, const std::string& expected,
                                      Parsed<T> (*parse)(std::string_view)) {
  const auto items = reader.items(slot, expected, true);
  if (!items) {
    return std::nullopt;
  }
  std::vector<T> out;
  for (const Slot& item : *items) {
    const auto scalar = reader.scalar(item, expected);
    if (!scalar) continue;
    auto parsed = parse(scalar->text);
    if (parsed.value) {
      out.push_back(std::move(*parsed.value));
      continue;
    }
    const std::vector<std::string> words = words_of(scalar->text);
    const bool is_list =
        words.size() > 1 && std::all_of(words.begin(), words.end(),
                                        [parse](const auto& word) { return parse(word).value.has_value(); });
    reader.error(item, parsed.error,
                 is_list ? "a list has brackets and commas: " + words_as_list(words) : parsed.hint);
  }
  return out.size() == items->size() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace holdfast::config
