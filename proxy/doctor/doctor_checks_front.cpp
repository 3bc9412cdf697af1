// The web servers in front: do they speak to us or past us, do their timeouts and kept connections fit ours,
// may they connect.
#include <algorithm>
#include <set>
#include <string>

#include "config/fastcgi_times.h"
#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

constexpr std::size_t kUnclearMax = 3;  // findings about what was not read

const ListenerFacts* listener_at(const DoctorFacts& facts, const config::Address& address) {
  const auto found = std::find_if(facts.listeners.begin(), facts.listeners.end(),
                                  [&](const auto& each) { return each.address == address; });
  return found == facts.listeners.end() ? nullptr : &*found;
}

bool leads_to(const ListenerFacts& listener, const std::string& pool) {
  return std::find(listener.pools.begin(), listener.pools.end(), pool) != listener.pools.end();
}

// A time limit to write: where it stands, else into the file of `pass`.
Change time_change(const FrontPass& pass, const FrontTime& limit, config::Duration value) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(value);
  const bool in_place = limit.place.line > 0 && !limit.shared;
  return {in_place ? limit.place.file : pass.place.file, in_place ? limit.place.line : 0,
          filled_in(limit.line, std::to_string(seconds.count()))};
}

std::string in_words(const FrontTime& limit) {
  return limit.name + " = " + (limit.value ? in_seconds(*limit.value) : "none");
}

// ---- past us

std::string cost_of(FrontKind kind, const FrontPass& pass) {
  const std::string name(front_kind_name(kind));
  if (!pass.kept)
    return "Each request costs a connection of its own; those for which there is no worker wait in php-fpm's "
           "backlog, in no order that anybody keeps.";
  const std::string who = pass.kept_max > 0 ? "Each process of " + name + " keeps up to " +
                                                  std::to_string(pass.kept_max) + " connections"
                                            : name + " keeps connections";
  return who +
         ", and each of them holds a worker while it is idle: who comes when all are held waits until one is "
         "dropped.";
}

void goes_past(const DoctorFacts& facts, FrontKind kind, const FrontPass& pass, const PoolFacts& pool,
               Findings& found) {
  const std::string& name = pool.pool.name;
  const auto listener = std::find_if(facts.listeners.begin(), facts.listeners.end(),
                                     [&name](const auto& each) { return leads_to(each, name); });
  const std::string what = place_text(pass.place) + " speaks to php-fpm of pool " + name + ", past holdfast";
  const std::string why =
      "What it asks comes on top of max_connections: " + std::to_string(pool.pool.max_connections) +
      " and takes the same workers; nobody bounds or queues it. " + cost_of(kind, pass);
  if (listener == facts.listeners.end()) {
    found.add(FindingSeverity::info, "front_past", what,
              why +
                  " A listener for FastCGI, with the web server's line leading there, puts it behind the "
                  "same ceiling.",
              {own_change(facts, "listen", "{ fastcgi: unix:/run/holdfast/php.sock, pool: " + name + " }")});
    return;
  }
  found.add(FindingSeverity::warning, "front_past", what, why,
            {Change{pass.address_place.file, pass.address_place.line,
                    filled_in(pass.address_line, front_address(kind, listener->address))}});
}

// ---- to us

struct Waits {
  config::Duration queue{};  // the longest of the listener's pools
  config::Duration all{};    // with the first byte of the answer
};

Waits waits_of(const DoctorFacts& facts, const ListenerFacts& listener) {
  Waits waits;
  for (const PoolFacts& each : facts.pools) {
    if (!leads_to(listener, each.pool.name)) continue;
    waits.queue = std::max(waits.queue, each.pool.queue.timeout);
    waits.all = std::max(waits.all, each.pool.queue.timeout + each.pool.timeouts.first_byte);
  }
  return waits;
}

void check_read_timeout(FrontKind kind, const FrontPass& pass, const Waits& waits, Findings& found) {
  const FrontTime& limit = pass.read_timeout;
  if (!limit.understood) return;
  const std::string name(front_kind_name(kind));
  const std::string said = in_words(limit);
  const Change change = time_change(pass, limit, waits.all + std::chrono::seconds(5));  // ours is first
  if (limit.value && *limit.value <= waits.queue) {
    found.add(FindingSeverity::warning, "front_timeout",
              said + " is not longer than queue.timeout = " + in_seconds(waits.queue),
              name +
                  " gives up on those who wait for a worker: they get its 504 in place of our 503 with "
                  "Retry-After, and have lost their place in the queue.",
              {change});
  } else if (limit.value && *limit.value < waits.all) {
    found.add(FindingSeverity::info, "front_timeout",
              said + ", while queue.timeout and timeouts.first_byte come to " + in_seconds(waits.all),
              "A request that has waited, and whose script then takes its time, gets " + name +
                  "'s 504 while the script goes on.",
              {change});
  } else {
    found.ok("front_timeout", said);
  }
  if (!pass.reads_whole || !limit.value) return;
  found.add(FindingSeverity::info, "front_cut", said + " counts to the end of the answer",
            name + " cuts off a page or a download that takes longer, and ends it as if it were whole.",
            {Change{limit.place.file, limit.place.line,
                    "(without " + limit.name + "; holdfast has timeouts.idle_read)"}});
}

void check_upload(FrontKind kind, const FrontPass& pass, Findings& found) {
  if (!pass.upload.value) return;
  found.add(
      FindingSeverity::info, "front_cut", in_words(pass.upload) + " counts to the end of the upload",
      "A client that takes longer to send its body gets 504 from " + std::string(front_kind_name(kind)) + ".",
      {Change{pass.upload.place.file, pass.upload.place.line, "(without " + pass.upload.name + ")"}});
}

// What becomes of a request on a connection that we are closing.
std::string lost_at_close(FrontKind kind) {
  switch (kind) {
    case FrontKind::nginx: return "it repeats a GET, a POST gets 502.";
    case FrontKind::apache: return "it gets 503.";
    case FrontKind::haproxy:
    case FrontKind::caddy:
    case FrontKind::lighttpd: return "it gets 502.";
  }
  return "";
}

void check_kept(FrontKind kind, const FrontPass& pass, Findings& found) {
  const std::string name(front_kind_name(kind));
  const config::Duration ours = config::kFastcgiIdleTime;
  const bool late = pass.kept && !pass.idle.name.empty() && pass.idle.understood;
  const std::string why =
      "A request that " + name + " sends in the moment of the close is lost: " + lost_at_close(kind);
  if (pass.keep_conn && !pass.keepalive) {
    found.add(
        FindingSeverity::info, "front_keep", "fastcgi_keep_conn is on, without keepalive",
        "nginx keeps connections only of an upstream block with keepalive: it closes each all the same.",
        {Change{pass.address_place.line > 0 ? pass.address_place.file : pass.place.file,
                pass.address_place.line,
                "upstream php { server " + pass.addresses.front().text() + "; keepalive 8; }"}});
  } else if (!pass.keep_conn && pass.keepalive) {
    found.add(FindingSeverity::info, "front_keep", "keepalive, without fastcgi_keep_conn on",
              "Each request asks that its connection be closed, so none is kept.",
              {Change{pass.place.file, 0, "fastcgi_keep_conn on;"}});
  } else if (late && pass.idle.value && *pass.idle.value >= ours) {
    found.add(FindingSeverity::warning, "front_keep",
              in_words(pass.idle) + ", holdfast closes after " + in_seconds(ours), why,
              {time_change(pass, pass.idle, std::chrono::seconds(60))});
  } else if (late && !pass.idle.value) {
    found.add(
        FindingSeverity::info, "front_keep",
        "connections are kept without " + pass.idle.name + ", holdfast closes after " + in_seconds(ours), why,
        {time_change(pass, pass.idle, std::chrono::seconds(60))});
  } else {
    found.ok("front_keep", pass.kept ? "connections are kept" : "a connection a request");
  }
}

void check_body(FrontKind kind, const FrontPass& pass, const ListenerFacts& listener, Findings& found) {
  if (!pass.body_max.bytes || *pass.body_max.bytes <= listener.body_max) return;
  found.add(FindingSeverity::info, "front_body",
            pass.body_max.name + " = " + grouped(*pass.body_max.bytes) + " bytes, holdfast takes " +
                grouped(listener.body_max),
            "A body between the two is taken by " + std::string(front_kind_name(kind)) +
                ", and then refused with 413.",
            {Change{pass.body_max.place.file, pass.body_max.place.line,
                    pass.body_max.name + ": at most " + std::to_string(listener.body_max)}});
}

void check_socket(const DoctorFacts& facts, const FrontFacts& front, const ListenerFacts& listener,
                  Findings& found) {
  const auto& file = listener.socket_file;
  if (!front.account || !file || file->stat_errno != 0 || !file->is_socket) return;
  const std::string address = listener.address.text();
  if (may_connect(*front.account, *file)) {
    found.ok("front_socket", front.account->user + " may connect to " + address);
    return;
  }
  found.add(FindingSeverity::error, "front_socket",
            front.account->user + " may not connect to " + address + ", which is " + file->owner + ":" +
                file->group,
            front.config.kind == FrontKind::nginx
                ? "nginx answers 502, and its log says \"13: Permission denied\"."
                : std::string(front_kind_name(front.config.kind)) +
                      " answers with an error of its own to each request.",
            {own_change(facts, "listen",
                        "{ fastcgi: " + address + ", pool: " + listener.pools.front() +
                            ", group: " + front.group + " }")});
}

void check_chroot(const DoctorFacts& facts, const FrontFacts& front, const ListenerFacts& listener,
                  Findings& found) {
  const FrontPlace& place = front.config.chroot_place;
  const std::string inside = front.config.chroot + listener.address.path;
  found.add(
      FindingSeverity::error, "front_chroot",
      place_text(place) + " shuts it into " + front.config.chroot + ": it looks for " + inside,
      "The socket lies at " + listener.address.path + ", where it cannot reach; each request gets an error.",
      {own_change(facts, "listen", "{ fastcgi: 127.0.0.1:9001, pool: " + listener.pools.front() + " }"),
       own_change(facts, "listen",
                  "{ fastcgi: unix:" + inside + ", pool: " + listener.pools.front() + " }")});
}

// One web server.
class FrontCheck {
 public:
  FrontCheck(const DoctorFacts& facts, const FrontFacts& front, std::vector<Finding>& out)
      : facts_(facts),
        front_(front),
        kind_(front.config.kind),
        found_(out, front.state == FrontFacts::State::unknown ? "web server"
                                                              : std::string(front_kind_name(kind_))) {}

  void run() {
    if (is_unreadable()) return;
    for (const FrontPass& pass : front_.config.passes) check(pass);
    tell_unclear();
    if (any_ || !front_.asked || facts_.listeners.empty()) return;
    found_.add(FindingSeverity::info, "front",
               "nothing in " + front_.file + " leads to holdfast or to a pool of it" +
                   (front_.config.unclear.empty() ? "" : ", as far as it can be read"),
               std::string(front_kind_name(kind_)) + " asks neither for anything.",
               {Change{front_.file, 0,
                       filled_in(usual_line(), front_address(kind_, facts_.listeners.front().address))}});
  }

 private:
  bool is_unreadable() {
    const auto& problems = front_.config.problems;
    std::string what;
    switch (front_.state) {
      case FrontFacts::State::unreadable: what = front_.file + " cannot be read"; break;
      case FrontFacts::State::unknown:
        what = front_.file +
               " is none of nginx's, Apache's, HAProxy's, lighttpd's, nor a Caddyfile, as far as it shows";
        break;
      case FrontFacts::State::read:
        if (problems.empty()) return false;
        what = place_text({problems[0].file, problems[0].line}) + ": " + problems[0].text;
        break;
    }
    found_.add(FindingSeverity::warning, "front", what,
               "Whether it speaks to holdfast, or past it, is not known.", {});
    return true;
  }

  void check(const FrontPass& pass) {
    for (const config::Address& address : pass.addresses) {
      if (const ListenerFacts* const listener = listener_at(facts_, address)) {
        any_ = true;
        if (told_.insert(key_of(pass, address)).second) speaks_to(pass, *listener);
        continue;
      }
      const auto pool = std::find_if(facts_.pools.begin(), facts_.pools.end(),
                                     [&](const auto& each) { return each.pool.address == address; });
      if (pool == facts_.pools.end()) continue;
      any_ = true;
      goes_past(facts_, kind_, pass, *pool, found_);
    }
  }

  void speaks_to(const FrontPass& pass, const ListenerFacts& listener) {
    if (pass.spawns.line > 0) return check_front_kind(facts_, kind_, pass, listener, found_);
    if (pass.outside_chroot) return check_chroot(facts_, front_, listener, found_);
    found_.ok("front", place_text(pass.place) + " speaks to " + listener.address.text());
    check_read_timeout(kind_, pass, waits_of(facts_, listener), found_);
    check_upload(kind_, pass, found_);
    check_kept(kind_, pass, found_);
    check_body(kind_, pass, listener, found_);
    check_front_kind(facts_, kind_, pass, listener, found_);
    if (told_.insert(listener.address.text()).second) check_socket(facts_, front_, listener, found_);
  }

  // Many places pass on alike.
  static std::string key_of(const FrontPass& pass, const config::Address& address) {
    const bool elsewhere =
        pass.address_place.file != pass.place.file || pass.address_place.line != pass.place.line;
    return address.text() + " " + place_text(pass.read_timeout.place) + " " +
           (elsewhere || pass.haproxy || pass.spawns.line > 0 ? place_text(pass.address_place) : "") +
           (pass.kept ? " kept" : "") + (pass.keep_conn ? " keep_conn" : "");
  }

  void tell_unclear() {
    if (!front_.asked && !any_) return;
    const auto& unclear = front_.config.unclear;
    for (std::size_t i = 0; i < std::min(unclear.size(), kUnclearMax); ++i) {
      const bool last = i + 1 == kUnclearMax && unclear.size() > kUnclearMax;
      found_.add(FindingSeverity::info, "front_unclear",
                 place_text({unclear[i].file, unclear[i].line}) + ": " + unclear[i].text +
                     (last ? " (and " + std::to_string(unclear.size() - kUnclearMax) + " places more)" : ""),
                 "That was not judged.", {});
    }
  }

  std::string_view usual_line() const {
    switch (kind_) {
      case FrontKind::nginx: return "fastcgi_pass <>;";
      case FrontKind::apache: return "SetHandler \"proxy:<>\"";
      case FrontKind::haproxy: return "server php <> proto fcgi";
      case FrontKind::caddy: return "php_fastcgi <>";
      case FrontKind::lighttpd:
        return "fastcgi.server = (\".php\" => ((<>, \"broken-scriptfilename\" => \"enable\")))";
    }
    return "";
  }

  const DoctorFacts& facts_;
  const FrontFacts& front_;
  FrontKind kind_;
  Findings found_;
  std::set<std::string> told_;
  bool any_ = false;
};

}  // namespace

std::string place_text(const FrontPlace& place) {
  return place.file + ":" + std::to_string(place.line);
}

void check_front(const DoctorFacts& facts, std::vector<Finding>& out) {
  for (const FrontFacts& front : facts.fronts) FrontCheck(facts, front, out).run();
}

}  // namespace holdfast
