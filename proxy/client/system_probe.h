// What lies at the paths that a request may mean, for core::Router: stat(2), and the roots without their links.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "proxy/core/file_probe.h"
#include "proxy/net/static_file.h"

namespace holdfast {

// One stat() a candidate; paths of a real site stay in the kernel's dentry cache.
class SystemProbe final : public core::FileProbe {
 public:
  // `real_paths`: what roots are without links, as far as known; outlives it.
  explicit SystemProbe(std::map<std::string, std::string>& real_paths) : real_paths_(real_paths) {}

  core::FileKind kind(std::string_view root, std::string_view path) override;

  // Two stat() in place of realpath's many calls: what both names lead to tells whether the last answer
  // holds.
  std::string real_path(const std::string& path) override;

  // For the file that was looked at last, `path` below `root`: the root without links, below which opening it
  // costs one call in place of four. Empty where the root has no links, or leads elsewhere.
  std::string short_cut(const std::string& root, const std::string& path);

 private:
  std::map<std::string, std::string>& real_paths_;
  net::FileInfo last_;
};

}  // namespace holdfast
