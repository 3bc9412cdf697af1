// Whole pairs go to the list straight from the input; only a pair that is cut is put together first.
#include "fastcgi/params_reader.h"

#include <algorithm>
#include <utility>

namespace holdfast::fastcgi {
namespace {

// What a cut pair may leave behind as memory for the next one.
constexpr std::size_t kKeptBytesMax = 1024;

// What php makes of a parameter's name in $_SERVER: cut at a NUL, leading spaces gone, ' ', '.' and '[' as
// '_' (php_register_variable_ex in main/php_variables.c).
bool is_http_proxy(std::string_view name) {
  constexpr std::string_view kName = "HTTP_PROXY";
  constexpr std::string_view kUnderscores = " .[";
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  if (name.size() < kName.size() || (name.size() > kName.size() && name[kName.size()] != '\0')) return false;
  return std::equal(kName.begin(), kName.end(), name.begin(), [kUnderscores](char expected, char c) {
    return c == expected || (expected == '_' && kUnderscores.find(c) != std::string_view::npos);
  });
}

}  // namespace

bool ParamsReader::feed(std::string_view content) {
  if (!cut_pair_.empty() && !finish_cut_pair(content)) return false;
  while (!content.empty()) {
    const std::string_view before = content;
    std::string_view name;
    std::string_view value;
    if (!decode_pair(content, name, value)) {
      cut_pair_.assign(content);
      return told_pair_bytes(cut_pair_).value_or(0) <= kPairBytesMax;
    }
    const std::size_t pair_bytes = before.size() - content.size();
    if (pair_bytes > kPairBytesMax) return false;
    append(before.substr(0, pair_bytes), name);
  }
  return true;
}

// False when the pair is too large. Takes no more from `content` than is missing.
bool ParamsReader::finish_cut_pair(std::string_view& content) {
  while (!content.empty()) {
    const auto told = told_pair_bytes(cut_pair_);
    if (told && *told > kPairBytesMax) return false;
    // The lengths come byte by byte: one more byte may be all there is to them.
    const std::size_t missing = told ? static_cast<std::size_t>(*told) - cut_pair_.size() : 1;
    const std::size_t taken = std::min(missing, content.size());
    cut_pair_.append(content.substr(0, taken));
    content.remove_prefix(taken);

    std::string_view rest = cut_pair_;
    std::string_view name;
    std::string_view value;
    if (!decode_pair(rest, name, value)) continue;
    append(cut_pair_, name);
    cut_pair_.clear();
    if (cut_pair_.capacity() > kKeptBytesMax) std::string().swap(cut_pair_);
    return true;
  }
  return told_pair_bytes(cut_pair_).value_or(0) <= kPairBytesMax;
}

void ParamsReader::append(std::string_view pair, std::string_view name) {
  // A client's "Proxy:" field, which nginx and Caddy pass on: programs take that variable for their proxy
  // (httpoxy, CVE-2016-5385).
  if (is_http_proxy(name)) return;
  list_.append_encoded(pair);
}

void ParamsReader::take(ParamList& into) {
  list_.swap(into);
  reset();
}

void ParamsReader::reset() {
  list_.clear();
  cut_pair_.clear();
}

}  // namespace holdfast::fastcgi
