// The life of a folder:  mkdtemp -> lock file made -> locked -> (files) -> files and folder removed
//                                                    '-- the kernel lets go of it, however its owner ends
// One that looks for leftovers may take the lock of a folder that is just being made: its maker sees that,
// and makes another.
#include "proxy/fpm/private_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "config/descriptor.h"

namespace holdfast {

namespace {

using config::Descriptor;

constexpr std::string_view kPrefix = "holdfast-php-";
constexpr std::size_t kRandomBytes = 6;  // of mkdtemp(3)
constexpr const char* kLock = "lock";
// All that private_fpm.cpp and php-fpm put there. The lock is removed last.
constexpr std::array<const char*, 5> kFiles = {"php-fpm.sock", "php-fpm.conf", "php-fpm.log", "php-fpm.out",
                                               kLock};
constexpr int kTriesMost = 10;

bool is_ours(std::string_view name) {
  return name.size() == kPrefix.size() + kRandomBytes && name.starts_with(kPrefix);
}

bool remove_at(int base, const char* name, int folder) {
  for (const char* file : kFiles) ::unlinkat(folder, file, 0);
  return ::unlinkat(base, name, AT_REMOVEDIR) == 0;  // not when there is anything else in it
}

bool remove_if_left(int base, const char* name, uid_t user) {
  const Descriptor folder(::openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!folder || ::fstat(folder.get(), &status) != 0) return false;
  if (status.st_uid != user || (status.st_mode & 077) != 0) return false;
  const Descriptor lock(::openat(folder.get(), kLock, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!lock || ::fstat(lock.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return false;  // its owner lives
  return remove_at(base, name, folder.get());
}

}  // namespace

bool PrivateFolder::make(const std::string& base, std::string& error) {
  for (int tries = 0; tries < kTriesMost; ++tries) {
    std::string folder = base + "/" + std::string(kPrefix) + std::string(kRandomBytes, 'X');
    if (::mkdtemp(folder.data()) == nullptr) break;
    path_ = folder;
    if (lock()) return true;
    const int code = errno;
    remove();
    errno = code;
    if (code != EWOULDBLOCK && code != ENOENT) break;
  }
  error = "cannot make a folder for php-fpm in " + base + ": " + std::strerror(errno);
  return false;
}

// False with errno; EWOULDBLOCK or ENOENT when it was taken for a leftover.
bool PrivateFolder::lock() {
  lock_ = ::open((path_ + "/" + kLock).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) return false;
  struct stat status {};
  if (::fstat(lock_, &status) != 0) return false;
  if (status.st_nlink > 0) return true;
  errno = ENOENT;
  return false;
}

bool PrivateFolder::give_to(uid_t user, gid_t group) {
  const Descriptor folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return folder && ::fchown(lock_, user, group) == 0 && ::fchown(folder.get(), user, group) == 0;
}

void PrivateFolder::remove() {
  if (path_.empty()) return;
  const Descriptor folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder) remove_at(AT_FDCWD, path_.c_str(), folder.get());
  if (lock_ >= 0) ::close(lock_);
  lock_ = -1;
  path_.clear();
}

int remove_left_folders(const std::string& base, uid_t user) {
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(base.c_str()), ::closedir);
  if (list == nullptr) return 0;
  int removed = 0;
  while (const dirent* entry = ::readdir(list.get())) {
    if (is_ours(entry->d_name) && remove_if_left(::dirfd(list.get()), entry->d_name, user)) ++removed;
  }
  return removed;
}

}  // namespace holdfast
