// Makes bound, listening, non-blocking sockets and takes them down again. Blocks on a name look-up: at start
// nobody waits, and at a reload only for an address that is new and has a name.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "proxy/net/network.h"
#include "proxy/net/socket_owner.h"

namespace holdfast::net {

// What listens, and for Unix sockets the file that was made for it.
struct ListenSocket {
  int fd = -1;
  std::string unix_path;
  dev_t unix_device = 0;
  ino_t unix_inode = 0;
  SocketOwner owner = {};  // as asked for; the rest is give_to()'s
};

// How a TCP port is asked for: as a rule alone; first_try: alone, and who has it is not looked up; beside: it
// may be one that sockets of set_shared() have.
enum class Sharing : std::uint8_t { alone, first_try, beside };

// On failure fd is -1 and `error` a sentence: "127.0.0.1:80: EACCES: permission denied".
ListenSocket open_listen_socket(const Endpoint& endpoint, std::string& error,
                                Sharing sharing = Sharing::alone);

// While on, other sockets of this user that ask for it may be bound to the port. Never for long: a second
// holdfast on our port must be an error, not a rival. (Who asks to share, as we do not at a start, may still
// be let in afterwards: the kernel keeps that with the port.)
void set_shared(const ListenSocket& socket, bool on);

// To the user that root becomes: the kernel lets only sockets of one owner share a port, and in a folder such
// as /tmp only the owner removes a file.
void give_to(const ListenSocket& socket, uid_t user, gid_t group);

// Closes it, and removes its file unless somebody else's has taken the place.
void close_listen_socket(ListenSocket& socket);

}  // namespace holdfast::net
