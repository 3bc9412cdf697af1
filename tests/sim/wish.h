// What a request is for. Each kind has its own right answer, which answer_judge.h knows; where it is asked is
// wish.cpp's. The first one is what every run has; the others need the second site and what comes with it
// (house.h).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace holdfast::sim {

enum class Wish : std::uint8_t {
  script,       // the first site, the first pool
  wiki,         // the same host, another site by its path: the second pool
  second,       // another host, another site: the second pool
  routed,       // that host, and a route of it: the first pool
  handed_over,  // that host; its script names a file (X-Accel-Redirect)
  file,
  missing,     // no such file: 404 with the site's own page
  denied,      // by a route
  redirected,  // by a route; its answer names the request
  status,      // the admin endpoint, from here on
  metrics,
  ready,
  events,
  recycle,
  pause,
  resume,
  other_host,  // a name that the admin endpoint does not know
};
constexpr std::size_t kWishes = 17;

inline std::string_view wish_name(Wish wish) {
  constexpr std::array<std::string_view, kWishes> kNames = {
      "script", "wiki",    "second", "routed", "handed over", "file",  "missing", "denied",    "redirected",
      "status", "metrics", "ready",  "events", "recycle",     "pause", "resume",  "other host"};
  return kNames[static_cast<std::size_t>(wish)];
}

// php has a part in its answer.
constexpr bool is_script(Wish wish) {
  return wish <= Wish::handed_over;
}
constexpr bool is_admin(Wish wish) {
  return wish >= Wish::status;
}
// A file's bytes come back.
constexpr bool has_file(Wish wish) {
  return wish == Wish::handed_over || wish == Wish::file;
}

// How a file is asked for.
enum class FileAsk : std::uint8_t {
  whole,
  part,         // one range
  parts,        // two, far from each other
  past_end,     // a range that is not there
  if_changed,   // If-None-Match with the tag it has: 304
  if_other,     // If-None-Match with another: whole
  part_if_was,  // a range, If-Range with another tag: whole
};
constexpr std::size_t kFileAsks = 7;

inline std::string_view file_ask_name(FileAsk ask) {
  constexpr std::array<std::string_view, kFileAsks> kNames = {
      "whole", "part", "parts", "past end", "if changed", "if other", "part if was"};
  return kNames[static_cast<std::size_t>(ask)];
}

}  // namespace holdfast::sim
