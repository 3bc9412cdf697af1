// See socket_owner.h. Looked up at the start and at a reload only.
#include "proxy/net/socket_owner.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>

namespace holdfast::net {

namespace {
std::optional<unsigned> number_of(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}
}  // namespace

bool SocketOwner::apply(const std::string& path) const {
  if (!user && !group) return true;
  constexpr uid_t kSameUser = static_cast<uid_t>(-1);
  constexpr gid_t kSameGroup = static_cast<gid_t>(-1);
  return ::lchown(path.c_str(), user.value_or(kSameUser), group.value_or(kSameGroup)) == 0;
}

bool find_owner(const Endpoint& endpoint, SocketOwner& owner, std::string& error) {
  if (!endpoint.owner.empty()) {
    owner.user = number_of(endpoint.owner);
    if (const passwd* const found = owner.user ? nullptr : ::getpwnam(endpoint.owner.c_str()))
      owner.user = found->pw_uid;
    if (!owner.user) {
      error = "there is no user " + endpoint.owner;
      return false;
    }
  }
  if (!endpoint.group.empty()) {
    owner.group = number_of(endpoint.group);
    if (const group* const found = owner.group ? nullptr : ::getgrnam(endpoint.group.c_str()))
      owner.group = found->gr_gid;
    if (!owner.group) {
      error = "there is no group " + endpoint.group;
      return false;
    }
  }
  return true;
}

}  // namespace holdfast::net
