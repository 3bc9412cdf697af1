// Puts what nginx's `include` names in its place. Pure but for the files, which the caller reads.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/import/nginx_syntax.h"

namespace holdfast::config {

struct NginxFile {
  std::string name;
  std::string text;
};
// The files that an include names (perhaps with stars), relative to the first file's folder; none: not there.
using NginxFiles = std::function<std::vector<NginxFile>(const std::string& pattern)>;

// `directives` with their blocks, all those of the file `of`. What cannot be had, or is left out, is noted.
void expand_includes(std::vector<NginxDirective>& directives, const NginxFile& of, const NginxFiles& files,
                     std::vector<ImportNote>& notes);

}  // namespace holdfast::config
