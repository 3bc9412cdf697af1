// See nginx_include.h.
#include "config/import/nginx_include.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace holdfast::config {
namespace {

using Directives = std::vector<NginxDirective>;

constexpr std::size_t kFilesMax = 1000;

// What everybody includes, and holds nothing that is a site's own.
bool is_common(std::string_view pattern) {
  const std::string_view name = pattern.substr(pattern.rfind('/') + 1);
  return name == "fastcgi_params" || name == "fastcgi.conf" || name == "mime.types" ||
         name == "fastcgi-php.conf" || name == "scgi_params" || name == "uwsgi_params" ||
         pattern.find("modules-enabled/") != std::string_view::npos;
}

// Puts the directives of included files in the place of `include`.
class Includer {
 public:
  Includer(const NginxFiles& files, std::vector<ImportNote>& notes) : files_(files), notes_(notes) {}

  void expand_file(Directives& directives, const NginxFile& of) {
    open_.push_back(&of);
    expand(directives);
    open_.pop_back();
  }

 private:
  void expand(Directives& block) {
    Directives out;
    for (NginxDirective& d : block) {
      if (d.name == "include" && !d.has_block) {
        include(d, out);
      } else {
        expand(d.block);
        out.push_back(std::move(d));
      }
    }
    block = std::move(out);
  }

  // By another spelling of its name, too: a file with the same text would include the same.
  bool is_open(const NginxFile& file) const {
    return std::any_of(open_.begin(), open_.end(), [&file](const NginxFile* each) {
      return each->name == file.name || each->text == file.text;
    });
  }

  void include(const NginxDirective& d, Directives& out) {
    const std::string& pattern = d.word(0);
    if (is_common(pattern)) return note(d, "not needed: what it sets holds here");
    const std::vector<NginxFile> found = files_(pattern);
    if (found.empty() && pattern.find_first_of("*?[") == std::string::npos) note(d, "there is no such file");
    for (const NginxFile& file : found) {
      if (is_open(file)) {
        note(d, file.name + " would include itself: left out here");
        continue;
      }
      if (open_.size() > kNginxDepthMax || ++count_ > kFilesMax)
        return note(d, "files include files too deeply");
      NginxTree tree = parse_nginx(file.text, file.name);
      notes_.insert(notes_.end(), tree.problems.begin(), tree.problems.end());
      expand_file(tree.directives, file);
      std::move(tree.directives.begin(), tree.directives.end(), std::back_inserter(out));
    }
  }

  void note(const NginxDirective& d, const std::string& why) {
    notes_.push_back({d.file, d.line, d.text() + ": " + why});
  }

  const NginxFiles& files_;
  std::vector<ImportNote>& notes_;
  std::vector<const NginxFile*> open_;  // the first file, and those that are being read within it
  std::size_t count_ = 0;
};

}  // namespace

void expand_includes(Directives& directives, const NginxFile& of, const NginxFiles& files,
                     std::vector<ImportNote>& notes) {
  Includer(files, notes).expand_file(directives, of);
}

}  // namespace holdfast::config
