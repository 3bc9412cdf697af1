// See ledger.h.
#include "ledger.h"

#include <charconv>

namespace holdfast::sim {

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::none: return "none";
    case Outcome::answered: return "answered";
    case Outcome::error_page: return "error_page";
    case Outcome::cut: return "cut";
    case Outcome::closed_before: return "closed_before";
    case Outcome::left: return "left";
    case Outcome::not_sent: return "not_sent";
  }
  return "";
}

// Each byte depends on the tag and on its place: a piece of another answer, or a piece out of place, shows.
std::string Ledger::answer(std::size_t tag, std::size_t from, std::size_t bytes) {
  std::string out(bytes, ' ');
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::size_t at = from + i;
    out[i] = static_cast<char>('a' + (tag * 5 + at * 7 + at / 26 + at / 1021) % 26);
  }
  return out;
}

std::string Ledger::body(std::size_t tag, std::size_t bytes) {
  std::string out = tag_text(tag);
  if (out.size() < bytes) out += answer(tag + 13, out.size(), bytes - out.size());
  return out;
}

bool Ledger::start_script(std::string_view tag_text, std::size_t& tag) {
  tag = SIZE_MAX;
  if (tag_text.starts_with('t')) std::from_chars(tag_text.data() + 1, tag_text.data() + tag_text.size(), tag);
  if (tag >= requests_.size()) {
    universe_.fail("php was given a request that nobody made: " + std::string(tag_text));
    return false;
  }
  Request& request = requests_[tag];
  ++request.executed;
  universe_.require(!request.own && is_script(request.wish),
                    "php was given what is not for it: " + std::string(tag_text));
  if (!request.repeatable()) {
    universe_.require(request.executed == 1, "a POST ran twice: " + std::string(tag_text));
    universe_.require(request.outcome != Outcome::error_page || request.status >= 500,
                      "a POST ran although its client was refused: " + std::string(tag_text));
    universe_.require(request.outcome != Outcome::error_page || request.status != 503,
                      "a POST ran after its client was told 503: " + std::string(tag_text));
  }
  return true;
}

void Ledger::end(std::size_t tag, Outcome outcome, int status) {
  Request& request = requests_[tag];
  universe_.trace(tag_text(tag), std::string(outcome_name(outcome)) + " " + std::to_string(status));
  universe_.require(request.outcome == Outcome::none, "two outcomes of one request: " + tag_text(tag));
  request.outcome = outcome;
  request.status = status;
  if (outcome == Outcome::answered && is_script(request.wish))
    universe_.require(request.executed > 0, "answered but never run: " + tag_text(tag));
  if (outcome == Outcome::answered && !is_admin(request.wish)) ++answered_;
  if (outcome == Outcome::error_page && !request.repeatable() && (status == 503 || status < 500))
    universe_.require(request.executed == 0, "refused, but it had run: " + tag_text(tag));
}

void Ledger::note_asked(std::size_t tag) {
  requests_[tag].asked = universe_.now;
  requests_[tag].answered_before = answered_;
  if (!is_admin(requests_[tag].wish)) ++asked_;
}

void Ledger::check_at_end(const Rules& rules) {
  for (std::size_t tag = 0; tag < requests_.size(); ++tag) check_one(tag, rules);
}

void Ledger::check_one(std::size_t tag, const Rules& rules) {
  const Request& request = requests_[tag];
  const std::string text =
      tag_text(tag) + " (" + request.method + ", " + std::string(wish_name(request.wish)) + ", " +
      std::string(outcome_name(request.outcome)) + " " + std::to_string(request.status) + ")";
  switch (request.outcome) {
    case Outcome::none: universe_.fail("no outcome: " + text); return;
    case Outcome::answered:
    case Outcome::left:
    case Outcome::not_sent: return;
    case Outcome::error_page:
      if (request.status == 413 && request.too_long) return;
      if (request.status == 421 && request.own) return;
      if (request.excused) return;
      if (rules.ends_tell_nothing && request.status == 502) return;
      universe_.require(!rules.all_answered, "nothing was wrong, and yet an error: " + text);
      universe_.require(!rules.gets_answered || request.body_bytes > 0 || request.disturbed,
                        "refused without a body: " + text);
      universe_.require(!rules.repeatable_answered || !request.repeatable() || request.disturbed,
                        "lost in a restart: " + text);
      return;
    case Outcome::cut:
      universe_.require(rules.cuts_allowed || request.disturbed || request.too_long,
                        "cut for no reason: " + text);
      return;
    case Outcome::closed_before:
      universe_.require(
          rules.closes_allowed || request.close_was_told || request.too_long || request.disturbed,
          "closed without a word: " + text);
      return;
  }
}

std::size_t Ledger::count(Outcome outcome, int status) const {
  std::size_t n = 0;
  for (const Request& request : requests_) {
    if (request.outcome == outcome && (status == 0 || request.status == status)) ++n;
  }
  return n;
}

}  // namespace holdfast::sim
