// `holdfast import FILE`: an nginx configuration as one of ours, on stdout.
#pragma once

namespace holdfast {

class CommandLine;

void add_import_command(CommandLine& line);

}  // namespace holdfast
