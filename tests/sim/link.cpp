// See link.h.
#include "link.h"

#include <algorithm>
#include <cerrno>

namespace holdfast::sim {

using namespace std::chrono_literals;

void Link::poke_peer() {
  if (peer_ != nullptr) peer_->poke(universe_.now + universe_.random.time(0us, 300us));
}

// ---- the far end

std::size_t Link::peer_room() const {
  if (frozen_) return 0;
  if (proxy_closed_ || reset_to_peer_) return SIZE_MAX;  // goes nowhere, and nothing blocks
  return room_ - std::min(room_, down_.bytes.size());
}

void Link::peer_send(std::string_view bytes) {
  if (peer_closed_ || down_.ended) return;
  if (proxy_closed_) {
    reset_to_peer_ = true;  // EPIPE, or the reset that answers it
    return;
  }
  if (!reset_to_proxy_) down_.bytes.append(bytes);
}

std::string Link::peer_take(std::size_t most) {
  std::string bytes = up_.bytes.substr(0, most);
  up_.bytes.erase(0, bytes.size());
  return bytes;
}

void Link::peer_shut() {
  if (!peer_closed_) down_.ended = true;
}

void Link::peer_close() {
  if (peer_closed_) return;
  peer_closed_ = true;
  peer_ = nullptr;
  if (!up_.bytes.empty()) {
    reset_to_proxy_ = true;
  } else {
    down_.ended = true;
  }
  up_.bytes.clear();
}

void Link::peer_reset() {
  if (peer_closed_) return;
  if (!unix_) {
    reset_to_proxy_ = true;
    // What was still on its way is lost with it.
    if (universe_.random.chance(50)) down_.bytes.resize(universe_.random.below(down_.bytes.size() + 1));
  }
  peer_close();
}

// ---- the proxy's end

std::string Link::proxy_take(std::size_t most) {
  std::string bytes = down_.bytes.substr(0, most);
  down_.bytes.erase(0, bytes.size());
  proxy_read_at_ = universe_.now;
  poke_peer();
  return bytes;
}

std::size_t Link::proxy_room() const {
  if (frozen_) return 0;
  if (peer_closed_ || reset_to_proxy_) return SIZE_MAX;
  return room_ - std::min(room_, up_.bytes.size());
}

std::size_t Link::proxy_send(std::string_view bytes, int& error) {
  if (reset_to_proxy_) {
    error = EPIPE;
    return 0;
  }
  if (peer_closed_) {
    if (unix_) {
      error = EPIPE;
      return 0;
    }
    if (!reset_due_) reset_due_ = universe_.now + universe_.random.time(50us, 3ms);
    return bytes.size();
  }
  const std::size_t taken = std::min(bytes.size(), proxy_room());
  up_.bytes.append(bytes.substr(0, taken));
  if (taken > 0) poke_peer();
  return taken;
}

void Link::proxy_shut() {
  up_.ended = true;
  poke_peer();
}

void Link::proxy_close(bool by_reset) {
  if (proxy_closed_) return;
  proxy_closed_ = true;
  if ((by_reset && !unix_) || !down_.bytes.empty()) {
    reset_to_peer_ = true;
    // A reset overtakes what is on its way (RFC 9112 9.6): why the proxy lingers.
    if (!unix_ && universe_.random.chance(50)) up_.bytes.resize(universe_.random.below(up_.bytes.size() + 1));
  }
  up_.ended = true;
  down_.bytes.clear();
  poke_peer();
}

bool Link::peer_gone() const {
  if (proxy_closed_ || frozen_) return false;
  if (reset_to_proxy_) return true;
  return (unix_ && peer_closed_) || (down_.ended && up_.ended);
}

void Link::on_time() {
  if (!reset_due_ || *reset_due_ > universe_.now) return;
  reset_due_.reset();
  reset_to_proxy_ = true;
}

void Link::freeze(bool on) {
  frozen_ = on;
  if (!on) poke_peer();
}

}  // namespace holdfast::sim
