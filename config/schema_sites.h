// The keys of a site and of its routes. See schema.h.
#pragma once

#include <string_view>

#include "config/reader.h"
#include "config/writer.h"

namespace holdfast::config {

struct Config;

// `sites`: adds to out.sites. A site that cannot be read still takes its place, so that config.sites[i] is
// "sites[i]" of the messages.
void read_sites(Reader& reader, const Slot& slot, const Limits&, Config& out);
void write_sites(Writer& writer, std::string_view as, const Config& in);

}  // namespace holdfast::config
