// What a worker's script does: drawn by chance, written out as a plan of outputs, and carried out in time.
#include <algorithm>

#include "php_app.h"
#include "php_worker.h"
#include "site_folder.h"

namespace holdfast::sim {

using namespace std::chrono_literals;

void PhpWorker::start_script(bool body_cut) {
  Universe& universe = app_.universe();
  state_ = State::running;
  plan_.clear();
  plan_at_ = 0;
  const std::string query = params_["QUERY_STRING"];
  if (!app_.ledger().start_script(std::string_view(query).substr(query.find('=') + 1), tag_)) return;
  Request& request = app_.ledger().at(tag_);
  universe.trace(name_, "runs " + Ledger::tag_text(tag_) + " " + request.method + " id " +
                            std::to_string(id_) + (body_cut ? ", body cut" : ""));
  universe.require(params_["REQUEST_METHOD"] == request.method, "php got another method");
  check_place(request);
  if (!body_cut && !early_) {
    const std::string expected =
        request.body_bytes > 0 ? Ledger::body(tag_, request.body_bytes) : std::string();
    universe.require(body_ == expected, "php got another body: " + Ledger::tag_text(tag_));
  }
  plan_script(tag_);
  next_output_ = universe.now + (plan_.empty() ? Duration{} : plan_.front().after);
  rest(universe.now);
}

// Is this the application, the site and the script that configurations of late would have chosen? The site is
// chosen by the head; the application behind its pool when the body has come too.
void PhpWorker::check_place(const Request& request) {
  const House& house = app_.house();
  const bool chosen = house.any_since(request, [&](const House::State& by_head) {
    if (params_["SITE"] != House::param_of(House::place_of(by_head, request.wish))) return false;
    const House::Pool pool = House::pool_of(by_head, request.wish);
    return house.any_since(
        request, [&](const House::State& by_body) { return House::is_behind(by_body, pool, app_.number()); });
  });
  app_.universe().require(chosen, name_ + " was given what is not for it: " + Ledger::tag_text(tag_));
  // Who waits when the pool gets another address goes over to that one; what has begun ends here.
  const std::optional<Time> left = house.left_since(app_.number());
  app_.universe().require(
      app_.knobs().may_start_late || !left || app_.universe().now - *left < 1s || request.executed > 1,
      name_ + " is given " + Ledger::tag_text(tag_) + " although its pool has gone elsewhere");
  app_.universe().require(params_["SCRIPT_NAME"] == House::script_of(request.wish), "php got another script");
}

std::string PhpWorker::stdout_records(std::string_view bytes) {
  Random& random = app_.universe().random;
  std::string out;
  while (!bytes.empty()) {
    std::size_t size = std::min<std::size_t>(bytes.size(), 65528);
    if (random.chance(40)) size = random.between(1, std::min<std::size_t>(size, 8184));
    out +=
        wire::record(wire::kStdout, id_, bytes.substr(0, size), random.below(app_.knobs().padding_most + 1));
    bytes.remove_prefix(size);
  }
  return out;
}

void PhpWorker::plan_script(std::size_t tag) {
  Random& random = app_.universe().random;
  const AppKnobs& knobs = app_.knobs();
  Request& request = app_.ledger().at(tag);
  const bool faults = app_.faults_on();
  const auto when_on = [faults](unsigned weight) { return faults ? weight : 0; };
  const std::size_t pause = static_cast<std::size_t>(knobs.slow_most.count());
  switch (random.weighted({knobs.prompt, knobs.slow, knobs.stderr_first, when_on(knobs.runs_on),
                           when_on(knobs.dies), when_on(knobs.dies_midway), when_on(knobs.hangs),
                           when_on(knobs.not_cgi), when_on(knobs.stalls), when_on(knobs.zombies)})) {
    case 0: plan_page(tag, Page::whole); break;
    case 1:
      plan_.push_back({.after = Duration(static_cast<Duration::rep>(random.below(pause))), .bytes = {}});
      plan_page(tag, Page::whole);
      break;
    case 2: {
      const std::string text(random.chance(10) ? 40000 : random.between(1, 300), '!');
      plan_.push_back({.after = random.time(0us, 200us), .bytes = wire::record(wire::kStderr, id_, text, 3)});
      plan_page(tag, Page::whole);
      break;
    }
    case 3:  // fastcgi_finish_request(): the request ends, the script runs on, and may still print
      plan_page(tag, Page::whole);
      plan_.push_back({.after = random.time(0us, knobs.run_on_most), .bytes = {}});
      if (random.chance(60)) plan_.back().bytes = stdout_records("stray output of " + Ledger::tag_text(tag));
      break;
    case 4:
      request.disturbed = true;
      plan_.push_back({.after = random.time(0us, 20ms), .bytes = {}, .dies = true});
      break;
    case 5:
      request.disturbed = true;
      plan_page(tag, Page::cut);
      plan_.push_back({.after = random.time(0us, 5ms), .bytes = {}, .dies = true});
      break;
    case 6:
      request.disturbed = true;
      plan_.push_back({.after = knobs.hang, .bytes = {}});
      plan_page(tag, Page::whole);
      break;
    case 7: plan_nonsense(); break;
    case 8: plan_stall(tag); break;
    case 9:  // before or after its answer
      request.disturbed = true;
      if (random.chance(70)) plan_page(tag, Page::whole);
      plan_.push_back({.after = random.time(0us, 20ms), .bytes = {}, .is_lost = true});
      break;
  }
  // The end of the script, and what follows END_REQUEST by 10 to 130 us (php-fpm.md 8.2).
  plan_.push_back({.after = random.time(10us, 150us), .bytes = {}});
}

void PhpWorker::plan_nonsense() {
  Random& random = app_.universe().random;
  app_.ledger().at(tag_).disturbed = true;
  const std::vector<std::string> nonsense = {
      wire::record(wire::kStdout, id_, "this is no head\r\n\r\nbody") + wire::end_request(id_),
      wire::end_request(id_), wire::record(wire::kStdout, id_ + 1, "X: y\r\n\r\nother"),
      wire::record(wire::kStdout, id_, "Status: 500\r\n\r\nx") + wire::end_request(id_) +
          wire::end_request(id_),
      std::string("HTTP/1.1 200 OK\r\n\r\n")};
  plan_.push_back({.after = random.time(0us, 1ms),
                   .bytes = nonsense[random.below(nonsense.size())],
                   .dies = random.chance(30),
                   .ends_request = true});
}

// Stops inside its answer, or in the padding behind END_REQUEST, and goes on much later.
void PhpWorker::plan_stall(std::size_t tag) {
  Random& random = app_.universe().random;
  app_.ledger().at(tag).disturbed = true;
  plan_page(tag, random.chance(50) ? Page::cut : Page::end_cut);
  plan_.push_back({.after = app_.knobs().hang, .bytes = {}, .dies = true});
}

void PhpWorker::plan_page(std::size_t tag, Page kind) {
  Random& random = app_.universe().random;
  const Request& request = app_.ledger().at(tag);
  std::string page = random.chance(20) ? "Status: 200 OK\r\n" : "";
  page += "Content-Type: text/plain\r\nX-Tag: " + Ledger::tag_text(tag) +
          "\r\nX-Length: " + std::to_string(request.answer_bytes) + "\r\n";
  if (request.length_told) page += "Content-Length: " + std::to_string(request.answer_bytes) + "\r\n";
  if (request.streamed) page += "X-Accel-Buffering: no\r\n";
  if (request.wish == Wish::handed_over) {
    const std::string_view name = SiteFolder::get().files()[request.file].name;
    page += "X-Accel-Redirect: /internal/" + std::string(name) + "\r\n";
  }
  // Mistakes that must not cost the page; by the tag, so that a seed's course stays what it was.
  switch (tag % 9) {
    case 0: page += "no colon\r\nX(: y\r\nContent-Length: many\r\n"; break;
    case 1: page = "Status: 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + page; break;
    case 2: page += "X-Accel-Expires: 60\r\n"; break;
    default: break;
  }
  page += "\r\n";
  if (request.method != "HEAD") page += Ledger::answer(tag, 0, request.answer_bytes);
  if (kind == Page::cut) page.resize(random.below(page.size()));
  std::string bytes = stdout_records(page);
  if (kind == Page::whole) bytes += wire::end_request(id_);
  if (kind == Page::end_cut) bytes += wire::end_request(id_, 9).substr(0, random.between(1, 24));
  // In one write, or in pieces at any byte. The last one holds a byte: a script that goes on after
  // END_REQUEST is another case.
  const std::size_t pieces = random.chance(50) ? 1 : random.between(2, 5);
  for (std::size_t piece = 1; piece <= pieces; ++piece) {
    const std::size_t size = piece == pieces ? bytes.size() : random.below(bytes.size());
    plan_.push_back({.after = random.time(0us, piece == 1 ? 500us : 20ms), .bytes = bytes.substr(0, size)});
    bytes.erase(0, size);
  }
  plan_.back().ends_request = kind == Page::whole;
}

void PhpWorker::run() {
  Universe& universe = app_.universe();
  for (;;) {
    if (!out_.empty()) {
      const std::size_t room = std::min(link_->peer_room(), out_.size());
      if (room == 0) return;  // poked when the proxy has read
      const std::size_t part = universe.random.chance(20) ? universe.random.between(1, room) : room;
      link_->peer_send(std::string_view(out_).substr(0, part));
      out_.erase(0, part);
      if (!out_.empty()) {
        rest(universe.now + universe.random.time(0us, 200us));
        return;
      }
      if (plan_at_ > 0 && plan_[plan_at_ - 1].ends_request) request_open_ = false;
    }
    if (plan_at_ > 0 && plan_[plan_at_ - 1].is_lost) {
      universe.trace(name_, "is lost with its connection open");
      link_->set_peer(nullptr);
      app_.keep_open(std::move(link_));
      die();
      return;
    }
    if (plan_at_ > 0 && plan_[plan_at_ - 1].dies) {
      die();
      return;
    }
    if (plan_at_ == plan_.size()) {
      script_ended();
      return;
    }
    if (universe.now < next_output_) {
      rest(next_output_);
      return;
    }
    out_ = plan_[plan_at_++].bytes;
    if (plan_at_ < plan_.size()) next_output_ = universe.now + plan_[plan_at_].after;
  }
}

void PhpWorker::script_ended() {
  Universe& universe = app_.universe();
  request_open_ = false;
  ++requests_;
  plan_.clear();
  plan_at_ = 0;
  const std::size_t most = app_.knobs().max_requests;
  if (stopping_) {
    die();
  } else if (!keep_ || (most > 0 && requests_ >= most)) {
    finish_in_order();
  } else {
    state_ = State::reading;
    rest(universe.now);
  }
}

}  // namespace holdfast::sim
