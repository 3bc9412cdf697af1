// Makes bound, listening, non-blocking sockets and takes them down again. No event loop: at start there is
// none, and blocking on a name look-up is fine then.
#pragma once

#include <sys/types.h>

#include <string>

#include "proxy/net/network.h"

namespace holdfast::net {

// What listens, and for Unix sockets the file that was made for it.
struct ListenSocket {
  int fd = -1;
  std::string unix_path;
  dev_t unix_device = 0;
  ino_t unix_inode = 0;
};

// On failure fd is -1 and `error` a sentence: "127.0.0.1:80: EACCES: permission denied".
ListenSocket open_listen_socket(const Endpoint& endpoint, std::string& error);

// Closes it, and removes its file unless somebody else's has taken the place.
void close_listen_socket(ListenSocket& socket);

}  // namespace holdfast::net
