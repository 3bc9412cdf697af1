// What `app: NAME` stands for: keys of a site, in the grammar itself, one file an application
// (config/presets/NAME.yaml). Built into the program by presets.cmake.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/snapshot.h"

namespace holdfast::config {

struct Preset {
  std::string_view name;  // "wordpress"
  std::string_view yaml;
};

std::span<const Preset> presets();  // by name

// A site with the keys of the preset alone. `problems`: what is wrong with it; a test holds that nothing is.
Site preset_site(const Preset& preset, std::vector<Diagnostic>* problems = nullptr);

}  // namespace holdfast::config
