// `holdfast explain URL`: what would be done with a request, and why, without sending anything.
#pragma once

namespace CLI {
class App;
}

namespace holdfast {

// Adds the subcommand to `app`; its callback does the work and sets `exit_status`.
void add_explain_command(CLI::App& app, int& exit_status);

}  // namespace holdfast
