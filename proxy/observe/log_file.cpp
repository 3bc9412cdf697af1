// The path is walked from folder to folder by descriptors: between a look at a name and its use nobody can
// put another thing in its place.
#include "proxy/observe/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast {

namespace {

// O_NONBLOCK: a FIFO that nobody reads is an error, not a wait.
constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
constexpr mode_t kMode = 0644;
constexpr int kLinksMost = 40;  // as the kernel's own (path_resolution(7))

class Folder {
 public:
  explicit Folder(int fd) : fd_(fd) {}
  ~Folder() {
    if (fd_ >= 0) ::close(fd_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void become(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }
  int release() { return std::exchange(fd_, -1); }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason() {
  return std::strerror(errno);
}

// The target of the link that `fd` (O_PATH) is. False with `error` when it is not one to follow.
bool read_link(int fd, const struct stat& link, const std::string& name, std::string& target,
               std::string& error) {
  if (link.st_uid != 0) {
    error = "the folder " + name + " in it is a link that user " + std::to_string(link.st_uid) +
            " has made; root follows only its own";
    return false;
  }
  std::array<char, 4096> text{};
  const ssize_t length = ::readlinkat(fd, "", text.data(), text.size());
  if (length <= 0 || static_cast<std::size_t>(length) == text.size()) {
    error = "the link " + name + " cannot be read";
    return false;
  }
  target.assign(text.data(), static_cast<std::size_t>(length));
  return true;
}

// Goes to the folder of the last part of `path`, which is left in `path`.
bool walk(Folder& folder, std::string& path, std::string& error) {
  for (int links = 0;;) {
    path.erase(0, path.find_first_not_of('/'));
    const std::size_t slash = path.find('/');
    if (slash == std::string::npos) return true;
    const std::string name = path.substr(0, slash);
    Folder next(::openat(folder.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (next.get() < 0 || ::fstat(next.get(), &status) != 0) {
      error = reason();
      return false;
    }
    if (!S_ISLNK(status.st_mode)) {
      folder.become(next.release());
      path.erase(0, slash);
      continue;
    }
    std::string target;
    if (!read_link(next.get(), status, name, target, error)) return false;
    if (++links > kLinksMost) {
      error = std::strerror(ELOOP);
      return false;
    }
    if (target[0] == '/') folder.become(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    path = target.append(path, slash);
  }
}

// Below `folder` (or AT_FDCWD).
LogFile open_at(int folder, const std::string& path, int flags, std::string& error) {
  LogFile file;
  file.fd = ::openat(folder, path.c_str(), flags, kMode);
  if (file.fd < 0 && errno == ENOENT) {
    file.fd = ::openat(folder, path.c_str(), flags | O_CREAT | O_EXCL, kMode);
    file.made = file.fd >= 0;
    // Somebody else was faster, or it is a link that leads to nothing.
    if (file.fd < 0 && errno == EEXIST) file.fd = ::openat(folder, path.c_str(), flags | O_CREAT, kMode);
  }
  if (file.fd >= 0) return file;
  file.error_code = errno;
  error = reason();
  if (file.error_code == ENXIO)  // open(2) of a pipe or a socket, for writing, without waiting
    error = "it is a pipe that nobody reads, or a socket: start its reader first, or name a file";
  return file;
}

bool others_may_link(int folder) {
  struct stat status {};
  return ::fstat(folder, &status) != 0 || status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

bool has_other_names(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) != 0 || (S_ISREG(status.st_mode) && status.st_nlink > 1);
}

LogFile open_as_root(std::string path, std::string& error) {
  Folder folder(::open(path.starts_with('/') ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!walk(folder, path, error)) return {};
  LogFile file = open_at(folder.get(), path, kFlags | O_NOFOLLOW, error);
  if (file.error_code == ELOOP)
    error = "it is a link, and root does not write through links: name the file itself";
  if (file.fd >= 0 && others_may_link(folder.get()) && has_other_names(file.fd)) {
    ::close(file.fd);
    file = {.error_code = EMLINK};
    error =
        "it has another name (a hard link), and others than root may write to its folder: it may be any "
        "file; "
        "remove it, or move the log to a folder of root's";
  }
  return file;
}

}  // namespace

LogFile open_log_file(const std::string& path, std::string& error) {
  if (::geteuid() == 0) return open_as_root(path, error);
  LogFile file = open_at(AT_FDCWD, path, kFlags, error);
  if (file.error_code == EACCES)
    error += ": it must be writable for user " + std::to_string(::geteuid()) + ", or its folder";
  return file;
}

bool is_same_file(int fd, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

bool is_same_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

bool ends_within_line(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return false;
  const int reading = ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC);
  if (reading < 0) return false;
  char last = '\n';
  const bool read = ::pread(reading, &last, 1, status.st_size - 1) == 1;
  ::close(reading);
  return read && last != '\n';
}

}  // namespace holdfast
