// `holdfast serve [DIR]`: a server without a configuration file, with a php-fpm of its own where none is
// named.
#pragma once

namespace CLI {
class App;
}

namespace holdfast {

void add_serve_command(CLI::App& app, int& exit_status);

}  // namespace holdfast
