// The file never has a name that a crash could leave behind: O_TMPFILE, or mkstemp and unlink at once where
// the file system has no O_TMPFILE (overlayfs before Linux 6.4, NFS).
#include "proxy/net/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "proxy/net/stream.h"

namespace holdfast::net {

namespace {

// Blocks are given back in steps: punching a hole is a journal transaction, and blocks are 4 KiB or more.
constexpr std::uint64_t kPunchStep = 1024 * 1024;

}  // namespace

// Bytes of the file: [0, freed) punched, [freed, length) stored and counted in the store's budget.
class DiskSpillFile final : public core::SpillFile {
 public:
  DiskSpillFile(DiskSpillStore& store, int fd) : store_(store), fd_(fd) { ++store_.open_files_; }

  ~DiskSpillFile() override {
    ::close(fd_);
    --store_.open_files_;
    store_.bytes_in_use_ -= length_ - freed_;
  }

  DiskSpillFile(const DiskSpillFile&) = delete;
  DiskSpillFile& operator=(const DiskSpillFile&) = delete;

  bool append(std::string_view bytes) override {
    if (failed_) return false;
    if (bytes.size() > store_.bytes_left()) {
      failed_ = true;
      return false;
    }
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(length_));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        failed_ = true;
        return false;
      }
      const auto written = static_cast<std::size_t>(n);
      length_ += written;
      store_.bytes_in_use_ += written;
      bytes.remove_prefix(written);
    }
    return true;
  }

  bool read(std::uint64_t offset, std::size_t bytes_max, std::string& out) override {
    if (offset < freed_) return false;  // would read as zeros: another body's worth of nothing
    if (offset >= length_) return true;
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, length_ - offset));
    const std::size_t before = out.size();
    out.resize(before + wanted);
    std::size_t got = 0;
    while (got < wanted) {
      const ssize_t n = ::pread(fd_, &out[before + got], wanted - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {  // 0: shorter than we wrote it, so somebody truncated it
        out.resize(before);
        return false;
      }
      got += static_cast<std::size_t>(n);
    }
    return true;
  }

  void discard_before(std::uint64_t offset) override {
    const std::uint64_t end = std::min(offset, length_) / kPunchStep * kPunchStep;
    if (end <= freed_ || !can_punch_) return;
    const std::uint64_t count = end - freed_;
    if (::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(freed_),
                    static_cast<off_t>(count)) != 0) {
      can_punch_ = false;  // no support (EOPNOTSUPP): the blocks stay, and so does their share of the budget
      return;
    }
    freed_ = end;
    store_.bytes_in_use_ -= count;
  }

  std::uint64_t stored_bytes() const override { return length_ - freed_; }

 private:
  DiskSpillStore& store_;
  int fd_;
  std::uint64_t length_ = 0;
  std::uint64_t freed_ = 0;  // a multiple of kPunchStep
  bool failed_ = false;
  bool can_punch_ = true;
};

DiskSpillStore::DiskSpillStore(std::string folder, std::uint64_t bytes_max)
    : folder_(std::move(folder)), bytes_max_(bytes_max) {}

DiskSpillStore::~DiskSpillStore() {
  assert(open_files_ == 0 && bytes_in_use_ == 0);
}

void DiskSpillStore::set_limits(std::string folder, std::uint64_t bytes_max) {
  folder_ = std::move(folder);
  bytes_max_ = bytes_max;
}

std::unique_ptr<core::SpillFile> DiskSpillStore::create(std::string& error) {
  error_code_ = 0;
  int code = 0;
  const int fd = open_unlinked(code);
  if (fd < 0) {
    error_code_ = code;
    error = folder_ + ": no spill file can be made here: " + Error{code}.text();
    return nullptr;
  }
  return std::make_unique<DiskSpillFile>(*this, fd);
}

int DiskSpillStore::open_unlinked(int& error_code) const {
  // O_EXCL: nobody can give the file a name by linkat(2).
  int fd = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  error_code = errno;
  if (error_code != EOPNOTSUPP && error_code != EISDIR && error_code != EINVAL) return -1;
  std::string name = folder_ + "/holdfast-spill-XXXXXX";
  fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) {
    error_code = errno;
    return -1;
  }
  ::unlink(name.c_str());
  return fd;
}

}  // namespace holdfast::net
