// How `holdfast sockets` shows a SocketReport: as a table for people, as CSV and as JSON. Text in, text out:
// no socket is read here, and nothing printed.
#pragma once

#include <cstddef>
#include <string>

#include "config/snapshot.h"
#include "proxy/sockets/socket_table.h"

namespace holdfast {

struct TableStyle {
  bool color = false;
  std::size_t ports_max = 20;  // rows of the table by port, and of the one by Unix path; the rest is summed
  std::size_t lines_max = 0;   // height of the screen; 0: no limit
};

// `time` is shown as it is: "2026-03-01T12:00:05Z". 80 columns wide.
std::string sockets_table(const net::SocketReport& report, const std::string& time, const TableStyle& style);

// CSV: one row for all TCP sockets (scope tcp), one per port and side (tcp_port), one for all Unix sockets
// (unix), one per path (unix_path). Columns are the states; for Unix sockets established, syn_recv (waiting
// to be accepted) and listen are used.
std::string sockets_csv_heading();
std::string sockets_csv_rows(const net::SocketReport& report, const std::string& time);

// One JSON object. `indent` < 0: on one line, for --watch.
std::string sockets_json(const net::SocketReport& report, const std::string& time, int indent);

// Calls our own listeners and pools by their names instead of what their port is known for.
void name_own_ports(const config::Config& config, net::SocketReport& report);

}  // namespace holdfast
