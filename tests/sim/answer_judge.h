// What the answer to a request may be: by its kind and by what was configured meanwhile. Written from the
// documentation and the RFCs, and shares no line with the program. One for all clients of a run: remembers
// what earlier answers have said of a file.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "house.h"
#include "ledger.h"

namespace holdfast::sim {

using Fields = std::map<std::string, std::string>;  // names in lower case

struct Verdict {
  // any: it is not looked at; script: Ledger::answer() of the request; collected: looked at when it is whole,
  // or as it comes (events).
  enum class Body : std::uint8_t { any, script, text, collected };
  std::string wrong;     // not empty: no right server says this
  bool right = false;    // what was asked for
  bool excused = false;  // else: what was in force explains it
  Body body = Body::any;
  std::string text;  // Body::text
  bool gzip = false;
};

class AnswerJudge {
 public:
  // Both outlive it.
  AnswerJudge(Universe& universe, Ledger& ledger, const House& house)
      : universe_(universe), ledger_(ledger), house_(house) {}

  // A final response's head.
  Verdict judge_head(std::size_t tag, int status, Fields& fields);
  // A whole body of the admin endpoint; of events also a part. Empty, or what is wrong with it.
  std::string judge_admin_body(std::size_t tag, int status, std::string_view body) const;

  const House& house() const { return house_; }
  // An address (TCP) or a Unix socket: who may open that one may say any name.
  bool admin_is_unix = false;
  // The ETag of a file, as answers have told it; empty: none yet.
  std::string etag_of(std::size_t file) const;

 private:
  struct Answer {
    std::size_t tag;
    int status;
    Fields& fields;
  };
  Verdict judge_script(const Answer& answer) const;
  Verdict judge_file(const Answer& answer);
  Verdict judge_route(const Answer& answer) const;
  Verdict judge_admin_head(const Answer& answer) const;
  std::string check_file_fields(const Answer& answer, bool plain);
  bool fits(const House::State& state, const Answer& answer, const Verdict& verdict) const;
  std::string judge_status(const Request& request, std::string_view body) const;
  std::string judge_metrics(const Request& request, std::string_view body) const;
  static std::string judge_events(std::string_view body);
  bool is_right_count(const Request& request, double requests) const;

  Universe& universe_;
  Ledger& ledger_;
  const House& house_;
  std::map<std::size_t, std::string> etags_;  // by file, as a strong one
};

}  // namespace holdfast::sim
