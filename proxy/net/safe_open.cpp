// See safe_open.h. One openat2(2) where no link is in the way; else a walk, name by name, each opened before
// it is looked at.
#include "proxy/net/safe_open.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

namespace holdfast::net {

namespace {

// O_NONBLOCK: a named pipe without a writer would hold the loop; regular files do not heed it.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr int kLookFlags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
// As the kernel's own limit (MAXSYMLINKS).
constexpr int kLinksMax = 40;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int open_without_links(int folder, const char* path, unsigned long long more) {
  open_how how{};
  how.flags = kOpenFlags;
  how.resolve = RESOLVE_NO_SYMLINKS | more;
  return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how));
}

// ELOOP: a link is in the way. The others: a kernel before 5.6, or a container's filter that does not know
// the call.
bool must_walk(int code) {
  return code == ELOOP || code == ENOSYS || code == EPERM;
}

class Walk {
 public:
  explicit Walk(Descriptor root) : at_(std::move(root)) {}

  SafeOpen run(std::string_view path) {
    push(std::string(path));
    SafeOpen result;
    result.error = step_through();
    if (result.error != 0) {
      result.link_refused = link_refused_;
      return result;
    }
    result.fd = open_last(result.error);
    if (links_ > 0) result.linked_name = std::move(last_name_);
    return result;
  }

 private:
  // What is still to do, the next at the end: names to go through, and behind a link's names the owner that
  // must own what they have led to.
  struct Step {
    std::string name;  // empty: check the owner
    uid_t owner = 0;
  };

  void push(const std::string& path) {
    std::size_t end = path.size();
    while (end > 0) {  // from the right: the first name ends up on top
      const std::size_t slash = path.rfind('/', end - 1);
      const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
      if (begin < end) steps_.push_back({.name = path.substr(begin, end - begin)});
      if (begin == 0) break;
      end = begin - 1;
    }
  }

  // 0, or the errno.
  int step_through() {
    if (::fstat(at_.get(), &status_) != 0) return errno;
    while (!steps_.empty()) {
      const Step step = std::move(steps_.back());
      steps_.pop_back();
      const int error = step.name.empty() ? check_owner(step.owner) : enter(step.name);
      if (error != 0) return error;
    }
    return 0;
  }

  int check_owner(uid_t owner) {
    if (status_.st_uid == owner) return 0;
    link_refused_ = true;
    return EACCES;
  }

  int enter(const std::string& name) {
    if (!S_ISDIR(status_.st_mode)) return ENOTDIR;
    Descriptor next(::openat(at_.get(), name.c_str(), kLookFlags));
    struct stat status {};
    if (next.get() < 0 || ::fstat(next.get(), &status) != 0) return errno;
    if (S_ISLNK(status.st_mode)) return follow(next.get(), status.st_uid);
    if (S_ISDIR(status.st_mode)) {
      at_ = std::move(next);
    } else {
      last_name_ = name;  // at_ stays its folder; nothing but checks may follow
    }
    status_ = status;
    return 0;
  }

  int follow(int link, uid_t owner) {
    if (++links_ > kLinksMax) return ELOOP;
    std::array<char, PATH_MAX> text;  // NOLINT: filled by the call
    const ssize_t size = ::readlinkat(link, "", text.data(), text.size());
    if (size <= 0) return size == 0 ? ENOENT : errno;
    if (static_cast<std::size_t>(size) == text.size()) return ENAMETOOLONG;
    const std::string target(text.data(), static_cast<std::size_t>(size));
    if (owner != 0) steps_.push_back({.name = {}, .owner = owner});
    push(target);
    if (!target.starts_with('/')) return 0;
    at_ = Descriptor(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return at_.get() < 0 || ::fstat(at_.get(), &status_) != 0 ? errno : 0;
  }

  // The file that was judged, for reading. -1 and `error` also when another has taken its name since.
  int open_last(int& error) {
    error = EACCES;
    if (S_ISDIR(status_.st_mode)) {
      error = EISDIR;
      return -1;
    }
    if (!S_ISREG(status_.st_mode)) {
      error = ENXIO;
      return -1;
    }
    Descriptor file(::openat(at_.get(), last_name_.c_str(), kOpenFlags | O_NOFOLLOW));
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
      error = errno;
      return -1;
    }
    if (status.st_dev != status_.st_dev || status.st_ino != status_.st_ino) return -1;
    error = 0;
    return file.release();
  }

  Descriptor at_;          // the folder we are in
  struct stat status_ {};  // of what the steps so far have led to: at_, or last_name_ in it
  std::string last_name_;
  std::vector<Step> steps_;
  int links_ = 0;
  bool link_refused_ = false;
};

SafeOpen opened(int fd) {
  SafeOpen result;
  result.fd = fd;
  if (fd < 0) result.error = errno;
  return result;
}

}  // namespace

SafeOpen open_below(std::string_view root, std::string_view path, LinkRule rule) {
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string whole;
  whole.reserve(root.size() + path.size() + 1);
  whole.append(root).append("/").append(path);
  if (rule == LinkRule::all) return opened(::open(whole.c_str(), kOpenFlags));
  SafeOpen result = opened(open_without_links(AT_FDCWD, whole.c_str(), 0));
  if (result.fd >= 0 || !must_walk(result.error)) return result;

  // Links in the root's own path are the administrator's.
  const std::string root_path = root.empty() ? "/" : std::string(root);
  Descriptor folder(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return opened(-1);
  if (result.error == ELOOP && !path.empty()) {
    const std::string below(path);
    result = opened(open_without_links(folder.get(), below.c_str(), RESOLVE_BENEATH));
    if (result.fd >= 0 || !must_walk(result.error)) return result;
  }
  return Walk(std::move(folder)).run(path);
}

}  // namespace holdfast::net
