// Warnings about a file of users: lines that let nobody in. See checks.h.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "config/auth.h"
#include "config/checks.h"
#include "config/file_bytes.h"
#include "config/user_lines.h"

namespace holdfast::config {
namespace {

constexpr int kLinesTold = 8;  // of one file; the others are counted
constexpr std::string_view kRemedy = "htpasswd -B FILE NAME, or mkpasswd -m sha-512, makes one that counts";

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

using LineOfName = std::map<std::string_view, int>;

struct Fault {
  std::string text;  // empty: none
  std::string_view hint = kRemedy;
};

// What is wrong with a line. The hash itself is never told. Adds its name to `lines`.
Fault fault_of(std::string_view line, int number, LineOfName& lines) {
  if (line.starts_with('#') || std::all_of(line.begin(), line.end(), is_blank)) return {};
  const std::optional<UserLine> user = read_user_line(line);
  if (!user) return {"is no NAME:HASH"};
  const std::string name = quote(std::string(user->name));
  if (is_blank(user->name.front()) || is_blank(user->name.back()))
    return {"the name " + name + " has a blank at its end or start, which counts", "remove it"};
  const auto [first, is_first] = lines.emplace(user->name, number);
  if (!is_first)
    return {"the name " + name + " stands in line " + std::to_string(first->second) +
                " already, and only that one counts",
            "remove one of them"};
  const std::string_view form = name_of(hash_form(user->hash));
  if (form.empty()) return {};
  return {"the hash of " + name + " is " + std::string(form) + ": this user gets 401"};
}

void check_lines(const Checked& checked, Mark place, const std::string& file, std::string_view text) {
  int faults = 0;
  LineOfName lines;
  text = without_mark(text);
  for (int number = 1; !text.empty(); ++number) {
    const Fault fault = fault_of(take_line(text), number, lines);
    if (fault.text.empty() || ++faults > kLinesTold) continue;
    checked.report.warning(place, file + ":" + std::to_string(number) + ": " + fault.text,
                           std::string(fault.hint));
  }
  if (faults > kLinesTold) {
    checked.report.warning(
        place, file + ": " + std::to_string(faults - kLinesTold) + " more lines of it let nobody in",
        std::string(kRemedy));
  }
}

}  // namespace

// A missing file closes the path, a line that does not count closes it for its user; better said now.
void check_users_file(const Checked& checked, const std::string& key, const Auth& auth) {
  const Mark place = checked.places.find(key);
  std::error_code error;
  const std::string& file = auth.users;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) return;
    checked.report.warning(place, key + ": " + file + " does not exist",
                           "who asks for these paths gets 500 until it is there");
    return;
  }
  if (!std::filesystem::is_regular_file(status)) {  // a pipe would block
    checked.report.warning(place, key + ": " + file + " is no file of lines",
                           "who asks for these paths gets 500");
    return;
  }
  const auto bytes = std::filesystem::file_size(file, error);
  if (!error && bytes > kUsersBytesMost) {
    checked.report.warning(
        place, key + ": " + file + " is larger than " + std::string(kUsersBytesMostText) + " and is not read",
        "who asks for these paths gets 500; split it by site or route");
    return;
  }
  check_lines(checked, place, file, read_file(file, kUsersBytesMost, Sources::files).text);
}

}  // namespace holdfast::config
