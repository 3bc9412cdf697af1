// See web_server.h.
#include "web_server.h"

#include <algorithm>
#include <utility>

#include "fcgi_wire.h"

namespace holdfast::sim {

using namespace std::chrono_literals;

namespace {
constexpr int kAbort = 2;

std::string pair_of(std::string_view name, std::string_view value) {
  std::string out;
  for (const std::size_t size : {name.size(), value.size()}) {
    if (size >= 128) {
      out += static_cast<char>(0x80 | size >> 24);
      for (const int shift : {16, 8, 0}) out += static_cast<char>(size >> shift & 0xff);
    } else {
      out += static_cast<char>(size);
    }
  }
  return out.append(name).append(value);
}
}  // namespace

WebServer::WebServer(Universe& universe, Ledger& ledger, FakeNetwork& network, WebServerPlan plan,
                     std::string name)
    : universe_(universe),
      ledger_(ledger),
      network_(network),
      plan_(std::move(plan)),
      name_(std::move(name)) {
  for (const Request& request : plan_.requests) tags_.push_back(ledger_.add(request));
  due_ = plan_.arrives;
}

void WebServer::step() {
  due_ = Time::max();
  if (state_ == State::coming) connect();
  if (state_ == State::talking) receive();
  if (state_ == State::talking) ask();
  if (state_ == State::talking) send();
  if (state_ == State::talking) set_due();
}

void WebServer::connect() {
  link_ = network_.dial(name_, kWebServerPath);
  if (!link_) {
    go(Outcome::not_sent);
    return;
  }
  link_->set_peer(this);
  state_ = State::talking;
  next_read_ = next_write_ = universe_.now;
}

// ---- reading

void WebServer::receive() {
  if (universe_.now < next_read_) return;
  if (link_->peer_readable() > 0) {
    in_ += link_->peer_take(std::min(link_->peer_readable(), universe_.random.between(1, plan_.read_most)));
    next_read_ = universe_.now + universe_.random.time(0us, plan_.read_pause);
    take_records();
  }
  if (state_ == State::talking && link_->peer_sees_end()) on_end();
}

void WebServer::take_records() {
  while (in_.size() >= 8 && state_ == State::talking) {
    const wire::Header next = wire::header(in_);
    if (in_ == std::string(8, '\0')) {  // an answer is cut, and the connection's end comes next
      in_.clear();
      universe_.require(!std::exchange(told_cut_, true) && open_.size() == 1,
                        name_ + " is told of a cut in the midst of others");
      return;
    }
    universe_.require(next.version == 1, name_ + " gets a record of version " + std::to_string(next.version));
    const std::size_t size = 8 + next.content + next.padding;
    if (in_.size() < size) return;
    const std::string content = in_.substr(8, next.content);
    in_.erase(0, size);
    take_record(next.type, next.id, content);
  }
}

void WebServer::take_record(int type, int id, std::string_view content) {
  const auto found = open_.find(id);
  if (found == open_.end()) {
    universe_.fail(name_ + " gets a record of a request that is not open: " + std::to_string(id));
    return;
  }
  Open& open = found->second;
  universe_.trace(name_, "record " + std::to_string(type) + " of " + Ledger::tag_text(open.tag) + ", " +
                             std::to_string(content.size()) + " bytes");
  switch (type) {
    case wire::kStdout:
      universe_.require(!open.out_ended, "STDOUT behind its end");
      open.out_ended = content.empty();
      open.answer += content;
      return;
    case wire::kStderr: universe_.require(!open.answer.empty(), "STDERR before the head"); return;
    case wire::kEnd: {
      universe_.require(content.size() == 8 && content[4] == 0, "END_REQUEST is not that of a request done");
      const bool cut = content[3] != 0;
      if (open.aborted) {
        ledger_.end(open.tag, Outcome::left, 0);
      } else {
        judge(open, cut);
      }
      open_.erase(found);
      const bool all = open_.empty() && asked_ == tags_.size();
      if (all && plan_.keeps) go(Outcome::none);
      return;
    }
    default: universe_.fail(name_ + " gets a record of type " + std::to_string(type));
  }
}

void WebServer::judge(const Open& open, bool cut) {
  const Request& request = ledger_.at(open.tag);
  const std::size_t end = open.answer.find("\r\n\r\n");
  if (end == std::string::npos) {
    universe_.fail("no head: " + Ledger::tag_text(open.tag) + ": " + open.answer.substr(0, 80));
    return;
  }
  const std::string head = "\r\n" + open.answer.substr(0, end + 2);
  const std::string body = open.answer.substr(end + 4);
  const bool of_php = head.find("\r\nX-Tag: " + Ledger::tag_text(open.tag) + "\r\n") != std::string::npos;
  universe_.require(of_php || head.find("X-Tag") == std::string::npos,
                    "the answer to another request: " + Ledger::tag_text(open.tag));
  if (!of_php) {
    const std::size_t at = head.find("\r\nStatus: ");
    ledger_.end(open.tag, Outcome::error_page,
                at == std::string::npos ? 200 : std::stoi(head.substr(at + 10)));
    return;
  }
  const std::string whole =
      request.method == "HEAD" ? std::string() : Ledger::answer(open.tag, 0, request.answer_bytes);
  universe_.require(whole.starts_with(body), "wrong bytes in " + Ledger::tag_text(open.tag));
  universe_.require(cut || open.out_ended, "no end of STDOUT: " + Ledger::tag_text(open.tag));
  if (cut || body.size() < whole.size()) {
    ledger_.end(open.tag, Outcome::cut, 200);
  } else {
    ledger_.end(open.tag, Outcome::answered, 200);
  }
}

// The proxy closed: in order behind its last answer, or for what it could not answer.
void WebServer::on_end() {
  // Only the connection's end can tell that an answer is cut: one that was just sent ends with it.
  const bool cut =
      std::any_of(open_.begin(), open_.end(), [](const auto& each) { return !each.second.answer.empty(); });
  for (const auto& [id, open] : open_) ledger_.at(open.tag).close_was_told |= cut;
  for (auto& [id, open] : open_) {
    if (open.aborted) {
      ledger_.end(open.tag, Outcome::left, 0);
    } else {
      ledger_.end(open.tag, open.answer.empty() ? Outcome::closed_before : Outcome::cut, 0);
    }
  }
  open_.clear();
  go(Outcome::closed_before);
}

// ---- writing

void WebServer::ask() {
  while (asked_ < tags_.size() && open_.size() < plan_.at_once) {
    const int id = ++last_id_;
    Open& open = open_[id];
    open.tag = tags_[asked_++];
    write_request(open, id);
  }
}

void WebServer::write_request(Open& open, int id) {
  Random& random = universe_.random;
  const Request& request = ledger_.at(open.tag);
  const std::string tag = Ledger::tag_text(open.tag);
  const std::string body =
      request.body_bytes > 0 ? Ledger::body(open.tag, request.body_bytes) : std::string();
  std::string params = pair_of("QUERY_STRING", "tag=" + tag) + pair_of("REQUEST_METHOD", request.method) +
                       pair_of("SCRIPT_NAME", "/x.php") + pair_of("SCRIPT_FILENAME", "/sim/x.php") +
                       pair_of("REQUEST_URI", "/x.php?tag=" + tag) + pair_of("HTTP_HOST", "example.com") +
                       pair_of("REMOTE_ADDR", "192.0.2." + std::to_string(random.between(1, 5)));
  switch (random.below(3)) {
    case 0: params += pair_of("CONTENT_LENGTH", std::to_string(body.size())); break;
    case 1: params += pair_of("CONTENT_LENGTH", body.empty() ? "" : "-1"); break;
    default: break;
  }
  if (random.chance(20)) params += pair_of("FILLER", std::string(random.below(9000), 'f'));
  const auto add = [&](int type, std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t size = random.between(1, std::min<std::size_t>(bytes.size(), 8000));
      open.records.push_back(wire::record(type, id, bytes.substr(0, size), random.below(9)));
      bytes.remove_prefix(size);
    }
    open.records.push_back(wire::record(type, id, {}));
  };
  open.records.push_back(
      wire::record(wire::kBegin, id, {plan_.keeps ? "\0\1\1\0\0\0\0\0" : "\0\1\0\0\0\0\0\0", 8}));
  add(wire::kParams, params);
  add(wire::kStdin, body);
  if (!random.chance(plan_.aborts_percent)) return;
  open.records.resize(random.between(1, open.records.size()));
  open.records.push_back(wire::record(kAbort, id, {}));
}

void WebServer::send() {
  Random& random = universe_.random;
  if (universe_.now < next_write_) return;
  if (out_.empty()) {
    std::vector<int> sending;
    for (auto& [id, open] : open_) {
      if (!open.records.empty()) sending.push_back(id);
    }
    if (!sending.empty()) {
      Open& open = open_[sending[random.below(sending.size())]];
      out_ = std::move(open.records.front());
      open.records.pop_front();
      open.aborted = wire::header(out_).type == kAbort;
    }
  }
  if (!out_.empty()) {
    const std::size_t room = std::min(link_->peer_room(), out_.size());
    const std::size_t part = std::min(room, random.between(1, plan_.write_most));
    link_->peer_send(std::string_view(out_).substr(0, part));
    out_.erase(0, part);
    sent_ += part;
    next_write_ = universe_.now + random.time(0us, plan_.write_pause);
  }
  if (!plan_.leaves || sent_ < plan_.leave_after_sent) return;
  universe_.trace(name_, plan_.by_reset ? "resets" : "leaves");
  if (plan_.by_reset) link_->peer_reset();
  go(Outcome::left);
}

void WebServer::go(Outcome for_open) {
  if (link_) link_->peer_close();
  for (const auto& [id, open] : open_) ledger_.end(open.tag, open.aborted ? Outcome::left : for_open, 0);
  open_.clear();
  for (; asked_ < tags_.size(); ++asked_) ledger_.end(tags_[asked_], Outcome::not_sent, 0);
  state_ = State::gone;
  due_ = Time::max();
}

void WebServer::set_due() {
  if (link_->peer_readable() > 0 || link_->peer_sees_end()) due_ = std::min(due_, next_read_);
  const bool has_more = !out_.empty() || std::any_of(open_.begin(), open_.end(), [](const auto& each) {
    return !each.second.records.empty();
  });
  if (has_more && link_->peer_room() > 0) due_ = std::min(due_, next_write_);
  due_ = std::max(due_, universe_.now + 1us);
}

}  // namespace holdfast::sim
