// See user_lines.h.
#include "config/user_lines.h"

#include <algorithm>
#include <array>

#include "config/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::size_t kBcryptChars = 60;
constexpr std::size_t kSha512Chars = 86;  // behind the last '$'
constexpr std::size_t kSha256Chars = 43;  // SHA-256 and yescrypt
constexpr std::size_t kDesChars = 13;

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [text](std::string_view start) { return text.starts_with(start); });
}

bool is_crypt_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/';
}

HashForm whole(bool is) {
  return is ? HashForm::usable : HashForm::cut;
}

}  // namespace

HashForm hash_form(std::string_view hash) {
  if (hash.empty()) return HashForm::none;
  if (hash[0] == '*' || hash[0] == '!') return HashForm::locked;
  const std::size_t digest = hash.size() - 1 - std::min(hash.rfind('$'), hash.size() - 1);
  if (starts_with_any(hash, {"$2y$", "$2b$", "$2a$"})) return whole(hash.size() == kBcryptChars);
  if (hash.starts_with("$6$")) return whole(digest == kSha512Chars);
  if (starts_with_any(hash, {"$5$", "$y$"})) return whole(digest == kSha256Chars);
  if (hash.starts_with("$apr1$")) return HashForm::apr1;
  if (hash.starts_with("$1$")) return HashForm::md5;
  if (starts_with_any(hash, {"{SHA}", "{SSHA}"})) return HashForm::sha1;
  if (hash[0] == '$' || hash[0] == '{') return HashForm::other;
  if (hash.size() == kDesChars && std::all_of(hash.begin(), hash.end(), is_crypt_char)) return HashForm::des;
  return HashForm::plain;
}

std::string_view name_of(HashForm form) {
  switch (form) {
    case HashForm::usable:
    case HashForm::locked: return {};
    case HashForm::cut: return "a hash of the wrong length (cut off?)";
    case HashForm::apr1: return "MD5 of Apache ($apr1$, the default of htpasswd)";
    case HashForm::md5: return "MD5 ($1$)";
    case HashForm::sha1: return "SHA-1 ({SHA})";
    case HashForm::other: return "of an unknown form";
    case HashForm::none: return "empty";
    case HashForm::des: return "DES (13 characters)";
    case HashForm::plain: return "plain text, or no hash";
  }
  return {};
}

std::optional<UserLine> read_user_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (line.starts_with('#') || colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view rest = line.substr(colon + 1);
  return UserLine{line.substr(0, colon), trimmed(rest.substr(0, rest.find(':')))};
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view without_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

}  // namespace holdfast::config
