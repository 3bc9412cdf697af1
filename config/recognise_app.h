// Which application lies in a folder, by files that only it has. A few looks at the disk.
#pragma once

#include <string>

#include "config/presets.h"

namespace holdfast::config {

// The preset for a site with this root; nullptr: not known.
const Preset* recognise_app(const std::string& root);

}  // namespace holdfast::config
