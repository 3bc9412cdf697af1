// Bodies too large for memory: unlinked files in one folder under one budget of bytes. Implements the
// interface of core/spill.h. Reads and writes go through the page cache and do not wait for the disk in the
// common case. The store must outlive its files. Does not know whose bytes they are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "proxy/core/spill.h"

namespace holdfast::net {

class DiskSpillStore final : public core::SpillStore {
 public:
  // `bytes_max` bounds the bytes of all files together that were appended and not yet given back.
  DiskSpillStore(std::string folder, std::uint64_t bytes_max);
  ~DiskSpillStore() override;
  DiskSpillStore(const DiskSpillStore&) = delete;
  DiskSpillStore& operator=(const DiskSpillStore&) = delete;

  // For files to come; those there are stay where they are, and count. A smaller budget than what is in use
  // lets none grow.
  void set_limits(std::string folder, std::uint64_t bytes_max);

  std::unique_ptr<core::SpillFile> create(std::string& error) override;

  std::uint64_t bytes_in_use() const override { return bytes_in_use_; }
  int error_code() const override { return error_code_; }
  std::uint64_t bytes_max() const { return bytes_max_; }
  std::size_t open_files() const { return open_files_; }

 private:
  friend class DiskSpillFile;

  int open_unlinked(int& error_code) const;
  std::uint64_t bytes_left() const { return bytes_max_ - std::min(bytes_max_, bytes_in_use_); }

  std::string folder_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_in_use_ = 0;
  std::size_t open_files_ = 0;
  int error_code_ = 0;
};

}  // namespace holdfast::net
