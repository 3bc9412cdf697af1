// The listening sockets, of the sites and of the admin endpoint. Owns them. Goes from the set of one
// configuration to that of the next in two steps, so that a reload is all or nothing: prepare() opens what is
// new and may fail, put_in_force() cannot. An address in both sets keeps its socket and its backlog.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/snapshot.h"
#include "proxy/client/arrival.h"
#include "proxy/net/network.h"
#include "proxy/observe/log.h"

namespace holdfast {

class ArrivalHandler {
 public:
  virtual void on_arrival(Arrival arrival) = 0;
  // See net::AcceptHandler::on_accept_failed().
  virtual void on_arrival_failed(net::Error error) = 0;

 protected:
  ~ArrivalHandler() = default;
};

class Listeners {
 public:
  // All references outlive it.
  Listeners(net::Network& network, Log& log, ArrivalHandler& handler);
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  enum class Kind : std::uint8_t { http, fastcgi, admin };
  class Acceptor;
  // The set to follow the present one. What it has opened is closed with it unless put_in_force() takes it.
  // Good until the present set changes.
  class Next {
   public:
    Next();
    ~Next();
    Next(Next&&) noexcept;
    Next& operator=(Next&&) noexcept;

   private:
    friend class Listeners;
    struct Place;
    std::vector<Place> places_;
    std::vector<Acceptor*> leaving_;
  };

  // Nothing, with a sentence in `error`, when an address cannot be had; then all is as before.
  [[nodiscard]] std::optional<Next> prepare(const std::vector<config::Address>& sites,
                                            const std::vector<config::FastcgiListener>& fastcgi,
                                            const std::optional<config::Address>& admin, std::string& error);
  // Whose clients are to finish: the ids of listeners that have gone, or have changed from one kind
  // to another. What waited in the backlog of one that goes has been accepted.
  [[nodiscard]] std::vector<std::uint64_t> put_in_force(Next next);

  // Those there are belong to this user from now on.
  void give_to(std::uint32_t user, std::uint32_t group) const;

  // Clients of the sites wait in the backlog; the admin endpoint stays open.
  void pause();
  void resume();
  void close_sites();  // the admin endpoint stays open
  void close();

  std::vector<std::uint16_t> ports() const;
  std::uint16_t admin_port() const;  // 0: none, or a Unix socket

 private:
  void keep(Next& next);
  bool open(Next::Place& place, const std::vector<Acceptor*>& leaving, std::string& error);

  net::Network& network_;
  Log& log_;
  ArrivalHandler& handler_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  // in the order of the configuration, the admin's last
  std::uint64_t last_id_ = 0;
  bool paused_ = false;
};

}  // namespace holdfast
