// See system_probe.h.
#include "proxy/client/system_probe.h"

namespace holdfast {

namespace {
bool same(const net::FileInfo& a, const net::FileInfo& b) {
  const bool found = a.kind == net::FileKind::regular || a.kind == net::FileKind::directory;
  return found && a.kind == b.kind && a.inode == b.inode && a.device == b.device;
}
}  // namespace

const net::FileInfo* FoundFile::find(std::string_view root, std::string_view path) const {
  if (name_.empty() || root_size_ != root.size()) return nullptr;
  const std::string_view name = name_;
  return name.substr(0, root_size_) == root && name.substr(root_size_) == path ? &info_ : nullptr;
}

void FoundFile::keep(std::string_view root, std::string_view path, const net::FileInfo& info) {
  name_.assign(root).append(path);
  root_size_ = root.size();
  info_ = info;
}

core::FileKind SystemProbe::kind(std::string_view root, std::string_view path) {
  if (const net::FileInfo* const found = found_ == nullptr ? nullptr : found_->find(root, path)) {
    last_ = *found;
    return core::FileKind::file;
  }
  last_ = net::file_info(root, path);
  if (found_ != nullptr && last_.kind == net::FileKind::regular) found_->keep(root, path, last_);
  switch (last_.kind) {
    case net::FileKind::regular: return core::FileKind::file;
    case net::FileKind::directory: return core::FileKind::directory;
    case net::FileKind::other: return core::FileKind::other;
    case net::FileKind::link_refused:
    case net::FileKind::forbidden: return core::FileKind::forbidden;
    case net::FileKind::missing:
    case net::FileKind::failed: return core::FileKind::missing;
  }
  return core::FileKind::missing;
}

std::string SystemProbe::real_path(const std::string& path) {
  std::string& known = real_paths_[path];
  if (!known.empty() && same(net::file_info({}, path), net::file_info({}, known))) return known;
  known = net::real_path(path);
  return known;
}

std::string SystemProbe::short_cut(const std::string& root, const std::string& path) {
  std::string& known = real_paths_[root];
  if (known == root) return {};
  if (known.empty() || !same(last_, net::file_info({}, known + path))) {
    known = net::real_path(root);
    if (known == root || !same(last_, net::file_info({}, known + path))) return {};
  }
  return known;
}

}  // namespace holdfast
