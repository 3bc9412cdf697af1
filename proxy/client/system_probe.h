// What lies at the paths that a request may mean, for core::Router: stat(2), and the roots without their links.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "proxy/core/file_probe.h"
#include "proxy/net/static_file.h"

namespace holdfast {

// The last file that was found in this turn of the loop: of a busy site's requests most mean the same script. What was
// not there is not kept: it may have been made since, by what its client asked for before.
class FoundFile {
 public:
  // nullptr when `path` below `root` is not the one.
  const net::FileInfo* find(std::string_view root, std::string_view path) const;
  void keep(std::string_view root, std::string_view path, const net::FileInfo& info);
  void forget() { name_.clear(); }  // at the turn's end; keeps the memory

 private:
  std::string name_;  // `root` and `path` as they are; empty: none
  std::size_t root_size_ = 0;
  net::FileInfo info_;
};

// One stat() a candidate; paths of a real site stay in the kernel's dentry cache.
class SystemProbe final : public core::FileProbe {
 public:
  // `real_paths`: what roots are without links, as far as known. Both outlive it; `found` may be nullptr.
  explicit SystemProbe(std::map<std::string, std::string>& real_paths, FoundFile* found = nullptr)
      : real_paths_(real_paths), found_(found) {}

  core::FileKind kind(std::string_view root, std::string_view path) override;

  // Two stat() in place of realpath's many calls: what both names lead to tells whether the last answer
  // holds.
  std::string real_path(const std::string& path) override;

  // For the file that was looked at last, `path` below `root`: the root without links, below which opening it
  // costs one call in place of four. Empty where the root has no links, or leads elsewhere.
  std::string short_cut(const std::string& root, const std::string& path);

 private:
  std::map<std::string, std::string>& real_paths_;
  FoundFile* const found_;
  net::FileInfo last_;
};

}  // namespace holdfast
