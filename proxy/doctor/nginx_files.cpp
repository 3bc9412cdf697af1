// See nginx_files.h.
#include "proxy/doctor/nginx_files.h"

#include <glob.h>

#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace holdfast {

namespace fs = std::filesystem;

std::optional<std::string> read_nginx_file(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(config::kNginxTextMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

config::NginxFiles nginx_files_beside(const std::string& path) {
  return [folder = fs::path(path).parent_path()](const std::string& pattern) {
    glob_t found{};
    std::vector<config::NginxFile> out;
    if (::glob((folder / pattern).c_str(), 0, nullptr, &found) == 0) {
      for (std::size_t i = 0; i < found.gl_pathc; ++i) {
        const std::string name = found.gl_pathv[i];
        if (auto text = read_nginx_file(name)) out.push_back({name, *std::move(text)});
      }
    }
    ::globfree(&found);
    return out;
  };
}

}  // namespace holdfast
