// What of a site must not be readable, and what the running server makes of requests for it. Looks below the
// root for files that our own rules or the application's preset hide, and asks for some of them as any client
// would. No script of the user is run: a file for which a script would answer is not asked for.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "config/snapshot.h"
#include "proxy/core/file_probe.h"
#include "proxy/doctor/doctor.h"

namespace holdfast {

constexpr std::size_t kHiddenFilesMost = 24;        // of a site that are asked for
constexpr std::size_t kHiddenEntriesMost = 20'000;  // below a root that are looked at

// Of each site some of the files below its root that are hidden, spread over its folders, with our own
// decision about them. `probe`: as the server sees them.
std::vector<HiddenFacts> find_hidden_files(const config::Config& config, core::FileProbe& probe);

// Asks the server at the first of its addresses whose port is known. `limit`: for each answer.
void ask_for_hidden_files(std::vector<HiddenFacts>& sites, std::chrono::milliseconds limit);

}  // namespace holdfast
