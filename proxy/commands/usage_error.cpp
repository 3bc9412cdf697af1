// See usage_error.h.
#include "proxy/commands/usage_error.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "config/diagnostics.h"
#include "proxy/commands/exit_status.h"
#include "proxy/core/log_text.h"

namespace holdfast {

namespace {

// Words of other programs, and what does that here. Everything in it is shown behind "did you mean".
constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kOtherWords = {{
    {"start", "holdfast run, or systemctl start holdfast"},
    {"server", "holdfast run, or holdfast serve DIR"},
    {"daemon", "holdfast run"},
    {"up", "holdfast run"},
    {"stop", "systemctl stop holdfast, or kill -TERM PID"},
    {"quit", "systemctl stop holdfast, or kill -TERM PID"},
    {"restart", "systemctl restart holdfast"},
    {"reload", "systemctl reload holdfast, or kill -HUP PID"},
    {"test", "holdfast check -c FILE"},
    {"configtest", "holdfast check -c FILE"},
    {"validate", "holdfast check -c FILE"},
    {"lint", "holdfast check -c FILE"},
    {"-t", "holdfast check -c FILE"},
    {"-T", "holdfast config -c FILE"},
    {"-s", "systemctl reload holdfast, or kill -HUP PID"},
    {"print", "holdfast config -c FILE"},
    {"dump", "holdfast config -c FILE"},
    {"stats", "holdfast status"},
    {"top", "holdfast status --watch"},
    {"ps", "holdfast status"},
    {"netstat", "holdfast sockets"},
    {"ss", "holdfast sockets"},
    {"diagnose", "holdfast doctor"},
    {"version", "holdfast --version"},
    {"-v", "holdfast --version"},
    {"-V", "holdfast --version"},
}};

std::string shown_word(std::string_view word) {
  return config::quote(core::escape_for_log(word));
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string other_word(std::string_view word) {
  const auto* const found = std::find_if(kOtherWords.begin(), kOtherWords.end(),
                                         [word](const auto& each) { return each.first == word; });
  return found == kOtherWords.end() ? std::string() : std::string(found->second);
}

}  // namespace

int usage_error(const std::string& command, const std::string& what, const std::string& meant) {
  std::fprintf(stderr, "%s: %s%s\n", command.c_str(), what.c_str(),
               meant.empty() ? "" : ("; did you mean " + meant + "?").c_str());
  std::fprintf(stderr, "%s --help tells what there is.\n", command.c_str());
  return kExitUsage;
}

// `holdfast /srv/app` and `holdfast my.yaml` are clear enough to answer.
int unknown_command(const std::string& word, const std::vector<KnownCommand>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const KnownCommand& command : commands) names.push_back(command.name);
  std::string meant = other_word(word);
  if (const std::string near = config::closest(word, names); meant.empty() && !near.empty())
    meant = "holdfast " + near;
  struct stat status {};
  if (meant.empty() && ::stat(word.c_str(), &status) == 0) {
    meant = (S_ISDIR(status.st_mode) ? "holdfast serve " : "holdfast run -c ") + core::escape_for_log(word);
  }
  std::string what = "there is no command " + shown_word(word);
  if (meant.empty()) what += "; there is " + config::join_words(names);
  return usage_error("holdfast", what, meant);
}

int unknown_option(const std::string& command, const std::string& word,
                   const std::vector<std::string>& known) {
  const std::string name = word.substr(0, word.find('='));
  const std::string value = word.substr(name.size());
  // Of one letter only the other case is a slip: any letter is one change away from any other.
  std::string meant = config::closest(name, known);
  if (name.size() <= 2 && !std::equal(name.begin(), name.end(), meant.begin(), meant.end(),
                                      [](char a, char b) { return (a | 0x20) == (b | 0x20); }))
    meant.clear();
  if (meant.empty() && name.size() > 2 && !name.starts_with("--") && contains(known, "-" + name))
    meant = "-" + name;  // -config
  return usage_error(command, "there is no option " + shown_word(name),
                     meant.empty() ? meant : meant + core::escape_for_log(value));
}

int option_without_command(const std::string& word, const std::vector<KnownCommand>& commands,
                           const std::vector<std::string>& known) {
  const std::string name = word.substr(0, word.find('='));
  std::string meant = other_word(name);
  for (const KnownCommand& command : commands) {
    if (meant.empty() && contains(command.options, name))
      meant = "holdfast " + command.name + " " + core::escape_for_log(word);
  }
  if (meant.empty()) return unknown_option("holdfast", word, known);
  return usage_error("holdfast", shown_word(name) + " is no option without a command", meant);
}

// Not a number, and not a word of a command line.
static bool may_be_file(const std::string& word) {
  struct stat status {};
  return word.find_first_of("./") != std::string::npos || ::stat(word.c_str(), &status) == 0;
}

int words_too_many(const KnownCommand& command, const std::vector<std::string>& words,
                   const std::vector<std::string>& extra) {
  const std::string called = "holdfast " + command.name;
  for (const std::string& word : words) {
    if (word == "--") break;
    if (word.size() > 1 && word[0] == '-' && !contains(command.options, word.substr(0, word.find('='))))
      return unknown_option(called, word, command.options);
  }
  const auto value =
      std::find_if(extra.begin(), extra.end(), [](const std::string& each) { return each != "--"; });
  if (value == extra.end()) return 0;
  const std::string what = "what is " + shown_word(*value) + " for";
  if (*value == command.name) return usage_error(called, what, called);  // said twice
  const bool takes_file =
      contains(command.options, "--config") && !contains(words, "-c") && may_be_file(*value);
  return usage_error(called, what, takes_file ? called + " -c " + core::escape_for_log(*value) : "");
}

}  // namespace holdfast
