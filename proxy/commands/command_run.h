// The commands that take a configuration file: run, check, config.
#pragma once

namespace CLI {
class App;
}

namespace holdfast {

// Exit status: 0; 78 (EX_CONFIG) for a bad configuration; 71 (EX_OSERR) when it cannot listen.
void add_run_commands(CLI::App& app, int& exit_status);

}  // namespace holdfast
