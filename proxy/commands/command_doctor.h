// `holdfast doctor`: compares the pools with php-fpm's and the kernel's settings.
#pragma once

namespace CLI {
class App;
}

namespace holdfast {

// Adds the subcommand to `app`; its callback sets `exit_status`: 0 fine, 1 warnings, 2 errors, 78 when the
// configuration does not load.
void add_doctor_command(CLI::App& app, int& exit_status);

}  // namespace holdfast
