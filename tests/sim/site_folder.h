// The files that the second site sends, on a real disk: the proxy opens them itself. Made once for all runs
// of the program, with fixed times, and never changed, so that a seed means the same each time; removed at
// the end.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::sim {

class SiteFolder {
 public:
  struct File {
    std::string_view name;
    std::string_view type;  // Content-Type
    bool text = false;      // worth compressing
    std::string bytes;
  };

  static const SiteFolder& get();

  // <folder>/root: files/NAME, x.php, api/x.php, errors/. <folder>/store: NAME, for scripts to hand over.
  std::string root() const { return folder_ + "/root"; }
  std::string store() const { return folder_ + "/store"; }
  const std::vector<File>& files() const { return files_; }
  const std::string& error_page(int status) const { return status < 500 ? page_404_ : page_5xx_; }

  SiteFolder(const SiteFolder&) = delete;
  SiteFolder& operator=(const SiteFolder&) = delete;

 private:
  SiteFolder();
  ~SiteFolder();
  void write(const std::string& path, std::string_view bytes) const;

  std::string folder_;
  std::vector<File> files_;
  std::string page_404_;
  std::string page_5xx_;
};

}  // namespace holdfast::sim
