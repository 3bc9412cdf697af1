// `holdfast serve [DIR]`: a server without a configuration file, with a php-fpm of its own where none is
// named.
#pragma once

namespace holdfast {

class CommandLine;

void add_serve_command(CommandLine& line);

}  // namespace holdfast
