// See command_line.h.
#include "proxy/commands/command_line.h"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

int complain(const std::string& command, const std::string& what, const std::string& meant) {
  std::fprintf(stderr, "%s: %s%s\n", command.c_str(), what.c_str(),
               meant.empty() ? "" : ("; did you mean " + meant + "?").c_str());
  std::fprintf(stderr, "%s --help tells what there is.\n", command.c_str());
  return kExitUsage;
}

std::vector<std::string> names_of(const std::vector<CLI::App*>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string other_word(std::string_view word) {
  const auto* const found = std::find_if(kOtherWords.begin(), kOtherWords.end(),
                                         [word](const auto& each) { return each.first == word; });
  return found == kOtherWords.end() ? std::string() : std::string(found->second);
}

// The first word is no command. `holdfast /srv/app` and `holdfast my.yaml` are clear enough to answer.
int unknown_command(const std::string& word, const std::vector<std::string>& commands) {
  std::string meant = other_word(word);
  if (const std::string near = config::closest(word, commands); meant.empty() && !near.empty())
    meant = "holdfast " + near;
  struct stat status {};
  if (meant.empty() && ::stat(word.c_str(), &status) == 0) {
    meant = (S_ISDIR(status.st_mode) ? "holdfast serve " : "holdfast run -c ") + core::escape_for_log(word);
  }
  std::string what = "there is no command " + shown_word(word);
  if (meant.empty()) what += "; there is " + config::join_words(commands);
  return complain("holdfast", what, meant);
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
  return complain(command, "there is no option " + shown_word(name),
                  meant.empty() ? meant : meant + core::escape_for_log(value));
}

// An option before the command: `holdfast -c FILE run`, or nginx's `holdfast -t`.
int option_without_command(const std::string& word, const std::vector<CLI::App*>& commands,
                           const std::vector<std::string>& known) {
  const std::string name = word.substr(0, word.find('='));
  std::string meant = other_word(name);
  for (const CLI::App* command : commands) {
    if (meant.empty() && contains(option_names(*command), name))
      meant = "holdfast " + command->get_name() + " " + core::escape_for_log(word);
  }
  if (meant.empty()) return unknown_option("holdfast", word, known);
  return complain("holdfast", shown_word(name) + " is no option without a command", meant);
}

// What CLI11 has against a known command's line.
int bad_arguments(const CLI::App& app, const CLI::App& sub, const std::vector<std::string>& words,
                  const CLI::ParseError& error) {
  const std::string command = "holdfast " + sub.get_name();
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    const std::vector<std::string> known = option_names(sub);
    for (const std::string& word : words) {
      if (word == "--") break;
      if (word.size() > 1 && word[0] == '-' && !contains(known, word.substr(0, word.find('='))))
        return unknown_option(command, word, known);
    }
    const std::vector<std::string> extra = app.remaining(true);
    const auto value =
        std::find_if(extra.begin(), extra.end(), [](const std::string& each) { return each != "--"; });
    if (value != extra.end()) {
      const bool takes_file = contains(known, "--config") && !contains(words, "-c");
      return complain(command, "what is " + shown_word(*value) + " for",
                      takes_file ? command + " -c " + core::escape_for_log(*value) : "");
    }
  }
  return complain(command, core::escape_for_log(error.what()), "");
}

}  // namespace

int run_command_line(CLI::App& app, int argc, const char* const* argv) {
  const std::vector<CLI::App*> commands = app.get_subcommands(nullptr);
  const std::vector<std::string> names = names_of(commands);
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (words.empty()) {  // whoever types only the name wants to know what there is; a unit file does not
    std::fputs(app.help().c_str(), stdout);
    return kExitUsage;
  }
  if (words[0] == "help")
    words =
        words.size() > 1 ? std::vector<std::string>{words[1], "--help"} : std::vector<std::string>{"--help"};
  const std::string first = words[0];
  if (!contains(names, first)) {
    const std::vector<std::string> known = option_names(app);
    if (!first.starts_with('-')) return unknown_command(first, names);
    if (!contains(known, first)) return option_without_command(first, commands, known);
  }
  std::vector<std::string> rest(words.begin() + 1, words.end());
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help, version
    const CLI::App* const command = contains(names, first) ? app.get_subcommand(first) : &app;
    return bad_arguments(app, *command, rest, error);
  }
  return 0;
}

}  // namespace holdfast
