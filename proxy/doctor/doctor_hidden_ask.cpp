// Asks the running server for hidden files, one connection each, as a client that wants their first bytes.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/doctor/doctor_hidden.h"
#include "proxy/posix/blocking_connect.h"

namespace holdfast {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kCompareBytes = 512;       // of a file and of the answer's body
constexpr std::size_t kAnswerBytesMost = 65536;  // read of an answer

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string percent_encoded(std::string_view path) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "/-._~!$&'()*+,;=:@";
  std::string out;
  for (const char c : path) {
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHexDigits[static_cast<unsigned char>(c) >> 4];
      out += kHexDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

// Where we reach what listens on `address`; nothing: its port is not known.
std::optional<config::Address> reached_at(config::Address address) {
  if (address.kind == config::Address::Kind::tcp && address.port == 0) return std::nullopt;
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return address;
}

// The answer up to its first bytes of body; empty where none came in time.
std::string answer_to(int fd, const std::string& request, Clock::time_point deadline) {
  for (std::size_t sent = 0; sent < request.size();) {
    const ssize_t n = ::send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<std::size_t>(n);
    } else if ((errno != EAGAIN && errno != EINTR) ||
               posix::wait_for(fd, POLLOUT, deadline) != posix::Waited::ready) {
      return {};
    }
  }
  std::string answer;
  std::string buffer(16384, '\0');
  while (answer.size() < kAnswerBytesMost) {
    const std::size_t body = answer.find("\r\n\r\n");
    if (body != std::string::npos && answer.size() >= body + 4 + kCompareBytes) break;
    if (posix::wait_for(fd, POLLIN, deadline) != posix::Waited::ready) break;
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) break;
    answer.append(buffer, 0, static_cast<std::size_t>(n));
  }
  return answer;
}

std::string first_bytes(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes(kCompareBytes, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

// "HTTP/1.1 404 ...": 404; 0: this is no HTTP.
int status_in(std::string_view answer) {
  if (!answer.starts_with("HTTP/1.") || answer.size() < 12) return 0;
  int status = 0;
  for (const char c : answer.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

// 200 with the bytes of a file that we may not read ourselves counts as its content.
bool is_content(std::string_view answer, int status, const std::string& file) {
  const std::size_t end = answer.find("\r\n\r\n");
  if ((status != 200 && status != 206) || end == std::string_view::npos) return false;
  const std::string wanted = first_bytes(file);
  return answer.substr(end + 4).starts_with(wanted);
}

// Stops at the first question without an answer: the others would wait as long.
void ask_for_files(const config::Address& where, HiddenFacts& facts, std::chrono::milliseconds limit) {
  for (HiddenFile& file : facts.files) {
    const bool may_ask =
        file.decision == HiddenFile::Decision::refused || file.decision == HiddenFile::Decision::sent;
    if (!may_ask) continue;
    posix::ConnectFailure failure;
    const Connection connection(posix::connect_within(where, limit, failure));
    if (connection.fd() < 0) {
      facts.no_answer = where.text() + ": " + failure.text;
      return;
    }
    const std::string answer =
        answer_to(connection.fd(),
                  "GET " + percent_encoded(facts.url_path + file.path) + " HTTP/1.1\r\nHost: " + facts.host +
                      "\r\nUser-Agent: holdfast-doctor\r\nX-Forwarded-Proto: https"
                      "\r\nRange: bytes=0-511\r\nConnection: close\r\n\r\n",
                  Clock::now() + limit);
    file.status = status_in(answer);
    if (file.status == 0) {
      facts.no_answer = where.text() + " does not answer in HTTP";
      return;
    }
    file.readable = is_content(answer, file.status, facts.root + file.path);
    facts.address = where.text();
  }
}

}  // namespace

void ask_for_hidden_files(std::vector<HiddenFacts>& sites, std::chrono::milliseconds limit) {
  for (HiddenFacts& site : sites) {
    std::optional<config::Address> where;
    for (const config::Address& each : site.listening) {
      if (!where) where = reached_at(each);
    }
    if (where)
      ask_for_files(*where, site, limit);
    else
      site.no_answer = "its port is not known";
  }
}

}  // namespace holdfast
