// The table of `holdfast sockets`; CSV and JSON are in sockets_view_data.cpp.
#include "proxy/commands/sockets_view.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "config/pool.h"

namespace holdfast {

namespace {

using net::PortRow;
using net::Side;
using net::SocketCounts;
using net::SocketReport;
using net::TcpState;
using net::UnixRow;

constexpr std::size_t kWidth = 80;
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kReset = "\x1b[0m";

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string right(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

// Cut to the width where it is longer; bytes that a terminal would obey are replaced (paths come from
// outside).
std::string left(std::string_view text, std::size_t width) {
  std::string out;
  for (const char c : text.substr(0, width))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (text.size() > width && width > 1) out[width - 1] = '~';
  return out + std::string(width - out.size(), ' ');
}

class Painter {
 public:
  explicit Painter(bool color) : color_(color) {}
  std::string operator()(std::string_view code, const std::string& text) const {
    return color_ ? std::string(code) + text + std::string(kReset) : text;
  }

 private:
  bool color_;
};

// Colours what deserves a look: TIME_WAIT is worth a glance, CLOSE_WAIT is a program that forgets to close.
std::string_view state_color(TcpState state) {
  switch (state) {
    case TcpState::time_wait:
    case TcpState::syn_sent:
    case TcpState::syn_recv: return kYellow;
    case TcpState::close_wait: return kRed;
    case TcpState::established:
    case TcpState::listen:
    case TcpState::fin_wait1:
    case TcpState::fin_wait2:
    case TcpState::close:
    case TcpState::last_ack:
    case TcpState::closing: break;
  }
  return kReset;
}

std::string number_cell(std::uint32_t count, std::size_t width, std::string_view color,
                        const Painter& paint) {
  const std::string text = right(with_commas(count), width);
  if (count == 0) return paint(kDim, text);
  return color == kReset ? text : paint(color, text);
}

std::vector<std::string> state_lines(const SocketReport& report, const Painter& paint) {
  constexpr std::size_t kBarWidth = 46;
  std::vector<TcpState> states(net::kAllTcpStates.begin(), net::kAllTcpStates.end());
  std::stable_sort(states.begin(), states.end(),
                   [&report](TcpState a, TcpState b) { return report.total[a] > report.total[b]; });
  const std::uint32_t largest = report.total[states.front()];
  std::vector<std::string> lines;
  for (const TcpState state : states) {
    const std::uint32_t count = report.total[state];
    if (count == 0) break;
    // One mark at least: few is not none.
    const auto bar = static_cast<std::size_t>(std::uint64_t{count} * (kBarWidth - 1) / largest) + 1;
    const std::string line = "  " + left(state_name(state), 12) + right(with_commas(count), 10) + "  ";
    lines.push_back(line + paint(state_color(state), std::string(bar, '#')));
  }
  if (lines.empty()) lines.emplace_back("  none");
  return lines;
}

std::string port_line(const std::string& port, std::string_view service, std::string_view side,
                      const SocketCounts& counts, const Painter& paint) {
  const std::uint32_t syn = counts[TcpState::syn_sent] + counts[TcpState::syn_recv];
  const std::uint32_t fin = counts.closed_here_first() - counts[TcpState::time_wait];
  return right(port, 7) + "  " + left(service, 15) + left(side, 7) + right(with_commas(counts.total()), 8) +
         number_cell(counts[TcpState::established], 8, kReset, paint) + number_cell(syn, 6, kYellow, paint) +
         number_cell(fin, 6, kReset, paint) + number_cell(counts[TcpState::time_wait], 10, kYellow, paint) +
         number_cell(counts.closed_there_first(), 11, kRed, paint);
}

std::vector<std::string> port_lines(const SocketReport& report, std::size_t rows_max, const Painter& paint) {
  std::vector<std::string> lines;
  SocketCounts others;
  std::size_t more = 0;
  for (const PortRow& row : report.ports) {
    if (lines.size() >= rows_max) {
      others.add(row.counts);
      ++more;
      continue;
    }
    const bool known = row.port != 0;
    lines.push_back(port_line(known ? std::to_string(row.port) : "-", known ? row.service : "(no service)",
                              side_name(row.side), row.counts, paint));
  }
  if (more > 0) lines.push_back(port_line("...", std::to_string(more) + " more", "", others, paint));
  return lines;
}

std::vector<std::string> unix_lines(const SocketReport& report, std::size_t rows_max, const Painter& paint) {
  std::vector<std::string> lines;
  std::size_t more = 0;
  for (const UnixRow& row : report.unix_paths) {
    if (lines.size() >= rows_max) {
      ++more;
      continue;
    }
    const std::string backlog = row.backlog_max == 0 ? "-" : with_commas(row.backlog_max);
    lines.push_back("  " + left(row.path, 45) + right(with_commas(row.connected), 11) +
                    number_cell(row.waiting, 10, kYellow, paint) + right(backlog, 10));
  }
  if (more > 0) lines.push_back("  ... " + std::to_string(more) + " more");
  return lines;
}

// What TIME_WAIT means depends on the side: said only where there are any.
std::vector<std::string> notes(const SocketReport& report) {
  std::uint32_t server = 0;
  std::uint32_t client = 0;
  std::uint32_t busiest = 0;  // to one port: local ports are counted per destination
  for (const PortRow& row : report.ports) {
    const std::uint32_t waiting = row.counts[TcpState::time_wait];
    (row.side == Side::server ? server : client) += waiting;
    if (row.side == Side::client) busiest = std::max(busiest, waiting);
  }
  std::vector<std::string> lines;
  if (server > 0) {
    lines.push_back("  server TIME_WAIT " + with_commas(server) +
                    ": the service closed first; costs memory, no port");
  }
  if (client > 0 && report.ephemeral.size() > 0) {
    const std::uint64_t percent = std::uint64_t{busiest} * 100 / report.ephemeral.size();
    lines.push_back("  client TIME_WAIT " + with_commas(client) +
                    ": this end closed first; each holds one of " + with_commas(report.ephemeral.size()) +
                    " ports");
    lines.push_back("    for 60 s (" + std::to_string(percent) + " % of them to the busiest port)");
  }
  return lines;
}

// Rows that each of the two tables may have so that all fits the screen.
std::size_t fit_rows(const SocketReport& report, const TableStyle& style, std::size_t fixed_lines) {
  if (style.lines_max == 0) return style.ports_max;
  const std::size_t left_over = style.lines_max > fixed_lines ? style.lines_max - fixed_lines : 0;
  const std::size_t tables = report.unix_paths.empty() ? 1 : 2;
  return std::max<std::size_t>(1, std::min(style.ports_max, left_over / tables));
}

}  // namespace

std::string sockets_table(const SocketReport& report, const std::string& time, const TableStyle& style) {
  const Painter paint(style.color);
  const std::string title = "TCP sockets: " + with_commas(report.total.total());
  const std::string source = std::string(report.source) + "  " + time;
  std::vector<std::string> lines;
  lines.push_back(paint(kBold, title) + paint(kDim, right(source, kWidth - title.size())));
  for (std::string& line : state_lines(report, paint)) lines.push_back(std::move(line));
  const std::vector<std::string> remarks = notes(report);
  // Blank lines, headings and the two "... more" lines take ten at most.
  const std::size_t rows_max = fit_rows(report, style, lines.size() + remarks.size() + 10);

  lines.emplace_back();
  lines.push_back(
      paint(kBold, "   PORT  SERVICE        SIDE      TOTAL    OPEN   SYN   FIN TIME_WAIT CLOSE_WAIT"));
  for (std::string& line : port_lines(report, rows_max, paint)) lines.push_back(std::move(line));
  if (!remarks.empty()) lines.emplace_back();
  lines.insert(lines.end(), remarks.begin(), remarks.end());
  lines.emplace_back();
  lines.push_back(paint(kBold, "Unix stream sockets: " + with_commas(report.unix_total)) + ", " +
                  with_commas(report.unix_connected) + " connected, " + with_commas(report.unix_listening) +
                  " listening");
  if (!report.unix_paths.empty()) {
    lines.push_back(paint(kBold, "  " + left("PATH", 45) + "  CONNECTED   WAITING   BACKLOG"));
    for (std::string& line : unix_lines(report, rows_max, paint)) lines.push_back(std::move(line));
  }
  if (report.malformed_lines > 0) {
    lines.push_back("Lines of /proc/net that could not be read: " + with_commas(report.malformed_lines));
  }
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

void name_own_ports(const config::Config& config, SocketReport& report) {
  const auto name = [&report](const config::Address& address, Side side, const std::string& text) {
    for (PortRow& row : report.ports) {
      const bool ours =
          address.kind == config::Address::Kind::tcp && row.port == address.port && row.side == side;
      if (ours) row.service = text;
    }
  };
  for (const config::Pool& pool : config.pools) name(pool.address, Side::client, "pool " + pool.name);
  for (const config::Address& address : config.listen) name(address, Side::server, "holdfast");
  for (const config::FastcgiListener& each : config.fastcgi)
    name(each.address, Side::server, "holdfast FastCGI");
  if (config.admin) name(*config.admin, Side::server, "holdfast admin");
}

}  // namespace holdfast
