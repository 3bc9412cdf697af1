// What is wrong with a command line, told on stderr in the words of who typed it, with what was probably
// meant. All return the exit status of a usage error.
#pragma once

#include <string>
#include <vector>

namespace holdfast {

// A command, and its options as "--config", "-c".
struct KnownCommand {
  std::string name;
  std::vector<std::string> options;
};

// "COMMAND: WHAT; did you mean MEANT?" `meant`: empty: no idea.
int usage_error(const std::string& command, const std::string& what, const std::string& meant);
// The first word is no command.
int unknown_command(const std::string& word, const std::vector<KnownCommand>& commands);
// `command`: as it is called, "holdfast run". `known`: its options.
int unknown_option(const std::string& command, const std::string& word,
                   const std::vector<std::string>& known);
// An option before the command: `holdfast -c FILE run`, or nginx's `holdfast -t`. `known`: of the program
// itself.
int option_without_command(const std::string& word, const std::vector<KnownCommand>& commands,
                           const std::vector<std::string>& known);
// A known command with a word or an option too many. `words`: of the line, behind the command; `extra`: those
// that nobody took. Nothing told, and 0, where none of them is worth a word.
int words_too_many(const KnownCommand& command, const std::vector<std::string>& words,
                   const std::vector<std::string>& extra);

}  // namespace holdfast
