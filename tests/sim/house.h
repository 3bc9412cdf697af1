// What the proxy is configured to be beyond one site and one pool, and how reloads change it. Each state is
// kept with the time from which it was in force: an answer is judged by those that were in force between its
// asking and its end, so that a reload excuses what it can have caused and nothing else.
//
//   first site   example.com, all paths      first pool    application 0
//   wiki         example.com/wiki            second pool   application 1, or 2 where its address was changed
//   second site  b.example, with files and routes; one of these leads to the first pool
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "ledger.h"

namespace holdfast::sim {

class House {
 public:
  enum class Place : std::uint8_t { none, first, wiki, second };
  static constexpr std::size_t kApps = 3;
  enum class Pool : std::uint8_t { none, first, second };

  // The second pool is there as long as one of its sites is.
  struct State {
    bool second_site = false;
    bool wiki_site = false;
    bool second_moved = false;
    bool first_renamed = false;
    bool second_renamed = false;
    bool gzip_first = false;  // and of the wiki
    bool gzip_second = false;

    bool has_second_pool() const { return second_site || wiki_site; }
    bool gzip(Place place) const { return place == Place::second ? gzip_second : gzip_first; }
    std::string first_name() const { return first_renamed ? "php-by-another-name" : "php"; }
    std::string second_name() const { return second_renamed ? "zwei" : "two"; }
    bool operator==(const State&) const = default;
  };

  // `furnished`: more than one site and one pool. In force at once.
  House(bool furnished, const State& state) : furnished_(furnished) { history_.push_back({Time{}, state}); }

  bool furnished() const { return furnished_; }
  const State& now() const { return history_.back().state; }
  void put_in_force(const State& state, Time from) { history_.push_back({from, state}); }

  // Is there one that was in force at some time from when `request` was asked until now?
  template <typename Holds>
  bool any_since(const Request& request, Holds holds) const {
    for (std::size_t i = history_.size(); i-- > 0;) {
      if (holds(history_[i].state)) return true;
      if (history_[i].from < request.asked) return false;
    }
    return false;
  }

  // Which site answers; which pool its script is for; and which application is behind that one.
  static Place place_of(const State& state, Wish wish);
  static Pool pool_of(const State& state, Wish wish);
  static bool is_behind(const State& state, Pool pool, std::size_t app);
  static bool uses_second_pool(Wish wish) {
    return wish == Wish::wiki || wish == Wish::second || wish == Wish::handed_over;
  }

  // Since when the pool that led to this application has led to another. Nothing: one leads here, none ever
  // has, or it was taken away (as one is of which name and address change at once): then it serves those who
  // wait.
  std::optional<Time> left_since(std::size_t app) const;

  // Makes `config` say what `state` says. What it says of the first pool and of limits stays.
  static void apply(const State& state, config::Config& config);
  static config::Address second_address(const config::Address& first, bool moved);

  // What php is told of the site: params of each site's own.
  static std::string_view param_of(Place place);
  static std::string_view script_of(Wish wish);

 private:
  struct Since {
    Time from;
    State state;
  };
  bool furnished_;
  std::vector<Since> history_;  // the oldest first
};

}  // namespace holdfast::sim
