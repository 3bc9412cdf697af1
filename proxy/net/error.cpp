// Names and sentences for errors. libuv's table covers errno and the getaddrinfo codes alike; the switch is
// built from it because uv_err_name() allocates (and leaks) for numbers it does not know.
#include <uv.h>

#include "proxy/net/stream.h"

namespace holdfast::net {

std::string_view Error::name() const {
  switch (-code) {
#define HOLDFAST_NAME(name, text) \
  case UV_##name: return #name;
    UV_ERRNO_MAP(HOLDFAST_NAME)
#undef HOLDFAST_NAME
  }
  return code == 0 ? "OK" : "UNKNOWN";
}

std::string Error::text() const {
  switch (-code) {
#define HOLDFAST_TEXT(name, text) \
  case UV_##name: return #name ": " text;
    UV_ERRNO_MAP(HOLDFAST_TEXT)
#undef HOLDFAST_TEXT
  }
  return code == 0 ? "OK" : "UNKNOWN: error " + std::to_string(code);
}

}  // namespace holdfast::net
