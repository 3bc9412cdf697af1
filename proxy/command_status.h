// `holdfast status`: pools and queue as a table, from the admin endpoint of a running server.
#pragma once

namespace CLI {
class App;
}

namespace holdfast {

// Exit status: 0; 1 when a pool is not reachable; 69 (EX_UNAVAILABLE) when the endpoint does not answer.
void add_status_command(CLI::App& app, int& exit_status);

}  // namespace holdfast
