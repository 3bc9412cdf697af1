// A folder for the files of a private php-fpm, of this process alone: a lock in it tells that its owner
// lives, so that what a killed process left behind is known and removed by the next. Owns the folder and the
// lock.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <string>

namespace holdfast {

class PrivateFolder {
 public:
  PrivateFolder() = default;
  ~PrivateFolder() { remove(); }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  // Makes it below `base`, for its owner only. False with a sentence in `error`.
  [[nodiscard]] bool make(const std::string& base, std::string& error);
  // For a process that will be this user from then on. False with errno.
  [[nodiscard]] bool give_to(uid_t user, gid_t group);
  const std::string& path() const { return path_; }  // empty: none
  void remove();

 private:
  bool lock();

  std::string path_;
  int lock_ = -1;
};

// Removes folders below `base` that make() has made for `user` and whose owner is gone. Returns how many.
// Of everything else it keeps its hands: other names, other owners, symbolic links, folders that others may
// write to, folders without a lock, files that are not of its kind.
int remove_left_folders(const std::string& base, uid_t user = ::geteuid());

}  // namespace holdfast
