// A file system in memory for routers, which counts its probes.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "proxy/core/router.h"

struct FakeFiles : holdfast::core::FileProbe {
  using FileKind = holdfast::core::FileKind;

  std::map<std::string, FileKind> kinds;
  int probes = 0;
  FileKind kind(std::string_view root, std::string_view path) override {
    ++probes;
    const auto found = kinds.find(std::string(root).append(path));
    return found == kinds.end() ? FileKind::missing : found->second;
  }
  std::map<std::string, std::string> real_paths;
  std::string real_path(const std::string& path) override { return real_paths[path]; }
};
