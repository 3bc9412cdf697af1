// See request_text.h.
#include "request_text.h"

#include "site_folder.h"

namespace holdfast::sim {

namespace {

std::string target_of(const Request& request, std::size_t tag, const House& house) {
  const std::string script = std::string(House::script_of(request.wish)) + "?tag=" + Ledger::tag_text(tag);
  const std::string pool = "/pools/" + house.now().second_name();
  switch (request.wish) {
    case Wish::script:
    case Wish::wiki:
    case Wish::second:
    case Wish::routed:
    case Wish::handed_over: return script;
    case Wish::file: return "/files/" + std::string(SiteFolder::get().files()[request.file].name);
    case Wish::missing: return "/nothing/" + Ledger::tag_text(tag);
    case Wish::denied: return "/deny/secret.txt";
    case Wish::redirected: return "/old/" + Ledger::tag_text(tag) + "?q=1";
    case Wish::status:
    case Wish::other_host: return "/status";
    case Wish::metrics: return "/metrics";
    case Wish::ready: return "/readyz";
    case Wish::events: return "/events";
    case Wish::recycle: return pool + "/recycle";
    case Wish::pause: return pool + "/pause";
    case Wish::resume: return pool + "/resume";
  }
  return "/";
}

std::string_view host_of(const Request& request) {
  if (request.own) return "elsewhere.example";
  if (request.wish == Wish::other_host) return "evil.example";
  if (is_admin(request.wish)) return "localhost";
  return request.wish == Wish::script || request.wish == Wish::wiki ? "example.com" : "b.example";
}

std::string file_fields(const Request& request, const std::string& etag) {
  const std::size_t size = SiteFolder::get().files()[request.file].bytes.size();
  const std::string first = std::to_string(request.first);
  const std::string last = std::to_string(request.last);
  switch (request.ask) {
    case FileAsk::whole: return {};
    case FileAsk::part: return "Range: bytes=" + first + "-" + last + "\r\n";
    case FileAsk::parts: return "Range: bytes=" + first + "-" + first + "," + last + "-" + last + "\r\n";
    case FileAsk::past_end: return "Range: bytes=" + std::to_string(size) + "-\r\n";
    case FileAsk::if_changed: return "If-None-Match: \"x\", " + etag + "\r\n";
    case FileAsk::if_other: return "If-None-Match: \"x\"\r\n";
    case FileAsk::part_if_was: return "Range: bytes=" + first + "-" + last + "\r\nIf-Range: \"x\"\r\n";
  }
  return {};
}

}  // namespace

std::string request_beginning(Request& request, std::size_t tag, const AnswerJudge& judge) {
  const std::string etag = judge.etag_of(request.file);
  if (request.ask == FileAsk::if_changed && etag.empty()) request.ask = FileAsk::whole;
  std::string text = request.method + " " + target_of(request, tag, judge.house()) +
                     (request.http_1_0 ? " HTTP/1.0" : " HTTP/1.1") +
                     "\r\nHost: " + std::string(host_of(request)) + "\r\n";
  if (request.takes_gzip) text += "Accept-Encoding: br, gzip;q=0.5\r\n";
  if (has_file(request.wish)) text += file_fields(request, etag);
  return text;
}

}  // namespace holdfast::sim
