// `holdfast sockets`: socket states of this network namespace, once or watched.
#pragma once

namespace holdfast {

class CommandLine;

// Exit status: 0; 1 when nothing can be read; 64 usage; 78 for a bad configuration.
void add_sockets_command(CommandLine& line);

}  // namespace holdfast
