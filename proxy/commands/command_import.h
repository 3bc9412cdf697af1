// `holdfast import FILE`: an nginx configuration as one of ours, on stdout.
#pragma once

namespace CLI {
class App;
}

namespace holdfast {

// Adds the subcommand to `app`; its callback does the work and sets `exit_status`.
void add_import_command(CLI::App& app, int& exit_status);

}  // namespace holdfast
