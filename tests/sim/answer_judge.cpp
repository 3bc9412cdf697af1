// See answer_judge.h. The admin endpoint's answers are in admin_judge.cpp.
#include "answer_judge.h"

#include <algorithm>

#include "site_folder.h"

namespace holdfast::sim {

namespace {

constexpr std::size_t kCompressedLeast = 1024;  // bytes; a smaller body goes as it is (config/README.md)

bool names(std::string_view list, std::string_view name) {
  return list.find(name) != std::string_view::npos;
}

// A site's own page stands for these, once the site is known; php's own 500 is not replaced.
bool has_own_page(int status) {
  return status == 404 || status == 502 || status == 503 || status == 504;
}

// Before the site is known, or because the rest of the request has not come.
bool is_of_no_site(int status) {
  return status == 400 || status == 408;
}

std::size_t body_size(const Request& request) {
  return has_file(request.wish) ? SiteFolder::get().files()[request.file].bytes.size() : request.answer_bytes;
}

// Its whole 200 is worth compressing.
bool is_compressible(const Request& request) {
  if (request.wish == Wish::handed_over) return true;  // its script says that it is text
  if (request.wish == Wish::file) return SiteFolder::get().files()[request.file].text;
  return is_script(request.wish) && !request.streamed;
}

std::string range_text(std::size_t first, std::size_t last, std::size_t size) {
  return "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(size);
}

}  // namespace

std::string AnswerJudge::etag_of(std::size_t file) const {
  const auto found = etags_.find(file);
  return found == etags_.end() ? std::string() : found->second;
}

Verdict AnswerJudge::judge_head(std::size_t tag, int status, Fields& fields) {
  Request& request = ledger_.at(tag);
  const Answer answer{tag, status, fields};
  if (is_admin(request.wish)) return judge_admin_head(answer);
  Verdict verdict;
  switch (request.wish) {
    case Wish::handed_over:
    case Wish::file: verdict = judge_file(answer); break;
    case Wish::missing:
    case Wish::denied:
    case Wish::redirected: verdict = judge_route(answer); break;
    default: verdict = judge_script(answer); break;  // scripts
  }
  if (!verdict.wrong.empty()) return verdict;
  if (!verdict.right && fields.contains("x-tag"))
    verdict.wrong = "php's fields with status " + std::to_string(status);
  verdict.gzip = fields.contains("content-encoding");
  if (verdict.gzip && fields["content-encoding"] != "gzip") verdict.wrong = "Content-Encoding";
  if (!house_.furnished()) return verdict;
  const auto fits_answer = [&](const House::State& state) { return fits(state, answer, verdict); };
  if (!house_.any_since(request, fits_answer)) {
    verdict.wrong = std::string(wish_name(request.wish)) + ", " + std::to_string(status) +
                    ": this follows from no configuration that was in force";
    return verdict;
  }
  if (verdict.right) return verdict;
  verdict.excused = house_.any_since(request, [&](const House::State& state) {
    const bool no_site = House::place_of(state, request.wish) == House::Place::none;
    const bool no_pool = House::uses_second_pool(request.wish) && !state.has_second_pool();
    return (status == 421 && no_site) || (status == 503 && no_pool);
  });
  const bool of_second = fields["x-site"] == House::param_of(House::Place::second);
  if (of_second && has_own_page(status)) {
    verdict.body = Verdict::Body::text;
    verdict.text = SiteFolder::get().error_page(status);
  }
  return verdict;
}

// Could a server that is configured like this have said it?
bool AnswerJudge::fits(const House::State& state, const Answer& answer, const Verdict& verdict) const {
  const Request& request = ledger_.at(answer.tag);
  Fields& fields = answer.fields;
  if (is_of_no_site(answer.status)) return true;
  const House::Place place = House::place_of(state, request.wish);
  if (place == House::Place::none || request.own) return answer.status == 421 && !fields.contains("x-site");
  if (answer.status == 421) return false;
  if (fields["x-site"] != House::param_of(place)) return false;
  if ((request.wish == Wish::file) != fields.contains("x-route")) return false;

  const bool may_be = state.gzip(place) && verdict.right && is_compressible(request);
  // A HEAD tells of it too, and then names no length; where no length is known it cannot tell.
  const bool unsure = request.method == "HEAD" && fields["content-length"].empty();
  if (verdict.gzip)
    return may_be && answer.status == 200 && request.takes_gzip && !request.http_1_0 &&
           (request.method != "HEAD" || unsure);
  if (!may_be || answer.status != 200 || body_size(request) < kCompressedLeast) return true;
  if (!names(fields["vary"], "Accept-Encoding")) return false;
  return unsure || !request.takes_gzip || request.http_1_0;
}

Verdict AnswerJudge::judge_script(const Answer& answer) const {
  const Request& request = ledger_.at(answer.tag);
  Verdict verdict;
  verdict.right = answer.status == 200;
  if (!verdict.right) return verdict;
  verdict.body = Verdict::Body::script;
  if (answer.fields["x-tag"] != Ledger::tag_text(answer.tag))
    verdict.wrong = "tag of another: " + answer.fields["x-tag"];
  if (answer.fields["x-length"] != std::to_string(request.answer_bytes)) verdict.wrong = "X-Length";
  return verdict;
}

// RFC 9110 13 and 14.
Verdict AnswerJudge::judge_file(const Answer& answer) {
  const Request& request = ledger_.at(answer.tag);
  const SiteFolder::File& file = SiteFolder::get().files()[request.file];
  const std::size_t size = file.bytes.size();
  const bool ranges = request.method == "GET";
  Verdict verdict;
  verdict.body = Verdict::Body::text;
  int wanted = 200;
  verdict.text = file.bytes;
  std::string range;
  switch (request.ask) {
    case FileAsk::whole:
    case FileAsk::if_other:
    case FileAsk::part_if_was: break;
    case FileAsk::if_changed: wanted = 304; break;
    case FileAsk::past_end:
      if (!ranges) break;
      wanted = 416;
      verdict.text.clear();
      range = "bytes */" + std::to_string(size);
      break;
    case FileAsk::part:
      if (!ranges) break;
      wanted = 206;
      verdict.text = file.bytes.substr(request.first, request.last - request.first + 1);
      range = range_text(request.first, request.last, size);
      break;
    case FileAsk::parts: {
      if (!ranges) break;
      wanted = 206;
      const std::string type = answer.fields["content-type"];
      const std::size_t boundary = std::min(type.size(), type.find("boundary=") + 9);  // npos + 9 is 8
      const std::string begin = "\r\n--" + type.substr(boundary);
      verdict.text.clear();
      for (const std::size_t at : {request.first, request.last})
        verdict.text += begin + "\r\nContent-Type: " + std::string(file.type) +
                        "\r\nContent-Range: " + range_text(at, at, size) + "\r\n\r\n" + file.bytes[at];
      verdict.text += begin + "--\r\n";
      break;
    }
  }
  verdict.right = answer.status == wanted;
  if (!verdict.right) {
    verdict.body = Verdict::Body::any;
    return verdict;
  }
  if (answer.fields["content-range"] != range) verdict.wrong = "Content-Range";
  const bool encoded = answer.fields.contains("content-encoding");
  const std::string length = answer.fields["content-length"];
  if (wanted != 304 && !encoded && !length.empty() && length != std::to_string(verdict.text.size()))
    verdict.wrong = "Content-Length " + length;
  if (request.wish == Wish::handed_over && answer.fields["x-tag"] != Ledger::tag_text(answer.tag))
    verdict.wrong = "tag of another: " + answer.fields["x-tag"];
  if (const std::string wrong = check_file_fields(answer, !encoded); !wrong.empty()) verdict.wrong = wrong;
  return verdict;
}

// Empty, or what is wrong. Learns the file's tag.
std::string AnswerJudge::check_file_fields(const Answer& answer, bool plain) {
  const Request& request = ledger_.at(answer.tag);
  const SiteFolder::File& file = SiteFolder::get().files()[request.file];
  std::string etag = answer.fields["etag"];
  // Other bytes under one strong tag would be taken for the file's (RFC 9110 8.8.3.3).
  if (etag.starts_with("W/") == plain && answer.status != 304) return "ETag " + etag;
  if (etag.starts_with("W/")) etag.erase(0, 2);
  const auto known = etags_.emplace(request.file, etag).first;
  if (etag.size() < 3 || known->second != etag) return "ETag " + etag + ", it was " + known->second;
  for (const auto& [other, tag] : etags_) {
    if (other != request.file && tag == etag) return "two files with one ETag";
  }
  if (!answer.fields.contains("last-modified")) return "no Last-Modified";
  if (answer.status == 200 || answer.status == 206) {
    const std::string type = answer.fields["content-type"];
    const bool multipart = type.starts_with("multipart/byteranges; boundary=");
    const std::string_view wanted = request.wish == Wish::file ? file.type : std::string_view("text/plain");
    if (multipart != (request.ask == FileAsk::parts && answer.status == 206)) return "Content-Type " + type;
    if (!multipart && type != wanted) return "Content-Type " + type;
  }
  const bool kept = request.wish == Wish::file && answer.status != 416;
  if (kept && answer.fields["cache-control"] != "max-age=3600") return "Cache-Control";
  return {};
}

Verdict AnswerJudge::judge_route(const Answer& answer) const {
  const Request& request = ledger_.at(answer.tag);
  Verdict verdict;
  if (request.wish == Wish::denied) {
    verdict.right = answer.status == 403;
  } else if (request.wish == Wish::missing) {
    verdict.right = answer.status == 404;
    verdict.body = Verdict::Body::text;
    verdict.text = SiteFolder::get().error_page(404);
  } else {
    verdict.right = answer.status == 301;
    if (verdict.right && answer.fields["location"] != "/new/" + Ledger::tag_text(answer.tag) + "?q=1")
      verdict.wrong = "Location " + answer.fields["location"];
  }
  if (!verdict.right) verdict.body = Verdict::Body::any;
  return verdict;
}

}  // namespace holdfast::sim
