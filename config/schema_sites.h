// The keys of a site and of its routes. See schema.h.
#pragma once

#include <string_view>
#include <vector>

#include "config/reader.h"
#include "config/writer.h"

namespace holdfast::config {

struct Site;

// `sites`: adds to `out`. A site that cannot be read still takes its place, so that out[i] is "sites[i]" of the
// messages.
void read_sites(Reader& reader, const Slot& slot, std::vector<Site>& out);
void write_sites(Writer& writer, std::string_view as, const std::vector<Site>& in);
// A site with one route, all else as it is when nothing is said.
void add_sample_site(std::vector<Site>& out);

}  // namespace holdfast::config
