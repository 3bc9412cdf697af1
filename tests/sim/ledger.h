// What was asked, what ran and what was answered: one line a request, known by its tag. The tag goes to php
// in the query and, for bodies, at their start; php's answer carries it back. All that must hold of requests
// as a whole is checked here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "universe.h"
#include "wish.h"

namespace holdfast::sim {

enum class Outcome { none, answered, error_page, cut, closed_before, left, not_sent };
std::string_view outcome_name(Outcome outcome);

struct Request {
  Wish wish = Wish::script;
  std::string method = "GET";
  std::size_t body_bytes = 0;
  std::size_t answer_bytes = 0;
  bool length_told = true;  // php sends Content-Length
  bool streamed = false;    // php sends X-Accel-Buffering: no
  bool last_of_client = false;
  bool may_close = false;  // its answer may say Connection: close although it is 200
  bool own = false;        // for a host that no site has: the proxy answers by itself, 421
  bool too_long = false;   // over the site's max_body: 413 is right
  bool http_1_0 = false;
  bool takes_gzip = false;
  bool came_gzip = false;  // its answer, or what there was of it
  std::size_t file = 0;    // of SiteFolder
  FileAsk ask = FileAsk::whole;
  std::size_t first = 0;  // ask part and parts: bytes, both included
  std::size_t last = 0;
  Time asked = Time::max();         // its first byte may have been on its way
  std::size_t answered_before = 0;  // of all requests to sites, when it was asked
  bool excused = false;             // what it asked for was not there, or not all the while
  int executed = 0;
  bool disturbed = false;       // the worker that ran it died, hung or was restarted
  bool close_was_told = false;  // an earlier answer on its connection said Connection: close
  Outcome outcome = Outcome::none;
  int status = 0;

  bool repeatable() const { return method != "POST"; }
};

class Ledger {
 public:
  explicit Ledger(Universe& universe) : universe_(universe) {}

  std::size_t add(Request request) {
    requests_.push_back(std::move(request));
    return requests_.size() - 1;
  }
  Request& at(std::size_t tag) { return requests_[tag]; }
  const Request& at(std::size_t tag) const { return requests_[tag]; }
  std::size_t size() const { return requests_.size(); }

  // php starts a script. False: no such tag (noted as a failure).
  bool start_script(std::string_view tag_text, std::size_t& tag);
  void end(std::size_t tag, Outcome outcome, int status);

  struct Rules {
    bool all_answered = false;  // no fault in this run: each request of a client that stayed got its answer
    // A worker of a generic application that closes looks like one that died in the script: a POST that was on
    // its way is not tried again, a GET once.
    bool ends_tell_nothing = false;
    bool repeatable_answered = false;  // php was restarted once: that is no reason to lose a GET
    bool gets_answered = false;        // whoever asks without a body, and reads, is answered
    bool cuts_allowed = false;
    bool closes_allowed = false;
  };
  void check_at_end(const Rules& rules);
  std::size_t count(Outcome outcome, int status = 0) const;
  const std::vector<Request>& requests() const { return requests_; }
  // Requests to sites: those that were asked, and those of them that got their answer.
  std::size_t asked() const { return asked_; }
  std::size_t answered() const { return answered_; }
  void note_asked(std::size_t tag);

  static std::string tag_text(std::size_t tag) { return "t" + std::to_string(tag) + "."; }
  static std::string answer(std::size_t tag, std::size_t from, std::size_t bytes);
  static std::string body(std::size_t tag, std::size_t bytes);

 private:
  void check_one(std::size_t tag, const Rules& rules);

  Universe& universe_;
  std::vector<Request> requests_;
  std::size_t asked_ = 0;
  std::size_t answered_ = 0;
};

}  // namespace holdfast::sim
