// From the address to its socket's inode (/proc/net/tcp, tcp6, unix), from there to the process that has it
// open (/proc/PID/fd), which for processes of others only root may see.
#include "proxy/net/port_holder.h"

#include <dirent.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

namespace holdfast::net {

namespace {

struct Socket {
  std::string inode;
  std::optional<uid_t> owner;
};

// As the kernel prints it: each 32-bit word in the order of this machine.
std::string hex_words(const void* bytes, std::size_t words) {
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, static_cast<const char*>(bytes) + 4 * i, sizeof word);
    std::array<char, 9> digits{};
    std::snprintf(digits.data(), digits.size(), "%08X", static_cast<unsigned>(word));
    text += digits.data();
  }
  return text;
}

std::string hex_address(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    return hex_words(&reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr, 1);
  }
  return hex_words(&reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr, 4);
}

bool is_any(const std::string& hex) {
  return hex.find_first_not_of('0') == std::string::npos;
}

// A listener before a connection that happens to have the port.
std::optional<Socket> find_tcp(const SocketAddress& address) {
  const std::string wanted = hex_address(address);
  std::array<char, 5> port{};
  std::snprintf(port.data(), port.size(), "%04X", static_cast<unsigned>(address.port()));
  std::optional<Socket> found;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // the heading
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, queues, timer, retransmits, owner, timeout, inode;
      fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> owner >> timeout >>
          inode;
      const std::size_t colon = local.find(':');
      if (colon == std::string::npos || local.substr(colon + 1) != port.data() || inode == "0") continue;
      const std::string host = local.substr(0, colon);
      if (host != wanted && !is_any(host) && !is_any(wanted)) continue;
      Socket socket{inode, static_cast<uid_t>(std::strtoul(owner.c_str(), nullptr, 10))};
      if (state == "0A") return socket;
      found = found.value_or(socket);
    }
  }
  return found;
}

std::optional<Socket> find_unix(const std::string& path) {
  std::ifstream file("/proc/net/unix");
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string number, references, protocol, flags, type, state, inode, name;
    fields >> number >> references >> protocol >> flags >> type >> state >> inode >> std::ws;
    std::getline(fields, name);
    if (name == path && flags == "00010000") return Socket{inode, std::nullopt};  // it listens
  }
  return std::nullopt;
}

bool has_open(const std::string& process, const std::string& target) {
  const std::string folder = "/proc/" + process + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(folder.c_str()), ::closedir);
  if (list == nullptr) return false;
  std::array<char, 64> text{};
  while (const dirent* entry = ::readdir(list.get())) {
    const ssize_t length = ::readlinkat(::dirfd(list.get()), entry->d_name, text.data(), text.size());
    if (length > 0 && target == std::string_view(text.data(), static_cast<std::size_t>(length))) return true;
  }
  return false;
}

// Not by /proc/self: who was root once may not look there.
bool is_own(const std::string& inode) {
  constexpr int kDescriptorsMost = 65536;
  const int most = std::min(::getdtablesize(), kDescriptorsMost);
  for (int fd = 0; fd < most; ++fd) {
    struct stat status {};
    if (::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) && std::to_string(status.st_ino) == inode)
      return true;
  }
  return false;
}

std::string name_of_process(const std::string& process) {
  std::ifstream file("/proc/" + process + "/comm");
  std::string name(std::istreambuf_iterator<char>(file), {});
  if (name.ends_with('\n')) name.pop_back();  // others may be its own
  for (char& c : name) {
    if (c < 0x20 || c >= 0x7f) c = '?';
  }
  return name.empty() ? "a process" : name;
}

std::string holder_of(const Socket& socket) {
  const std::string target = "socket:[" + socket.inode + "]";
  if (is_own(socket.inode)) return "this holdfast itself";
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir("/proc"), ::closedir);
  while (const dirent* entry = list == nullptr ? nullptr : ::readdir(list.get())) {
    const std::string process = entry->d_name;
    if (process.find_first_not_of("0123456789") != std::string::npos || !has_open(process, target)) continue;
    return name_of_process(process) + " (pid " + process + ")";
  }
  if (!socket.owner) return "one that this user may not see";
  const passwd* owner = ::getpwuid(*socket.owner);
  return "a process of user " + (owner != nullptr ? owner->pw_name : std::to_string(*socket.owner));
}

}  // namespace

std::string holder_of_port(const SocketAddress& address) {
  const std::optional<Socket> socket = find_tcp(address);
  return socket ? holder_of(*socket) : std::string();
}

std::string holder_of_path(const std::string& unix_path) {
  const std::optional<Socket> socket = find_unix(unix_path);
  return socket ? holder_of(*socket) : std::string();
}

}  // namespace holdfast::net
