// The command line: which commands there are, with which options, and from argv to one of them. Says what is
// wrong with a line in the words of who typed it (did you mean); every usage error ends with status 64. CLI11
// stays behind it, in command_line.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace holdfast {

// The configuration of who names none.
constexpr const char* kDefaultFile = "/etc/holdfast/holdfast.yaml";

// "holdfast COMMAND: TEXT" on stderr. `status`, for the command to return.
int fail(const char* command, int status, const std::string& text);

// One command, while it is described. `names` are as "-c,--config", or "DIR" for a word without an option.
// The values outlive the run; what they hold is the default, which --help shows unless it is empty.
class Command {
 public:
  Command(CLI::App& app, int& exit_status) : app_(app), exit_status_(exit_status) {}

  void text(const std::string& names, std::string& value, const std::string& help);
  void number(const std::string& names, std::uint32_t& value, std::uint32_t min, std::uint32_t max,
              const std::string& help);
  void flag(const std::string& names, bool& value, const std::string& help);
  // May be given more than once.
  void texts(const std::string& names, std::vector<std::string>& values, const std::string& help);
  // The same, and each is there.
  void files(const std::string& names, std::vector<std::string>& values, const std::string& help);
  // An argument without which the command cannot do anything; a file is there.
  void needed_text(const std::string& name, std::string& value, const std::string& help);
  void needed_file(const std::string& name, std::string& value, const std::string& help);
  // Both in one line are a mistake. Names as "--csv".
  void exclude(const std::string& one, const std::string& other);
  void footer(const std::string& text);
  // What it does, when the line was right; its result is the exit status.
  void action(const std::function<int()>& work);
  // The same of a command that serves: signals wait until its loop listens to them, but that those to stop end
  // it at once, until it says posix::hold_signals(); a file or pipe that takes nothing is an error, no signal.
  void serving_action(const std::function<int()>& work);

 private:
  CLI::App& app_;
  int& exit_status_;
};

class CommandLine {
 public:
  // From here on signals wait; see proxy/posix/start_signals.h. run() lets them go.
  CommandLine(const std::string& program, const std::string& description, const std::string& version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command add(const std::string& name, const std::string& description);
  // Of the program's help, not of the commands'. After the last add().
  void footer(const std::string& text);
  // Does what the line asks for. The exit status: the command's, 0 for help, 64 for a mistake in the line.
  int run(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
  int exit_status_ = 0;
};

}  // namespace holdfast
