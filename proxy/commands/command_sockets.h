// `holdfast sockets`: socket states of this network namespace, once or watched.
#pragma once

namespace CLI {
class App;
}

namespace holdfast {

// Adds the subcommand to `app`; its callback does the work and sets `exit_status`.
void add_sockets_command(CLI::App& app, int& exit_status);

}  // namespace holdfast
