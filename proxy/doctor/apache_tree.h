// Apache's configuration as one tree: files that are included, sections, variables, and which of the
// <IfModule> sections hold. Pure but for the files. After the httpd documentation, "Configuration Files" and
// "Configuration Sections".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/doctor/front_lines.h"

namespace holdfast {

struct ApacheTree {
  std::vector<FrontLine> lines;  // a section is a line with a block: its name "<directory", in lower case
  bool loads_modules = false;    // a LoadModule was seen
  bool has_proxy_fcgi = false;
  std::vector<config::ImportNote> unclear;
  std::vector<config::ImportNote> problems;
};

ApacheTree read_apache_tree(std::string_view text, const std::string& file, const FrontFiles& files);

}  // namespace holdfast
