// See command_line.h. The one file that knows CLI11, which costs seconds to compile.
#include "proxy/commands/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "proxy/commands/exit_status.h"
#include "proxy/commands/usage_error.h"
#include "proxy/core/log_text.h"
#include "proxy/posix/standard_descriptors.h"
#include "proxy/posix/start_signals.h"

namespace holdfast {

int fail(const char* command, int status, const std::string& text) {
  std::fprintf(stderr, "holdfast %s: %s\n", command, text.c_str());
  return status;
}

namespace {

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::vector<KnownCommand> known_commands(CLI::App& app) {
  std::vector<KnownCommand> known;
  for (const CLI::App* command : app.get_subcommands(nullptr))
    known.push_back({command->get_name(), option_names(*command)});
  return known;
}

// What CLI11 has against the line of a known command.
int bad_arguments(const CLI::App& app, const KnownCommand& command, const std::vector<std::string>& words,
                  const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    if (const int status = words_too_many(command, words, app.remaining(true)); status != 0) return status;
  }
  return usage_error("holdfast " + command.name, core::escape_for_log(error.what()), "");
}

// CLI11's default is what the value holds now.
void show_default(CLI::Option& option, bool wanted) {
  if (wanted) option.capture_default_str();
}

}  // namespace

void Command::text(const std::string& names, std::string& value, const std::string& help) {
  show_default(*app_.add_option(names, value, help), !value.empty());
}

void Command::number(const std::string& names, std::uint32_t& value, std::uint32_t min, std::uint32_t max,
                     const std::string& help) {
  show_default(*app_.add_option(names, value, help)->check(CLI::Range(min, max)), true);
}

void Command::flag(const std::string& names, bool& value, const std::string& help) {
  app_.add_flag(names, value, help);
}

void Command::texts(const std::string& names, std::vector<std::string>& values, const std::string& help) {
  app_.add_option(names, values, help);
}

void Command::files(const std::string& names, std::vector<std::string>& values, const std::string& help) {
  app_.add_option(names, values, help)->check(CLI::ExistingFile);
}

void Command::needed_text(const std::string& name, std::string& value, const std::string& help) {
  app_.add_option(name, value, help)->required();
}

void Command::needed_file(const std::string& name, std::string& value, const std::string& help) {
  app_.add_option(name, value, help)->required()->check(CLI::ExistingFile);
}

void Command::exclude(const std::string& one, const std::string& other) {
  app_.get_option(one)->excludes(app_.get_option(other));
}

void Command::footer(const std::string& text) {
  app_.footer(text);
}

void Command::action(const std::function<int()>& work) {
  app_.callback([work, &exit_status = exit_status_] {
    posix::release_signals();
    exit_status = work();
  });
}

void Command::serving_action(const std::function<int()>& work) {
  app_.callback([work, &exit_status = exit_status_] {
    posix::stops_end_the_process();
    posix::ignore_file_signals();
    exit_status = work();
  });
}

CommandLine::CommandLine(const std::string& program, const std::string& description,
                         const std::string& version)
    : app_((posix::hold_signals(), std::make_unique<CLI::App>(description, program))) {
  app_->set_version_flag("--version", program + " " + version);
  app_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

Command CommandLine::add(const std::string& name, const std::string& description) {
  return {*app_->add_subcommand(name, description), exit_status_};
}

void CommandLine::footer(const std::string& text) {
  app_->footer(text);
}

int CommandLine::run(int argc, const char* const* argv) {
  posix::open_closed_standard_descriptors();
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (words.empty()) {  // whoever types only the name wants to know what there is; a unit file does not
    std::fputs(app_->help().c_str(), stdout);
    return kExitUsage;
  }
  if (words[0] == "help")
    words =
        words.size() > 1 ? std::vector<std::string>{words[1], "--help"} : std::vector<std::string>{"--help"};
  const std::string first = words[0];
  const std::vector<KnownCommand> commands = known_commands(*app_);
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&first](const KnownCommand& each) { return each.name == first; });
  if (command == commands.end()) {
    const std::vector<std::string> known = option_names(*app_);
    if (!first.starts_with('-')) return unknown_command(first, commands);
    if (std::find(known.begin(), known.end(), first) == known.end())
      return option_without_command(first, commands, known);
  }
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app_->parse(words);
  } catch (const CLI::ParseError& error) {
    posix::release_signals();
    if (error.get_exit_code() == 0) return app_->exit(error);  // help, version
    const KnownCommand itself{app_->get_name(), option_names(*app_)};
    return bad_arguments(*app_, command == commands.end() ? itself : *command, rest, error);
  }
  return exit_status_;
}

}  // namespace holdfast
