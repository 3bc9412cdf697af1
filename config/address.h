// An address to listen on or to connect to.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::config {

struct Address {
  enum class Kind : std::uint8_t { tcp, unix_socket };
  Kind kind = Kind::tcp;
  std::string host;  // tcp: name or literal without brackets; listening: "0.0.0.0" for `:port`
  std::uint16_t port = 0;
  std::string path;  // unix_socket
  // Of its file, where it is listened on. No part of the address: another one takes a restart.
  std::uint32_t socket_mode = 0666;
  std::string text() const;  // as one writes it: "127.0.0.1:8080", "[::1]:80", "unix:/run/x.sock"
  bool operator==(const Address& other) const {
    return kind == other.kind && host == other.host && port == other.port && path == other.path;
  }
};

}  // namespace holdfast::config
