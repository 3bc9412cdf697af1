// nginx: what config/import/nginx_passes.h finds, in the words of front_config.h.
#include <utility>

#include "config/import/nginx_passes.h"
#include "proxy/doctor/front_readers.h"

namespace holdfast {

namespace {

FrontPlace place_of(const config::NginxPlace& place) {
  return {place.file, place.line};
}

FrontPass pass_of(config::NginxPass& found) {
  FrontPass pass;
  pass.place = place_of(found.place);
  const bool by_upstream = found.upstream.line > 0;
  pass.address_place = by_upstream ? place_of(found.upstream) : pass.place;
  pass.address_line = by_upstream ? "server <>;" : "fastcgi_pass <>;";
  pass.addresses = std::move(found.addresses);
  pass.read_timeout = {"fastcgi_read_timeout", "fastcgi_read_timeout <>s;", found.read_timeout,
                       found.read_timeout.has_value(), place_of(found.read_timeout_place)};
  pass.keep_conn = found.keep_conn;
  pass.keepalive = found.keepalive > 0;
  pass.kept = pass.keep_conn && pass.keepalive;
  pass.kept_max = found.keepalive;
  pass.idle = {"keepalive_timeout", "keepalive_timeout <>s;", found.keepalive_timeout,
               found.keepalive_timeout.has_value(), place_of(found.keepalive_timeout_place)};
  pass.body_max = {"client_max_body_size", found.body_max, place_of(found.body_max_place)};
  return pass;
}

}  // namespace

FrontConfig read_nginx_front(std::string_view text, const std::string& file, const FrontFiles& files) {
  FrontConfig out;
  out.kind = FrontKind::nginx;
  config::NginxPasses found = config::find_passes(text, file, files);
  out.user = std::move(found.user);
  out.problems = std::move(found.problems);
  for (config::NginxPass& each : found.passes) {
    if (each.addresses.empty())
      out.unclear.push_back({each.place.file, each.place.line, "fastcgi_pass " + each.target});
    out.passes.push_back(pass_of(each));
  }
  return out;
}

}  // namespace holdfast
