// See safe_open.h. One openat2(2) where no link is in the way; else a walk, name by name, each opened before
// it is looked at.
#include "proxy/net/safe_open.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>
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

enum class Wanted : unsigned char { file, folder };

int flags_for(Wanted wanted) {
  return wanted == Wanted::folder ? kOpenFlags | O_DIRECTORY : kOpenFlags;
}

int open_without_links(int folder, const char* path, Wanted wanted, unsigned long long more) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags_for(wanted));
  how.resolve = RESOLVE_NO_SYMLINKS | more;
  return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how));
}

// ELOOP: a link is in the way. The others: a kernel before 5.6, or a container's filter that does not know
// the call.
bool must_walk(int code) {
  return code == ELOOP || code == ENOSYS || code == EPERM;
}

bool same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

class Walk {
 public:
  Walk(Descriptor root, LinkRule rule, Wanted wanted) : at_(std::move(root)), rule_(rule), wanted_(wanted) {}

  SafeOpen run(std::string_view path) {
    push(std::string(path));
    SafeOpen result;
    result.error = step_through();
    if (result.error != 0) {
      result.link_refused = link_refused_;
      return result;
    }
    result.fd = open_last(result.error);
    if (links_ > 0) {
      for (const std::string& name : names_) result.linked_path.append("/").append(name);
      if (names_.empty()) result.linked_path.push_back('/');
    }
    return result;
  }

 private:
  // What is still to do, the next at the end: names to go through, and behind a link's names its own end.
  struct Step {
    std::string name;  // empty: a link's end
    uid_t owner = 0;   // of the link
  };
  // A link whose end has not come: where in names_ the names of its text begin, and where those of what the first
  // link in that text led to. Outside of the root what lies before these is left out at its end.
  struct OpenLink {
    std::size_t begin = 0;
    std::optional<std::size_t> inner;
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
    root_ = status_;
    while (!steps_.empty()) {
      const Step step = std::move(steps_.back());
      steps_.pop_back();
      const int error = step.name.empty() ? end_link(step) : enter(step.name);
      if (error != 0) return error;
    }
    return 0;
  }

  int end_link(const Step& link) {
    if (rule_ == LinkRule::owner && link.owner != 0 && status_.st_uid != link.owner) {
      link_refused_ = true;
      return EACCES;
    }
    const OpenLink ended = open_links_.back();
    open_links_.pop_back();
    if (!open_links_.empty() && !open_links_.back().inner) open_links_.back().inner = ended.begin;
    if (outside_ && !names_.empty()) {
      const auto at = [this](std::size_t index) {
        return names_.begin() + static_cast<std::ptrdiff_t>(index);
      };
      names_.erase(at(ended.begin), at(std::max(ended.begin, ended.inner.value_or(names_.size() - 1))));
    }
    return 0;
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
    note_name(name);
    return 0;
  }

  // Of what status_ is of.
  void note_name(const std::string& name) {
    if (same(status_, root_)) {
      cut_names(0);
      outside_ = false;
    } else if (name == "..") {
      outside_ = outside_ || names_.empty();
      if (!names_.empty()) cut_names(names_.size() - 1);
    } else if (name != ".") {
      names_.push_back(name);
    }
  }

  void cut_names(std::size_t count) {
    names_.resize(count);
    for (OpenLink& link : open_links_) {
      link.begin = std::min(link.begin, count);
      if (link.inner) link.inner = std::min(*link.inner, count);
    }
  }

  int follow(int link, uid_t owner) {
    if (++links_ > kLinksMax) return ELOOP;
    std::array<char, PATH_MAX> text;  // NOLINT: filled by the call
    const ssize_t size = ::readlinkat(link, "", text.data(), text.size());
    if (size <= 0) return size == 0 ? ENOENT : errno;
    if (static_cast<std::size_t>(size) == text.size()) return ENAMETOOLONG;
    const std::string target(text.data(), static_cast<std::size_t>(size));
    steps_.push_back({.name = {}, .owner = owner});
    push(target);
    open_links_.push_back({.begin = names_.size(), .inner = {}});
    if (!target.starts_with('/')) return 0;
    at_ = Descriptor(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (at_.get() < 0 || ::fstat(at_.get(), &status_) != 0) return errno;
    cut_names(0);
    outside_ = !same(status_, root_);
    return 0;
  }

  // What was judged, for reading. -1 and `error` also when another has taken its name since.
  int open_last(int& error) {
    error = EACCES;
    const bool folder = S_ISDIR(status_.st_mode);
    if (folder != (wanted_ == Wanted::folder)) {
      error = folder ? EISDIR : ENOTDIR;
      return -1;
    }
    if (!folder && !S_ISREG(status_.st_mode)) {
      error = ENXIO;
      return -1;
    }
    Descriptor file(::openat(at_.get(), folder ? "." : last_name_.c_str(), flags_for(wanted_) | O_NOFOLLOW));
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
      error = errno;
      return -1;
    }
    if (!same(status, status_)) return -1;
    error = 0;
    return file.release();
  }

  Descriptor at_;  // the folder we are in
  LinkRule rule_;
  Wanted wanted_;
  struct stat root_ {};
  struct stat status_ {};  // of what the steps so far have led to: at_, or last_name_ in it
  std::string last_name_;
  std::vector<std::string> names_;  // see SafeOpen::linked_path
  bool outside_ = false;            // of the root
  std::vector<Step> steps_;
  std::vector<OpenLink> open_links_;
  int links_ = 0;
  bool link_refused_ = false;
};

SafeOpen opened(int fd) {
  SafeOpen result;
  result.fd = fd;
  if (fd < 0) result.error = errno;
  return result;
}

SafeOpen open_safely(std::string_view root, std::string_view path, LinkRule rule, Wanted wanted) {
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string whole;
  whole.reserve(root.size() + path.size() + 1);
  whole.append(root).append("/").append(path);
  SafeOpen result = opened(open_without_links(AT_FDCWD, whole.c_str(), wanted, 0));
  if (result.fd >= 0 || !must_walk(result.error)) return result;

  // Links in the root's own path are the administrator's.
  const std::string root_path = root.empty() ? "/" : std::string(root);
  Descriptor folder(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return opened(-1);
  if (result.error == ELOOP && !path.empty()) {
    const std::string below(path);
    result = opened(open_without_links(folder.get(), below.c_str(), wanted, RESOLVE_BENEATH));
    if (result.fd >= 0 || !must_walk(result.error)) return result;
  }
  return Walk(std::move(folder), rule, wanted).run(path);
}

}  // namespace

SafeOpen open_below(std::string_view root, std::string_view path, LinkRule rule) {
  return open_safely(root, path, rule, Wanted::file);
}

SafeOpen open_folder_below(std::string_view root, std::string_view path, LinkRule rule) {
  return open_safely(root, path, rule, Wanted::folder);
}

}  // namespace holdfast::net
