// From argv to one command: parses, and says what is wrong with a command line in the words of who typed it
// (did you mean). Every usage error ends with status 64, whatever CLI11 calls it.
#pragma once

#include <CLI/App.hpp>

namespace holdfast {

// Runs the command that the line names, by its callback. 0: it ran, or help was asked for; else 64.
int run_command_line(CLI::App& app, int argc, const char* const* argv);

}  // namespace holdfast
