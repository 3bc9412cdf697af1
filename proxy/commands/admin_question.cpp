// See admin_question.h.
#include "proxy/commands/admin_question.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proxy/core/log_text.h"
#include "proxy/posix/blocking_connect.h"

namespace holdfast {

namespace {

constexpr std::size_t kLineShown = 100;  // characters of an answer that is none of ours

AdminTrouble cannot_connect(const posix::ConnectFailure& failure) {
  AdminTrouble trouble;
  trouble.what = failure.text;
  if (failure.number == EACCES) trouble.remedy = "ask as root, or as a user who may write to this socket";
  return trouble;
}

int connect_to(const config::Address& address, std::chrono::milliseconds limit, AdminTrouble& trouble) {
  posix::ConnectFailure failure;
  const int fd = posix::connect_within(address, limit, failure);
  if (fd < 0 && failure.name_unknown) {
    trouble = {failure.text, "is the name right?"};
  } else if (fd < 0) {
    trouble = cannot_connect(failure);
  }
  return fd;
}

}  // namespace

std::optional<std::string> ask_admin(const config::Address& address, const std::string& path,
                                     std::chrono::milliseconds limit, AdminTrouble& trouble) {
  const int fd = connect_to(address, limit, trouble);
  if (fd < 0) return std::nullopt;
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::string answer;
  bool in_time = true;
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[16384];
    ssize_t bytes = 1;
    while (in_time && bytes > 0) {
      in_time = posix::wait_for(fd, POLLIN, deadline) != posix::Waited::timeout;
      if (in_time && (bytes = ::recv(fd, buffer, sizeof(buffer), 0)) > 0)
        answer.append(buffer, static_cast<std::size_t>(bytes));
    }
  }
  ::close(fd);
  const std::size_t body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200 ") || body == std::string::npos) {
    const std::string line =
        core::escape_for_log(answer.substr(0, std::min(answer.find("\r\n"), kLineShown)));
    if (answer.empty())
      trouble = {in_time
                     ? std::string("closes the connection without an answer")
                     : "no answer within " +
                           std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limit).count()) +
                           " s",
                 "does something else listen there, or is the process stopped?"};
    else
      trouble = {"answers " + line, "this is not the admin endpoint of Holdfast: see its `admin.listen`"};
    return std::nullopt;
  }
  return answer.substr(body + 4);
}

}  // namespace holdfast
