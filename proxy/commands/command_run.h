// The commands that take a configuration file: run, check, config.
#pragma once

namespace holdfast {

class CommandLine;

// Exit status: 0; 78 (EX_CONFIG) for a bad configuration; 71 (EX_OSERR) when it cannot listen.
void add_run_commands(CommandLine& line);

}  // namespace holdfast
