// A worker's connection and its reading. What scripts do is in php_script.cpp.
#include "php_worker.h"

#include <algorithm>
#include <cstdlib>

#include "php_app.h"

namespace holdfast::sim {

using namespace std::chrono_literals;

namespace {
// fcgi_accept_request(): a new connection that says nothing is closed after this (php-fpm.md 1.2).
constexpr Duration kSilentMost = 5s;
// So that the proxy's first question has to wait, and shows it that php-fpm is busy.
constexpr Duration kElsewhereLeast = 50ms;
}  // namespace

PhpWorker::PhpWorker(PhpApp& app, std::string name) : app_(app), name_(std::move(name)) {
  due_ = app_.universe().now;
  if (app_.knobs().forking != Forking::at_start) {
    state_ = State::unborn;
    due_ = Time::max();
    if (app_.knobs().forking == Forking::late)
      due_ = app_.universe().now + app_.universe().random.time(0us, app_.knobs().fork_most);
  }
  if (app_.knobs().elsewhere_most == Duration{}) return;
  state_ = State::elsewhere;
  due_ += app_.universe().random.time(kElsewhereLeast, app_.knobs().elsewhere_most);
}

bool PhpWorker::is_free_soon() const {
  switch (state_) {
    case State::starting:
    case State::free: return true;
    case State::reading:
    case State::finishing: return link_->proxy_closed();
    case State::elsewhere:
    case State::unborn:
    case State::running: return false;
  }
  return false;
}

void PhpWorker::fork() {
  app_.universe().trace(name_, "is forked");
  state_ = State::starting;
  rest(app_.universe().now + app_.universe().random.time(500us, 20ms));
}

void PhpWorker::step() {
  due_ = Time::max();
  if (stopping_ && state_ == State::free) die();
  switch (state_) {
    case State::elsewhere:
      app_.universe().trace(name_, "comes back from others");
      state_ = State::free;
      accept();
      return;
    case State::unborn: fork(); return;
    case State::starting:
      if (app_.universe().now < app_.back_at()) {
        rest(app_.back_at());
        return;
      }
      state_ = State::free;
      requests_ = 0;
      [[fallthrough]];
    case State::free: accept(); return;
    case State::reading: read(); return;
    case State::running: run(); return;
    case State::finishing:
      link_->peer_take(link_->peer_readable());
      if (link_->peer_sees_end()) {
        check_promptness();
        drop_link();
        state_ = State::starting;
        rest(app_.universe().now + app_.universe().random.time(200us, 2ms));
      }
      return;
  }
}

void PhpWorker::accept() {
  link_ = app_.take_from_backlog();
  if (!link_) return;  // poked when somebody connects
  app_.universe().trace(name_, "accepts " + link_->name());
  link_->set_peer(this);
  state_ = State::reading;
  accepted_ = app_.universe().now;
  anything_read_ = request_open_ = false;
  in_.clear();
  id_ = 0;
  reads_on_at_ = {};
  rest(app_.universe().now + app_.universe().random.time(0us, 100us));
}

bool PhpWorker::fill(std::size_t bytes) {
  if (in_.size() < bytes) {
    const std::string more = link_->peer_take(std::min(bytes - in_.size(), link_->peer_readable()));
    anything_read_ = anything_read_ || !more.empty();
    in_ += more;
  }
  return in_.size() >= bytes;
}

void PhpWorker::read() {
  if (app_.universe().now < reads_on_at_) {
    rest(reads_on_at_);
    return;
  }
  while (state_ == State::reading) {
    if (!fill(8)) break;
    const wire::Header header = wire::header(in_);
    const std::size_t whole = 8 + header.content + header.padding;
    if (!fill(whole)) break;
    const std::string content = in_.substr(8, header.content);
    in_.clear();
    if (!take_record(header, content)) return;
  }
  if (state_ != State::reading) return;
  if (link_->peer_sees_end()) {
    read_on_end();
  } else if (!anything_read_) {
    if (app_.universe().now - accepted_ >= kSilentMost) {
      app_.universe().trace(name_, "closes a silent connection");
      drop_link();
      state_ = State::free;
      rest(app_.universe().now);
    } else {
      rest(accepted_ + kSilentMost);
    }
  }
}

// False: reading stops here.
bool PhpWorker::take_record(const wire::Header& header, std::string_view content) {
  Universe& universe = app_.universe();
  const auto require = [&](bool holds, std::string_view what) {
    universe.require(holds, "FastCGI from the proxy: " + std::string(what));
  };
  require(header.version == 1, "version");
  require(header.content > 0 || header.padding == 0, "padding behind an empty record");
  switch (header.type) {
    case wire::kGetValues:
      require(!request_open_, "GET_VALUES in mid-request");
      require(app_.knobs().kind != AppKind::generic, "a generic application is asked for its values");
      answer_get_values();
      return state_ == State::reading;
    case wire::kBegin:
      require(!request_open_, "BEGIN_REQUEST inside a request");
      require(header.id != id_, "the id of the last request again");
      require(content.size() == 8 && wire::byte(content, 1) == 1, "BEGIN_REQUEST");
      request_open_ = true;
      params_done_ = early_ = false;
      id_ = header.id;
      keep_ = (wire::byte(content, 2) & 1) != 0;
      params_.clear();
      body_.clear();
      return true;
    case wire::kParams:
      require(request_open_ && !params_done_ && header.id == id_, "PARAMS out of place");
      require(header.content + header.padding <= 65535, "PARAMS longer than php-fpm takes");
      require(wire::read_pairs(content, params_), "a name-value pair is cut");
      if (!content.empty()) return true;
      params_done_ = true;
      content_length_ =
          static_cast<std::size_t>(std::strtoll(params_["CONTENT_LENGTH"].c_str(), nullptr, 10));
      early_ = content_length_ > 0 && universe.random.chance(app_.faults_on() ? app_.knobs().early : 0);
      if (content_length_ > 0 && !early_) {
        if (!universe.random.chance(app_.faults_on() ? app_.knobs().chokes : 0)) return true;
        reads_on_at_ = universe.now + app_.knobs().hang;
        rest(reads_on_at_);
        return false;
      }
      start_script(false);
      return false;
    case wire::kStdin:
      if (!request_open_) {
        require(content.empty() || early_, "STDIN after the request");
        return true;
      }
      require(params_done_ && header.id == id_, "STDIN out of place");
      body_ += content;
      require(body_.size() <= content_length_, "more STDIN than CONTENT_LENGTH");
      require(!content.empty(), "STDIN ends before CONTENT_LENGTH");
      if (body_.size() < content_length_) return true;
      start_script(false);
      return false;
    default: require(false, "record type " + std::to_string(header.type)); return false;
  }
}

void PhpWorker::answer_get_values() {
  Universe& universe = app_.universe();
  link_->peer_send(wire::record(wire::kResult, 0, {}));
  universe.trace(name_, "answers GET_VALUES");
  if (stopping_) {
    die();
  } else if (app_.knobs().kind == AppKind::old_php) {
    finish_in_order();
  }
}

void PhpWorker::read_on_end() {
  app_.universe().trace(name_, "sees the end of " + link_->name());
  // A body that was cut is run all the same (php-src GH-12343).
  if (request_open_ && params_done_) {
    start_script(true);
    return;
  }
  drop_link();
  request_open_ = false;
  state_ = State::free;
  rest(app_.universe().now);
}

// As after pm.max_requests: shut, read and discard until the other side closes.
void PhpWorker::finish_in_order() {
  app_.universe().trace(name_, "finishes");
  link_->peer_shut();
  state_ = State::finishing;
  finishing_since_ = app_.universe().now;
  rest(app_.universe().now);
}

// Until the proxy closes, this process is of no use to anybody (rule R5). It may take the time in which a
// reset would show, and longer only where the proxy has a reason not to read.
void PhpWorker::check_promptness() {
  if (!app_.prompt_closes_wanted() || tag_ == SIZE_MAX || app_.ledger().at(tag_).streamed) return;
  const Time since = std::max(finishing_since_, link_->proxy_read_at());
  app_.universe().require(app_.universe().now - since < 200ms, name_ + " is kept waiting for the close");
}

void PhpWorker::drop_link() {
  link_->peer_close();
  link_.reset();
  in_.clear();
  out_.clear();
}

void PhpWorker::die() {
  if (request_open_ && state_ == State::running && tag_ != SIZE_MAX) app_.ledger().at(tag_).disturbed = true;
  app_.universe().trace(name_, "exits");
  if (link_) drop_link();
  request_open_ = false;
  stopping_ = false;
  state_ = State::starting;
  rest(app_.universe().now + app_.universe().random.time(500us, 20ms));
}

void PhpWorker::stop(bool graceful) {
  if (state_ == State::unborn) return;
  if (!graceful) {
    die();
    return;
  }
  stopping_ = true;  // noticed after the next read (SA_RESTART); a free one at once
  if (state_ == State::free) rest(app_.universe().now);
}

}  // namespace holdfast::sim
