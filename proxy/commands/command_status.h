// `holdfast status`: pools and queue as a table, from the admin endpoint of a running server.
#pragma once

namespace holdfast {

class CommandLine;

// Exit status: 0, and always so after --watch was ended; 1 when a pool is not reachable; 64 for a bad
// --admin; 69 when the endpoint does not answer; 78 for a bad configuration.
void add_status_command(CommandLine& line);

}  // namespace holdfast
