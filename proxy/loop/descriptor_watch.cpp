// See descriptor_watch.h.
#include "proxy/loop/descriptor_watch.h"

#include <cerrno>
#include <string>

namespace holdfast {

std::string_view DescriptorWatch::place_name(Place place) {
  switch (place) {
    case Place::accept: return "accept";
    case Place::connect: return "connect";
    case Place::file: return "file";
    case Place::spool: return "spool";
  }
  return "";
}

bool DescriptorWatch::note(Place place, net::Error error, core::Time now) {
  if (error.code != EMFILE && error.code != ENFILE) return false;
  const auto index = static_cast<std::size_t>(place);
  ++failures_[index];
  const auto more = lines_[index].due(now);
  if (!more) return true;
  std::string_view lost;
  switch (place) {
    case Place::accept: lost = "a client waits to be accepted"; break;
    case Place::connect: lost = "no connection to the application can be opened"; break;
    case Place::file: lost = "a file cannot be sent"; break;
    case Place::spool: lost = "a body cannot be spooled"; break;
  }
  log_.error("no descriptor left: " + std::string(lost) + ": " + error.text() + *more +
             (error.code == EMFILE ? "; raise the limit (systemd: LimitNOFILE=, shell: ulimit -n)"
                                   : "; the whole system has none: see fs.file-max"));
  return true;
}

}  // namespace holdfast
