// The world: more than one site and one pool, and what reloads make of them. See house.h.
#include <filesystem>
#include <iterator>

#include "furnish.h"
#include "site_folder.h"
#include "world.h"

namespace holdfast::sim {

namespace {
// Files are real ones.
std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
}  // namespace

// One application, or one for each address that a pool may have.
void World::make_apps() {
  const config::Address& first = scenario_.config.pools.front().address;
  const bool is_unix = first.kind == config::Address::Kind::unix_socket;
  for (std::size_t number = 0; number < (house_.furnished() ? House::kApps : 1); ++number) {
    apps_.push_back(std::make_unique<PhpApp>(universe_, ledger_, house_, number, scenario_.app, is_unix,
                                             scenario_.network.room));
    const config::Address address = number == 0 ? first : House::second_address(first, number == 2);
    addresses_.push_back(address_key(address));
    network_.set_backend(addresses_.back(), apps_.back().get());
  }
}

PhpApp& World::any_app() {
  return *apps_[house_.furnished() ? universe_.random.below(apps_.size()) : 0];
}

// Some at once, as an operator edits a file.
void World::refurnish() {
  if (terminated_) return;
  universe_.trace("admin", "refurnishes");
  House::State state = house_.now();
  for (std::size_t n = universe_.random.between(1, 3); n > 0; --n)
    state = changed_state(state, scenario_.pools_may_move, universe_.random);
  config::Config changed = worker_->config();
  House::apply(state, changed);
  for (config::Pool& pool : changed.pools) {
    if (scenario_.pools_may_move && universe_.random.chance(40))
      pool.max_connections =
          static_cast<std::uint32_t>(universe_.random.between(1, kReloadedConnectionsMost));
  }
  note_reload(house_.now(), state, changed);
  house_.put_in_force(state, universe_.now);
  take_over(std::move(changed));
}

void World::note_reload(const House::State& before, const House::State& after,
                        const config::Config& changed) {
  using State = House::State;
  const auto differs = [&](bool State::*what) { return before.*what != after.*what; };
  const config::Pool& first = worker_->config().pools.front();
  reloads_met_.a_site_comes += !before.second_site && after.second_site ? 1 : 0;
  reloads_met_.a_site_goes += before.second_site && !after.second_site ? 1 : 0;
  reloads_met_.a_paths_site += differs(&State::wiki_site) ? 1 : 0;
  reloads_met_.a_pool_comes += !before.has_second_pool() && after.has_second_pool() ? 1 : 0;
  reloads_met_.a_pool_goes += before.has_second_pool() && !after.has_second_pool() ? 1 : 0;
  reloads_met_.another_address += differs(&State::second_moved) ? 1 : 0;
  reloads_met_.another_name += differs(&State::first_renamed) || differs(&State::second_renamed) ? 1 : 0;
  reloads_met_.gzip += differs(&State::gzip_first) || differs(&State::gzip_second) ? 1 : 0;
  reloads_met_.max_connections += changed.pools.front().max_connections != first.max_connections ? 1 : 0;
}

void World::count_reloads(std::map<std::string, std::uint64_t>& met) const {
  met["reload: a site comes"] += reloads_met_.a_site_comes;
  met["reload: a site goes"] += reloads_met_.a_site_goes;
  met["reload: a path's site"] += reloads_met_.a_paths_site;
  met["reload: a pool comes"] += reloads_met_.a_pool_comes;
  met["reload: a pool goes"] += reloads_met_.a_pool_goes;
  met["reload: another address"] += reloads_met_.another_address;
  met["reload: another name"] += reloads_met_.another_name;
  met["reload: gzip"] += reloads_met_.gzip;
  met["reload: max_connections"] += reloads_met_.max_connections;
}

void World::note_descriptors() {
  if (house_.furnished()) descriptors_before_ = open_descriptors();
}

void World::check_house_at_end() {
  universe_.require(worker_->context().compressors == 0, "compressors are left");
  universe_.require(worker_->context().metrics.internal_checks_failed == 0,
                    "the program has found fault with itself");
  if (!house_.furnished()) return;
  universe_.require(open_descriptors() == descriptors_before_, "files are left open");
}

// What clients of more than one site have met. Each name is there even if nothing was met: the test asks.
void World::count_house(std::map<std::string, std::uint64_t>& met) const {
  count_reloads(met);
  for (std::size_t wish = 0; wish < kWishes; ++wish) {
    met["wish " + std::string(wish_name(static_cast<Wish>(wish)))];
  }
  for (std::size_t ask = 0; ask < kFileAsks; ++ask)
    met["file " + std::string(file_ask_name(static_cast<FileAsk>(ask)))];
  for (const Request& request : ledger_.requests()) {
    const bool answered = request.outcome == Outcome::answered;
    const bool file = answered && has_file(request.wish);
    const bool gzip = request.came_gzip;
    const auto count = [&met](bool happened, const std::string& what) { met[what] += happened ? 1 : 0; };
    // A stream of events has no end of its own.
    count(answered || (request.wish == Wish::events && request.outcome == Outcome::left),
          "wish " + std::string(wish_name(request.wish)));
    count(file, "file " + std::string(file_ask_name(request.ask)));
    count(file && request.method == "HEAD", "file HEAD");
    count(answered && gzip, "gzip answered");
    count(file && gzip, "gzip answered, file");
    count(gzip && request.outcome == Outcome::cut, "gzip cut");
    count(answered && request.takes_gzip && !gzip, "gzip not taken");
    count(request.excused && request.status == 421, "421 for a site that went");
    count(request.outcome == Outcome::error_page && request.status >= 502 && request.wish == Wish::second,
          "own page of the site");
    count(request.wish == Wish::file && request.disturbed && request.outcome == Outcome::left,
          "file left by a stalled reader");
  }
  for (const auto& client : clients_) {
    std::size_t first = 0;
    std::size_t second = 0;
    for (const std::size_t tag : client->tags()) {
      const Request& request = ledger_.at(tag);
      if (request.outcome != Outcome::answered || !is_script(request.wish)) continue;
      ++(House::uses_second_pool(request.wish) ? second : first);
    }
    met["exchanges on one connection"] += first + second > 1 ? 1 : 0;
    met["two pools on one connection"] += first > 0 && second > 0 ? 1 : 0;
  }
}

}  // namespace holdfast::sim
