// An nginx configuration as one of ours: what of it can be said, and line by line what cannot. Pure but for
// the files that `include` names, which the caller reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/import/nginx_include.h"
#include "config/import/nginx_syntax.h"

namespace holdfast::config {

struct Imported {
  Config config;                  // listen, pools and sites
  std::vector<ImportNote> notes;  // each line that is not in it, in the order of the files
  bool failed = false;            // it is no nginx configuration: the notes say why
};

Imported import_nginx(std::string_view text, const std::string& file, const NginxFiles& files);

// As YAML: the keys that differ from their defaults, and the notes as comments in front.
std::string import_yaml(const Imported& imported);

}  // namespace holdfast::config
