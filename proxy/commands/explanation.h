// What the server would do with a request, and why: site, routes, settings, answer. Sends nothing; files are
// looked at through the probe.
#pragma once

#include <string>
#include <vector>

#include "config/snapshot.h"
#include "proxy/core/router.h"
#include "proxy/http/message.h"

namespace holdfast {

// Lines of text. `asker`: as the server would know of it.
std::string explain_request(const std::vector<config::Site>& sites, const http::RequestHead& head,
                            const core::Asker& asker, core::FileProbe& probe);

}  // namespace holdfast
