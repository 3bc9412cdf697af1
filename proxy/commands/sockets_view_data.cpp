// The forms of `holdfast sockets` that programs read: CSV and JSON.
#include "proxy/commands/sockets_view.h"
#include "proxy/json/json.h"

namespace holdfast {

namespace {

using net::SocketCounts;
using net::TcpState;

// RFC 4180: quoted where needed, quotes doubled.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_row(const std::string& time, const char* scope, const std::string& port,
                    const std::string& service, std::string_view side, const SocketCounts& counts,
                    std::uint32_t total) {
  std::string out = time + "," + scope + "," + port + "," + csv_field(service) + "," + std::string(side) +
                    "," + std::to_string(total);
  for (const TcpState state : net::kAllTcpStates) out += "," + std::to_string(counts[state]);
  return out + "\n";
}

SocketCounts unix_counts(std::uint32_t connected, std::uint32_t waiting, std::uint32_t listening) {
  SocketCounts counts;
  counts[TcpState::established] = connected;
  counts[TcpState::syn_recv] = waiting;
  counts[TcpState::listen] = listening;
  return counts;
}

Json counts_json(const SocketCounts& counts) {
  Json states = Json::object();
  for (const TcpState state : net::kAllTcpStates) states[std::string(state_key(state))] = counts[state];
  return states;
}

Json closed_first_json(const SocketCounts& counts) {
  return {{"here", counts.closed_here_first()}, {"there", counts.closed_there_first()}};
}

}  // namespace

std::string sockets_csv_heading() {
  std::string out = "time,scope,port,service,side,total";
  for (const TcpState state : net::kAllTcpStates) out += "," + std::string(state_key(state));
  return out + "\n";
}

std::string sockets_csv_rows(const net::SocketReport& report, const std::string& time) {
  std::string out = csv_row(time, "tcp", "", "", "", report.total, report.total.total());
  for (const net::PortRow& row : report.ports) {
    out += csv_row(time, "tcp_port", std::to_string(row.port), row.service, side_name(row.side), row.counts,
                   row.counts.total());
  }
  std::uint32_t waiting = 0;
  for (const net::UnixRow& row : report.unix_paths) waiting += row.waiting;
  out += csv_row(time, "unix", "", "", "", unix_counts(report.unix_connected, waiting, report.unix_listening),
                 report.unix_total);
  for (const net::UnixRow& row : report.unix_paths) {
    out += csv_row(time, "unix_path", "", row.path, "server",
                   unix_counts(row.connected, row.waiting, row.listeners),
                   row.connected + row.waiting + row.listeners);
  }
  return out;
}

std::string sockets_json(const net::SocketReport& report, const std::string& time, int indent) {
  Json json;
  json["time"] = time;
  json["source"] = std::string(report.source);
  json["ephemeral_ports"] = {
      {"first", report.ephemeral.first}, {"last", report.ephemeral.last}, {"count", report.ephemeral.size()}};
  json["tcp"] = {{"total", report.total.total()},
                 {"states", counts_json(report.total)},
                 {"closed_first", closed_first_json(report.total)}};
  json["ports"] = Json::array();
  for (const net::PortRow& row : report.ports) {
    json["ports"].push_back({{"port", row.port},
                             {"service", row.service},
                             {"side", std::string(side_name(row.side))},
                             {"total", row.counts.total()},
                             {"states", counts_json(row.counts)},
                             {"closed_first", closed_first_json(row.counts)}});
  }
  Json paths = Json::array();
  for (const net::UnixRow& row : report.unix_paths) {
    paths.push_back({{"path", row.path},
                     {"listeners", row.listeners},
                     {"connected", row.connected},
                     {"waiting", row.waiting},
                     {"backlog_max", row.backlog_max}});
  }
  json["unix"] = {{"total", report.unix_total},
                  {"connected", report.unix_connected},
                  {"listening", report.unix_listening},
                  {"paths", paths}};
  return json.dump(indent) + "\n";
}

}  // namespace holdfast
