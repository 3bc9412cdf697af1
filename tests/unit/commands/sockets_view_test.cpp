// What `holdfast sockets` prints: golden table at 80 columns, CSV and JSON of the same report.
#include "proxy/commands/sockets_view.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "config/config.h"
#include "config/pool.h"
#include "proxy/json/json.h"

using namespace holdfast;
using namespace holdfast::net;

namespace {

SocketReport sample() {
  std::vector<TcpSocket> tcp(30245, {TcpState::time_wait, 9000, 50000});
  tcp.insert(tcp.end(), 14116, {TcpState::time_wait, 40000, 3306});
  tcp.insert(tcp.end(), 52, {TcpState::established, 80, 50001});
  tcp.push_back({TcpState::close_wait, 50002, 6379});
  tcp.push_back({TcpState::syn_sent, 50003, 50004});
  tcp.push_back({TcpState::fin_wait2, 9000, 50001});
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{80, 9000})
    tcp.push_back({TcpState::listen, port, 0});
  std::vector<UnixSocket> local(4, {UnixSocket::Kind::connected, "/run/php/php-fpm.sock"});
  local.push_back({UnixSocket::Kind::listening, "/run/php/php-fpm.sock", 2, 4096});
  local.insert(local.end(), 4, {UnixSocket::Kind::connected, ""});
  SocketReport report = make_report(tcp, local, PortRange{});
  report.source = "inet_diag";
  return report;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

constexpr const char* kTime = "2026-03-01T12:00:05Z";

}  // namespace

TEST_CASE("the table, as it is printed") {
  const std::string expected =
      R"(TCP sockets: 44,418                              inet_diag  2026-03-01T12:00:05Z
  TIME_WAIT       44,361  ##############################################
  ESTABLISHED         52  #
  LISTEN               2  #
  SYN_SENT             1  #
  FIN_WAIT2            1  #
  CLOSE_WAIT           1  #

   PORT  SERVICE        SIDE      TOTAL    OPEN   SYN   FIN TIME_WAIT CLOSE_WAIT
   9000  php-fpm        server   30,247       0     0     1    30,245          0
   3306  mysql          client   14,116       0     0     0    14,116          0
     80  www            server       53      52     0     0         0          0
      -  (no service)   client        1       0     1     0         0          0
   6379  redis          client        1       0     0     0         0          1

  server TIME_WAIT 30,245: the service closed first; costs memory, no port
  client TIME_WAIT 14,116: this end closed first; each holds one of 28,232 ports
    for 60 s (50 % of them to the busiest port)

Unix stream sockets: 9, 8 connected, 1 listening
  PATH                                           CONNECTED   WAITING   BACKLOG
  /run/php/php-fpm.sock                                  4         2     4,096
)";
  CHECK(sockets_table(sample(), kTime, {}) == expected);
}

TEST_CASE("no line is wider than 80 columns, whatever the numbers and names") {
  SocketReport report = sample();
  report.ports[0].service = "a-service-with-a-very-long-name";
  report.unix_paths[0].path = std::string(300, 'x');
  for (const std::string& line : lines_of(sockets_table(report, kTime, {}))) CHECK(line.size() <= 80);
}

TEST_CASE("colours only where asked, and they add nothing but escape sequences") {
  const SocketReport report = sample();
  const std::string plain = sockets_table(report, kTime, {});
  CHECK(plain.find('\x1b') == std::string::npos);
  TableStyle style;
  style.color = true;
  std::string colored = sockets_table(report, kTime, style);
  CHECK(colored != plain);
  for (std::size_t at = colored.find('\x1b'); at != std::string::npos; at = colored.find('\x1b')) {
    colored.erase(at, colored.find('m', at) - at + 1);
  }
  CHECK(colored == plain);
}

TEST_CASE("rows past the limit are summed") {
  TableStyle style;
  style.ports_max = 2;
  const std::string table = sockets_table(sample(), kTime, style);
  CHECK(table.find("    ...  3 more                      55      52     1     0         0          1\n") !=
        std::string::npos);
  style.ports_max = 5;
  CHECK(sockets_table(sample(), kTime, style).find(" more") == std::string::npos);
  style.ports_max = 4;
  CHECK(sockets_table(sample(), kTime, style).find("1 more") != std::string::npos);
}

TEST_CASE("a live table fits the screen") {
  SocketReport report = sample();
  for (std::uint16_t port = 1; port < 200; ++port) report.ports.push_back({port, Side::server, "", {}});
  for (int i = 0; i < 200; ++i) report.unix_paths.push_back({"/run/" + std::to_string(i), 1, 0, 0, 0});
  for (const std::size_t height : {24U, 30U, 50U, 100U}) {
    TableStyle style;
    style.ports_max = 1000;
    style.lines_max = height;
    CHECK(lines_of(sockets_table(report, kTime, style)).size() < height);
  }
}

TEST_CASE("a path cannot command the terminal") {
  SocketReport report = sample();
  report.unix_paths[0].path = "/run/\x1b[2J\n";
  const std::string table = sockets_table(report, kTime, {});
  CHECK(table.find("/run/?[2J?") != std::string::npos);
}

TEST_CASE("an empty namespace") {
  const std::string table = sockets_table(make_report({}, {}, PortRange{}), kTime, {});
  CHECK(table.find("TCP sockets: 0") == 0);
  CHECK(table.find("  none\n") != std::string::npos);
}

TEST_CASE("CSV: a heading, and rows with as many fields") {
  SocketReport report = sample();
  report.unix_paths[0].path = "/run/a,\"b\"";
  const std::vector<std::string> rows = lines_of(sockets_csv_heading() + sockets_csv_rows(report, kTime));
  REQUIRE(rows.size() == 1 + 1 + 5 + 1 + 1);
  CHECK(
      rows[0] ==
      "time,scope,port,service,side,total,established,syn_sent,syn_recv,fin_wait1,fin_wait2,time_wait,close,"
      "close_wait,last_ack,listen,closing");
  CHECK(rows[1] == "2026-03-01T12:00:05Z,tcp,,,,44418,52,1,0,0,1,44361,0,1,0,2,0");
  CHECK(rows[2] == "2026-03-01T12:00:05Z,tcp_port,9000,php-fpm,server,30247,0,0,0,0,1,30245,0,0,0,1,0");
  CHECK(rows[7] == "2026-03-01T12:00:05Z,unix,,,,9,8,0,2,0,0,0,0,0,0,1,0");
  CHECK(rows[8] == "2026-03-01T12:00:05Z,unix_path,,\"/run/a,\"\"b\"\"\",server,7,4,0,2,0,0,0,0,0,0,1,0");
  for (std::size_t i = 0; i + 1 < rows.size(); ++i)
    CHECK(std::count(rows[i].begin(), rows[i].end(), ',') == 16);
}

TEST_CASE("JSON holds the same numbers, on one line if asked") {
  const Json json = Json::parse(sockets_json(sample(), kTime, 2)).value_or(nullptr);
  CHECK(json["time"] == kTime);
  CHECK(json["tcp"]["total"] == 44418);
  CHECK(json["tcp"]["states"]["time_wait"] == 44361);
  CHECK(json["ports"].items().at(1)["port"] == 3306);
  CHECK(json["ports"].items().at(1)["side"] == "client");
  CHECK(json["ports"].items().at(1)["closed_first"]["here"] == 14116);
  CHECK(json["ephemeral_ports"]["count"] == 28232);
  CHECK(json["unix"]["paths"].items().at(0)["waiting"] == 2);
  const std::string one_line = sockets_json(sample(), kTime, -1);
  CHECK(std::count(one_line.begin(), one_line.end(), '\n') == 1);
}

TEST_CASE("JSON stays valid with a path that is no UTF-8") {
  SocketReport report = sample();
  report.unix_paths[0].path = "/run/\xff";
  CHECK(Json::parse(sockets_json(report, kTime, 2)));
}

TEST_CASE("our own listeners and pools go by their names") {
  config::Config config;
  config.listen = {{config::Address::Kind::tcp, "0.0.0.0", 80, {}}};
  config::Pool pool;
  pool.name = "db";
  pool.address = {config::Address::Kind::tcp, "127.0.0.1", 3306, {}};
  config.pools = {pool};
  SocketReport report = sample();
  name_own_ports(config, report);
  CHECK(report.ports[0].service == "php-fpm");  // server side of 9000: not the pool's
  CHECK(report.ports[1].service == "pool db");
  CHECK(report.ports[2].service == "holdfast");
}
