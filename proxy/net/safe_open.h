// Opens a file below a root without being led where the owner of a symbolic link could not go himself: a link
// is followed only when its owner owns what it leads to, or when root owns the link (as nginx's
// disable_symlinks if_not_owner; but links met on the way of a link are judged as well). What is judged is
// what is opened: no moment lies between. The root itself may be reached through any links.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::net {

enum class LinkRule : unsigned char { owner, all };

struct SafeOpen {
  int fd = -1;
  int error = 0;              // errno, when there is no fd
  bool link_refused = false;  // the error is that a link was not followed
  // Where links led to what was opened: its names without links, "/a/b" below the root; outside of the root from
  // that on which the last link leads to ("/storage/b": what lies above is the administrator's). Else empty.
  std::string linked_path;
};

// `root` has no slash at its end, `path` no "..". Only a regular file is opened where links are in the way;
// where there are none, anything is, without waiting for a pipe's other end.
SafeOpen open_below(std::string_view root, std::string_view path, LinkRule rule);
// The same for a folder, and nothing else, to read its names.
SafeOpen open_folder_below(std::string_view root, std::string_view path, LinkRule rule);

}  // namespace holdfast::net
