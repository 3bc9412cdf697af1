// See site_folder.h.
#include "site_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace holdfast::sim {

namespace {
// As Ledger::answer(): a piece of another file, or out of place, shows.
std::string content(std::size_t number, std::size_t bytes) {
  std::string out(bytes, ' ');
  for (std::size_t at = 0; at < bytes; ++at)
    out[at] = static_cast<char>('A' + (number * 5 + at * (7 + 2 * number) + at / 26 + at / 1021) % 26);
  return out;
}
}  // namespace

const SiteFolder& SiteFolder::get() {
  static const SiteFolder kFolder;
  return kFolder;
}

SiteFolder::SiteFolder() {
  struct Row {
    std::string_view name;
    std::string_view type;
    bool text;
    std::size_t bytes;
  };
  constexpr std::array<Row, 6> kRows = {Row{"empty.txt", "text/plain; charset=utf-8", true, 0},
                                        Row{"small.txt", "text/plain; charset=utf-8", true, 1023},
                                        Row{"page.html", "text/html; charset=utf-8", true, 1024},
                                        Row{"style.css", "text/css; charset=utf-8", true, 150'000},
                                        Row{"photo.jpg", "image/jpeg", false, 70'001},
                                        Row{"large.bin", "application/octet-stream", false, 600'000}};
  std::string name = (std::filesystem::temp_directory_path() / "holdfast-sim-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr || ::chmod(name.c_str(), 0755) != 0) {
    std::perror(name.c_str());
    std::abort();
  }
  folder_ = name;
  for (const char* sub : {"/root", "/root/files", "/root/api", "/root/errors", "/root/deny", "/store"})
    std::filesystem::create_directory(folder_ + sub);
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const Row& row = kRows[i];
    files_.push_back({row.name, row.type, row.text, content(i + 1, row.bytes)});
    write(root() + "/files/" + std::string(row.name), files_.back().bytes);
    write(store() + "/" + std::string(row.name), files_.back().bytes);
  }
  page_404_ = "<h1>Nothing here, says the site</h1>\n";
  page_5xx_ = "<h1>Broken, says the site</h1>\n";
  write(root() + "/errors/404.html", page_404_);
  write(root() + "/errors/5xx.html", page_5xx_);
  write(root() + "/deny/secret.txt", "not to be seen\n");
  write(root() + "/x.php", "<?php // not to be seen\n");
  write(root() + "/api/x.php", "<?php // not to be seen\n");
}

SiteFolder::~SiteFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void SiteFolder::write(const std::string& path, std::string_view bytes) const {
  std::ofstream(path, std::ios::binary) << bytes;
  const std::array<timespec, 2> times = {timespec{1'600'000'000, 0}, timespec{1'600'000'000, 0}};
  if (::chmod(path.c_str(), 0644) != 0 || ::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) != 0) {
    std::perror(path.c_str());
    std::abort();
  }
}

}  // namespace holdfast::sim
